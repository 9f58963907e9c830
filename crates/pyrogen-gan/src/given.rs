//! The condition of the examples, as networks read it.

use burn::tensor::Tensor;
use pyrogen_core::{Condition, Describe};
use pyrogen_nn::one_hot;

use crate::dual::Dual;

/// A condition that fits the model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// One-hot classes, `[batch, classes]`.
    pub classes: Option<Tensor<2>>,
    /// Contexts, flat, `[batch, features]`.
    pub context: Option<Tensor<2>>,
}

impl Given {
    /// Checks a condition against what the model takes.
    ///
    /// # Panics
    /// If a part of it is given and the model takes none, is missing, or does not fit.
    pub fn new(model: &impl Describe, condition: &Condition, rows: usize) -> Self {
        assert!(
            model.context_shape().is_some() || condition.context.is_none(),
            "Gan: a context was given to a model that takes none"
        );
        assert!(
            model.classes().is_some() || condition.labels.is_none(),
            "Gan: a class was given to a model without classes"
        );
        Self::read(model, condition, rows)
    }

    /// What the model takes of a condition; the rest is ignored.
    ///
    /// # Panics
    /// If what it takes is missing or does not fit.
    pub fn read(model: &impl Describe, condition: &Condition, rows: usize) -> Self {
        let classes = model.classes().map(|classes| {
            let labels = condition.labels.clone().unwrap_or_else(|| {
                panic!("Gan: the model is conditional: give one label (of {classes}) an example")
            });
            let got = labels.dims();
            assert_eq!(got, [rows], "Gan: expected one label an example, [{rows}], got {got:?}");
            one_hot(labels, classes)
        });
        let context = model.context_shape().map(|shape| {
            let context = condition.context.clone().unwrap_or_else(|| {
                panic!("Gan: the model needs a context of shape {shape:?} with each example")
            });
            let (got, expected) = (context.dims(), [rows, shape.iter().product()]);
            assert_eq!(
                got, expected,
                "Gan: expected contexts {expected:?} (shape {shape:?}, flat), got {got:?}"
            );
            context
        });
        Self { classes, context }
    }

    /// Columns of numbers with classes and contexts behind them.
    pub fn behind(&self, x: Tensor<2>) -> Tensor<2> {
        beside(beside(x, self.classes.clone()), self.context.clone())
    }

    /// Columns of numbers with contexts behind them.
    pub fn context_behind(&self, x: Dual<2>) -> Dual<2> {
        match &self.context {
            Some(context) => x.beside(context.clone()),
            None => x,
        }
    }
}

/// Two blocks of columns side by side, where there is a second.
fn beside(x: Tensor<2>, more: Option<Tensor<2>>) -> Tensor<2> {
    match more {
        Some(more) => Tensor::cat(vec![x, more], 1),
        None => x,
    }
}
