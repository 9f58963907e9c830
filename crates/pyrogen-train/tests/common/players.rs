//! Two tiny players, and a run of theirs.
#![allow(dead_code)] // each test binary uses a part

use std::path::Path;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::activation::softplus;
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Adversarial, Batch, Loss, Noise, Player, Seed, Watch, init};
use pyrogen_metrics::Features;
use pyrogen_train::callback::CallbackError;
use pyrogen_train::{
    AdversarialLearner, Callback, CollapseMonitor, Control, Event, Limits, MonitorConfig,
    OptimizerConfig, Outcome, PlayersConfig, ProgressMode, TrainConfig, TrainError, Trainer,
    WorkerCount,
};

use super::Table;

pub const LATENTS: usize = 2;

/// Latents to rows of three numbers, with batch normalisation between.
#[derive(Module, Debug)]
pub struct Maker {
    up: Param<Tensor<2>>,
    norm: BatchNorm,
    pub out: Param<Tensor<2>>,
}

/// Rows of three numbers to one.
#[derive(Module, Debug)]
pub struct Judge {
    up: Param<Tensor<2>>,
    out: Param<Tensor<2>>,
    /// Steps of both players that the hooks have seen; without a gradient.
    pub before: Param<Tensor<1>>,
    pub after: Param<Tensor<1>>,
}

/// Both, with what a test makes of them.
#[derive(Module, Debug)]
pub struct Pair {
    pub maker: Maker,
    pub judge: Judge,
    /// What each generator step multiplies the last layer with: below 1 all examples become alike.
    #[module(skip)]
    pub shrink: f64,
    /// The player whose loss is not a number.
    #[module(skip)]
    pub breaks: Option<Player>,
}

impl Pair {
    pub fn new(device: &Device) -> Self {
        let mut noise = Noise::new(Seed(21)).fork("weights");
        let count = || init::constant([1], 0.0, device).no_grad();
        Self {
            maker: Maker {
                up: init::fan_in([LATENTS, 8], LATENTS, &mut noise, device),
                norm: BatchNormConfig::new(8).init(device),
                out: init::fan_in([8, 3], 8, &mut noise, device),
            },
            judge: Judge {
                up: init::fan_in([3, 16], 3, &mut noise, device),
                out: init::fan_in([16, 1], 16, &mut noise, device),
                before: count(),
                after: count(),
            },
            shrink: 1.0,
            breaks: None,
        }
    }

    fn make(&self, z: Tensor<2>) -> Tensor<2> {
        let hidden = self.maker.norm.forward(z.matmul(self.maker.up.val())).tanh();
        hidden.matmul(self.maker.out.val())
    }

    fn say(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.judge.up.val()).tanh().matmul(self.judge.out.val())
    }
}

fn counted(count: Param<Tensor<1>>) -> Param<Tensor<1>> {
    count.map(|c| c + 1.0)
}

impl Adversarial for Pair {
    type Batch = Batch<2>;
    type Draws = Tensor<2>;
    type Generator = Maker;
    type Discriminator = Judge;

    fn generator(&self) -> &Maker {
        &self.maker
    }

    fn discriminator(&self) -> &Judge {
        &self.judge
    }

    fn with_generator(self, maker: Maker) -> Self {
        Self { maker, ..self }
    }

    fn with_discriminator(self, judge: Judge) -> Self {
        Self { judge, ..self }
    }

    fn draw(&self, _: Player, _: u64, batch: &Batch<2>, noise: &mut Noise) -> Tensor<2> {
        noise.normal([batch.x.dims()[0], LATENTS], &batch.x.device())
    }

    fn loss(&self, player: Player, batch: Batch<2>, draws: Tensor<2>) -> Loss {
        let factor = if self.breaks == Some(player) { f64::NAN } else { 1.0 };
        let made = self.say(self.make(draws));
        match player {
            Player::Discriminator => {
                let (real, made) = (self.say(batch.x).neg(), made);
                Loss::new()
                    .term("real", softplus(real, 1.0).mean() * factor)
                    .term("generated", softplus(made, 1.0).mean())
            }
            Player::Generator => {
                Loss::new().term("adversarial", softplus(made.neg(), 1.0).mean() * factor)
            }
        }
    }

    fn before_step(mut self, _: Player) -> Self {
        self.judge.before = counted(self.judge.before);
        self
    }

    fn after_step(mut self, player: Player) -> Self {
        self.judge.after = counted(self.judge.after);
        if player == Player::Generator && self.shrink != 1.0 {
            let shrink = self.shrink;
            let smaller = |w: Tensor<2>| w.inner() * shrink;
            self.maker.out = self.maker.out.map(|w| Tensor::from_inner(smaller(w)).require_grad());
        }
        self
    }
}

impl Watch for Pair {
    fn generate(&self, batch: &Batch<2>, noise: &mut Noise) -> Batch<2> {
        Batch::new(self.make(self.draw(Player::Generator, 1, batch, noise)))
    }

    fn judge(&self, batch: Batch<2>) -> Tensor<1> {
        self.say(batch.x).flatten(0, 1)
    }
}

pub type PairLearner = AdversarialLearner<Pair>;

/// Sixty-four examples, batches of twelve.
pub fn config(steps: u64, workers: usize) -> TrainConfig {
    let mut config = TrainConfig {
        batch_size: 12,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        optimizer: OptimizerConfig { learning_rate: 1e-3, beta1: 0.5, ..Default::default() },
        players: Some(PlayersConfig {
            discriminator_steps: 2,
            discriminator: OptimizerConfig { learning_rate: 2e-3, ..Default::default() },
            monitor: MonitorConfig { every: 0, ..Default::default() },
            ..Default::default()
        }),
        log_every: 3,
        checkpoint_every: 4,
        ..Default::default()
    };
    config.gradient.workers = WorkerCount::Exactly(workers);
    config.gradient.ema_decay = Some(0.9);
    config
}

/// Fails after a step, when the callbacks before have done their work.
pub struct FailAt(pub u64);

impl Callback<PairLearner> for FailAt {
    fn on_step(&mut self, event: &Event, _: &PairLearner) -> Result<Control, CallbackError> {
        if event.step == self.0 { Err("pulled the plug".into()) } else { Ok(Control::Continue) }
    }
}

/// Trains a pair, with the config's monitor where it has one.
pub fn run_pair(
    pair: Pair,
    config: &TrainConfig,
    folder: &Path,
    resume: bool,
    fail: Option<u64>,
) -> Result<Outcome<PairLearner>, TrainError> {
    let train = Arc::new(Table::new(64));
    let validation = Arc::new(Table { jitter: 0.0, ..Table::new(40) });
    let device = pyrogen_testkit::device();
    let learner = AdversarialLearner::new(pair, config)?;
    let mut trainer = Trainer::new(config.clone(), Seed(2))?.progress(ProgressMode::Hidden);
    let monitor = &config.players.as_ref().expect("two players").monitor;
    if monitor.every > 0 {
        let features = |batch: &Batch<2>| Features::from_tensor(batch.x.clone());
        let (held_out, known) = (validation.as_ref(), train.as_ref());
        let monitor =
            CollapseMonitor::new(monitor, held_out, known, None, Seed(2), &device, features)?;
        trainer = trainer.callback(monitor.quiet(true));
    }
    if let Some(step) = fail {
        trainer = trainer.callback(FailAt(step));
    }
    trainer.resume(resume).fit(learner, train, Some(validation), folder)
}
