//! How near the columns of a generated table are to those of a real one.

use std::collections::BTreeMap;

use crate::MetricError;
use crate::auroc::check_numbers;

/// One column of a table: numbers, or categories by their number.
///
/// Two columns are compared with [`difference`](Self::difference), the dependence of two columns
/// of one table is their [`association`](Self::association).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ColumnValues {
    /// Real numbers.
    Numbers(Vec<f64>),
    /// Categories, counted from 0.
    Categories(Vec<usize>),
}

impl ColumnValues {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Categories(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The distance of two columns' distributions, from 0 (equal) to 1: [`kolmogorov_smirnov`] of
    /// numbers, [`total_variation`] of categories.
    ///
    /// # Errors
    /// As those functions.
    ///
    /// # Panics
    /// If one column holds numbers and the other categories.
    pub fn difference(&self, generated: &Self) -> Result<f64, MetricError> {
        match (self, generated) {
            (Self::Numbers(a), Self::Numbers(b)) => kolmogorov_smirnov(a, b),
            (Self::Categories(a), Self::Categories(b)) => total_variation(a, b),
            _ => panic!("ColumnValues::difference: one column holds numbers, the other categories"),
        }
    }

    /// How strongly two columns of one table depend on each other: Pearson's correlation of
    /// numbers (-1 to 1), Cramér's V of categories (0 to 1), the correlation ratio of numbers and
    /// categories (0 to 1). 0 where one of the columns does not vary.
    ///
    /// ```text
    /// V^2   = chi^2 / (n min(rows - 1, columns - 1))
    /// eta^2 = variance of the categories' means / variance of the numbers
    /// ```
    ///
    /// # Errors
    /// No rows, or a number that is NaN.
    ///
    /// # Panics
    /// If the columns have different lengths.
    ///
    /// # References
    /// Cramér (1946), "Mathematical Methods of Statistics", section 21.9. Fisher (1925),
    /// "Statistical Methods for Research Workers", section 45.
    pub fn association(&self, other: &Self) -> Result<f64, MetricError> {
        assert_eq!(self.len(), other.len(), "ColumnValues::association: different lengths");
        for column in [self, other] {
            match column {
                Self::Numbers(values) => check_numbers("association", "table", values)?,
                Self::Categories(values) => check_rows("association", "table", values)?,
            }
        }
        Ok(match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => pearson(a, b),
            (Self::Categories(a), Self::Categories(b)) => cramers_v(a, b),
            (Self::Numbers(numbers), Self::Categories(categories))
            | (Self::Categories(categories), Self::Numbers(numbers)) => {
                correlation_ratio(numbers, categories)
            }
        })
    }
}

/// The mean absolute difference of the associations of all pairs of columns in a real and in a
/// generated table: 0 where every pair depends on each other as in the real table.
///
/// # Errors
/// Fewer than two columns, and as [`ColumnValues::association`].
///
/// # Panics
/// If the tables have different columns.
pub fn association_difference(
    real: &[ColumnValues],
    generated: &[ColumnValues],
) -> Result<f64, MetricError> {
    assert_eq!(real.len(), generated.len(), "association_difference: different columns");
    if real.len() < 2 {
        return Err(MetricError::Option {
            metric: "association",
            option: "columns",
            expected: "2 or more".to_string(),
            got: real.len().to_string(),
        });
    }
    let (mut sum, mut pairs) = (0.0, 0.0);
    for i in 0..real.len() {
        for j in 0..i {
            let of = |table: &[ColumnValues]| table[i].association(&table[j]);
            sum += (of(real)? - of(generated)?).abs();
            pairs += 1.0;
        }
    }
    Ok(sum / pairs)
}

/// The largest distance between two empirical distribution functions (the two-sample statistic of
/// Kolmogorov and Smirnov).
///
/// # Errors
/// No values, or one that is NaN.
///
/// ```
/// // At 2 all of the first and half of the second are counted.
/// let d = pyrogen_metrics::kolmogorov_smirnov(&[1.0, 2.0], &[2.0, 3.0])?;
/// assert_eq!(d, 0.5);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn kolmogorov_smirnov(real: &[f64], generated: &[f64]) -> Result<f64, MetricError> {
    for (set, values) in [("real", real), ("generated", generated)] {
        check_numbers("kolmogorov-smirnov", set, values)?;
    }
    let (n, m) = (real.len() as f64, generated.len() as f64);
    let mut all: Vec<(f64, bool)> = real.iter().map(|&v| (v, true)).collect();
    all.extend(generated.iter().map(|&v| (v, false)));
    all.sort_by(|a, b| a.0.partial_cmp(&b.0).expect("no NaN"));
    let (mut reals, mut others, mut largest) = (0.0f64, 0.0f64, 0.0f64);
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        let here = equal.iter().filter(|v| v.1).count() as f64;
        reals += here;
        others += equal.len() as f64 - here;
        largest = largest.max((reals / n - others / m).abs());
    }
    Ok(largest)
}

