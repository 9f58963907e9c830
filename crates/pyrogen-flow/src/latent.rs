//! Autoencoders whose latents follow a flow.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use pyrogen_core::bijection::Bijection;
use pyrogen_core::distribution::{Distribution, Moments};
use pyrogen_core::{
    Batch, Condition, ConfigError, Decode, DecoderOutput, Describe, Encode, Likelihood, Loss,
    ModelError, Noise, Objective, Posterior, RequestError, Sample, SampleOptions, Score,
    ScoreGiven, ScoreMethod, ScoreOptions,
};

use crate::NormalizingFlow;

/// A latent variable model whose prior is a flow, and whose posterior may be one, trained together.
///
/// ```text
/// ln p(x) >= E_q [ln p(x | z) + ln p_flow(z) - ln q(z | x)]
///
/// z_0 ~ N(mean(x), std(x))      z = f(z_0; mean(x), std(x))      ln q(z | x) = ln q(z_0 | x) - ln |det dz/dz_0|
/// ```
///
/// The autoencoder is any model with [`ScoreGiven`] whose encoder gives normal distributions, such as a VAE; its own
/// prior is not used. Without a posterior flow `z = z_0`. The posterior flow goes from `z_0` to `z` in its
/// [`forward`](Bijection::forward), so that an autoregressive one is an inverse autoregressive flow: drawing and
/// scoring a draw cost one call.
///
/// # References
/// Chen et al. (2017), "Variational Lossy Autoencoder", section 3.2, for the prior; Rezende and Mohamed (2015),
/// "Variational Inference with Normalizing Flows", equation 15, and Kingma et al. (2016), "Improved Variational
/// Inference with Inverse Autoregressive Flow", for the posterior. Differs from the last in what the flow reads of the
/// example: the encoder's mean and log-variance, and no further output.
#[derive(Module, Debug)]
pub struct LatentFlow<A: Module> {
    autoencoder: A,
    prior: NormalizingFlow,
    posterior: Option<NormalizingFlow>,
}

/// What an encoder must give.
const NOT_GAUSSIAN: &str = "no normal distribution";

/// Draws of one example on the way of the bound.
struct Weights {
    /// `ln p(x | z)`, `[rows]`.
    log_px: Tensor<1>,
    /// `ln q(z | x) - ln p(z)`, `[rows]`.
    divergence: Tensor<1>,
}

impl<A: Module + ScoreGiven<2>> LatentFlow<A> {
    /// An autoencoder with a prior, and with a posterior flow if there is to be one. A posterior flow's context is
    /// the encoder's mean and log-variance, twice as many numbers as there are latents.
    ///
    /// # Errors
    /// A flow of another number of features than there are latents, with classes, or of another context.
    pub fn new(
        autoencoder: A,
        prior: NormalizingFlow,
        posterior: Option<NormalizingFlow>,
    ) -> Result<Self, ConfigError> {
        let latents = autoencoder.latent_dim();
        let fits = |name: &str, flow: &NormalizingFlow, context: Option<usize>| {
            let config = flow.config();
            let got = config.context.as_ref().map(|shape| shape.iter().product::<usize>());
            match (config.features() == latents, got == context, config.classes) {
                (true, true, None) => Ok(()),
                _ => {
                    let context = context.map_or("null".into(), |n| n.to_string());
                    let expected =
                        format!("of {latents} features, without classes, with context {context}");
                    let got = format!(
                        "{} features, classes {:?}, context {got:?}",
                        config.features(),
                        config.classes
                    );
                    Err(ConfigError::value(name, expected, got))
                }
            }
        };
        fits("prior", &prior, None)?;
        if let Some(posterior) = &posterior {
            fits("posterior", posterior, Some(2 * latents))?;
        }
        Ok(Self { autoencoder, prior, posterior })
    }

    /// The autoencoder.
    pub fn autoencoder(&self) -> &A {
        &self.autoencoder
    }

    /// The density of latents.
    pub fn prior(&self) -> &NormalizingFlow {
        &self.prior
    }

    /// One draw of the latents of each example, by its normal noise, and what the bound is made of.
    fn weigh(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        epsilon: Tensor<2>,
    ) -> Result<Weights, ModelError> {
        let rows = x.dims()[0];
        let posterior = self.autoencoder.encode(x.clone(), condition)?;
        let none = RequestError::NotGaussian { got: NOT_GAUSSIAN };
        let normal = posterior.gaussian().ok_or(none)?;
        let (mean, log_var) = (normal.base().mean(), normal.base().log_var());
        let log_var = log_var.expand(mean.dims());
        let start = mean.clone() + (log_var.clone() * 0.5).exp() * epsilon;
        let mut log_q = normal.log_prob(start.clone());
        let mut z = start;
        if let Some(flow) = &self.posterior {
            let context = Condition::context(Tensor::cat(vec![mean, log_var], 1));
            let (moved, log_det) = flow.given(&context, rows).forward(z);
            (z, log_q) = (moved, log_q - log_det);
        }
        let log_pz = self.prior.given(&Condition::none(), rows).log_prob(z.clone());
        let log_px = self.autoencoder.log_prob_given(x, z, condition)?;
        Ok(Weights { log_px, divergence: log_q - log_pz })
    }
}

impl<A: Module + Describe> Describe for LatentFlow<A> {
    fn event_shape(&self) -> Vec<usize> {
        self.autoencoder.event_shape()
    }

    fn classes(&self) -> Option<usize> {
        self.autoencoder.classes()
    }

