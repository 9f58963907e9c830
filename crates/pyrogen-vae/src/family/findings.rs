//! What autoencoders say of themselves.

use pyrogen_core::{Condition, Noise, RateDistortion};
use pyrogen_model::tensor::InspectBatches;
use pyrogen_model::{Error, Finding};

use burn::tensor::Tensor;
use serde_json::json;

use crate::CodeReport;

/// What the latents cost and what they lose, in nats of raw values.
pub(super) fn rate_distortion(
    batches: &InspectBatches,
    point: impl Fn(Tensor<2>, &Condition, &mut Noise) -> RateDistortion + Sync,
) -> Result<Option<Finding>, Error> {
    let parts =
        batches.each("rate-distortion", |x, condition, noise| Ok(point(x, condition, noise)))?;
    let mut all: Option<RateDistortion> = None;
    for (mut part, log_det) in parts {
        // As for likelihoods: of raw values.
        part.distortion -= log_det / part.examples.max(1) as f64;
        match &mut all {
            Some(all) => all.extend(&part),
            None => all = Some(part),
        }
    }
    Ok(all.map(|point| Finding {
        name: "rate_distortion".into(),
        title: "Rate and distortion".into(),
        text: format!(
            "{point}: what the latents of a held-out example cost, and what the example costs \
             given them. Minus the sum is the lower bound."
        ),
        warning: false,
        value: json!(point),
    }))
}

/// Which codes are used.
pub(super) fn codes(report: &CodeReport) -> Finding {
    Finding {
        name: "codes".into(),
        title: "Codes".into(),
        text: report.to_string(),
        warning: report.is_collapsed(),
        value: json!(report),
    }
}
