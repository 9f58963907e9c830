//! The discretised logistic distribution.

use burn::tensor::{Bool, Tensor};

use pyrogen_ops::{sigmoid, softplus};

use super::numerics::{broadcast_dims, expand_to, log_sigmoid, log1mexp_double};
use super::{Cdf, Distribution, HasSupport, Mode, Moments, Quantile, Support};
use crate::Noise;
use crate::real::{Formula, Real, apply};

/// A logistic distribution of each element, rounded to the nearest of `levels` equally spaced
/// values in [0, 1].
///
/// Level `k` has the value `k / (levels - 1)` and the mass that the logistic law with location
/// `mean` and scale `s = exp(log_scale)` gives to the bin around it, of half-width
/// `w = 1 / (2 (levels - 1))`; the first and the last bin take the whole tails:
///
/// ```text
/// a = (x + w - mean) / s      b = (x - w - mean) / s
/// log p(x) = ln sigmoid(a)                                          first level
///          = ln sigmoid(-b)                                         last level
///          = ln sigmoid(a) + ln sigmoid(-b) + ln(1 - exp(-2 w / s)) between
/// ```
///
/// The third line is `ln(sigmoid(a) - sigmoid(b))`, written so that nothing cancels.
///
/// # Shapes
/// `mean` and `log_scale` are equal in shape, or broadcast; so does the value.
///
/// # Values
/// Levels as numbers in [0, 1]: a pixel `v` of 256 grey values is `v / 255`. The code of Salimans
/// et al. works on [-1, 1], where half-widths and scales are twice as large: its `log_scale` is
/// this one plus `ln 2`. A value nearer to the first (last) level than to its neighbour counts as
/// that end; any other value counts as the centre of a bin.
///
/// # Numerics
/// Finite, with a gradient that does not vanish, wherever the mass of a bin underflows: in the
/// tails the log-mass is linear in the distance. Nothing is clamped; `exp(-log_scale)` must fit
/// the tensor's type (`log_scale` above -80 in f32), and networks that predict it should bound
/// it (-7 is usual). At small scales the accuracy is that of `x - mean`, divided by the scale.
///
/// # References
/// Salimans, Karpathy, Chen and Kingma (2017), "PixelCNN++", section 2.1, eq. 2.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{DiscretisedLogistic, Distribution};
///
/// let device = Device::flex();
/// let levels = 5;
/// let mean = Tensor::<1>::from_floats([0.3], &device);
/// let log_scale = Tensor::<1>::from_floats([-1.5], &device);
/// let pixel = DiscretisedLogistic::new(mean, log_scale, levels);
/// let every_level = Tensor::<1>::from_floats([0.0, 0.25, 0.5, 0.75, 1.0], &device);
/// let total: f32 = pixel.log_prob(every_level).exp().sum().into_scalar();
/// assert!((total - 1.0).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct DiscretisedLogistic<const D: usize> {
    mean: Tensor<D>,
    log_scale: Tensor<D>,
    levels: usize,
}

impl<const D: usize> DiscretisedLogistic<D> {
    /// From locations, log-scales and the number of levels.
    ///
    /// # Panics
    /// If there are fewer than two levels, or the shapes do not broadcast.
    pub fn new(mean: Tensor<D>, log_scale: Tensor<D>, levels: usize) -> Self {
        assert!(levels >= 2, "DiscretisedLogistic: at least two levels are needed, got {levels}");
        broadcast_dims("DiscretisedLogistic", mean.dims(), log_scale.dims());
        Self { mean, log_scale, levels }
    }

    /// The location of the logistic law, before rounding.
    pub fn location(&self) -> Tensor<D> {
        expand_to(self.mean.clone(), self.dims())
    }

    /// The log-scale of the logistic law.
    pub fn log_scale(&self) -> Tensor<D> {
        expand_to(self.log_scale.clone(), self.dims())
    }

    /// The number of levels.
    pub fn levels(&self) -> usize {
        self.levels
    }

    fn half_width(&self) -> f64 {
        0.5 / (self.levels - 1) as f64
    }

    fn dims(&self) -> [usize; D] {
        broadcast_dims("DiscretisedLogistic", self.mean.dims(), self.log_scale.dims())
    }

    fn scale(&self) -> Tensor<D> {
        self.log_scale.clone().exp()
    }

    /// Which values stand for the first level, and which for the last.
    fn edges(&self, value: &Tensor<D>) -> (Tensor<D, Bool>, Tensor<D, Bool>) {
        let w = self.half_width();
        (value.clone().lower_elem(w), value.clone().greater_equal_elem(1.0 - w))
    }
}

