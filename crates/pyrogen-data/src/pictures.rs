//! Pictures of examples: a grid in one file, or a folder of files.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage};
use pyrogen_core::folder::{FileBatch, remove_abandoned, write_file};

use crate::DataError;

/// Brightness of the lines between the pictures of a grid.
const GAP: u8 = 128;

/// Width and height that [`auto_scale`] aims at.
const VISIBLE: usize = 64;

/// More pixels than a picture that somebody looks at has.
const MAX_PIXELS: u128 = 1 << 28;

/// How many times to enlarge pictures of this shape so that they can be seen: 8 for 8x8, 2 for
/// 28x28, 1 from 64 pixels on.
pub fn auto_scale(event: &[usize]) -> usize {
    let side = event.iter().skip(1).copied().max().unwrap_or(1).max(1);
    (VISIBLE / side).max(1)
}

/// A grid of `n` pictures as a PNG file in memory.
///
/// `values` are `[n, c, h, w]` with `event = [c, h, w]`, `c` 1 (grey) or 3 (RGB), brightness in
/// `[0, 1]`; values outside are clamped. Each pixel becomes a square of `scale` pixels, and a line
/// of one pixel lies between pictures. `columns = 0` makes the grid about square, `scale = 0`
/// enlarges by [`auto_scale`].
///
/// # Errors
/// Another shape, another number of values, NaN, or a picture above 2^28 pixels.
pub fn grid_png(
    values: &[f32],
    n: usize,
    event: &[usize],
    columns: usize,
    scale: usize,
) -> Result<Vec<u8>, DataError> {
    let shape = Shape::check(values, n, event)?;
    let columns = match columns {
        0 => (n as f64).sqrt().ceil() as usize,
        columns => columns.min(n),
    };
    let scale = if scale == 0 { auto_scale(event) } else { scale };
    let rows = n.div_ceil(columns);
    // In u128 nothing here can overflow.
    let side =
        |count: usize, pixels: usize| count as u128 * (pixels as u128 * scale as u128 + 1) - 1;
    let (width, height) = (side(columns, shape.w), side(rows, shape.h));
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(DataError::Output {
            what: "grid",
            expected: "of at most 2^28 pixels: draw fewer pictures or a smaller scale",
            got: format!("{width}x{height}"),
        });
    }
    let at = |x: u32, y: u32| -> Option<[u8; 3]> {
        let place = |at: u32, pixels: usize| {
            let step = pixels * scale + 1;
            let (cell, within) = (at as usize / step, at as usize % step);
            (within < step - 1).then_some((cell, within / scale))
        };
        let (column, px) = place(x, shape.w)?;
        let (row, py) = place(y, shape.h)?;
        let i = row * columns + column;
        (i < n).then(|| shape.pixel(values, i, px, py))
    };
    let picture = shape.draw(width as u32, height as u32, |x, y| at(x, y).unwrap_or([GAP; 3]));
    encode(&picture)
}

/// Writes [`grid_png`] to a file; the folder is made if need be.
///
/// # Errors
/// As [`grid_png`], and when the system refuses.
pub fn grid_png_file(
    path: &Path,
    values: &[f32],
    n: usize,
    event: &[usize],
    columns: usize,
    scale: usize,
) -> Result<(), DataError> {
    let png = grid_png(values, n, event, columns, scale)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(DataError::io(parent, "create"))?;
    }
    Ok(write_file(path, &png)?)
}

/// Writes each picture to a file of its own, `00000.png`, `00001.png`, ..., in a folder that is
/// made if need be; gives the paths. Values, shapes and scale are as in [`grid_png`]; files of
/// the same names are replaced.
///
/// # Errors
/// As [`grid_png`], and when the system refuses.
pub fn picture_folder(
    dir: &Path,
    values: &[f32],
    n: usize,
    event: &[usize],
    scale: usize,
) -> Result<Vec<PathBuf>, DataError> {
    Shape::check(values, n, event)?;
    let digits = (n - 1).to_string().len().max(5);
    let mut batch = FileBatch::new(dir)?;
    for (i, picture) in values.chunks_exact(values.len() / n).enumerate() {
        batch.write(&format!("{i:0digits$}.png"), &grid_png(picture, 1, event, 1, scale)?)?;
    }
    Ok(batch.finish()?)
}

