//! What the tests of several models share.
#![allow(dead_code)] // each test binary uses its own part of this

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use pyrogen_core::folder::to_bytes;
use pyrogen_core::{Batch, Objective, Seed};
use pyrogen_testkit::Rows;
use pyrogen_train::{GradientLearner, Limits, ProgressMode, TrainConfig, Trainer};

/// Trains to so many steps in a folder, resuming what is there, and gives the weights' bytes.
pub fn trained<O>(model: O, data: Rows, folder: &Path, steps: u64) -> Vec<u8>
where
    O: Objective<Batch = Batch<2>> + Module + 'static,
{
    to_bytes(&trained_with(model, data, folder, steps, TrainConfig::default()))
}

/// The same with settings of one's own; gives the model.
pub fn trained_with<O>(model: O, data: Rows, folder: &Path, steps: u64, settings: TrainConfig) -> O
where
    O: Objective<Batch = Batch<2>> + Module + 'static,
{
    let train = TrainConfig {
        batch_size: 8,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        ..settings
    };
    let learner = GradientLearner::new(model, &train).unwrap();
    let outcome = Trainer::new(train, Seed(5))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .resume(true)
        .fit(learner, Arc::new(data), None, folder)
        .unwrap();
    pyrogen_train::Learner::model(&outcome.learner)
}
