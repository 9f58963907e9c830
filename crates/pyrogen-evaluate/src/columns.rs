//! Rows as standardised numbers and indicators.

use pyrogen_data::{ColumnKind, Dataset};
use pyrogen_metrics::{Features, MetricError};
use sha2::{Digest, Sha256};

/// What is made of one column.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// `(x - mean) / std`; a missing number is the mean.
    Number { mean: f64, std: f64 },
    /// An indicator a category. The squared distance between two categories is then that between two
    /// numbers that are one standard deviation and more apart.
    Category(usize),
}

/// Rows as standardised numbers, one indicator a category, and one that says whether a number is
/// missing where the fitted rows have missing ones.
///
/// Fitted to real rows, and the same for every model of them; its name holds the hash of what was
/// fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnEmbedding {
    parts: Vec<(Part, bool)>,
    name: String,
}

impl ColumnEmbedding {
    /// Means, standard deviations and categories of real rows. A constant column has a standard
    /// deviation of 1.
    pub fn fit(rows: &Dataset) -> Self {
        let width = rows.width();
        let kinds = rows.schema().map(|s| &s.columns);
        let part = |j: usize| {
            let cells = || rows.values().iter().skip(j).step_by(width).map(|&v| f64::from(v));
            let missing = cells().any(f64::is_nan);
            if let Some(ColumnKind::Categorical { categories }) = kinds.map(|k| &k[j].kind) {
                return (Part::Category(categories.len()), missing);
            }
            let known: Vec<f64> = cells().filter(|v| !v.is_nan()).collect();
            let n = known.len().max(1) as f64;
            let mean = known.iter().sum::<f64>() / n;
            let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let std = if variance.sqrt().is_normal() { variance.sqrt() } else { 1.0 };
            (Part::Number { mean, std }, missing)
        };
        let parts: Vec<(Part, bool)> = (0..width).map(part).collect();
        let name = format!("columns-v1:{}", hash(&parts));
        Self { parts, name }
    }

    /// The name, with the hash of what was fitted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Features of rows.
    ///
    /// # Errors
    /// Rows of another width, or numbers that are not finite.
    pub fn features(&self, rows: &Dataset) -> Result<Features, MetricError> {
        if rows.width() != self.parts.len() {
            return Err(MetricError::Width { real: self.parts.len(), generated: rows.width() });
        }
        let mut values = Vec::new();
        for row in rows.values().chunks_exact(rows.width()) {
            for ((part, missing), &cell) in self.parts.iter().zip(row) {
                let cell = f64::from(cell);
                match part {
                    Part::Number { mean, std } => {
                        let known = if cell.is_nan() { *mean } else { cell };
                        values.push((known - mean) / std);
                    }
                    Part::Category(categories) => {
                        values.extend((0..*categories).map(|k| f64::from(cell == k as f64)));
                    }
                }
                if *missing {
                    values.push(f64::from(cell.is_nan()));
                }
            }
        }
        let cols = values.len() / rows.len();
        Features::new(values, rows.len(), cols)?.named(self.name.clone())
    }
}

fn hash(parts: &[(Part, bool)]) -> String {
    let mut hash = Sha256::new();
    for (part, missing) in parts {
        match part {
            Part::Number { mean, std } => {
                hash.update(mean.to_le_bytes());
                hash.update(std.to_le_bytes());
            }
            Part::Category(categories) => hash.update((*categories as u64).to_le_bytes()),
        }
        hash.update([u8::from(*missing)]);
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_standardised_by_the_fitted_rows() {
        let real = Dataset::from_parts(vec![1.0, 5.0, 3.0, 5.0], vec![2], None).unwrap();
        let embedding = ColumnEmbedding::fit(&real);
        let other = Dataset::from_parts(vec![4.0, 6.0], vec![2], None).unwrap();
        let features = embedding.features(&other).unwrap();
        // The mean of 1 and 3 is 2, their standard deviation 1; 5 does not vary.
        assert_eq!(features.row(0), [2.0, 1.0]);
        assert_eq!(features.name(), embedding.name());
        let fitted_to_other = ColumnEmbedding::fit(&other);
        assert_ne!(embedding.name(), fitted_to_other.name());
        let narrow = Dataset::from_parts(vec![1.0], vec![1], None).unwrap();
        assert!(embedding.features(&narrow).is_err());
    }
}
