//! A step down a gradient: what learners by gradient have in common.

use std::path::Path;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use pyrogen_core::parallel::on_cpu;
use pyrogen_core::{ConfigError, HiddenMatrix, Loss, LossTerm, NumericalError};

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::gradients::{Squares, Sums};
use crate::learner::{StepContext, Values};
use crate::optimizer::OptimizerConfig;
use crate::running::RunningStatistics;
use crate::schedule::{Anneal, Annealed, ScheduleConfig, factors};
use crate::workers::Shards;
use crate::{checkpoint, gradients};

/// A model about to be trained, with the workers that share its batches.
pub(crate) struct Start<M> {
    /// On an autodiff device.
    pub model: M,
    pub shards: Shards,
    /// Whether it normalises over the batch.
    pub normalised: bool,
    pub device: Device,
}

impl<M: Module> Start<M> {
    /// From a model on a plain device or on an autodiff device.
    ///
    /// # Errors
    /// When the system gives no such number of threads.
    pub fn new(model: M, config: &TrainConfig) -> Result<Self, ConfigError> {
        let device = model.devices().into_iter().next().unwrap_or_default().inner().autodiff();
        let model = model.materialize().to_device(&device).train();
        let gradient = &config.gradient;
        let normalised = !RunningStatistics::of(&model).is_empty();
        let rows = config.batch_size / gradient.accumulation;
        let workers = gradient.workers.resolve(&device, rows, normalised);
        Ok(Self { shards: Shards::new(workers, &model)?, model, normalised, device })
    }
}

/// Loss and gradient of one piece of a batch.
pub(crate) struct Piece {
    grads: GradientsParams,
    /// The terms of the loss.
    names: Vec<&'static str>,
    /// The loss and its terms, `[1 + terms]`, where they were computed.
    values: Tensor<1>,
    weight: f64,
}

impl Piece {
    /// Goes back from a loss to the parameters of `model` that have a gradient. `weight` is the
    /// piece's share of the step's examples.
    pub fn new<M: Module>(
        model: &M,
        loss: Loss,
        weight: f64,
        step: u64,
        anneal: &[Anneal],
    ) -> Result<Self, ConfigError> {
        check_anneal(&loss, anneal)?;
        let at = |term: &str| factors(anneal, term, step);
        let total = loss.total_scaled(at);
        let (names, terms) = loss.tensors_scaled(at);
        let values = Tensor::cat(vec![total.clone().inner().reshape([1]), terms], 0);
        // A loss that is not finite has no gradient worth computing. To know it costs nothing on the
        // CPU; another device would stand still until the host has read it.
        let grads = if !on_cpu(&values.device()) || gradients::scalar(total.clone()).is_finite() {
            GradientsParams::from_grads(total.backward(), model)
        } else {
            GradientsParams::new()
        };
        Ok(Self { grads, names, values, weight })
    }
}

/// A step's gradient, with the norm, the loss and its terms on their way to the host.
pub(crate) struct Gradient {
    grads: GradientsParams,
    sums: Sums,
    report: Report,
}

/// What is logged of a step: weighted means over the pieces.
struct Report {
    /// The terms, with the prefix.
    names: Vec<String>,
    pieces: Vec<(Tensor<1>, f64)>,
    /// What stands before each name in logs and errors.
    prefix: String,
    step: u64,
}

impl Gradient {
    /// The mean over the pieces, in their order.
    ///
    /// # Errors
    /// A piece's own error.
    pub fn mean<M: Module>(
        model: &M,
        pieces: Vec<Result<Piece, ConfigError>>,
        step: u64,
        prefix: &str,
    ) -> Result<Self, TrainError> {
        let pieces = pieces.into_iter().collect::<Result<Vec<_>, _>>()?;
        let names = pieces.iter().map(|p| &p.names).max_by_key(|names| names.len());
        let names = names.into_iter().flatten().map(|name| format!("{prefix}{name}")).collect();
        let weights: Vec<f64> = pieces.iter().map(|p| p.weight).collect();
        let (grads, values): (Vec<_>, Vec<_>) =
            pieces.into_iter().map(|p| (p.grads, (p.values, p.weight))).unzip();
        let (grads, sums) = gradients::gather(model, grads, &weights);
        let report = Report { names, pieces: values, prefix: prefix.to_string(), step };
        Ok(Self { grads, sums, report })
    }
}

impl Report {
    /// Reads the loss, its terms and the sums of squares.
    ///
    /// # Errors
    /// The first number of the loss that is not finite.
    fn read(self, sums: Sums) -> Result<(Squares, Read), TrainError> {
        let (pieces, weights): (Vec<_>, Vec<_>) = self.pieces.into_iter().unzip();
        let lengths: Vec<usize> = pieces.iter().map(|x| x.dims()[0]).collect();
        let (squares, values) = sums.read(pieces);
        let mut means = vec![0.0; self.names.len() + 1];
        let mut rest = &values[..];
        for (length, weight) in lengths.into_iter().zip(weights) {
            let (own, after) = rest.split_at(length);
            means.iter_mut().zip(own).for_each(|(mean, value)| *mean += value * weight);
            rest = after;
        }
        let loss = means[0];
        let terms: Values = self.names.into_iter().zip(means.into_iter().skip(1)).collect();
        let total = (format!("{}total", self.prefix), loss);
        if let Some((term, value)) = terms.iter().chain([&total]).find(|(_, v)| !v.is_finite()) {
            let (step, term) = (self.step, term.clone());
            return Err(NumericalError::Loss { step, term, value: *value }.into());
        }
        Ok((squares, Read { loss, terms, prefix: self.prefix, step: self.step }))
    }
}

