//! The distribution of the latents.

use burn::tensor::Tensor;
use pyrogen_core::distribution::{
    Distribution, Independent, Mixture, Moments, Normal, Reparameterized,
};
use pyrogen_core::{ConfigError, Noise, Posterior};
use serde::{Deserialize, Serialize};

use crate::Vae;
use crate::condition::Given;
use pyrogen_core::config::check::at_least_one;

/// The prior `p(z)`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Prior {
    /// Normal with mean 0 and variance 1.
    #[default]
    Standard,
    /// The mixture of the posteriors of `components` learned examples, the pseudo-inputs `u_k`
    /// (Tomczak and Welling 2018, eq. 9):
    ///
    /// ```text
    /// p(z) = 1/K sum_k q(z | u_k)
    /// ```
    ///
    /// Its divergence from a posterior has no closed form; the loss estimates it at the latent
    /// draws. Pseudo-inputs are kept within `[0, 1]` where the decoder is for such data.
    /// [`Vae::init_from_data`] starts them at examples, which is much better than the arbitrary
    /// values they have otherwise.
    Vamp {
        /// Number of pseudo-inputs, `K`.
        components: usize,
    },
}

impl Prior {
    pub(crate) fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match self {
            Self::Standard => Ok(()),
            Self::Vamp { components } => {
                at_least_one(&format!("{field}.vamp.components"), *components)
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Vamp { .. } => "vamp",
        }
    }

    pub(crate) fn pseudo_inputs(&self) -> usize {
        match self {
            Self::Standard => 0,
            Self::Vamp { components } => *components,
        }
    }
}

/// The posteriors of the pseudo-inputs with equal weights.
type VampMixture = Mixture<Independent<Normal<3>, 2>, 3, 2>;

impl Vae {
    /// The posteriors of the pseudo-inputs, over `[components, latents]`; none with a standard
    /// prior.
    pub fn prior_components(&self) -> Option<Independent<Normal<2>>> {
        let inputs = self.pseudo_inputs.as_ref()?.val();
        let inputs = match self.config().decoder.is_unit() {
            true => inputs.clamp(0.0, 1.0),
            false => inputs,
        };
        match self.posterior_given(inputs, &Given::default()) {
            Posterior::Gaussian(components) => Some(components),
            _ => unreachable!("a mixture of posteriors is refused with a deterministic encoder"),
        }
    }

    /// `ln p(z)` of each row, in nats.
    ///
    /// # Panics
    /// If `z` has another width.
    pub fn prior_log_prob(&self, z: Tensor<2>) -> Tensor<1> {
        match self.prior_components() {
            None => Independent::new(Normal::standard(z.dims(), &z.device())).log_prob(z),
            Some(components) => mixture(&components).log_prob(z),
        }
    }

    /// `n` draws from the prior with its spread scaled by the temperature, `[n, latents]`.
    pub(crate) fn prior_sample(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2> {
        let (latents, device) = (self.config().latents, self.device());
        let epsilon = noise.normal([n, latents], &device) * temperature;
        let Some(components) = self.prior_components() else { return epsilon };
        let normal = components.base();
        let count = normal.log_var().dims()[0];
        let pick = noise.uniform([n, 1], &device) * count as f64;
        let pick = pick.int().clamp_max(count as i64 - 1).expand([n, latents]);
        let of = |x: Tensor<2>| x.gather(0, pick.clone());
        let mean = normal.mean();
        Normal::new(of(mean), of(normal.log_var())).reparameterize(epsilon)
    }
}

/// The mixture of the rows of `components`.
fn mixture(components: &Independent<Normal<2>>) -> VampMixture {
    let normal = components.base();
    let mean: Tensor<2> = normal.mean();
    let [count, _] = mean.dims();
    let device = mean.device();
    let base = Normal::new(mean.unsqueeze_dim(0), normal.log_var().unsqueeze_dim(0));
    Mixture::new(Tensor::zeros([1, count], &device), Independent::with_batch_rank(base))
}
