//! Monotonic rational-quadratic splines.

use burn::tensor::{Bool, Int, Tensor};
use pyrogen_ops::{softmax, softplus};

use super::Bijection;
use crate::distribution::numerics::{broadcast_dims, expand_to};
use crate::distribution::{OneMoreThan, Rank};

/// What a spline is beyond its interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum SplineEnds {
    /// The identity, which it joins with slope 1.
    #[default]
    Linear,
    /// Nothing: its ends are one point of a circle, with one slope. Values lie in the interval.
    Circular,
}

/// A monotonic spline of rational quadratics on `[-bound, bound]`, for each number.
///
/// ```text
/// t = (x - x_k) / w_k      s = h_k / w_k
/// y = y_k + h_k (s t^2 + d_k t (1 - t)) / (s + (d_(k + 1) + d_k - 2 s) t (1 - t))
/// ```
///
/// between the knots `(x_k, y_k)` of slopes `d_k`, which come from parameters without constraints, as a
/// network gives them: widths and heights by a softmax, slopes by a softplus.
///
/// # Shapes
/// Values have rank `X`; widths and heights `[.., bins]` one axis more. Slopes are `[.., bins - 1]`
/// (inside) for linear ends and `[.., bins]` (from the first knot) for a circle. Parameters broadcast over
/// the values.
///
/// # Numerics
/// Bins are at least 1e-3 of the interval wide and high, slopes at least 1e-3. The inverse is the
/// quadratic's root in the form that does not cancel.
///
/// # References
/// Durkan, Bekasov, Murray and Papamakarios (2019), "Neural Spline Flows", section 3.1 and appendix A.1;
/// Rezende et al. (2020), "Normalizing Flows on Tori and Spheres", for the circle.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::{Bijection, RationalQuadratic, SplineEnds};
///
/// let device = Device::flex();
/// // Parameters of zero are the identity.
/// let zeros = |n: usize| Tensor::<2>::zeros([1, n], &device);
/// let spline = RationalQuadratic::new(zeros(8), zeros(8), zeros(7), 3.0, SplineEnds::Linear);
/// let x = Tensor::<1>::from_floats([-5.0, -1.3, 0.0, 2.9], &device);
/// let (y, log_det) = spline.forward(x.clone());
/// assert!(y.all_close(x, None, Some(1e-5)));
/// assert!(log_det.abs().max().into_scalar::<f32>() < 1e-5);
/// ```
#[derive(Debug, Clone)]
pub struct RationalQuadratic<const P: usize> {
    widths: Tensor<P>,
    heights: Tensor<P>,
    /// At every knot, `[.., bins + 1]`.
    slopes: Tensor<P>,
    bound: f64,
    ends: SplineEnds,
}

/// The least part of the interval that a bin takes, and the least slope.
const LEAST: f64 = 1e-3;

impl<const P: usize> RationalQuadratic<P> {
    /// From parameters without constraints.
    ///
    /// # Panics
    /// If the numbers of bins and slopes do not fit, a bin would be smaller than its least, or the bound
    /// is not positive.
    pub fn new(
        widths: Tensor<P>,
        heights: Tensor<P>,
        slopes: Tensor<P>,
        bound: f64,
        ends: SplineEnds,
    ) -> Self {
        let bins = widths.dims()[P - 1];
        let expected = match ends {
            SplineEnds::Linear => bins - 1,
            SplineEnds::Circular => bins,
        };
        assert_eq!(heights.dims()[P - 1], bins, "RationalQuadratic: as many heights as widths");
        assert_eq!(slopes.dims()[P - 1], expected, "RationalQuadratic: slopes of {bins} bins");
        assert!((bins as f64) * LEAST < 1.0, "RationalQuadratic: {bins} bins are too many");
        assert!(bound > 0.0, "RationalQuadratic: the bound must be positive, got {bound}");
        let part =
            |x: Tensor<P>| (softmax(x) * (1.0 - LEAST * bins as f64) + LEAST) * (2.0 * bound);
        // A parameter of 0 is a slope of 1.
        let at_one = (1.0 - LEAST).exp_m1().ln();
        let slopes = softplus(slopes + at_one) + LEAST;
        let mut edge = slopes.dims();
        edge[P - 1] = 1;
        let slopes = match ends {
            SplineEnds::Linear => {
                let one = Tensor::full(edge, 1.0, (&slopes.device(), slopes.dtype()));
                Tensor::cat(vec![one.clone(), slopes, one], P - 1)
            }
            SplineEnds::Circular => {
                let first = slopes.clone().narrow(P - 1, 0, 1);
                Tensor::cat(vec![slopes, first], P - 1)
            }
        };
        Self { widths: part(widths), heights: part(heights), slopes, bound, ends }
    }

    /// Where bins begin, `[.., bins]`.
    fn starts(&self, sizes: &Tensor<P>) -> Tensor<P> {
        sizes.clone().cumsum(P - 1) - sizes.clone() - self.bound
    }
}

/// What a bin's formula needs of each value.
struct Bin<const X: usize> {
    x: Tensor<X>,
    y: Tensor<X>,
    width: Tensor<X>,
    height: Tensor<X>,
    slope: Tensor<X>,
    next: Tensor<X>,
}

