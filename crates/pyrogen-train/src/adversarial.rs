//! Two players, an optimiser each.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::{Adversarial, ConfigError, Noise, NumericalError, Player};

use crate::config::TrainConfig;
use crate::descent::{Descent, Gradient, Piece, Start, validation_values};
use crate::error::TrainError;
use crate::learner::{Learner, Part, StepContext, Values};
use crate::players::PlayersConfig;
use crate::schedule::Anneal;
use crate::workers::Shards;
use crate::{checkpoint, ema, gradients};

/// A generator and a discriminator, an optimiser each: trains any [`Adversarial`] pair.
///
/// A step of the loop is one step of the discriminator on the batch. Every
/// `players.discriminator_steps`-th is followed by `players.generator_steps` steps of the generator,
/// on the same batch (its labels, and its examples where a loss compares with real ones) and with
/// random numbers of their own: generated examples are never those that the discriminator has just
/// been shown. So the order of the data does not depend on how the players take turns.
///
/// While one player learns, the other has no gradients, but learns what batch normalisation learns
/// from what it sees. `train.optimizer` is the generator's and `train.players.discriminator` the
/// discriminator's; schedule, clipping, accumulation and workers are those of both, as in
/// [`GradientLearner`](crate::GradientLearner). An average of the weights (`gradient.ema_decay`) is
/// kept of the generator: the exported model is the averaged generator with the discriminator.
///
/// What is logged has the player's name before it: `discriminator.loss`, `generator.gradient_norm`,
/// and so have the names of terms in `anneal`. A step without a turn of the generator logs nothing
/// of it. No loss of two players says how good a model is, so no state is kept as the best one.
///
/// # Numerics
/// Losses that compare the examples of a batch with each other (relativistic average, minibatch
/// standard deviation) do so within each worker's piece, and so does batch normalisation.
pub struct AdversarialLearner<A: Adversarial> {
    /// Taken out while an optimiser has it.
    model: Option<A>,
    shards: Shards,
    average: Option<A::Generator>,
    generator: Descent,
    discriminator: Descent,
    players: PlayersConfig,
    config: TrainConfig,
    normalised: bool,
    device: Device,
}

impl<A: Adversarial> AdversarialLearner<A> {
    /// A learner for two players; they may be on a plain device or on an autodiff device.
    ///
    /// # Errors
    /// When a value of the config cannot be used.
    pub fn new(model: A, config: &TrainConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let players = config.players.clone().unwrap_or_default();
        config.optimizer.without_muon("optimizer", "two players")?;
        players.discriminator.without_muon("players.discriminator", "two players")?;
        for a in &config.anneal {
            if !Player::BOTH.iter().any(|p| a.term.starts_with(&prefix(*p))) {
                let expected = "a term with its player's name, as in generator.adversarial";
                return Err(ConfigError::value("anneal.term", expected, &a.term));
            }
        }
        let Start { model, shards, normalised, device } = Start::new(model, config)?;
        Ok(Self {
            average: config.gradient.ema_decay.map(|_| model.generator().valid()),
            shards,
            model: Some(model),
            generator: Descent::new(&config.optimizer, config, Vec::new()),
            discriminator: Descent::new(&players.discriminator, config, Vec::new()),
            players,
            config: config.clone(),
            normalised,
            device,
        })
    }

    fn trained(&self) -> &A {
        self.model.as_ref().expect("the optimiser gives the model back")
    }

    /// One step of a player.
    fn play(
        &mut self,
        player: Player,
        parts: Vec<Part<A::Batch>>,
        noise: &Noise,
        context: &StepContext,
    ) -> Result<Values, TrainError> {
        let step = context.step;
        let anneal = self.anneal(player);
        let model = self.model.take().expect("the optimiser gives the model back");
        let mut model = model.before_step(player);
        let pieces = self.shards.run(&mut model, parts, |model, part| {
            let model = alone(model, player);
            let weight = part.weight();
            let draws = model.draw(player, step, &part.batch, &mut part.noise(noise));
            let loss = model.loss(player, part.batch, draws);
            Piece::new(&model, loss, weight, step, &anneal)
        });
        let gradient = Gradient::mean(&model, pieces, step, &prefix(player))?;
        let descent = match player {
            Player::Generator => &mut self.generator,
            Player::Discriminator => &mut self.discriminator,
        };
        let (model, values) = descent.step(model, gradient, context);
        self.model = Some(model.after_step(player));
        values
    }

