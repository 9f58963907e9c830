//! How probable an example is under a flow or a diffusion model: the change of variables along the
//! ODE.

use std::f64::consts::TAU;

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::{Likelihood, Noise};
use serde::{Deserialize, Serialize};

use crate::SolveError;
use crate::finite::gradient;
use crate::flow::{Tolerance, as_the_largest, checked, integrate, rms};

/// How the divergence of the velocity is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Divergence {
    /// Exactly: a gradient for each dimension. For tables, toys and small pictures.
    #[default]
    Full,
    /// `mean_k e_k . grad_x (e_k . v)` with random signs `e_k`, the same along the whole way: without
    /// bias, at the cost of a gradient for each probe (Hutchinson 1990; Grathwohl et al. 2019).
    Hutchinson {
        /// Random directions: at least 2, because the standard error comes from their spread.
        probes: usize,
    },
}

/// The log-density of examples under a model whose ODE leads from data to noise.
///
/// Along `dx/dt = v(x, t)` the log-density changes by `-div v`, so
/// `log p(x) = log p_end(x_end) + integral of div v dt` over the way from the data to the noise.
///
/// # Units
/// Nats.
///
/// # Numerics
/// Dormand and Prince's method; the tolerance holds for the example, in the root mean square, and
/// for the integral of each divergence. Examples in the type of `x`, the density of the noise in f64.
/// Every example has steps of its own in [`of_flow_rows`](Self::of_flow_rows) and
/// [`of_denoiser_rows`](Self::of_denoiser_rows); in the others all take the same, so that a part of a
/// batch differs from the whole by the tolerance.
///
/// # References
/// Chen et al. 2018; Song et al. 2021, section 4.3; Grathwohl et al. 2019.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_solve::{GaussianMixture, LogDensity};
///
/// let mixture = GaussianMixture::ring(8, 2.0, 0.3);
/// let x = Tensor::<2>::from_data([[2.1, 0.2]], &Device::flex());
/// let mut noise = Noise::new(Seed(1));
/// let found = LogDensity::default().of_flow(|x, t| mixture.velocity(x, t), x.clone(), &mut noise)?;
/// let exact = mixture.log_density(x, 1.0, 0.0).into_scalar::<f32>();
/// assert!((found.nats[0] - f64::from(exact)).abs() < 1e-3);
/// println!("{} velocities at tolerance {:?}", found.evaluations, found.tolerance);
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogDensity {
    /// How the divergence is computed.
    pub divergence: Divergence,
    /// How exact the solver is.
    pub tolerance: Tolerance,
}

/// Log-densities, and how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// One value an example.
    pub nats: Vec<f64>,
    /// The standard error of each, where random directions were used.
    pub std_err: Option<Vec<f64>>,
    /// Number of dimensions of an example.
    pub dims: usize,
    /// Calls of the ODE's right-hand side. Each is one call of the network for each dimension or
    /// probe.
    pub evaluations: usize,
    /// The solver's tolerance.
    pub tolerance: Tolerance,
}

impl Density {
    /// As core's type: exact with the full divergence, else an estimate.
    pub fn likelihood(self) -> Likelihood {
        match self.std_err {
            None => Likelihood::exact(self.nats, self.dims),
            Some(std_err) => Likelihood::estimate(self.nats, std_err, self.dims),
        }
    }
}

impl LogDensity {
    /// Under a flow from data at `t = 0` to standard normal noise at `t = 1`.
    ///
    /// `velocity` is called with tensors on the autodiff device, so its weights have to be there
    /// (`model.fork(&device.autodiff())`).
    ///
    /// # Errors
    /// A velocity with NaN or infinity, fewer than two probes, or a tolerance that cannot be met.
    ///
    /// # Panics
    /// If the velocity has another shape than `x`.
    pub fn of_flow<const D: usize>(
        &self,
        velocity: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        let velocity = |x: Tensor<D>, times: &[f64]| velocity(x, times[0]);
        self.along(&velocity, x, (0.0, 1.0), 1.0, as_the_largest, noise)
    }

    /// [`of_flow`](Self::of_flow) with a time for each example: the steps of each are chosen by its
    /// own error, and its value does not depend on the examples beside it.
    ///
    /// # Errors
    /// As [`of_flow`](Self::of_flow).
    ///
    /// # Panics
    /// As [`of_flow`](Self::of_flow).
    pub fn of_flow_rows<const D: usize>(
        &self,
        velocity: impl Fn(Tensor<D>, &[f64]) -> Tensor<D>,
        x: Tensor<D>,
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        self.along(&velocity, x, (0.0, 1.0), 1.0, |sizes| sizes, noise)
    }

