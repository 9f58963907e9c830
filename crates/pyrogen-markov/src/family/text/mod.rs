//! The family `markov`: Markov chains of text.

mod can;
mod chain;
mod pieces;
mod settings;
mod tokens;
#[cfg(feature = "train")]
mod training;
mod write;

use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::{Ability, About, Capabilities, Error, Family, Model};

pub use chain::{Saved, TextChain};
pub use settings::{MarkovSettings, SmoothingKind};
pub use tokens::Tokens;

/// The name of the family.
pub const FAMILY: &str = "markov";

/// The family `markov`.
#[derive(Debug, Clone, Copy)]
pub struct MarkovFamily;

impl Family for MarkovFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "Markov chains over the words, characters or bytes of a text: prediction by partial matching, \
         Kneser-Ney and Witten-Bell smoothing, or none; text that does not copy"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Text]
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::{Complete, Generate, Inspect, Query, Score, Stream};
        vec![Generate, Complete, Stream, Score, Query, Inspect]
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["exact"]
    }

    fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
        folder.expect_family(FAMILY)?;
        let saved: Saved = folder.load_json()?;
        let contradiction = |message: String| {
            let path = folder.path().to_path_buf();
            Error::Contradiction { path, message: format!("model.json: {message}") }
        };
        let chain = TextChain::new(&saved).map_err(|e| contradiction(e.to_string()))?;
        let about = About::new(FAMILY, Modality::Text, chain.runs());
        let text = Arc::new(can::Texts(chain));
        let mut can = Capabilities::default();
        can.generate = Some(text.clone());
        can.complete = Some(text.clone());
        can.stream = Some(text.clone());
        can.score = Some(text.clone());
        can.query = Some(text.clone());
        can.inspect = Some(text);
        Ok(Model::new(about, folder.path(), folder.card().clone(), can))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
