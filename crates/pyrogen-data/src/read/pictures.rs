//! Folders of pictures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageReader};

use crate::read::folder;
use crate::{DataError, Dataset, Loaded};

/// How a folder of pictures is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PictureOptions {
    /// Width and height that every picture is resized to. Without it all must have one size.
    pub size: Option<(u32, u32)>,
    /// Cut the largest centred part of the shape of `size` first, instead of squeezing.
    pub crop: bool,
    /// Brightness only, one channel.
    pub grey: bool,
}

/// Endings of the files that are read; others are passed over.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

/// The largest width and height that pictures are resized to.
pub(crate) const MAX_SIDE: u32 = 16_384;

/// Reads every picture under `dir`, sorted by path, or the one picture where it is a file:
/// `[1 or 3, h, w]`, 256 levels.
pub(crate) fn load(dir: &Path, options: &PictureOptions) -> Result<Loaded, DataError> {
    let (paths, note) = if dir.is_file() {
        (vec![dir.to_path_buf()], None)
    } else {
        let found = folder::collect(dir, is_picture)?;
        let note = found.passed_over();
        (found.paths, note)
    };
    if paths.is_empty() {
        return Err(DataError::NoExamples {
            path: dir.to_path_buf(),
            hint: format!("there is no file ending in {}", ENDINGS.join(", ")),
        });
    }
    let pixels = decode_all(&paths, options)?;
    let values = to_planes(&pixels);
    let event = vec![pixels.channels, pixels.height, pixels.width];
    let (labels, names) = classes(dir, &paths).unzip();
    let data = Dataset::from_parts(values, event, labels)?.with_levels(256)?;
    let data = match names {
        Some(names) => data.with_class_names(names)?,
        None => data,
    };
    let mut loaded = Loaded::from(data);
    loaded.notes.extend(note);
    Ok(loaded)
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|e| ending == *e)
}

/// The pixels of all pictures, interleaved.
struct Pixels {
    bytes: Vec<u8>,
    width: usize,
    height: usize,
    channels: usize,
}

fn decode_all(paths: &[PathBuf], options: &PictureOptions) -> Result<Pixels, DataError> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut first_size = None;
    let mut channels = 1;
    for path in paths {
        let picture = fit(decode(path)?, options);
        let got = (picture.width(), picture.height());
        let size = *first_size.get_or_insert(got);
        if got != size {
            return Err(DataError::PictureSize {
                path: path.clone(),
                got_w: got.0,
                got_h: got.1,
                first: paths[0].clone(),
                first_w: size.0,
                first_h: size.1,
            });
        }
        if channels == 1 && !options.grey && has_colour(&picture) {
            channels = 3;
            bytes = bytes.iter().flat_map(|&p| [p; 3]).collect();
        }
        match channels {
            1 => bytes.extend(picture.to_luma8().as_raw()),
            _ => bytes.extend(picture.to_rgb8().as_raw()),
        }
    }
    let (width, height) = first_size.unwrap_or_default();
    Ok(Pixels { bytes, width: width as usize, height: height as usize, channels })
}

fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let wrong = |message: String| DataError::Picture {
        path: path.to_path_buf(),
        message: message.replace(['\n', '\r'], " "),
    };
    // The format is told from the content; the decoder's default limits bound what a lying
    // header can make it allocate.
    let picture = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(DataError::io(path, "read"))?
        .decode()
        .map_err(|e| wrong(e.to_string()))?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(wrong("it has no pixels".to_string()));
    }
    Ok(picture)
}

/// Whether some pixel is not grey, whatever the file could hold (BMP files are never plain grey).
fn has_colour(picture: &DynamicImage) -> bool {
    picture.color().has_color()
        && (picture.to_rgb8().pixels()).any(|p| p.0[0] != p.0[1] || p.0[1] != p.0[2])
}

/// Crops and resizes as the options say (triangle filter, which averages when it shrinks).
fn fit(picture: DynamicImage, options: &PictureOptions) -> DynamicImage {
    let Some((w, h)) = options.size else {
        return picture;
    };
    let (pw, ph) = (picture.width(), picture.height());
    let picture = if options.crop {
        let wide = u64::from(pw) * u64::from(h) > u64::from(ph) * u64::from(w);
        let part = |side: u32, a: u32, b: u32| {
            let cut = u64::from(side) * u64::from(a) / u64::from(b);
            (cut as u32).max(1)
        };
        let (cw, ch) =
            if wide { (part(ph, w, h).min(pw), ph) } else { (pw, part(pw, h, w).min(ph)) };
        picture.crop_imm((pw - cw) / 2, (ph - ch) / 2, cw, ch)
    } else {
        picture
    };
    if (picture.width(), picture.height()) == (w, h) {
        picture
    } else {
        picture.resize_exact(w, h, FilterType::Triangle)
    }
}

/// Interleaved pixels as planes, `[c, h, w]` for each picture.
fn to_planes(pixels: &Pixels) -> Vec<f32> {
    let channels = pixels.channels;
    let mut values = Vec::with_capacity(pixels.bytes.len());
    for picture in pixels.bytes.chunks_exact(pixels.width * pixels.height * channels) {
        for c in 0..channels {
            values.extend(picture.iter().skip(c).step_by(channels).map(|&p| f32::from(p)));
        }
    }
    values
}

