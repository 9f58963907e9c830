//! Maps of vectors and of events' shapes.

use burn::tensor::{Int, Tensor};
use pyrogen_ops::softplus;

use super::Bijection;
use super::network::sum_last;
use crate::distribution::{OneMoreThan, Rank, TwoMoreThan};

/// Another order of the elements along the last axis: `y_i = x_(order_i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Permute {
    order: Vec<usize>,
    back: Vec<usize>,
}

impl Permute {
    /// From the place of each element's source.
    ///
    /// # Panics
    /// If it is no permutation of `0..n`.
    pub fn new(order: Vec<usize>) -> Self {
        let mut back = vec![usize::MAX; order.len()];
        for (to, &from) in order.iter().enumerate() {
            assert!(
                from < order.len() && back[from] == usize::MAX,
                "Permute: {order:?} is no permutation"
            );
            back[from] = to;
        }
        Self { order, back }
    }

    /// The elements in reverse.
    pub fn reverse(n: usize) -> Self {
        Self::new((0..n).rev().collect())
    }
}

fn pick<const L: usize>(x: Tensor<L>, places: &[usize]) -> Tensor<L> {
    let places: Vec<i32> = places.iter().map(|&p| p as i32).collect();
    let places = Tensor::<1, Int>::from_data(places.as_slice(), &x.device());
    x.select(L - 1, places)
}

/// A zero for each vector.
fn nothing<const L: usize, const B: usize>(x: &Tensor<L>) -> Tensor<B> {
    let dims = x.dims();
    let batch: [usize; B] = std::array::from_fn(|i| dims[i]);
    Tensor::zeros(batch, (&x.device(), x.dtype()))
}

impl<const L: usize, const B: usize> Bijection<L, L, B> for Permute
where
    Rank<L>: OneMoreThan<B>,
{
    fn forward(&self, x: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let log_det = nothing(&x);
        (pick(x, &self.order), log_det)
    }

    fn inverse(&self, y: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let log_det = nothing(&y);
        (pick(y, &self.back), log_det)
    }
}

/// Events of one shape as events of another, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Reshape {
    from: Vec<usize>,
    to: Vec<usize>,
}

impl Reshape {
    /// From the shapes of one event before and after.
    ///
    /// # Panics
    /// If they differ in their number of elements.
    pub fn new(from: Vec<usize>, to: Vec<usize>) -> Self {
        let (a, b): (usize, usize) = (from.iter().product(), to.iter().product());
        assert_eq!(a, b, "Reshape: {from:?} and {to:?} differ in their number of elements");
        Self { from, to }
    }
}

fn reshaped<const X: usize, const Y: usize, const B: usize>(
    x: Tensor<X>,
    to: &[usize],
) -> (Tensor<Y>, Tensor<B>) {
    let dims = x.dims();
    assert_eq!(B + to.len(), Y, "Reshape: events of shape {to:?} and {B} batch axes");
    let shape: [usize; Y] = std::array::from_fn(|i| if i < B { dims[i] } else { to[i - B] });
    let log_det = nothing(&x);
    (x.reshape(shape), log_det)
}

impl<const X: usize, const Y: usize, const B: usize> Bijection<X, Y, B> for Reshape {
    /// # Panics
    /// If the ranks are not those of a batch of rank `B` of these events.
    fn forward(&self, x: Tensor<X>) -> (Tensor<Y>, Tensor<B>) {
        assert_eq!(x.dims()[B..], self.from, "Reshape: events of another shape");
        reshaped(x, &self.to)
    }

    /// # Panics
    /// If the ranks are not those of a batch of rank `B` of these events.
    fn inverse(&self, y: Tensor<Y>) -> (Tensor<X>, Tensor<B>) {
        assert_eq!(y.dims()[B..], self.to, "Reshape: events of another shape");
        reshaped(y, &self.from)
    }
}

/// Stick-breaking: `n - 1` real numbers to `n` positive ones that sum to 1.
///
/// ```text
/// y_i = z_i (1 - y_1 - .. - y_(i - 1))      z_i = sigmoid(x_i - ln(n - i))
/// ```
///
/// Zeros go to equal parts. The determinant is that of the first `n - 1` parts.
///
/// # Numerics
/// Made of logarithms, so that parts far below the type's resolution are right. The inverse adds the
/// parts up from the end.
///
/// # References
/// Stan Development Team, "Stan Reference Manual", "Unit simplex".
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::{Bijection, StickBreaking};
///
/// let device = Device::flex();
/// let (y, _): (_, Tensor<1>) = StickBreaking.forward(Tensor::<2>::zeros([1, 3], &device));
/// assert!(y.all_close(Tensor::full([1, 4], 0.25, &device), None, None));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StickBreaking;

