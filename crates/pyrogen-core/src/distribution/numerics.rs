//! Stable pieces that several densities share.

use burn::tensor::Tensor;
use burn::tensor::kind::Basic;

use super::{OneMoreThan, Rank};

/// `-ln(1 + exp(-x))`. Its gradient is `sigmoid(-x)` everywhere: nothing is clamped and no threshold
/// switches it off.
pub(super) fn log_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    pyrogen_ops::softplus(x.neg()).neg()
}

/// The shape that two shapes broadcast to.
///
/// # Panics
/// If they do not: an axis differs, and neither length is 1.
pub(crate) fn broadcast_dims<const D: usize>(
    who: &str,
    a: [usize; D],
    b: [usize; D],
) -> [usize; D] {
    std::array::from_fn(|i| match (a[i], b[i]) {
        (m, n) if m == n => m,
        (1, n) => n,
        (m, 1) => m,
        _ => panic!("{who}: shapes {a:?} and {b:?} do not broadcast"),
    })
}

/// `x` seen with a broadcast shape; nothing is done where the shape is the same.
pub(crate) fn expand_to<const D: usize, K: Basic>(
    x: Tensor<D, K>,
    dims: [usize; D],
) -> Tensor<D, K> {
    if x.dims() == dims { x } else { x.expand(dims) }
}

/// `ln(sum_k exp(x_k))` over the last axis, which is dropped.
///
/// # Numerics
/// The largest term is taken out first. A row of nothing but `-inf` gives `-inf`, and its
/// gradient is NaN.
pub(super) fn log_sum_exp<const L: usize, const B: usize>(x: Tensor<L>) -> Tensor<B>
where
    Rank<L>: OneMoreThan<B>,
{
    let largest = x.clone().detach().max_dim(L - 1);
    let none = largest.clone().equal_elem(f32::NEG_INFINITY);
    let largest = largest.mask_fill(none, 0.0);
    let sum = (x - largest.clone()).exp().sum_dim(L - 1);
    (sum.log() + largest).squeeze_dim(L - 1)
}

/// `ln(1 - exp(-2 h))` for `h > 0`, given `ln h`.
///
/// # Numerics
/// Below `h = 0.5` the series of `ln(sinh(h) / h)` to the eighth power of `h` (error below 3e-9)
/// is added to `ln(2 h) - h`; above, `ln_1p(-exp(-2 h))`. Relative accuracy holds for tiny `h`,
/// where `1 - exp(-2 h)` would round to nothing.
///
/// # References
/// Mächler (2012), "Accurately Computing log(1 - exp(-|a|))", for the problem.
pub(super) fn log1mexp_double<const D: usize>(log_h: Tensor<D>) -> Tensor<D> {
    /// Where the two forms meet.
    const MEET: f64 = 0.5;
    let large = log_h.clone().greater_equal_elem(MEET.ln());
    // Each form sees only arguments that it can take, so that the gradient of the one that is
    // not used is finite.
    let small_log = log_h.clone().mask_fill(large.clone(), MEET.ln());
    let small_h = small_log.clone().exp();
    let square = small_h.clone().square();
    // ln(sinh(h) / h) = h^2 / 6 - h^4 / 180 + h^6 / 2835 - h^8 / 37800 + ..
    let quartic = square.clone() * (1.0 / 37800.0) - 1.0 / 2835.0;
    let series = (quartic * square.clone() + 1.0 / 180.0) * square.clone() - 1.0 / 6.0;
    let small = small_log - small_h - series * square + std::f64::consts::LN_2;
    let large_h = log_h.mask_fill(large.clone().bool_not(), MEET.ln()).exp();
    let above = (large_h * -2.0).exp().neg().log1p();
    small.mask_where(large, above)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few roundings of f32 at the size of the logarithm, which reaches 20.
    const ROUNDED: f64 = 3e-7;

    #[test]
    fn log1mexp_double_and_its_gradient_equal_f64() {
        let device = pyrogen_testkit::device().autodiff();
        // ln h from -20 to 3, on both sides of where the two forms meet.
        let log_h: Vec<f32> = (0..=460).map(|i| -20.0 + 0.05 * i as f32).collect();
        let x = Tensor::<1>::from_data(log_h.as_slice(), &device).require_grad();
        let y = log1mexp_double(x.clone());
        let slope = x.grad(&y.clone().sum().backward()).unwrap();
        let host = |t: Tensor<1>| -> Vec<f64> { t.into_data().iter().collect() };
        for ((l, y), slope) in log_h.iter().zip(host(y)).zip(host(slope)) {
            let double = 2.0 * f64::from(*l).exp();
            let expected = (-(-double).exp_m1()).ln();
            assert!(
                (y - expected).abs() < ROUNDED * (1.0 + expected.abs()),
                "ln h = {l}: {y} {expected}"
            );
            let expected = double / double.exp_m1();
            assert!((slope - expected).abs() < 3.0 * ROUNDED, "{l}: {slope} {expected}");
        }
    }

    #[test]
    fn log_sum_exp_takes_rows_without_mass() {
        let device = pyrogen_testkit::device();
        let none = f32::NEG_INFINITY;
        let rows = Tensor::<2>::from_floats([[none, none], [none, 2.0], [1e4, 1e4]], &device);
        let sums: Tensor<1> = log_sum_exp(rows);
        let sums: Vec<f32> = sums.into_data().iter().collect();
        assert_eq!(sums, [none, 2.0, 1e4 + std::f32::consts::LN_2]);
    }
}
