//! [`RawRows`]: rows of numbers that are read a few at a time.

use std::borrow::Cow;
use std::fmt::Debug;

use crate::{DataError, Dataset, Layout, TableSchema};

/// Rows that are read at a time where all are looked at.
const CHUNK: usize = 4096;

/// Most values that are read at a time where all are looked at: large pictures come a few at a time.
const VALUES: usize = 1 << 22;

/// Rows of numbers in raw units, read a few at a time: a [`Dataset`] in memory, the bytes of pictures,
/// the columns of a table, or files that are larger than memory.
///
/// Values are as [`Dataset`] describes them.
pub trait RawRows: Debug + Send + Sync {
    /// What the values mean.
    fn layout(&self) -> &Layout;

    /// Number of rows.
    fn len(&self) -> usize;

    /// The class of each row.
    fn labels(&self) -> Option<&[u32]>;

    /// Appends the values of the rows `rows` to `out`, row-major.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    ///
    /// # Panics
    /// If a row is out of range.
    fn read(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), DataError>;

    /// All values, where they are in memory as they are.
    fn whole(&self) -> Option<&[f32]> {
        None
    }

    /// A range that holds all values, where it is known without looking at them.
    fn span(&self) -> Option<[f32; 2]> {
        None
    }

    /// The values of element `j` of all rows.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn column(&self, j: usize) -> Result<Vec<f32>, DataError> {
        let mut out = Vec::with_capacity(self.len());
        self.each(&mut |values| out.extend(values.iter().skip(j).step_by(self.width())))?;
        Ok(out)
    }

    /// Hands over all values, some whole rows at a time.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn each(&self, f: &mut dyn FnMut(&[f32])) -> Result<(), DataError> {
        if let Some(values) = self.whole() {
            f(values);
            return Ok(());
        }
        let at_once = (VALUES / self.width().max(1)).clamp(1, CHUNK);
        let mut values = Vec::new();
        for start in (0..self.len()).step_by(at_once) {
            let rows: Vec<usize> = (start..(start + at_once).min(self.len())).collect();
            values.clear();
            self.read(&rows, &mut values)?;
            f(&values);
        }
        Ok(())
    }

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of one row.
    fn width(&self) -> usize {
        self.layout().width()
    }

    /// Shape of one example.
    fn event_shape(&self) -> &[usize] {
        &self.layout().event
    }

    /// Number of discrete values of an element, where the data is discrete.
    fn levels(&self) -> Option<usize> {
        self.layout().levels
    }

    /// Names and kinds of the columns, for a table.
    fn schema(&self) -> Option<&TableSchema> {
        self.layout().schema.as_ref()
    }

    /// All rows in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn to_dataset(&self) -> Result<Dataset, DataError> {
        let mut values = Vec::with_capacity(self.len() * self.width());
        self.each(&mut |part| values.extend_from_slice(part))?;
        let labels = self.labels().map(<[u32]>::to_vec);
        Ok(Dataset::of_rows(values, self.layout().clone(), labels))
    }
}

impl RawRows for Dataset {
    fn layout(&self) -> &Layout {
        self.layout()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn labels(&self) -> Option<&[u32]> {
        self.labels()
    }

    fn read(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), DataError> {
        out.reserve(rows.len() * self.width());
        for &row in rows {
            assert!(row < self.len(), "Dataset: row {row} of {} examples", self.len());
            out.extend_from_slice(self.row(row));
        }
        Ok(())
    }

    fn whole(&self) -> Option<&[f32]> {
        Some(self.values())
    }
}

macro_rules! through {
    () => {
        fn layout(&self) -> &Layout {
            (**self).layout()
        }

        fn len(&self) -> usize {
            (**self).len()
        }

        fn labels(&self) -> Option<&[u32]> {
            (**self).labels()
        }

        fn read(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), DataError> {
            RawRows::read(&**self, rows, out)
        }

        fn whole(&self) -> Option<&[f32]> {
            RawRows::whole(&**self)
        }

        fn span(&self) -> Option<[f32; 2]> {
            RawRows::span(&**self)
        }

        fn column(&self, j: usize) -> Result<Vec<f32>, DataError> {
            RawRows::column(&**self, j)
        }
    };
}

impl<T: RawRows + ?Sized> RawRows for &T {
    through!();
}

impl RawRows for Cow<'_, Dataset> {
    through!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Data, Toy, digits};
    use pyrogen_core::{Noise, Seed};

    /// Everything that rows say is what the same rows in memory say.
    fn agrees(rows: &dyn RawRows, same: &Dataset) {
        assert_eq!((rows.len(), rows.layout()), (same.len(), same.layout()));
        assert_eq!(rows.labels(), same.labels());
        let mut some = Vec::new();
        rows.read(&[2, 0, 2], &mut some).unwrap();
        assert_eq!(some, same.subset(&[2, 0, 2]).values());
        let j = same.width() - 1;
        assert_eq!(rows.column(j).unwrap(), same.column(j).unwrap());
        assert_eq!(rows.to_dataset().unwrap().values(), same.values());
        if let Some([low, high]) = rows.span() {
            assert!(same.values().iter().all(|v| (low..=high).contains(v)));
        }
    }

    #[test]
    fn every_form_gives_the_same_rows() {
        let pictures = Data::from_dataset(digits());
        agrees(pictures.raw_rows().unwrap(), &digits());
        let rows = [5, 1, 1700, 3, 5];
        agrees(pictures.select(&rows).raw_rows().unwrap(), &digits().subset(&rows));
        // Parts of parts, large and small.
        let half: Vec<usize> = (0..1797).step_by(2).collect();
        let part = pictures.select(&half).select(&[3, 2, 890]);
        agrees(part.raw_rows().unwrap(), &digits().subset(&[6, 4, 1780]));
        let points = Toy::EightGaussians.dataset(10_000, &mut Noise::new(Seed(1)));
        agrees(Data::from_dataset(points.clone()).raw_rows().unwrap(), &points);
        assert!(Data::Text(crate::Text::new(["a"])).raw_rows().is_none());
    }
}
