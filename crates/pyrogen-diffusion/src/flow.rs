//! Flow matching: a velocity that leads noise to data.

use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use pyrogen_core::{
    Batch, Condition, ConfigError, Denoise, Describe, Likelihood, Loss, ModelError, Noise,
    Objective, Sample, SampleOptions, Score, ScoreOptions, Seed, flatten, unflatten,
};
use pyrogen_solve::{Density, FlowPath, FlowStep, LogDensity, SolveError, Times};

use crate::conditional::{ConditionalNetwork, Conditions, column, conditional_model};
use crate::score::{divergence, plain, tracked};
use crate::{FlowConfig, FlowSampling};

/// A model by flow matching (Lipman et al. 2023; Liu et al. 2023): a network that learns the
/// velocity along paths from data at `t = 0` to noise at `t = 1`, and follows it back.
///
/// Examples should have a mean of about zero and a standard deviation of about one.
///
/// The loss is the mean over examples and elements of `(answer - velocity)^2` at one time an example.
#[derive(Module, Debug)]
pub struct FlowMatching {
    pub(crate) network: ConditionalNetwork,
    #[module(skip)]
    config: FlowConfig,
}

/// The random numbers of one training step.
#[derive(Debug, Clone)]
pub struct FlowDraws {
    /// The time of each example.
    pub times: Vec<f64>,
    /// Standard normal, `[batch, features]`.
    pub noise: Tensor<2>,
    /// Which examples are trained without their label.
    pub dropped: Vec<bool>,
}

impl FlowConfig {
    /// A model with initial weights from the seed. The same seed gives the same weights, byte for
    /// byte.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<FlowMatching, ConfigError> {
        self.validate()?;
        let mut noise = Noise::new(seed).fork("weights");
        let network = self.conditioning().init(&self.network, &mut noise, device);
        Ok(FlowMatching { network, config: self.clone() })
    }
}

conditional_model!(FlowMatching, FlowConfig, FlowSampling);

impl FlowMatching {
    /// The velocity of flat examples, one time a row.
    fn velocity_at(&self, x: Tensor<2>, times: &[f64], conditions: &Conditions) -> Tensor<2> {
        let times: Vec<f64> = times.iter().map(|t| t * self.network.unit).collect();
        self.network.forward(x, &times, conditions)
    }

    /// The velocity that solvers see: with guidance, one time a row.
    fn velocity<'a>(
        &'a self,
        conditions: &'a Conditions,
    ) -> impl Fn(Tensor<2>, &[f64]) -> Tensor<2> + 'a {
        let guidance = self.config.sampling.guidance;
        let unconditional = self.network.without_labels(conditions);
        let applies = move |&t: &f64| {
            let (a, b) = self.config.path.coefficients(t);
            guidance.applies(b / a)
        };
        move |x, times| {
            let guided: Vec<bool> = times.iter().map(applies).collect();
            let given = self.velocity_at(x.clone(), times, conditions);
            match &unconditional {
                Some(unconditional) if guided.contains(&true) => {
                    let free = self.velocity_at(x, times, unconditional);
                    let combined = guidance.combine(given.clone(), free);
                    // An adaptive solver's rows stand at times of their own.
                    match guided.contains(&false) {
                        false => combined,
                        true => given.mask_where(rows_mask(&guided, &combined), combined),
                    }
                }
                _ => given,
            }
        }
    }

    /// `n` flat examples; a callback sees each step.
    ///
    /// # Shapes
    /// The result is `[n, features]`.
    ///
    /// # Errors
    /// A network that gives a number that is not finite (the error names step and time), or a
    /// tolerance that cannot be met.
    ///
    /// # Panics
    /// If the condition does not fit.
    pub fn generate(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
        on_step: impl FnMut(&FlowStep<2>),
    ) -> Result<Tensor<2>, SolveError> {
        let shape = [n, self.config.features()];
        let start = noise.normal(shape, &self.device().inner()) * options.temperature;
        self.follow(start, &options.condition, on_step)
    }

    /// Where the flow leads from flat noise.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    ///
    /// # Panics
    /// If a shape is another, or the condition does not fit.
    pub fn follow(
        &self,
        start: Tensor<2>,
        condition: &Condition,
        on_step: impl FnMut(&FlowStep<2>),
    ) -> Result<Tensor<2>, SolveError> {
        let times = Times::sampling(self.config.sampling.steps)?;
        self.follow_times(start, condition, &times, on_step)
    }

    /// Where the flow leads through some times.
    pub(crate) fn follow_times(
        &self,
        start: Tensor<2>,
        condition: &Condition,
        times: &Times,
        on_step: impl FnMut(&FlowStep<2>),
    ) -> Result<Tensor<2>, SolveError> {
        let model = self.valid();
        let conditions = model.network.conditions(condition, start.dims()[0]);
        let solver = model.config.sampling.solver;
        Ok(solver.solve_rows(model.velocity(&conditions), start, times, on_step)?.x)
    }

    /// The log-density through the flow's ODE: the value, the calls of the network and the tolerance.
    /// Guidance plays no part.
    ///
    /// # Units
    /// Nats, of the examples as the model sees them.
    ///
    /// # Errors
    /// A network that gives a number that is not finite, or a tolerance that cannot be met.
    ///
    /// # Panics
    /// If `x` is not a batch of events, or the condition does not fit.
    pub fn log_density<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        how: &LogDensity,
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        let model = tracked(self);
        let x = plain(x, &model.config.event);
        let conditions = model.network.conditions(condition, x.dims()[0]);
        let velocity = |x: Tensor<2>, times: &[f64]| model.velocity_at(x, times, &conditions);
        how.of_flow_rows(velocity, x, noise)
    }

    /// [`log_density`](Self::log_density) with a tolerance of 1e-5, whichever method is asked for:
    /// exact, with the full divergence, where the draws are at least as many as the dimensions, else
    /// an estimate with so many random directions (at least two).
    ///
    /// # Errors
    /// As [`log_density`](Self::log_density).
    ///
    /// # Panics
    /// If `x` is not a batch of events, or the condition does not fit.
    pub fn likelihood<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, SolveError> {
        let divergence = divergence(options.draws, self.config.features());
        let how = LogDensity { divergence, ..LogDensity::default() };
        let found = self.log_density(x, condition, &how, noise)?.likelihood();
        Ok(found.conditional(!condition.is_none()))
    }

    pub(crate) fn loss_of(
        &self,
        data: Tensor<2>,
        noise: Tensor<2>,
        times: &[f64],
        conditions: &Conditions,
    ) -> Loss {
        let time: Vec<f32> = times.iter().map(|&t| t as f32).collect();
        let time = Tensor::from_data(time.as_slice(), &data.device());
        let (x, velocity) = self.config.path.at(data, noise, time);
        let error = self.velocity_at(x, times, conditions) - velocity;
        Loss::new().term("velocity", (error.clone() * error).mean())
    }
}

