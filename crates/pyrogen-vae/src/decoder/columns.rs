//! The distribution of the rows of a table.

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::Noise;
use pyrogen_core::distribution::{Categorical, Distribution, Moments, Normal};
use pyrogen_nn::one_hot;

use super::config::Column;

/// The distribution of the rows of a table whose columns are numbers and categories: independent given
/// the latents, or each given the columns before it as well
/// ([`autoregressive`](Self::autoregressive)).
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
    /// What a unit of each feature (row) adds to the locations and logits of the columns behind its own,
    /// `[features, features]`; 0 for its own column and those before it.
    between: Option<Tensor<2>>,
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

    /// The columns of the run, one by one.
    fn columns(&self) -> Vec<Self> {
        match *self {
            Self::Numbers { start, len, scale } => (0..len)
                .map(|i| Self::Numbers { start: start + i, len: 1, scale: scale + i })
                .collect(),
            ref other => vec![other.clone()],
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
        Self { runs: runs(columns), output, log_scale, between: None }
    }

    /// Each column depends on those before it: to the locations and logits of a column is added what the
    /// features of all columns before it have in `weights`, `[features, features]`, where row i holds what
    /// feature i adds. The other entries count as 0.
    ///
    /// ```text
    /// location_j(x) = location_j + sum over features i of the columns before that of j: x_i weights_ij
    /// ```
    ///
    /// Columns that are independent given the latents need latents that know each pair which must agree (a
    /// husband is a man); here a weight says it. The weights are those of a fully visible sigmoid belief
    /// network (Frey 1998), with categories and numbers beside the bits.
    ///
    /// # Panics
    /// If the matrix has another shape.
    pub fn autoregressive(self, weights: Tensor<2>) -> Self {
        let features = self.output.dims()[1];
        assert_eq!(
            weights.dims(),
            [features, features],
            "ColumnsDistribution::autoregressive: one weight a pair of features"
        );
        let between = weights * self.earlier(features);
        Self { between: Some(between), ..self }
    }

    /// 1 where the row's feature is of a column before that of the column's feature, else 0.
    fn earlier(&self, features: usize) -> Tensor<2> {
        let mut earlier = vec![0.0f32; features * features];
        for span in self.columns().map(|column| column.span()) {
            for row in earlier.chunks_mut(features).take(span.start) {
                row[span.clone()].fill(1.0);
            }
        }
        let data = TensorData::new(earlier, [features, features]);
        Tensor::from_data(data, &self.output.device())
    }

    /// The columns one by one.
    fn columns(&self) -> impl Iterator<Item = Run> + '_ {
        self.runs.iter().flat_map(Run::columns)
    }

    /// The distribution of a run whose locations and logits are these.
    fn law(&self, run: &Run, output: Tensor<2>) -> Law {
        let normal = |output: Tensor<2>, scale: usize| {
            let log_scale = self.log_scale.clone().expect("there are numbers");
            let own = log_scale.slice_dim(1, scale..scale + output.dims()[1]);
            Box::new(Normal::new(output, own * 2.0))
        };
        match *run {
            Run::Numbers { scale, .. } => Law::Numbers(normal(output, scale)),
            Run::Category { .. } => Law::Category(Box::new(Categorical::new(output))),
            Run::Spiked { len, scale, .. } => {
                let (indicators, number) = split(output, len - 1);
                let which = Box::new(Categorical::new(indicators));
                Law::Spiked(which, normal(number, scale))
            }
        }
    }

    /// Each run with its distribution, where the rows are these.
    fn laws(&self, rows: &Tensor<2>) -> impl Iterator<Item = (&Run, Law)> {
        let output = match &self.between {
            Some(between) => self.output.clone() + rows.clone().matmul(between.clone()),
            None => self.output.clone(),
        };
        self.runs
            .iter()
            .map(move |run| (run, self.law(run, output.clone().slice_dim(1, run.span()))))
    }

    /// What `part` makes of each column's distribution given what it made of those before it, side by side.
    fn build(&self, mut part: impl FnMut(Law) -> Tensor<2>) -> Tensor<2> {
        let own = |run: &Run| self.output.clone().slice_dim(1, run.span());
        let Some(between) = &self.between else {
            let parts = self.runs.iter().map(|run| part(self.law(run, own(run))));
            return Tensor::cat(parts.collect(), 1);
        };
        let build = |done: Option<Tensor<2>>, column: Run| {
            let output = match &done {
                None => own(&column),
                Some(done) => {
                    let span = column.span();
                    let weights = between.clone().slice([0..span.start, span]);
                    own(&column) + done.clone().matmul(weights)
                }
            };
            let made = part(self.law(&column, output));
            Some(done.map_or(made.clone(), |done| Tensor::cat(vec![done, made], 1)))
        };
        self.columns().fold(None, build).expect("a table has a column")
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
        let parts = self.laws(&value).map(|(run, law)| {
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
        self.build(|law| match law {
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
    /// these. Where columns depend on those before them, these count by their means.
    fn mean(&self) -> Tensor<2> {
        self.build(|law| match law {
            Law::Numbers(normal) => normal.mean(),
            Law::Category(category) => category.probs(),
            Law::Spiked(which, normal) => {
                let probs = which.probs();
                let number = normal.mean() * none(&probs);
                Tensor::cat(vec![probs, number], 1)
            }
        })
    }

    /// The variance of each feature; where columns depend on those before them, given the means of these.
    fn variance(&self) -> Tensor<2> {
        let variance = |law: Law| match law {
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
        };
        Tensor::cat(self.laws(&self.mean()).map(|(_, law)| variance(law)).collect(), 1)
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

    /// The density is the product of conditionals: over all categories it sums to one, and draws have its
    /// frequencies.
    #[test]
    fn columns_that_depend_have_a_joint_distribution() {
        use pyrogen_core::Seed;
        use pyrogen_testkit::{device, host};

        let columns = [Column::Category(2), Column::Category(3)];
        let output = Tensor::<2>::from_floats([[0.3, -0.2, 0.0, 0.5, -0.4]], &device());
        // The first category makes the third value of the other likely, the second forbids it.
        let mut weights = [[9.0f32; 5]; 5];
        (weights[0][2], weights[0][3], weights[0][4]) = (0.0, 0.2, 3.0);
        (weights[1][2], weights[1][3], weights[1][4]) = (0.1, 0.0, -30.0);
        let rows = |n: usize| {
            let law = ColumnsDistribution::new(&columns, output.clone().repeat_dim(0, n), None);
            law.autoregressive(Tensor::from_floats(weights, &device()))
        };
        let softmax = |logits: &[f64]| -> Vec<f64> {
            let sum: f64 = logits.iter().map(|l| l.exp()).sum();
            logits.iter().map(|l| l.exp() / sum).collect()
        };
        let first = softmax(&[0.3, -0.2]);
        let second = [softmax(&[0.0, 0.7, 2.6]), softmax(&[0.1, 0.5, -30.4])];
        let mut total = 0.0;
        let mut expected = Vec::new();
        for a in 0..2 {
            for b in 0..3 {
                let mut x = [[0.0f32; 5]];
                (x[0][a], x[0][2 + b]) = (1.0, 1.0);
                let got = host(rows(1).log_prob(Tensor::from_floats(x, &device())))[0];
                let p = first[a] * second[a][b];
                assert!((got.exp() - p).abs() < ROUNDING, "{a} {b}: {got} {p}");
                total += got.exp();
                expected.push(p);
            }
        }
        assert!((total - 1.0).abs() < ROUNDING, "{total}");
        const N: usize = 4000;
        let drawn = host(rows(N).sample(&mut Noise::new(Seed(3))));
        let mut counts = [0.0; 6];
        for row in drawn.chunks(5) {
            let place = |part: &[f64]| part.iter().position(|v| *v == 1.0).unwrap();
            counts[3 * place(&row[..2]) + place(&row[2..])] += 1.0 / N as f64;
        }
        for (share, p) in counts.iter().zip(expected) {
            // Five standard errors of a share.
            assert!((share - p).abs() <= 5.0 * (p * (1.0 - p) / N as f64).sqrt() + 1e-9);
        }
    }

    /// The density of a category, a number with a spike and a number that all depend on each other
    /// integrates to one, by the trapezium rule over the numbers.
    #[test]
    fn a_density_of_numbers_that_depend_integrates_to_one() {
        use pyrogen_core::Seed;
        use pyrogen_testkit::{device, host};

        const STEP: f64 = 0.2;
        let grid: Vec<f32> = (-60..=60).map(|i| (f64::from(i) * STEP) as f32).collect();
        let columns = [Column::Category(2), Column::Spiked(1), Column::Number];
        let mut rows: Vec<[f32; 6]> = Vec::new();
        let mut sizes: Vec<f64> = Vec::new();
        for [a, b] in [[1.0, 0.0], [0.0, 1.0]] {
            for &last in &grid {
                rows.push([a, b, 1.0, 0.0, 0.0, last]);
                sizes.push(STEP);
                for &number in &grid {
                    rows.push([a, b, 0.0, 1.0, number, last]);
                    sizes.push(STEP * STEP);
                }
            }
        }
        let mut noise = Noise::new(Seed(11));
        let output = noise.normal([1, 6], &device()).repeat_dim(0, rows.len());
        let scales = Tensor::<2>::from_floats([[-0.3, 0.2]], &device());
        let law = ColumnsDistribution::new(&columns, output, Some(scales))
            .autoregressive(noise.normal([6, 6], &device()));
        let values = TensorData::new(rows.concat(), [rows.len(), 6]);
        let logs = host(law.log_prob(Tensor::from_data(values, &device())));
        let total: f64 = logs.iter().zip(sizes).map(|(log, size)| log.exp() * size).sum();
        // The trapezium rule is exact to far below rounding for a normal density at this step.
        assert!((total - 1.0).abs() < 1e-4, "{total}");
    }

    /// Numbers of one run depend on each other as well.
    #[test]
    fn numbers_depend_on_those_before_them() {
        use pyrogen_testkit::{device, host};

        let columns = [Column::Number, Column::Number];
        let output = Tensor::<2>::from_floats([[1.0, 0.5]], &device());
        let scales = Tensor::<2>::from_floats([[0.0, 0.0]], &device());
        let weights = Tensor::from_floats([[7.0, 2.0], [7.0, 7.0]], &device());
        let law = ColumnsDistribution::new(&columns, output, Some(scales)).autoregressive(weights);
        assert_eq!(host(law.mean()), [1.0, 2.5]);
        assert_eq!(host(law.variance()), [1.0, 1.0]);
        let got = host(law.log_prob(Tensor::from_floats([[3.0, 6.0]], &device())))[0];
        // Two deviations from 1; 6 is half a deviation from 0.5 + 2 times 3.
        let expected = -std::f64::consts::TAU.ln() - 0.5 * (4.0 + 0.25);
        assert!((got - expected).abs() < ROUNDING, "{got} {expected}");
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
