//! Solvers of `dx/dt = v(x, t)`.

mod rk45;
mod times;

use std::str::FromStr;

use burn::tensor::Tensor;
use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::SolveError;
use crate::finite::Checks;
pub use rk45::Tolerance;
use rk45::{Kept, Sizes};
pub(crate) use rk45::{as_the_largest, integrate, rms};
pub use times::Times;
pub(crate) use times::kept;

/// How a flow is followed.
///
/// | solver | order | velocities of `n` steps |
/// |---|---|---|
/// | Euler | 1 | n |
/// | midpoint | 2 | 2n |
/// | Heun | 2 | 2n |
/// | RK45 | 5, steps by tolerance | 6 a step tried, and 2 |
///
/// ```
/// use burn::tensor::Device;
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_solve::{FlowSolver, GaussianMixture, Times, Tolerance};
///
/// let mixture = GaussianMixture::ring(8, 2.0, 0.2);
/// let noise = Noise::new(Seed(1)).normal([16, 2], &Device::flex());
/// let velocity = |x, t| mixture.velocity(x, t);
/// let times = Times::sampling(1)?; // from 1 to 0: the solver chooses its own steps
/// let solver = FlowSolver::Rk45(Tolerance { relative: 1e-4, absolute: 1e-4 });
/// let solution = solver.solve(velocity, noise, &times, |_| {})?;
/// assert!(solution.evaluations > 20);
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FlowSolver {
    /// One velocity a step.
    Euler,
    /// The mean of the velocities at both ends.
    Heun,
    /// The velocity in the middle.
    #[default]
    Midpoint,
    /// Dormand and Prince's method between each two of the times, with steps by tolerance: those of
    /// each example by itself in [`solve_rows`](Self::solve_rows), the same for all in
    /// [`solve`](Self::solve).
    Rk45(Tolerance),
}

/// What a callback sees of a flow's step.
#[derive(Debug, Clone)]
pub struct FlowStep<const D: usize> {
    /// The step, from 0.
    pub index: usize,
    /// The time that each example starts at.
    pub times: Vec<f64>,
    /// The time that each goes to: the same where an adaptive solver keeps it back.
    pub times_next: Vec<f64>,
    /// The examples at its start.
    pub x: Tensor<D>,
    /// The velocity there.
    pub velocity: Tensor<D>,
}

/// Where a flow led, and what it took.
#[derive(Debug, Clone)]
pub struct Solution<const D: usize> {
    /// The examples at the last time.
    pub x: Tensor<D>,
    /// Calls of the velocity.
    pub evaluations: usize,
    /// Steps that were kept; of an adaptive solver, those of the example with the most.
    pub steps: usize,
    /// Steps that an adaptive solver made again, shorter, for the example with the most.
    pub rejected: usize,
}

impl FromStr for FlowSolver {
    type Err = ConfigError;

    /// The solver of a name; `rk45` has the default tolerance.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Ok(match text {
            "euler" => Self::Euler,
            "heun" => Self::Heun,
            "midpoint" => Self::Midpoint,
            "rk45" => Self::Rk45(Tolerance::default()),
            _ => {
                let expected = format!("one of {}", Self::NAMES);
                return Err(ConfigError::value("solver", expected, format!("`{text}`")));
            }
        })
    }
}

impl FlowSolver {
    /// The names that `FromStr` knows, for help texts.
    pub const NAMES: &'static str = "euler, heun, midpoint, rk45";

    /// Follows `dx/dt = velocity(x, t)` from `x` at the first of the times to the last, with one
    /// time for all examples.
    ///
    /// An adaptive solver's steps are then short enough for the worst example of the batch, so that
    /// an example depends on those beside it, within the tolerance;
    /// [`solve_rows`](Self::solve_rows) has steps of each example's own.
    ///
    /// # Errors
    /// A velocity with NaN or infinity (the error names step and time), a tolerance outside its
    /// range, or one that cannot be met.
    ///
    /// # Panics
    /// If the velocity has another shape than `x`.
    pub fn solve<const D: usize>(
        &self,
        velocity: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        times: &Times,
        on_step: impl FnMut(&FlowStep<D>),
    ) -> Result<Solution<D>, SolveError> {
        let velocity = |x: Tensor<D>, times: &[f64]| velocity(x, times[0]);
        self.follow(velocity, x, times, &|error| as_the_largest(rms(error)), on_step)
    }

    /// [`solve`](Self::solve) with a time for each example: an adaptive solver chooses the steps of
    /// each by its own error, and where one example leads does not depend on those beside it.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    ///
    /// # Panics
    /// As [`solve`](Self::solve).
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_solve::{FlowSolver, Times, Tolerance};
    ///
    /// let velocity = |x: Tensor<2>, times: &[f64]| {
    ///     let times: Vec<f32> = times.iter().map(|&t| t as f32).collect();
    ///     let times = Tensor::<1>::from_floats(times.as_slice(), &Device::flex());
    ///     x * times.unsqueeze_dim::<2>(1)
    /// };
    /// let x = Tensor::<2>::from_floats([[1.0], [50.0]], &Device::flex());
    /// let solver = FlowSolver::Rk45(Tolerance::default());
    /// let times = Times::sampling(1)?;
    /// let both = solver.solve_rows(velocity, x.clone(), &times, |_| {})?.x;
    /// let one = solver.solve_rows(velocity, x.slice([0..1]), &times, |_| {})?.x;
    /// assert_eq!(one.to_data(), both.slice([0..1]).to_data());
    /// # Ok::<(), pyrogen_solve::SolveError>(())
    /// ```
    pub fn solve_rows<const D: usize>(
        &self,
        velocity: impl Fn(Tensor<D>, &[f64]) -> Tensor<D>,
        x: Tensor<D>,
        times: &Times,
        on_step: impl FnMut(&FlowStep<D>),
    ) -> Result<Solution<D>, SolveError> {
        self.follow(velocity, x, times, &rms, on_step)
    }

