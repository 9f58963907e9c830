//! Gradient descent on one objective.

use std::path::Path;
use std::thread;

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use pyrogen_core::{ConfigError, Loss, Noise, NumericalError, Objective};

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::learner::{Learner, Part, StepContext, Values};
use crate::schedule::Anneal;
use crate::{checkpoint, ema, grads};

/// One model, one optimiser, one loss: trains any [`Objective`].
///
/// A batch may be cut into pieces: `gradient.workers` pieces are worked through at once, each on
/// its own thread with its own graph, and `gradient.accumulation` such rounds make one step. The
/// pieces' gradients are added in a fixed order with the weights of their sizes.
pub struct GradientLearner<O: Objective> {
    model: O,
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
        Ok(Self {
            average: config.gradient.ema_decay.map(|_| model.valid()),
            model,
            optimizer: config.optimizer.init(),
            config: config.clone(),
            device,
        })
    }

    /// Works through the pieces, `workers` at a time; the results are in the pieces' order.
    fn run_parts(
        &self,
        parts: Vec<Part<O::Batch>>,
        context: &StepContext,
    ) -> Result<Vec<PartResult>, ConfigError> {
        let workers = self.config.gradient.workers;
        if workers == 1 || parts.len() == 1 {
            let anneal = &self.config.anneal;
            return parts.into_iter().map(|p| run_part(&self.model, p, context, anneal)).collect();
        }
        let mut results = Vec::with_capacity(parts.len());
        let mut parts = parts.into_iter().peekable();
        while parts.peek().is_some() {
            let round: Vec<_> = parts.by_ref().take(workers).collect();
            let done = thread::scope(|scope| {
                let handles: Vec<_> = round
                    .into_iter()
                    .map(|part| {
                        // Graphs that share parameter nodes are one graph in Burn.
                        let model = self.model.clone().fork(&self.device);
                        let anneal = &self.config.anneal;
                        scope.spawn(move || run_part(&model, part, context, anneal))
                    })
                    .collect();
                handles
                    .into_iter()
                    .map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect::<Result<Vec<_>, _>>()
            });
            results.extend(done?);
        }
        Ok(results)
    }

    /// Weighted means over the pieces.
    fn combine(&self, results: Vec<PartResult>) -> (GradientsParams, Values, f64) {
        let mut sum = GradientsParams::new();
        let mut values: Values = Vec::new();
        let mut loss = 0.0;
        for result in results {
            grads::add_scaled(&self.model, &mut sum, result.grads, result.weight);
            loss += result.loss * result.weight;
            for (i, (name, value)) in result.values.into_iter().enumerate() {
                if values.len() <= i {
                    values.push((name.to_string(), 0.0));
                }
                values[i].1 += value * result.weight;
            }
        }
        (sum, values, loss)
    }
}

impl<O: Objective> Learner for GradientLearner<O> {
    type Batch = O::Batch;
    type Model = O;

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn parts(&self, rows: usize) -> usize {
        (self.config.gradient.workers * self.config.gradient.accumulation).min(rows)
    }

    fn update(
        &mut self,
        parts: Vec<Part<O::Batch>>,
        context: &StepContext,
    ) -> Result<Values, TrainError> {
        let step = context.step;
        let (mut grads, terms, loss) = self.combine(self.run_parts(parts, context)?);
        let total = ("total".to_string(), loss);
        if let Some((term, value)) = terms.iter().chain([&total]).find(|(_, v)| !v.is_finite()) {
            return Err(NumericalError::Loss { step, term: term.clone(), value: *value }.into());
        }
        let norm = grads::norm(&self.model, &grads).map_err(|parameter| {
            NumericalError::Gradient { step, parameter, terms: describe(&terms) }
        })?;
        if let Some(limit) = self.config.gradient.clip_norm
            && norm > limit
        {
            grads = grads::scale(&self.model, grads, limit / norm);
        }
        let factor = self.config.schedule.factor(step, context.total_steps.unwrap_or(0));
        let rate = self.config.optimizer.learning_rate * factor;
        self.model = self.optimizer.step(rate, self.model.clone(), grads);
        if let (Some(average), Some(decay)) = (self.average.take(), self.config.gradient.ema_decay)
        {
            // Young averages follow the model faster, or they would remember the start.
            let decay = decay.min((1.0 + step as f64) / (10.0 + step as f64));
            self.average = Some(ema::blend(average, &self.model, decay));
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
        let mut values = vec![("loss".to_string(), grads::scalar(loss.total()))];
        values.extend(loss.values().into_iter().map(|(n, v)| (n.to_string(), v)));
        values
    }

    fn model(&self) -> O {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    fn check(&self, step: u64) -> Result<(), NumericalError> {
        match grads::first_bad_parameter(&self.model) {
            None => Ok(()),
            Some(parameter) => {
                Err(NumericalError::Parameter { step, parameter, terms: String::from("not known") })
            }
        }
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        checkpoint::save_module(&folder.join("model.bpk"), self.model.valid())?;
        checkpoint::save_optimizer(&folder.join("optimizer.bpk"), &self.optimizer)?;
        match &self.average {
            Some(average) => checkpoint::save_module(&folder.join("average.bpk"), average.clone()),
            None => Ok(()),
        }
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        let model = checkpoint::load_module(&folder.join("model.bpk"), self.model.valid())?;
        self.model = model.to_device(&self.device).train();
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
    let total = loss.total_scaled(|term| {
        let matching = anneal.iter().filter(|a| a.term == term);
        matching.map(|a| a.factor(context.step)).product()
    });
    let values = loss.values();
    let value = grads::scalar(total.clone().detach());
    // A loss that is not finite has no gradient worth computing.
    let grads = if value.is_finite() {
        GradientsParams::from_grads(total.backward(), model)
    } else {
        GradientsParams::new()
    };
    Ok(PartResult { grads, values, loss: value, weight })
}

/// An annealed term that the loss does not minimise would be ignored without a word.
fn check_anneal(loss: &Loss, anneal: &[Anneal]) -> Result<(), ConfigError> {
    let terms = loss.terms().iter().filter(|t| t.weight != 0.0);
    let names: Vec<&str> = terms.map(|t| t.name).collect();
    match anneal.iter().find(|a| !names.contains(&a.term.as_str())) {
        None => Ok(()),
        Some(a) => {
            let expected = format!("a term of the loss ({})", names.join(", "));
            Err(ConfigError::value("anneal.term", expected, &a.term))
        }
    }
}

/// `reconstruction 80.1, kl 3.2`.
fn describe(terms: &Values) -> String {
    terms.iter().map(|(n, v)| format!("{n} {v:.4}")).collect::<Vec<_>>().join(", ")
}
