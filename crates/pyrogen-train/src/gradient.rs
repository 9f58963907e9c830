//! Gradient descent on one objective.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::{ConfigError, Noise, NumericalError, Objective};

use crate::config::TrainConfig;
use crate::descent::{Descent, Gradient, Piece, Start, validation_values};
use crate::error::TrainError;
use crate::learner::{Learner, Part, StepContext, Values};
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
    descent: Descent,
    config: TrainConfig,
    device: Device,
}

impl<O: Objective> GradientLearner<O> {
    /// A learner for a model; the model may be on a plain device or on an autodiff device.
    ///
    /// # Errors
    /// When a value of the config cannot be used.
    pub fn new(model: O, config: &TrainConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        if config.players.is_some() {
            return Err(ConfigError::value("players", "null for one objective", "two players"));
        }
        let hidden = model.hidden_matrices();
        if hidden.is_empty() {
            let model = "a model without matrices between features";
            config.optimizer.without_muon("optimizer", model)?;
        }
        let Start { model, shards, device, .. } = Start::new(model, config)?;
        Ok(Self {
            average: config.gradient.ema_decay.map(|_| model.valid()),
            shards,
            model: Some(model),
            descent: Descent::new(&config.optimizer, config, hidden),
            config: config.clone(),
            device,
        })
    }

    fn trained(&self) -> &O {
        self.model.as_ref().expect("the optimiser gives the model back")
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
        let model = self.model.as_mut().expect("the optimiser gives the model back");
        let anneal = &self.config.anneal;
        let pieces = self.shards.run(model, parts, |model, part| {
            let weight = part.weight();
            let draws = model.draw(&part.batch, &mut part.noise(&context.noise));
            Piece::new(model, model.loss(part.batch, draws), weight, step, anneal)
        });
        let gradient = Gradient::mean(model, pieces, step, "")?;
        let model = self.model.take().expect("the optimiser gives the model back");
        let (model, values) = self.descent.step(model, gradient, context);
        self.model = Some(model);
        let values = values?;
        if let (Some(average), Some(decay)) = (self.average.take(), self.config.gradient.ema_decay)
        {
            let decay = ema::young(decay, step);
            self.average = Some(ema::blend(average, &self.trained().valid(), decay));
        }
        Ok(values)
    }

    fn validate(&self, batch: O::Batch, noise: &mut Noise) -> Values {
        let model = self.model();
        let draws = model.draw(&batch, noise);
        validation_values(&model.loss(batch, draws), "")
    }

    fn model(&self) -> O {
        // `valid` makes running statistics that later steps leave alone.
        self.average.as_ref().unwrap_or_else(|| self.trained()).valid()
    }

    fn check(&self, step: u64) -> Result<(), NumericalError> {
        gradients::check_parameters(&self.trained().valid(), step)
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        checkpoint::save_module(&folder.join("model.bpk"), self.trained().valid())?;
        self.descent.save(&folder.join("optimizer.bpk"))?;
        match &self.average {
            Some(average) => checkpoint::save_module(&folder.join("average.bpk"), average.valid()),
            None => Ok(()),
        }
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        let model = checkpoint::load_module(&folder.join("model.bpk"), self.trained().valid())?;
        self.model = Some(model.to_device(&self.device).train());
        self.descent.load(&folder.join("optimizer.bpk"))?;
        if let Some(average) = self.average.take() {
            self.average = Some(checkpoint::load_module(&folder.join("average.bpk"), average)?);
        }
        Ok(())
    }
}
