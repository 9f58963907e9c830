//! Maps of numbers from what a network gives.

use std::f64::consts::PI;

use burn::tensor::Tensor;
use pyrogen_core::bijection::{Bijection, RationalQuadratic, SplineEnds};
use pyrogen_ops::{SplineShape, spline};

use crate::sigmoids::Sigmoids;
use crate::{NumberMap, SplineConfig, SplineTails};

/// The logarithm of the largest scale of an affine map, and the largest size of the parameters whose
/// softmax is a spline's widths and heights: `ln 1000`.
pub(crate) const LOG_SCALE: f64 = 6.907_755_278_982_137;

/// The largest slope at a spline's knots.
const SLOPE: f64 = 1000.0;

impl NumberMap {
    /// Parameters of one number's map.
    pub(crate) fn parameters(&self) -> usize {
        match *self {
            Self::Additive => 1,
            Self::Affine => 2,
            Self::Spline(SplineConfig { bins, tails: SplineTails::Identity, .. }) => 3 * bins - 1,
            Self::Spline(SplineConfig { bins, tails: SplineTails::Affine, .. }) => 3 * bins + 1,
            Self::Circular { bins } => 3 * bins + 1,
            Self::Sigmoids { units } => 3 * units,
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
            Self::Affine => Numbers::Affine(Affine::new(single(0), single(1))),
            Self::Spline(SplineConfig { bins, bound, tails }) => {
                let shape = shape(bins, bound, false);
                match tails {
                    SplineTails::Identity => Numbers::Spline(Spline { parameters, shape }),
                    SplineTails::Affine => {
                        let own = shape.parameters();
                        let affine = Affine::new(single(own), single(own + 1));
                        let spline = Spline { parameters: part(0, own), shape };
                        Numbers::AffineSpline { affine, spline }
                    }
                }
            }
            Self::Circular { bins } => {
                let shape = shape(bins, PI, true);
                let spline = Spline { parameters: part(0, 3 * bins), shape };
                Numbers::Circular { spline, turn: single(3 * bins) }
            }
            Self::Sigmoids { .. } => Numbers::Sigmoids(Sigmoids::new(parameters)),
        }
    }
}

fn shape(bins: usize, bound: f64, circular: bool) -> SplineShape {
    SplineShape { bins, bound, circular, most_size: LOG_SCALE, most_slope: SLOPE }
}

/// `y = x exp(log_scale) + shift` for each number of a batch.
pub(crate) struct Affine {
    shift: Tensor<2>,
    log_scale: Tensor<2>,
}

impl Affine {
    /// Of what a network gives.
    fn new(shift: Tensor<2>, log_scale: Tensor<2>) -> Self {
        Self { shift, log_scale: bounded(log_scale, LOG_SCALE) }
    }
}

impl Bijection<2, 2, 2> for Affine {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let log_scale = self.log_scale.clone();
        (x * log_scale.clone().exp() + self.shift.clone(), log_scale)
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let back = self.log_scale.clone().neg();
        ((y - self.shift.clone()) * back.clone().exp(), back)
    }
}

/// A spline for each number of a batch.
pub(crate) struct Spline {
    /// `[batch, features, parameters]`
    parameters: Tensor<3>,
    shape: SplineShape,
}

impl Spline {
    /// By tensor operations, on any device.
    fn composed(&self) -> RationalQuadratic<3> {
        let bins = self.shape.bins;
        let part = |from: usize, n: usize, most: f64| {
            bounded(self.parameters.clone().narrow(2, from, n), most)
        };
        let ends = if self.shape.circular { SplineEnds::Circular } else { SplineEnds::Linear };
        RationalQuadratic::new(
            part(0, bins, self.shape.most_size),
            part(bins, bins, self.shape.most_size),
            part(2 * bins, self.shape.parameters() - 2 * bins, self.shape.most_slope),
            self.shape.bound,
            ends,
        )
    }
}

impl Bijection<2, 2, 2> for Spline {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        match spline(&x, &self.parameters, self.shape, false) {
            Some(both) => both.into(),
            None => self.composed().forward(x),
        }
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        match spline(&y, &self.parameters, self.shape, true) {
            Some(both) => both.into(),
            None => self.composed().inverse(y),
        }
    }
}

