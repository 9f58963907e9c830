//! The distribution of an example given its latents.

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use pyrogen_core::distribution::{
    Bernoulli, DiscretisedLogistic, Distribution, Independent, Moments, Normal,
};
use pyrogen_nn::soft_bound;

use crate::{Decoder, Scale};

/// Log-scales stay within this distance of 0, smoothly: scales between 4.5e-5 and 2.2e4.
const LOG_SCALE_LIMIT: f64 = 10.0;

/// Where learned and predicted log-scales start from. In data on `[0, 1]` or standardised, a
/// network that has learned nothing errs by about this scale, 0.37.
const INITIAL_LOG_SCALE: f64 = -1.0;

/// The distribution of flat examples given their latents: what [`Vae::likelihood`] gives.
///
/// Values are `[batch, features]`, densities `[batch]`, in nats.
///
/// [`Vae::likelihood`]: crate::Vae::likelihood
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DecoderDistribution {
    /// Normal.
    Gaussian(Independent<Normal<2>>),
    /// Bernoulli.
    Bernoulli(Independent<Bernoulli<2>>),
    /// Discretised logistic.
    DiscretisedLogistic(Independent<DiscretisedLogistic<2>>),
}

impl DecoderDistribution {
    /// From what the decoder's network says (`[batch, maps * features]`, locations first) and the
    /// model's own log-scales (`[1]` or `[features]`), where it has any.
    pub(crate) fn new(
        decoder: &Decoder,
        features: usize,
        output: Tensor<2>,
        learned: Option<Tensor<1>>,
    ) -> Self {
        let rows = output.dims()[0];
        let location = output.clone().slice([0..rows, 0..features]);
        let log_scale = |scale: &Scale| match scale {
            Scale::Fixed(value) => Tensor::full([1, 1], value.ln(), &output.device()),
            Scale::Shared | Scale::PerFeature => {
                let own = learned.expect("the model holds the log-scales that its config names");
                bounded(own.unsqueeze())
            }
            Scale::Predicted => bounded(output.clone().slice([0..rows, features..2 * features])),
        };
        match decoder {
            Decoder::Gaussian { scale } => {
                let log_var = log_scale(scale) * 2.0;
                Self::Gaussian(Independent::new(Normal::new(location, log_var)))
            }
            Decoder::Bernoulli => Self::Bernoulli(Independent::new(Bernoulli::new(location))),
            Decoder::DiscretisedLogistic { levels, scale } => {
                let base = DiscretisedLogistic::new(location, log_scale(scale), *levels);
                Self::DiscretisedLogistic(Independent::new(base))
            }
        }
    }
}

fn bounded(raw: Tensor<2>) -> Tensor<2> {
    soft_bound(raw + INITIAL_LOG_SCALE, LOG_SCALE_LIMIT)
}

impl Distribution<2, 1> for DecoderDistribution {
    fn log_prob(&self, value: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Gaussian(p) => p.log_prob(value),
            Self::Bernoulli(p) => p.log_prob(value),
            Self::DiscretisedLogistic(p) => p.log_prob(value),
        }
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<2> {
        match self {
            Self::Gaussian(p) => p.sample(noise),
            Self::Bernoulli(p) => p.sample(noise),
            Self::DiscretisedLogistic(p) => p.sample(noise),
        }
    }
}

impl Moments<2> for DecoderDistribution {
    fn mean(&self) -> Tensor<2> {
        match self {
            Self::Gaussian(p) => p.mean(),
            Self::Bernoulli(p) => p.mean(),
            Self::DiscretisedLogistic(p) => p.mean(),
        }
    }

    fn variance(&self) -> Tensor<2> {
        match self {
            Self::Gaussian(p) => p.variance(),
            Self::Bernoulli(p) => p.variance(),
            Self::DiscretisedLogistic(p) => p.variance(),
        }
    }
}
