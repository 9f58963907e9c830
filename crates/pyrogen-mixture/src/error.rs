//! What can be wrong with data, parameters and fits.

use pyrogen_core::ConfigError;

/// Data, parameters or a fit that cannot be used.
///
/// Rows, columns and components are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixtureError {
    /// A table without rows, or without columns.
    #[error("the table has {rows} rows of {columns} columns; it needs at least one of each")]
    Empty {
        /// Number of rows.
        rows: usize,
        /// Number of columns, numeric and categorical.
        columns: usize,
    },
    /// A list of values that does not fill the table.
    #[error("{what}: {expected} values are needed, got {got}")]
    Length {
        /// Which list.
        what: &'static str,
        /// How many values there must be.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// An infinite cell. A missing cell is NaN.
    #[error("the cell at row {row}, column {column} is {value}; a missing cell is NaN")]
    Infinite {
        /// Row.
        row: usize,
        /// Numeric column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A category outside the levels of its column.
    #[error(
        "row {row}, categorical column {column}: code {code} is not below the column's {levels} \
         levels"
    )]
    Code {
        /// Row.
        row: usize,
        /// Categorical column.
        column: usize,
        /// The code.
        code: u32,
        /// Levels of the column.
        levels: u32,
    },
    /// A weight that is negative, NaN or infinite.
    #[error("the weight of row {row} is {value}; weights are finite and not negative")]
    Weight {
        /// Row.
        row: usize,
        /// The weight.
        value: f64,
    },
    /// All weights are zero.
    #[error("all weights are zero: there is nothing to learn from")]
    NoWeight,
    /// Fewer rows that have a weight and an observed cell than components.
    #[error("{rows} rows with a weight and an observed cell cannot carry {components} components")]
    FewRows {
        /// Usable rows.
        rows: usize,
        /// Components.
        components: usize,
    },
    /// A column without any observed cell.
    #[error("{kind} column {column} has no observed cell; leave it out")]
    EmptyColumn {
        /// `numeric` or `categorical`.
        kind: &'static str,
        /// The column.
        column: usize,
    },
    /// A numeric column whose observed cells are all equal.
    #[error(
        "numeric column {column} is constant ({value}): its variance is zero. Leave it out, or \
         use the regularisation `diagonal`"
    )]
    ConstantColumn {
        /// The column.
        column: usize,
        /// Its value.
        value: f64,
    },
    /// A numeric column that is a linear combination of earlier ones.
    #[error(
        "numeric column {column} is a linear combination of earlier columns: covariances are \
         singular. Leave it out, choose a regularisation, or use diagonal covariances"
    )]
    CollinearColumn {
        /// The column.
        column: usize,
    },
    /// A table whose columns are not those of the model.
    #[error(
        "the model has {model_columns} numeric columns and categorical levels {model_levels:?}, \
         the table {columns} and {levels:?}"
    )]
    Columns {
        /// Numeric columns of the model.
        model_columns: usize,
        /// Levels of the model's categorical columns.
        model_levels: Vec<u32>,
        /// Numeric columns of the table.
        columns: usize,
        /// Levels of the table's categorical columns.
        levels: Vec<u32>,
    },
    /// A list of columns that is not ascending, or names a column that is not there.
    #[error("columns {got:?} must be ascending, without repetition, and below {columns}")]
    Selection {
        /// What was asked.
        got: Vec<usize>,
        /// How many columns there are.
        columns: usize,
    },
    /// Parameters that are no mixture.
    #[error("component {component}: {what} is {value}")]
    Parameter {
        /// The component.
        component: usize,
        /// What is wrong.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A covariance matrix that is not positive definite.
    #[error(
        "component {component}: the covariance is not positive definite at column {column} (what \
         earlier columns do not explain of its variance is {pivot:e})"
    )]
    NotPositiveDefinite {
        /// The component.
        component: usize,
        /// The first column at which it fails.
        column: usize,
        /// The variance that is left there.
        pivot: f64,
    },
    /// A component that lost its rows or its extent, where splits are switched off or used up.
    #[error("step {step}: component {component} collapsed after {splits} splits: {reason}")]
    Collapsed {
        /// The step, counted from 1.
        step: u64,
        /// The component.
        component: usize,
        /// Splits of this run so far.
        splits: usize,
        /// Why.
        reason: crate::CollapseReason,
    },
    /// A row that no component can have produced.
    #[error("row {row} has probability zero under every component")]
    Impossible {
        /// The row.
        row: usize,
    },
    /// Numbers that left the finite range, as squares of values near 1e200 do.
    #[error("step {step}: {what} is {value}; rescale the columns")]
    NotFinite {
        /// The step, counted from 1.
        step: u64,
        /// What is not finite.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A method that takes complete numeric tables alone.
    #[error("{method} takes complete numeric tables, and this one has {found}")]
    Incomplete {
        /// The method.
        method: &'static str,
        /// What it has: `missing cells`, `categorical columns`, `no numeric columns`.
        found: &'static str,
    },
    /// Every start failed; the reason of the last.
    #[error("all {starts} starts failed; the last: {last}")]
    AllFailed {
        /// How many there were.
        starts: usize,
        /// Why the last one failed.
        last: Box<MixtureError>,
    },
    /// A configuration value.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
