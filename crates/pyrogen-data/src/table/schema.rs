//! What the columns of a table hold.

use serde::{Deserialize, Serialize};

use super::format::{NumberFormat, shortest};
use super::moment::MomentFormat;

/// The columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The columns.
    pub columns: Vec<Column>,
}

/// One column of a table.
///
/// In a [`Dataset`](crate::Dataset) a cell is one f32: `(value - offset) / unit` of a number, the
/// place of a category in the list, NaN for a number that is missing. `offset` and `unit` keep what
/// f32 would lose, of seconds since 1970 or of numbers like 1e-51; they are 0 and 1 for others.
///
/// # Units
/// Densities of numbers are per `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Cells without a value in the file that the table was read from.
    pub missing: usize,
    /// How missing cells are written, the most frequent first; none where no cell may be missing.
    /// Of a categorical column these are the last categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blanks: Vec<String>,
    /// How numbers are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<NumberFormat>,
    /// The number that is stored as 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: f64,
    /// The distance that is stored as 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub unit: f64,
}

fn one() -> f64 {
    1.0
}

fn is_one(v: &f64) -> bool {
    *v == 1.0
}

fn is_zero(v: &f64) -> bool {
    *v == 0.0
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
    /// Days, times of day or both, as whole numbers of the format's unit.
    Moment {
        /// How they are written.
        format: MomentFormat,
    },
}

impl ColumnKind {
    /// `continuous`, `integer`, `categorical` or `moment`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Integer => "integer",
            Self::Categorical { .. } => "categorical",
            Self::Moment { .. } => "moment",
        }
    }

    /// The categories, of a categorical column.
    pub fn categories(&self) -> Option<&[String]> {
        match self {
            Self::Categorical { categories } => Some(categories),
            _ => None,
        }
    }
}

impl Column {
    /// A column without missing cells, of plain numbers.
    pub fn new(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self {
            name: name.into(),
            kind,
            missing: 0,
            blanks: Vec::new(),
            format: None,
            offset: 0.0,
            unit: 1.0,
        }
    }

    /// Whether a cell may be missing.
    pub fn may_be_missing(&self) -> bool {
        !self.blanks.is_empty()
    }

    /// Number of categories that are values, and not a missing one.
    pub fn known_categories(&self) -> usize {
        self.kind.categories().map_or(0, |c| c.len().saturating_sub(self.blanks.len()))
    }

    /// The category of a stored value: the nearest place in the list.
    pub fn code(&self, stored: f32) -> u32 {
        let last = self.kind.categories().map_or(0, |c| c.len().saturating_sub(1));
        (stored.round().max(0.0) as usize).min(last) as u32
    }

    /// The number of a stored value, as the column has numbers: whole ones rounded, others to the
    /// places that are written. NaN stays.
    pub fn number(&self, stored: f32) -> f64 {
        let plain = self.offset == 0.0 && self.unit == 1.0;
        let value = self.offset + self.unit * f64::from(stored);
        match (&self.kind, self.format.as_ref().and_then(|f| f.places)) {
            (ColumnKind::Integer | ColumnKind::Moment { .. }, _) => value.round() + 0.0,
            (_, Some(places)) => {
                format!("{value:.*}", usize::from(places)).parse().unwrap_or(value)
            }
            // The digits that an f32 has.
            _ if plain && stored.is_finite() => stored.to_string().parse().unwrap_or(value),
            _ => value,
        }
    }

    /// The stored value of a number.
    pub fn stored(&self, number: f64) -> f32 {
        ((number - self.offset) / self.unit) as f32
    }

    /// A stored value as the text of a CSV cell.
    pub fn cell(&self, stored: f32) -> String {
        match &self.kind {
            ColumnKind::Categorical { categories } => {
                categories.get(self.code(stored) as usize).cloned().unwrap_or_default()
            }
            _ => self.number_cell(self.number(stored)),
        }
    }

    /// A number as the text of a CSV cell; NaN is a missing one.
    pub fn number_cell(&self, number: f64) -> String {
        if number.is_nan() {
            return self.blanks.first().cloned().unwrap_or_default();
        }
        match (&self.kind, &self.format) {
            (ColumnKind::Moment { format }, _) => format.print(number as i64),
            (_, Some(format)) => format.print(number),
            (_, None) => shortest(number),
        }
    }
}

impl TableSchema {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}
