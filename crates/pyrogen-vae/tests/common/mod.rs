//! What the tests of several models share.
#![allow(dead_code)] // each test binary uses its own part of this

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::folder::to_bytes;
use pyrogen_core::{Batch, Condition, Examples, Noise, Objective, Seed};
use pyrogen_train::{GradientLearner, Limits, ProgressMode, TrainConfig, Trainer};

/// Rows on the host.
pub struct Rows {
    /// Row-major.
    pub values: Vec<f32>,
    /// Numbers of a row.
    pub width: usize,
    /// One a row.
    pub labels: Option<Vec<usize>>,
}

impl Examples for Rows {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.values.len() / self.width
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, device: &Device) -> Batch<2> {
        let w = self.width;
        let x: Vec<f32> =
            rows.iter().flat_map(|&r| &self.values[r * w..(r + 1) * w]).copied().collect();
        let labels = self.labels.as_ref().map(|l| rows.iter().map(|&r| l[r]).collect::<Vec<_>>());
        Batch::new(Tensor::from_data(TensorData::new(x, [rows.len(), w]), device))
            .with_labels(labels.and_then(|l| Condition::classes(&l, device).labels))
    }
}

/// Trains to so many steps in a folder, resuming what is there, and gives the weights' bytes.
pub fn trained<O>(model: O, data: Rows, folder: &Path, steps: u64) -> Vec<u8>
where
    O: Objective<Batch = Batch<2>> + Module + 'static,
{
    let train = TrainConfig {
        batch_size: 8,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(model, &train).unwrap();
    let outcome = Trainer::new(train, Seed(5))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .resume(true)
        .fit(learner, Arc::new(data), None, folder)
        .unwrap();
    to_bytes(&pyrogen_train::Learner::model(&outcome.learner))
}
