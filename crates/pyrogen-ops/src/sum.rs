//! The sum of all elements.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::on_host;

/// The sum of all elements, in an order that is the same each time.
///
/// # Numerics
/// On GPUs that add floating-point numbers atomically Burn's own `sum` (0.22.1) adds parts as they become
/// ready: it may round otherwise the next time. Here one axis follows the other, the shortest first.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let x = Tensor::<2>::from_floats([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::flex());
/// assert_eq!(pyrogen_ops::sum(x).into_scalar::<f32>(), 21.0);
/// ```
pub fn sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return x.sum();
    }
    axis_by_axis(x)
}

fn axis_by_axis<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let dims = x.dims();
    let mut axes: Vec<usize> = (0..D).collect();
    axes.sort_by_key(|&axis| dims[axis]);
    axes.into_iter().fold(x, Tensor::sum_dim).reshape([1])
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::{device, host};

    use super::*;

    #[test]
    fn axis_by_axis_it_is_the_sum() {
        for dims in [[3, 70, 5], [1, 1, 1], [200, 1, 3], [2, 0, 4]] {
            let x: Tensor<3> = Noise::new(Seed(3)).normal(dims, &device());
            let expected: f64 = host(x.clone()).iter().sum();
            let [got] = host(axis_by_axis(x))[..] else { panic!("one number") };
            assert!((got - expected).abs() < 1e-4, "{dims:?}: {got} {expected}");
        }
    }

    #[test]
    fn each_element_has_a_gradient_of_one() {
        let x = Tensor::<2>::ones([4, 3], &device().autodiff()).require_grad();
        let y = axis_by_axis(x.clone() * 2.0);
        assert_eq!(host(x.grad(&y.backward()).expect("a gradient")), [2.0; 12]);
    }
}
