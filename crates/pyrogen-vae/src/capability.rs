//! What the model can do: samples, latents and examples from latents.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::distribution::{Distribution, Independent, Moments, Normal};
use pyrogen_core::{
    Condition, Decode, Describe, Encode, Noise, Sample, SampleOptions, flatten, unflatten,
};

use crate::{DecoderDistribution, Vae};

impl Describe for Vae {
    fn event_shape(&self) -> Vec<usize> {
        self.config().event.clone()
    }

    fn classes(&self) -> Option<usize> {
        self.config().classes
    }
}

/// Draws `z ~ N(0, temperature^2)` and gives the decoder's mean: the usual picture, without the
/// decoder's own noise. [`Vae::sample_from_decoder`] adds that noise.
///
/// # Panics
/// If the temperature is negative or not a number, or the condition does not fit the model.
impl<const D: usize> Sample<D> for Vae {
    fn sample(&self, n: usize, options: &SampleOptions, noise: &mut Noise) -> Tensor<D> {
        let decoded = self.sample_likelihood(n, options, noise);
        unflatten(decoded.mean(), &self.config().event)
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

impl Vae {
    /// `n` draws from the model itself, `x ~ p(x | z)` with `z ~ N(0, temperature^2)`: values of
    /// the data's own kind (zeros and ones, grey levels), where [`Sample`] gives means.
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
        let temperature = options.temperature;
        assert!(
            temperature.is_finite() && temperature >= 0.0,
            "Vae: the temperature must be a number that is not negative, got {temperature}"
        );
        let model = self.valid();
        let z = noise.normal([n, self.config().latents], &model.device()) * temperature;
        model.likelihood(z, &options.condition)
    }
}
