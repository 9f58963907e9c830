//! Whether a flow inverts.

use std::f64::consts::PI;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use pyrogen_core::{Condition, Describe, ExactFlow, ModelError, flatten};
use serde::Serialize;

use crate::{NormalizingFlow, NumberMap, SplineConfig, SplineTails};

/// How well a flow inverts, on examples and in its tails, and how many numbers its splines leave alone.
///
/// Errors are of an element after the way there and back, relative to its size where that is above 1; the
/// largest of all. Tails are examples ten times as far out, and noise three times as far out as that of
/// the examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct InverseReport {
    /// Examples that were looked at.
    pub examples: usize,
    /// The largest error on examples.
    pub error: f64,
    /// The largest error in the tails; none on circles, which have no tails.
    pub tail_error: Option<f64>,
    /// The share of numbers that entered a spline outside its interval, over all layers; none without
    /// splines that leave numbers alone.
    pub clipped: Option<f64>,
}

/// An error from which on a report warns: f32 leaves about 1e-6 a layer.
const ERROR: f64 = 1e-3;

/// The share of clipped numbers from which on a report warns.
const CLIPPED: f64 = 0.01;

impl InverseReport {
    /// Whether something is wrong: an error above 1e-3, or more than a hundredth of the numbers outside
    /// of splines.
    pub fn is_faulty(&self) -> bool {
        let within = |value: Option<f64>, most: f64| value.is_none_or(|value| value <= most);
        !(within(Some(self.error), ERROR)
            && within(self.tail_error, ERROR)
            && within(self.clipped, CLIPPED))
    }

    /// The report of these examples and others together.
    pub fn extend(&mut self, other: &Self) {
        let all = (self.examples + other.examples).max(1) as f64;
        let weighted =
            |a: f64, b: f64| (a * self.examples as f64 + b * other.examples as f64) / all;
        self.clipped = self.clipped.zip(other.clipped).map(|(a, b)| weighted(a, b));
        self.error = self.error.max(other.error);
        self.tail_error = self.tail_error.zip(other.tail_error).map(|(a, b)| a.max(b));
        self.examples += other.examples;
    }
}

impl std::fmt::Display for InverseReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "inverse error {:.1e} on {} examples", self.error, self.examples)?;
        if let Some(error) = self.tail_error {
            write!(f, ", {error:.1e} in the tails")?;
        }
        if let Some(clipped) = self.clipped {
            write!(f, "; {:.2} % of numbers outside the splines", clipped * 100.0)?;
        }
        let inexact = self.error.max(self.tail_error.unwrap_or(0.0)) > ERROR;
        if inexact {
            write!(
                f,
                ". The flow does not invert in f32: its scores and samples do not belong together. \
                 Train with a smaller learning rate or fewer layers"
            )?;
        }
        if self.clipped.is_some_and(|clipped| clipped > CLIPPED) {
            write!(
                f,
                ". Beyond a spline's bound nothing is learned: standardise the data, raise `bound`, or set \
                 `tails` to `affine`"
            )?;
        }
        Ok(())
    }
}

impl NormalizingFlow {
    /// How well the flow inverts on these examples and in its tails.
    ///
    /// # Errors
    /// A condition that does not fit.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    pub fn inverse_report<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> Result<InverseReport, ModelError> {
        let rows = x.dims()[0];
        self.check_condition(condition, rows)?;
        let flow = self.valid();
        let x = flatten(x.inner(), &self.config().event);
        let circles = self.config().circles();
        let (error, tail_error) = inverse_errors_of(&flow, &x, condition, &circles)?;
        let clipped = match self.config().flow.map() {
            Some(NumberMap::Spline(spline @ SplineConfig { tails: SplineTails::Identity, .. })) => {
                let entering = Tensor::cat(flow.given(condition, rows).entering(x), 0);
                // Angles are always inside.
                let entering = scaled(entering, &circles, 1.0, 0.0);
                let outside = entering.abs().greater_elem(spline.bound).float();
                Some(f64::from(outside.mean().into_scalar::<f32>()))
            }
            _ => None,
        };
        Ok(InverseReport { examples: rows, error, tail_error, clipped })
    }
}

/// How well a flow of pictures inverts.
pub(crate) fn report_of_pictures<F: ExactFlow, const D: usize>(
    flow: &F,
    x: Tensor<D>,
    condition: &Condition,
) -> Result<InverseReport, ModelError> {
    let examples = x.dims()[0];
    flow.check_condition(condition, examples)?;
    let x = flatten(x.inner(), &flow.event_shape());
    let (error, tail_error) = inverse_errors(&flow.valid(), &x, condition, false)?;
    Ok(InverseReport { examples, error, tail_error, clipped: None })
}

/// The largest error of the way there and back on examples, and in the tails; circles have none.
fn inverse_errors<F: ExactFlow>(
    flow: &F,
    x: &Tensor<2>,
    condition: &Condition,
    circular: bool,
) -> Result<(f64, Option<f64>), ModelError> {
    inverse_errors_of(flow, x, condition, &vec![circular; x.dims()[1]])
}

/// The same, where some features are angles.
fn inverse_errors_of<F: ExactFlow>(
    flow: &F,
    x: &Tensor<2>,
    condition: &Condition,
    circles: &[bool],
) -> Result<(f64, Option<f64>), ModelError> {
    let follow = |x: &Tensor<2>, inverse| flow.follow(x.clone(), condition, inverse);
    let there = |x: &Tensor<2>| follow(x, false).map(|(z, _)| z);
    let back = |z: &Tensor<2>| follow(z, true).map(|(x, _)| x);
    let z = there(x)?;
    let error = largest(back(&z)?, x.clone(), circles);
    if circles.iter().all(|c| *c) {
        return Ok((error, None));
    }
    let far = scaled(x.clone(), circles, 10.0, 1.0);
    let out = largest(back(&there(&far)?)?, far, circles);
    let far = scaled(z, circles, 3.0, 1.0);
    let tail_error = out.max(largest(there(&back(&far)?)?, far, circles));
    Ok((error, Some(tail_error)))
}

/// Numbers on the line by one factor, angles by another.
fn scaled(x: Tensor<2>, circles: &[bool], line: f64, circle: f64) -> Tensor<2> {
    let factors: Vec<f32> = circles.iter().map(|&c| if c { circle } else { line } as f32).collect();
    let n = factors.len();
    x.clone() * Tensor::<2>::from_data(TensorData::new(factors, [1, n]), &x.device())
}

/// The largest error; infinity where a number is NaN. Angles that differ by turns are the same.
fn largest(got: Tensor<2>, expected: Tensor<2>, circles: &[bool]) -> f64 {
    let pairs = got.into_data().try_to_vec::<f32>().unwrap_or_default();
    let expected = expected.into_data().try_to_vec::<f32>().unwrap_or_default();
    let error = |((&a, &b), &circle): ((&f32, &f32), &bool)| {
        let (a, b) = (f64::from(a), f64::from(b));
        let gap = (a - b).abs();
        let gap = if circle { (gap - 2.0 * PI * (gap / (2.0 * PI)).round()).abs() } else { gap };
        let error = gap / b.abs().max(1.0);
        if error.is_nan() { f64::INFINITY } else { error }
    };
    let circles = circles.iter().cycle();
    pairs.iter().zip(&expected).zip(circles).map(error).fold(0.0, f64::max)
}
