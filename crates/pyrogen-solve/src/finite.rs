//! Numbers of a tensor on the host, and numbers with gradients.

use std::cell::RefCell;

use burn::tensor::{Bool, Tensor};
use pyrogen_core::parallel::on_cpu;

/// Whether no element is NaN or infinite.
pub(crate) fn all_finite<const D: usize>(x: &Tensor<D>) -> bool {
    x.clone().is_finite().all().into_scalar::<bool>()
}

/// Checks that the answers of a run are finite. On the CPU each is checked when it comes; elsewhere
/// while the next one is computed, since the host would have to wait for it.
///
/// `T` says what an answer was.
pub(crate) struct Checks<T>(RefCell<Option<(Tensor<1, Bool>, T)>>);

impl<T> Checks<T> {
    pub fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// What was said of the answer that is not finite: this one or the one before.
    pub fn see<const D: usize>(&self, x: &Tensor<D>, what: T) -> Result<(), T> {
        let finite = x.clone().is_finite().all();
        if on_cpu(&x.device()) {
            return settled(Some((finite, what)));
        }
        settled(self.0.replace(Some((finite, what))))
    }

    /// Checks what is left.
    ///
    /// # Errors
    /// What was said of the last answer, where it is not finite.
    pub fn finish(&self) -> Result<(), T> {
        settled(self.0.take())
    }
}

fn settled<T>(answer: Option<(Tensor<1, Bool>, T)>) -> Result<(), T> {
    let Some((finite, what)) = answer else { return Ok(()) };
    if finite.into_scalar::<bool>() { Ok(()) } else { Err(what) }
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
