//! Maps of vectors whose parameters are functions of the vector: what flows are made of.

use std::fmt;

use burn::tensor::Tensor;

use super::Bijection;
use crate::distribution::{OneMoreThan, Rank};

/// Coupling: the first `split` elements of the last axis stay, and the others go through a map of numbers
/// whose parameters are a function of the first.
///
/// ```text
/// y_a = x_a      y_b = map(x_b; f(x_a))      ln |det| = sum ln |map'(x_b)|
/// ```
///
/// The function takes the first elements, `[.., split]`, and gives the map: an
/// [`Affine`](super::Affine), a [`RationalQuadratic`](super::RationalQuadratic) or any other. Both
/// directions cost one call of it. [`Permute`](super::Permute) between two couplings lets each half
/// change the other.
///
/// # References
/// Dinh, Sohl-Dickstein and Bengio (2017), "Density Estimation Using Real NVP", section 3.2.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::{Affine, Bijection, Coupling};
///
/// let device = Device::flex();
/// let shear = Coupling::new(1, |a: Tensor<2>| Affine { shift: a.clone(), scale: a.exp() });
/// let x = Tensor::<2>::from_floats([[1.0, 2.0]], &device);
/// let (y, log_det): (_, Tensor<1>) = shear.forward(x.clone());
/// assert!((log_det.into_scalar::<f32>() - 1.0).abs() < 1e-6);
/// let (back, _): (_, Tensor<1>) = shear.inverse(y);
/// assert!(back.all_close(x, None, None));
/// ```
#[derive(Clone)]
pub struct Coupling<G> {
    split: usize,
    make: G,
}

impl<G> fmt::Debug for Coupling<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coupling after {} elements", self.split)
    }
}

impl<G> Coupling<G> {
    /// From how many elements stay, and the function that makes the others' map.
    pub fn new(split: usize, make: G) -> Self {
        Self { split, make }
    }

    fn parts<const L: usize>(&self, x: Tensor<L>) -> (Tensor<L>, Tensor<L>) {
        let n = x.dims()[L - 1];
        let split = self.split;
        assert!(0 < split && split < n, "Coupling: {split} of {n} elements cannot stay");
        (x.clone().narrow(L - 1, 0, split), x.narrow(L - 1, split, n - split))
    }
}

/// Sums over the last axis, which is dropped.
pub(super) fn sum_last<const L: usize, const B: usize>(x: Tensor<L>) -> Tensor<B>
where
    Rank<L>: OneMoreThan<B>,
{
    x.sum_dim(L - 1).squeeze_dim(L - 1)
}

impl<G, F, const L: usize, const B: usize> Bijection<L, L, B> for Coupling<G>
where
    G: Fn(Tensor<L>) -> F,
    F: Bijection<L, L, L>,
    Rank<L>: OneMoreThan<B>,
{
    fn forward(&self, x: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let (stay, others) = self.parts(x);
        let (others, log_det) = (self.make)(stay.clone()).forward(others);
        (Tensor::cat(vec![stay, others], L - 1), sum_last(log_det))
    }

    fn inverse(&self, y: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let (stay, others) = self.parts(y);
        let (others, log_det) = (self.make)(stay.clone()).inverse(others);
        (Tensor::cat(vec![stay, others], L - 1), sum_last(log_det))
    }
}

/// Autoregression: each element of the last axis goes through a map of numbers whose parameters are a
/// function of the elements before it.
///
/// ```text
/// y_i = map(x_i; f_i(x_1, .., x_(i - 1)))      ln |det| = sum_i ln |map'(x_i)|
/// ```
///
/// The function takes the whole vector and gives the map of all elements; what it gives for an element
/// must depend on the elements before it alone, as a masked network's does. The forward direction is one
/// call of it, the inverse one a call for each element. As a density's map to noise this is a masked
/// autoregressive flow, fast to score; [`Inverse`](super::Inverse) makes it the inverse autoregressive
/// flow, fast to draw from.
///
/// # References
/// Kingma et al. (2016), "Improved Variational Inference with Inverse Autoregressive Flow"; Papamakarios,
/// Pavlakou and Murray (2017), "Masked Autoregressive Flow for Density Estimation".
#[derive(Clone)]
pub struct Autoregressive<G> {
    make: G,
}

impl<G> fmt::Debug for Autoregressive<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Autoregressive")
    }
}

impl<G> Autoregressive<G> {
    /// From the function that makes the map.
    pub fn new(make: G) -> Self {
        Self { make }
    }
}

impl<G, F, const L: usize, const B: usize> Bijection<L, L, B> for Autoregressive<G>
where
    G: Fn(Tensor<L>) -> F,
    F: Bijection<L, L, L>,
    Rank<L>: OneMoreThan<B>,
{
    fn forward(&self, x: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let (y, log_det) = (self.make)(x.clone()).forward(x);
        (y, sum_last(log_det))
    }

    fn inverse(&self, y: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        // Each pass makes one more element right; those behind it do not matter yet.
        let mut x = y.zeros_like();
        for _ in 0..y.dims()[L - 1] {
            x = (self.make)(x).inverse(y.clone()).0;
        }
        let (_, log_det) = (self.make)(x.clone()).inverse(y);
        (x, sum_last(log_det))
    }
}
