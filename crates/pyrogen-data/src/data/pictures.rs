//! Pictures.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::hash::Hasher;
use super::rows::{class_counts, write_rows};
use super::{Items, Modality};
use crate::pictures::picture_folders;
use crate::raw_rows::RawRows;
use crate::read::files::PictureFiles;
use crate::{DataError, Dataset, Layout};

/// Pictures of one size, `[channels, height, width]`, as bytes or as what else they were read.
///
/// Clones and parts share the pixels. Pictures of a folder that is larger than memory stay in their
/// files and are decoded as they are needed (see [`PictureOptions::cache`](crate::PictureOptions)).
///
/// # Panics
/// Methods that give no `Result` panic where a file that was read before cannot be read any more.
#[derive(Debug, Clone)]
pub struct Pictures {
    layout: Layout,
    store: Store,
    /// Which pictures of the store these are, where they are not all of them in order.
    rows: Option<Arc<[u32]>>,
    labels: Option<Vec<u32>>,
}

/// Where pixels are.
#[derive(Debug, Clone)]
enum Store {
    Held(Arc<Pixels>),
    Files(Arc<PictureFiles>),
}

/// The pixels of pictures, one picture after the other, plane by plane.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Pixels {
    /// Levels from 0 to 255, or fewer.
    Bytes(Vec<u8>),
    /// Levels from 0 to 65,535, or fewer.
    Words(Vec<u16>),
    /// Numbers.
    Floats(Vec<f32>),
}

macro_rules! each {
    ($pixels:expr, $v:ident => $body:expr) => {
        match $pixels {
            Pixels::Bytes($v) => $body,
            Pixels::Words($v) => $body,
            Pixels::Floats($v) => $body,
        }
    };
}

impl Pixels {
    /// Number of values.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Raw values in the smallest form that holds them.
    pub(crate) fn of_values(values: &[f32], levels: Option<usize>) -> Self {
        let whole = |v: &f32, top: f32| v.fract() == 0.0 && (0.0..=top).contains(v);
        match levels {
            Some(2..=256) if values.iter().all(|v| whole(v, 255.0)) => {
                Self::Bytes(values.iter().map(|&v| v as u8).collect())
            }
            Some(2..=65_536) if values.iter().all(|v| whole(v, 65_535.0)) => {
                Self::Words(values.iter().map(|&v| v as u16).collect())
            }
            _ => Self::Floats(values.to_vec()),
        }
    }

    /// The number of levels of bytes and words: 2 where no value is above 1, since nobody sees the
    /// difference of two levels of 256.
    pub(crate) fn found_levels(&self) -> usize {
        match self {
            Self::Bytes(v) if v.iter().all(|&v| v < 2) && v.contains(&1) => 2,
            Self::Bytes(_) => 256,
            _ => 65_536,
        }
    }

    fn to_f32(&self) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.len());
        self.extend(0..self.len(), &mut out);
        out
    }

    /// Appends some of the values.
    fn extend(&self, range: std::ops::Range<usize>, out: &mut Vec<f32>) {
        match self {
            Self::Bytes(v) => out.extend(v[range].iter().map(|&v| f32::from(v))),
            Self::Words(v) => out.extend(v[range].iter().map(|&v| f32::from(v))),
            Self::Floats(v) => out.extend_from_slice(&v[range]),
        }
    }

    fn select(&self, rows: &[usize], width: usize) -> Self {
        fn pick<T: Copy>(v: &[T], rows: &[usize], width: usize) -> Vec<T> {
            rows.iter().flat_map(|&r| v[r * width..(r + 1) * width].iter().copied()).collect()
        }
        match self {
            Self::Bytes(v) => Self::Bytes(pick(v, rows, width)),
            Self::Words(v) => Self::Words(pick(v, rows, width)),
            Self::Floats(v) => Self::Floats(pick(v, rows, width)),
        }
    }

    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bytes(mut a), Self::Bytes(b)) => {
                a.extend(b);
                Self::Bytes(a)
            }
            (Self::Words(mut a), Self::Words(b)) => {
                a.extend(b);
                Self::Words(a)
            }
            (a, b) => Self::Floats([a.to_f32(), b.to_f32()].concat()),
        }
    }
}