/// Half the sum of the absolute differences of two frequency tables: the share of rows that would
/// have to change their category.
///
/// # Errors
/// No values.
///
/// ```
/// let d = pyrogen_metrics::total_variation(&[0, 0, 1, 1], &[0, 1, 1, 2])?;
/// assert_eq!(d, 0.25);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn total_variation(real: &[usize], generated: &[usize]) -> Result<f64, MetricError> {
    for (set, values) in [("real", real), ("generated", generated)] {
        check_rows("total-variation", set, values)?;
    }
    let mut shares: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    real.iter().for_each(|&k| shares.entry(k).or_default().0 += 1);
    generated.iter().for_each(|&k| shares.entry(k).or_default().1 += 1);
    let (n, m) = (real.len() as f64, generated.len() as f64);
    let difference = |&(a, b): &(usize, usize)| (a as f64 / n - b as f64 / m).abs();
    Ok(0.5 * shares.values().map(difference).sum::<f64>())
}

fn check_rows(
    metric: &'static str,
    set: &'static str,
    values: &[usize],
) -> Result<(), MetricError> {
    match values.is_empty() {
        true => Err(MetricError::TooFewRows { metric, set, needed: 1, got: 0 }),
        false => Ok(()),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The quotient, or 0 for a column that does not vary.
fn ratio(above: f64, below: f64) -> f64 {
    if below > 0.0 { above / below } else { 0.0 }
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    ratio(ab, (aa * bb).sqrt()).clamp(-1.0, 1.0)
}

fn cramers_v(a: &[usize], b: &[usize]) -> f64 {
    let mut cells: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    let (mut rows, mut columns) = (BTreeMap::new(), BTreeMap::new());
    for (&i, &j) in a.iter().zip(b) {
        *cells.entry((i, j)).or_default() += 1.0;
        *rows.entry(i).or_insert(0.0) += 1.0;
        *columns.entry(j).or_insert(0.0) += 1.0;
    }
    // chi^2 / n = sum of n_ij^2 / (n_i n_j) over the cells, minus 1; empty cells add nothing.
    let sum: f64 = cells.iter().map(|((i, j), c)| c * c / (rows[i] * columns[j])).sum();
    let phi = (sum - 1.0).max(0.0);
    ratio(phi, rows.len().min(columns.len()) as f64 - 1.0).sqrt().min(1.0)
}

fn correlation_ratio(numbers: &[f64], categories: &[usize]) -> f64 {
    let centre = mean(numbers);
    let mut groups: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    let mut total = 0.0;
    for (value, k) in numbers.iter().zip(categories) {
        let group = groups.entry(*k).or_default();
        group.0 += value - centre;
        group.1 += 1.0;
        total += (value - centre).powi(2);
    }
    let between: f64 = groups.values().map(|(sum, count)| sum * sum / count).sum();
    ratio(between, total).sqrt().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_vary_depends_on_nothing() {
        let numbers = ColumnValues::Numbers(vec![3.0; 4]);
        let categories = ColumnValues::Categories(vec![1; 4]);
        let other = ColumnValues::Categories(vec![0, 1, 0, 1]);
        for (a, b) in [(&numbers, &categories), (&numbers, &numbers), (&categories, &other)] {
            assert_eq!(a.association(b).unwrap(), 0.0);
        }
        assert_eq!(other.association(&other).unwrap(), 1.0);
    }

    #[test]
    fn a_table_is_no_distance_from_itself() {
        let table = [
            ColumnValues::Numbers(vec![0.5, 1.0, 4.0, -2.0]),
            ColumnValues::Categories(vec![0, 2, 2, 1]),
        ];
        assert_eq!(association_difference(&table, &table).unwrap(), 0.0);
        assert!(table.iter().all(|c| c.difference(c).unwrap() == 0.0));
        let error = association_difference(&table[..1], &table[..1]).unwrap_err().to_string();
        assert_eq!(error, "association: `columns` must be 2 or more, got 1");
        assert!(total_variation(&[], &[1]).is_err() && kolmogorov_smirnov(&[1.0], &[]).is_err());
    }

    #[test]
    #[should_panic(expected = "one column holds numbers, the other categories")]
    fn columns_of_two_kinds_panic() {
        let _ = ColumnValues::Numbers(vec![1.0]).difference(&ColumnValues::Categories(vec![1]));
    }
}
