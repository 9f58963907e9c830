//! The distribution of an example given its latents.

mod colours;
mod columns;
mod config;
mod levels;

use burn::tensor::{Device, Tensor};
use pyrogen_core::distribution::{
    Bernoulli, ColourMixture, DiscretisedLogistic, Distribution, Independent, Mixture, Moments,
    Normal,
};
use pyrogen_core::{DecoderOutput, Noise};
use pyrogen_nn::soft_bound;

pub use colours::ColoursDistribution;
pub use columns::ColumnsDistribution;
pub use config::{Column, Decoder, Scale};
pub use levels::Levels;

/// Log-scales stay within this distance of 0, smoothly: scales between 4.5e-5 and 2.2e4.
const LOG_SCALE_LIMIT: f64 = 10.0;

/// Where learned and predicted log-scales start from. In data on `[0, 1]` or standardised, a
/// network that has learned nothing errs by about this scale, 0.37.
const INITIAL_LOG_SCALE: f64 = -1.0;

/// What a log-scale of the model's own is multiplied with: an optimiser that moves every
/// parameter by about its learning rate, as Adam does, moves the log-scale ten times as far. A
/// scale may have to fall by a factor of a hundred, which is 4.6 in its logarithm and 4,600 steps
/// at a rate of 0.001.
pub(crate) const OWN_SCALE_GAIN: f64 = 10.0;

/// A mixture of discretised logistics for each element.
type LogisticMixture = Mixture<DiscretisedLogistic<3>, 3, 3>;

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
    /// Mixture of discretised logistics.
    LogisticMixture(Independent<LogisticMixture>),
    /// Mixture of coupled discretised logistics for each pixel of three channels.
    ColourMixture(Box<ColoursDistribution>),
    /// Categorical over grey values.
    Categorical(Independent<Levels>),
    /// Numbers and categories.
    Columns(ColumnsDistribution),
}

impl DecoderDistribution {
    /// From what the decoder's network says (`[batch, maps * features]`, locations first), and the
    /// model's own raw log-scales and weights between features, where it has any.
    pub(crate) fn new(
        decoder: &Decoder,
        features: usize,
        output: Tensor<2>,
        own: Option<Tensor<1>>,
        between: Option<Tensor<2>>,
    ) -> Self {
        let map = |i: usize| output.clone().slice_dim(1, i * features..(i + 1) * features);
        let own = own.map(|raw| bounded(raw.unsqueeze() * OWN_SCALE_GAIN));
        let log_scale = |scale: &Scale| match scale {
            Scale::Fixed(value) => Tensor::full([1, 1], value.ln(), &output.device()),
            Scale::Predicted => bounded(map(1)),
            Scale::Shared | Scale::PerFeature => {
                own.clone().expect("the model holds the log-scales that its config names")
            }
        };
        match decoder {
            Decoder::Gaussian { scale } => {
                Self::Gaussian(Independent::new(Normal::new(map(0), log_scale(scale) * 2.0)))
            }
            Decoder::Bernoulli => Self::Bernoulli(Independent::new(Bernoulli::new(map(0)))),
            Decoder::DiscretisedLogistic { levels, scale } => {
                let base = DiscretisedLogistic::new(map(0), log_scale(scale), *levels);
                Self::DiscretisedLogistic(Independent::new(base))
            }
            Decoder::LogisticMixture { levels, components } => {
                let base = logistic_mixture(output, features, *levels, *components);
                Self::LogisticMixture(Independent::new(base))
            }
            Decoder::ColourMixture { levels, components } => {
                let base = colour_mixture(output, features / 3, *levels, *components);
                Self::ColourMixture(Box::new(ColoursDistribution::new(base)))
            }
            Decoder::Categorical { levels } => {
                let logits = stack(output, *levels, features);
                Self::Categorical(Independent::new(Levels::new(logits)))
            }
            Decoder::Columns { columns, .. } => {
                let independent = ColumnsDistribution::new(columns, output, own);
                Self::Columns(match between {
                    Some(weights) => independent.autoregressive(weights),
                    None => independent,
                })
            }
        }
    }
}

impl DecoderDistribution {
    /// What is given as a sample of an event of this shape.
    pub(crate) fn output(
        &self,
        asked: Option<DecoderOutput>,
        event: &[usize],
        noise: &mut Noise,
    ) -> Tensor<2> {
        let picture = event.len() == 3;
        match asked.unwrap_or(if picture { DecoderOutput::Mean } else { DecoderOutput::Draw }) {
            DecoderOutput::Mean => self.mean(),
            DecoderOutput::Draw => self.sample(noise),
        }
    }
}