impl Pictures {
    /// Parts that fit each other.
    pub(crate) fn of_parts(layout: Layout, pixels: Pixels, labels: Option<Vec<u32>>) -> Self {
        Self { layout, store: Store::Held(Arc::new(pixels)), rows: None, labels }
    }

    /// Pictures that stay in their files.
    pub(crate) fn of_files(layout: Layout, files: PictureFiles, labels: Option<Vec<u32>>) -> Self {
        Self { layout, store: Store::Files(Arc::new(files)), rows: None, labels }
    }

    /// Pictures from rows of numbers.
    pub fn from_dataset(rows: Dataset) -> Self {
        let pixels = Pixels::of_values(rows.values(), rows.levels());
        let labels = rows.labels().map(<[u32]>::to_vec);
        Self::of_parts(rows.layout().clone(), pixels, labels)
    }

    /// The pictures as rows of numbers in raw units.
    pub fn dataset(&self) -> Cow<'_, Dataset> {
        Cow::Owned(self.to_dataset().unwrap_or_else(lost))
    }

    /// The pictures as rows of numbers in raw units.
    pub fn into_dataset(self) -> Dataset {
        self.dataset().into_owned()
    }

    /// The place in the store of each of some pictures.
    fn places(&self, rows: &[usize]) -> Vec<usize> {
        let n = Items::len(self);
        let place = |&row: &usize| {
            assert!(row < n, "Pictures: picture {row} of {n}");
            self.rows.as_ref().map_or(row, |places| places[row] as usize)
        };
        rows.iter().map(place).collect()
    }

    /// What the pixels mean.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All pixels, picture by picture, plane by plane.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn pixels(&self) -> Result<Cow<'_, Pixels>, DataError> {
        let width = self.layout.width();
        let all = || self.places(&(0..Items::len(self)).collect::<Vec<_>>());
        match &self.store {
            Store::Held(pixels) if self.rows.is_none() => Ok(Cow::Borrowed(pixels)),
            Store::Held(pixels) => Ok(Cow::Owned(pixels.select(&all(), width))),
            Store::Files(files) => {
                let read = files.read(&all())?.into_iter();
                let none = files.form.empty(0);
                Ok(Cow::Owned(read.fold(none, Pixels::join)))
            }
        }
    }

    /// The hash of everything that a model can see.
    fn hash(&self) -> String {
        let mut hash = PictureHash::new(&self.layout, Items::len(self));
        self.each(&mut |values| hash.0.more_floats(values.iter().map(|&v| f64::from(v))))
            .unwrap_or_else(lost);
        hash.finish(self.labels(), self.class_names())
    }

    /// The class of each picture.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        &self.layout.class_names
    }
}

/// The hash of pictures in the making.
pub(crate) struct PictureHash(Hasher);

impl PictureHash {
    /// The hash of so many pictures of a layout, none of which has been taken.
    pub fn new(layout: &Layout, pictures: usize) -> Self {
        let mut hash = Hasher::new(Modality::Pictures);
        hash.numbers(layout.event.iter().map(|&axis| axis as u64));
        hash.number(layout.levels.map_or(0, |levels| levels as u64));
        hash.floats(layout.range.unwrap_or_default().into_iter().map(f64::from));
        hash.number((pictures * layout.width()) as u64);
        Self(hash)
    }

    /// Takes the next pictures.
    pub fn take(&mut self, pixels: &Pixels) {
        each!(pixels, v => self.0.more_floats(v.iter().map(|&v| f64::from(v))));
    }

    /// The hash, when all pictures have been taken.
    pub fn finish(mut self, labels: Option<&[u32]>, class_names: &[String]) -> String {
        self.0.labels(labels);
        self.0.texts(class_names);
        self.0.finish()
    }
}

/// What becomes of a file that is gone.
fn lost<T>(error: DataError) -> T {
    panic!("pictures that were read before cannot be read any more: {error}")
}

/// A part of pixels that is smaller than this share of all does not keep the others in memory.
const SMALL: usize = 16;

impl RawRows for Pictures {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn len(&self) -> usize {
        Items::len(self)
    }

    fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    fn read(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), DataError> {
        let width = self.layout.width();
        let places = self.places(rows);
        out.reserve(rows.len() * width);
        match &self.store {
            Store::Held(pixels) => {
                places.iter().for_each(|&p| pixels.extend(p * width..(p + 1) * width, out));
            }
            Store::Files(files) => {
                files.read(&places)?.iter().for_each(|pixels| pixels.extend(0..width, out));
            }
        }
        Ok(())
    }

