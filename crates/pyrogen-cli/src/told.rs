//! Pictures on the command line: what samples are told, and what they start from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen::core::Describe;
use pyrogen::core::folder::Card;
use pyrogen::data::{DataError, Dataset, Layout, PictureContext, Preparation, Source};

use crate::args::PartName;
use crate::error::CliError;
use crate::session::Session;

/// Pictures as the command line names them: a data source, or one picture file.
#[derive(Debug, Clone)]
pub enum Pictures {
    /// Data.
    Source(Source),
    /// A picture file.
    File(PathBuf),
}

/// Endings of picture files.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

impl FromStr for Pictures {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let ending = Path::new(text).extension().unwrap_or_default().to_ascii_lowercase();
        match text.parse() {
            Ok(source) => Ok(Self::Source(source)),
            Err(_) if ENDINGS.iter().any(|e| ending == *e) => Ok(Self::File(text.into())),
            Err(unknown) => Err(unknown),
        }
    }
}

impl Pictures {
    fn load(&self) -> Result<Dataset, CliError> {
        Ok(match self {
            Self::Source(source) => source.load()?,
            Self::File(path) => Source::new("images", path, &[])?.load()?,
        })
    }

    fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// What samples are told: contexts, one sample after the other.
#[derive(Debug, Clone)]
pub struct Told {
    /// Flat, as the model reads them, brightness from 0 to 1.
    values: Vec<f32>,
    /// Shape of one of them.
    pub shape: Vec<usize>,
    /// The classes of the examples that they were made from.
    labels: Option<Vec<u32>>,
    /// The raw examples that they were made from, where they were.
    pub originals: Option<Vec<f32>>,
}

impl Told {
    /// Number of contexts.
    pub fn len(&self) -> usize {
        self.values.len() / self.width()
    }

    fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// All contexts, flat, brightness from 0 to 1.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The first contexts, at most `limit`.
    pub fn first(mut self, limit: usize) -> Self {
        let (n, width) = (self.len(), self.width());
        let kept = n.min(limit);
        self.values.truncate(kept * width);
        if let Some(labels) = &mut self.labels {
            labels.truncate(kept);
        }
        if let Some(originals) = &mut self.originals {
            originals.truncate(originals.len() / n * kept);
        }
        self
    }

    /// Each context so many times, one after the other.
    pub fn repeat_each(self, times: usize) -> Self {
        let repeated = |values: &[f32], width: usize| -> Vec<f32> {
            values.chunks_exact(width).flat_map(|row| row.repeat(times)).collect()
        };
        let each = |label: u32| std::iter::repeat_n(label, times);
        Self {
            values: repeated(&self.values, self.width()),
            labels: self.labels.map(|l| l.into_iter().flat_map(each).collect()),
            ..self
        }
    }

    /// The contexts of some samples: in turn, where there are more samples.
    pub fn rows(&self, rows: Range<usize>, device: &Device) -> Tensor<2> {
        let (n, width, count) = (self.len(), self.width(), rows.len());
        let row = |i: usize| &self.values[i % n * width..(i % n + 1) * width];
        let values: Vec<f32> = rows.flat_map(row).copied().collect();
        Tensor::from_data(TensorData::new(values, [count, width]), device)
    }

    /// The classes of some samples, in turn, where they are known.
    pub fn labels(&self, n: usize) -> Option<Vec<u32>> {
        let labels = self.labels.as_ref()?;
        Some((0..n).map(|i| labels[i % labels.len()]).collect())
    }
}

/// What a model's card says that it is told, checked against the model.
pub fn context_of(
    model: &dyn Describe,
    card: &Card,
    preparation: &Preparation,
) -> Result<Option<PictureContext>, String> {
    let shape = model.context_shape();
    let Some(text) = &card.data.context else {
        return match shape {
            None => Ok(None),
            Some(shape) => Err(format!(
                "the model is told a context of shape {shape:?} with each example, and card.json \
                 does not say how it is made: use the model from Rust"
            )),
        };
    };
    let context: PictureContext = text.parse().map_err(|e| format!("card.json: {e}"))?;
    let made = context.shape(&preparation.layout().event).map_err(|e| format!("card.json: {e}"))?;
    if shape.as_ref() != Some(&made) {
        let takes = shape.map_or("none".into(), |shape| format!("one of shape {shape:?}"));
        return Err(format!(
            "card.json: the context `{context}` has shape {made:?}, but the model takes {takes}"
        ));
    }
    Ok(Some(context))
}

impl Session {
    /// What samples are told: a picture file is the context itself, data is what contexts are made
    /// from as in training (or holds small pictures, which are known by their size).
    pub fn told(&self, from: Option<&Pictures>) -> Result<Option<Told>, CliError> {
        let (context, from) = match (self.context, from) {
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                return Err(CliError::Usage(
                    "--context is for models that were trained with one".into(),
                ));
            }
            (Some(context), None) => {
                return Err(CliError::Usage(format!(
                    "the model is told a context with each example ({context}): give --context \
                     PICTURE|SOURCE"
                )));
            }
            (Some(context), Some(from)) => (context, from),
        };
        self.read_told(context, from).map(Some)
    }

