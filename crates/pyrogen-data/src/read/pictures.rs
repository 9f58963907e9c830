//! Folders of pictures.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::decode::{Decoded, decode};
use super::folder::{self, Found, classes};
use super::picture_options::PictureOptions;
use crate::data::{Data, Pictures, Pixels};
use crate::{DataError, Layout, Loaded, Origins};

/// Endings of the files that are read; others are passed over.
const ENDINGS: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "bmp",
    "gif",
    "webp",
    "ppm",
    "pgm",
    "pbm",
    "pnm",
    #[cfg(feature = "tiff")]
    "tif",
    #[cfg(feature = "tiff")]
    "tiff",
];

/// The largest width and height that pictures are resized to.
pub(crate) const MAX_SIDE: u32 = 16_384;

/// Reads every picture under `dir`, sorted by path, or the one picture where it is a file:
/// `[1 or 3, h, w]`, of 256 levels, or of 65,536 where one has more than bytes hold.
pub(crate) fn load(dir: &Path, options: &PictureOptions) -> Result<Loaded, DataError> {
    let found = match dir.is_file() {
        true => Found::one(dir),
        false => folder::collect(dir, is_picture)?,
    };
    let paths = &found.paths;
    let mut notes: Vec<String> = found.passed_over().into_iter().collect();
    if paths.is_empty() {
        let hint = format!("there is no file ending in {}", ENDINGS.join(", "));
        return Err(DataError::NoExamples { path: dir.to_path_buf(), hint });
    }
    let classes = classes(dir, paths);
    if classes.is_some() {
        found.check_folders()?;
    }
    let decoded: Vec<Decoded> =
        paths.par_iter().map(|path| decode(path, options)).collect::<Result<_, _>>()?;
    check_sizes(paths, &decoded)?;
    let transparent = decoded.iter().filter(|picture| picture.transparent).count();
    if transparent > 0 {
        let [r, g, b] = options.background;
        notes.push(format!(
            "{transparent} pictures have transparent pixels: they are laid on #{r:02x}{g:02x}{b:02x} \
             (background=COLOUR)"
        ));
    }
    let (pixels, channels) = join(&decoded);
    let levels = pixels.found_levels();
    if levels == 2 {
        notes.push("pixels are 0 or 1: taken for black and white".to_string());
    }
    let (labels, class_names) = classes.unzip();
    let layout = Layout {
        event: vec![channels, decoded[0].height as usize, decoded[0].width as usize],
        levels: Some(levels),
        class_names: class_names.unwrap_or_default(),
        ..Layout::default()
    };
    let mut loaded = Loaded::new(Data::Pictures(Pictures::of_parts(layout, pixels, labels)));
    loaded.notes = notes;
    loaded.origins = Some(Origins::Files(paths.clone()));
    Ok(loaded)
}

/// Whether a path has the ending of a picture.
fn is_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|e| ending == *e)
}

fn check_sizes(paths: &[PathBuf], decoded: &[Decoded]) -> Result<(), DataError> {
    let (first_w, first_h) = (decoded[0].width, decoded[0].height);
    let other = |(_, p): &(&PathBuf, &Decoded)| (p.width, p.height) != (first_w, first_h);
    match paths.iter().zip(decoded).find(other) {
        None => Ok(()),
        Some((path, picture)) => Err(DataError::PictureSize {
            path: path.clone(),
            got_w: picture.width,
            got_h: picture.height,
            first: paths[0].clone(),
            first_w,
            first_h,
        }),
    }
}

/// The pixels of all pictures as planes, in the form of the richest of them, and the channels.
fn join(decoded: &[Decoded]) -> (Pixels, usize) {
    let channels = decoded.iter().map(|picture| picture.channels).max().unwrap_or(1);
    let words = decoded.iter().any(|picture| matches!(picture.pixels, Pixels::Words(_)));
    let mut bytes: Vec<u8> = Vec::new();
    let mut wide: Vec<u16> = Vec::new();
    for picture in decoded {
        // A grey picture among others has three equal planes.
        for c in 0..channels {
            let c = c.min(picture.channels - 1);
            match &picture.pixels {
                Pixels::Bytes(v) if words => {
                    let plane = v.iter().skip(c).step_by(picture.channels);
                    wide.extend(plane.map(|&p| u16::from(p) * 257));
                }
                Pixels::Bytes(v) => bytes.extend(v.iter().skip(c).step_by(picture.channels)),
                Pixels::Words(v) => wide.extend(v.iter().skip(c).step_by(picture.channels)),
                Pixels::Floats(_) => unreachable!("decoded pictures are bytes or words"),
            }
        }
    }
    (if words { Pixels::Words(wide) } else { Pixels::Bytes(bytes) }, channels)
}

#[cfg(test)]
mod tests;
