//! Reading one data set in the terms of another.

use std::collections::HashMap;

use super::{Dataset, Layout};
use crate::DataError;
use crate::table::{Column, ColumnKind};

impl Dataset {
    /// This data in the terms of `layout`, the layout of the data that a model was trained on.
    ///
    /// Two files of one table need not show the same categories, nor in the same order: columns,
    /// categories and classes are matched by name. Columns that the layout does not have are left
    /// out. Without names, shapes and levels must agree.
    ///
    /// # Errors
    /// Another shape, a column that is missing or of another kind, a category or class that the
    /// layout does not have, or values outside its levels.
    pub fn conform_to(&self, layout: &Layout) -> Result<Self, DataError> {
        if self.layout == *layout {
            return Ok(self.clone());
        }
        let labels = self.conform_labels(layout)?;
        let values = match (&self.layout.schema, &layout.schema) {
            (Some(_), Some(wanted)) => self.conform_columns(&wanted.columns)?,
            _ if self.layout.event == layout.event => self.values.clone(),
            _ => {
                return Err(DataError::part(
                    "event",
                    format!("{:?}", layout.event),
                    format!("{:?}", self.layout.event),
                ));
            }
        };
        let mut out = Self::from_parts(values, layout.event.clone(), labels)?;
        if let Some(levels) = layout.levels {
            if self.levels().is_some_and(|own| own != levels) {
                let got = self.levels().unwrap_or(0);
                return Err(DataError::part("levels", levels.to_string(), got));
            }
            out = out.with_levels(levels)?;
        }
        if let Some(schema) = &layout.schema {
            out = out.with_schema(schema.clone())?;
        }
        out.layout.class_names = layout.class_names.clone();
        if let Some(test) = &self.test {
            out = out.with_test_part(test.conform_to(layout)?)?;
        }
        Ok(out)
    }

    fn conform_labels(&self, layout: &Layout) -> Result<Option<Vec<u32>>, DataError> {
        let Some(labels) = &self.labels else {
            return Ok(None);
        };
        let known = &layout.class_names;
        if known.is_empty() {
            return Ok(Some(labels.clone()));
        }
        let place = |&label: &u32| {
            let name = self.layout.class_names.get(label as usize);
            let place = match name {
                Some(name) => known.iter().position(|k| k == name),
                None => Some(label as usize).filter(|&l| l < known.len()),
            };
            place.map(|p| p as u32).ok_or_else(|| {
                DataError::part(
                    "labels",
                    format!("one of {}", known.join(", ")),
                    name.cloned().unwrap_or_else(|| label.to_string()),
                )
            })
        };
        labels.iter().map(place).collect::<Result<_, _>>().map(Some)
    }

    fn conform_columns(&self, wanted: &[Column]) -> Result<Vec<f32>, DataError> {
        let (n, width) = (self.len(), self.width());
        let mut values = vec![0.0; n * wanted.len()];
        let own = self.layout.schema.iter().flat_map(|s| &s.columns);
        let own: HashMap<&str, (usize, &Column)> =
            own.enumerate().map(|(j, column)| (column.name.as_str(), (j, column))).collect();
        for (k, column) in wanted.iter().enumerate() {
            let &(j, found) = own.get(column.name.as_str()).ok_or_else(|| {
                let expected = format!("a table with a column `{}`", column.name);
                DataError::part("schema", expected, "none of that name")
            })?;
            let mut read = reader(found, column)?;
            for i in 0..n {
                values[i * wanted.len() + k] = read(self.values[i * width + j])?;
            }
        }
        Ok(values)
    }
}

/// A raw value of one column as a raw value of another.
type Read<'a> = Box<dyn FnMut(f32) -> Result<f32, DataError> + 'a>;

fn reader<'a>(from: &'a Column, to: &'a Column) -> Result<Read<'a>, DataError> {
    match (&from.kind, &to.kind) {
        (kind, ColumnKind::Categorical { categories }) => {
            let places: HashMap<&str, f32> =
                categories.iter().enumerate().map(|(k, name)| (name.as_str(), k as f32)).collect();
            Ok(Box::new(move |v| {
                let cell = kind.cell(v);
                places.get(cell.as_str()).copied().ok_or_else(|| {
                    let expected = format!("a known category of column `{}`", to.name);
                    DataError::part("values", expected, format!("`{cell}`"))
                })
            }))
        }
        (ColumnKind::Categorical { .. }, _) => {
            Err(DataError::part("schema", format!("numbers in column `{}`", to.name), "texts"))
        }
        _ => Ok(Box::new(Ok)),
    }
}
