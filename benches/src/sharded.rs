//! Training steps on one thread, or with the batch split by rows among several.
//!
//! The workers are those of `pyrogen-train`, kept from step to step.

use std::ops::Range;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use burn::tensor::kind::Basic;
use pyrogen::train::{Shards, gradients};

use crate::workload::first;

/// What can be split by rows.
pub trait Rows: Send + Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the rows.
    fn rows(&self, rows: Range<usize>) -> Self;
}

impl<const D: usize, K: Basic> Rows for Tensor<D, K>
where
    Tensor<D, K>: Send + Sync,
{
    fn len(&self) -> usize {
        self.dims()[0]
    }

    fn rows(&self, rows: Range<usize>) -> Self {
        self.clone().slice([rows])
    }
}

impl<A: Rows, B: Rows> Rows for (A, B) {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn rows(&self, rows: Range<usize>) -> Self {
        (self.0.rows(rows.clone()), self.1.rows(rows))
    }
}

/// One model with its optimiser.
pub struct Trainer<M: Module> {
    /// Moved through each step, so that its memory is used again.
    model: Option<M>,
    optimizer: ModuleOptimizer,
    rate: f64,
    shards: Shards,
}

impl<M: Module> Trainer<M> {
    /// A trainer of a model that lives on an autodiff device.
    pub fn new(model: M, optimizer: ModuleOptimizer, rate: f64, workers: usize) -> Self {
        let shards = Shards::new(workers, &model).expect("threads for the workers");
        Self { model: Some(model), optimizer, rate, shards }
    }

    /// The model as it is now.
    pub fn model(&self) -> &M {
        self.model.as_ref().expect("there between steps")
    }

    /// Forward, loss, backward and update; the loss before the update.
    pub fn step<B: Rows>(&mut self, batch: &B, loss: impl Fn(&M, B) -> Tensor<1> + Sync) -> f64 {
        let parts = cut(batch.len(), self.shards.workers()).map(|rows| batch.rows(rows)).collect();
        let model = self.model.as_mut().expect("there between steps");
        let results = self.shards.run(model, parts, |model, part: B| {
            let weight = part.len() as f64 / batch.len() as f64;
            let loss = loss(model, part);
            let value = loss.clone().inner();
            (GradientsParams::from_grads(loss.backward(), model), value, weight)
        });
        let (grads, values): (Vec<_>, Vec<_>) =
            results.into_iter().map(|(g, value, w)| ((g, w), (value, w))).unzip();
        self.update(sum(self.model(), grads));
        values.into_iter().map(|(value, weight)| first(value) * weight).sum()
    }

    /// The optimiser's step.
    pub fn update(&mut self, grads: GradientsParams) {
        let model = self.model.take().expect("there between steps");
        self.model = Some(self.optimizer.step(self.rate, model, grads));
    }
}

/// The rows of each worker.
pub fn cut(rows: usize, workers: usize) -> impl Iterator<Item = Range<usize>> {
    (0..workers).map(move |i| rows * i / workers..rows * (i + 1) / workers)
}

/// The weighted sum of gradients, in their order.
///
/// # Panics
/// If one is not finite.
pub fn sum<M: Module>(model: &M, parts: Vec<(GradientsParams, f64)>) -> GradientsParams {
    let (parts, weights): (Vec<_>, Vec<f64>) = parts.into_iter().unzip();
    gradients::combine(model, parts, &weights).expect("finite gradients").0
}
