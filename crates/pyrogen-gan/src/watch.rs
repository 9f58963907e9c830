//! What a collapse monitor asks.

use burn::tensor::Tensor;
use pyrogen_core::{Batch, Noise, Watch};

use crate::Gan;
use crate::dual::Dual;
use crate::given::Given;

impl Watch for Gan {
    /// # Panics
    /// If the batch lacks the labels or contexts that the model needs.
    fn generate(&self, batch: &Batch<2>, noise: &mut Noise) -> Batch<2> {
        let rows = batch.x.dims()[0];
        let given = Given::read(self, &batch.condition(), rows);
        let z = noise.normal([rows, self.config().latents], &batch.x.device());
        let x = self.shown(self.generator.forward(z, &given));
        Batch { x, labels: batch.labels.clone(), context: batch.context.clone() }
    }

    /// The mean over the places, for a patch discriminator.
    ///
    /// # Panics
    /// As [`generate`](Watch::generate).
    fn judge(&self, batch: Batch<2>) -> Tensor<1> {
        let rows = batch.x.dims()[0];
        let given = Given::read(self, &batch.condition(), rows);
        let seen = Dual::plain(self.seen(batch.x));
        let logits = self.discriminator.forward(seen, &given).logits.value;
        logits.mean_dim(1).flatten(0, 1)
    }
}