    fn context_shape(&self) -> Option<Vec<usize>> {
        self.autoencoder.context_shape()
    }
}

/// The negative bound by one draw an example: `reconstruction` is `-ln p(x | z)`, `divergence` is
/// `ln q(z | x) - ln p(z)`.
///
/// # Panics
/// If a condition does not fit, or the encoder gives no normal distribution.
impl<A: Module + ModuleDisplay + ScoreGiven<2>> Objective for LatentFlow<A> {
    type Batch = Batch<2>;
    type Draws = Tensor<2>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<2> {
        let shape = [batch.x.dims()[0], self.autoencoder.latent_dim()];
        noise.normal(shape, &batch.x.device())
    }

    fn loss(&self, batch: Batch<2>, epsilon: Tensor<2>) -> Loss {
        let condition = batch.condition();
        let weights = self.weigh(batch.x, &condition, epsilon);
        let Weights { log_px, divergence } = weights.unwrap_or_else(|e| panic!("LatentFlow: {e}"));
        Loss::new()
            .term("reconstruction", log_px.mean().neg())
            .term("divergence", divergence.mean())
    }
}

/// Draws latents from the prior and decodes them: draws of the decoder's distribution, or its means where the options
/// ask for them.
///
/// # Errors
/// A condition that does not fit, or a number that is not finite.
impl<A: Module + ScoreGiven<2>> Sample<2> for LatentFlow<A> {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, ModelError> {
        let SampleOptions { condition, temperature, output } = options.clone();
        let own = SampleOptions { temperature, ..SampleOptions::default() };
        let z: Tensor<2> = self.prior.sample(n, &own, noise)?;
        let autoencoder = self.autoencoder.valid();
        match output {
            Some(DecoderOutput::Mean) => autoencoder.decode(z, &condition),
            _ => autoencoder.decode_draw(z, &condition, noise),
        }
    }
}

/// The bound, or the estimate `ln (1/K sum_k w_k)` of so many draws (Burda et al. 2016, equation 8), with its standard
/// error by the delta method.
///
/// # Errors
/// No draws, a condition that does not fit, or an encoder that gives no normal distribution.
impl<A: Module + ModuleDisplay + ScoreGiven<2>> Score<2> for LatentFlow<A> {
    fn log_likelihood(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        let (model, draws) = (self.valid(), options.draws);
        if draws == 0 {
            let expected = "at least 1";
            return Err(RequestError::Value { name: "draws", expected, got: "0".into() }.into());
        }
        let x = x.inner();
        let [rows, dims] = x.dims();
        let mut weights = vec![Vec::with_capacity(draws); rows];
        for _ in 0..draws {
            let epsilon = noise.normal([rows, model.autoencoder.latent_dim()], &x.device());
            let Weights { log_px, divergence } = model.weigh(x.clone(), condition, epsilon)?;
            let drawn = (log_px - divergence).into_data();
            weights.iter_mut().zip(drawn.iter::<f64>()).for_each(|(all, w)| all.push(w));
        }
        let conditional = !condition.is_none();
        Ok(of_draws(&weights, options.method, dims).conditional(conditional))
    }
}

/// The likelihood from the logarithms of weights, `[rows][draws]`.
fn of_draws(weights: &[Vec<f64>], method: ScoreMethod, dims: usize) -> Likelihood {
    let moments = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (mean, (square / (n - 1.0) / n).sqrt())
    };
    if method == ScoreMethod::LowerBound {
        let (nats, errors): (Vec<f64>, Vec<f64>) = weights.iter().map(|w| moments(w)).unzip();
        let errors = weights.first().is_some_and(|w| w.len() > 1).then_some(errors);
        return Likelihood::lower_bound(nats, errors, dims);
    }
    let estimate = |logs: &Vec<f64>| {
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !most.is_finite() {
            return (most, f64::NAN);
        }
        let (mean, error) = moments(&logs.iter().map(|w| (w - most).exp()).collect::<Vec<_>>());
        (most + mean.ln(), error / mean)
    };
    let (nats, errors) = weights.iter().map(estimate).unzip();
    Likelihood::estimate(nats, errors, dims)
}

/// The normal distribution that the encoder gives; with a posterior flow the point that its mean goes to.
///
/// # Errors
/// As the autoencoder's.
impl<A: Module + Encode<2>> Encode<2> for LatentFlow<A> {
    fn encode(&self, x: Tensor<2>, condition: &Condition) -> Result<Posterior, ModelError> {
        let posterior = self.autoencoder.encode(x, condition)?;
        let Some(flow) = &self.posterior else { return Ok(posterior) };
        let none = RequestError::NotGaussian { got: NOT_GAUSSIAN };
        let normal = posterior.gaussian().ok_or(none)?;
        let mean = normal.base().mean();
        let log_var = normal.base().log_var().expand(mean.dims());
        let context = Condition::context(Tensor::cat(vec![mean.clone(), log_var], 1));
        let rows = mean.dims()[0];
        Ok(Posterior::Point(flow.given(&context, rows).forward(mean).0))
    }
}

impl<A: Module + Decode<2>> Decode<2> for LatentFlow<A> {
    fn latent_dim(&self) -> usize {
        self.autoencoder.latent_dim()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<2>, ModelError> {
        self.autoencoder.decode(z, condition)
    }

    fn decode_draw(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, ModelError> {
        self.autoencoder.decode_draw(z, condition, noise)
    }
}
