//! What every model that is a bijection can do, made of its two directions.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Decode, Describe, Encode, Posterior, Sample, SampleOptions, Score, ScoreOptions};
use crate::{Condition, Likelihood, ModelError, Noise, NumericalError, flatten, unflatten};

/// The part of the model that errors name.
const INVERSE: &str = "the flow from noise to examples";
const FORWARD: &str = "the flow from examples to noise";

/// A model that is a bijection of flat examples and noise of known density.
///
/// ```text
/// z = f(x; condition)        ln p(x | condition) = base(z) + ln |det dz/dx|
/// ```
///
/// Its [`Sample`], [`Score`] (exact), [`Encode`] (a point) and [`Decode`] follow from these three
/// methods, for batches of every rank that the event fits.
///
/// # Examples
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{
///     Condition, Describe, ExactFlow, ModelError, Noise, Score, ScoreOptions, Seed,
/// };
///
/// /// `z = x / scale`, with `z` uniform on (0, 1).
/// #[derive(Module, Debug)]
/// struct Scaled {
///     scale: Param<Tensor<1>>,
/// }
///
/// impl Describe for Scaled {
///     fn event_shape(&self) -> Vec<usize> {
///         vec![1]
///     }
/// }
///
/// impl ExactFlow for Scaled {
///     fn follow(
///         &self,
///         x: Tensor<2>,
///         _: &Condition,
///         inverse: bool,
///     ) -> Result<(Tensor<2>, Tensor<1>), ModelError> {
///         let scale = self.scale.val();
///         let log_det: Tensor<1> = scale.clone().log().expand([x.dims()[0]]);
///         let scale: Tensor<2> = scale.unsqueeze();
///         Ok(if inverse { (x * scale, log_det) } else { (x / scale, log_det.neg()) })
///     }
///
///     fn base(&self, z: Tensor<2>) -> Tensor<1> {
///         z.squeeze_dim(1) * 0.0
///     }
///
///     fn noise(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2> {
///         noise.uniform([n, 1], &self.scale.device()) * temperature
///     }
/// }
///
/// let device = Device::flex();
/// let model = Scaled { scale: Param::from_tensor(Tensor::from_floats([2.0], &device)) };
/// let x = Tensor::<2>::from_floats([[1.5]], &device);
/// let mut noise = Noise::new(Seed(0));
/// let score = model.log_likelihood(x, &Condition::none(), &ScoreOptions::default(), &mut noise)?;
/// assert!((score.nats()[0] - 0.5f64.ln()).abs() < 1e-6);
/// # Ok::<(), ModelError>(())
/// ```
pub trait ExactFlow: Module + Describe {
    /// The way of examples to noise, or back, with its log-determinants.
    ///
    /// # Shapes
    /// `[rows, features]` both ways; the log-determinants are `[rows]`.
    ///
    /// # Errors
    /// A computation that left the finite numbers.
    fn follow(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        inverse: bool,
    ) -> Result<(Tensor<2>, Tensor<1>), ModelError>;

    /// The log-density of noise in nats, `[rows]`.
    fn base(&self, z: Tensor<2>) -> Tensor<1>;

    /// `n` points of the noise, the spread scaled by a temperature.
    fn noise(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2>;
}

fn examples<F: ExactFlow, const D: usize>(
    flow: &F,
    z: Tensor<2>,
    condition: &Condition,
) -> Result<Tensor<D>, ModelError> {
    let (x, _) = flow.follow(z, condition, true)?;
    Ok(unflatten(NumericalError::finite(x, INVERSE)?, &flow.event_shape()))
}

/// Draws noise, its spread scaled by the temperature (Kingma and Dhariwal 2018 use 0.7 for pictures to
/// look at), and takes it through the inverse.
///
/// # Errors
/// A temperature or a condition that does not fit, or an example that is not finite.
impl<F: ExactFlow, const D: usize> Sample<D> for F {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        options.check(self, n)?;
        let flow = self.valid();
        let z = flow.noise(n, options.temperature, noise);
        examples(&flow, z, &options.condition)
    }
}

/// The exact log-density.
///
/// # Numerics
/// In f32, with an error of about 1e-6 of the terms' size; a flow that is followed by a solver adds that
/// one's. A value that is NaN in the example makes the result NaN, and is an error of a solver.
///
/// # Errors
/// A condition that does not fit.
///
/// # Panics
/// If `x` is not a batch of events.
impl<F: ExactFlow, const D: usize> Score<D> for F {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        _options: &ScoreOptions,
        _noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let flow = self.valid();
        let event = flow.event_shape();
        let x = flatten(x.inner(), &event);
        let (z, log_det) = flow.follow(x, condition, false)?;
        let nats = (log_det + flow.base(z)).into_data().iter::<f64>().collect();
        Ok(Likelihood::exact(nats, event.iter().product()).conditional(!condition.is_none()))
    }
}

/// The noise that an example is made of, a point.
///
/// # Errors
/// A condition that does not fit, or noise that is not finite.
impl<F: ExactFlow, const D: usize> Encode<D> for F {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let x = flatten(x, &self.event_shape());
        let (z, _) = self.follow(x, condition, false)?;
        Ok(Posterior::Point(NumericalError::finite(z, FORWARD)?))
    }
}

/// The example that noise makes.
impl<F: ExactFlow, const D: usize> Decode<D> for F {
    fn latent_dim(&self) -> usize {
        self.event_shape().iter().product()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        examples(self, z, condition)
    }
}