impl<const P: usize> RationalQuadratic<P> {
    /// The bin of each value, from where bins begin along its axis, and values within the interval.
    fn bin<const X: usize>(&self, at: &Tensor<X>, starts: &Tensor<P>) -> Bin<X>
    where
        Rank<P>: OneMoreThan<X>,
    {
        let bins = starts.dims()[P - 1];
        let value: Tensor<P> = at.clone().unsqueeze_dim(P - 1);
        let mut batch = starts.dims();
        batch[P - 1] = 1;
        let mut dims = broadcast_dims("RationalQuadratic", batch, value.dims());
        let one = dims;
        dims[P - 1] = bins;
        let begun = expand_to(value, dims).greater_equal(expand_to(starts.clone(), dims));
        let index: Tensor<P, Int> = (begun.int().sum_dim(P - 1) - 1).clamp_min(0);
        let index = expand_to(index, one);
        let pick = |x: Tensor<P>, from: usize| -> Tensor<X> {
            let x = x.narrow(P - 1, from, bins);
            expand_to(x, dims).gather(P - 1, index.clone()).squeeze_dim(P - 1)
        };
        Bin {
            x: pick(self.starts(&self.widths), 0),
            y: pick(self.starts(&self.heights), 0),
            width: pick(self.widths.clone(), 0),
            height: pick(self.heights.clone(), 0),
            slope: pick(self.slopes.clone(), 0),
            next: pick(self.slopes.clone(), 1),
        }
    }

    /// Which values are outside, with harmless ones in their place.
    fn inside<const X: usize>(&self, x: Tensor<X>) -> (Tensor<X, Bool>, Tensor<X>) {
        let outside = match self.ends {
            // What is NaN is not inside.
            SplineEnds::Linear => x.clone().abs().lower_equal_elem(self.bound).bool_not(),
            SplineEnds::Circular => x.clone().is_nan(),
        };
        (outside.clone(), x.mask_fill(outside, 0.0))
    }
}

/// A share of a bin within it, where rounding has it a little outside; its slope stays 1.
fn within<const X: usize>(t: Tensor<X>) -> Tensor<X> {
    t.clone() + (t.clone().clamp(0.0, 1.0) - t).detach()
}

impl<const X: usize> Bin<X> {
    /// The logarithm of the slope at `t` of a bin.
    fn log_slope(&self, t: Tensor<X>) -> Tensor<X> {
        let s = self.height.clone() / self.width.clone();
        let rest = t.clone().neg() + 1.0;
        let both = t.clone() * rest.clone();
        let upper = self.next.clone() * t.square()
            + s.clone() * both.clone() * 2.0
            + self.slope.clone() * rest.square();
        let lower = s.clone() + self.bend(&s) * both;
        (s / lower).log() * 2.0 + upper.log()
    }

    /// `d_(k + 1) + d_k - 2 s`
    fn bend(&self, s: &Tensor<X>) -> Tensor<X> {
        self.next.clone() + self.slope.clone() - s.clone() * 2.0
    }
}

impl<const P: usize, const X: usize> Bijection<X, X, X> for RationalQuadratic<P>
where
    Rank<P>: OneMoreThan<X>,
{
    fn forward(&self, x: Tensor<X>) -> (Tensor<X>, Tensor<X>) {
        let (outside, at) = self.inside(x.clone());
        let bin = self.bin(&at, &self.starts(&self.widths));
        let s = bin.height.clone() / bin.width.clone();
        let t = within((at - bin.x.clone()) / bin.width.clone());
        let both = t.clone() * (t.clone().neg() + 1.0);
        let upper = s.clone() * t.clone().square() + bin.slope.clone() * both.clone();
        let lower = s.clone() + bin.bend(&s) * both;
        let y = bin.y.clone() + bin.height.clone() * upper / lower;
        let dims = y.dims();
        let outside = expand_to(outside, dims);
        let log_slope = bin.log_slope(t).mask_fill(outside.clone(), 0.0);
        (y.mask_where(outside, expand_to(x, dims)), log_slope)
    }

    fn inverse(&self, y: Tensor<X>) -> (Tensor<X>, Tensor<X>) {
        let (outside, at) = self.inside(y.clone());
        let bin = self.bin(&at, &self.starts(&self.heights));
        let s = bin.height.clone() / bin.width.clone();
        let rise = at - bin.y.clone();
        let bent = rise.clone() * bin.bend(&s);
        let a = bin.height.clone() * (s.clone() - bin.slope.clone()) + bent.clone();
        let b = bin.height.clone() * bin.slope.clone() - bent;
        let c = (s * rise).neg();
        let root = (b.clone().square() - a * c.clone() * 4.0).clamp_min(0.0).sqrt();
        let t = within(c * -2.0 / (b + root));
        let x = bin.x.clone() + bin.width.clone() * t.clone();
        let dims = x.dims();
        let outside = expand_to(outside, dims);
        let log_slope = bin.log_slope(t).neg().mask_fill(outside.clone(), 0.0);
        (x.mask_where(outside, expand_to(y, dims)), log_slope)
    }
}
