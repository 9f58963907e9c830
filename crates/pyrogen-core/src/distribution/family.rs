//! Distributions of single numbers: what one is written as, and the traits that it has by that.
//!
//! A distribution of numbers is a struct of parameter tensors ([`Elementwise`]) and a [`Family`]: its
//! density and what else it has, as formulas of one value and its parameters. This file turns a
//! family's formulas into the public traits, so that a distribution's file holds nothing else.

use std::marker::PhantomData;

use burn::tensor::Tensor;

use super::formulas::{
    EntropyOf, LogProb, MeanOf, ModeOf, QuantileOf, TailOf, Transform, VarianceOf,
};
use super::numerics::{broadcast_dims, expand_to};
use super::{Cdf, Distribution, Entropy, HasSupport, Mode, Moments, Pathwise, Quantile, Support};
use crate::Noise;
use crate::noise::Stream;
use crate::real::{self, Formula, Real};

/// A distribution of numbers, with its parameters as tensors.
pub trait Elementwise<const D: usize> {
    /// Its formulas.
    type Family: Family;

    /// The parameters, in the order of the family's formulas.
    fn parameters(&self) -> Vec<Tensor<D>>;

    /// Its support.
    fn support_of(&self) -> Support<D>;
}

/// The formulas of a distribution. `p` are the parameters of one element.
pub trait Family: Send + Sync + 'static {
    /// The distribution's name, for messages.
    const NAME: &'static str;
    /// How many numbers [`noise`](Self::noise) makes, 1 or 2.
    const NOISES: usize = 1;
    /// Whether the noise is of a distribution that no parameter changes.
    const BLIND: bool = true;

    /// The log-density; `-inf` outside the support.
    fn log_prob<R: Real>(x: R, p: &[R]) -> R;

    /// The numbers that a draw is made of.
    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2];

    /// The draw, from its noise.
    fn transform<R: Real>(e: &[R], p: &[R]) -> R;

    /// The log-density by a faster way than the formula, where there is one for these tensors.
    fn fast_log_prob<const D: usize>(_x: &Tensor<D>, _p: &[Tensor<D>]) -> Option<Tensor<D>> {
        None
    }
}

/// A family with a mean and a variance; NaN or infinity where the integrals say so.
pub trait FamilyMoments: Family {
    /// The mean.
    fn mean<R: Real>(p: &[R]) -> R;
    /// The variance.
    fn variance<R: Real>(p: &[R]) -> R;
}

/// A family with an entropy in closed form.
pub trait FamilyEntropy: Family {
    /// The entropy in nats.
    fn entropy<R: Real>(p: &[R]) -> R;
}

/// A family with a mode.
pub trait FamilyMode: Family {
    /// The most probable value.
    fn mode<R: Real>(p: &[R]) -> R;
}

/// A family with a distribution function.
pub trait FamilyCdf: Family {
    /// `P(X <= x)`.
    fn cdf<R: Real>(x: R, p: &[R]) -> R;
    /// `P(X > x)`.
    fn survival<R: Real>(x: R, p: &[R]) -> R;
}

/// A family with a quantile function.
pub trait FamilyQuantile: Family {
    /// The value with `P(X <= x) = q`.
    fn icdf<R: Real>(q: R, p: &[R]) -> R;
    /// The value with `P(X > x) = q`.
    fn isf<R: Real>(q: R, p: &[R]) -> R;
}

/// A family whose [`transform`](Family::transform) has the pathwise gradient.
pub trait FamilyPathwise: Family {}

