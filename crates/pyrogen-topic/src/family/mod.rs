//! How topic models join the one door.

mod capabilities;
mod config;
mod figures;
mod findings;
mod model;
#[cfg(feature = "train")]
mod training;

use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::{Ability, About, Capabilities, Error, ErrorKind, Family, Model, Registry};

pub use config::{Inference, Labels, LdaConfig};
pub use model::LdaModel;

use crate::TopicError;
use capabilities::Lda;

/// Latent Dirichlet allocation.
#[derive(Debug, Clone, Copy, Default)]
pub struct LdaFamily;

const TAKES: [Modality; 2] = [Modality::Documents, Modality::Text];

impl Family for LdaFamily {
    fn name(&self) -> &'static str {
        "lda"
    }

    fn about(&self) -> &'static str {
        "topics of documents: latent Dirichlet allocation by Gibbs sampling or variational Bayes"
    }

    fn takes(&self) -> &'static [Modality] {
        &TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Assign, Ability::Inspect]
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["estimate", "lower_bound"]
    }

    fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
        folder.expect_family(self.name())?;
        let model: LdaModel = folder.load_json()?;
        model.check().map_err(|message| Error::Contradiction {
            path: folder.path().to_path_buf(),
            message,
        })?;
        let card = folder.card().clone();
        let modality = match card.modality.as_deref() {
            Some("text") => Modality::Text,
            _ => Modality::Documents,
        };
        let about = About::new(self.name(), modality, model.parameters());
        let lda = Arc::new(Lda { model, modality });
        let mut can = Capabilities::default();
        can.generate = Some(lda.clone());
        can.score = Some(lda.clone());
        can.assign = Some(lda.clone());
        can.inspect = Some(lda);
        Ok(Model::new(about, folder.path(), card, can))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

/// The registry with every method of this crate.
pub fn register(registry: Registry) -> Registry {
    registry.with(LdaFamily)
}

/// The error behind the door.
fn error(error: TopicError) -> Error {
    match error {
        TopicError::Config(e) => e.into(),
        TopicError::NotFinite { .. } => Error::other(ErrorKind::Numerics, error),
        error => Error::other(ErrorKind::Data, error),
    }
}
