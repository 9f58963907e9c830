//! A row of a table of which only some cells are known.

use super::{Cells, Table};
use crate::{Column, ColumnKind, DataError, Layout};

impl Table {
    /// One row in the terms of `layout`: the named cells hold what is given, as a file would have it,
    /// the others are missing.
    ///
    /// ```
    /// use pyrogen_data::{Column, ColumnKind, Layout, Table, TableSchema};
    ///
    /// let colours = ColumnKind::Categorical { categories: vec!["blue".into(), "red".into()] };
    /// let columns = vec![Column::new("age", ColumnKind::Integer), Column::new("colour", colours)];
    /// let layout =
    ///     Layout { event: vec![2], schema: Some(TableSchema { columns }), ..Layout::default() };
    /// let row = Table::partial(&layout, &[("colour", "red")])?;
    /// assert!(row.is_missing(0, 0));
    /// assert_eq!(row.text(0, 1), "red");
    /// # Ok::<(), pyrogen_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// A column that the layout does not have or that is given twice, a category that the column does
    /// not have, or a text where the column has numbers.
    pub fn partial(layout: &Layout, given: &[(&str, &str)]) -> Result<Self, DataError> {
        let mut layout = layout.clone();
        let Some(schema) = &mut layout.schema else {
            return Err(DataError::part("layout", "one of a table", layout.modality()));
        };
        for (i, (name, _)) in given.iter().enumerate() {
            if schema.column(name).is_none() {
                let known: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
                let expected = format!("one of {}", known.join(", "));
                return Err(DataError::part("column", expected, format!("`{name}`")));
            }
            if given[..i].iter().any(|(other, _)| other == name) {
                return Err(DataError::part("column", "given once", format!("`{name}` twice")));
            }
        }
        let mut cells = Vec::with_capacity(schema.columns.len());
        for column in &mut schema.columns {
            let cell = given.iter().find(|(name, _)| *name == column.name).map(|(_, cell)| *cell);
            cells.push(one_cell(column, cell)?);
        }
        Ok(Self::of_parts(layout, cells, None, Vec::new()))
    }
}

/// The cell of a column; None for a missing one, which the column may have from now on.
fn one_cell(column: &mut Column, cell: Option<&str>) -> Result<Cells, DataError> {
    let Some(cell) = cell else { return Ok(missing(column)) };
    let wrong = |expected: String| DataError::part("cell", expected, format!("`{cell}`"));
    match &column.kind {
        ColumnKind::Categorical { categories } => {
            let known = &categories[..column.known_categories()];
            let place = known.iter().position(|name| name == cell).ok_or_else(|| {
                wrong(format!("one of {} in column `{}`", known.join(", "), column.name))
            })?;
            Ok(Cells::Categories(vec![place as u32]))
        }
        ColumnKind::Moment { format } => {
            let moment = format.read(cell);
            let moment = moment.ok_or_else(|| {
                let like = format.print(0);
                wrong(format!("a moment as `{like}` in column `{}`", column.name))
            })?;
            Ok(Cells::Integers(vec![moment]))
        }
        kind => {
            let own = column.format.as_ref().and_then(|format| format.parse(cell));
            let number = own.or_else(|| cell.trim().parse().ok()).filter(|v: &f64| v.is_finite());
            let number =
                number.ok_or_else(|| wrong(format!("a number in column `{}`", column.name)))?;
            match kind {
                ColumnKind::Integer if number.fract() != 0.0 => {
                    Err(wrong(format!("a whole number in column `{}`", column.name)))
                }
                ColumnKind::Integer => Ok(Cells::Integers(vec![number as i64])),
                _ => Ok(Cells::Numbers(vec![number])),
            }
        }
    }
}

/// A missing cell.
fn missing(column: &mut Column) -> Cells {
    if column.blanks.is_empty() {
        column.blanks.push(String::new());
        if let ColumnKind::Categorical { categories } = &mut column.kind {
            categories.push(String::new());
        }
    }
    match column.kind {
        ColumnKind::Categorical { .. } => Cells::Categories(vec![column.known_categories() as u32]),
        ColumnKind::Continuous => Cells::Numbers(vec![f64::NAN]),
        _ => Cells::Integers(vec![Cells::MISSING]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TableSchema;

    fn layout() -> Layout {
        let colours = ColumnKind::Categorical { categories: vec!["blue".into(), "red".into()] };
        let columns = vec![
            Column::new("age", ColumnKind::Integer),
            Column::new("colour", colours),
            Column::new("size", ColumnKind::Continuous),
        ];
        Layout { event: vec![3], schema: Some(TableSchema { columns }), ..Layout::default() }
    }

    #[test]
    fn what_is_not_given_is_missing() {
        let row = Table::partial(&layout(), &[("age", "41")]).unwrap();
        let missing: Vec<bool> = (0..3).map(|j| row.is_missing(0, j)).collect();
        assert_eq!(missing, [false, true, true]);
        assert_eq!(row.text(0, 0), "41");
        let row = Table::partial(&layout(), &[("size", "1.5"), ("colour", "red")]).unwrap();
        assert_eq!((row.text(0, 1).as_str(), row.cells(2).number(0)), ("red", 1.5));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let text =
            |given: &[(&str, &str)]| Table::partial(&layout(), given).unwrap_err().to_string();
        assert!(text(&[("weight", "1")]).contains("one of age, colour, size"));
        assert!(text(&[("colour", "green")]).contains("one of blue, red in column `colour`"));
        assert!(text(&[("age", "old")]).contains("a number in column `age`"));
        assert!(text(&[("age", "1.5")]).contains("a whole number"));
        assert!(text(&[("age", "1"), ("age", "2")]).contains("`age` twice"));
    }
}
