//! The Bernoulli distribution.

use burn::tensor::Tensor;

use pyrogen_ops::{sigmoid, softplus};

use super::normal::in_type_of;
use super::numerics::{broadcast_dims, log_sigmoid};
use super::{
    Cdf, Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, Quantile, Support,
};
use crate::Noise;
use crate::real::{Formula, Real, apply};

/// Bernoulli distribution of each element, from logits `l = ln(p / (1 - p))`.
///
/// ```text
/// log p(x) = x * l - ln(1 + exp(l))
/// ```
///
/// # Values
/// 0 or 1. A value between them is allowed as a relaxation: the result is then the expected
/// log-probability of a coin that shows 1 with probability `x`, which is what a Bernoulli decoder
/// trained on grey values maximises. It is not a density over [0, 1] (Loaiza-Ganem and Cunningham
/// 2019), so scores of grey values are not comparable with those of other distributions.
///
/// # Numerics
/// Finite for every finite logit, with gradient `x - sigmoid(l)` everywhere. The absolute error
/// of `log_prob` is that of one rounding at the size of `l`. Draws compare with uniform numbers
/// of 23 bits: probabilities below 6e-8 are never drawn.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Bernoulli, Distribution, Moments};
///
/// let device = Device::flex();
/// let coin = Bernoulli::new(Tensor::<1>::from_floats([0.0, 30.0], &device));
/// let log_prob = coin.log_prob(Tensor::from_floats([1.0, 0.0], &device));
/// let expected = Tensor::<1>::from_floats([-std::f32::consts::LN_2, -30.0], &device);
/// assert!(log_prob.all_close(expected, None, None));
/// assert_eq!(coin.mean().dims(), [2]);
/// ```
#[derive(Debug, Clone)]
pub struct Bernoulli<const D: usize> {
    logits: Tensor<D>,
}

impl<const D: usize> Bernoulli<D> {
    /// From logits.
    pub fn new(logits: Tensor<D>) -> Self {
        Self { logits }
    }

    /// The logits.
    pub fn logits(&self) -> Tensor<D> {
        self.logits.clone()
    }

    /// The probability of 1.
    pub fn probs(&self) -> Tensor<D> {
        sigmoid(self.logits.clone())
    }
}

impl<const D: usize> Distribution<D, D> for Bernoulli<D> {
    fn log_prob(&self, value: Tensor<D>) -> Tensor<D> {
        broadcast_dims("Bernoulli", self.logits.dims(), value.dims());
        value * self.logits.clone() - softplus(self.logits.clone())
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<D> {
        let uniform = noise.uniform(self.logits.dims(), &self.logits.device());
        let ones = in_type_of(&self.logits, uniform).lower(self.probs());
        in_type_of(&self.logits, ones.float())
    }
}

/// `P(X <= x)`, or `P(X > x)`.
struct Tail {
    upper: bool,
}

impl Formula for Tail {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let [x, l] = [args[0], args[1]];
        let (below, one) = (x.under(0.0), x.at_least(1.0));
        if self.upper {
            return l.sigmoid().unless(below, 1.0).unless(one, 0.0);
        }
        (-l).sigmoid().unless(below, 0.0).unless(one, 1.0)
    }
}

/// The smaller of 0 and 1 that reaches a probability.
struct First {
    upper: bool,
}

impl Formula for First {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let [q, l] = [args[0], args[1]];
        let one = if self.upper { q.below(l.sigmoid()) } else { (-l).sigmoid().below(q) };
        let outside = R::not(R::both(q.at_least(0.0), R::not(q.over(1.0))));
        R::select(one, q.lit(1.0), q * 0.0).unless(outside, f64::NAN)
    }
}

impl<const D: usize> Cdf<D> for Bernoulli<D> {
    fn cdf(&self, value: Tensor<D>) -> Tensor<D> {
        apply("Bernoulli", &Tail { upper: false }, &[value, self.logits()])
    }

    fn survival(&self, value: Tensor<D>) -> Tensor<D> {
        apply("Bernoulli", &Tail { upper: true }, &[value, self.logits()])
    }
}

impl<const D: usize> Quantile<D> for Bernoulli<D> {
    fn icdf(&self, probability: Tensor<D>) -> Tensor<D> {
        apply("Bernoulli", &First { upper: false }, &[probability, self.logits()])
    }

    fn isf(&self, probability: Tensor<D>) -> Tensor<D> {
        apply("Bernoulli", &First { upper: true }, &[probability, self.logits()])
    }
}

impl<const D: usize> Moments<D> for Bernoulli<D> {
    fn mean(&self) -> Tensor<D> {
        self.probs()
    }

    fn variance(&self) -> Tensor<D> {
        self.probs() * sigmoid(self.logits.clone().neg())
    }
}

impl<const D: usize> Mode<D> for Bernoulli<D> {
    /// 0 where both are as probable.
    fn mode(&self) -> Tensor<D> {
        self.logits.clone().greater_elem(0.0).float()
    }
}

impl<const D: usize> HasSupport<D> for Bernoulli<D> {
    fn support(&self) -> Support<D> {
        Support::Binary
    }
}

impl<const D: usize> Entropy<D> for Bernoulli<D> {
    /// ```text
    /// ln(1 + exp(-|l|)) + |l| * sigmoid(-|l|)
    /// ```
    /// Even in `l`, so that nothing cancels where the coin is nearly certain.
    fn entropy(&self) -> Tensor<D> {
        let size = self.logits.clone().abs();
        size.clone() * sigmoid(size.clone().neg()) - log_sigmoid(size)
    }
}

impl<const D: usize> KlDivergence<Bernoulli<D>, D> for Bernoulli<D> {
    /// ```text
    /// p ln(p / q) + (1 - p) ln((1 - p) / (1 - q))
    /// ```
    fn kl_divergence(&self, other: &Bernoulli<D>) -> Tensor<D> {
        let (l, m) = (self.logits.clone(), other.logits.clone());
        let ones = sigmoid(l.clone()) * (log_sigmoid(l.clone()) - log_sigmoid(m.clone()));
        let (l, m) = (l.neg(), m.neg());
        let zeros = sigmoid(l.clone()) * (log_sigmoid(l) - log_sigmoid(m));
        ones + zeros
    }
}
