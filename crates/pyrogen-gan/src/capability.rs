//! What the model can do: samples, and examples from latents.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{Condition, Decode, Describe, Noise, Sample, SampleOptions, unflatten};

use crate::Gan;

impl Describe for Gan {
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

/// Draws latents from the standard normal law, their spread scaled by the temperature, and gives what
/// the generator makes of them. A temperature below 1 is the truncation trick's smooth form: safer and
/// less varied (Brock, Donahue and Simonyan 2019, section 3.1).
///
/// # Panics
/// If the temperature is negative or not a number, or the condition does not fit the model.
impl<const D: usize> Sample<D> for Gan {
    fn sample(&self, n: usize, options: &SampleOptions, noise: &mut Noise) -> Tensor<D> {
        let temperature = options.temperature;
        assert!(
            temperature.is_finite() && temperature >= 0.0,
            "Gan: the temperature must be a number that is not negative, got {temperature}"
        );
        let model = self.valid();
        let z = noise.normal([n, self.config().latents], &model.device()) * temperature;
        unflatten(model.generate(z, &options.condition), &self.config().event)
    }
}

impl<const D: usize> Decode<D> for Gan {
    fn latent_dim(&self) -> usize {
        self.config().latents
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Tensor<D> {
        unflatten(self.generate(z, condition), &self.config().event)
    }
}
