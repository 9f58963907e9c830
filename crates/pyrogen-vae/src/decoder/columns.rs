//! The distribution of the rows of a table.

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use pyrogen_core::distribution::{Categorical, Distribution, Moments, Normal};
use pyrogen_nn::one_hot;

use super::config::Column;

/// The distribution of the rows of a table whose columns are numbers and categories, independent
/// given the latents.
///
/// ```text
/// ln p(x) = sum over numbers ln N(x_j; location_j, exp(2 log_scale_j))
///         + sum over categories sum_k x_jk ln softmax(logits_j)_k
/// ```
///
/// A density in the numbers and a probability in the categories. Categories are blocks of
/// indicators, as `pyrogen_data::OneHot` makes them.
///
/// # Shapes
/// Values, locations and logits are `[batch, features]`, densities `[batch]`.
#[derive(Debug, Clone)]
pub struct ColumnsDistribution {
    runs: Vec<Run>,
    output: Tensor<2>,
    /// `[1, numbers]`.
    log_scale: Option<Tensor<2>>,
}

/// Neighbouring columns that are worked on together.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Run {
    /// Numbers from feature `start` on, whose scales are from `scale` on.
    Numbers { start: usize, len: usize, scale: usize },
    /// The indicators of one category.
    Category { start: usize, len: usize },
}

impl Run {
    fn span(&self) -> std::ops::Range<usize> {
        match *self {
            Self::Numbers { start, len, .. } | Self::Category { start, len } => start..start + len,
        }
    }
}

fn runs(columns: &[Column]) -> Vec<Run> {
    let (mut runs, mut at, mut scales) = (Vec::new(), 0, 0);
    for column in columns {
        let width = column.width();
        match (column, runs.last_mut()) {
            (Column::Number, Some(Run::Numbers { len, .. })) => *len += 1,
            (Column::Number, _) => runs.push(Run::Numbers { start: at, len: 1, scale: scales }),
            (Column::Category(_), _) => runs.push(Run::Category { start: at, len: width }),
        }
        scales += usize::from(*column == Column::Number);
        at += width;
    }
    runs
}

impl ColumnsDistribution {
    /// From locations and logits, `[batch, features]`, and the log-scales of the numbers,
    /// `[1, numbers]` (none without numbers).
    ///
    /// # Panics
    /// If the widths do not fit the columns.
    pub fn new(columns: &[Column], output: Tensor<2>, log_scale: Option<Tensor<2>>) -> Self {
        let width: usize = columns.iter().map(Column::width).sum();
        assert_eq!(
            output.dims()[1],
            width,
            "ColumnsDistribution: the columns have {width} features"
        );
        let numbers = columns.iter().filter(|c| **c == Column::Number).count();
        let scales = log_scale.as_ref().map_or(0, |s| s.dims()[1]);
        assert_eq!(scales, numbers, "ColumnsDistribution: one log-scale for each number");
        Self { runs: runs(columns), output, log_scale }
    }

    /// Each run with its law.
    fn laws(&self) -> impl Iterator<Item = (&Run, Law)> {
        self.runs.iter().map(|run| {
            let output = self.output.clone().slice_dim(1, run.span());
            let law = match *run {
                Run::Numbers { len, scale, .. } => {
                    let log_scale = self.log_scale.clone().expect("there are numbers");
                    let log_scale = log_scale.slice_dim(1, scale..scale + len);
                    Law::Numbers(Box::new(Normal::new(output, log_scale * 2.0)))
                }
                Run::Category { .. } => Law::Category(Box::new(Categorical::new(output))),
            };
            (run, law)
        })
    }

    /// The runs' columns side by side.
    fn join(&self, mut part: impl FnMut(Law) -> Tensor<2>) -> Tensor<2> {
        Tensor::cat(self.laws().map(|(_, law)| part(law)).collect(), 1)
    }
}

/// The distribution of one run.
enum Law {
    Numbers(Box<Normal<2>>),
    Category(Box<Categorical<2>>),
}

impl Distribution<2, 1> for ColumnsDistribution {
    fn log_prob(&self, value: Tensor<2>) -> Tensor<1> {
        let parts = self.laws().map(|(run, law)| {
            let value = value.clone().slice_dim(1, run.span());
            match law {
                Law::Numbers(normal) => normal.log_prob(value).sum_dim(1),
                Law::Category(category) => (category.log_probs() * value).sum_dim(1),
            }
        });
        Tensor::cat(parts.collect(), 1).sum_dim(1).squeeze_dim(1)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<2> {
        self.join(|law| match law {
            Law::Numbers(normal) => normal.sample(noise),
            Law::Category(category) => one_hot(category.sample(noise), category.categories()),
        })
    }
}

impl Moments<2> for ColumnsDistribution {
    /// Locations of the numbers, probabilities of the categories.
    fn mean(&self) -> Tensor<2> {
        self.join(|law| match law {
            Law::Numbers(normal) => normal.mean(),
            Law::Category(category) => category.probs(),
        })
    }

    fn variance(&self) -> Tensor<2> {
        self.join(|law| match law {
            Law::Numbers(normal) => normal.variance(),
            Law::Category(category) => {
                let p = category.probs();
                p.clone() - p.square()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_numbers_are_one_run() {
        let columns = [
            Column::Number,
            Column::Number,
            Column::Category(3),
            Column::Category(2),
            Column::Number,
        ];
        let expected = [
            Run::Numbers { start: 0, len: 2, scale: 0 },
            Run::Category { start: 2, len: 3 },
            Run::Category { start: 5, len: 2 },
            Run::Numbers { start: 7, len: 1, scale: 2 },
        ];
        assert_eq!(runs(&columns), expected);
    }
}
