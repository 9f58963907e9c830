//! A step down a gradient: what learners by gradient have in common.

use std::path::Path;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use pyrogen_core::{ConfigError, Loss, LossTerm, NumericalError};

use crate::config::TrainConfig;
use crate::error::TrainError;
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
    values: Vec<(&'static str, f64)>,
    loss: f64,
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
        let (total, values) = (loss.total_scaled(at), loss.values_scaled(at));
        let value = gradients::scalar(total.clone().detach());
        // A loss that is not finite has no gradient worth computing.
        let grads = if value.is_finite() {
            GradientsParams::from_grads(total.backward(), model)
        } else {
            GradientsParams::new()
        };
        Ok(Self { grads, values, loss: value, weight })
    }
}

/// A step's gradient, its norm, and the loss and its terms: weighted means over the pieces.
pub(crate) struct Gradient {
    grads: GradientsParams,
    norm: f64,
    terms: Values,
    loss: f64,
    /// What stands before each name in logs and errors.
    prefix: String,
}

impl Gradient {
    /// The mean over the pieces, in their order.
    ///
    /// # Errors
    /// A piece's own error, or the first number that is not finite.
    pub fn mean<M: Module>(
        model: &M,
        pieces: Vec<Result<Piece, ConfigError>>,
        step: u64,
        prefix: &str,
    ) -> Result<Self, TrainError> {
        let pieces = pieces.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut terms: Values = Vec::new();
        let mut loss = 0.0;
        let (mut grads, mut weights) = (Vec::new(), Vec::new());
        for piece in pieces {
            loss += piece.loss * piece.weight;
            for (i, (name, value)) in piece.values.into_iter().enumerate() {
                if terms.len() <= i {
                    terms.push((format!("{prefix}{name}"), 0.0));
                }
                terms[i].1 += value * piece.weight;
            }
            grads.push(piece.grads);
            weights.push(piece.weight);
        }
        let total = (format!("{prefix}total"), loss);
        if let Some((term, value)) = terms.iter().chain([&total]).find(|(_, v)| !v.is_finite()) {
            return Err(NumericalError::Loss { step, term: term.clone(), value: *value }.into());
        }
        let (grads, norm) = gradients::combine(model, grads, &weights).map_err(|parameter| {
            NumericalError::Gradient { step, parameter, terms: describe(&terms) }
        })?;
        Ok(Self { grads, norm, terms, loss, prefix: prefix.to_string() })
    }
}

/// An optimiser with what decides the length of its steps.
pub(crate) struct Descent {
    optimizer: ModuleOptimizer,
    config: OptimizerConfig,
    schedule: ScheduleConfig,
    clip_norm: Option<f64>,
}

impl Descent {
    /// An optimiser with the schedule and the clipping of a training config.
    pub fn new(optimizer: &OptimizerConfig, train: &TrainConfig) -> Self {
        Self {
            optimizer: optimizer.init(),
            config: optimizer.clone(),
            schedule: train.schedule.clone(),
            clip_norm: train.gradient.clip_norm,
        }
    }

    /// Moves the parameters that have a gradient; gives what is logged, the loss first.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradient: Gradient,
        context: &StepContext,
    ) -> (M, Values) {
        let Gradient { mut grads, norm, terms, loss, prefix } = gradient;
        if let Some(limit) = self.clip_norm
            && norm > limit
        {
            grads = gradients::scale(&model, grads, limit / norm);
        }
        let factor = context.factor(&self.schedule);
        let rate = self.config.learning_rate * factor * context.rate;
        let model = self.optimizer.step(rate, model, grads);
        let mut values = vec![(format!("{prefix}loss"), loss)];
        values.extend(terms);
        values.push((format!("{prefix}gradient_norm"), norm));
        values.push((format!("{prefix}learning_rate"), rate));
        (model, values)
    }

    /// Writes the optimiser's moments.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        checkpoint::save_optimizer(path, &self.optimizer)
    }

    /// Reads them.
    pub fn load(&mut self, path: &Path) -> Result<(), TrainError> {
        self.optimizer = checkpoint::load_optimizer(path, self.config.init())?;
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
