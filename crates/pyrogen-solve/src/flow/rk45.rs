//! Dormand and Prince's pair of orders five and four, with control of the error.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::SolveError;
use crate::finite::scalar;

/// How exact an adaptive solver is: a step's error in a number `x` is at most
/// `absolute + relative |x|`, in the root mean square over an example.
///
/// # Numerics
/// In f32 a relative tolerance below about 1e-6 asks for more than rounding leaves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tolerance {
    /// Relative to each number.
    pub relative: f64,
    /// What is allowed at zero.
    pub absolute: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { relative: 1e-5, absolute: 1e-5 }
    }
}

impl Tolerance {
    pub(crate) fn validate(&self) -> Result<(), SolveError> {
        let (r, a) = (self.relative, self.absolute);
        SolveError::check("relative tolerance", r, r >= 0.0 && r.is_finite(), "at least 0")?;
        SolveError::check("absolute tolerance", a, a > 0.0 && a.is_finite(), "above 0")
    }
}

/// Where each stage stands within a step.
const NODES: [f64; 6] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0];
/// Weights of the earlier slopes in each stage; the last row is the step of order five.
const STAGES: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// The step of order five less the one of order four.
const ERROR: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

/// Steps that may be tried before the solver gives up.
const MOST_STEPS: usize = 100_000;

/// The slope `dx/dt`, checked; the first argument is the step, from 0.
pub(crate) type Slope<'a, const D: usize> =
    dyn FnMut(usize, &Tensor<D>, f64) -> Result<Tensor<D>, SolveError> + 'a;

/// An end point, and what it took.
#[derive(Debug, Clone)]
pub(crate) struct Integrated<const D: usize> {
    pub x: Tensor<D>,
    /// Calls of the slope.
    pub evaluations: usize,
    /// Steps that were kept.
    pub accepted: usize,
    /// Steps that were made again, shorter.
    pub rejected: usize,
}

/// Solves `dx/dt = slope` from `from` to `to`. `size` gives the size of an error that is measured
/// in units of the tolerance; `on_step` sees the start of each step that is kept: number, times,
/// example and slope.
///
/// # References
/// Dormand and Prince 1980; Hairer, Nørsett and Wanner 1993, section II.4 (first step, control).
pub(crate) fn integrate<const D: usize>(
    slope: &mut Slope<'_, D>,
    mut x: Tensor<D>,
    (from, to): (f64, f64),
    tolerance: Tolerance,
    size: &dyn Fn(Tensor<D>) -> f64,
    on_step: &mut dyn FnMut(usize, f64, f64, &Tensor<D>, &Tensor<D>),
) -> Result<Integrated<D>, SolveError> {
    let direction = (to - from).signum();
    let mut first = slope(0, &x, from)?;
    let mut h = first_step(slope, &x, &first, (from, to), tolerance, size)?;
    let (mut t, mut evaluations, mut accepted, mut rejected) = (from, 2, 0, 0);
    let mut grow = 10.0;
    while (to - t) * direction > 0.0 {
        let last = h >= (to - t).abs();
        let end = if last { to } else { t + direction * h };
        if end == t || h < f64::EPSILON * 16.0 * t.abs().max(from.abs()) {
            return Err(SolveError::StepTooSmall { step: accepted + 1, time: t });
        }
        if accepted + rejected == MOST_STEPS {
            return Err(SolveError::TooManyAdaptiveSteps { steps: MOST_STEPS, time: t });
        }
        let (next, next_slope, error) = step(slope, accepted, &x, &first, (t, end))?;
        evaluations += STAGES.len();
        let error = size(error / scale(&x, &next, tolerance));
        if error <= 1.0 {
            on_step(accepted, t, end, &x, &first);
            (x, first, t) = (next, next_slope, end);
            accepted += 1;
            h *= (0.9 * error.powf(-0.2)).clamp(0.2, grow);
            grow = 10.0;
        } else {
            rejected += 1;
            h = (end - t).abs() * (0.9 * error.powf(-0.2)).max(0.2);
            grow = 1.0;
        }
    }
    Ok(Integrated { x, evaluations, accepted, rejected })
}

/// What error a number may have.
fn scale<const D: usize>(x: &Tensor<D>, next: &Tensor<D>, tolerance: Tolerance) -> Tensor<D> {
    x.clone().abs().max_pair(next.clone().abs()) * tolerance.relative + tolerance.absolute
}

/// One step: its end, the slope there, and the error's estimate.
pub(super) fn step<const D: usize>(
    slope: &mut Slope<'_, D>,
    index: usize,
    x: &Tensor<D>,
    first: &Tensor<D>,
    (t, end): (f64, f64),
) -> Result<(Tensor<D>, Tensor<D>, Tensor<D>), SolveError> {
    let h = end - t;
    let mut slopes = vec![first.clone()];
    let mut next = x.clone();
    for (stage, weights) in STAGES.iter().enumerate() {
        next = x.clone() + weighted(&slopes, weights) * h;
        let at = NODES.get(stage + 1).map_or(end, |node| t + node * h);
        slopes.push(slope(index, &next, at)?);
    }
    let error = weighted(&slopes, &ERROR) * h;
    Ok((next, slopes.pop().expect("seven slopes"), error))
}

fn weighted<const D: usize>(slopes: &[Tensor<D>], weights: &[f64]) -> Tensor<D> {
    let terms = slopes.iter().zip(weights).filter(|&(_, &w)| w != 0.0);
    terms
        .map(|(slope, &w)| slope.clone() * w)
        .reduce(|a, b| a + b)
        .expect("a row of weights is not all zero")
}

/// A first step of about a hundredth of the size at which the slope changes `x`, checked by an
/// Euler step.
fn first_step<const D: usize>(
    slope: &mut Slope<'_, D>,
    x: &Tensor<D>,
    first: &Tensor<D>,
    (from, to): (f64, f64),
    tolerance: Tolerance,
    size: &dyn Fn(Tensor<D>) -> f64,
) -> Result<f64, SolveError> {
    let length = (to - from).abs();
    let scale = scale(x, x, tolerance);
    let of_x = size(x.clone() / scale.clone());
    let of_slope = size(first.clone() / scale.clone());
    let small = of_x < 1e-5 || of_slope < 1e-5;
    let h = if small { 1e-6 } else { 0.01 * of_x / of_slope }.min(length);
    let signed = h * (to - from).signum();
    let ahead = x.clone() + first.clone() * signed;
    let second = slope(0, &ahead, from + signed)?;
    let of_change = size((second - first.clone()) / scale) / h;
    let steepest = of_slope.max(of_change);
    let by_order =
        if steepest <= 1e-15 { (h * 1e-3).max(1e-6) } else { (0.01 / steepest).powf(0.2) };
    Ok(by_order.min(100.0 * h).min(length))
}

/// The largest over the examples of the root mean square within one.
pub(crate) fn largest_rms<const D: usize>(x: Tensor<D>) -> f64 {
    let batch = x.dims()[0];
    let features = x.dims().iter().product::<usize>() / batch.max(1);
    let mean = x.reshape([batch, features]).square().mean_dim(1);
    scalar(mean.max()).sqrt()
}
