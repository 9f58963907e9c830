//! Kullback-Leibler divergences of distributions of numbers, and estimates of any.

mod across;
mod chi_squared;
mod estimate;
mod infinite;
mod within;

use burn::tensor::Tensor;

pub use estimate::{Estimate, kl_estimate};

use super::family::Elementwise;
use super::{Bernoulli, Moments, Normal};

/// The parameters that a divergence is a formula of.
pub trait Parameters<const D: usize> {
    /// In the order in which formulas take them.
    fn all(&self) -> Vec<Tensor<D>>;
}

impl<const D: usize, T: Elementwise<D>> Parameters<D> for T {
    fn all(&self) -> Vec<Tensor<D>> {
        self.parameters()
    }
}

impl<const D: usize> Parameters<D> for Normal<D> {
    fn all(&self) -> Vec<Tensor<D>> {
        let [_, mean, log_var] = self.with(self.mean());
        vec![mean, log_var]
    }
}

impl<const D: usize> Parameters<D> for Bernoulli<D> {
    fn all(&self) -> Vec<Tensor<D>> {
        vec![self.logits()]
    }
}

/// Divergences as formulas of the parameters of both: `P[a, b], Q[c, d] => formula;`.
macro_rules! divergences {
    ($($(#[$doc:meta])* $p:ident[$($pa:ident),*], $q:ident[$($qa:ident),*] => $formula:expr;)*) => {$(
        impl<const D: usize> crate::distribution::KlDivergence<$q<D>, D> for $p<D> {
            $(#[$doc])*
            fn kl_divergence(&self, other: &$q<D>) -> burn::tensor::Tensor<D> {
                struct Of;
                impl crate::real::Formula for Of {
                    fn eval<R: Real>(&self, args: &[R]) -> R {
                        let [$($pa,)* $($qa),*] = params(args);
                        $formula
                    }
                }
                let mut args = crate::distribution::kl::Parameters::all(self);
                args.extend(crate::distribution::kl::Parameters::all(other));
                let who = concat!("KL of ", stringify!($p), " and ", stringify!($q));
                crate::real::apply(who, &Of, &args)
            }
        }
    )*};
}
pub(crate) use divergences;
