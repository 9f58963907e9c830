//! The condition of the examples.

use burn::tensor::Tensor;
use pyrogen_core::{Condition, Describe};
use pyrogen_nn::one_hot;

use crate::numerics::spread;

/// A condition as networks read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// One-hot classes, `[batch, classes]`.
    classes: Option<Tensor<2>>,
    /// Contexts, `[batch, features]`.
    context: Option<Tensor<2>>,
}

impl Given {
    /// Checks a condition against what the model takes.
    ///
    /// # Panics
    /// If a part of it is given and the model takes none, is missing, or does not fit.
    pub fn new(model: &impl Describe, condition: &Condition, rows: usize) -> Self {
        if model.context_shape().is_none() {
            assert!(
                condition.context.is_none(),
                "Vae: a context was given to a model that takes none"
            );
        }
        let labels = condition.labels.is_some();
        assert!(
            model.classes().is_some() || !labels,
            "Vae: a class was given to a model without classes"
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
                panic!("Vae: the model is conditional: give one label (of {classes}) an example")
            });
            let got = labels.dims();
            assert_eq!(got, [rows], "Vae: expected one label an example, [{rows}], got {got:?}");
            one_hot(labels, classes)
        });
        let context = model.context_shape().map(|shape| {
            let context = condition.context.clone().unwrap_or_else(|| {
                panic!("Vae: the model needs a context of shape {shape:?} with each example")
            });
            let (got, expected) = (context.dims(), [rows, shape.iter().product()]);
            assert_eq!(
                got, expected,
                "Vae: expected contexts {expected:?} (shape {shape:?}, flat), got {got:?}"
            );
            context
        });
        Self { classes, context }
    }

    /// Each row `draws` times, one after the other.
    pub fn spread(&self, draws: usize) -> Self {
        let each = |x: &Option<Tensor<2>>| x.clone().map(|x| spread(x, draws));
        Self { classes: each(&self.classes), context: each(&self.context) }
    }

    /// Flat examples with their contexts behind them: what an encoder reads as one event.
    pub fn beside_example(&self, x: Tensor<2>) -> Tensor<2> {
        beside(x, self.context.clone())
    }

    /// Latents with the classes behind them: what a decoder reads.
    pub fn beside_latents(&self, z: Tensor<2>) -> Tensor<2> {
        beside(z, self.classes.clone())
    }

    /// One-hot classes.
    pub fn classes(&self) -> Option<Tensor<2>> {
        self.classes.clone()
    }

    /// Contexts.
    pub fn context(&self) -> Option<Tensor<2>> {
        self.context.clone()
    }
}

/// Two blocks of columns side by side, where there is a second.
fn beside(x: Tensor<2>, more: Option<Tensor<2>>) -> Tensor<2> {
    match more {
        Some(more) => Tensor::cat(vec![x, more], 1),
        None => x,
    }
}
