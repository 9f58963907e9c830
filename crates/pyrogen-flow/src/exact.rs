//! What every flow of this crate can do, made of its two directions.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Describe, Likelihood, ModelError, Noise, NumericalError, Posterior, SampleOptions,
    flatten, unflatten,
};

use crate::layer::Mapped;

/// The part of the model that errors name.
const INVERSE: &str = "the flow from noise to examples";
const FORWARD: &str = "the flow from examples to noise";

/// A bijection of flat examples and noise of known density.
pub(crate) trait ExactFlow: Module + Describe {
    /// The way of examples to noise, or back, with its log-determinants.
    ///
    /// # Errors
    /// A computation that left the finite numbers.
    fn follow(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        inverse: bool,
    ) -> Result<Mapped, ModelError>;

    /// The log-density of noise, `[rows]`.
    fn base(&self, z: Tensor<2>) -> Tensor<1>;

    /// `n` points of the noise, the spread scaled by a temperature.
    fn noise(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2>;
}

/// Draws noise, its spread scaled by the temperature, and takes it through the inverse.
pub(crate) fn sample<F: ExactFlow, const D: usize>(
    flow: &F,
    n: usize,
    options: &SampleOptions,
    noise: &mut Noise,
) -> Result<Tensor<D>, ModelError> {
    options.check(flow, n)?;
    let flow = flow.valid();
    let z = flow.noise(n, options.temperature, noise);
    examples(&flow, z, &options.condition)
}

fn examples<F: ExactFlow, const D: usize>(
    flow: &F,
    z: Tensor<2>,
    condition: &Condition,
) -> Result<Tensor<D>, ModelError> {
    let (x, _) = flow.follow(z, condition, true)?;
    Ok(unflatten(NumericalError::finite(x, INVERSE)?, &flow.event_shape()))
}

/// The exact log-density.
pub(crate) fn score<F: ExactFlow, const D: usize>(
    flow: &F,
    x: Tensor<D>,
    condition: &Condition,
) -> Result<Likelihood, ModelError> {
    flow.check_condition(condition, x.dims()[0])?;
    let flow = flow.valid();
    let event = flow.event_shape();
    let x = flatten(x.inner(), &event);
    let (z, log_det) = flow.follow(x, condition, false)?;
    let nats = (log_det + flow.base(z)).into_data().iter::<f64>().collect();
    Ok(Likelihood::exact(nats, event.iter().product()).conditional(!condition.is_none()))
}

/// The noise that an example is made of, a point.
pub(crate) fn encode<F: ExactFlow, const D: usize>(
    flow: &F,
    x: Tensor<D>,
    condition: &Condition,
) -> Result<Posterior, ModelError> {
    flow.check_condition(condition, x.dims()[0])?;
    let x = flatten(x, &flow.event_shape());
    let (z, _) = flow.follow(x, condition, false)?;
    Ok(Posterior::Point(NumericalError::finite(z, FORWARD)?))
}

/// The example that noise makes.
pub(crate) fn decode<F: ExactFlow, const D: usize>(
    flow: &F,
    z: Tensor<2>,
    condition: &Condition,
) -> Result<Tensor<D>, ModelError> {
    flow.check_condition(condition, z.dims()[0])?;
    examples(flow, z, condition)
}
