//! What a training step sees: batches, and where they come from.

use burn::tensor::{Device, Int, Tensor};

use crate::{Condition, Noise};

/// Examples on a device, with their labels where the data has them, and with contexts where a
/// model is conditional (see [`Condition`]).
///
/// # Shapes
/// `x` is `[batch, ..]`, `labels` is `[batch]`, `context` is `[batch, features]`.
#[derive(Debug, Clone)]
pub struct Batch<const D: usize> {
    /// The examples.
    pub x: Tensor<D>,
    /// One class an example.
    pub labels: Option<Tensor<1, Int>>,
    /// One picture or vector an example, flat.
    pub context: Option<Tensor<2>>,
}

impl<const D: usize> Batch<D> {
    /// Examples alone.
    pub fn new(x: Tensor<D>) -> Self {
        Self { x, labels: None, context: None }
    }

    /// The same examples with these labels, or with none.
    pub fn with_labels(self, labels: Option<Tensor<1, Int>>) -> Self {
        Self { labels, ..self }
    }

    /// The same examples with these contexts, or with none.
    pub fn with_context(self, context: Option<Tensor<2>>) -> Self {
        Self { context, ..self }
    }

    /// Labels and contexts as a condition for a model, as far as there are any.
    pub fn condition(&self) -> Condition {
        Condition { labels: self.labels.clone(), context: self.context.clone() }
    }
}

/// Why examples cannot be read.
pub type Unreadable = Box<dyn std::error::Error + Send + Sync>;

/// Data that can be read in batches, in any order.
///
/// Reading takes a noise stream because some transforms are random (dequantisation, binarisation
/// per epoch, augmentation): the batch is a pure function of the rows and the noise. The stream's
/// rows belong to `rows` one by one, so a batch may be split among workers.
pub trait Examples: Send + Sync {
    /// What one read gives.
    type Batch: Send;

    /// Number of examples.
    fn len(&self) -> usize;

    /// Whether there is nothing to learn from.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often training should draw each example, up to a factor, where the data says it.
    fn weights(&self) -> Option<&[f64]> {
        None
    }

    /// The class of each example, where there are classes.
    fn classes(&self) -> Option<&[u32]> {
        None
    }

    /// Whether examples are changed at random each time that they are read.
    fn is_augmented(&self) -> bool {
        false
    }

    /// The examples `rows`, in that order, on `device`.
    ///
    /// # Panics
    /// If a row is out of range.
    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Self::Batch;

    /// The same, of examples that may have become unreadable: of files that were removed.
    ///
    /// # Errors
    /// Why they cannot be read.
    ///
    /// # Panics
    /// If a row is out of range.
    fn try_batch(
        &self,
        rows: &[usize],
        noise: &mut Noise,
        device: &Device,
    ) -> Result<Self::Batch, Unreadable> {
        Ok(self.batch(rows, noise, device))
    }
}
