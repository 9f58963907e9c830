//! The condition of an example.

use burn::tensor::{Device, Int, Tensor};

/// The condition of the examples that a model makes or reads: classes, contexts, both or nothing.
///
/// A *context* is a picture or a vector that belongs to the example: its small version for
/// super-resolution, the picture with a hole for inpainting, a sketch, a text's embedding. Contexts
/// are held flat, `[batch, features]`, whatever their shape, so that one type serves models of any
/// rank; a model says the shape it takes ([`Describe::context_shape`](crate::Describe::context_shape)).
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::Condition;
///
/// let device = Device::flex();
/// let small = Tensor::<4>::zeros([5, 1, 4, 4], &device);
/// let condition = Condition::context(small).with_labels(Condition::class(3, 5, &device).labels);
/// assert_eq!(condition.context.clone().unwrap().dims(), [5, 16]);
/// assert_eq!(condition.rows(1..3).labels.unwrap().dims(), [2]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Condition {
    /// One class an example, `[batch]`.
    pub labels: Option<Tensor<1, Int>>,
    /// One picture or vector an example, flat, `[batch, features]`.
    pub context: Option<Tensor<2>>,
}

impl Condition {
    /// Nothing is known.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nothing is known: neither classes nor contexts.
    pub fn is_none(&self) -> bool {
        self.labels.is_none() && self.context.is_none()
    }

    /// One class an example, `[batch]`.
    pub fn labels(labels: Tensor<1, Int>) -> Self {
        Self { labels: Some(labels), context: None }
    }

    /// The same class for `n` examples.
    pub fn class(class: usize, n: usize, device: &Device) -> Self {
        Self::labels(Tensor::full([n], class as i64, device))
    }

    /// Classes from the host.
    pub fn classes(classes: &[usize], device: &Device) -> Self {
        let data: Vec<i32> = classes.iter().map(|&c| c as i32).collect();
        Self::labels(Tensor::from_data(data.as_slice(), device))
    }

    /// One context an example, `[batch, ..]`.
    ///
    /// # Panics
    /// If the tensor has no axis after the batch.
    pub fn context<const D: usize>(context: Tensor<D>) -> Self {
        assert!(D >= 2, "Condition::context: expected [batch, ..], got rank {D}");
        let dims = context.dims();
        let features = dims[1..].iter().product();
        Self { labels: None, context: Some(context.reshape([dims[0], features])) }
    }

    /// The same with these classes, or with none.
    pub fn with_labels(self, labels: Option<Tensor<1, Int>>) -> Self {
        Self { labels, ..self }
    }

    /// The condition of the examples `rows`.
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            labels: self.labels.clone().map(|l| l.slice([rows.clone()])),
            context: self.context.clone().map(|c| c.slice([rows])),
        }
    }

    /// The condition of each example `times` times, one copy of the batch after the other: a
    /// condition of one example becomes one of many.
    pub fn repeat(&self, times: usize) -> Self {
        Self {
            labels: self.labels.clone().map(|l| l.repeat_dim(0, times)),
            context: self.context.clone().map(|c| c.repeat_dim(0, times)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    #[test]
    fn rows_and_copies_keep_labels_and_contexts_together() {
        let context = Tensor::<1, Int>::arange(0..12, &device()).float().reshape([3, 2, 2]);
        let all = Condition::context::<3>(context)
            .with_labels(Condition::classes(&[4, 5, 6], &device()).labels);
        let part = all.rows(1..2).repeat(2);
        assert_eq!(host(part.context.unwrap()), [4.0, 5.0, 6.0, 7.0, 4.0, 5.0, 6.0, 7.0]);
        let labels: Vec<i64> = part.labels.unwrap().into_data().iter().collect();
        assert_eq!(labels, [5, 5]);
        assert!(Condition::none().rows(0..2).repeat(3).context.is_none());
    }

    #[test]
    #[should_panic(expected = "expected [batch, ..], got rank 1")]
    fn a_context_has_a_batch() {
        Condition::context(Tensor::<1>::zeros([4], &device()));
    }
}
