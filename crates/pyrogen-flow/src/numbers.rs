//! Maps of numbers from what a network gives.

use std::f64::consts::PI;

use burn::tensor::Tensor;
use pyrogen_core::bijection::{Bijection, RationalQuadratic, SplineEnds};

use crate::{NumberMap, SplineConfig};

/// The logarithm of the largest scale of an affine map, and the largest size of the parameters whose
/// softmax is a spline's widths and heights: `ln 1000`.
const LOG_SCALE: f64 = 6.907_755_278_982_137;

/// The largest slope at a spline's knots.
const SLOPE: f64 = 1000.0;

impl NumberMap {
    /// Parameters of one number's map.
    pub(crate) fn parameters(&self) -> usize {
        match *self {
            Self::Additive => 1,
            Self::Affine => 2,
            Self::Spline(SplineConfig { bins, .. }) => 3 * bins - 1,
            Self::Circular { bins } => 3 * bins + 1,
        }
    }

    /// Numbers that a network reads of one feature.
    pub(crate) fn inputs(&self) -> usize {
        match self {
            Self::Circular { .. } => 2,
            _ => 1,
        }
    }

    /// What a network reads of features: themselves, or all cosines and then all sines.
    pub(crate) fn embed(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Circular { .. } => Tensor::cat(vec![x.clone().cos(), x.sin()], 1),
            _ => x,
        }
    }

    /// The maps of these parameters, `[batch, features, parameters]`.
    pub(crate) fn at(&self, parameters: Tensor<3>) -> Numbers {
        let part = |from: usize, n: usize| parameters.clone().narrow(2, from, n);
        let single = |from: usize| part(from, 1).squeeze_dim(2);
        match *self {
            Self::Additive => Numbers::Additive { shift: single(0) },
            Self::Affine => {
                Numbers::Affine { shift: single(0), log_scale: bounded(single(1), LOG_SCALE) }
            }
            Self::Spline(SplineConfig { bins, bound }) => Numbers::Spline(RationalQuadratic::new(
                bounded(part(0, bins), LOG_SCALE),
                bounded(part(bins, bins), LOG_SCALE),
                bounded(part(2 * bins, bins - 1), SLOPE),
                bound,
                SplineEnds::Linear,
            )),
            Self::Circular { bins } => Numbers::Circular {
                spline: RationalQuadratic::new(
                    bounded(part(0, bins), LOG_SCALE),
                    bounded(part(bins, bins), LOG_SCALE),
                    bounded(part(2 * bins, bins), SLOPE),
                    PI,
                    SplineEnds::Circular,
                ),
                turn: single(3 * bins),
            },
        }
    }
}

/// `p / (1 + |p| / most)`: whatever a network says far from the data, the map stays one.
fn bounded<const D: usize>(p: Tensor<D>, most: f64) -> Tensor<D> {
    let size = p.clone().abs() * (1.0 / most) + 1.0;
    p / size
}

/// An angle to `[-pi, pi)`.
pub(crate) fn wrap(angle: Tensor<2>) -> Tensor<2> {
    let turns = ((angle.clone() + PI) * (0.5 / PI)).detach().floor();
    angle - turns * (2.0 * PI)
}

/// One map for each number of a batch.
pub(crate) enum Numbers {
    Additive { shift: Tensor<2> },
    Affine { shift: Tensor<2>, log_scale: Tensor<2> },
    Spline(RationalQuadratic<3>),
    Circular { spline: RationalQuadratic<3>, turn: Tensor<2> },
}

impl Bijection<2, 2, 2> for Numbers {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        match self {
            Self::Additive { shift } => (x.clone() + shift.clone(), x.zeros_like()),
            Self::Affine { shift, log_scale } => {
                (x * log_scale.clone().exp() + shift.clone(), log_scale.clone())
            }
            Self::Spline(spline) => spline.forward(x),
            Self::Circular { spline, turn } => {
                let (y, log_det) = spline.forward(wrap(x));
                (wrap(y + turn.clone()), log_det)
            }
        }
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        match self {
            Self::Additive { shift } => (y.clone() - shift.clone(), y.zeros_like()),
            Self::Affine { shift, log_scale } => {
                let back = log_scale.clone().neg();
                ((y - shift.clone()) * back.clone().exp(), back)
            }
            Self::Spline(spline) => spline.inverse(y),
            Self::Circular { spline, turn } => spline.inverse(wrap(y - turn.clone())),
        }
    }
}
