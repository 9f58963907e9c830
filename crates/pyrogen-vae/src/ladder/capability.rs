//! What a ladder can do.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::distribution::{Distribution, Independent, Moments, Normal};
use pyrogen_core::latent::LatentReport;
use pyrogen_core::{
    Condition, Decode, Describe, Encode, Likelihood, ModelError, Noise, NumericalError, Posterior,
    RateDistortion, Sample, SampleOptions, Score, ScoreOptions, flatten, unflatten,
};

use super::{LadderVae, spread_normal};
use crate::DecoderDistribution;
use crate::capability::{DECODER, latent_report};
use crate::condition::Given;
use crate::numerics::spread;
use crate::score::{Weigh, Weights, log_likelihood, rate_distortion};
use crate::start::own_log_scales;

impl Describe for LadderVae {
    fn event_shape(&self) -> Vec<usize> {
        self.config().event.clone()
    }

    fn classes(&self) -> Option<usize> {
        self.config().classes
    }

    fn context_shape(&self) -> Option<Vec<usize>> {
        self.config().context.clone()
    }
}

/// Draws every layer from its prior, with the spread scaled by the temperature, and the example from the
/// decoder's distribution; of a picture it gives the mean, as [`Vae`](crate::Vae) does.
///
/// # Errors
/// A temperature or a condition that does not fit, or a decoder that gives NaN or infinity.
impl<const D: usize> Sample<D> for LadderVae {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        let likelihood = self.sample_likelihood(n, options, noise)?;
        let x = likelihood.output(options.output, &self.config().event, noise);
        Ok(unflatten(NumericalError::finite(x, DECODER)?, &self.config().event))
    }
}

impl<const D: usize> Encode<D> for LadderVae {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        let x = flatten(x, &self.config().event);
        let rows = x.dims()[0];
        self.check_condition(condition, rows)?;
        let given = Given::new(self, condition, rows);
        let middle = Tensor::zeros([rows, self.config().total_latents()], &x.device());
        let descent = self.descend(&self.suggest(x, &given), &middle);
        let join = |f: fn(&Normal<2>) -> Tensor<2>| {
            Tensor::cat(descent.posteriors.iter().map(|p| f(p.base())).collect(), 1)
        };
        let normal = Normal::new(join(Normal::mean), join(Normal::log_var));
        Ok(Posterior::Gaussian(Independent::new(normal)))
    }
}

impl<const D: usize> Decode<D> for LadderVae {
    fn latent_dim(&self) -> usize {
        self.config().total_latents()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        let x = NumericalError::finite(self.likelihood(z, condition).mean(), DECODER)?;
        Ok(unflatten(x, &self.config().event))
    }

    fn decode_draw(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        let x = self.likelihood(z, condition).sample(noise);
        Ok(unflatten(NumericalError::finite(x, DECODER)?, &self.config().event))
    }
}

/// As for [`Vae`](crate::Vae): the bound with divergences in closed form, or the importance-sampled
/// estimate with draws from all layers.
///
/// # Errors
/// No draws, or a condition that does not fit.
///
/// # Panics
/// If `x` is not a batch of events.
impl<const D: usize> Score<D> for LadderVae {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        log_likelihood(self, x, condition, options, noise)
    }
}

impl Weigh for LadderVae {
    type Code = Vec<Normal<2>>;

    fn code(&self, x: Tensor<2>, given: &Given) -> Self::Code {
        self.suggest(x, given)
    }

    fn weigh(&self, x: Tensor<2>, code: &Self::Code, given: &Given, epsilon: Tensor<3>) -> Weights {
        let [rows, draws, latents] = epsilon.dims();
        let code: Vec<_> = code.iter().map(|normal| spread_normal(normal, draws)).collect();
        let descent = self.descend(&code, &epsilon.reshape([rows * draws, latents]));
        let decoded = self.decode_lowest(descent.z, &given.spread(draws));
        let kl = descent.kl.into_iter().reduce(|a, b| a + b).expect("one layer or more");
        Weights {
            log_px: decoded.log_prob(spread(x, draws)).reshape([rows, draws]),
            log_ratio: descent.log_ratio.reshape([rows, draws]),
            kl: kl.reshape([rows, draws]),
        }
    }

    fn latents(&self) -> usize {
        self.config().total_latents()
    }

    fn width(&self) -> usize {
        self.config().features()
    }
}

impl LadderVae {
    /// The distribution `p(x | z)` of flat examples at relative latents.
    ///
    /// # Shapes
    /// `z` is `[batch, latents]` over all layers, the distribution over `[batch, features]`.
    ///
    /// # Panics
    /// If `z` has another width, or the condition does not fit the model.
    pub fn likelihood(&self, z: Tensor<2>, condition: &Condition) -> DecoderDistribution {
        let given = Given::new(self, condition, z.dims()[0]);
        self.decode_lowest(self.lowest(&z), &given)
    }

    /// Draws from the model itself, as [`Vae::sample_from_decoder`](crate::Vae::sample_from_decoder).
    ///
    /// # Errors
    /// As [`Sample::sample`].
    pub fn sample_from_decoder<const D: usize>(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        let drawn = self.sample_likelihood(n, options, noise)?.sample(noise);
        Ok(unflatten(NumericalError::finite(drawn, DECODER)?, &self.config().event))
    }

    /// Which latent dimensions carry information, as [`Vae::latent_report`](crate::Vae::latent_report);
    /// the top layer's come first.
    ///
    /// # Errors
    /// Fewer than two examples, a posterior that is not finite, or a condition that does not fit the
    /// model.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    pub fn latent_report<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> Result<LatentReport, ModelError> {
        latent_report(&self.valid(), x, condition)
    }

    /// The point of these examples in the rate-distortion plane, with one draw each.
    ///
    /// # Panics
    /// If `x` is empty or not a batch of events, or the condition does not fit.
    pub fn rate_distortion<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> RateDistortion {
        rate_distortion(self, x, condition, noise)
    }

    /// The model with its own scales at the residuals of the untrained network, as
    /// [`Vae::init_from_data`](crate::Vae::init_from_data).
    ///
    /// # Panics
    /// If `x` is empty or of another width, or the condition does not fit the model.
    pub fn init_from_data(
        mut self,
        x: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Self {
        if self.log_scale.is_some() {
            let (model, device) = (self.valid(), self.device());
            let z = noise.normal([x.dims()[0], self.config().total_latents()], &model.device());
            let expected = model.likelihood(z, condition).mean();
            let decoder = &self.config().decoder;
            self.log_scale = Some(own_log_scales(decoder, x, expected, &device));
        }
        self
    }

    fn sample_likelihood(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<DecoderDistribution, ModelError> {
        options.check(self, n)?;
        let model = self.valid();
        let z = noise.normal([n, self.config().total_latents()], &model.device());
        Ok(model.likelihood(z * options.temperature, &options.condition))
    }
}
