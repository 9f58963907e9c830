//! Anomaly scores.

use burn::tensor::Tensor;

use super::Describe;
use crate::{Condition, ModelError, Noise};

/// Says how unusual examples are, where that is no likelihood: an anomaly score.
pub trait Rank<const D: usize>: Describe {
    /// The name of the score, for tables and plots.
    fn rank_name(&self) -> &'static str;

    /// The anomaly score of each example; larger is more unusual. Scores of one model compare
    /// examples; scores of two models do not compare.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`; one score an example.
    ///
    /// # Errors
    /// A condition that does not fit, or a computation that fails.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    fn rank(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Vec<f64>, ModelError>;
}