    fn whole(&self) -> Option<&[f32]> {
        match &self.store {
            Store::Held(pixels) => match (&**pixels, &self.rows) {
                (Pixels::Floats(v), None) => Some(v),
                _ => None,
            },
            Store::Files(_) => None,
        }
    }

    fn span(&self) -> Option<[f32; 2]> {
        let levels = self.layout.levels?;
        // Samples of a model may be no levels.
        let floats = matches!(&self.store, Store::Held(p) if matches!(**p, Pixels::Floats(_)));
        (!floats).then_some([0.0, levels.saturating_sub(1) as f32])
    }
}

impl PartialEq for Pictures {
    fn eq(&self, other: &Self) -> bool {
        let parts = |p: &Self| (p.layout.clone(), p.labels.clone(), Items::len(p));
        let same = |a: &Self, b: &Self| Ok::<_, DataError>(a.pixels()? == b.pixels()?);
        parts(self) == parts(other) && same(self, other).unwrap_or_else(lost)
    }
}

impl Items for Pictures {
    fn len(&self) -> usize {
        match (&self.rows, &self.store) {
            (Some(rows), _) => rows.len(),
            (None, Store::Held(pixels)) => pixels.len() / self.layout.width().max(1),
            (None, Store::Files(files)) => files.len(),
        }
    }

    fn select(&self, rows: &[usize]) -> Self {
        let places = self.places(rows);
        let labels = self.labels.as_ref().map(|l| rows.iter().map(|&r| l[r]).collect());
        let width = self.layout.width();
        if let Store::Held(pixels) = &self.store
            && rows.len() * width * SMALL < pixels.len()
        {
            return Self::of_parts(self.layout.clone(), pixels.select(&places, width), labels);
        }
        let rows = places.iter().map(|&place| place as u32).collect();
        let (layout, store) = (self.layout.clone(), self.store.clone());
        Self { layout, store, rows: Some(rows), labels }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        let mut pixels = all.pixels()?.into_owned();
        for part in parts {
            if part.layout != all.layout || part.labels.is_some() != all.labels.is_some() {
                let expected = format!("pictures of one layout, {:?}", all.layout.event);
                return Err(DataError::part("parts", expected, format!("{:?}", part.layout.event)));
            }
            pixels = pixels.join(part.pixels()?.into_owned());
            if let (Some(all), Some(labels)) = (&mut all.labels, part.labels) {
                all.extend(labels);
            }
        }
        Ok(Self::of_parts(all.layout, pixels, all.labels))
    }

    fn sha256(&self) -> String {
        match (&self.store, &self.rows) {
            (Store::Files(files), None) => files.hash.get_or_init(|| self.hash()).clone(),
            _ => self.hash(),
        }
    }

    fn describe(&self) -> Value {
        let mut out = json!({
            "modality": "pictures",
            "examples": Items::len(self),
            "event": self.layout.event,
            "levels": self.layout.levels,
        });
        if let Some(range) = self.layout.range {
            out["range"] = json!(range);
        }
        let n = (Items::len(self) * self.layout.width()).max(1) as f64;
        let (mut low, mut high, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        self.each(&mut |values| {
            for &v in values {
                let v = f64::from(v);
                (low, high, sum) = (low.min(v), high.max(v), sum + v);
            }
        })
        .unwrap_or_else(lost);
        (out["min"], out["max"], out["mean"]) = (low.into(), high.into(), (sum / n).into());
        if let Some(labels) = &self.labels {
            out["classes"] = class_counts(labels, self.class_names());
        }
        out["sha256"] = self.sha256().into();
        out
    }

    /// `.png`: a grid to look at; without an ending: a folder of a file a picture, in its true size,
    /// with a folder for each class where there are classes; `.npy`, `.csv`: raw values.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        if path.extension().is_some() {
            return write_rows(path, &self.dataset());
        }
        let rows = self.dataset();
        let unit = self.layout.to_unit(rows.values());
        let wide = matches!(self.layout.levels, Some(257..));
        let labels = self.labels().map(|labels| (labels, self.class_names()));
        picture_folders(path, &unit, &self.layout.event, wide, labels)
    }
}
