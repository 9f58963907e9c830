//! What a training step sees: batches, and where they come from.

use burn::tensor::{Device, Int, Tensor};

use crate::{Condition, Noise};

/// Examples on a device, with their labels where the data has them.
///
/// # Shapes
/// `x` is `[batch, ..]`, `labels` is `[batch]`.
#[derive(Debug, Clone)]
pub struct Batch<const D: usize> {
    /// The examples.
    pub x: Tensor<D>,
    /// One class an example.
    pub labels: Option<Tensor<1, Int>>,
}

impl<const D: usize> Batch<D> {
    /// Examples without labels.
    pub fn new(x: Tensor<D>) -> Self {
        Self { x, labels: None }
    }

    /// The labels as a condition for a model (none where there are no labels).
    pub fn condition(&self) -> Condition {
        Condition { labels: self.labels.clone() }
    }
}

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

    /// The examples `rows`, in that order, on `device`.
    ///
    /// # Panics
    /// If a row is out of range.
    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Self::Batch;
}
