//! What the model can do.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{
    Condition, Decode, Describe, Encode, Likelihood, ModelError, Noise, NumericalError, Posterior,
    Sample, SampleOptions, Score, ScoreOptions, flatten, unflatten,
};

use crate::NormalizingFlow;

/// The part of the model that errors name.
const INVERSE: &str = "the flow from noise to examples";
const FORWARD: &str = "the flow from examples to noise";

/// Draws noise, its spread scaled by the temperature, and takes it through the inverse.
///
/// # Errors
/// A temperature or a condition that does not fit, or an example that is not finite.
impl<const D: usize> Sample<D> for NormalizingFlow {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        options.check(self, n)?;
        let flow = self.valid();
        let z = flow.noise(n, options.temperature, noise);
        decode(&flow, z, &options.condition)
    }
}

fn decode<const D: usize>(
    flow: &NormalizingFlow,
    z: Tensor<2>,
    condition: &Condition,
) -> Result<Tensor<D>, ModelError> {
    let (x, _) = flow.given(condition, z.dims()[0]).inverse(z);
    Ok(unflatten(NumericalError::finite(x, INVERSE)?, &flow.config().event))
}

/// The exact log-density.
///
/// # Numerics
/// Computed in f32, with an error of about 1e-6 of the terms' size. A value that is NaN in the example
/// makes the result NaN.
///
/// # Errors
/// A condition that does not fit.
///
/// # Panics
/// If `x` is not a batch of events.
impl<const D: usize> Score<D> for NormalizingFlow {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        _options: &ScoreOptions,
        _noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let flow = self.valid();
        let x = flatten(x.inner(), &self.config().event);
        let nats = flow.given(condition, x.dims()[0]).log_prob(x).into_data();
        let nats = nats.iter::<f64>().collect();
        Ok(Likelihood::exact(nats, self.config().features()).conditional(!condition.is_none()))
    }
}

/// The noise that an example is made of, a point.
///
/// # Errors
/// A condition that does not fit, or noise that is not finite.
impl<const D: usize> Encode<D> for NormalizingFlow {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let x = flatten(x, &self.config().event);
        let (z, _) = self.given(condition, x.dims()[0]).forward(x);
        Ok(Posterior::Point(NumericalError::finite(z, FORWARD)?))
    }
}

impl<const D: usize> Decode<D> for NormalizingFlow {
    fn latent_dim(&self) -> usize {
        self.config().features()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        decode(self, z, condition)
    }
}
