//! Between flat features and shaped events.

use burn::tensor::Tensor;

/// `[batch, ..]` to `[batch, features]`, with `features` the product of `event`.
///
/// # Panics
/// If the axes of `x` after the first are neither `event` nor its product.
pub fn flatten<const D: usize>(x: Tensor<D>, event: &[usize]) -> Tensor<2> {
    let dims = x.dims();
    let features: usize = event.iter().product();
    assert!(
        dims[1..] == *event || dims[1..] == [features],
        "flatten: expected examples of shape {event:?} or [{features}], got a batch {dims:?}"
    );
    x.reshape([dims[0], features])
}

/// `[batch, features]` to `[batch, ..event]`; `D = 2` keeps it flat.
///
/// # Panics
/// If `D` is neither 2 nor one more than the rank of `event`, or the widths differ.
pub fn unflatten<const D: usize>(x: Tensor<2>, event: &[usize]) -> Tensor<D> {
    let [batch, features] = x.dims();
    assert_eq!(
        features,
        event.iter().product::<usize>(),
        "unflatten: {features} features do not make an event of shape {event:?}"
    );
    let mut shape = [0; D];
    shape[0] = batch;
    if D == event.len() + 1 {
        shape[1..].copy_from_slice(event);
    } else {
        assert!(
            D == 2,
            "unflatten: events of shape {event:?} make tensors of rank 2 or {}, not {D}",
            event.len() + 1
        );
        shape[1] = features;
    }
    x.reshape(shape)
}
