//! Pictures.

use std::borrow::Cow;
use std::path::Path;

use serde_json::{Value, json};

use super::hash::Hasher;
use super::rows::{class_counts, write_rows};
use super::{Items, Modality};
use crate::pictures::picture_folders;
use crate::{DataError, Dataset, Layout};

/// Pictures of one size, `[channels, height, width]`, as bytes or as what else they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    layout: Layout,
    pixels: Pixels,
    labels: Option<Vec<u32>>,
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
        match self {
            Self::Bytes(v) => v.iter().map(|&v| f32::from(v)).collect(),
            Self::Words(v) => v.iter().map(|&v| f32::from(v)).collect(),
            Self::Floats(v) => v.clone(),
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
            (Self::Bytes(a), Self::Bytes(b)) => Self::Bytes([a, b].concat()),
            (Self::Words(a), Self::Words(b)) => Self::Words([a, b].concat()),
            (a, b) => Self::Floats([a.to_f32(), b.to_f32()].concat()),
        }
    }

    fn number(&self, i: usize) -> f64 {
        each!(self, v => f64::from(v[i]))
    }
}

impl Pictures {
    /// Parts that fit each other.
    pub(crate) fn of_parts(layout: Layout, pixels: Pixels, labels: Option<Vec<u32>>) -> Self {
        Self { layout, pixels, labels }
    }

    /// Pictures from rows of numbers.
    pub fn from_dataset(rows: Dataset) -> Self {
        let pixels = Pixels::of_values(rows.values(), rows.levels());
        Self { layout: rows.layout().clone(), pixels, labels: rows.labels().map(<[u32]>::to_vec) }
    }

    /// The pictures as rows of numbers in raw units.
    pub fn dataset(&self) -> Cow<'_, Dataset> {
        let (layout, labels) = (self.layout.clone(), self.labels.clone());
        Cow::Owned(Dataset::of_rows(self.pixels.to_f32(), layout, labels))
    }

    /// The pictures as rows of numbers in raw units.
    pub fn into_dataset(self) -> Dataset {
        let values = match self.pixels {
            Pixels::Floats(v) => v,
            pixels => pixels.to_f32(),
        };
        Dataset::of_rows(values, self.layout, self.labels)
    }

    /// What the pixels mean.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All pixels, picture by picture, plane by plane.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
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

impl Items for Pictures {
    fn len(&self) -> usize {
        self.pixels.len() / self.layout.width().max(1)
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            layout: self.layout.clone(),
            pixels: self.pixels.select(rows, self.layout.width()),
            labels: self.labels.as_ref().map(|l| rows.iter().map(|&r| l[r]).collect()),
        }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        for part in parts {
            if part.layout != all.layout || part.labels.is_some() != all.labels.is_some() {
                let expected = format!("pictures of one layout, {:?}", all.layout.event);
                return Err(DataError::part("parts", expected, format!("{:?}", part.layout.event)));
            }
            all.pixels = all.pixels.join(part.pixels);
            if let (Some(all), Some(labels)) = (&mut all.labels, part.labels) {
                all.extend(labels);
            }
        }
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Pictures);
        hash.numbers(self.layout.event.iter().map(|&axis| axis as u64));
        hash.number(self.layout.levels.map_or(0, |levels| levels as u64));
        hash.floats(self.layout.range.unwrap_or_default().into_iter().map(f64::from));
        hash.floats((0..self.pixels.len()).map(|i| self.pixels.number(i)));
        hash.labels(self.labels());
        hash.texts(self.class_names());
        hash.finish()
    }

    fn describe(&self) -> Value {
        let mut out = json!({
            "modality": "pictures",
            "examples": self.len(),
            "event": self.layout.event,
            "levels": self.layout.levels,
        });
        if let Some(range) = self.layout.range {
            out["range"] = json!(range);
        }
        let n = self.pixels.len();
        let values = || (0..n).map(|i| self.pixels.number(i));
        out["min"] = values().fold(f64::INFINITY, f64::min).into();
        out["max"] = values().fold(f64::NEG_INFINITY, f64::max).into();
        out["mean"] = (values().sum::<f64>() / n.max(1) as f64).into();
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