impl<const D: usize> Distribution<D, D> for DiscretisedLogistic<D> {
    fn log_prob(&self, value: Tensor<D>) -> Tensor<D> {
        let dims = broadcast_dims("DiscretisedLogistic", self.dims(), value.dims());
        let (first, last) = self.edges(&value);
        let (first, last) = (expand_to(first, dims), expand_to(last, dims));
        let w = self.half_width();
        let per_scale = self.log_scale.clone().neg().exp();
        let diff = value - self.mean.clone();
        let below = log_sigmoid((diff.clone() + w) * per_scale.clone());
        let above = log_sigmoid((diff.neg() + w) * per_scale);
        let width = log1mexp_double(self.log_scale.clone().neg() + w.ln());
        let edge = first.clone().bool_or(last.clone());
        expand_to(below, dims).mask_fill(last, 0.0)
            + expand_to(above, dims).mask_fill(first, 0.0)
            + expand_to(width, dims).mask_fill(edge, 0.0)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<D> {
        let uniform = noise.uniform(self.dims(), &self.mean.device());
        let uniform = super::normal::in_type_of(&self.mean, uniform);
        let logistic = uniform.clone().log() - (uniform.neg() + 1.0).log();
        let draw = (self.mean.clone() + self.scale() * logistic).detach();
        let steps = (self.levels - 1) as f64;
        (draw.clamp(0.0, 1.0) * steps).round() / steps
    }
}

/// `P(X <= x)`, or `P(X > x)`: the logistic law's at the upper end of the bin of the level at or below `x`.
struct Tail {
    steps: f64,
    upper: bool,
}

impl Formula for Tail {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let [x, mean, log_scale] = [args[0], args[1], args[2]];
        // A level that is rounded down is still that level.
        let level = (x * self.steps + 1e-4).floor();
        let (below, all) = (level.under(0.0), level.at_least(self.steps));
        let z = ((level + 0.5) / self.steps - mean) * (-log_scale).exp();
        let (value, ends) = if self.upper { (-z, [1.0, 0.0]) } else { (z, [0.0, 1.0]) };
        value.sigmoid().unless(below, ends[0]).unless(all, ends[1])
    }
}

/// The first level whose bin ends above the logistic law's quantile.
struct Level {
    steps: f64,
    upper: bool,
}

impl Formula for Level {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let [q, mean, log_scale] = [args[0], args[1], args[2]];
        let logit = q.ln() - (-q).ln_1p();
        let logit = if self.upper { -logit } else { logit };
        let end = (mean + logit * log_scale.exp()) * self.steps - 0.5;
        // Rounding up; what is within a rounding of a level's end is that level.
        let level = -((-(end - 1e-9)).floor());
        let outside = R::not(R::both(q.at_least(0.0), R::not(q.over(1.0))));
        let level = level.most(q.lit(0.0)).least(q.lit(self.steps)) / self.steps;
        level.unless(outside, f64::NAN)
    }
}

impl<const D: usize> DiscretisedLogistic<D> {
    fn with(&self, x: Tensor<D>) -> [Tensor<D>; 3] {
        [x, self.mean.clone(), self.log_scale.clone()]
    }

    fn steps(&self) -> f64 {
        (self.levels - 1) as f64
    }
}

impl<const D: usize> Cdf<D> for DiscretisedLogistic<D> {
    fn cdf(&self, value: Tensor<D>) -> Tensor<D> {
        let tail = Tail { steps: self.steps(), upper: false };
        apply("DiscretisedLogistic", &tail, &self.with(value))
    }

    fn survival(&self, value: Tensor<D>) -> Tensor<D> {
        let tail = Tail { steps: self.steps(), upper: true };
        apply("DiscretisedLogistic", &tail, &self.with(value))
    }
}

impl<const D: usize> Quantile<D> for DiscretisedLogistic<D> {
    fn icdf(&self, probability: Tensor<D>) -> Tensor<D> {
        let level = Level { steps: self.steps(), upper: false };
        apply("DiscretisedLogistic", &level, &self.with(probability))
    }

    fn isf(&self, probability: Tensor<D>) -> Tensor<D> {
        let level = Level { steps: self.steps(), upper: true };
        apply("DiscretisedLogistic", &level, &self.with(probability))
    }
}

impl<const D: usize> Mode<D> for DiscretisedLogistic<D> {
    /// The level nearest to the location, or an end of [0, 1], which takes a whole tail, where its mass is
    /// larger.
    fn mode(&self) -> Tensor<D> {
        let steps = (self.levels - 1) as f64;
        let nearest = (self.location().clamp(0.0, 1.0) * steps).round() / steps;
        let ends = [nearest.zeros_like(), nearest.ones_like()];
        let mass = |x: &Tensor<D>| self.log_prob(x.clone());
        ends.into_iter().fold(nearest, |best, end| {
            let better = mass(&end).greater(mass(&best));
            best.mask_where(better, end)
        })
    }
}

impl<const D: usize> HasSupport<D> for DiscretisedLogistic<D> {
    fn support(&self) -> Support<D> {
        Support::Levels { levels: self.levels }
    }
}

impl<const D: usize> Moments<D> for DiscretisedLogistic<D> {
    /// The mean of the logistic law clipped to [0, 1], in closed form:
    ///
    /// ```text
    /// s * (softplus(mean / s) - softplus((mean - 1) / s))
    /// ```
    ///
    /// It is smooth, lies in [0, 1], and differs from the mean over the levels (the same law,
    /// rounded) by at most half a bin. In f32 its error is about 1e-7 times the scale, where
    /// that is above 1.
    fn mean(&self) -> Tensor<D> {
        let scale = self.scale();
        let low = self.mean.clone() / scale.clone();
        let high = (self.mean.clone() - 1.0) / scale.clone();
        (softplus(low) - softplus(high)) * scale
    }

    /// The variance over the levels: a sum over the `levels - 1` thresholds `t` between them, of
    /// the probabilities `P(x > t) = sigmoid((mean - t) / s)`. One pass over the tensor a
    /// threshold.
    fn variance(&self) -> Tensor<D> {
        let dims = self.dims();
        let steps = (self.levels - 1) as f64;
        let per_scale = self.log_scale.clone().neg().exp();
        let mut first = Tensor::zeros(dims, &self.mean.device());
        let mut second = first.clone();
        for k in 1..self.levels {
            let threshold = (k as f64 - 0.5) / steps;
            let exceeds = sigmoid((self.mean.clone() - threshold) * per_scale.clone());
            first = first + exceeds.clone() / steps;
            second = second + exceeds * ((2 * k - 1) as f64 / (steps * steps));
        }
        second - first.square()
    }
}
