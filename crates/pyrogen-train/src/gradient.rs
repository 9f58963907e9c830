//! Gradient descent on one objective.

use std::path::Path;

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use pyrogen_core::{ConfigError, Loss, LossTerm, Noise, NumericalError, Objective};

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::learner::{Learner, Part, StepContext, Values};
use crate::running::RunningStatistics;
use crate::schedule::{Anneal, Annealed, factors};
use crate::workers::Shards;
use crate::{checkpoint, ema, gradients};

/// One model, one optimiser, one loss: trains any [`Objective`].
///
/// A batch may be cut into pieces: `gradient.workers` pieces are worked through at once, each on
/// its own thread with its own graph, and `gradient.accumulation` such rounds make one step. The
/// pieces' gradients are added in a fixed order with the weights of their sizes.
///
/// # Numerics
/// A model with batch normalisation normalises within each piece (ghost batch normalisation; Hoffer,
/// Hubara and Soudry 2017, algorithm 1), so that the number of workers is part of its definition;
/// after a step its running statistics are the mean over the workers. Without batch normalisation
/// the number of workers changes the rounding alone.
pub struct GradientLearner<O: Objective> {
    /// Taken out while the optimiser has it: only one holder of a weight can change it in place.
    model: Option<O>,
    shards: Shards,
    average: Option<O>,
    optimizer: ModuleOptimizer,
    config: TrainConfig,
    device: Device,
}

struct PartResult {
    grads: GradientsParams,
    values: Vec<(&'static str, f64)>,
    loss: f64,
    weight: f64,
}

impl<O: Objective> GradientLearner<O> {
    /// A learner for a model; the model may be on a plain device or on an autodiff device.
    ///
    /// # Errors
    /// When a value of the config cannot be used.
    pub fn new(model: O, config: &TrainConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let device = model.devices().into_iter().next().unwrap_or_default().inner().autodiff();
        let model = model.materialize().to_device(&device).train();
        let gradient = &config.gradient;
        let normalised = !RunningStatistics::of(&model).is_empty();
        let rows = config.batch_size / gradient.accumulation;
        let workers = gradient.workers.resolve(&device, rows, normalised);
        Ok(Self {
            average: gradient.ema_decay.map(|_| model.valid()),
            shards: Shards::new(workers, &model)?,
            model: Some(model),
            optimizer: config.optimizer.init(),
            config: config.clone(),
            device,
        })
    }

    fn trained(&self) -> &O {
        self.model.as_ref().expect("the optimiser gives the model back")
    }

    /// The step's gradient and its norm, the loss terms, and the loss: weighted means over the
    /// parts.
    fn gradient(
        &mut self,
        parts: Vec<Part<O::Batch>>,
        context: &StepContext,
    ) -> Result<(GradientsParams, f64, Values, f64), TrainError> {
        let model = self.model.as_mut().expect("the optimiser gives the model back");
        let anneal = &self.config.anneal;
        let results = self.shards.run(model, parts, |m, part| run_part(m, part, context, anneal));
        let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut values: Values = Vec::new();
        let mut loss = 0.0;
        let (mut grads, mut weights) = (Vec::new(), Vec::new());
        for result in results {
            loss += result.loss * result.weight;
            for (i, (name, value)) in result.values.into_iter().enumerate() {
                if values.len() <= i {
                    values.push((name.to_string(), 0.0));
                }
                values[i].1 += value * result.weight;
            }
            grads.push(result.grads);
            weights.push(result.weight);
        }
        let step = context.step;
        let total = ("total".to_string(), loss);
        if let Some((term, value)) = values.iter().chain([&total]).find(|(_, v)| !v.is_finite()) {
            return Err(NumericalError::Loss { step, term: term.clone(), value: *value }.into());
        }
        let (grads, norm) = gradients::combine(model, grads, &weights).map_err(|parameter| {
            NumericalError::Gradient { step, parameter, terms: describe(&values) }
        })?;
        Ok((grads, norm, values, loss))
    }
}

impl<O: Objective> Learner for GradientLearner<O> {
    type Batch = O::Batch;
    type Model = O;

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn parts(&self, rows: usize) -> usize {
        (self.shards.workers() * self.config.gradient.accumulation).min(rows)
    }

