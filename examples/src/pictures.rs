//! Pictures of digits for an example's report.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{grid_png, grid_png_file};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;

/// Writes a grid of 8x8 pictures into a folder and puts it into the report.
///
/// # Errors
/// When the values are no such pictures, or the system refuses.
pub fn show(
    file: &Path,
    report: &mut Report,
    pictures: &[f32],
    columns: usize,
    caption: &str,
) -> Result<(), Box<dyn Error>> {
    let n = pictures.len() / 64;
    grid_png_file(file, pictures, n, &[1, 8, 8], columns, 0)?;
    report.picture(&grid_png(pictures, n, &[1, 8, 8], columns, 0)?, caption);
    Ok(())
}

/// The values of pictures, picture by picture.
pub fn values(pictures: Tensor<4>) -> Vec<f32> {
    pictures.into_data().iter::<f32>().collect()
}

/// The mean brightness of each picture.
pub fn ink(pictures: Tensor<4>) -> Vec<f64> {
    let mean: Tensor<2> = pictures.flatten::<2>(1, 3).mean_dim(1);
    mean.into_data().iter::<f64>().collect()
}

/// The rows with this label.
pub fn rows_of(labels: &[usize], label: usize) -> Vec<usize> {
    (0..labels.len()).filter(|&row| labels[row] == label).collect()
}
