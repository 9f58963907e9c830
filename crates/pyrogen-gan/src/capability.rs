//! What the model can do: samples, examples from latents, and latents of examples.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Decode, Describe, Encode, ModelError, Noise, NumericalError, Posterior, Rank,
    Sample, SampleOptions, Seed, flatten, unflatten,
};

use crate::{Gan, Inversion, InvertOptions};

/// The part of the model that errors name.
const GENERATOR: &str = "the generator";

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
/// # Errors
/// A temperature or a condition that does not fit, or a generator that gives NaN or infinity.
impl<const D: usize> Sample<D> for Gan {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        options.check(self, n)?;
        let model = self.valid();
        let z = noise.normal([n, self.config().latents], &model.device()) * options.temperature;
        let x = NumericalError::finite(model.generate(z, &options.condition), GENERATOR)?;
        Ok(unflatten(x, &self.config().event))
    }
}

/// # Errors
/// A condition that does not fit, or a generator that gives NaN or infinity.
impl<const D: usize> Decode<D> for Gan {
    fn latent_dim(&self) -> usize {
        self.config().latents
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        let x = NumericalError::finite(self.generate(z, condition), GENERATOR)?;
        Ok(unflatten(x, &self.config().event))
    }
}

/// The latents that [`Gan::invert`] finds from zero with its default options, as a point: a generator
/// has no posterior of its own.
///
/// # Errors
/// A condition that does not fit, or a generator that gives NaN or infinity.
impl<const D: usize> Encode<D> for Gan {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        Ok(Posterior::Point(self.inverted(x, condition)?.latents))
    }
}

/// The error that is left where the generator comes as near to an example as [`Gan::invert`] finds
/// from zero with its default options (Schlegl et al. 2017, without the discriminator's term).
///
/// # Errors
/// A condition that does not fit, or a generator that gives NaN or infinity.
impl<const D: usize> Rank<D> for Gan {
    fn rank_name(&self) -> &'static str {
        "inversion error"
    }

    fn rank(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        _noise: &mut Noise,
    ) -> Result<Vec<f64>, ModelError> {
        Ok(self.inverted(x, condition)?.errors)
    }
}

impl Gan {
    fn inverted<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> Result<Inversion, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let x = flatten(x, &self.config().event);
        // One start, from zero: nothing is drawn.
        let found = self.invert(x, condition, &InvertOptions::default(), &mut Noise::new(Seed(0)));
        let finite = found.errors.iter().all(|error| error.is_finite());
        match finite {
            true => Ok(found),
            false => Err(NumericalError::Output { what: GENERATOR }.into()),
        }
    }
}
