//! Numbers of a tensor on the host, and numbers with gradients.

use burn::tensor::Tensor;

/// Whether no element is NaN or infinite.
pub(crate) fn all_finite<const D: usize>(x: &Tensor<D>) -> bool {
    x.clone().is_finite().all().into_scalar::<bool>()
}

/// The gradient of `sum(f(x))` and what `f` gave, without its history. `f` gets `x` on the autodiff
/// device; the gradient is `None` if the answer does not depend on it.
pub(crate) fn gradient<const D: usize, const E: usize>(
    x: &Tensor<D>,
    f: impl FnOnce(Tensor<D>) -> (Tensor<E>, Tensor<D>),
) -> (Option<Tensor<D>>, Tensor<D>) {
    let plain = if x.device().is_autodiff() { x.clone().inner() } else { x.clone() };
    let input = Tensor::from_inner(plain).require_grad();
    let (summed, value) = f(input.clone());
    let value = if value.device().is_autodiff() { value.inner() } else { value };
    if !summed.is_tracked() {
        return (None, value);
    }
    let grads = summed.sum().backward();
    (input.grad(&grads), value)
}
