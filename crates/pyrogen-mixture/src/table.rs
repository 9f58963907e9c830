//! Rows of numeric and categorical columns with weights and missing cells.

use crate::MixtureError;
use crate::blocks::Blocks;

/// The code of a missing category.
pub const MISSING: u32 = u32::MAX;

/// Rows of numeric columns (`f64`, NaN where a cell is missing) and of categorical columns (codes
/// from 0, [`MISSING`] where a cell is missing), each row with a weight.
///
/// Both parts are row-major. A weight counts as that many equal rows and need not be whole; a row
/// of weight 0 counts as none. Rows with the same missing cells are grouped once, when the table is
/// made: that costs four bytes a row, and nothing where no number is missing.
///
/// ```
/// use pyrogen_mixture::{MISSING, Table};
///
/// let table = Table::numeric(vec![1.0, 2.0, 3.0, f64::NAN], 2)?
///     .with_categories(vec![0, MISSING], vec![3])?
///     .with_weights(vec![1.0, 2.5])?;
/// assert_eq!((table.rows(), table.columns(), table.levels()), (2, 2, &[3][..]));
/// assert_eq!(table.total_weight(), 3.5);
/// assert!(table.numbers(1)[1].is_nan());
/// # Ok::<(), pyrogen_mixture::MixtureError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    rows: usize,
    columns: usize,
    numbers: Vec<f64>,
    levels: Vec<u32>,
    codes: Vec<u32>,
    weights: Option<Vec<f64>>,
    total_weight: f64,
    pub(crate) blocks: Blocks,
}

impl Table {
    /// Numeric columns alone.
    ///
    /// # Errors
    /// No rows or no columns, a list that is no whole number of rows, an infinite cell.
    pub fn numeric(numbers: Vec<f64>, columns: usize) -> Result<Self, MixtureError> {
        let rows = numbers.len().checked_div(columns).unwrap_or(0);
        if rows == 0 {
            return Err(MixtureError::Empty { rows, columns });
        }
        if rows * columns != numbers.len() {
            let expected = (rows + 1) * columns;
            return Err(MixtureError::Length { what: "numbers", expected, got: numbers.len() });
        }
        if let Some(at) = numbers.iter().position(|v| v.is_infinite()) {
            let (row, column) = (at / columns, at % columns);
            return Err(MixtureError::Infinite { row, column, value: numbers[at] });
        }
        let blocks = Blocks::new(&numbers, rows, columns);
        Ok(Self {
            rows,
            columns,
            numbers,
            levels: Vec::new(),
            codes: Vec::new(),
            weights: None,
            total_weight: rows as f64,
            blocks,
        })
    }

    /// Categorical columns alone: `levels[j]` is the number of categories of column `j`.
    ///
    /// # Errors
    /// No rows or no columns, a list that is no whole number of rows, a code that is neither below
    /// its column's levels nor [`MISSING`].
    pub fn categorical(codes: Vec<u32>, levels: Vec<u32>) -> Result<Self, MixtureError> {
        let rows = codes.len().checked_div(levels.len()).unwrap_or(0);
        if rows == 0 {
            return Err(MixtureError::Empty { rows, columns: levels.len() });
        }
        let table = Self {
            rows,
            columns: 0,
            numbers: Vec::new(),
            levels: Vec::new(),
            codes: Vec::new(),
            weights: None,
            total_weight: rows as f64,
            blocks: Blocks::new(&[], rows, 0),
        };
        table.with_categories(codes, levels)
    }

    /// The same rows with these categorical columns.
    ///
    /// # Errors
    /// A list that does not give every row `levels.len()` codes, or a code that is neither below its
    /// column's levels nor [`MISSING`].
    pub fn with_categories(
        mut self,
        codes: Vec<u32>,
        levels: Vec<u32>,
    ) -> Result<Self, MixtureError> {
        let expected = self.rows * levels.len();
        if codes.len() != expected {
            return Err(MixtureError::Length { what: "codes", expected, got: codes.len() });
        }
        let wrong = |at: &usize| codes[*at] != MISSING && codes[*at] >= levels[at % levels.len()];
        if let Some(at) = (0..codes.len()).find(wrong) {
            let (row, column) = (at / levels.len(), at % levels.len());
            let (code, levels) = (codes[at], levels[column]);
            return Err(MixtureError::Code { row, column, code, levels });
        }
        (self.codes, self.levels) = (codes, levels);
        Ok(self)
    }

    /// The same rows with these weights.
    ///
    /// # Errors
    /// Another number of weights than of rows, a weight that is negative or not finite, or weights
    /// that are all zero.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self, MixtureError> {
        if weights.len() != self.rows {
            let (expected, got) = (self.rows, weights.len());
            return Err(MixtureError::Length { what: "weights", expected, got });
        }
        if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            return Err(MixtureError::Weight { row, value: weights[row] });
        }
        self.total_weight = weights.iter().sum();
        if self.total_weight == 0.0 {
            return Err(MixtureError::NoWeight);
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of numeric columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Levels of each categorical column.
    pub fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// The numeric cells of a row; NaN where one is missing.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn numbers(&self, row: usize) -> &[f64] {
        &self.numbers[row * self.columns..(row + 1) * self.columns]
    }

    /// The categorical cells of a row; [`MISSING`] where one is missing.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn codes(&self, row: usize) -> &[u32] {
        &self.codes[row * self.levels.len()..(row + 1) * self.levels.len()]
    }

    /// All numeric cells, row-major.
    pub fn all_numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// All categorical cells, row-major.
    pub fn all_codes(&self) -> &[u32] {
        &self.codes
    }

    /// The weight of a row: 1 where no weights were given.
    ///
    /// # Panics
    /// If there are weights and no such row.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[row])
    }

    /// The sum of the weights: the number of rows where no weights were given.
    pub fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// Whether a number is missing.
    pub fn misses_numbers(&self) -> bool {
        self.blocks.misses()
    }

    /// Whether any cell of a row is observed.
    pub(crate) fn observes(&self, row: usize) -> bool {
        self.numbers(row).iter().any(|v| !v.is_nan())
            || self.codes(row).iter().any(|c| *c != MISSING)
    }

    /// These rows, in this order, with their weights.
    ///
    /// # Errors
    /// No rows, or weights that are all zero.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Result<Self, MixtureError> {
        if rows.is_empty() {
            let columns = self.columns + self.levels.len();
            return Err(MixtureError::Empty { rows: 0, columns });
        }
        let mut numbers = Vec::with_capacity(rows.len() * self.columns);
        let mut codes = Vec::with_capacity(rows.len() * self.levels.len());
        for &row in rows {
            numbers.extend_from_slice(self.numbers(row));
            codes.extend_from_slice(self.codes(row));
        }
        let blocks = Blocks::new(&numbers, rows.len(), self.columns);
        let table = Self {
            rows: rows.len(),
            columns: self.columns,
            numbers,
            levels: self.levels.clone(),
            codes,
            weights: None,
            total_weight: rows.len() as f64,
            blocks,
        };
        match &self.weights {
            None => Ok(table),
            Some(weights) => table.with_weights(rows.iter().map(|r| weights[*r]).collect()),
        }
    }

    /// The same rows and weights with other cells in the same columns.
    pub(crate) fn with_cells(&self, numbers: Vec<f64>, codes: Vec<u32>) -> Self {
        let blocks = Blocks::new(&numbers, self.rows, self.columns);
        Self { numbers, codes, blocks, ..self.clone() }
    }
}
