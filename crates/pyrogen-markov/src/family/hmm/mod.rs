//! The family `hmm`: hidden Markov models of sequences.

mod can;
mod complete;
mod figure;
mod inspect;
mod saved;
mod settings;
#[cfg(feature = "train")]
mod training;

use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::{Ability, About, Capabilities, Error, ErrorKind, Family, Model};

pub use saved::{Columns, Saved, Tried};
pub use settings::{EmissionKind, HmmSettings};

use crate::MarkovError;

/// The name of the family.
pub const FAMILY: &str = "hmm";

/// The family `hmm`.
#[derive(Debug, Clone, Copy)]
pub struct HmmFamily;

/// An error of the models in the door's terms.
fn named(error: MarkovError) -> Error {
    let kind = match &error {
        MarkovError::Config(e) => return e.clone().into(),
        MarkovError::Fell { .. }
        | MarkovError::NotFinite { .. }
        | MarkovError::Covariance { .. } => ErrorKind::Numerics,
        MarkovError::Request { .. } => ErrorKind::Request,
        _ => ErrorKind::Data,
    };
    Error::other(kind, error)
}

impl Family for HmmFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "hidden Markov models: Gaussian, mixture, Poisson, categorical, multinomial, Bernoulli, gamma, \
         Student's t and autoregressive states; missing values; states chosen by BIC"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Sequences]
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::{Assign, Complete, Generate, Inspect, Query, Score};
        vec![Generate, Complete, Score, Assign, Query, Inspect]
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["exact"]
    }

    fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
        folder.expect_family(FAMILY)?;
        let saved: Saved = folder.load_json()?;
        saved.check().map_err(|message| {
            let path = folder.path().to_path_buf();
            Error::Contradiction { path, message: format!("model.json: {message}") }
        })?;
        let about = About::new(FAMILY, Modality::Sequences, saved.model.free_parameters());
        let hmm = Arc::new(can::Regimes(saved));
        let mut can = Capabilities::default();
        can.generate = Some(hmm.clone());
        can.complete = Some(hmm.clone());
        can.score = Some(hmm.clone());
        can.assign = Some(hmm.clone());
        can.query = Some(hmm.clone());
        can.inspect = Some(hmm);
        Ok(Model::new(about, folder.path(), folder.card().clone(), can))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
