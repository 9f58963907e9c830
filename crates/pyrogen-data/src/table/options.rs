//! How a CSV file is read.

/// Whether the first line of a CSV file names the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Header {
    /// It does if none of its cells is a number and a later line has one. In a file without any
    /// number it does if no cell of it occurs again in its column. Numbers in it that count up
    /// (`0,1,2`, `town,2019,2020,2021`) are names, if there are three or more or the numbers below
    /// have fractions, and the lines below do not count up. An empty first line does not.
    #[default]
    Detect,
    /// It does.
    Yes,
    /// It does not: columns are named `column1`, `column2`, ...
    No,
}

/// What happens to cells without a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// They are values of their own: a category of a categorical column, a missing number of one
    /// of numbers, a class of a label.
    #[default]
    Keep,
    /// An error that names the first one.
    Error,
    /// Their rows are left out.
    Drop,
}

/// How a CSV file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CsvOptions {
    /// The column that holds the class of each row; it is then not a feature.
    pub label: Option<String>,
    /// The column that says how often training should draw each row, up to a factor; it is then not a
    /// feature.
    pub weight: Option<String>,
    /// Columns that are categories although they hold numbers, or a different text in every row.
    pub categorical: Vec<String>,
    /// Columns that are left out; they can still say which rows belong together.
    pub drop: Vec<String>,
    /// Columns that are kept although they look like identifiers.
    pub keep: Vec<String>,
    /// What happens to missing cells.
    pub missing: Missing,
    /// The texts that stand for a missing value, besides the empty one; none for `?`, `NA`, `N/A`,
    /// `NaN`, `null` and `none` in any case.
    pub na: Option<Vec<String>>,
    /// Whether the first line names the columns.
    pub header: Header,
    /// What stands between cells; none to find it: a comma, a semicolon, a tab or a bar.
    pub delimiter: Option<char>,
    /// What lines begin with that are comments; none to find it: `#` in lines at the top.
    pub comment: Option<char>,
}
