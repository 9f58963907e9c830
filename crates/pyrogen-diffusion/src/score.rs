//! How probable examples are.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{Condition, Likelihood, Noise, flatten};

use crate::Diffusion;
use crate::bound::variational_bound;

impl Diffusion {
    /// The variational bound of the chain through all levels of the process (for a continuous one
    /// through a thousand), with so many draws of its steps.
    ///
    /// # Units
    /// Nats, of the examples as the model sees them.
    ///
    /// # Panics
    /// If there are no draws, `x` is not a batch of events, or the condition does not fit.
    pub fn lower_bound<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        draws: usize,
        noise: &mut Noise,
    ) -> Likelihood {
        let model = self.valid();
        let x = flatten(x, &model.config().event);
        let x = if x.device().is_autodiff() { x.inner() } else { x };
        let told = model.network.told(condition, x.dims()[0]);
        let clean = |x, sigmas: &[f64]| model.clean(x, sigmas, &told);
        variational_bound(clean, x, &model.levels.chain(), draws, noise)
    }
}
