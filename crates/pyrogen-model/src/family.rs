//! [`Family`]: how a crate of models joins the door.

use std::fmt;
use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use serde::Serialize;

use crate::{Error, LatentKind, Model, OptionSpec, Options};

/// Something that a model may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ability {
    /// Draws new items.
    Generate,
    /// Fills in the rest of items that are partly given.
    Complete,
    /// Makes items like given ones.
    Vary,
    /// Makes items piece by piece.
    Stream,
    /// Says how probable items are.
    Score,
    /// Says how unusual items are, without a likelihood.
    Rank,
    /// Encodes items and decodes latents.
    Latent,
    /// Says which state, topic or component each item belongs to.
    Assign,
    /// Answers questions on marginals, given evidence.
    Query,
    /// Says what it has learnt: tables and warnings for a report.
    Inspect,
}

impl Ability {
    /// Every ability.
    pub const ALL: [Self; 10] = [
        Self::Generate,
        Self::Complete,
        Self::Vary,
        Self::Stream,
        Self::Score,
        Self::Rank,
        Self::Latent,
        Self::Assign,
        Self::Query,
        Self::Inspect,
    ];

    /// The name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Complete => "complete",
            Self::Vary => "vary",
            Self::Stream => "stream",
            Self::Score => "score",
            Self::Rank => "rank",
            Self::Latent => "latent",
            Self::Assign => "assign",
            Self::Query => "query",
            Self::Inspect => "inspect",
        }
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A family of models: opens their folders and, with the feature `train`, trains them.
pub trait Family: Send + Sync {
    /// Its name, as the card of a model folder and the command line have it.
    fn name(&self) -> &'static str;

    /// One line.
    fn about(&self) -> &'static str;

    /// The modalities that it learns.
    fn takes(&self) -> &'static [Modality];

    /// What its models can do, as far as their settings allow: [`open`](Self::open) fills no more.
    fn abilities(&self) -> Vec<Ability>;

    /// Whether a class may be the condition of its models.
    fn takes_class(&self) -> bool {
        false
    }

    /// The options by which its models sample, as far as they do not depend on a folder.
    fn sampling(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// Kinds of likelihood, best first.
    fn likelihoods(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// What anomalies are ranked by, for families without a likelihood.
    fn anomaly_score(&self) -> Option<&'static str> {
        None
    }

    /// What its models' latents are, where they have some.
    fn latents(&self) -> Option<LatentKind> {
        None
    }

    /// Opens a model folder of the family.
    ///
    /// # Errors
    /// A file that is missing or damaged, or parts that contradict each other.
    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error>;

    /// The options by which its models are opened.
    fn opening(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// Opens a model folder of the family by options of [`opening`](Self::opening).
    ///
    /// # Errors
    /// As [`open`](Self::open), and an option that cannot be used.
    fn open_with(
        &self,
        folder: &ModelFolder,
        device: &Device,
        options: &Options,
    ) -> Result<Model, Error> {
        let _ = options;
        self.open(folder, device)
    }

    /// Opens a folder that the family [`knows`](Self::knows) by options of
    /// [`opening`](Self::opening).
    ///
    /// # Errors
    /// As [`open_known`](Self::open_known), and an option that cannot be used.
    fn open_known_with(
        &self,
        path: &Path,
        device: &Device,
        options: &Options,
    ) -> Result<Model, Error> {
        let _ = options;
        self.open_known(path, device)
    }

    /// Whether a folder without a card, another program's, is of a kind that the family opens.
    fn knows(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// Opens a folder that the family [`knows`](Self::knows).
    ///
    /// # Errors
    /// A file that is missing or damaged, or a part that is not known here.
    fn open_known(&self, path: &Path, device: &Device) -> Result<Model, Error> {
        let _ = device;
        let message = format!("family `{}` opens its own folders alone", self.name());
        Err(Error::Contradiction { path: path.to_path_buf(), message })
    }

    /// How its models are trained; None where they are not.
    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn crate::train::Train> {
        None
    }

    /// Checks that the family takes data of a modality.
    ///
    /// # Errors
    /// Where it does not; the message lists what it takes.
    fn check_modality(&self, got: Modality) -> Result<(), Error> {
        if self.takes().contains(&got) {
            return Ok(());
        }
        let takes: Vec<&str> = self.takes().iter().map(|m| m.name()).collect();
        let takes = takes.join(", ");
        Err(Error::Modality { family: self.name().to_string(), got, takes })
    }
}
