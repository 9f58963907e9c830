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
///         + sum over numbers with spikes of both, the number counting where none of the spikes is
/// ```
///
/// A density in the numbers and a probability in the categories. Categories are blocks of
/// indicators, as `pyrogen_data::OneHot` makes them; a number with spikes, values that occur often,
/// has indicators of these and of none of them, and then the number.
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
    /// The indicators of spikes and of none, and the number: `len` features.
    Spiked { start: usize, len: usize, scale: usize },
}

impl Run {
    fn span(&self) -> std::ops::Range<usize> {
        match *self {
            Self::Numbers { start, len, .. }
            | Self::Category { start, len }
            | Self::Spiked { start, len, .. } => start..start + len,
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
            (Column::Spiked(_), _) => {
                runs.push(Run::Spiked { start: at, len: width, scale: scales })
            }
        }
        scales += usize::from(column.has_number());
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
        let numbers = columns.iter().filter(|c| c.has_number()).count();
        let scales = log_scale.as_ref().map_or(0, |s| s.dims()[1]);
        assert_eq!(scales, numbers, "ColumnsDistribution: one log-scale for each number");
        Self { runs: runs(columns), output, log_scale }
    }

    /// Each run with its law.
    fn laws(&self) -> impl Iterator<Item = (&Run, Law)> {
        self.runs.iter().map(|run| {
            let output = self.output.clone().slice_dim(1, run.span());
            let normal = |output: Tensor<2>, scale: usize| {
                let log_scale = self.log_scale.clone().expect("there are numbers");
                let own = log_scale.slice_dim(1, scale..scale + output.dims()[1]);
                Box::new(Normal::new(output, own * 2.0))
            };
            let law = match *run {
                Run::Numbers { scale, .. } => Law::Numbers(normal(output, scale)),
                Run::Category { .. } => Law::Category(Box::new(Categorical::new(output))),
                Run::Spiked { len, scale, .. } => {
                    let (indicators, number) = split(output, len - 1);
                    let which = Box::new(Categorical::new(indicators));
                    Law::Spiked(which, normal(number, scale))
                }
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
    /// Which spike, if any, and the number if none.
    Spiked(Box<Categorical<2>>, Box<Normal<2>>),
}

/// The first columns, and the others.
fn split(x: Tensor<2>, at: usize) -> (Tensor<2>, Tensor<2>) {
    let width = x.dims()[1];
    (x.clone().slice_dim(1, 0..at), x.slice_dim(1, at..width))
}

/// The last column, that of no spike.
fn none(indicators: &Tensor<2>) -> Tensor<2> {
    split(indicators.clone(), indicators.dims()[1] - 1).1
}

impl Distribution<2, 1> for ColumnsDistribution {
    fn log_prob(&self, value: Tensor<2>) -> Tensor<1> {
        let parts = self.laws().map(|(run, law)| {
            let value = value.clone().slice_dim(1, run.span());
            match law {
                Law::Numbers(normal) => normal.log_prob(value).sum_dim(1),
                Law::Category(category) => (category.log_probs() * value).sum_dim(1),
                Law::Spiked(which, normal) => {
                    let (indicators, number) = split(value, which.categories());
                    let counts = none(&indicators);
                    (which.log_probs() * indicators).sum_dim(1) + normal.log_prob(number) * counts
                }
            }
        });
        Tensor::cat(parts.collect(), 1).sum_dim(1).squeeze_dim(1)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<2> {
        self.join(|law| match law {
            Law::Numbers(normal) => normal.sample(noise),
            Law::Category(category) => one_hot(category.sample(noise), category.categories()),
            Law::Spiked(which, normal) => {
                let indicators = one_hot(which.sample(noise), which.categories());
                let number = normal.sample(noise) * none(&indicators);
                Tensor::cat(vec![indicators, number], 1)
            }
        })
    }
}

impl Moments<2> for ColumnsDistribution {
    /// Locations of the numbers, probabilities of the categories; a number with spikes counts as 0 at
    /// these.
    fn mean(&self) -> Tensor<2> {
        self.join(|law| match law {
            Law::Numbers(normal) => normal.mean(),
            Law::Category(category) => category.probs(),
            Law::Spiked(which, normal) => {
                let probs = which.probs();
                let number = normal.mean() * none(&probs);
                Tensor::cat(vec![probs, number], 1)
            }
        })
    }

    fn variance(&self) -> Tensor<2> {
        self.join(|law| match law {
            Law::Numbers(normal) => normal.variance(),
            Law::Category(category) => {
                let p = category.probs();
                p.clone() - p.square()
            }
            Law::Spiked(which, normal) => {
                let p = which.probs();
                let (counts, mean) = (none(&p), normal.mean());
                let square = (normal.variance() + mean.clone().square()) * counts.clone();
                let number = square - (mean * counts).square();
                Tensor::cat(vec![p.clone() - p.square(), number], 1)
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

    /// A dozen operations in f32 on numbers of size 1.
    const ROUNDING: f64 = 1e-5;

    #[test]
    fn a_number_with_spikes_counts_where_none_is() {
        use pyrogen_core::Seed;
        use pyrogen_testkit::{device, host};

        let columns = [Column::Number, Column::Spiked(1)];
        assert_eq!(runs(&columns)[1], Run::Spiked { start: 1, len: 3, scale: 1 });
        // Location 0.5; logits 0 and ln 3, so that a quarter is the spike; location -1.
        let output = Tensor::<2>::from_floats([[0.5, 0.0, 3f32.ln(), -1.0]; 2], &device());
        let scales = Tensor::<2>::from_floats([[0.0, 2f32.ln()]], &device());
        let law = ColumnsDistribution::new(&columns, output, Some(scales));
        let values = [[0.5, 1.0, 0.0, 0.0], [0.5, 0.0, 1.0, 1.0]];
        let got = host(law.log_prob(Tensor::from_floats(values, &device())));
        let first = -0.5 * std::f64::consts::TAU.ln();
        let expected = [
            first + 0.25f64.ln(),
            // One deviation of 2 from its location.
            first + 0.75f64.ln() + first - 2f64.ln() - 0.5,
        ];
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < ROUNDING, "{got} {expected}");
        }
        assert!((host(law.mean())[3] + 0.75).abs() < ROUNDING);
        // 0.75 (4 + 1) - 0.75^2
        assert!((host(law.variance())[3] - 3.1875).abs() < ROUNDING);
        let drawn = host(law.sample(&mut Noise::new(Seed(3))));
        assert!(drawn.chunks(4).all(|row| (row[3] == 0.0) == (row[1] == 1.0)), "{drawn:?}");
    }
}