/// `ln(n - i)` for the `n - 1` breaks.
fn log_left<const L: usize>(like: &Tensor<L>, breaks: usize) -> Tensor<L> {
    let logs: Vec<f64> = (0..breaks).map(|i| ((breaks - i) as f64).ln()).collect();
    let mut dims = [1; L];
    dims[L - 1] = breaks;
    Tensor::<1>::from_data(logs.as_slice(), (&like.device(), like.dtype())).reshape(dims)
}

impl<const L: usize, const B: usize> Bijection<L, L, B> for StickBreaking
where
    Rank<L>: OneMoreThan<B>,
{
    fn forward(&self, x: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let breaks = x.dims()[L - 1];
        let logit = x.clone() - log_left(&x, breaks);
        // ln(1 - z) and ln(z), and what is left before each break.
        let rest = softplus(logit.clone()).neg();
        let part = softplus(logit.neg()).neg();
        let after = rest.clone().cumsum(L - 1);
        let before = after.clone() - rest.clone();
        let logs = part + before;
        let last = after.narrow(L - 1, breaks - 1, 1);
        let log_det = sum_last(logs.clone() + rest);
        (Tensor::cat(vec![logs, last], L - 1).exp(), log_det)
    }

    fn inverse(&self, y: Tensor<L>) -> (Tensor<L>, Tensor<B>) {
        let n = y.dims()[L - 1];
        let part = y.clone().narrow(L - 1, 0, n - 1).log();
        // What is left after each break: the sum of the parts behind it.
        let behind = y.flip([L - 1]).cumsum(L - 1).flip([L - 1]);
        let behind = behind.narrow(L - 1, 1, n - 1).log();
        let logit = part.clone() - behind;
        let x = logit.clone() + log_left(&logit, n - 1);
        (x, sum_last(softplus(logit) - part))
    }
}

/// `n (n + 1) / 2` real numbers to a lower triangular matrix with a positive diagonal: the Cholesky
/// factor of a covariance.
///
/// ```text
/// y_ij = x_k for i > j      y_ii = exp(x_k)      k = i (i + 1) / 2 + j
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CholeskyFactor {
    /// The number of rows.
    pub n: usize,
}

impl CholeskyFactor {
    fn length(self) -> usize {
        self.n * (self.n + 1) / 2
    }

    /// 1 at the diagonal's places of the vector.
    fn on_diagonal<const L: usize>(self, like: &Tensor<L>) -> Tensor<L> {
        let mut mask = vec![0.0; self.length()];
        (0..self.n).for_each(|i| mask[i * (i + 1) / 2 + i] = 1.0);
        let mut dims = [1; L];
        dims[L - 1] = self.length();
        Tensor::<1>::from_data(mask.as_slice(), (&like.device(), like.dtype())).reshape(dims)
    }
}

impl<const L: usize, const M: usize, const B: usize> Bijection<L, M, B> for CholeskyFactor
where
    Rank<M>: OneMoreThan<L> + TwoMoreThan<B>,
    Rank<L>: OneMoreThan<B>,
{
    /// # Panics
    /// If the vectors are not of length `n (n + 1) / 2`.
    fn forward(&self, x: Tensor<L>) -> (Tensor<M>, Tensor<B>) {
        let (n, length) = (self.n, self.length());
        let dims = x.dims();
        assert_eq!(dims[L - 1], length, "CholeskyFactor: {n} rows have {length} numbers");
        let on = self.on_diagonal(&x);
        let diagonal = x.clone() * on.clone();
        let log_det = sum_last(diagonal.clone());
        let values = x * (on.clone().neg() + 1.0) + diagonal.exp() * on.clone();
        // Places above the diagonal read a zero behind the numbers.
        let zero = values.clone().narrow(L - 1, 0, 1).zeros_like();
        let values = Tensor::cat(vec![values, zero], L - 1);
        let place = |k: usize| {
            let (i, j) = (k / n, k % n);
            if j <= i { i * (i + 1) / 2 + j } else { length }
        };
        let places: Vec<usize> = (0..n * n).map(place).collect();
        let shape: [usize; M] = std::array::from_fn(|i| if i < L - 1 { dims[i] } else { n });
        (pick(values, &places).reshape(shape), log_det)
    }

    fn inverse(&self, y: Tensor<M>) -> (Tensor<L>, Tensor<B>) {
        let n = self.n;
        let dims = y.dims();
        let shape: [usize; L] = std::array::from_fn(|i| if i < L - 1 { dims[i] } else { n * n });
        let places: Vec<usize> = (0..n).flat_map(|i| (0..=i).map(move |j| i * n + j)).collect();
        let values = pick(y.reshape(shape), &places);
        let on = self.on_diagonal(&values);
        let off = on.clone().neg() + 1.0;
        // 1 has the logarithm 0 where the number is not of the diagonal.
        let diagonal = (values.clone() * on + off.clone()).log();
        let log_det = sum_last(diagonal.clone().neg());
        (values * off + diagonal, log_det)
    }
}
