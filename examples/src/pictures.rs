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

/// Line after line, a picture of each column, all from 0 to 1. Writes `pictures.png` into the folder
/// and shows it in the report.
///
/// # Errors
/// When the system refuses.
pub fn show_columns(
    folder: &Path,
    report: &mut Report,
    event: &[usize],
    columns: &[Vec<f32>],
    lines: usize,
    caption: &str,
) -> Result<(), Box<dyn Error>> {
    let size: usize = event.iter().product();
    let line = |i: usize| columns.iter().flat_map(move |c| c[i * size..][..size].to_vec());
    let pictures: Vec<f32> = (0..lines).flat_map(line).collect();
    let (n, wide) = (lines * columns.len(), columns.len());
    let file = folder.join("pictures.png");
    grid_png_file(&file, &pictures, n, event, wide, 0)?;
    report.picture(&grid_png(&pictures, n, event, wide, 0)?, caption);
    println!("{caption}: {}", file.display());
    Ok(())
}

/// The values of pictures, picture by picture.
pub fn values(pictures: Tensor<4>) -> Vec<f32> {
    pictures.into_data().iter::<f32>().collect()
}

/// How far each picture leans: columns to the left for each row further down, by least squares
/// over the brightness. Upright strokes lean 0, italics more.
pub fn slant(pictures: Tensor<4>) -> Vec<f64> {
    let [_, _, _, side] = pictures.dims();
    let values = values(pictures);
    let lean = |picture: &[f32]| {
        let (mut total, mut x, mut y, mut xy, mut yy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (i, &v) in picture.iter().enumerate() {
            let (weight, column, row) = (f64::from(v), (i % side) as f64, (i / side) as f64);
            total += weight;
            x += weight * column;
            y += weight * row;
            xy += weight * column * row;
            yy += weight * row * row;
        }
        (x * y - total * xy) / (total * yy - y * y).max(f64::MIN_POSITIVE)
    };
    values.chunks_exact(side * side).map(lean).collect()
}

/// The rows with this label.
pub fn rows_of(labels: &[usize], label: usize) -> Vec<usize> {
    (0..labels.len()).filter(|&row| labels[row] == label).collect()
}
