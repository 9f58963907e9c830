//! Solvers of `dx/dt = v(x, t)`.

mod rk45;
mod times;

use std::str::FromStr;

use burn::tensor::Tensor;
use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::SolveError;
pub use rk45::Tolerance;
pub(crate) use rk45::{integrate, largest_rms};
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
    /// Dormand and Prince's method between each two of the times, with steps by tolerance. All
    /// examples of a batch take the same steps, short enough for each: another batch has other
    /// steps, and results that differ by the tolerance.
    Rk45(Tolerance),
}

/// What a callback sees of a flow's step.
#[derive(Debug, Clone)]
pub struct FlowStep<const D: usize> {
    /// The step, from 0.
    pub index: usize,
    /// The time it starts at.
    pub time: f64,
    /// The time it goes to.
    pub time_next: f64,
    /// The example at its start.
    pub x: Tensor<D>,
    /// The velocity there.
    pub velocity: Tensor<D>,
}

/// Where a flow led, and what it took.
#[derive(Debug, Clone)]
pub struct Solution<const D: usize> {
    /// The example at the last time.
    pub x: Tensor<D>,
    /// Calls of the velocity.
    pub evaluations: usize,
    /// Steps that were kept.
    pub steps: usize,
    /// Steps that an adaptive solver made again, shorter.
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

    /// Follows `dx/dt = velocity(x, t)` from `x` at the first of the times to the last.
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
        mut on_step: impl FnMut(&FlowStep<D>),
    ) -> Result<Solution<D>, SolveError> {
        let slope = |index: usize, x: &Tensor<D>, time: f64| checked(&velocity, index, x, time);
        if let Self::Rk45(tolerance) = self {
            return adaptive(slope, x, times, *tolerance, on_step);
        }
        let mut solution = Solution { x, evaluations: 0, steps: 0, rejected: 0 };
        for (index, pair) in times.values().windows(2).enumerate() {
            let (time, time_next) = (pair[0], pair[1]);
            let x = solution.x;
            let first = slope(index, &x, time)?;
            on_step(&FlowStep { index, time, time_next, x: x.clone(), velocity: first.clone() });
            let h = time_next - time;
            let used = match self {
                Self::Euler => first,
                Self::Heun => {
                    let end = x.clone() + first.clone() * h;
                    (first + slope(index, &end, time_next)?) * 0.5
                }
                _ => slope(index, &(x.clone() + first * (0.5 * h)), time + 0.5 * h)?,
            };
            solution.x = x + used * h;
            solution.steps += 1;
            solution.evaluations += if matches!(self, Self::Euler) { 1 } else { 2 };
        }
        Ok(solution)
    }
}

/// The velocity, if all its numbers are finite.
pub(crate) fn checked<const D: usize>(
    velocity: &impl Fn(Tensor<D>, f64) -> Tensor<D>,
    index: usize,
    x: &Tensor<D>,
    time: f64,
) -> Result<Tensor<D>, SolveError> {
    let slope = velocity(x.clone(), time);
    assert_eq!(slope.dims(), x.dims(), "FlowSolver: the velocity must have its input's shape");
    if crate::finite::all_finite(&slope) {
        Ok(slope)
    } else {
        Err(SolveError::NotFiniteVelocity { step: index + 1, time })
    }
}

fn adaptive<const D: usize>(
    mut slope: impl FnMut(usize, &Tensor<D>, f64) -> Result<Tensor<D>, SolveError>,
    x: Tensor<D>,
    times: &Times,
    tolerance: Tolerance,
    mut on_step: impl FnMut(&FlowStep<D>),
) -> Result<Solution<D>, SolveError> {
    tolerance.validate()?;
    let mut solution = Solution { x, evaluations: 0, steps: 0, rejected: 0 };
    for pair in times.values().windows(2) {
        let done = solution.steps;
        let part = integrate(
            &mut |index, x, t| slope(done + index, x, t),
            solution.x,
            (pair[0], pair[1]),
            tolerance,
            &largest_rms,
            &mut |index, time, time_next, x, velocity| {
                let (x, velocity) = (x.clone(), velocity.clone());
                on_step(&FlowStep { index: done + index, time, time_next, x, velocity });
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
            let mut slope = |_: usize, x: &Tensor<1>, t: f64| Ok(x.clone() * t.cos());
            let first = slope(0, &x, 0.0).unwrap();
            let (end, _, _) = step(&mut slope, 0, &x, &first, (0.0, h)).unwrap();
            (end.into_scalar::<f64>() - h.sin().exp()).abs()
        };
        let order = (error(0.2) / error(0.1)).log2();
        assert!((order - 6.0).abs() < 0.2, "the error falls with order {order}");
    }
}
