//! Divergences of chi-squared variables, which are gamma variables.

use burn::tensor::Tensor;

use super::super::{
    Beta, ChiSquared, Exponential, Gamma, Gumbel, KlDivergence, Laplace, Normal, Pareto, Uniform,
};

impl<const D: usize> ChiSquared<D> {
    /// The same distribution as a gamma variable of shape `df / 2` and rate 1/2.
    pub fn as_gamma(&self) -> Gamma<D> {
        let half = self.df() * 0.5;
        Gamma::new_unchecked(half.clone(), half.full_like(0.5))
    }
}

macro_rules! as_gamma {
    (to $($q:ident)*; from $($p:ident)*;) => {
        $(impl<const D: usize> KlDivergence<$q<D>, D> for ChiSquared<D> {
            /// That of the gamma variable.
            fn kl_divergence(&self, other: &$q<D>) -> Tensor<D> {
                self.as_gamma().kl_divergence(other)
            }
        })*
        $(impl<const D: usize> KlDivergence<ChiSquared<D>, D> for $p<D> {
            /// That to the gamma variable.
            fn kl_divergence(&self, other: &ChiSquared<D>) -> Tensor<D> {
                self.kl_divergence(&other.as_gamma())
            }
        })*
    };
}

as_gamma! {
    to Beta Exponential Gamma Gumbel Normal Pareto Uniform;
    from Beta Exponential Gamma Gumbel Laplace Normal Pareto Uniform;
}