/// Classes by the first folder below `dir`, if every picture lies in one.
fn classes(dir: &Path, paths: &[PathBuf]) -> Option<(Vec<u32>, Vec<String>)> {
    let folder = |path: &PathBuf| -> Option<String> {
        let below = path.strip_prefix(dir).ok()?;
        let mut parts = below.components();
        let first = parts.next()?;
        parts.next()?;
        Some(first.as_os_str().to_string_lossy().into_owned())
    };
    let folders = paths.iter().map(folder).collect::<Option<Vec<_>>>()?;
    let names: Vec<String> = folders.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let labels = folders
        .iter()
        .map(|f| names.binary_search(f).expect("made from the folders") as u32)
        .collect();
    Some((labels, names))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    /// The rows of numbers.
    fn load(dir: &Path, options: &PictureOptions) -> Result<Dataset, DataError> {
        Ok(super::load(dir, options)?.data.into_dataset().unwrap())
    }

    fn grey(path: &Path, w: u32, h: u32, f: impl Fn(u32, u32) -> u8) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        GrayImage::from_fn(w, h, |x, y| Luma([f(x, y)])).save(path).unwrap();
    }

    #[test]
    fn folders_are_classes_and_paths_the_order() {
        let dir = tempfile::tempdir().unwrap();
        grey(&dir.path().join("cat/z/2.png"), 3, 2, |x, y| (10 * y + x) as u8);
        grey(&dir.path().join("ant/9.bmp"), 3, 2, |_, _| 7);
        fs::write(dir.path().join("notes.txt"), "not a picture").unwrap();
        fs::write(dir.path().join("cat/.hidden.png"), "no").unwrap();
        let data = load(dir.path(), &PictureOptions::default()).unwrap();
        assert_eq!(data.event_shape(), [1, 2, 3]);
        assert_eq!(data.row(0), [7.0; 6]);
        assert_eq!(data.row(1), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
        assert_eq!(data.labels(), Some(&[0, 1][..]));
        assert_eq!(data.class_names(), ["ant", "cat"]);
        assert_eq!(data.levels(), Some(256));
        // One picture outside a folder: no labels.
        grey(&dir.path().join("0.png"), 3, 2, |_, _| 1);
        let data = load(dir.path(), &PictureOptions::default()).unwrap();
        assert_eq!((data.len(), data.labels()), (3, None));
    }

    #[test]
    fn colour_is_kept_as_planes_and_grey_pictures_join_it() {
        let dir = tempfile::tempdir().unwrap();
        grey(&dir.path().join("a.png"), 2, 1, |x, _| 100 + x as u8);
        RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8, 20, 30 + x as u8]))
            .save(dir.path().join("b.png"))
            .unwrap();
        let data = load(dir.path(), &PictureOptions::default()).unwrap();
        assert_eq!(data.event_shape(), [3, 1, 2]);
        assert_eq!(data.row(0), [100.0, 101.0, 100.0, 101.0, 100.0, 101.0]);
        assert_eq!(data.row(1), [0.0, 1.0, 20.0, 20.0, 30.0, 31.0]);
        let grey = PictureOptions { grey: true, ..PictureOptions::default() };
        assert_eq!(load(dir.path(), &grey).unwrap().event_shape(), [1, 1, 2]);
        // One file alone.
        let one = load(&dir.path().join("b.png"), &PictureOptions::default()).unwrap();
        assert_eq!((one.len(), one.labels(), one.row(0)), (1, None, data.row(1)));
    }

    #[test]
    fn another_size_is_an_error_or_is_resized() {
        let dir = tempfile::tempdir().unwrap();
        grey(&dir.path().join("a.png"), 4, 4, |_, _| 9);
        grey(&dir.path().join("b.png"), 6, 4, |x, _| if x % 5 == 0 { 255 } else { 60 });
        let text = load(dir.path(), &PictureOptions::default()).unwrap_err().to_string();
        for part in ["b.png: is 6x4", "a.png is 4x4", "size=4x4"] {
            assert!(text.contains(part), "{text}");
        }
        let mut options = PictureOptions { size: Some((4, 4)), ..PictureOptions::default() };
        let squeezed = load(dir.path(), &options).unwrap();
        assert!(squeezed.row(1).iter().any(|&v| v > 60.0));
        // The crop cuts the bright borders off.
        options.crop = true;
        assert_eq!(load(dir.path(), &options).unwrap().row(1), [60.0; 16]);
    }

    #[test]
    fn unreadable_pictures_and_empty_folders_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let text = |options: &PictureOptions| load(dir.path(), options).unwrap_err().to_string();
        assert!(text(&PictureOptions::default()).contains("no file ending in png"));
        grey(&dir.path().join("a.png"), 8, 8, |x, y| (x * y) as u8);
        let whole = fs::read(dir.path().join("a.png")).unwrap();
        let mut lying = whole.clone();
        lying[16..24].copy_from_slice(&[0x7f; 8]);
        let bad = [b"".to_vec(), b"text".to_vec(), whole[..whole.len() / 2].to_vec(), lying];
        for bytes in bad {
            fs::write(dir.path().join("a.png"), bytes).unwrap();
            let got = text(&PictureOptions::default());
            assert!(got.contains("a.png: cannot decode") && !got.contains('\n'), "{got}");
        }
        let missing = load(&dir.path().join("none"), &PictureOptions::default());
        assert!(missing.unwrap_err().to_string().contains("cannot read"));
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        grey(&dir.path().join("c/a.png"), 1, 1, |_, _| 1);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("c/up")).unwrap();
        assert_eq!(load(dir.path(), &PictureOptions::default()).unwrap().len(), 1);
    }
}