/// What was read of a step.
struct Read {
    loss: f64,
    terms: Values,
    prefix: String,
    step: u64,
}

impl Read {
    /// The error of a gradient that is not finite.
    fn bad_gradient(&self, parameter: String) -> TrainError {
        NumericalError::Gradient { step: self.step, parameter, terms: describe(&self.terms) }.into()
    }

    /// What is logged, the loss first.
    fn values(self, norm: f64, rate: f64) -> Values {
        let Self { loss, terms, prefix, .. } = self;
        let mut values = vec![(format!("{prefix}loss"), loss)];
        values.extend(terms);
        values.push((format!("{prefix}gradient_norm"), norm));
        values.push((format!("{prefix}learning_rate"), rate));
        values
    }
}

/// An optimiser with what decides the length of its steps.
pub(crate) struct Descent {
    optimizer: ModuleOptimizer,
    config: OptimizerConfig,
    /// What Muon takes.
    hidden: Vec<HiddenMatrix>,
    schedule: ScheduleConfig,
    clip_norm: Option<f64>,
}

impl Descent {
    /// An optimiser with the schedule and the clipping of a training config. `hidden` are the
    /// matrices that Muon takes.
    pub fn new(
        optimizer: &OptimizerConfig,
        train: &TrainConfig,
        hidden: Vec<HiddenMatrix>,
    ) -> Self {
        Self {
            optimizer: optimizer.init(&hidden),
            config: optimizer.clone(),
            hidden,
            schedule: train.schedule.clone(),
            clip_norm: train.gradient.clip_norm,
        }
    }

    /// Moves the parameters that have a gradient; gives what is logged, the loss first.
    ///
    /// Where the device computes while the host goes on, and no clipping asks for the norm, the
    /// numbers are read after the update is under way.
    ///
    /// # Errors
    /// The first number that is not finite; the model is then not used again.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradient: Gradient,
        context: &StepContext,
    ) -> (M, Result<Values, TrainError>) {
        let Gradient { grads, sums, report } = gradient;
        let factor = context.factor(&self.schedule);
        let rate = self.config.learning_rate * factor * context.rate;
        if self.clip_norm.is_none() && !sums.known() {
            let model = self.optimizer.step(rate, model, grads);
            let values = report.read(sums).and_then(|(squares, read)| {
                let norm = squares.norm_after(&model).map_err(|path| read.bad_gradient(path))?;
                Ok(read.values(norm, rate))
            });
            return (model, values);
        }
        let (read, norm) = match report.read(sums) {
            Ok((squares, read)) => match squares.norm(&model, &grads) {
                Ok(norm) => (read, norm),
                Err(path) => return (model, Err(read.bad_gradient(path))),
            },
            Err(error) => return (model, Err(error)),
        };
        let grads = match self.clip_norm {
            Some(limit) if norm > limit => gradients::scale(&model, grads, limit / norm),
            _ => grads,
        };
        (self.optimizer.step(rate, model, grads), Ok(read.values(norm, rate)))
    }

    /// Writes the optimiser's moments.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        checkpoint::save_optimizer(path, &self.optimizer)
    }

    /// Reads them.
    pub fn load(&mut self, path: &Path) -> Result<(), TrainError> {
        self.optimizer = checkpoint::load_optimizer(path, self.config.init(&self.hidden))?;
        Ok(())
    }
}

/// The value of a loss and of its terms, as validation logs them.
pub(crate) fn validation_values(loss: &Loss, prefix: &str) -> Values {
    let mut values = vec![(format!("{prefix}loss"), gradients::scalar(loss.total()))];
    values.extend(loss.values().into_iter().map(|(name, v)| (format!("{prefix}{name}"), v)));
    values
}

/// An annealed term that the loss does not minimise would be ignored without a word, and so would
/// the target of a term without one.
fn check_anneal(loss: &Loss, anneal: &[Anneal]) -> Result<(), ConfigError> {
    let names = |of: Annealed| -> Vec<&str> {
        let has = |t: &&LossTerm| of == Annealed::Weight || t.target.is_some();
        loss.terms().iter().filter(|t| t.weight != 0.0).filter(has).map(|t| t.name).collect()
    };
    for a in anneal {
        let known = names(a.of);
        if known.contains(&a.term.as_str()) {
            continue;
        }
        let expected = match (a.of, known.is_empty()) {
            (Annealed::Weight, _) => format!("a term of the loss ({})", known.join(", ")),
            (Annealed::Target, false) => format!("a term with a target ({})", known.join(", ")),
            (Annealed::Target, true) => {
                "left out with `of` = `target`: no term of this loss has a target".into()
            }
        };
        return Err(ConfigError::value("anneal.term", expected, &a.term));
    }
    Ok(())
}

/// `reconstruction 80.1, kl 3.2`.
fn describe(terms: &Values) -> String {
    terms.iter().map(|(n, v)| format!("{n} {v:.4}")).collect::<Vec<_>>().join(", ")
}
