//! What a model has learnt, on batches of held-out items.

use std::sync::Arc;

use burn::tensor::Tensor;
use pyrogen_core::latent::{Collapse, LatentReport, LatentStatistics};
use pyrogen_core::parallel::batches;
use pyrogen_core::{Condition, Decode, Encode, Examples, Noise, Seed};
use pyrogen_data::{Data, Prepared};
use serde_json::json;

use super::Frame;
use super::frame::{CHUNK, host};
use crate::{Control, Error, Finding, Inspect, Request};

type Find<M> = Arc<dyn Fn(&M, &InspectBatches) -> Result<Vec<Finding>, Error> + Send + Sync>;

pub(super) struct TensorInspect<M> {
    pub model: Arc<M>,
    pub frame: Frame,
    pub find: Find<M>,
}

impl<M: Send + Sync + 'static> Inspect for TensorInspect<M> {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        let data = self.frame.prepare(data)?;
        let batches = InspectBatches { frame: &self.frame, data, seed: request.seed, control };
        (self.find)(&self.model, &batches)
    }
}

/// Held-out items as a model sees them, batch by batch.
pub struct InspectBatches<'a> {
    frame: &'a Frame,
    data: Prepared<2>,
    seed: Seed,
    control: &'a Control,
}

impl InspectBatches<'_> {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// What stands between raw and prepared units.
    pub fn frame(&self) -> &Frame {
        self.frame
    }

    /// A function of each batch, on all cores: of prepared items, their condition and their noise.
    /// With each result comes the sum of the preparation's log-determinants over the batch, 0 where
    /// the model's likelihood is a probability.
    ///
    /// # Errors
    /// What the function gives, or a control that was cancelled.
    pub fn each<T: Send>(
        &self,
        label: &str,
        f: impl Fn(Tensor<2>, &Condition, &mut Noise) -> Result<T, Error> + Sync,
    ) -> Result<Vec<(T, f64)>, Error> {
        let noise = Noise::new(self.seed).fork(label);
        let parts = batches(self.data.len(), CHUNK, self.frame.device(), |rows| {
            self.control.check()?;
            let items = rows.start as u64..rows.end as u64;
            let rows: Vec<usize> = rows.collect();
            let frame = self.frame;
            let (x, condition) =
                frame.batch(&self.data, &rows, items.clone(), &noise.fork("data"))?;
            let shift: f64 = match frame.is_density() {
                true => frame.preparation().log_det(&host(x.clone())).iter().sum(),
                false => 0.0,
            };
            Ok((f(x, &condition, &mut noise.fork("draws").items(items))?, shift))
        });
        parts.into_iter().collect()
    }

    /// All items at once, with their condition.
    ///
    /// # Errors
    /// Items without labels where the model has classes.
    pub fn all(&self) -> Result<(Tensor<2>, Condition), Error> {
        let rows: Vec<usize> = (0..self.data.len()).collect();
        let noise = Noise::new(self.seed).fork("inspect");
        self.frame.batch(&self.data, &rows, 0..rows.len() as u64, &noise)
    }
}

/// Whether each latent dimension is used, for models whose posteriors are normal distributions.
///
/// # Errors
/// Fewer than two items, numbers that are not finite, or a control that was cancelled.
pub fn latent_finding<M: Encode<2> + Decode<2> + Sync>(
    model: &M,
    batches: &InspectBatches,
) -> Result<Option<Finding>, Error> {
    let posteriors = batches.each("latent", |x, condition, _| Ok(model.encode(x, condition)?))?;
    let mut statistics = LatentStatistics::new(model.latent_dim());
    for (posterior, _) in posteriors {
        let Some(gaussian) = posterior.gaussian() else { return Ok(None) };
        statistics.add(gaussian)?;
    }
    let report: LatentReport = statistics.report()?;
    Ok(Some(Finding {
        name: "latent".into(),
        title: "Latent space".into(),
        text: report.to_string(),
        warning: report.collapse != Collapse::None,
        value: serde_json::to_value(&report).unwrap_or_else(|_| json!(null)),
    }))
}
