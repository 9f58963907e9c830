//! What the model can do: samples, latents and examples from latents.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::distribution::{Distribution, Independent, Moments, Normal};
use pyrogen_core::latent::{LatentReport, LatentStatistics};
use pyrogen_core::{
    Condition, Decode, Describe, Encode, Noise, RequestError, Sample, SampleOptions, flatten,
    unflatten,
};

use crate::{DecoderDistribution, Vae};

impl Describe for Vae {
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

/// Draws `z` from the prior, its spread scaled by the temperature, and gives the decoder's mean:
/// the usual picture, without the decoder's own noise. [`Vae::sample_from_decoder`] adds that
/// noise. Rows of a table ([`Decoder::Columns`](crate::Decoder::Columns)) are drawn with it here too, because a mean of
/// categories is none.
///
/// # Panics
/// If the temperature is negative or not a number, or the condition does not fit the model.
impl<const D: usize> Sample<D> for Vae {
    fn sample(&self, n: usize, options: &SampleOptions, noise: &mut Noise) -> Tensor<D> {
        let x = self.sample_likelihood(n, options, noise).shown(noise);
        unflatten(x, &self.config().event)
    }
}

impl<const D: usize> Encode<D> for Vae {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Independent<Normal<2>> {
        self.posterior(flatten(x, &self.config().event), condition)
    }
}

impl<const D: usize> Decode<D> for Vae {
    fn latent_dim(&self) -> usize {
        self.config().latents
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Tensor<D> {
        unflatten(self.likelihood(z, condition).mean(), &self.config().event)
    }
}

/// The temperature.
///
/// # Panics
/// If it cannot be used.
pub(crate) fn checked_temperature(options: &SampleOptions) -> f64 {
    let temperature = options.temperature;
    assert!(
        temperature.is_finite() && temperature >= 0.0,
        "Vae: the temperature must be a number that is not negative, got {temperature}"
    );
    temperature
}

/// Examples that are encoded at once.
pub(crate) const ENCODED_AT_ONCE: usize = 512;

/// Which latent dimensions carry information; `model` is without a graph.
pub(crate) fn latent_report<const D: usize>(
    model: &(impl Encode<2> + Decode<2>),
    x: Tensor<D>,
    condition: &Condition,
) -> Result<LatentReport, RequestError> {
    let x = flatten(x.inner(), &model.event_shape());
    let rows = x.dims()[0];
    let mut statistics = LatentStatistics::new(model.latent_dim());
    for start in (0..rows).step_by(ENCODED_AT_ONCE) {
        let part = start..rows.min(start + ENCODED_AT_ONCE);
        let given = condition.rows(part.clone());
        statistics.add(&model.encode(x.clone().slice(part), &given))?;
    }
    statistics.report()
}

impl Vae {
    /// Which latent dimensions carry information about these examples, and whether the posterior
    /// collapsed.
    ///
    /// # Errors
    /// Fewer than two examples, or a posterior that is not finite.
    ///
    /// # Panics
    /// If `x` is not a batch of events, or the condition does not fit the model.
    pub fn latent_report<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> Result<LatentReport, RequestError> {
        latent_report(&self.valid(), x, condition)
    }

    /// `n` draws from the model itself, `x ~ p(x | z)` with `z` from the prior: values of the
    /// data's own kind (zeros and ones, grey levels), where [`Sample`] gives means.
    ///
    /// # Panics
    /// As [`Sample::sample`].
    pub fn sample_from_decoder<const D: usize>(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let decoded = self.sample_likelihood(n, options, noise);
        unflatten(decoded.sample(noise), &self.config().event)
    }

    /// `p(x | z)` at `n` draws from the prior, without a graph for gradients.
    fn sample_likelihood(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> DecoderDistribution {
        let temperature = checked_temperature(options);
        let model = self.valid();
        let z = model.prior_sample(n, temperature, noise);
        model.likelihood(z, &options.condition)
    }
}
