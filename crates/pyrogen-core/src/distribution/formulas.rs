//! What families of distributions write down, as formulas that tensors are put through.

use std::marker::PhantomData;

use super::family::{Family, FamilyCdf, FamilyEntropy, FamilyMode, FamilyMoments, FamilyQuantile};
use crate::real::{Formula, Real};

/// Formulas of a value and the parameters, or of the parameters alone.
macro_rules! formulas {
    ($($name:ident: $bound:ident, $method:ident($($value:ident)?);)*) => {$(
        pub(super) struct $name<F>(pub PhantomData<F>);

        impl<F: $bound> Formula for $name<F> {
            fn eval<R: Real>(&self, args: &[R]) -> R {
                formulas!(@call args, F, $method, $($value)?)
            }
        }
    )*};
    (@call $args:ident, $family:ident, $method:ident, value) => {
        $family::$method($args[0], &$args[1..])
    };
    (@call $args:ident, $family:ident, $method:ident,) => { $family::$method($args) };
}

formulas! {
    LogProb: Family, log_prob(value);
    MeanOf: FamilyMoments, mean();
    VarianceOf: FamilyMoments, variance();
    EntropyOf: FamilyEntropy, entropy();
    ModeOf: FamilyMode, mode();
}

/// A distribution function or its complement; at infinity no formula is asked.
pub(super) struct TailOf<F> {
    upper: bool,
    family: PhantomData<F>,
}

impl<F> TailOf<F> {
    pub fn new(upper: bool) -> Self {
        Self { upper, family: PhantomData }
    }
}

impl<F: FamilyCdf> Formula for TailOf<F> {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let (x, p) = (args[0], &args[1..]);
        let (below, above) = (x.is(f64::NEG_INFINITY), x.is(f64::INFINITY));
        let inner = x.safe(R::either(below, above), 1.0);
        if self.upper {
            return F::survival(inner, p).unless(below, 1.0).unless(above, 0.0);
        }
        F::cdf(inner, p).unless(below, 0.0).unless(above, 1.0)
    }
}

/// A quantile; NaN where the probability is none.
pub(super) struct QuantileOf<F> {
    upper: bool,
    family: PhantomData<F>,
}

impl<F> QuantileOf<F> {
    pub fn new(upper: bool) -> Self {
        Self { upper, family: PhantomData }
    }
}

impl<F: FamilyQuantile> Formula for QuantileOf<F> {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let (q, p) = (args[0], &args[1..]);
        let outside = R::not(R::both(q.at_least(0.0), R::not(q.over(1.0))));
        let inner = q.safe(outside, 0.5);
        let x = if self.upper { F::isf(inner, p) } else { F::icdf(inner, p) };
        x.unless(outside, f64::NAN)
    }
}

/// A draw: the last arguments are its noise.
pub(super) struct Transform<F>(pub PhantomData<F>);

impl<F: Family> Formula for Transform<F> {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let (p, e) = args.split_at(args.len() - F::NOISES);
        F::transform(e, p)
    }
}
