//! What the models can do.

use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Decode, Encode, Likelihood, ModelError, Noise, Posterior, Sample, SampleOptions,
    Score, ScoreOptions,
};

use crate::exact;
use crate::{Glow, NormalizingFlow};

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
        exact::sample(self, n, options, noise)
    }
}

/// The exact log-density.
///
/// # Numerics
/// Computed in f32, with an error of about 1e-6 of the terms' size; of a continuous flow by a solver, with
/// an error of up to about 1e-4. A value that is NaN in the example makes the result NaN, and is an error of a
/// continuous flow.
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
        exact::score(self, x, condition)
    }
}

/// The noise that an example is made of, a point.
///
/// # Errors
/// A condition that does not fit, or noise that is not finite.
impl<const D: usize> Encode<D> for NormalizingFlow {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        exact::encode(self, x, condition)
    }
}

impl<const D: usize> Decode<D> for NormalizingFlow {
    fn latent_dim(&self) -> usize {
        self.config().features()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        exact::decode(self, z, condition)
    }
}

/// Draws noise, its spread scaled by the temperature (Kingma and Dhariwal 2018 use 0.7 for pictures to look
/// at), and takes it through the inverse.
///
/// # Errors
/// A temperature or a condition that does not fit, or an example that is not finite.
impl<const D: usize> Sample<D> for Glow {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        exact::sample(self, n, options, noise)
    }
}

/// The exact log-density of pictures in (0, 1).
///
/// # Errors
/// A condition that does not fit.
///
/// # Panics
/// If `x` is not a batch of events.
impl<const D: usize> Score<D> for Glow {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        _options: &ScoreOptions,
        _noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        exact::score(self, x, condition)
    }
}

/// The noise that a picture is made of, a point.
///
/// # Errors
/// A condition that does not fit, or noise that is not finite.
impl<const D: usize> Encode<D> for Glow {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        exact::encode(self, x, condition)
    }
}

impl<const D: usize> Decode<D> for Glow {
    fn latent_dim(&self) -> usize {
        self.config().features()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        exact::decode(self, z, condition)
    }
}
