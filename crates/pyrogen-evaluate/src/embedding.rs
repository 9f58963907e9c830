//! [`Embedding`]: where real and generated items are compared.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_data::{Data, Modality};
use pyrogen_metrics::{DigitsClassifier, FeatureExtractor, Features, MetricError};

use crate::ColumnEmbedding;

/// Which embedding an evaluation takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmbeddingChoice {
    /// The one that suits the data, see [`Embedding::suited_to`].
    #[default]
    Suited,
    /// The classifier of handwritten digits, for grey pictures.
    Digits,
    /// Pixels, for pictures.
    Pixels,
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
    /// The pixels of a picture, brightness from 0 to 1.
    Pixels,
    /// Standardised columns of rows.
    Columns(ColumnEmbedding),
    /// None: the modality has no embedding.
    None(Modality),
}

impl Embedding {
    /// The embedding for data like this, real items: the digits classifier for grey pictures, pixels
    /// for other pictures, standardised columns for tables and points.
    pub fn suited_to(real: &Data, device: &Device) -> Self {
        let Some(rows) = real.raw_rows() else { return Self::None(real.modality()) };
        match (real.modality(), rows.event_shape()) {
            (Modality::Pictures, [1, _, _]) => Self::Digits {
                classifier: Arc::new(DigitsClassifier::new(device)),
                device: device.clone(),
            },
            (Modality::Pictures, _) => Self::Pixels,
            _ => match rows.to_dataset() {
                Ok(rows) => Self::Columns(ColumnEmbedding::fit(&rows)),
                Err(_) => Self::None(real.modality()),
            },
        }
    }

    /// The embedding that was chosen, for data like this, real items.
    ///
    /// # Errors
    /// An embedding that is not for such items.
    pub fn chosen(
        choice: EmbeddingChoice,
        real: &Data,
        device: &Device,
    ) -> Result<Self, MetricError> {
        let pictures = real.modality() == Modality::Pictures;
        let grey = pictures && matches!(real.raw_rows().map(|r| r.event_shape()), Some([1, _, _]));
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
            EmbeddingChoice::Digits if !grey => {
                Err(error("one for such data: `digits` takes grey pictures"))
            }
            EmbeddingChoice::Pixels if !pictures => {
                Err(error("one for such data: `pixels` takes pictures"))
            }
            EmbeddingChoice::Pixels => Ok(Self::Pixels),
            EmbeddingChoice::Digits | EmbeddingChoice::Suited => Ok(Self::suited_to(real, device)),
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
        let other = |expected: &str| MetricError::Option {
            metric: "embedding",
            option: "items",
            expected: expected.to_string(),
            got: items.modality().to_string(),
        };
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
            Self::None(_) => Err(other("pictures, a table or points")),
        }
    }
}
