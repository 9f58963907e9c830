//! What the columns of a table hold.

use serde::{Deserialize, Serialize};

/// The columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The columns.
    pub columns: Vec<Column>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Cells without a value in the file that the table was read from.
    pub missing: usize,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnKind {
    /// Real numbers.
    Continuous,
    /// Whole numbers.
    Integer,
    /// One of a list of texts; the raw value is its place in the list.
    Categorical {
        /// The texts, in order.
        categories: Vec<String>,
    },
}

impl ColumnKind {
    /// `continuous`, `integer` or `categorical`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Integer => "integer",
            Self::Categorical { .. } => "categorical",
        }
    }

    /// A raw value as the text of a CSV cell: numbers in their shortest form, whole numbers
    /// rounded, categories by the nearest place in the list.
    pub fn cell(&self, value: f32) -> String {
        match self {
            Self::Continuous => value.to_string(),
            // `+ 0.0` turns -0 into 0.
            Self::Integer => (value.round() + 0.0).to_string(),
            Self::Categorical { categories } => {
                let last = categories.len().saturating_sub(1);
                let place = (value.round().max(0.0) as usize).min(last);
                categories.get(place).cloned().unwrap_or_default()
            }
        }
    }
}

impl TableSchema {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}