/// Writes each picture to a file of its own, in its true size, in a folder that is made if need be, or
/// is empty; `00000.png`, ..., in a folder for each class where there are classes. `wide` asks for 16
/// bits a channel.
pub(crate) fn picture_folders(
    dir: &Path,
    values: &[f32],
    event: &[usize],
    wide: bool,
    labels: Option<(&[u32], &[String])>,
) -> Result<(), DataError> {
    let width = event.iter().product::<usize>().max(1);
    let n = values.len() / width;
    let shape = Shape::check(values, n, event)?;
    let digits = (n - 1).to_string().len().max(5);
    let mut batch = new_folder(dir)?;
    for i in 0..n {
        let folder = match labels {
            None => String::new(),
            Some((labels, names)) => class_folder(labels[i], names) + "/",
        };
        let picture = if wide { shape.draw_wide(values, i) } else { shape.draw_one(values, i) };
        batch.write(&format!("{folder}{i:0digits$}.png"), &encode(&picture)?)?;
    }
    batch.finish()?;
    Ok(())
}

/// Many files for a folder that is made if need be, or is empty: old files would mix with new ones.
pub(crate) fn new_folder(dir: &Path) -> Result<FileBatch, DataError> {
    fs::create_dir_all(dir).map_err(DataError::io(dir, "create"))?;
    remove_abandoned(dir);
    let mut entries = fs::read_dir(dir).map_err(DataError::io(dir, "read"))?;
    if entries.next().is_some() {
        return Err(DataError::Output {
            what: "folder",
            expected: "new or empty: old files would mix with new ones",
            got: dir.display().to_string(),
        });
    }
    Ok(FileBatch::new(dir)?)
}

/// The name of a class as that of one folder, its number where the name cannot be one.
pub(crate) fn class_folder(label: u32, names: &[String]) -> String {
    let name = names.get(label as usize).map(|name| name.replace(['/', '\\'], "_"));
    let usable = |name: &String| !["", ".", ".."].contains(&name.as_str());
    name.filter(usable).unwrap_or_else(|| label.to_string())
}

struct Shape {
    c: usize,
    h: usize,
    w: usize,
}

impl Shape {
    fn check(values: &[f32], n: usize, event: &[usize]) -> Result<Self, DataError> {
        let output = |what, expected, got| DataError::Output { what, expected, got };
        let &[c @ (1 | 3), h @ (1..), w @ (1..)] = event else {
            let expected = "[1, height, width] or [3, height, width] for a picture";
            return Err(output("event", expected, format!("{event:?}")));
        };
        let wanted = [n, c, h, w].iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        if n == 0 || wanted != Some(values.len()) {
            let got = format!("{} values for {n} pictures of {event:?}", values.len());
            return Err(output("values", "one picture or more, each whole", got));
        }
        if let Some(i) = values.iter().position(|v| v.is_nan()) {
            let got = format!("NaN in picture {}", i / (c * h * w));
            return Err(output("values", "numbers", got));
        }
        Ok(Self { c, h, w })
    }

