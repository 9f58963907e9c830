//! [`Embedding`]: where real and generated items are compared.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::Seed;
use pyrogen_data::{Data, Modality};
use pyrogen_metrics::{DigitsClassifier, FeatureExtractor, Features, MetricError};

use crate::{ColumnEmbedding, ConvolutionEmbedding, LatentEmbedding};

/// Which embedding an evaluation takes.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum EmbeddingChoice {
    /// The one that suits the data, see [`Embedding::suited_to`].
    #[default]
    Suited,
    /// The classifier of handwritten digits, for grey pictures.
    Digits,
    /// Random convolutions, for pictures.
    Convolutions,
    /// Pixels, for pictures.
    Pixels,
    /// The latents of a model.
    Latents(LatentEmbedding),
}

/// Makes features of raw items: the same for every family of models on the same data.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Embedding {
    /// The last hidden layer of a classifier of handwritten digits, for grey pictures.
    Digits {
        /// The classifier.
        classifier: Arc<DigitsClassifier>,
        /// Where it computes.
        device: Device,
    },
    /// Random convolutions, for pictures.
    Convolutions {
        /// The network and its scales.
        embedding: ConvolutionEmbedding,
        /// Where it computes.
        device: Device,
    },
    /// The pixels of a picture, brightness from 0 to 1.
    Pixels,
    /// Standardised columns of rows.
    Columns(ColumnEmbedding),
    /// The latents of a model.
    Latents(LatentEmbedding),
    /// None: the modality has no embedding.
    None(Modality),
}

/// Pictures whose labels are compared with what the digits classifier says at most.
const READ: usize = 500;

/// Labels that the classifier must read rightly, as a share: of other pictures it reads one in ten.
const DIGITS: f64 = 0.5;

impl Embedding {
    /// The embedding for data like this, real items: the digits classifier for grey pictures with the labels
    /// 0 to 9 of which it reads half or more as they are labelled, random convolutions for other pictures,
    /// standardised columns for tables and points.
    pub fn suited_to(real: &Data, device: &Device) -> Self {
        let Some(rows) = real.raw_rows() else { return Self::None(real.modality()) };
        if real.modality() != Modality::Pictures {
            return match rows.to_dataset() {
                Ok(rows) => Self::Columns(ColumnEmbedding::fit(&rows)),
                Err(_) => Self::None(real.modality()),
            };
        }
        if may_be_digits(real) {
            let digits = Self::digits(device);
            if digits.reads(real) {
                return digits;
            }
        }
        // Where they cannot be read, their features say why.
        Self::convolutions(real, device).unwrap_or(Self::Pixels)
    }

    fn digits(device: &Device) -> Self {
        let classifier = Arc::new(DigitsClassifier::new(device));
        Self::Digits { classifier, device: device.clone() }
    }

    fn convolutions(real: &Data, device: &Device) -> Result<Self, MetricError> {
        let embedding = ConvolutionEmbedding::fit(real, device)?;
        Ok(Self::Convolutions { embedding, device: device.clone() })
    }

    /// Whether labelled pictures are handwritten digits.
    fn reads(&self, real: &Data) -> bool {
        let Self::Digits { classifier, device } = self else { return false };
        let some = real.take_random(READ, Seed(0));
        let (Some(rows), Some(labels)) = (some.dataset(), some.labels()) else { return false };
        let &[1, h, w] = rows.event_shape() else { return false };
        let images = TensorData::new(rows.layout().to_unit(rows.values()), [rows.len(), 1, h, w]);
        let Ok(read) = classifier.classify(Tensor::<4>::from_data(images, device)) else {
            return false;
        };
        let right = read.iter().zip(&labels).filter(|(a, b)| **a == **b as usize).count();
        right as f64 >= DIGITS * labels.len() as f64
    }

    /// The embedding that was chosen, for data like this, real items.
    ///
    /// # Errors
    /// An embedding that is not for such items.
    pub fn chosen(
        choice: &EmbeddingChoice,
        real: &Data,
        device: &Device,
    ) -> Result<Self, MetricError> {
        let pictures = real.modality() == Modality::Pictures;
        let error = |expected: &str| MetricError::Option {
            metric: "embedding",
            option: "embedding",
            expected: expected.to_string(),
            got: match pictures {
                true => "pictures of several channels".to_string(),
                false => real.modality().to_string(),
            },
        };
        match choice {
            EmbeddingChoice::Suited => Ok(Self::suited_to(real, device)),
            EmbeddingChoice::Digits if is_grey(real) => Ok(Self::digits(device)),
            EmbeddingChoice::Digits => {
                Err(error("one for such data: `digits` takes grey pictures"))
            }
            EmbeddingChoice::Convolutions if pictures => Self::convolutions(real, device),
            EmbeddingChoice::Convolutions => {
                Err(error("one for such data: `convolutions` takes pictures"))
            }
            EmbeddingChoice::Pixels if pictures => Ok(Self::Pixels),
            EmbeddingChoice::Pixels => Err(error("one for such data: `pixels` takes pictures")),
            EmbeddingChoice::Latents(latents) => Ok(Self::Latents(latents.clone())),
        }
    }

