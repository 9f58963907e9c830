//! What flows of pictures share.

use std::f64::consts::PI;

use burn::tensor::Tensor;
use pyrogen_core::Condition;
use pyrogen_nn::one_hot;
use serde::{Deserialize, Serialize};

/// How the whole numbers of pixels become the real numbers that a flow takes. Both ways spread each number
/// uniformly over a cell, so a density bounds the probability of the picture from below.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pixels {
    /// Cells of equal size, from 0 to 1.
    #[default]
    Even,
    /// Cells of the standard normal distribution, each as wide as its number's share of all pixels: black
    /// backgrounds fill half of the line and are no needle.
    Normal,
}

impl Pixels {
    /// The middle of the numbers.
    pub(crate) fn middle(self) -> f64 {
        match self {
            Self::Even => 0.5,
            Self::Normal => 0.0,
        }
    }
}

/// The standard normal log-density of each row.
pub(crate) fn normal(z: Tensor<2>) -> Tensor<1> {
    let features = z.dims()[1] as f64;
    let square: Tensor<1> = z.square().sum_dim(1).squeeze_dim(1);
    square * -0.5 - 0.5 * features * (2.0 * PI).ln()
}

/// The classes of `rows` pictures as one-hot rows, for a flow with classes.
///
/// # Panics
/// If the condition does not fit.
pub(crate) fn one_class_each(
    flow: &str,
    classes: Option<usize>,
    condition: &Condition,
    rows: usize,
) -> Option<Tensor<2>> {
    assert!(condition.context.is_none(), "{flow}: a context was given to a model that takes none");
    classes.map(|classes| {
        let labels = condition.labels.clone();
        let labels =
            labels.unwrap_or_else(|| panic!("{flow}: give one label (of {classes}) a picture"));
        assert_eq!(labels.dims()[0], rows, "{flow}: expected one label a picture");
        one_hot(labels, classes)
    })
}
