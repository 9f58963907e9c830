//! Rectified flow: a flow learns the straight lines between noise and where a flow led it.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{Condition, Examples, Loss, Noise, Objective};
use pyrogen_solve::SolveError;

use crate::FlowMatching;

/// Pairs of noise and of the examples that a flow made of it, on the host.
#[derive(Debug, Clone)]
pub struct Pairs {
    noise: Vec<f32>,
    data: Vec<f32>,
    labels: Option<Vec<usize>>,
    features: usize,
}

/// Some pairs on a device.
#[derive(Debug, Clone)]
pub struct PairBatch {
    /// What the flow made, `[batch, features]`.
    pub data: Tensor<2>,
    /// Of this, `[batch, features]`.
    pub noise: Tensor<2>,
    /// With this in mind.
    pub condition: Condition,
}

impl FlowMatching {
    /// `n` pairs of noise and the examples it leads to; every class in turn where the model has
    /// classes.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn pairs(&self, n: usize, noise: &mut Noise) -> Result<Pairs, SolveError> {
        const AT_ONCE: usize = 256;
        let (features, device) = (self.config().features(), self.device().inner());
        let labels = self.config().classes.map(|k| (0..n).map(|i| i % k).collect::<Vec<_>>());
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for start in (0..n).step_by(AT_ONCE) {
            let rows = start..n.min(start + AT_ONCE);
            let condition = match &labels {
                Some(labels) => Condition::classes(&labels[rows.clone()], &device),
                None => Condition::none(),
            };
            let x: Tensor<2> = noise.normal([rows.len(), features], &device);
            let made = self.follow(x.clone(), &condition, |_| {})?;
            from.extend(x.into_data().iter::<f32>());
            to.extend(made.into_data().iter::<f32>());
        }
        Ok(Pairs { noise: from, data: to, labels, features })
    }
}

impl Examples for Pairs {
    type Batch = PairBatch;

    fn len(&self) -> usize {
        self.data.len() / self.features
    }

    fn batch(&self, rows: &[usize], _noise: &mut Noise, device: &Device) -> PairBatch {
        let w = self.features;
        let take = |values: &[f32]| {
            let values: Vec<f32> =
                rows.iter().flat_map(|&r| &values[r * w..(r + 1) * w]).copied().collect();
            Tensor::from_data(TensorData::new(values, [rows.len(), w]), device)
        };
        let condition = match &self.labels {
            Some(labels) => {
                Condition::classes(&rows.iter().map(|&r| labels[r]).collect::<Vec<_>>(), device)
            }
            None => Condition::none(),
        };
        PairBatch { data: take(&self.data), noise: take(&self.noise), condition }
    }
}

/// A flow that learns from [`Pairs`] (Liu, Gong and Liu 2023, algorithm 1, "reflow"): its paths
/// cross less, and a few steps follow them.
///
/// Begin with the weights of the flow that made the pairs.
#[derive(Module, Debug)]
pub struct Reflow {
    /// The flow.
    pub flow: FlowMatching,
}

/// The random numbers of one step of [`Reflow`].
#[derive(Debug, Clone)]
pub struct ReflowDraws {
    /// The time of each pair.
    pub times: Vec<f64>,
    /// Which pairs are trained without their label.
    pub dropped: Vec<bool>,
}

impl Objective for Reflow {
    type Batch = PairBatch;
    type Draws = ReflowDraws;

    fn draw(&self, batch: &PairBatch, noise: &mut Noise) -> ReflowDraws {
        let rows = batch.data.dims()[0];
        let uniform = noise.uniform_rows(&[rows]);
        let times = uniform.into_iter().map(|u| self.flow.config().times.time(u)).collect();
        ReflowDraws { times, dropped: self.flow.network.dropped(rows, noise) }
    }

    fn loss(&self, batch: PairBatch, draws: ReflowDraws) -> Loss {
        let conditions = self.flow.network.training_conditions(batch.condition, &draws.dropped);
        self.flow.loss_of(batch.data, batch.noise, &draws.times, &conditions)
    }
}
