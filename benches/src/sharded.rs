//! Training steps on one thread, or with the batch split by rows among several.
//!
//! Each worker has a fork of the model with its own graph; gradients are added in the order of the
//! shards, weighted by size, so that a result does not depend on timing.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn::tensor::Tensor;
use burn::tensor::kind::Basic;

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
    workers: usize,
}

impl<M: Module> Trainer<M> {
    /// A trainer of a model that lives on an autodiff device.
    pub fn new(model: M, optimizer: ModuleOptimizer, rate: f64, workers: usize) -> Self {
        Self { model: Some(model), optimizer, rate, workers }
    }

    /// The model as it is now.
    pub fn model(&self) -> &M {
        self.model.as_ref().expect("there between steps")
    }

    /// Forward, loss, backward and update; the loss before the update.
    pub fn step<B: Rows>(&mut self, batch: &B, loss: impl Fn(&M, B) -> Tensor<1> + Sync) -> f64 {
        let shards = forks(self.model(), batch, self.workers);
        let results = on_threads(shards, |shard| {
            let loss = loss(&shard.model, shard.batch);
            let value = first(loss.clone());
            (GradientsParams::from_grads(loss.backward(), &shard.model), value, shard.weight)
        });
        let value = results.iter().map(|(_, value, weight)| value * weight).sum();
        self.update(sum(self.model(), results.into_iter().map(|(g, _, w)| (g, w)).collect()));
        value
    }

    /// The optimiser's step.
    pub fn update(&mut self, grads: GradientsParams) {
        let model = self.model.take().expect("there between steps");
        self.model = Some(self.optimizer.step(self.rate, model, grads));
    }
}

/// A worker's part of a step.
pub struct Shard<M, B> {
    /// The model, with its own graph where there are several workers.
    pub model: M,
    /// The worker's rows.
    pub batch: B,
    /// Their share of the batch.
    pub weight: f64,
}

/// Splits a batch among workers.
pub fn forks<M: Module, B: Rows>(model: &M, batch: &B, workers: usize) -> Vec<Shard<M, B>> {
    let total = batch.len();
    if workers == 1 {
        return vec![Shard { model: model.clone(), batch: batch.rows(0..total), weight: 1.0 }];
    }
    let device: Device = model.devices()[0].clone();
    (0..workers)
        .map(|i| {
            let rows = total * i / workers..total * (i + 1) / workers;
            Shard {
                model: model.clone().fork(&device),
                weight: rows.len() as f64 / total as f64,
                batch: batch.rows(rows),
            }
        })
        .collect()
}

/// Works on all parts at once, each on its own thread; a single part on this one. The results are
/// in the parts' order.
pub fn on_threads<P: Send, R: Send>(mut parts: Vec<P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    if parts.len() == 1 {
        return parts.pop().into_iter().map(work).collect();
    }
    thread::scope(|scope| {
        let work = &work;
        let handles: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(move || work(part))).collect();
        handles.into_iter().map(|h| h.join().unwrap_or_else(|p| resume_unwind(p))).collect()
    })
}

/// The weighted sum of gradients, in their order.
pub fn sum<M: Module>(model: &M, mut grads: Vec<(GradientsParams, f64)>) -> GradientsParams {
    if let [(_, 1.0)] = grads[..] {
        return grads.remove(0).0;
    }
    struct Sum {
        grads: Vec<(GradientsParams, f64)>,
        sum: GradientsParams,
    }
    impl ModuleVisitor for Sum {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let parts = self.grads.iter_mut();
            let parts = parts.filter_map(|(g, w)| Some(g.remove::<D>(param.id)? * *w));
            if let Some(sum) = parts.reduce(|a, b| a + b) {
                self.sum.register(param.id, sum);
            }
        }
    }
    let mut visitor = Sum { grads, sum: GradientsParams::new() };
    model.visit(&mut visitor);
    visitor.sum
}