    /// Under a denoiser's probability-flow ODE, from `sigma_min` to `sigma_max`.
    ///
    /// This is the density of examples with noise of level `sigma_min`, at `x`; the density at
    /// `sigma_max` is taken for a normal one of mean 0 and variance `sigma_max^2`, so that has to
    /// be large beside the data. `denoiser` is called as the velocity in
    /// [`of_flow`](Self::of_flow).
    ///
    /// # Numerics
    /// In the time `ln sigma`, in which `dx / d ln sigma = x - denoiser(x, sigma)`.
    ///
    /// # Errors
    /// As [`of_flow`](Self::of_flow); levels that are not `0 < sigma_min < sigma_max`.
    ///
    /// # Panics
    /// If the denoiser's answer has another shape than `x`.
    pub fn of_denoiser<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        levels: (f64, f64),
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        let denoiser = |x: Tensor<D>, sigmas: &[f64]| denoiser(x, sigmas[0]);
        self.of_levels(&denoiser, x, levels, as_the_largest, noise)
    }

    /// [`of_denoiser`](Self::of_denoiser) with a noise level for each example: the steps of each are
    /// chosen by its own error, and its value does not depend on the examples beside it.
    ///
    /// # Errors
    /// As [`of_denoiser`](Self::of_denoiser).
    ///
    /// # Panics
    /// As [`of_denoiser`](Self::of_denoiser).
    pub fn of_denoiser_rows<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, &[f64]) -> Tensor<D>,
        x: Tensor<D>,
        levels: (f64, f64),
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        self.of_levels(&denoiser, x, levels, |sizes| sizes, noise)
    }

    fn of_levels<const D: usize>(
        &self,
        denoiser: &dyn Fn(Tensor<D>, &[f64]) -> Tensor<D>,
        x: Tensor<D>,
        (sigma_min, sigma_max): (f64, f64),
        control: fn(Vec<f64>) -> Vec<f64>,
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        SolveError::check("sigma_min", sigma_min, sigma_min > 0.0, "above 0")?;
        let ok = sigma_max > sigma_min && sigma_max.is_finite();
        SolveError::check("sigma_max", sigma_max, ok, "above sigma_min")?;
        let velocity = |x: Tensor<D>, times: &[f64]| {
            let sigmas: Vec<f64> = times.iter().map(|u| u.exp()).collect();
            x.clone() - denoiser(x, &sigmas)
        };
        let span = (sigma_min.ln(), sigma_max.ln());
        let found = self.along(&velocity, x, span, sigma_max, control, noise);
        found.map_err(|error| match error {
            SolveError::NotFiniteVelocity { step, time } => {
                SolveError::NotFinite { step, sigma: time.exp() }
            }
            other => other,
        })
    }

    /// Along `velocity` over `span`, to normal noise of standard deviation `std`; `control` makes of
    /// the sizes of rows' errors those by which their steps are chosen.
    fn along<const D: usize>(
        &self,
        velocity: &dyn Fn(Tensor<D>, &[f64]) -> Tensor<D>,
        x: Tensor<D>,
        span: (f64, f64),
        std: f64,
        control: fn(Vec<f64>) -> Vec<f64>,
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        self.tolerance.validate()?;
        let shape = x.dims();
        let (batch, dims) = (shape[0], shape[1..].iter().product::<usize>());
        let directions = self.directions(&x, noise)?;
        if batch == 0 {
            let std_err = (self.divergence != Divergence::Full).then(Vec::new);
            let (nats, tolerance) = (Vec::new(), self.tolerance);
            return Ok(Density { nats, std_err, dims, evaluations: 0, tolerance });
        }
        let sums = if self.divergence == Divergence::Full { 1 } else { directions.len() };
        let device = x.device();
        let zeros = Tensor::<2>::zeros([batch, sums], (&device, x.dtype()));
        let state = Tensor::cat(vec![x.reshape([batch, dims]), zeros], 1);
        let mut slope = |step: usize, state: &Tensor<2>, times: &[f64]| {
            let x = state.clone().slice([0..batch, 0..dims]).reshape(shape);
            checked(slope_and_divergence(velocity, x, times, &directions, sums), step, times)
        };
        let sizes = |error: Tensor<2>| {
            let of_x = rms(error.clone().slice([0..batch, 0..dims]));
            let of_sums = error.slice([0..batch, dims..dims + sums]).abs().max_dim(1);
            let of_sums = of_sums.into_data().iter::<f64>().collect::<Vec<_>>();
            control(of_x.into_iter().zip(of_sums).map(|(x, sum)| x.max(sum)).collect())
        };
        let end = integrate(&mut slope, state, span, self.tolerance, &sizes, &mut |_| {})?;
        let values: Vec<f64> = end.x.into_data().iter::<f64>().collect();
        let rows = values.chunks(dims + sums).map(|row| {
            let (x, integrals) = row.split_at(dims);
            let at_end: f64 = x.iter().map(|v| (v / std).powi(2) + (TAU * std * std).ln()).sum();
            let (mean, std_err) = mean_and_error(integrals);
            (mean - 0.5 * at_end, std_err)
        });
        let (nats, std_err): (Vec<f64>, Vec<f64>) = rows.unzip();
        let std_err = (self.divergence != Divergence::Full).then_some(std_err);
        let (evaluations, tolerance) = (end.evaluations, self.tolerance);
        Ok(Density { nats, std_err, dims, evaluations, tolerance })
    }

    /// The directions along which the divergence is measured, each of the shape of `x`.
    fn directions<const D: usize>(
        &self,
        x: &Tensor<D>,
        noise: &mut Noise,
    ) -> Result<Vec<Tensor<D>>, SolveError> {
        let shape = x.dims();
        let (batch, dims) = (shape[0], shape[1..].iter().product::<usize>());
        let device = if x.device().is_autodiff() { x.device().inner() } else { x.device() };
        let upload = |values: Vec<f64>| {
            Tensor::<D>::from_data(TensorData::new(values, shape), (&device, x.dtype()))
        };
        match self.divergence {
            Divergence::Full => {
                let unit = |i: usize| {
                    let row = (0..dims).map(|j| if i == j { 1.0 } else { 0.0 });
                    upload(row.collect::<Vec<f64>>().repeat(batch))
                };
                Ok((0..dims).map(unit).collect())
            }
            Divergence::Hutchinson { probes } => {
                SolveError::check("probes", probes as f64, probes >= 2, "at least 2")?;
                let sign = |u: f64| if u < 0.5 { -1.0 } else { 1.0 };
                let mut probe =
                    || upload(noise.uniform_rows(&[batch, dims]).into_iter().map(sign).collect());
                Ok((0..probes).map(|_| probe()).collect())
            }
        }
    }
}

