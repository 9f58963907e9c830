//! Dormand and Prince's pair of orders five and four, with control of the error.

use burn::tensor::{Bool, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::SolveError;

/// How exact an adaptive solver is: a step's error in a number `x` is at most
/// `absolute + relative |x|`, in the root mean square over an example.
///
/// # Numerics
/// In f32 a relative tolerance below about 1e-6 asks for more than rounding leaves.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// The slope `dx/dt` at a time of each row, checked; the first argument is the step, from 0.
pub(crate) type Slope<'a, const D: usize> =
    dyn FnMut(usize, &Tensor<D>, &[f64]) -> Result<Tensor<D>, SolveError> + 'a;

/// The size of each row of an error that is measured in units of the tolerance.
pub(crate) type Sizes<'a, const D: usize> = dyn Fn(Tensor<D>) -> Vec<f64> + 'a;

/// An end point, and what it took.
#[derive(Debug, Clone)]
pub(crate) struct Integrated<const D: usize> {
    pub x: Tensor<D>,
    /// Calls of the slope.
    pub evaluations: usize,
    /// Steps that were kept: the most of any row.
    pub accepted: usize,
    /// Steps that were made again, shorter: the most of any row.
    pub rejected: usize,
}

/// The start of a step that is kept by one row or more.
pub(crate) struct Kept<'a, const D: usize> {
    pub index: usize,
    /// Where each row stands, and where it goes: no further where its step is not kept.
    pub times: Vec<f64>,
    pub times_next: Vec<f64>,
    pub x: &'a Tensor<D>,
    pub velocity: &'a Tensor<D>,
}

/// Where a row stands.
#[derive(Debug, Clone)]
struct Row {
    t: f64,
    /// The step that is tried next, without its sign.
    h: f64,
    /// How much longer it may become.
    grow: f64,
    accepted: usize,
    rejected: usize,
}

impl Row {
    /// Where the next step ends: at `to` where that is near.
    fn end(&self, (from, to): (f64, f64)) -> Result<f64, SolveError> {
        let (t, h) = (self.t, self.h);
        if t == to {
            return Ok(to);
        }
        let end = if h >= (to - t).abs() { to } else { t + (to - from).signum() * h };
        if end == t || h < f64::EPSILON * 16.0 * t.abs().max(from.abs()) {
            return Err(SolveError::StepTooSmall { step: self.accepted + 1, time: t });
        }
        if self.accepted + self.rejected == MOST_STEPS {
            return Err(SolveError::TooManyAdaptiveSteps { steps: MOST_STEPS, time: t });
        }
        Ok(end)
    }

    /// Keeps the step to `end` or rejects it, by the size of its error.
    fn judge(&mut self, end: f64, error: f64) -> bool {
        let fit = 0.9 * error.powf(-0.2);
        if error <= 1.0 {
            self.t = end;
            self.accepted += 1;
            self.h *= fit.clamp(0.2, self.grow);
            self.grow = 10.0;
            return true;
        }
        self.rejected += 1;
        self.h = (end - self.t).abs() * fit.max(0.2);
        self.grow = 1.0;
        false
    }
}