/// `p / (1 + |p| / most)`: whatever a network says far from the data, the map stays one.
pub(crate) fn bounded<const D: usize>(p: Tensor<D>, most: f64) -> Tensor<D> {
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
    Affine(Affine),
    Spline(Spline),
    AffineSpline { affine: Affine, spline: Spline },
    Circular { spline: Spline, turn: Tensor<2> },
    Sigmoids(Sigmoids),
}

impl Bijection<2, 2, 2> for Numbers {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        match self {
            Self::Additive { shift } => (x.clone() + shift.clone(), x.zeros_like()),
            Self::Affine(affine) => affine.forward(x),
            Self::Spline(spline) => spline.forward(x),
            Self::AffineSpline { affine, spline } => {
                let (u, log_scale) = affine.forward(x);
                let (y, log_slope) = spline.forward(u);
                (y, log_scale + log_slope)
            }
            Self::Circular { spline, turn } => {
                let (y, log_det) = spline.forward(wrap(x));
                (wrap(y + turn.clone()), log_det)
            }
            Self::Sigmoids(sigmoids) => sigmoids.forward(x),
        }
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        match self {
            Self::Additive { shift } => (y.clone() - shift.clone(), y.zeros_like()),
            Self::Affine(affine) => affine.inverse(y),
            Self::Spline(spline) => spline.inverse(y),
            Self::AffineSpline { affine, spline } => {
                let (u, log_slope) = spline.inverse(y);
                let (x, log_scale) = affine.inverse(u);
                (x, log_scale + log_slope)
            }
            Self::Circular { spline, turn } => spline.inverse(wrap(y - turn.clone())),
            Self::Sigmoids(sigmoids) => sigmoids.inverse(y),
        }
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::{device, host};

    use super::*;

    /// Value, log-slope, and gradients of a sum of both.
    fn all(spline: &Spline, x: Tensor<2>, inverse: bool, fused: bool) -> [Vec<f64>; 4] {
        let device = device().autodiff();
        let track = |x: Tensor<2>| Tensor::<2>::from_data(x.into_data(), &device).require_grad();
        let x = track(x);
        let parameters = Tensor::from_data(spline.parameters.to_data(), &device).require_grad();
        let spline = Spline { parameters, shape: spline.shape };
        let (y, log_slope) = match (fused, inverse) {
            (true, false) => spline.forward(x.clone()),
            (true, true) => spline.inverse(x.clone()),
            (false, false) => spline.composed().forward(x.clone()),
            (false, true) => spline.composed().inverse(x.clone()),
        };
        let weights = Noise::new(Seed(3)).normal::<2>([37, 3], &device.clone().without_autodiff());
        let weights = Tensor::<2>::from_data(weights.into_data(), &device);
        let grads = ((y.clone() * weights.clone()).sum()
            + (log_slope.clone() * weights.square()).sum())
        .backward();
        let of_parameters = spline.parameters.grad(&grads).unwrap();
        [
            host(y.inner()),
            host(log_slope.inner()),
            host(x.grad(&grads).unwrap()),
            host(of_parameters),
        ]
    }

    /// One pass over memory and tensor operations give the same, inside, at the ends and outside.
    #[test]
    fn splines_in_one_pass_are_those_of_the_core() {
        // Both are f32 and add up sizes of bins in other orders.
        const TOLERANCE: f64 = 2e-4;
        for (bins, bound, circular) in [(8, 5.0, false), (2, 1.5, false), (5, PI, true)] {
            let shape = shape(bins, bound, circular);
            let mut noise = Noise::new(Seed(7));
            let parameters = noise.normal::<3>([37, 3, shape.parameters()], &device()) * 1.5;
            let spline = Spline { parameters, shape };
            let x = noise.normal::<2>([37, 3], &device()) * (0.7 * bound);
            let x = match circular {
                true => x.clamp(-3.1, 3.1),
                false => x,
            };
            for inverse in [false, true] {
                let [fused, composed] = [true, false].map(|f| all(&spline, x.clone(), inverse, f));
                for (what, (fused, composed)) in fused.iter().zip(&composed).enumerate() {
                    assert_eq!(fused.len(), composed.len());
                    let size = composed.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
                    for (a, b) in fused.iter().zip(composed) {
                        let error = (a - b).abs() / size;
                        assert!(error < TOLERANCE, "{bins} {inverse} {what}: {a} {b}");
                    }
                }
            }
        }
    }
}
