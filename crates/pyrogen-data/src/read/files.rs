//! Pictures that stay in their files and are decoded as they are needed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;

use super::decode::{Decoded, decode};
use super::picture_options::PictureOptions;
use crate::DataError;
use crate::data::Pixels;

/// The files of pictures of one size, each of which has been decoded once.
#[derive(Debug)]
pub(crate) struct PictureFiles {
    pub paths: Vec<PathBuf>,
    pub options: PictureOptions,
    pub form: Form,
    /// The hash of all of them, where it has been asked for: it takes a pass over the files.
    pub hash: OnceLock<String>,
}

/// What is the same for all pictures of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub width: u32,
    pub height: u32,
    pub channels: usize,
    /// Whether one of them needs more than bytes.
    pub wide: bool,
}

impl PictureFiles {
    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// The pixels of some pictures, decoded by all threads.
    pub fn read(&self, rows: &[usize]) -> Result<Vec<Pixels>, DataError> {
        rows.par_iter().map(|&row| self.one(&self.paths[row])).collect()
    }

    fn one(&self, path: &Path) -> Result<Pixels, DataError> {
        let picture = decode(path, &self.options)?;
        if !self.form.holds(&picture) {
            return Err(DataError::Picture {
                path: path.to_path_buf(),
                message: "it has changed since it was first read".to_string(),
            });
        }
        let mut pixels = self.form.empty(1);
        self.form.append(&picture, &mut pixels);
        Ok(pixels)
    }
}

impl Form {
    /// Whether a picture has a place in this form.
    fn holds(&self, picture: &Decoded) -> bool {
        (picture.width, picture.height) == (self.width, self.height)
            && picture.channels <= self.channels
            && (self.wide || !matches!(picture.pixels, Pixels::Words(_)))
    }

    /// Values of a picture.
    fn values(&self) -> usize {
        self.channels * self.width as usize * self.height as usize
    }

    /// Room for so many pictures.
    pub fn empty(&self, pictures: usize) -> Pixels {
        let room = pictures * self.values();
        match self.wide {
            true => Pixels::Words(Vec::with_capacity(room)),
            false => Pixels::Bytes(Vec::with_capacity(room)),
        }
    }

    /// Appends a picture, plane by plane. A grey picture among others has three equal planes.
    pub fn append(&self, picture: &Decoded, out: &mut Pixels) {
        for c in 0..self.channels {
            let c = c.min(picture.channels - 1);
            fn plane<T>(v: &[T], c: usize, channels: usize) -> impl Iterator<Item = &T> {
                v.iter().skip(c).step_by(channels)
            }
            match (&picture.pixels, &mut *out) {
                (Pixels::Bytes(v), Pixels::Bytes(out)) => {
                    out.extend(plane(v, c, picture.channels));
                }
                (Pixels::Bytes(v), Pixels::Words(out)) => {
                    out.extend(plane(v, c, picture.channels).map(|&p| u16::from(p) * 257));
                }
                (Pixels::Words(v), Pixels::Words(out)) => {
                    out.extend(plane(v, c, picture.channels));
                }
                _ => unreachable!("decoded pictures are bytes or words, and the form holds them"),
            }
        }
    }
}