/// Solves `dx/dt = slope` from `from` to `to`. Every row has steps of its own, chosen by its own
/// error: `sizes` says how large that is. Where all sizes are the largest one, all rows take the
/// same steps.
///
/// # References
/// Dormand and Prince 1980; Hairer, Nørsett and Wanner 1993, section II.4 (first step, control).
pub(crate) fn integrate<const D: usize>(
    slope: &mut Slope<'_, D>,
    mut x: Tensor<D>,
    span: (f64, f64),
    tolerance: Tolerance,
    sizes: &Sizes<'_, D>,
    on_step: &mut dyn FnMut(Kept<'_, D>),
) -> Result<Integrated<D>, SolveError> {
    let n = x.dims()[0];
    let mut first = slope(0, &x, &vec![span.0; n])?;
    let start = first_steps(slope, &x, &first, span, tolerance, sizes)?;
    let row = |h| Row { t: span.0, h, grow: 10.0, accepted: 0, rejected: 0 };
    let mut rows: Vec<Row> = start.into_iter().map(row).collect();
    let (mut evaluations, mut index) = (2, 0);
    while rows.iter().any(|row| row.t != span.1) {
        let times: Vec<f64> = rows.iter().map(|row| row.t).collect();
        let ends = rows.iter().map(|row| row.end(span)).collect::<Result<Vec<_>, _>>()?;
        let done = rows.iter().map(|row| row.accepted).max().unwrap_or(0);
        let (next, next_slope, error) = step(slope, done, &x, &first, (&times, &ends))?;
        evaluations += STAGES.len();
        let sizes = sizes(error / scale(&x, &next, tolerance));
        let judged = rows.iter_mut().zip(ends.iter().zip(sizes));
        // A row at its end makes steps of no length.
        let keep: Vec<bool> =
            judged.map(|(row, (&end, error))| row.t != end && row.judge(end, error)).collect();
        if !keep.contains(&true) {
            continue;
        }
        let times_next = rows.iter().map(|row| row.t).collect();
        on_step(Kept { index, times, times_next, x: &x, velocity: &first });
        index += 1;
        x = chosen(&keep, x, next);
        first = chosen(&keep, first, next_slope);
    }
    let most = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (accepted, rejected) = (most(|row| row.accepted), most(|row| row.rejected));
    Ok(Integrated { x, evaluations, accepted, rejected })
}

/// The rows of `new` that are kept, and of `old` the others.
fn chosen<const D: usize>(keep: &[bool], old: Tensor<D>, new: Tensor<D>) -> Tensor<D> {
    if !keep.contains(&false) {
        return new;
    }
    let mut shape = [1; D];
    shape[0] = keep.len();
    let mask = TensorData::new(keep.to_vec(), shape);
    let mask = Tensor::<D, Bool>::from_data(mask, &old.device()).expand(old.dims());
    old.mask_where(mask, new)
}

/// Numbers of rows, to multiply rows with.
fn column<const D: usize>(values: impl Iterator<Item = f64>, like: &Tensor<D>) -> Tensor<D> {
    let values: Vec<f64> = values.collect();
    let mut shape = [1; D];
    shape[0] = values.len();
    Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
}

/// What error a number may have.
fn scale<const D: usize>(x: &Tensor<D>, next: &Tensor<D>, tolerance: Tolerance) -> Tensor<D> {
    x.clone().abs().max_pair(next.clone().abs()) * tolerance.relative + tolerance.absolute
}

/// One step of each row: its end, the slope there, and the error's estimate.
pub(super) fn step<const D: usize>(
    slope: &mut Slope<'_, D>,
    index: usize,
    x: &Tensor<D>,
    first: &Tensor<D>,
    (times, ends): (&[f64], &[f64]),
) -> Result<(Tensor<D>, Tensor<D>, Tensor<D>), SolveError> {
    let h = column(times.iter().zip(ends).map(|(t, end)| end - t), x);
    let mut slopes = vec![first.clone()];
    let mut next = x.clone();
    for (stage, weights) in STAGES.iter().enumerate() {
        next = x.clone() + weighted(&slopes, weights) * h.clone();
        let at: Vec<f64> = match NODES.get(stage + 1) {
            Some(node) => times.iter().zip(ends).map(|(t, end)| t + node * (end - t)).collect(),
            None => ends.to_vec(),
        };
        slopes.push(slope(index, &next, &at)?);
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

/// A first step of each row, of about a hundredth of the size at which the slope changes `x`,
/// checked by an Euler step.
fn first_steps<const D: usize>(
    slope: &mut Slope<'_, D>,
    x: &Tensor<D>,
    first: &Tensor<D>,
    (from, to): (f64, f64),
    tolerance: Tolerance,
    sizes: &Sizes<'_, D>,
) -> Result<Vec<f64>, SolveError> {
    let length = (to - from).abs();
    let scale = scale(x, x, tolerance);
    let of_x = sizes(x.clone() / scale.clone());
    let of_slope = sizes(first.clone() / scale.clone());
    let tried: Vec<f64> = of_x
        .iter()
        .zip(&of_slope)
        .map(|(of_x, of_slope)| {
            let small = *of_x < 1e-5 || *of_slope < 1e-5;
            if small { 1e-6 } else { 0.01 * of_x / of_slope }.min(length)
        })
        .collect();
    let signed: Vec<f64> = tried.iter().map(|h| h * (to - from).signum()).collect();
    let ahead = x.clone() + first.clone() * column(signed.iter().copied(), x);
    let at: Vec<f64> = signed.iter().map(|h| from + h).collect();
    let second = slope(0, &ahead, &at)?;
    let changes = sizes((second - first.clone()) / scale);
    let steps = tried.iter().zip(of_slope.iter().zip(changes)).map(|(&h, (of_slope, change))| {
        let steepest = of_slope.max(change / h);
        let by_order =
            if steepest <= 1e-15 { (h * 1e-3).max(1e-6) } else { (0.01 / steepest).powf(0.2) };
        by_order.min(100.0 * h).min(length)
    });
    Ok(steps.collect())
}

/// The root mean square of each row.
pub(crate) fn rms<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    let batch = x.dims()[0];
    let features = x.dims().iter().product::<usize>() / batch.max(1);
    let mean = x.reshape([batch, features]).square().mean_dim(1);
    mean.into_data().iter::<f64>().map(f64::sqrt).collect()
}

/// Every row as large as the largest: for slopes that take one time for all rows.
pub(crate) fn as_the_largest(sizes: Vec<f64>) -> Vec<f64> {
    // NaN counts as the largest: `f64::max` would pass over it.
    let largest = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
    let most = sizes.iter().copied().fold(0.0, largest);
    vec![most; sizes.len()]
}
