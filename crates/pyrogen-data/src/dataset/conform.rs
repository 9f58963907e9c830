//! Reading one data set in the terms of another.

use std::collections::HashMap;

use super::layout::USUAL_RANGES;
use super::{Dataset, Layout};
use crate::DataError;
use crate::table::{Column, ColumnKind};

impl Dataset {
    /// This data in the terms of `layout`, the layout of the data that a model was trained on.
    ///
    /// Two files of one table need not show the same categories, nor in the same order: columns,
    /// categories and classes are matched by name. Columns that the layout does not have are left
    /// out. Without names, shapes, levels and the range of pictures must agree.
    ///
    /// # Errors
    /// Another shape, a column that is missing or of another kind, a category or class that the
    /// layout does not have, values outside its levels, or pictures whose black and white are others
    /// than the layout's.
    pub fn conform_to(&self, layout: &Layout) -> Result<Self, DataError> {
        if self.layout == *layout {
            return Ok(self.clone());
        }
        self.check_range(layout)?;
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
        if let (Some(_), Some(_)) = (&self.layout.schema, &layout.schema) {
            let mut out = Self::of_rows(values, layout.clone(), labels);
            if let Some(test) = &self.test {
                out = out.with_test_part(test.conform_to(layout)?)?;
            }
            return Ok(out);
        }
        let mut out = Self::from_parts(values, layout.event.clone(), labels)?;
        out.layout.range = layout.range;
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

    /// Checks that black and white are where the layout has them. A range that was found in the values,
    /// because nobody stated one, may be wider than theirs, and has to hold them.
    fn check_range(&self, layout: &Layout) -> Result<(), DataError> {
        let known = |l: &Layout| l.levels.is_some() || l.range.is_some();
        let same_levels = self.layout.levels.is_some() && layout.levels.is_some();
        if !known(layout) || !known(&self.layout) || layout.schema.is_some() || same_levels {
            return Ok(());
        }
        let ([black, white], own) = (layout.ends(), self.layout.ends());
        let holds = self.values.iter().all(|v| (black..=white).contains(v));
        let narrower = own[1] - own[0] < white - black;
        let told = self.layout.levels.is_some() || (narrower && USUAL_RANGES.contains(&own));
        if own == [black, white] || (holds && !told) {
            return Ok(());
        }
        let expected = format!(
            "{black} to {white} for black to white, as in the training data (range={black}:{white} \
             says that these pictures are so)"
        );
        Err(DataError::part("range", expected, format!("{} to {}", own[0], own[1])))
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
    let missing = |cell: &str| {
        let got = if cell.is_empty() { "a missing one".to_string() } else { format!("`{cell}`") };
        let expected = format!("a value in column `{}`: training had none missing", to.name);
        DataError::part("values", expected, got)
    };
    match (&from.kind, &to.kind) {
        (_, ColumnKind::Categorical { categories }) => {
            let places: HashMap<&str, f32> =
                categories.iter().enumerate().map(|(k, name)| (name.as_str(), k as f32)).collect();
            // Older layouts have the empty text for all missing cells.
            let blank = to.blanks.first().map_or("", String::as_str);
            let blank = places.get(blank).copied();
            Ok(Box::new(move |v| {
                let cell = from.cell(v);
                let known = places.get(cell.as_str()).copied();
                let is_missing = v.is_nan()
                    || (from.kind.categories().is_some()
                        && from.code(v) as usize >= from.known_categories());
                match known.or(blank.filter(|_| is_missing)) {
                    Some(place) => Ok(place),
                    None if is_missing => Err(missing(&cell)),
                    None => {
                        let expected = format!("a known category of column `{}`", to.name);
                        Err(DataError::part("values", expected, format!("`{cell}`")))
                    }
                }
            }))
        }
        (ColumnKind::Categorical { .. }, _) => {
            Err(DataError::part("schema", format!("numbers in column `{}`", to.name), "texts"))
        }
        (ColumnKind::Moment { format }, ColumnKind::Moment { format: wanted })
            if format.time.is_some() == wanted.time.is_some()
                && format.day.is_some() == wanted.day.is_some() =>
        {
            Ok(number_reader(from, to, missing))
        }
        (ColumnKind::Moment { .. }, _) | (_, ColumnKind::Moment { .. }) => {
            let got = from.kind.name();
            Err(DataError::part(
                "schema",
                format!("a {} in column `{}`", to.kind.name(), to.name),
                got,
            ))
        }
        _ => Ok(number_reader(from, to, missing)),
    }
}

fn number_reader<'a>(
    from: &'a Column,
    to: &'a Column,
    missing: impl Fn(&str) -> DataError + 'a,
) -> Read<'a> {
    let same = from.offset == to.offset && from.unit == to.unit;
    Box::new(move |v| match v.is_nan() {
        true if !to.may_be_missing() => Err(missing("")),
        true => Ok(v),
        false if same => Ok(v),
        false => Ok(to.stored(from.offset + from.unit * f64::from(v))),
    })
}
