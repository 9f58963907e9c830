//! How mixtures join the one door: their settings, the columns of a table, training, and what a
//! model can do.

mod can;
mod columns;
mod config;
mod inspect;
mod saved;
#[cfg(feature = "train")]
mod training;

use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::{Ability, About, Capabilities, Error, Family, Model, Registry};

pub use columns::Columns;
pub use config::{Covariance, GmmConfig};
pub use saved::{Saved, Tried};

/// The name of the family.
pub const FAMILY: &str = "gmm";

/// The registry with the family of this crate.
pub fn register(registry: Registry) -> Registry {
    registry.with(GmmFamily)
}

/// The family `gmm`: Gaussian mixtures, latent classes, and both together.
#[derive(Debug, Clone, Copy)]
pub struct GmmFamily;

impl Family for GmmFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "Gaussian mixtures with the fourteen covariance models, and latent classes for columns of \
         texts; missing cells by exact expectation maximisation; components chosen by BIC"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Table, Modality::Points]
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
            Error::Contradiction { path, message }
        })?;
        let about = About::new(FAMILY, saved.columns.modality(), saved.mixture.parameters());
        let layout = saved.columns.layout().clone();
        let gmm = Arc::new(can::Gmm(saved));
        let mut can = Capabilities::default();
        can.generate = Some(gmm.clone());
        can.complete = Some(gmm.clone());
        can.score = Some(gmm.clone());
        can.assign = Some(gmm.clone());
        can.query = Some(gmm.clone());
        can.inspect = Some(gmm);
        Ok(Model::new(about, folder.path(), folder.card().clone(), can).with_layout(layout))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
