//! Divergences that are infinite: the one distribution has values that the other has not.

use burn::tensor::Tensor;

use super::super::family::batch_dims;
use super::super::numerics::broadcast_dims;
use super::super::{
    Bernoulli, Beta, Binomial, Exponential, Gamma, Gumbel, KlDivergence, Laplace, Normal, Pareto,
    Poisson, Uniform,
};
use super::Parameters;

macro_rules! infinite {
    ($($p:ident => $($q:ident)*;)*) => {$($(
        impl<const D: usize> KlDivergence<$q<D>, D> for $p<D> {
            /// Infinite: this has values that the other has not.
            fn kl_divergence(&self, other: &$q<D>) -> Tensor<D> {
                infinity(&self.all(), &other.all())
            }
        }
    )*)*};
}

infinite! {
    Beta => Pareto;
    Exponential => Beta Pareto Uniform;
    Gamma => Beta Pareto Uniform;
    Gumbel => Beta Exponential Gamma Pareto Uniform;
    Laplace => Beta Exponential Gamma Pareto Uniform;
    Normal => Beta Exponential Gamma Pareto Uniform;
    Pareto => Beta Uniform;
    Poisson => Bernoulli Binomial;
}

fn infinity<const D: usize>(p: &[Tensor<D>], q: &[Tensor<D>]) -> Tensor<D> {
    let dims = broadcast_dims("KL", batch_dims("KL", p), batch_dims("KL", q));
    Tensor::full(dims, f64::INFINITY, (&p[0].device(), p[0].dtype()))
}