    fn workers(&self) -> usize {
        self.shards.workers()
    }

    fn set_workers(&mut self, workers: usize) -> Result<(), ConfigError> {
        if workers != self.shards.workers() {
            self.shards = Shards::new(workers, self.trained())?;
        }
        Ok(())
    }

    fn update(
        &mut self,
        parts: Vec<Part<O::Batch>>,
        context: &StepContext,
    ) -> Result<Values, TrainError> {
        let step = context.step;
        let (mut grads, norm, terms, loss) = self.gradient(parts, context)?;
        if let Some(limit) = self.config.gradient.clip_norm
            && norm > limit
        {
            grads = gradients::scale(self.trained(), grads, limit / norm);
        }
        let factor = self.config.schedule.factor(step, context.total_steps.unwrap_or(0));
        let rate = self.config.optimizer.learning_rate * factor;
        let model = self.model.take().expect("the optimiser gives the model back");
        self.model = Some(self.optimizer.step(rate, model, grads));
        if let (Some(average), Some(decay)) = (self.average.take(), self.config.gradient.ema_decay)
        {
            // Young averages follow the model faster, or they would remember the start.
            let decay = decay.min((1.0 + step as f64) / (10.0 + step as f64));
            self.average = Some(ema::blend(average, &self.trained().valid(), decay));
        }
        let mut values = vec![("loss".to_string(), loss)];
        values.extend(terms);
        values.push(("gradient_norm".into(), norm));
        values.push(("learning_rate".into(), rate));
        Ok(values)
    }

    fn validate(&self, batch: O::Batch, noise: &mut Noise) -> Values {
        let model = self.model();
        let draws = model.draw(&batch, noise);
        let loss = model.loss(batch, draws);
        let mut values = vec![("loss".to_string(), gradients::scalar(loss.total()))];
        values.extend(loss.values().into_iter().map(|(n, v)| (n.to_string(), v)));
        values
    }

    fn model(&self) -> O {
        // `valid` makes running statistics that later steps leave alone.
        self.average.as_ref().unwrap_or_else(|| self.trained()).valid()
    }

    fn check(&self, step: u64) -> Result<(), NumericalError> {
        match gradients::first_bad_parameter(&self.trained().valid()) {
            None => Ok(()),
            Some(parameter) => {
                Err(NumericalError::Parameter { step, parameter, terms: String::from("not known") })
            }
        }
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        checkpoint::save_module(&folder.join("model.bpk"), self.trained().valid())?;
        checkpoint::save_optimizer(&folder.join("optimizer.bpk"), &self.optimizer)?;
        match &self.average {
            Some(average) => checkpoint::save_module(&folder.join("average.bpk"), average.valid()),
            None => Ok(()),
        }
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        let model = checkpoint::load_module(&folder.join("model.bpk"), self.trained().valid())?;
        self.model = Some(model.to_device(&self.device).train());
        let fresh = self.config.optimizer.init();
        self.optimizer = checkpoint::load_optimizer(&folder.join("optimizer.bpk"), fresh)?;
        if let Some(average) = self.average.take() {
            self.average = Some(checkpoint::load_module(&folder.join("average.bpk"), average)?);
        }
        Ok(())
    }
}

/// Loss and gradient of one piece, on a model of its own graph.
fn run_part<O: Objective>(
    model: &O,
    part: Part<O::Batch>,
    context: &StepContext,
    anneal: &[Anneal],
) -> Result<PartResult, ConfigError> {
    let weight = part.weight();
    let mut noise = part.noise(&context.noise);
    let draws = model.draw(&part.batch, &mut noise);
    let loss = model.loss(part.batch, draws);
    check_anneal(&loss, anneal)?;
    let at = |term: &str| factors(anneal, term, context.step);
    let (total, values) = (loss.total_scaled(at), loss.values_scaled(at));
    let value = gradients::scalar(total.clone().detach());
    // A loss that is not finite has no gradient worth computing.
    let grads = if value.is_finite() {
        GradientsParams::from_grads(total.backward(), model)
    } else {
        GradientsParams::new()
    };
    Ok(PartResult { grads, values, loss: value, weight })
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
