//! Columns of real and generated tables, side by side.

use pyrogen_data::{Column, ColumnKind, Data, Dataset, Modality};
use pyrogen_metrics::{ColumnValues, MetricError, TableQuality};

/// How near the columns of a generated table are to those of a real one.
#[derive(Debug, Clone, PartialEq)]
pub struct TableComparison {
    /// The columns, in the order of the numbers.
    pub columns: Vec<ColumnComparison>,
    /// Distances of columns, and of pairs of columns.
    pub quality: TableQuality,
}

/// One column of two tables: how often which values occur.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnComparison {
    /// The column's name.
    pub name: String,
    /// The categories, or the lower ends of bins of numbers.
    pub values: Vec<String>,
    /// Whether the values are bins of numbers.
    pub bins: bool,
    /// The share of each among the real rows.
    pub real: Vec<f64>,
    /// The share of each among the generated rows.
    pub generated: Vec<f64>,
}

/// Bins of a column of numbers.
const BINS: usize = 20;

/// Categories that are kept apart; the others are one.
const CATEGORIES: usize = 12;

impl TableComparison {
    /// Compares two tables; None for other modalities.
    ///
    /// # Errors
    /// As [`TableQuality::new`], and tables of different columns.
    pub fn of(real: &Data, generated: &Data) -> Option<Result<Self, MetricError>> {
        if (real.modality(), generated.modality()) != (Modality::Table, Modality::Table) {
            return None;
        }
        let (real, generated) = (real.dataset()?, generated.dataset()?);
        let columns = &real.schema()?.columns;
        Some(Self::of_rows(&real, &generated, columns))
    }

    fn of_rows(
        real: &Dataset,
        generated: &Dataset,
        columns: &[Column],
    ) -> Result<Self, MetricError> {
        let generated = generated.conform_to(real.layout()).map_err(|e| MetricError::Option {
            metric: "columns",
            option: "generated",
            expected: "a table of the same columns".to_string(),
            got: e.to_string(),
        })?;
        let of = |rows: &Dataset| -> Vec<ColumnValues> {
            columns.iter().enumerate().map(|(j, column)| values(rows, j, column)).collect()
        };
        let (x, y) = (of(real), of(&generated));
        let quality = TableQuality::new(&x, &y)?;
        let compared = columns.iter().zip(x.iter().zip(&y));
        let columns = compared.map(|(column, (x, y))| compare(column, x, y)).collect();
        Ok(Self { columns, quality })
    }
}

/// One column as metrics read it, numbers in their own units.
fn values(rows: &Dataset, j: usize, column: &Column) -> ColumnValues {
    let cells = rows.values().iter().skip(j).step_by(rows.width());
    match &column.kind {
        ColumnKind::Categorical { .. } => {
            ColumnValues::Categories(cells.map(|&v| column.code(v) as usize).collect())
        }
        _ => ColumnValues::Numbers(cells.map(|&v| column.number(v)).collect()),
    }
}

fn compare(column: &Column, real: &ColumnValues, generated: &ColumnValues) -> ColumnComparison {
    let name = column.name.clone();
    match (real, generated, &column.kind) {
        (
            ColumnValues::Categories(a),
            ColumnValues::Categories(b),
            ColumnKind::Categorical { categories },
        ) => {
            // The most frequent ones, in the order of the column.
            let (a, b) = (shares(a, categories.len()), shares(b, categories.len()));
            let mut order: Vec<usize> = (0..categories.len()).collect();
            order.sort_by(|&i, &j| (a[j] + b[j]).total_cmp(&(a[i] + b[i])));
            let (shown, others) = order.split_at(order.len().min(CATEGORIES));
            let mut shown = shown.to_vec();
            shown.sort_unstable();
            let take = |shares: &[f64]| {
                let mut taken: Vec<f64> = shown.iter().map(|&k| shares[k]).collect();
                if !others.is_empty() {
                    taken.push(others.iter().map(|&k| shares[k]).sum());
                }
                taken
            };
            let mut values: Vec<String> = shown.iter().map(|&k| categories[k].clone()).collect();
            if !others.is_empty() {
                values.push(format!("{} others", others.len()));
            }
            ColumnComparison { name, values, bins: false, real: take(&a), generated: take(&b) }
        }
        (ColumnValues::Numbers(a), ColumnValues::Numbers(b), _) => numbers(name, column, a, b),
        _ => unreachable!("both tables have the real one's columns"),
    }
}

fn numbers(name: String, column: &Column, a: &[f64], b: &[f64]) -> ColumnComparison {
    let known = || a.iter().chain(b).filter(|v| v.is_finite());
    let low = known().copied().fold(f64::INFINITY, f64::min);
    let high = known().copied().fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
    let code = |v: &f64| {
        let bin = ((v - low) / (high - low) * BINS as f64) as usize;
        if v.is_finite() { bin.min(BINS - 1) } else { BINS }
    };
    let codes = |v: &[f64]| shares(&v.iter().map(code).collect::<Vec<_>>(), BINS + 1);
    let (mut real, mut generated) = (codes(a), codes(b));
    let mut values: Vec<String> = (0..BINS)
        .map(|k| column.number_cell(low + (high - low) * k as f64 / BINS as f64))
        .collect();
    if real[BINS] + generated[BINS] > 0.0 {
        values.push("missing".into());
    } else {
        real.truncate(BINS);
        generated.truncate(BINS);
    }
    ColumnComparison { name, values, bins: true, real, generated }
}

fn shares(codes: &[usize], n: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n];
    codes.iter().for_each(|&code| counts[code.min(n - 1)] += 1.0);
    counts.into_iter().map(|c: f64| c / codes.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Data {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        pyrogen_data::read_table(&path, &Default::default()).unwrap().data
    }

    #[test]
    fn columns_stand_side_by_side() {
        let real = table("age,town\n20,Oslo\n30,Rome\n40,Oslo\n60,Oslo\n");
        let other = table("age,town\n20,Oslo\n30,Rome\n40,Rome\n100,Oslo\n");
        let found = TableComparison::of(&real, &other).unwrap().unwrap();
        let town = &found.columns[1];
        assert_eq!((&*town.name, town.bins), ("town", false));
        assert_eq!(town.values, ["Oslo", "Rome"]);
        assert_eq!((&town.real[..], &town.generated[..]), (&[0.75, 0.25][..], &[0.5, 0.5][..]));
        let age = &found.columns[0];
        // From 20 to 100 in steps of 4.
        assert_eq!((age.values.len(), &*age.values[0], &*age.values[5]), (BINS, "20", "40"));
        assert_eq!((age.real[10], age.generated[19]), (0.25, 0.25));
        assert_eq!(found.quality.columns, [0.25, 0.25]);
        let points = Data::from_dataset(Dataset::from_parts(vec![1.0], vec![1], None).unwrap());
        assert!(TableComparison::of(&points, &points).is_none());
        let unlike = table("age,city\n20,Oslo\n30,Rome\n");
        assert!(TableComparison::of(&real, &unlike).unwrap().is_err());
    }

    #[test]
    fn rare_categories_are_one() {
        let text = |n: usize| {
            let rows = (0..n).map(|i| format!("{},c{:02}\n", i, i % 30));
            format!("x,c\n{}", rows.collect::<String>())
        };
        let found = TableComparison::of(&table(&text(90)), &table(&text(90))).unwrap().unwrap();
        let column = found.columns.iter().find(|c| c.name == "c").unwrap();
        assert_eq!(column.values.len(), CATEGORIES + 1);
        assert_eq!(column.values[CATEGORIES], "18 others");
        assert!((column.real.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
