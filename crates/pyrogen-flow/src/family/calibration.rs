//! Whether a conditional flow's intervals hold what they say, on held-out rows.

use pyrogen_model::tensor::InspectBatches;
use pyrogen_model::{Error, Finding};
use serde_json::{Map, Value, json};

use crate::{Calibration, ConditionalFlow};

/// Numbers that are drawn in all, about.
const DRAWS: usize = 200_000;

/// The fewest and the most draws a row.
const EACH: [usize; 2] = [19, 199];

/// The calibration of each learnt column of one feature; none where there are no such.
pub(super) fn calibration(
    model: &ConditionalFlow,
    batches: &InspectBatches,
) -> Result<Option<Finding>, Error> {
    let draws = (DRAWS / batches.len().max(1)).clamp(EACH[0], EACH[1]);
    let parts = batches
        .each("calibration", |x, condition, noise| Ok(model.places(x, condition, draws, noise)?))?;
    let places: Vec<f64> = parts.into_iter().flat_map(|(part, _)| part).collect();
    let (width, frame) = (model.learnt().len(), batches.frame());
    let features = frame.preparation().features();
    let (mut lines, mut value, mut warning) = (Vec::new(), Map::new(), false);
    for (k, &feature) in model.learnt().iter().enumerate() {
        let element = features[feature].element;
        // Numbers that may be missing are two features, of which one is drawn where they are missing.
        if features.iter().filter(|other| other.element == element).count() > 1 {
            continue;
        }
        let own: Vec<f64> = places.iter().skip(k).step_by(width).copied().collect();
        let found = Calibration::of(&own);
        let name = match &frame.layout().schema {
            Some(schema) => schema.columns[element].name.clone(),
            None => (element + 1).to_string(),
        };
        lines.push(format!("calibration of {name}: {found}"));
        warning |= found.is_faulty();
        value.insert(name, json!(found));
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let mut text = lines.join("\n");
    if warning {
        text.push_str(
            "\nAn interval that holds less than it says is too narrow: train for fewer steps, or with \
             early stopping (train.validation.patience=5)",
        );
    }
    Ok(Some(Finding {
        name: "calibration".into(),
        title: "Calibration of the intervals".into(),
        text,
        warning,
        value: Value::Object(value),
    }))
}