/// The velocity and, in `sums` more columns, `e . grad (e . v)` for each direction `e`, or their
/// sum: `[batch, dims + sums]`.
fn slope_and_divergence<const D: usize>(
    velocity: &dyn Fn(Tensor<D>, &[f64]) -> Tensor<D>,
    x: Tensor<D>,
    times: &[f64],
    directions: &[Tensor<D>],
    sums: usize,
) -> Tensor<2> {
    let shape = x.dims();
    let (batch, dims) = (shape[0], shape[1..].iter().product::<usize>());
    let mut columns = Vec::with_capacity(directions.len() + 1);
    for direction in directions {
        let (gradient, slope) = gradient(&x, |x| {
            let slope = velocity(x, times);
            assert_eq!(slope.dims(), shape, "LogDensity: the velocity must have its input's shape");
            let along = if slope.device().is_autodiff() {
                slope.clone() * Tensor::from_inner(direction.clone())
            } else {
                slope.clone()
            };
            (along, slope)
        });
        if columns.is_empty() {
            columns.push(slope.reshape([batch, dims]));
        }
        // A velocity that does not depend on x has no divergence.
        let gradient = gradient.unwrap_or_else(|| direction.zeros_like());
        columns.push((gradient * direction.clone()).reshape([batch, dims]).sum_dim(1));
    }
    let slope = columns.remove(0);
    let divergences = Tensor::cat(columns, 1);
    let divergences = if sums == 1 { divergences.sum_dim(1) } else { divergences };
    Tensor::cat(vec![slope, divergences], 1)
}

/// The mean, and its standard error (0 of one value).
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 })
}
