//! Items in the latents of a model.

use std::fmt;
use std::sync::Arc;

use pyrogen_data::Data;
use pyrogen_metrics::{Features, MetricError};
use pyrogen_model::{Control, Error, Latent, Model, Request};

/// The latents that a model encodes items to: means of a VAE's posteriors, codes' vectors, the noise of a
/// flow. The name has the family and the hash of the model's card.
///
/// A model says what its training told it: compare models of some data in the latents of one that is not
/// among them, trained on other items of the same kind.
#[derive(Clone)]
pub struct LatentEmbedding {
    latent: Arc<dyn Latent>,
    name: String,
}

impl fmt::Debug for LatentEmbedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LatentEmbedding").field("name", &self.name).finish_non_exhaustive()
    }
}

impl LatentEmbedding {
    /// The latents of a model.
    ///
    /// # Errors
    /// A model that does not encode.
    pub fn new(model: &Model) -> Result<Self, Error> {
        let latent = model.latent()?.clone();
        let hash: String = model.card().weights_sha256.chars().take(8).collect();
        let name = format!("latents-{}-{}:{hash}", model.about().family, latent.space().dims);
        Ok(Self { latent, name })
    }

    /// The name, with the hash of the weights.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Features of items.
    ///
    /// # Errors
    /// Items that the model does not take, such as pictures of another size, or latents that are not finite.
    pub fn features(&self, items: &Data) -> Result<Features, MetricError> {
        let found = self.latent.encode(items, &Request::seed(0), &Control::new());
        let latents = found.map_err(|e| MetricError::Option {
            metric: "embedding",
            option: "items",
            expected: format!("items that {} encodes", self.name),
            got: e.to_string(),
        })?;
        let values = latents.values.iter().map(|&v| f64::from(v)).collect();
        Features::new(values, latents.len(), latents.dims)?.named(self.name.clone())
    }
}