/// Maps side by side, `[batch, maps * features]`, as `[batch, features, maps]`.
fn stack(output: Tensor<2>, maps: usize, features: usize) -> Tensor<3> {
    let rows = output.dims()[0];
    output.reshape([rows, maps, features]).swap_dims(1, 2)
}

/// The locations of an untrained network's components are spread over `[0, 1]`: components that
/// start alike learn alike.
fn logistic_mixture(
    output: Tensor<2>,
    features: usize,
    levels: usize,
    components: usize,
) -> LogisticMixture {
    let part = |i: usize| {
        let width = components * features;
        let part = output.clone().slice_dim(1, i * width..(i + 1) * width);
        stack(part, components, features)
    };
    let start = spread_start(components, &output.device()).unsqueeze();
    let base = DiscretisedLogistic::new(part(1) + start, bounded(part(2)), levels);
    Mixture::new(part(0), base)
}

/// Locations `(k + 1/2) / components`.
fn spread_start(components: usize, device: &Device) -> Tensor<1> {
    let start: Vec<f32> =
        (0..components).map(|k| ((k as f64 + 0.5) / components as f64) as f32).collect();
    Tensor::from_floats(start.as_slice(), device)
}

/// The maps of each pixel: weights, and means, log-scales and coefficients of the channels.
/// Coefficients are within 1 of 0, by a hyperbolic tangent, as in the paper's code.
fn colour_mixture(
    output: Tensor<2>,
    pixels: usize,
    levels: usize,
    components: usize,
) -> ColourMixture {
    let rows = output.dims()[0];
    let maps: Tensor<5> = output.reshape([rows, 10, 1, components, pixels]);
    let logits = maps.clone().slice_dim(1, 0..1).reshape([rows, components, pixels]);
    let part = |i: usize| -> Tensor<4> {
        let part = maps.clone().slice_dim(1, i..i + 3);
        part.reshape([rows, 3, components, pixels]).swap_dims(2, 3)
    };
    let start = spread_start(components, &maps.device()).unsqueeze();
    ColourMixture::new(
        logits.swap_dims(1, 2),
        part(1) + start,
        bounded(part(4)),
        part(7).tanh(),
        levels,
    )
}

fn bounded<const D: usize>(raw: Tensor<D>) -> Tensor<D> {
    soft_bound(raw + INITIAL_LOG_SCALE, LOG_SCALE_LIMIT)
}

/// The raw value whose log-scale this is: the inverse of what [`DecoderDistribution::new`] makes
/// of a log-scale of the model's own. Log-scales at the limit are taken a little within it.
pub(crate) fn own_raw(log_scale: f64) -> f64 {
    let share = (log_scale / LOG_SCALE_LIMIT).clamp(-0.99, 0.99);
    (share.atanh() * LOG_SCALE_LIMIT - INITIAL_LOG_SCALE) / OWN_SCALE_GAIN
}

macro_rules! each {
    ($self:ident, $p:ident => $result:expr) => {
        match $self {
            Self::Gaussian($p) => $result,
            Self::Bernoulli($p) => $result,
            Self::DiscretisedLogistic($p) => $result,
            Self::LogisticMixture($p) => $result,
            Self::ColourMixture($p) => $result,
            Self::Categorical($p) => $result,
            Self::Columns($p) => $result,
        }
    };
}

impl Distribution<2, 1> for DecoderDistribution {
    fn log_prob(&self, value: Tensor<2>) -> Tensor<1> {
        each!(self, p => p.log_prob(value))
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<2> {
        each!(self, p => p.sample(noise))
    }
}

impl Moments<2> for DecoderDistribution {
    fn mean(&self) -> Tensor<2> {
        each!(self, p => p.mean())
    }

    fn variance(&self) -> Tensor<2> {
        each!(self, p => p.variance())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_scales_start_where_they_are_put() {
        for scale in [1e-4, 0.02, 0.37, 1.0, 50.0] {
            let raw = Tensor::<1>::from_floats(
                [own_raw(f64::ln(scale)) as f32],
                &pyrogen_testkit::device(),
            );
            let got: f32 = bounded(raw * OWN_SCALE_GAIN).exp().into_scalar();
            // The raw value is rounded to f32 and multiplied with ten: relative errors of 1e-5.
            assert!((f64::from(got) / scale - 1.0).abs() < 1e-4, "{scale}: {got}");
        }
    }
}
