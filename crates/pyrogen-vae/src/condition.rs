//! What a model is told about the examples.

use burn::tensor::Tensor;
use pyrogen_core::Condition;
use pyrogen_nn::one_hot;

/// The condition as one-hot rows.
///
/// # Panics
/// If it is given and the model takes none, is missing, or is not one label a row.
pub(crate) fn condition_rows(
    classes: Option<usize>,
    condition: &Condition,
    rows: usize,
) -> Option<Tensor<2>> {
    match (classes, &condition.labels) {
        (None, None) => None,
        (None, Some(_)) => panic!("Vae: a class was given to a model without classes"),
        (Some(classes), None) => {
            panic!("Vae: the model is conditional: give one label (of {classes}) an example")
        }
        (Some(classes), Some(labels)) => {
            assert_eq!(
                labels.dims(),
                [rows],
                "Vae: expected one label an example, [{rows}], got {:?}",
                labels.dims()
            );
            Some(one_hot(labels.clone(), classes))
        }
    }
}

/// Two blocks of columns side by side, where there is a second.
pub(crate) fn beside(x: Tensor<2>, more: Option<Tensor<2>>) -> Tensor<2> {
    match more {
        Some(more) => Tensor::cat(vec![x, more], 1),
        None => x,
    }
}