    /// Contexts out of pictures.
    pub fn read_told(&self, context: PictureContext, from: &Pictures) -> Result<Told, CliError> {
        let data = from.load()?;
        let layout = self.preparation.layout();
        let (event, given) = (&layout.event, context.given_shape(&layout.event)?);
        let itself = data.event_shape() == given && (from.is_file() || given != *event);
        if itself {
            let unit = data.layout().to_unit(data.values());
            let values = context.of_given(&unit, event)?;
            return Ok(Told {
                values,
                shape: context.shape(event)?,
                labels: None,
                originals: None,
            });
        }
        if data.event_shape() != event {
            return Err(CliError::Failed(format!(
                "the model is told `{context}`: give pictures of shape {given:?}, which are that, or \
                 of shape {event:?}, to make it from; these have {:?}",
                data.event_shape()
            )));
        }
        let data = self.part(in_levels(data, layout)?, PartName::HeldOut)?;
        self.told_of(&data)?.ok_or_else(|| CliError::Failed("the model takes no context".into()))
    }

    /// The contexts of some data, as in training; none where the model takes none.
    pub fn told_of(&self, data: &Dataset) -> Result<Option<Told>, CliError> {
        let Some(context) = self.context else { return Ok(None) };
        let event = data.event_shape();
        let values = context.of_pictures(&data.layout().to_unit(data.values()), event)?;
        Ok(Some(Told {
            values,
            shape: context.shape(event)?,
            labels: data.labels().map(<[u32]>::to_vec),
            originals: Some(data.values().to_vec()),
        }))
    }

    /// Pictures to start from, as the model sees them: one flat row each.
    pub fn read_pictures(&self, from: &Pictures) -> Result<Dataset, CliError> {
        self.part(in_levels(from.load()?, self.preparation.layout())?, PartName::HeldOut)
    }
}

/// Pictures with the grey values of a layout; a file has 256 of them, whatever was drawn.
fn in_levels(data: Dataset, layout: &Layout) -> Result<Dataset, CliError> {
    let Some(levels) = layout.levels.filter(|_| layout.is_picture()) else { return Ok(data) };
    if data.levels() == Some(levels) || data.event_shape() != layout.event {
        return Ok(data);
    }
    let unit = data.layout().to_unit(data.values());
    let raw = layout.of_unit(&unit).into_iter().map(f32::round).collect();
    let labels = data.labels().map(<[u32]>::to_vec);
    Ok(Dataset::from_parts(raw, layout.event.clone(), labels)?.with_levels(levels)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_or_a_picture_file() {
        assert!(matches!("digits".parse(), Ok(Pictures::Source(_))));
        assert!(matches!("images:a.png".parse(), Ok(Pictures::Source(_))));
        assert!(matches!("a/b.PNG".parse(), Ok(Pictures::File(_))));
        let error = "a.gif".parse::<Pictures>().unwrap_err().to_string();
        assert!(error.contains("unknown data source `a.gif`"), "{error}");
    }

    #[test]
    fn contexts_are_told_in_turn() {
        let told = Told {
            values: vec![1.0, 2.0, 3.0, 4.0],
            shape: vec![1, 1, 2],
            labels: Some(vec![7, 8]),
            originals: None,
        };
        let rows = |told: &Told, rows| -> Vec<f32> {
            told.rows(rows, &Device::flex()).into_data().iter().collect()
        };
        assert_eq!(rows(&told, 1..4), [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(told.labels(3), Some(vec![7, 8, 7]));
        let twice = told.clone().repeat_each(2);
        assert_eq!(rows(&twice, 1..3), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(twice.labels(4), Some(vec![7, 7, 8, 8]));
        assert_eq!((told.first(1).len(), twice.len()), (1, 4));
    }
}
