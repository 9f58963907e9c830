//! How near a generated table is to a real one, column by column and pair by pair.

use rayon::prelude::*;

use crate::table::{ColumnValues, total_variation};
use crate::{MetricError, MetricReport, Signature};

const METRIC: &str = "columns";

/// Bins of a column of numbers beside a column of categories, as SDMetrics has them.
const BINS: usize = 10;

/// How near a generated table is to a real one. Missing numbers are NaN.
///
/// ```
/// use pyrogen_metrics::{ColumnValues, TableQuality};
///
/// let real = [
///     ColumnValues::Numbers(vec![1.0, 2.0, 3.0, 4.0]),
///     ColumnValues::Numbers(vec![2.0, 4.0, 6.0, 8.0]),
/// ];
/// let quality = TableQuality::new(&real, &real)?;
/// assert_eq!(quality.column_difference(), 0.0);
/// assert_eq!(quality.pair_trends(), Some(1.0));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TableQuality {
    /// The distance of each column's distributions, from 0 (equal) to 1: that of the known values
    /// ([`ColumnValues::difference`]), or of the shares of missing ones where that is larger.
    pub columns: Vec<f64>,
    /// How strongly two columns of the real table depend on each other ([`ColumnValues::association`]),
    /// a row a column.
    pub real: Vec<Vec<f64>>,
    /// The same of the generated table.
    pub generated: Vec<Vec<f64>>,
    /// How alike each pair of columns is distributed in both, from 0 to 1, a row a column; see
    /// [`pair_trends`](Self::pair_trends).
    pub trends: Vec<Vec<f64>>,
    rows: [usize; 2],
}

impl TableQuality {
    /// Compares two tables.
    ///
    /// # Errors
    /// No rows or no columns, or a column without a known value.
    ///
    /// # Panics
    /// If the tables have different columns, or columns have different lengths.
    pub fn new(real: &[ColumnValues], generated: &[ColumnValues]) -> Result<Self, MetricError> {
        assert_eq!(real.len(), generated.len(), "TableQuality: different columns");
        let (Some(first), Some(other)) = (real.first(), generated.first()) else {
            return Err(MetricError::Option {
                metric: METRIC,
                option: "columns",
                expected: "1 or more".to_string(),
                got: "0".to_string(),
            });
        };
        let columns =
            real.iter().zip(generated).map(|(a, b)| difference(a, b)).collect::<Result<_, _>>()?;
        let n = real.len();
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        let found: Vec<[f64; 3]> = pairs
            .par_iter()
            .map(|&(i, j)| {
                let (a, b) = (known(&real[i], &real[j]), known(&generated[i], &generated[j]));
                if a[0].is_empty() || b[0].is_empty() {
                    // Never both known in one of them: as unlike as can be, where they are in the other.
                    let same = a[0].is_empty() == b[0].is_empty();
                    return Ok([0.0, 0.0, f64::from(u8::from(same))]);
                }
                let [x, y] = [a[0].association(&a[1])?, b[0].association(&b[1])?];
                Ok([x, y, trend(&a, &b, [x, y])?])
            })
            .collect::<Result<_, MetricError>>()?;
        let matrix = |k: usize| {
            let mut all = vec![vec![1.0; n]; n];
            for (&(i, j), found) in pairs.iter().zip(&found) {
                (all[i][j], all[j][i]) = (found[k], found[k]);
            }
            all
        };
        Ok(Self {
            columns,
            real: matrix(0),
            generated: matrix(1),
            trends: matrix(2),
            rows: [first.len(), other.len()],
        })
    }

    /// The mean over the columns.
    pub fn column_difference(&self) -> f64 {
        self.columns.iter().sum::<f64>() / self.columns.len() as f64
    }

    /// The mean absolute difference of the associations over all pairs of columns; None for one column.
    pub fn association_difference(&self) -> Option<f64> {
        self.mean(|i, j| (self.real[i][j] - self.generated[i][j]).abs())
    }

