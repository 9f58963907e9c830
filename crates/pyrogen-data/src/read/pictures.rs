//! Folders of pictures.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;

use super::decode::{Decoded, decode};
use super::files::{Form, PictureFiles};
use super::folder::{self, Found, classes};
use super::picture_options::PictureOptions;
use crate::data::{Data, PictureHash, Pictures, Pixels};
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
    let survey = Survey::of(paths, options)?;
    notes.extend(survey.notes(options));
    let (labels, class_names) = classes.unzip();
    let form = survey.form;
    let layout = Layout { class_names: class_names.unwrap_or_default(), ..survey.layout() };
    let pictures = match survey.held {
        Some(decoded) => {
            let mut pixels = form.empty(decoded.len());
            // Each picture is freed as soon as it has been copied.
            decoded.into_iter().for_each(|picture| form.append(&picture, &mut pixels));
            Pictures::of_parts(layout, pixels, labels)
        }
        None => {
            notes.push(format!(
                "{} pictures stay in their files and are decoded as they are needed (cache=yes \
                 keeps them in memory)",
                paths.len()
            ));
            let hash =
                survey.early.map(|early| early.hash.finish(labels.as_deref(), &layout.class_names));
            let hash = hash.map_or_else(OnceLock::new, OnceLock::from);
            let (paths, options) = (paths.clone(), *options);
            let files = PictureFiles { paths, options, form, hash };
            Pictures::of_files(layout, files, labels)
        }
    };
    let mut loaded = Loaded::new(Data::Pictures(pictures));
    loaded.notes = notes;
    loaded.origins = Some(Origins::Files(found.paths));
    Ok(loaded)
}

/// Bytes of pixels that are kept where nothing else is asked for.
const KEPT: usize = 256 << 20;

/// Pictures that are decoded at a time.
const CHUNK: usize = 256;

/// What a first look at all pictures finds.
struct Survey {
    form: Form,
    /// Pictures with a pixel that is not opaque.
    transparent: usize,
    /// Whether no byte is above 1, and one is 1.
    bits: [bool; 2],
    /// The pictures, where they are kept.
    held: Option<Vec<Decoded>>,
    /// Their hash, where they are not kept.
    early: Option<Early>,
}

/// A hash that is taken while pictures are decoded for the first time, as long as they all have the form
/// and the levels of the first ones.
struct Early {
    form: Form,
    levels: usize,
    hash: PictureHash,
}

impl Early {
    fn take(&mut self, pictures: &[Decoded]) {
        for picture in pictures {
            let mut pixels = self.form.empty(1);
            self.form.append(picture, &mut pixels);
            self.hash.take(&pixels);
        }
    }
}

impl Survey {
    /// Decodes each picture once.
    fn of(paths: &[PathBuf], options: &PictureOptions) -> Result<Self, DataError> {
        let mut survey = Self {
            form: Form { width: 0, height: 0, channels: 1, wide: false },
            transparent: 0,
            bits: [true, false],
            held: (options.cache != Some(false)).then(Vec::new),
            early: None,
        };
        // While some are decoded, those before them are hashed.
        let (mut kept, mut before) = (0, Vec::new());
        for (k, chunk) in paths.chunks(CHUNK).enumerate() {
            let early = &mut survey.early;
            let (decoded, ()) = rayon::join(
                || chunk.par_iter().map(|path| decode(path, options)).collect(),
                || early.iter_mut().for_each(|early| early.take(&before)),
            );
            let decoded: Result<Vec<Decoded>, DataError> = decoded;
            let decoded = decoded?;
            for (path, picture) in chunk.iter().zip(&decoded) {
                survey.add(&paths[0], path, picture)?;
                kept += picture.bytes();
            }
            let full = kept > KEPT && options.cache != Some(true);
            match &mut survey.held {
                Some(held) if !full => held.extend(decoded),
                _ => {
                    let all = survey.held.take().unwrap_or_default();
                    survey.go_on(paths.len(), k == 0 || !all.is_empty(), &all);
                    before = decoded;
                }
            }
        }
        survey.early.iter_mut().for_each(|early| early.take(&before));
        Ok(survey)
    }

    /// Begins a hash with the first pictures, or gives it up where a later one has another form.
    fn go_on(&mut self, pictures: usize, begins: bool, first: &[Decoded]) {
        let (form, levels) = (self.form, self.levels());
        if begins {
            let hash = PictureHash::new(&self.layout(), pictures);
            let mut early = Early { form, levels, hash };
            early.take(first);
            self.early = Some(early);
        }
        self.early.take_if(|early| (early.form, early.levels) != (form, levels));
    }

    fn layout(&self) -> Layout {
        let form = &self.form;
        Layout {
            event: vec![form.channels, form.height as usize, form.width as usize],
            levels: Some(self.levels()),
            ..Layout::default()
        }
    }

    fn add(&mut self, first: &Path, path: &Path, picture: &Decoded) -> Result<(), DataError> {
        let form = &mut self.form;
        if form.width == 0 {
            (form.width, form.height) = (picture.width, picture.height);
        }
        if (picture.width, picture.height) != (form.width, form.height) {
            return Err(DataError::PictureSize {
                path: path.to_path_buf(),
                got_w: picture.width,
                got_h: picture.height,
                first: first.to_path_buf(),
                first_w: form.width,
                first_h: form.height,
            });
        }
        form.channels = form.channels.max(picture.channels);
        form.wide |= matches!(picture.pixels, Pixels::Words(_));
        self.transparent += usize::from(picture.transparent);
        if let (Pixels::Bytes(v), true) = (&picture.pixels, self.bits[0]) {
            self.bits[0] = v.iter().all(|&v| v < 2);
            self.bits[1] |= v.contains(&1);
        }
        Ok(())
    }

    /// The number of levels, as [`Pixels::found_levels`] has it.
    fn levels(&self) -> usize {
        match (self.form.wide, self.bits) {
            (true, _) => 65_536,
            (false, [true, true]) => 2,
            (false, _) => 256,
        }
    }

    /// What a user may not expect.
    fn notes(&self, options: &PictureOptions) -> Vec<String> {
        let mut notes = Vec::new();
        if self.transparent > 0 {
            let [r, g, b] = options.background;
            notes.push(format!(
                "{} pictures have transparent pixels: they are laid on #{r:02x}{g:02x}{b:02x} \
                 (background=COLOUR)",
                self.transparent
            ));
        }
        if self.levels() == 2 {
            notes.push("pixels are 0 or 1: taken for black and white".to_string());
        }
        notes
    }
}

/// Whether a path has the ending of a picture.
fn is_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|e| ending == *e)
}

#[cfg(test)]
mod tests;