    fn follow<const D: usize>(
        &self,
        velocity: impl Fn(Tensor<D>, &[f64]) -> Tensor<D>,
        x: Tensor<D>,
        times: &Times,
        sizes: &Sizes<'_, D>,
        mut on_step: impl FnMut(&FlowStep<D>),
    ) -> Result<Solution<D>, SolveError> {
        let n = x.dims()[0];
        if n == 0 {
            return Ok(Solution { x, evaluations: 0, steps: 0, rejected: 0 });
        }
        let slope = |x: &Tensor<D>, times: &[f64]| {
            let slope = velocity(x.clone(), times);
            assert_eq!(
                slope.dims(),
                x.dims(),
                "FlowSolver: the velocity must have its input's shape"
            );
            slope
        };
        if let Self::Rk45(tolerance) = self {
            let slope =
                |index: usize, x: &Tensor<D>, times: &[f64]| checked(slope(x, times), index, times);
            return adaptive(slope, x, times, *tolerance, sizes, on_step);
        }
        let checks = Checks::new();
        let slope = |index: usize, x: &Tensor<D>, times: &[f64]| {
            let slope = slope(x, times);
            checks.see(&slope, (slope.clone(), index, times.to_vec())).map_err(not_finite)?;
            Ok(slope)
        };
        let mut solution = Solution { x, evaluations: 0, steps: 0, rejected: 0 };
        for (index, pair) in times.values().windows(2).enumerate() {
            let (time, time_next) = (pair[0], pair[1]);
            let [times, times_next] = [time, time_next].map(|t| vec![t; n]);
            let x = solution.x;
            let first = slope(index, &x, &times)?;
            let h = time_next - time;
            let (at, velocity) = (x.clone(), first.clone());
            let seen = FlowStep { index, times, times_next, x: at, velocity };
            on_step(&seen);
            let used = match self {
                Self::Euler => first,
                Self::Heun => {
                    let end = x.clone() + first.clone() * h;
                    (first + slope(index, &end, &seen.times_next)?) * 0.5
                }
                _ => slope(index, &(x.clone() + first * (0.5 * h)), &vec![time + 0.5 * h; n])?,
            };
            solution.x = x + used * h;
            solution.steps += 1;
            solution.evaluations += if matches!(self, Self::Euler) { 1 } else { 2 };
        }
        checks.finish().map_err(not_finite)?;
        Ok(solution)
    }
}

/// The velocity, if all its numbers are finite; the error names the time of the first row that has
/// another.
pub(crate) fn checked<const D: usize>(
    slope: Tensor<D>,
    index: usize,
    times: &[f64],
) -> Result<Tensor<D>, SolveError> {
    if crate::finite::all_finite(&slope) {
        return Ok(slope);
    }
    Err(not_finite((slope, index, times.to_vec())))
}

/// The error of a velocity at a step and the times of its rows.
fn not_finite<const D: usize>((slope, index, times): (Tensor<D>, usize, Vec<f64>)) -> SolveError {
    let values: Vec<f64> = slope.into_data().iter::<f64>().collect();
    let wrong = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
    let time = times[wrong / (values.len() / times.len())];
    SolveError::NotFiniteVelocity { step: index + 1, time }
}

fn adaptive<const D: usize>(
    mut slope: impl FnMut(usize, &Tensor<D>, &[f64]) -> Result<Tensor<D>, SolveError>,
    x: Tensor<D>,
    times: &Times,
    tolerance: Tolerance,
    sizes: &Sizes<'_, D>,
    mut on_step: impl FnMut(&FlowStep<D>),
) -> Result<Solution<D>, SolveError> {
    tolerance.validate()?;
    let mut solution = Solution { x, evaluations: 0, steps: 0, rejected: 0 };
    let mut seen = 0;
    for pair in times.values().windows(2) {
        let (done, before) = (solution.steps, seen);
        let part = integrate(
            &mut |index, x, times| slope(done + index, x, times),
            solution.x,
            (pair[0], pair[1]),
            tolerance,
            sizes,
            &mut |Kept { index, times, times_next, x, velocity }| {
                let (index, x, velocity) = (before + index, x.clone(), velocity.clone());
                on_step(&FlowStep { index, times, times_next, x, velocity });
                seen = index + 1;
            },
        )?;
        solution.x = part.x;
        solution.evaluations += part.evaluations;
        solution.steps += part.accepted;
        solution.rejected += part.rejected;
    }
    Ok(solution)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Tensor, TensorData};

    use super::rk45::step;

    #[test]
    fn one_step_of_rk45_has_a_local_error_of_order_six() {
        // x' = x cos(t), x(0) = 1: x = exp(sin t). In f64 on the host, so that the
        // small steps are not rounding.
        let error = |h: f64| {
            let options = (&Device::flex(), DType::F64);
            let x = Tensor::<1>::from_data(TensorData::new(vec![1.0f64], [1]), options);
            let mut slope = |_: usize, x: &Tensor<1>, t: &[f64]| Ok(x.clone() * t[0].cos());
            let first = slope(0, &x, &[0.0]).unwrap();
            let (end, _, _) = step(&mut slope, 0, &x, &first, (&[0.0], &[h])).unwrap();
            (end.into_scalar::<f64>() - h.sin().exp()).abs()
        };
        let order = (error(0.2) / error(0.1)).log2();
        assert!((order - 6.0).abs() < 0.2, "the error falls with order {order}");
    }
}