    /// A player's annealed terms, by their names in its loss.
    fn anneal(&self, player: Player) -> Vec<Anneal> {
        let prefix = prefix(player);
        let own = |a: &Anneal| {
            let term = a.term.strip_prefix(&prefix)?.to_string();
            Some(Anneal { term, ..a.clone() })
        };
        self.config.anneal.iter().filter_map(own).collect()
    }

    fn blend(&mut self, step: u64) {
        if let (Some(average), Some(decay)) = (self.average.take(), self.config.gradient.ema_decay)
        {
            let decay = ema::young(decay, self.players.turns(step));
            let generator = self.trained().generator().valid();
            self.average = Some(ema::blend(average, &generator, decay));
        }
    }
}

/// What stands before the names of a player's numbers.
fn prefix(player: Player) -> String {
    format!("{}.", player.name())
}

/// The model with gradients for one player alone.
fn alone<A: Adversarial>(model: &A, player: Player) -> A {
    let model = model.clone();
    match player {
        Player::Generator => {
            let other = model.discriminator().clone().no_grad();
            model.with_discriminator(other)
        }
        Player::Discriminator => {
            let other = model.generator().clone().no_grad();
            model.with_generator(other)
        }
    }
}

/// The same pieces once more.
fn again<B: Clone>(parts: &[Part<B>]) -> Vec<Part<B>> {
    let copy = |p: &Part<B>| Part { batch: p.batch.clone(), rows: p.rows.clone(), total: p.total };
    parts.iter().map(copy).collect()
}

impl<A: Adversarial> Learner for AdversarialLearner<A> {
    type Batch = A::Batch;
    type Model = A;

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn parts(&self, rows: usize) -> usize {
        (self.shards.workers() * self.config.gradient.accumulation).min(rows)
    }

    fn fewest_rows(&self) -> usize {
        // One example has no variance to normalise by.
        if self.normalised { 2 * self.parts(usize::MAX) } else { 1 }
    }

    fn ranks(&self) -> bool {
        false
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
        parts: Vec<Part<A::Batch>>,
        context: &StepContext,
    ) -> Result<Values, TrainError> {
        let turn = context.step.is_multiple_of(self.players.discriminator_steps);
        let turns = if turn { self.players.generator_steps } else { 0 };
        let batch = again(&parts);
        let noise = context.noise.fork(Player::Discriminator.name());
        let mut values = self.play(Player::Discriminator, parts, &noise, context)?;
        let noise = context.noise.fork(Player::Generator.name());
        for turn in 0..turns {
            let noise = noise.fork_index(turn);
            let logged = self.play(Player::Generator, again(&batch), &noise, context)?;
            self.blend(context.step);
            if turn + 1 == turns {
                values.extend(logged);
            }
        }
        Ok(values)
    }

    fn validate(&self, batch: A::Batch, noise: &mut Noise) -> Values {
        let model = self.model();
        let of = |player: Player| {
            let draws = model.draw(player, u64::MAX, &batch, &mut noise.fork(player.name()));
            validation_values(&model.loss(player, batch.clone(), draws), &prefix(player))
        };
        Player::BOTH.into_iter().flat_map(of).collect()
    }

    fn model(&self) -> A {
        // `valid` makes running statistics that later steps leave alone.
        let model = self.trained().valid();
        match &self.average {
            Some(average) => model.with_generator(average.valid()),
            None => model,
        }
    }

    fn check(&self, step: u64) -> Result<(), NumericalError> {
        gradients::check_parameters(&self.trained().valid(), step)
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        checkpoint::save_module(&folder.join("model.bpk"), self.trained().valid())?;
        self.generator.save(&folder.join("generator-optimizer.bpk"))?;
        self.discriminator.save(&folder.join("discriminator-optimizer.bpk"))?;
        match &self.average {
            Some(average) => checkpoint::save_module(&folder.join("average.bpk"), average.valid()),
            None => Ok(()),
        }
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        let model = checkpoint::load_module(&folder.join("model.bpk"), self.trained().valid())?;
        self.model = Some(model.to_device(&self.device).train());
        self.generator.load(&folder.join("generator-optimizer.bpk"))?;
        self.discriminator.load(&folder.join("discriminator-optimizer.bpk"))?;
        if let Some(average) = self.average.take() {
            self.average = Some(checkpoint::load_module(&folder.join("average.bpk"), average)?);
        }
        Ok(())
    }
}
