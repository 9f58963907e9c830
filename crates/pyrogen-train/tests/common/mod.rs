//! A tiny objective and data for the loop's tests.
#![allow(dead_code)] // each test binary uses a part

pub mod players;

use std::path::Path;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{Batch, Examples, HiddenMatrix, Loss, Noise, Objective, Seed, folder, init};
use pyrogen_train::{
    Callback, GradientLearner, Limits, Outcome, ProgressMode, TrainConfig, TrainError, Trainer,
};
use serde_json::json;

/// Rows of numbers in memory; reading adds a little of the given noise, as augmentation does.
pub struct Table {
    pub rows: Vec<[f32; 3]>,
    pub jitter: f64,
}

impl Table {
    pub fn new(n: usize) -> Self {
        let mut noise = Noise::new(Seed(100));
        let rows = (0..n)
            .map(|_| {
                let v = noise.normal_vec(2);
                [v[0] as f32, v[1] as f32, (v[0] - 2.0 * v[1]) as f32]
            })
            .collect();
        Self { rows, jitter: 0.1 }
    }
}

impl Examples for Table {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Batch<2> {
        let flat: Vec<f32> = rows.iter().flat_map(|&r| self.rows[r]).collect();
        let x = Tensor::from_data(TensorData::new(flat, [rows.len(), 3]), device);
        Batch::new(x + noise.normal([rows.len(), 3], device) * self.jitter)
    }
}

/// Two linear layers that learn to undo noise.
#[derive(Module, Debug)]
pub struct Denoiser {
    down: Param<Tensor<2>>,
    up: Param<Tensor<2>>,
}

impl Denoiser {
    pub fn new(seed: Seed, device: &Device) -> Self {
        let mut noise = Noise::new(seed).fork("weights");
        Self {
            down: init::fan_in([3, 4], 3, &mut noise, device),
            up: init::fan_in([4, 3], 4, &mut noise, device),
        }
    }
}

impl Objective for Denoiser {
    type Batch = Batch<2>;
    type Draws = Tensor<2>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<2> {
        noise.normal(batch.x.dims(), &batch.x.device())
    }

    fn loss(&self, batch: Batch<2>, draws: Tensor<2>) -> Loss {
        let noisy = batch.x.clone() + draws * 0.5;
        let hidden = noisy.matmul(self.down.val()).tanh();
        let error = (hidden.clone().matmul(self.up.val()) - batch.x).square();
        Loss::new().term("error", error.mean()).weighted("size", hidden.square().mean(), 0.01)
    }

    /// There is no matrix in the middle: one is taken for it.
    fn hidden_matrices(&self) -> Vec<HiddenMatrix> {
        HiddenMatrix::select(self, |path, _| (path == "down").then(|| vec![1, 3]))
    }
}

pub fn config(steps: u64) -> TrainConfig {
    TrainConfig {
        batch_size: 8,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        log_every: 3,
        ..Default::default()
    }
}

pub fn data() -> (Arc<Table>, Option<Arc<Table>>) {
    (Arc::new(Table::new(45)), Some(Arc::new(Table { jitter: 0.0, ..Table::new(10) })))
}

pub type DenoiserLearner = GradientLearner<Denoiser>;

pub fn run(
    config: &TrainConfig,
    folder: &Path,
    resume: bool,
    callback: Option<Box<dyn Callback<DenoiserLearner>>>,
) -> Result<Outcome<DenoiserLearner>, TrainError> {
    let model = Denoiser::new(Seed(1), &pyrogen_testkit::device());
    let learner = GradientLearner::new(model, config)?;
    let mut trainer = Trainer::new(config.clone(), Seed(2))?.progress(ProgressMode::Hidden);
    if let Some(callback) = callback {
        trainer = trainer.callback(Boxed(callback));
    }
    let (train, validation) = data();
    trainer.record(json!({"family": "test"})).resume(resume).fit(learner, train, validation, folder)
}

/// A boxed callback as a callback.
pub struct Boxed(pub Box<dyn Callback<DenoiserLearner>>);

impl Callback<DenoiserLearner> for Boxed {
    fn on_step(
        &mut self,
        event: &pyrogen_train::Event,
        learner: &DenoiserLearner,
    ) -> Result<pyrogen_train::Control, pyrogen_train::callback::CallbackError> {
        self.0.on_step(event, learner)
    }
}

/// The model's weights as bytes.
pub fn bytes<L: pyrogen_train::Learner>(outcome: &Outcome<L>) -> Vec<u8>
where
    L::Model: Module,
{
    folder::to_bytes(&outcome.learner.model())
}
