//! Tables as rows of f64, as models on the host see them.

use std::collections::HashMap;

use super::{Cells, Table};
use crate::table::{Column, ColumnKind};
use crate::{DataError, Layout};

impl Table {
    /// The rows in the terms of `wanted`, the columns that a model was trained on, row-major: a number
    /// as `(value - offset) / unit` of the wanted column, a category as its place in the wanted list,
    /// NaN where a cell of either kind is missing.
    ///
    /// Columns and categories are matched by name; columns that are not wanted are left out. Where
    /// `absent` is true, a column that the table does not have is missing in every row.
    ///
    /// # Errors
    /// A column that is not there or of another kind, or a category that the wanted column does not
    /// have.
    pub fn numbers_as(&self, wanted: &[Column], absent: bool) -> Result<Vec<f64>, DataError> {
        let (rows, width) = (super::Items::len(self), wanted.len());
        let mut values = vec![f64::NAN; rows * width];
        for (k, column) in wanted.iter().enumerate() {
            let own = self.columns().iter().position(|c| c.name == column.name);
            let Some(own) = own else {
                if absent {
                    continue;
                }
                let expected = format!("a table with a column `{}`", column.name);
                return Err(DataError::part("schema", expected, "none of that name"));
            };
            let out = values.iter_mut().skip(k).step_by(width);
            match column.kind.categories() {
                Some(_) => self.codes_as(own, column, out)?,
                None => self.values_as(own, column, out)?,
            }
        }
        Ok(values)
    }

    fn codes_as<'a>(
        &self,
        own: usize,
        column: &Column,
        out: impl Iterator<Item = &'a mut f64>,
    ) -> Result<(), DataError> {
        let known = column.kind.categories().unwrap_or(&[]);
        let known = &known[..column.known_categories()];
        let places: HashMap<&str, f64> =
            known.iter().enumerate().map(|(k, name)| (name.as_str(), k as f64)).collect();
        for (row, out) in out.enumerate().filter(|(row, _)| !self.is_missing(*row, own)) {
            let text = self.text(row, own);
            *out = *places.get(text.as_str()).ok_or_else(|| {
                let expected = format!("a known category of column `{}`", column.name);
                DataError::part("values", expected, format!("`{text}`"))
            })?;
        }
        Ok(())
    }

    fn values_as<'a>(
        &self,
        own: usize,
        column: &Column,
        out: impl Iterator<Item = &'a mut f64>,
    ) -> Result<(), DataError> {
        let cells = self.cells(own);
        if matches!(*cells, Cells::Categories(_)) {
            // A column of nothing but blanks is one of texts.
            if (0..cells.len()).all(|row| self.is_missing(row, own)) {
                return Ok(());
            }
            let expected = format!("numbers in column `{}`", column.name);
            return Err(DataError::part("schema", expected, "texts"));
        }
        let moment = |c: &Column| matches!(c.kind, ColumnKind::Moment { .. });
        if moment(&self.columns()[own]) != moment(column) {
            let expected = format!("{} cells in column `{}`", column.kind.name(), column.name);
            return Err(DataError::part("schema", expected, self.columns()[own].kind.name()));
        }
        for (row, out) in out.enumerate() {
            *out = (cells.number(row) - column.offset) / column.unit;
        }
        Ok(())
    }

    /// A table of rows as [`numbers_as`](Self::numbers_as) gives them: whole numbers are rounded, real
    /// ones to the places of their column, categories to the nearest. A missing category of a column
    /// that had none missing is its first.
    ///
    /// # Errors
    /// A layout without columns, or values that are no whole number of rows.
    pub fn of_numbers(layout: &Layout, values: &[f64]) -> Result<Self, DataError> {
        let columns = layout.schema.as_ref().map_or(&[][..], |schema| &schema.columns);
        let width = columns.len();
        if width == 0 || !values.len().is_multiple_of(width) {
            let expected = format!("rows of {width} columns, one at least");
            return Err(DataError::part("values", expected, values.len()));
        }
        let cells = |(j, column): (usize, &Column)| {
            let own = values.iter().skip(j).step_by(width).copied();
            match &column.kind {
                ColumnKind::Categorical { .. } => {
                    let blank = if column.may_be_missing() { column.known_categories() } else { 0 };
                    let code =
                        |v: f64| if v.is_nan() { blank as u32 } else { column.code(v as f32) };
                    Cells::Categories(own.map(code).collect())
                }
                ColumnKind::Continuous => {
                    Cells::Numbers(own.map(|v| column.number_of(v)).collect())
                }
                _ => {
                    let whole = |v: f64| if v.is_nan() { Cells::MISSING } else { v as i64 };
                    Cells::Integers(own.map(|v| whole(column.number_of(v))).collect())
                }
            }
        };
        let cells = columns.iter().enumerate().map(cells).collect();
        let layout = Layout { class_names: Vec::new(), label: None, ..layout.clone() };
        Ok(Self::of_parts(layout, cells, None, Vec::new()))
    }
}

impl Column {
    /// The number of a stored value of f64, as the column has numbers. NaN stays.
    fn number_of(&self, stored: f64) -> f64 {
        let value = self.offset + self.unit * stored;
        match (&self.kind, self.format.as_ref().and_then(|f| f.places)) {
            (ColumnKind::Integer | ColumnKind::Moment { .. }, _) => value.round() + 0.0,
            (_, Some(places)) if value.is_finite() => {
                format!("{value:.*}", usize::from(places)).parse().unwrap_or(value)
            }
            _ => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TableSchema;
    use crate::data::Items;

    fn layout() -> Layout {
        let categories: Vec<String> = ["b", "a", ""].map(String::from).into();
        let mut letter = Column::new("letter", ColumnKind::Categorical { categories });
        letter.blanks = vec![String::new()];
        let columns = vec![
            Column::new("x", ColumnKind::Continuous),
            Column::new("count", ColumnKind::Integer),
            letter,
        ];
        Layout { event: vec![3], schema: Some(TableSchema { columns }), ..Layout::default() }
    }

    #[test]
    fn rows_of_numbers_become_a_table_and_back() {
        let values = [0.1 + 0.2, 3.0, 1.0, f64::NAN, f64::NAN, f64::NAN, -2.5, -1.0, 0.0];
        let table = Table::of_numbers(&layout(), &values).unwrap();
        assert_eq!((table.len(), table.text(0, 2), table.text(1, 2)), (3, "a".into(), "".into()));
        assert!(table.is_missing(1, 0) && table.is_missing(1, 1) && table.is_missing(1, 2));
        let back = table.numbers_as(table.columns(), false).unwrap();
        for (a, b) in back.iter().zip(values) {
            assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{a} {b}");
        }
        // Columns by name: one in another order of categories, one that is not there.
        let categories = vec!["a".to_string(), "b".to_string()];
        let wanted = [
            Column::new("letter", ColumnKind::Categorical { categories }),
            Column::new("z", ColumnKind::Continuous),
        ];
        let read = table.numbers_as(&wanted, true).unwrap();
        assert_eq!((read[0], read[4]), (0.0, 1.0));
        assert!(read[1].is_nan() && read[2].is_nan());
        let error = table.numbers_as(&wanted, false).unwrap_err().to_string();
        assert!(error.contains("a column `z`"), "{error}");
        let wanted = [Column::new("letter", ColumnKind::Continuous)];
        assert!(table.numbers_as(&wanted, false).is_err());
        assert!(Table::of_numbers(&Layout::default(), &[1.0]).is_err());
        assert!(Table::of_numbers(&layout(), &[1.0]).is_err());
    }
}
