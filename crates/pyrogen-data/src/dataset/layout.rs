//! What the raw values of a data set mean.

use serde::{Deserialize, Serialize};

use crate::data::modality::Modality;
use crate::table::TableSchema;

/// Ranges of pictures that are in use, the smallest first.
pub(crate) const USUAL_RANGES: [[f32; 2]; 4] =
    [[0.0, 1.0], [-1.0, 1.0], [0.0, 255.0], [0.0, 65_535.0]];

/// The meaning of raw values: enough to write samples of a model in the data's own terms.
///
/// It is saved with the model (inside [`Preparation`](crate::Preparation)).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Shape of one example: `[channels, height, width]` of a picture, `[columns]` of a table.
    pub event: Vec<usize>,
    /// Number of discrete values of an element where raw values are the integers `0..levels`.
    pub levels: Option<usize>,
    /// The raw values of black and white, of pictures without levels; 0 and 1 where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f32; 2]>,
    /// Names and kinds of the columns of a table.
    pub schema: Option<TableSchema>,
    /// Names of the classes; empty where there are none.
    pub class_names: Vec<String>,
    /// The column of a table that the labels come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<LabelColumn>,
}

/// The column of a table that the labels come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelColumn {
    /// Its name.
    pub name: String,
    /// How many of the other columns stand before it.
    pub place: usize,
}

impl Layout {
    /// Elements of one example.
    pub fn width(&self) -> usize {
        self.event.iter().product()
    }

    /// What the rows are: a table where there is a schema, pictures where an example has the axes of
    /// one, else points.
    pub fn modality(&self) -> Modality {
        match () {
            () if self.schema.is_some() => Modality::Table,
            () if self.is_picture() => Modality::Pictures,
            () => Modality::Points,
        }
    }

    /// Whether one example is a picture of one or three channels.
    pub fn is_picture(&self) -> bool {
        matches!(self.event[..], [1 | 3, _, _])
    }

    /// Raw values as brightness in `[0, 1]`, for pictures: divided by `levels - 1` where levels
    /// are known, taken from black to white where the range is, and kept as they are where not; then
    /// clamped.
    pub fn to_unit(&self, raw: &[f32]) -> Vec<f32> {
        let [black, white] = self.ends();
        raw.iter().map(|v| ((v - black) / (white - black)).clamp(0.0, 1.0)).collect()
    }

    /// Brightness in `[0, 1]` as raw values: the way back from [`to_unit`](Self::to_unit).
    pub fn of_unit(&self, unit: &[f32]) -> Vec<f32> {
        let [black, white] = self.ends();
        unit.iter().map(|v| black + v * (white - black)).collect()
    }

    /// The raw values of black and white.
    pub(crate) fn ends(&self) -> [f32; 2] {
        match (self.levels, self.range) {
            (Some(levels), _) => [0.0, (levels.max(2) - 1) as f32],
            (None, Some(range)) => range,
            (None, None) => [0.0, 1.0],
        }
    }
}