    /// The mean over all pairs of columns of how alike they are distributed, 1 for equal tables; None for
    /// one column. Of two columns of numbers `1 - |r - s| / 2` with Pearson's correlations; else one minus
    /// the total variation of the joint frequencies, with numbers in ten bins of equal width over the real
    /// column's range.
    ///
    /// # References
    /// DataCebo's SDMetrics, "Column Pair Trends" (CorrelationSimilarity, ContingencySimilarity).
    pub fn pair_trends(&self) -> Option<f64> {
        self.mean(|i, j| self.trends[i][j])
    }

    fn mean(&self, of: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let n = self.columns.len();
        let pairs: Vec<f64> =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| of(i, j)).collect();
        (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
    }

    /// As a report: means over columns and pairs.
    pub fn report(&self) -> MetricReport {
        let largest = self.columns.iter().copied().fold(0.0, f64::max);
        let mut values = vec![
            ("column_difference", self.column_difference()),
            ("column_difference_max", largest),
        ];
        values.extend(self.association_difference().map(|d| ("association_difference", d)));
        values.extend(self.pair_trends().map(|t| ("pair_trends", t)));
        let signature = Signature::new(METRIC)
            .with("columns", self.columns.len())
            .with("real", self.rows[0])
            .with("generated", self.rows[1])
            .with("bins", BINS);
        MetricReport::new(signature.with_version(), &values)
    }
}

/// The distance of two columns; of missing cells by their shares.
fn difference(real: &ColumnValues, generated: &ColumnValues) -> Result<f64, MetricError> {
    let (ColumnValues::Numbers(a), ColumnValues::Numbers(b)) = (real, generated) else {
        return real.difference(generated);
    };
    let split = |v: &[f64]| -> (Vec<f64>, f64) {
        let known: Vec<f64> = v.iter().copied().filter(|v| !v.is_nan()).collect();
        let missing = 1.0 - known.len() as f64 / v.len().max(1) as f64;
        (known, missing)
    };
    let ((x, missing_x), (y, missing_y)) = (split(a), split(b));
    let missing = (missing_x - missing_y).abs();
    if x.is_empty() || y.is_empty() {
        return Ok(missing);
    }
    Ok(missing.max(crate::kolmogorov_smirnov(&x, &y)?))
}

/// The rows of two columns that are known in both.
fn known(a: &ColumnValues, b: &ColumnValues) -> [ColumnValues; 2] {
    let is_known = |c: &ColumnValues, i: usize| match c {
        ColumnValues::Numbers(v) => !v[i].is_nan(),
        ColumnValues::Categories(_) => true,
    };
    assert_eq!(a.len(), b.len(), "TableQuality: different lengths");
    let rows: Vec<usize> = (0..a.len()).filter(|&i| is_known(a, i) && is_known(b, i)).collect();
    let take = |c: &ColumnValues| match c {
        ColumnValues::Numbers(v) => ColumnValues::Numbers(rows.iter().map(|&i| v[i]).collect()),
        ColumnValues::Categories(v) => {
            ColumnValues::Categories(rows.iter().map(|&i| v[i]).collect())
        }
    };
    [take(a), take(b)]
}

/// How alike a pair is distributed.
fn trend(
    real: &[ColumnValues; 2],
    generated: &[ColumnValues; 2],
    associations: [f64; 2],
) -> Result<f64, MetricError> {
    if let [ColumnValues::Numbers(_), ColumnValues::Numbers(_)] = real {
        return Ok(1.0 - (associations[0] - associations[1]).abs() / 2.0);
    }
    let [first, second] = [Bins::of(&real[0]), Bins::of(&real[1])];
    let joint = |table: &[ColumnValues; 2]| -> Vec<usize> {
        let (a, b) = (first.codes(&table[0]), second.codes(&table[1]));
        // Fewer than 2^32 categories each.
        a.iter().zip(&b).map(|(a, b)| (a << 32) | b).collect()
    };
    Ok(1.0 - total_variation(&joint(real), &joint(generated))?)
}

/// How values become codes: bins of equal width for numbers.
enum Bins {
    Own,
    Equal { low: f64, high: f64 },
}