/// A distribution's struct: its parameters as tensors, its constructors, and a method for each
/// parameter. What is written for `Gamma` stands for all.
///
/// ```text
/// elementwise! {
///     /// Gamma distribution of each element, ..
///     Gamma: GammaFamily, |_this| Support::Positive => {
///         /// The shape.
///         concentration: Domain::Positive,
///         /// The inverse scale.
///         rate: Domain::Positive,
///     }
/// }
/// ```
macro_rules! elementwise {
    (
        $(#[$doc:meta])*
        $name:ident: $family:ident, |$this:ident| $support:expr => {
            $($(#[$parameter_doc:meta])* $parameter:ident: $domain:expr,)*
        }
        $(check $check:expr;)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<const D: usize> {
            $($parameter: burn::tensor::Tensor<D>,)*
        }

        impl<const D: usize> $name<D> {
            /// From its parameters, which broadcast.
            ///
            /// The check reads one number a parameter from the device.
            ///
            /// # Errors
            /// A parameter outside its domain.
            ///
            /// # Panics
            /// If the shapes do not broadcast.
            pub fn new(
                $($parameter: burn::tensor::Tensor<D>,)*
            ) -> Result<Self, crate::ParameterError> {
                $($domain.check(stringify!($name), stringify!($parameter), &$parameter)?;)*
                let this = Self::new_unchecked($($parameter),*);
                $(($check)(&this)?;)?
                Ok(this)
            }

            /// As [`new`](Self::new), for parameters that are in their domain by construction:
            /// nothing is read from the device.
            ///
            /// # Panics
            /// If the shapes do not broadcast.
            #[allow(clippy::cloned_ref_to_slice_refs, reason = "there may be several parameters")]
            pub fn new_unchecked($($parameter: burn::tensor::Tensor<D>,)*) -> Self {
                crate::distribution::family::batch_dims(
                    stringify!($name),
                    &[$($parameter.clone(),)*],
                );
                Self { $($parameter,)* }
            }

            $(
                $(#[$parameter_doc])*
                pub fn $parameter(&self) -> burn::tensor::Tensor<D> {
                    crate::distribution::family::expanded(self, &self.$parameter)
                }
            )*
        }

        impl<const D: usize> crate::distribution::family::Elementwise<D> for $name<D> {
            type Family = $family;

            fn parameters(&self) -> Vec<burn::tensor::Tensor<D>> {
                vec![$(self.$parameter.clone(),)*]
            }

            fn support_of(&self) -> crate::distribution::Support<D> {
                let $this = self;
                $support
            }
        }
    };
}
pub(crate) use elementwise;

/// What a family's file needs.
pub mod prelude {
    pub use super::super::Support;
    pub use super::super::domain::Domain;
    pub(crate) use super::elementwise;
    pub use super::{
        Family, FamilyCdf, FamilyEntropy, FamilyMode, FamilyMoments, FamilyPathwise,
        FamilyQuantile, params,
    };
    pub use crate::real::functions::*;

    /// `ln(sqrt(2 pi))`.
    pub const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;
    /// Euler's constant.
    pub const EULER: f64 = 0.577_215_664_901_532_9;
    pub use crate::noise::{Stream, Words};
    pub use crate::real::Real;
}

/// The parameters of one element by name.
pub fn params<R: Copy, const N: usize>(p: &[R]) -> [R; N] {
    std::array::from_fn(|i| p[i])
}

fn of_value<F: Family, G: Formula, const D: usize>(
    formula: G,
    value: Tensor<D>,
    parameters: Vec<Tensor<D>>,
) -> Tensor<D> {
    let args: Vec<Tensor<D>> = std::iter::once(value).chain(parameters).collect();
    real::apply(F::NAME, &formula, &args)
}

fn draw<F: Family, const D: usize>(parameters: &[Tensor<D>], noise: &mut Noise) -> Tensor<D> {
    real::draw(
        F::NAME,
        &Transform::<F>(PhantomData),
        parameters,
        noise,
        (F::NOISES, F::BLIND),
        &F::noise,
    )
}

/// The shape that parameters make together.
pub(super) fn batch_dims<const D: usize>(who: &str, parameters: &[Tensor<D>]) -> [usize; D] {
    parameters.iter().fold([1; D], |dims, x| broadcast_dims(who, dims, x.dims()))
}

/// A parameter with the shape that all make together.
pub(super) fn expanded<const D: usize, T: Elementwise<D>>(of: &T, x: &Tensor<D>) -> Tensor<D> {
    expand_to(x.clone(), batch_dims(T::Family::NAME, &of.parameters()))
}

impl<const D: usize, T: Elementwise<D>> Distribution<D, D> for T {
    fn log_prob(&self, value: Tensor<D>) -> Tensor<D> {
        if let Some(log_prob) = T::Family::fast_log_prob(&value, &self.parameters()) {
            return log_prob;
        }
        of_value::<T::Family, _, D>(LogProb::<T::Family>(PhantomData), value, self.parameters())
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<D> {
        let without_graph = |x: Tensor<D>| {
            if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
        };
        let parameters: Vec<_> = self.parameters().into_iter().map(without_graph).collect();
        draw::<T::Family, D>(&parameters, noise)
    }
}

impl<const D: usize, T: Elementwise<D>> HasSupport<D> for T {
    fn support(&self) -> Support<D> {
        self.support_of()
    }
}

impl<const D: usize, T: Elementwise<D>> Pathwise<D> for T
where
    T::Family: FamilyPathwise,
{
    fn rsample(&self, noise: &mut Noise) -> Tensor<D> {
        draw::<T::Family, D>(&self.parameters(), noise)
    }
}

impl<const D: usize, T: Elementwise<D>> Moments<D> for T
where
    T::Family: FamilyMoments,
{
    fn mean(&self) -> Tensor<D> {
        real::apply(T::Family::NAME, &MeanOf::<T::Family>(PhantomData), &self.parameters())
    }

    fn variance(&self) -> Tensor<D> {
        real::apply(T::Family::NAME, &VarianceOf::<T::Family>(PhantomData), &self.parameters())
    }
}

impl<const D: usize, T: Elementwise<D>> Entropy<D> for T
where
    T::Family: FamilyEntropy,
{
    fn entropy(&self) -> Tensor<D> {
        real::apply(T::Family::NAME, &EntropyOf::<T::Family>(PhantomData), &self.parameters())
    }
}

impl<const D: usize, T: Elementwise<D>> Mode<D> for T
where
    T::Family: FamilyMode,
{
    fn mode(&self) -> Tensor<D> {
        real::apply(T::Family::NAME, &ModeOf::<T::Family>(PhantomData), &self.parameters())
    }
}

impl<const D: usize, T: Elementwise<D>> Cdf<D> for T
where
    T::Family: FamilyCdf,
{
    fn cdf(&self, value: Tensor<D>) -> Tensor<D> {
        of_value::<T::Family, _, D>(TailOf::<T::Family>::new(false), value, self.parameters())
    }

    fn survival(&self, value: Tensor<D>) -> Tensor<D> {
        of_value::<T::Family, _, D>(TailOf::<T::Family>::new(true), value, self.parameters())
    }
}

impl<const D: usize, T: Elementwise<D>> Quantile<D> for T
where
    T::Family: FamilyQuantile,
{
    fn icdf(&self, probability: Tensor<D>) -> Tensor<D> {
        let formula = QuantileOf::<T::Family>::new(false);
        of_value::<T::Family, _, D>(formula, probability, self.parameters())
    }

    fn isf(&self, probability: Tensor<D>) -> Tensor<D> {
        let formula = QuantileOf::<T::Family>::new(true);
        of_value::<T::Family, _, D>(formula, probability, self.parameters())
    }
}
