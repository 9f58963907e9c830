//! Arguments of rising functions, where no formula gives them.

use burn::tensor::Tensor;

/// Halvings of an interval: more than the digits of f32 and a factor of ten million in its width.
const HALVINGS: usize = 48;

/// Where functions of one number each take their values `target`: a point of `[low, high]`, by halving.
///
/// `rising` gives the functions' values at a point for each number; they must not decrease, and
/// `rising(low) <= target <= rising(high)`.
///
/// # Numerics
/// Exact to the rounding of `rising`. Nothing is tracked: [`root`] makes the result differentiable.
fn halved<const D: usize>(
    rising: impl Fn(Tensor<D>) -> Tensor<D>,
    target: &Tensor<D>,
    low: Tensor<D>,
    high: Tensor<D>,
) -> Tensor<D> {
    let (mut low, mut high) = (low, high);
    for _ in 0..HALVINGS {
        let middle = (low.clone() + high.clone()) * 0.5;
        let below = rising(middle.clone()).lower(target.clone());
        low = low.mask_where(below.clone(), middle.clone());
        high = middle.mask_where(below, high);
    }
    (low + high) * 0.5
}

/// The point of `[low, high]` where `rising` takes the value `target`, differentiable by the target and by
/// all that `rising` depends on.
///
/// `rising` gives values and slopes, which are above zero; it is called with `true` where nothing needs
/// to be tracked.
///
/// # Numerics
/// A step of Newton's method behind the halvings has the derivatives that the implicit function theorem
/// gives: `dx = (dtarget - d rising) / slope`. NaN in the target gives NaN.
pub(crate) fn root<const D: usize>(
    rising: impl Fn(Tensor<D>, bool) -> (Tensor<D>, Tensor<D>),
    target: Tensor<D>,
    low: Tensor<D>,
    high: Tensor<D>,
) -> Tensor<D> {
    let free = |x: Tensor<D>| rising(x, true).0;
    let found = halved(free, &target.clone().detach(), low.detach(), high.detach());
    let (value, slope) = rising(found.clone(), false);
    found - (value - target) / slope.detach()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    /// `x^3 + a x`: the root, and its derivatives by the target and by `a` from their formulas.
    #[test]
    fn roots_and_their_derivatives() {
        let device = device().autodiff();
        let track = |v: [f32; 4]| Tensor::<1>::from_floats(v, &device).require_grad();
        let (target, a) = (track([-30.0, 0.0, 0.2, 1e3]), track([1.0, 0.5, 2.0, 3.0]));
        let rising = |x: Tensor<1>, free: bool| {
            let a = if free { a.clone().detach() } else { a.clone() };
            (x.clone().powi_scalar(3) + a.clone() * x.clone(), x.square() * 3.0 + a)
        };
        let low = Tensor::full([4], -100.0, &device);
        let x = root(rising, target.clone(), low.clone(), -low);
        let found = host(x.clone().inner());
        for (x, (t, a)) in found.iter().zip([(-30.0, 1.0), (0.0, 0.5), (0.2, 2.0), (1e3, 3.0)]) {
            let error: f64 = x.powi(3) + a * x - t;
            assert!(error.abs() < 1e-6 * f64::max(1.0, t.abs()), "{x}");
        }
        let grads = x.sum().backward();
        let (by_target, by_a) = (target.grad(&grads).unwrap(), a.grad(&grads).unwrap());
        let pairs = host(by_target).into_iter().zip(host(by_a));
        for ((by_target, by_a), (x, a)) in pairs.zip(found.iter().zip([1.0, 0.5, 2.0, 3.0])) {
            let slope = 3.0 * x * x + a;
            // Roundings of f32.
            assert!((by_target * slope - 1.0).abs() < 1e-5);
            assert!((by_a * slope + x).abs() < 1e-5 * slope.max(1.0));
        }
    }
}