impl Objective for FlowMatching {
    type Batch = Batch<2>;
    type Draws = FlowDraws;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> FlowDraws {
        let [rows, _] = batch.x.dims();
        let uniform = noise.uniform_rows(&[rows]);
        FlowDraws {
            times: uniform.into_iter().map(|u| self.config.times.time(u)).collect(),
            noise: noise.normal([rows, self.config.features()], &batch.x.device()),
            dropped: self.network.dropped(rows, noise),
        }
    }

    /// One term, `velocity`.
    ///
    /// # Panics
    /// If a shape is another, or labels or contexts do not fit the model.
    fn loss(&self, batch: Batch<2>, draws: FlowDraws) -> Loss {
        let conditions = self.network.training_conditions(batch.condition(), &draws.dropped);
        let data = flatten(batch.x, &self.config.event);
        let noise = self.config.pairing.pair(&data, draws.noise);
        self.loss_of(data, noise, &draws.times, &conditions)
    }
}

/// The noise that sampling starts from has the spread of the temperature: 1 is the model.
///
/// # Errors
/// As [`FlowMatching::generate`].
impl<const D: usize> Sample<D> for FlowMatching {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        options.check(self, n)?;
        let drawn = self.generate(n, options, noise, |_| {})?;
        Ok(unflatten(drawn, &self.config.event))
    }
}

/// [`FlowMatching::likelihood`].
///
/// # Errors
/// No draws, or as there.
impl<const D: usize> Score<D> for FlowMatching {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        options.check_draws()?;
        self.check_condition(condition, x.dims()[0])?;
        Ok(self.likelihood(x, condition, options, noise)?)
    }
}

/// Rows of a tensor by whether they are of a kind.
fn rows_mask(of_kind: &[bool], like: &Tensor<2>) -> Tensor<2, Bool> {
    let mask = TensorData::new(of_kind.to_vec(), [of_kind.len(), 1]);
    Tensor::<2, Bool>::from_data(mask, &like.device()).expand(like.dims())
}

/// By the velocity at the time at which noise stands to signal as `sigma`, so that samplers of
/// diffusion models serve flows too.
///
/// # Panics
/// If a shape is another, or a noise level is not above zero and finite.
impl<const D: usize> Denoise<D> for FlowMatching {
    fn denoise(&self, x: Tensor<D>, sigma: Tensor<1>, condition: &Condition) -> Tensor<D> {
        let x = flatten(x, &self.config.event);
        let device = x.device();
        let sigmas: Vec<f64> = sigma.into_data().iter::<f64>().collect();
        assert_eq!(sigmas.len(), x.dims()[0], "FlowMatching: expected one noise level an example");
        let wrong = sigmas.iter().find(|s| !(s.is_finite() && **s > 0.0));
        assert!(
            wrong.is_none(),
            "FlowMatching: a noise level must be above 0 and finite: {wrong:?}"
        );
        let conditions = self.network.conditions(condition, sigmas.len());
        let path = self.config.path;
        let times: Vec<f64> = sigmas.iter().map(|&sigma| time_of(path, sigma)).collect();
        let factors = |f: fn(f64, f64) -> f64| {
            let of = |&t: &f64| {
                let (a, b) = path.coefficients(t);
                f(a, b)
            };
            column(times.iter().map(of).collect::<Vec<_>>(), &device)
        };
        let scaled = x * factors(|a, _| a);
        let velocity = self.velocity_at(scaled.clone(), &times, &conditions);
        let clean = match path {
            FlowPath::VariancePreserving => {
                scaled * factors(|a, _| a)
                    - velocity * factors(|_, b| b * std::f64::consts::FRAC_2_PI)
            }
            _ => scaled - velocity * factors(|_, b| b),
        };
        unflatten(clean, &self.config.event)
    }
}

/// The time at which noise stands to signal as `sigma`.
fn time_of(path: FlowPath, sigma: f64) -> f64 {
    match path {
        FlowPath::VariancePreserving => sigma.atan() / std::f64::consts::FRAC_PI_2,
        _ => sigma / (1.0 + sigma),
    }
}
