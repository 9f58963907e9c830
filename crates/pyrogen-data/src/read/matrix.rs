//! A matrix of numbers: samples or features to be compared.

use crate::data::Hasher;
use crate::{DataError, Modality};

/// Rows of numbers, row-major, all finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Numbers in each row.
    pub cols: usize,
    /// The numbers.
    pub values: Vec<f64>,
    /// The shape of a row: one axis, or those of a picture.
    pub shape: Vec<usize>,
    /// Names of the columns, where the file has them.
    pub names: Option<Vec<String>>,
    /// Which numbers stand for black and white, where the rows are pictures: found in the numbers.
    pub range: Option<[f32; 2]>,
}

/// Ranges of pictures whose widths differ by more than this are not two samples of one range.
const OTHER_RANGE: f32 = 100.0;

impl Matrix {
    /// SHA-256 over shape and numbers, in hexadecimal.
    pub fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Points);
        hash.numbers(self.shape.iter().map(|&axis| axis as u64));
        hash.floats(self.values.iter().copied());
        hash.finish()
    }

    /// These rows with the columns of `other`: by name, where both files name their columns.
    ///
    /// # Errors
    /// Rows of other shapes, columns of other names, or pictures of another range: bytes beside numbers
    /// from 0 to 1.
    pub fn like(mut self, other: &Self) -> Result<Self, DataError> {
        // A flat row may be a picture's pixels; two pictures of other axes are not the same.
        let flat = self.shape.len() == 1 || other.shape.len() == 1;
        if self.cols != other.cols || (!flat && self.shape != other.shape) {
            let expected = format!("rows of shape {:?}", other.shape);
            return Err(DataError::part("rows", expected, format!("{:?}", self.shape)));
        }
        if let (Some(own), Some(range)) = (self.range, other.range) {
            let ratio = (own[1] - own[0]) / (range[1] - range[0]);
            if !(OTHER_RANGE.recip()..=OTHER_RANGE).contains(&ratio) {
                let shown = |[black, white]: [f32; 2]| format!("pictures from {black} to {white}");
                return Err(DataError::part("range", shown(range), shown(own)));
            }
        }
        let (Some(own), Some(wanted)) = (&self.names, &other.names) else {
            return Ok(self);
        };
        if own == wanted {
            return Ok(self);
        }
        let place = |name: &String| own.iter().position(|n| n == name);
        let Some(places) = wanted.iter().map(place).collect::<Option<Vec<usize>>>() else {
            let expected = format!("the columns {}", wanted.join(", "));
            return Err(DataError::part("columns", expected, own.join(", ")));
        };
        let rows = self.values.chunks_exact(self.cols);
        self.values = rows.flat_map(|row| places.iter().map(|&j| row[j])).collect();
        self.names = Some(wanted.clone());
        Ok(self)
    }
}
