//! The cells of one column of a table.

/// The cells of one column of a table, as they are at rest. A missing cell is equal to another.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cells {
    /// Real numbers; NaN is a missing one.
    Numbers(Vec<f64>),
    /// Whole numbers; [`MISSING`](Self::MISSING) is a missing one.
    Integers(Vec<i64>),
    /// Places in the list of categories; the last ones stand for missing cells, see
    /// [`Column::blanks`](crate::Column::blanks).
    Categories(Vec<u32>),
}

impl Cells {
    /// The whole number that stands for a missing one.
    pub const MISSING: i64 = i64::MIN;

    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(v) => v.len(),
            Self::Integers(v) => v.len(),
            Self::Categories(v) => v.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cell as a number: NaN where it is missing, the place of a category.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn number(&self, row: usize) -> f64 {
        match self {
            Self::Numbers(v) => v[row],
            Self::Integers(v) if v[row] == Self::MISSING => f64::NAN,
            Self::Integers(v) => v[row] as f64,
            Self::Categories(v) => f64::from(v[row]),
        }
    }

    pub(super) fn select(&self, places: impl Iterator<Item = usize>) -> Self {
        match self {
            Self::Numbers(v) => Self::Numbers(places.map(|p| v[p]).collect()),
            Self::Integers(v) => Self::Integers(places.map(|p| v[p]).collect()),
            Self::Categories(v) => Self::Categories(places.map(|p| v[p]).collect()),
        }
    }

    /// Cells of the same kind behind these.
    pub(super) fn extend(&mut self, other: Self) {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => a.extend(b),
            (Self::Integers(a), Self::Integers(b)) => a.extend(b),
            (Self::Categories(a), Self::Categories(b)) => a.extend(b),
            _ => unreachable!("columns of one schema have cells of one kind"),
        }
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => same_numbers(a, b),
            (Self::Integers(a), Self::Integers(b)) => a == b,
            (Self::Categories(a), Self::Categories(b)) => a == b,
            _ => false,
        }
    }
}

/// Whether numbers are equal; NaN, a missing one, is equal to NaN.
pub(super) fn same_numbers(a: &[f64], b: &[f64]) -> bool {
    let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(same)
}