impl Bins {
    fn of(column: &ColumnValues) -> Self {
        let ColumnValues::Numbers(v) = column else { return Self::Own };
        let low = v.iter().copied().fold(f64::INFINITY, f64::min);
        let high = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // A column that does not vary has bins around its value.
        let half = if low == high { 0.5 } else { 0.0 };
        Self::Equal { low: low - half, high: high + half }
    }

    /// Numbers below the range have a bin of their own, and so have those from its end on.
    fn codes(&self, column: &ColumnValues) -> Vec<usize> {
        match (self, column) {
            (Self::Equal { low, high }, ColumnValues::Numbers(v)) => {
                let edge = |k: usize| low + (high - low) * k as f64 / BINS as f64;
                let code = |v: &f64| match v < high {
                    true => (0..BINS).take_while(|k| edge(*k) <= *v).count(),
                    false => BINS + 1,
                };
                v.iter().map(code).collect()
            }
            (_, ColumnValues::Categories(v)) => v.clone(),
            (_, ColumnValues::Numbers(v)) => vec![0; v.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<ColumnValues> {
        vec![
            ColumnValues::Numbers(vec![1.0, 2.0, f64::NAN, 4.0, 5.0, 9.0]),
            ColumnValues::Categories(vec![0, 1, 1, 0, 2, 2]),
            ColumnValues::Categories(vec![1, 0, 0, 1, 0, 0]),
        ]
    }

    #[test]
    fn a_table_equals_itself() {
        let quality = TableQuality::new(&table(), &table()).unwrap();
        assert_eq!(quality.columns, [0.0; 3]);
        assert_eq!(
            (quality.association_difference(), quality.pair_trends()),
            (Some(0.0), Some(1.0))
        );
        assert_eq!(quality.real, quality.generated);
        let one = TableQuality::new(&table()[..1], &table()[..1]).unwrap();
        assert_eq!((one.pair_trends(), one.association_difference()), (None, None));
        assert!(TableQuality::new(&[], &[]).is_err());
    }

    #[test]
    fn pairs_are_compared_by_their_joint_frequencies() {
        // Equal columns, but the pairs are turned round: no cell of the joint table is shared.
        let c = |v: &[usize]| ColumnValues::Categories(v.to_vec());
        let real = [c(&[0, 0, 1, 1]), c(&[0, 0, 1, 1])];
        let generated = [c(&[0, 0, 1, 1]), c(&[1, 1, 0, 0])];
        let quality = TableQuality::new(&real, &generated).unwrap();
        assert_eq!((quality.column_difference(), quality.pair_trends()), (0.0, Some(0.0)));
        // Numbers in ten bins, and one at each end.
        let x = ColumnValues::Numbers(vec![0.0, 10.0, 4.0, 4.5]);
        let bins = Bins::of(&x);
        let other = ColumnValues::Numbers(vec![-1.0, 0.9, 1.0, 9.5, 10.0, 11.0]);
        assert_eq!(bins.codes(&other), [0, 1, 2, 10, 11, 11]);
        // Correlations of 1 and -1 are as unlike as can be.
        let up = ColumnValues::Numbers(vec![1.0, 2.0, 3.0]);
        let down = ColumnValues::Numbers(vec![3.0, 2.0, 1.0]);
        let turned = TableQuality::new(&[up.clone(), up.clone()], &[up, down]).unwrap();
        assert_eq!(turned.pair_trends(), Some(0.0));
    }

    #[test]
    fn missing_cells_count() {
        let v = |v: &[f64]| ColumnValues::Numbers(v.to_vec());
        let real = [v(&[1.0, 2.0, 3.0, 4.0])];
        let half = [v(&[1.0, f64::NAN, f64::NAN, 4.0])];
        assert_eq!(TableQuality::new(&real, &half).unwrap().columns, [0.5]);
        let none = [v(&[f64::NAN; 4])];
        assert_eq!(TableQuality::new(&real, &none).unwrap().columns, [1.0]);
    }
}