    fn pixel(&self, values: &[f32], i: usize, x: usize, y: usize) -> [u8; 3] {
        let plane = self.h * self.w;
        let byte = |c: usize| {
            let v = values[(i * self.c + c) * plane + y * self.w + x];
            (v.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        match self.c {
            1 => [byte(0); 3],
            _ => [byte(0), byte(1), byte(2)],
        }
    }

    fn draw_one(&self, values: &[f32], i: usize) -> DynamicImage {
        let at = |x, y| self.pixel(values, i, x as usize, y as usize);
        self.draw(self.w as u32, self.h as u32, at)
    }

    fn draw_wide(&self, values: &[f32], i: usize) -> DynamicImage {
        let plane = self.h * self.w;
        let at = |c: usize, x: u32, y: u32| {
            let v = values[(i * self.c + c) * plane + y as usize * self.w + x as usize];
            (v.clamp(0.0, 1.0) * 65_535.0).round() as u16
        };
        let (w, h) = (self.w as u32, self.h as u32);
        match self.c {
            1 => DynamicImage::ImageLuma16(ImageBuffer::from_fn(w, h, |x, y| Luma([at(0, x, y)]))),
            _ => DynamicImage::ImageRgb16(ImageBuffer::from_fn(w, h, |x, y| {
                Rgb([at(0, x, y), at(1, x, y), at(2, x, y)])
            })),
        }
    }

    fn draw(&self, w: u32, h: u32, at: impl Fn(u32, u32) -> [u8; 3]) -> DynamicImage {
        if self.c == 1 {
            GrayImage::from_fn(w, h, |x, y| Luma([at(x, y)[0]])).into()
        } else {
            RgbImage::from_fn(w, h, |x, y| Rgb(at(x, y))).into()
        }
    }
}

fn encode(picture: &DynamicImage) -> Result<Vec<u8>, DataError> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Png).map_err(|e| DataError::Output {
        what: "picture",
        expected: "one that PNG can hold",
        got: e.to_string(),
    })?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn a_grid_has_scaled_pictures_and_gaps() {
        // Three pictures of 1x2 in two columns, scale 2: 9 wide, 5 high.
        let values = [0.0, 1.0, 0.2, 0.4, 2.0, -1.0];
        let png = grid_png(&values, 3, &[1, 1, 2], 2, 2).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(picture.dimensions(), (9, 5));
        let rows: Vec<&[u8]> = picture.as_raw().chunks_exact(9).collect();
        assert_eq!(rows[0], [0, 0, 255, 255, 128, 51, 51, 102, 102]);
        assert_eq!(rows[0], rows[1]);
        assert_eq!(rows[2], [128; 9]);
        assert_eq!(rows[4], [255, 255, 0, 0, 128, 128, 128, 128, 128]);
    }

    #[test]
    fn colour_planes_become_pixels() {
        let values = [1.0, 0.0, 0.2, 0.4, 0.0, 1.0];
        let png = grid_png(&values, 1, &[3, 1, 2], 0, 1).unwrap();
        let picture = image::load_from_memory(&png).unwrap();
        assert_eq!(picture.to_rgb8().as_raw(), &[255, 51, 0, 0, 102, 255]);
    }

    #[test]
    fn a_folder_of_pictures_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let digits = crate::digits().subset(&[0, 5, 9]);
        let unit = digits.layout().to_unit(digits.values());
        let out = dir.path().join("new/folder");
        let paths = picture_folder(&out, &unit, 3, &[1, 8, 8], 1).unwrap();
        assert!(paths[2].ends_with("00002.png"));
        let back = Source::new("images", out, &[]).unwrap().load().unwrap();
        assert_eq!(back.event_shape(), [1, 8, 8]);
        for (a, b) in back.values().iter().zip(&unit) {
            assert_eq!(*a, (b * 255.0).round());
        }
    }

    #[test]
    fn scales_make_pictures_visible() {
        let scales = [[1, 8, 8], [1, 28, 28], [3, 64, 32], [3, 500, 2]].map(|e| auto_scale(&e));
        assert_eq!(scales, [8, 2, 1, 1]);
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        let text = |values: &[f32], n, event: &[usize], scale| {
            let error = grid_png(values, n, event, 0, scale).unwrap_err().to_string();
            assert!(error.starts_with("cannot write"), "{error}");
            error
        };
        assert!(text(&[0.0; 4], 1, &[2, 1, 2], 1).contains("[2, 1, 2]"));
        assert!(text(&[0.0; 4], 1, &[4], 1).contains("[4]"));
        assert!(text(&[0.0; 4], 2, &[1, 2, 2], 1).contains("4 values for 2"));
        assert!(text(&[], 0, &[1, 2, 2], 1).contains("0 pictures"));
        assert!(text(&[0.0, f32::NAN], 2, &[1, 1, 1], 1).contains("NaN in picture 1"));
        assert!(text(&[0.0; 4], 1, &[1, 2, 2], usize::MAX / 8).contains("2^28 pixels"));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let below = file.join("grid.png");
        assert!(grid_png_file(&below, &[0.0], 1, &[1, 1, 1], 0, 0).is_err());
        assert!(picture_folder(&file, &[0.0], 1, &[1, 1, 1], 0).is_err());
    }
}