    /// Whether there is an embedding.
    pub fn exists(&self) -> bool {
        !matches!(self, Self::None(_))
    }

    /// Features of raw items.
    ///
    /// # Errors
    /// Items of another kind than the embedding is for, or numbers that are not finite.
    pub fn features(&self, items: &Data) -> Result<Features, MetricError> {
        let other = |expected: &str| wrong_items(expected, items);
        match self {
            Self::Convolutions { embedding, device } => return embedding.features(items, device),
            Self::Latents(latents) => return latents.features(items),
            _ => {}
        }
        let rows = items.dataset().ok_or_else(|| other("rows of numbers"))?;
        match self {
            Self::Digits { classifier, device } => {
                let &[1, h, w] = rows.event_shape() else { return Err(other("grey pictures")) };
                let unit = rows.layout().to_unit(rows.values());
                let images = TensorData::new(unit, [rows.len(), 1, h, w]);
                classifier.features(Tensor::<4>::from_data(images, device))
            }
            Self::Pixels => {
                let unit = rows.layout().to_unit(rows.values());
                let values = unit.iter().map(|&v| f64::from(v)).collect();
                let shape: Vec<String> = rows.event_shape().iter().map(usize::to_string).collect();
                let name = format!("pixels-{}-v1", shape.join("x"));
                Features::new(values, rows.len(), rows.width())?.named(name)
            }
            Self::Columns(columns) => columns.features(&rows),
            _ => Err(other("pictures, a table or points")),
        }
    }
}

fn is_grey(items: &Data) -> bool {
    let rows = items.raw_rows();
    items.modality() == Modality::Pictures
        && rows.is_some_and(|rows| matches!(rows.event_shape(), [1, _, _]))
}

/// Whether pictures are grey and have the labels of digits.
fn may_be_digits(items: &Data) -> bool {
    let named = |names: Vec<String>| {
        names.len() <= 10 && names.iter().enumerate().all(|(k, name)| name.parse() == Ok(k))
    };
    let labels = items.labels();
    is_grey(items)
        && labels.is_some_and(|l| l.iter().all(|l| *l < 10))
        && named(items.class_names())
}

/// Says that items are of another kind than an embedding takes.
pub(crate) fn wrong_items(expected: &str, items: &Data) -> MetricError {
    MetricError::Option {
        metric: "embedding",
        option: "items",
        expected: expected.to_string(),
        got: items.modality().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Noise;
    use pyrogen_data::{Dataset, digits};

    use super::*;

    #[test]
    fn the_digits_network_is_for_digits() {
        let device = Device::flex();
        let all = digits();
        let own = Data::from_dataset(all.clone());
        let is_digits =
            |data: &Data| matches!(Embedding::suited_to(data, &device), Embedding::Digits { .. });
        assert!(is_digits(&own));
        // Sorted, of two classes only, a few.
        let mut rows: Vec<usize> = (0..own.len()).collect();
        rows.sort_by_key(|&i| all.labels().unwrap()[i]);
        assert!(is_digits(&own.select(&rows)) && is_digits(&own.select(&rows[..200])));
        assert!(is_digits(&own.select(&[3, 1, 4])));
        // The same pictures under labels of something else, or none.
        let with = |labels: Option<Vec<u32>>| {
            let rows = Dataset::from_rows(all.values().to_vec(), labels, all.layout().clone());
            Data::from_dataset(rows.unwrap())
        };
        let shifted = all.labels().unwrap().iter().map(|l| (l + 1) % 10).collect();
        assert!(!is_digits(&with(Some(shifted))) && !is_digits(&with(None)));
        let noise = Noise::new(Seed(1)).uniform_vec(all.values().len());
        let levels = noise.into_iter().map(|v| (v * 17.0).floor() as f32).collect();
        let labels = all.labels().map(<[u32]>::to_vec);
        let noise = Dataset::from_rows(levels, labels, all.layout().clone()).unwrap();
        assert!(!is_digits(&Data::from_dataset(noise)));
        let forced = Embedding::chosen(&EmbeddingChoice::Digits, &with(None), &device).unwrap();
        assert!(matches!(forced, Embedding::Digits { .. }));
        let points = Data::from_dataset(Dataset::from_parts(vec![1.0], vec![1], None).unwrap());
        for choice in [EmbeddingChoice::Convolutions, EmbeddingChoice::Pixels] {
            let error = Embedding::chosen(&choice, &points, &device).unwrap_err().to_string();
            assert!(error.contains("takes pictures"), "{error}");
        }
    }
}
