//! Two players: turns, what is logged, what is refused, exact resume.

use std::path::Path;
use std::sync::Arc;

use crate::common::players::{Pair, config, run_pair};
use crate::common::{Denoiser, bytes};
use burn::module::{Module, Param};
use burn::tensor::activation::softplus;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{
    Adversarial, Batch, ConfigError, Examples, Loss, Noise, NumericalError, Player, Seed, folder,
    init,
};
use pyrogen_train::metrics_log::read_rows;
use pyrogen_train::{
    AdversarialLearner, Anneal, GradientLearner, Learner, Limits, OptimizerConfig, Part,
    PlayersConfig, ProgressMode, StepContext, TrainConfig, TrainError, Trainer,
};

/// Numbers from N(3, 0.5).
struct Numbers(Vec<f32>);

impl Examples for Numbers {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, device: &Device) -> Batch<2> {
        let x: Vec<f32> = rows.iter().map(|&r| self.0[r]).collect();
        Batch::new(Tensor::from_data(TensorData::new(x, [rows.len(), 1]), device))
    }
}

/// `a * z + b`.
#[derive(Module, Debug)]
struct Affine {
    a: Param<Tensor<2>>,
    b: Param<Tensor<2>>,
}

/// `w1 * x + w2 * (x - 3)^2`: sees mean and spread.
#[derive(Module, Debug)]
struct Square {
    w: Param<Tensor<2>>,
}

/// The smallest GAN.
#[derive(Module, Debug)]
struct OneNumber {
    generator: Affine,
    discriminator: Square,
}

impl OneNumber {
    fn say(&self, x: Tensor<2>) -> Tensor<2> {
        let square = (x.clone() - 3.0).square();
        Tensor::cat(vec![x, square], 1).matmul(self.discriminator.w.val())
    }
}

impl Adversarial for OneNumber {
    type Batch = Batch<2>;
    /// Latents, and the step that they were drawn for.
    type Draws = (Tensor<2>, u64);
    type Generator = Affine;
    type Discriminator = Square;

    fn generator(&self) -> &Affine {
        &self.generator
    }

    fn discriminator(&self) -> &Square {
        &self.discriminator
    }

    fn with_generator(self, generator: Affine) -> Self {
        Self { generator, ..self }
    }

    fn with_discriminator(self, discriminator: Square) -> Self {
        Self { discriminator, ..self }
    }

    fn draw(&self, _: Player, step: u64, batch: &Batch<2>, noise: &mut Noise) -> (Tensor<2>, u64) {
        (noise.normal(batch.x.dims(), &batch.x.device()), step)
    }

    fn loss(&self, player: Player, batch: Batch<2>, (z, step): (Tensor<2>, u64)) -> Loss {
        let step = Tensor::<1>::from_floats([step as f32], &z.device());
        let made = self.say(z * self.generator.a.val() + self.generator.b.val());
        let mean = |x: Tensor<2>| softplus(x, 1.0).mean();
        let loss = match player {
            Player::Generator => Loss::new().term("adversarial", mean(made.neg())),
            Player::Discriminator => Loss::new()
                .term("adversarial", mean(self.say(batch.x).neg()) + mean(made))
                .weighted("decay", self.discriminator.w.val().square().sum(), 0.1),
        };
        loss.logged("step", step)
    }
}

fn one_number() -> OneNumber {
    let device = pyrogen_testkit::device();
    OneNumber {
        generator: Affine {
            a: init::constant([1, 1], 1.0, &device),
            b: init::constant([1, 1], 0.0, &device),
        },
        discriminator: Square { w: init::fan_in([2, 1], 2, &mut Noise::new(Seed(4)), &device) },
    }
}

#[test]
fn draws_know_the_step_of_the_run() {
    let mut config = config(1, 1);
    config.players.as_mut().unwrap().discriminator_steps = 2;
    config.players.as_mut().unwrap().generator_steps = 2;
    let mut learner = AdversarialLearner::new(one_number(), &config).unwrap();
    let device = learner.device();
    let batch = || Batch::new(Tensor::ones([4, 1], &device));
    for step in [1, 2, 8] {
        let noise = Noise::new(Seed(1)).fork_index(step);
        let context =
            StepContext { step, epoch: 1, total_steps: None, time: None, noise, rate: 1.0 };
        let parts = vec![Part { batch: batch(), rows: 0..4, total: 4 }];
        let values = learner.update(parts, &context).unwrap();
        let seen: Vec<f64> =
            values.iter().filter(|(name, _)| name.ends_with(".step")).map(|(_, v)| *v).collect();
        // The generator has its turns in every second step.
        assert_eq!(seen, vec![step as f64; if step == 1 { 1 } else { 2 }]);
    }
    let batch = Batch::new(Tensor::ones([4, 1], &pyrogen_testkit::device()));
    let values = learner.validate(batch, &mut Noise::new(Seed(1)));
    let seen: Vec<f64> =
        values.iter().filter(|(name, _)| name.ends_with(".step")).map(|(_, v)| *v).collect();
    assert_eq!(seen, [u64::MAX as f32 as f64; 2], "validation sees the end");
}

#[test]
fn two_players_learn_from_each_other() {
    let model = one_number();
    let rate = OptimizerConfig { beta1: 0.5, learning_rate: 0.02, ..Default::default() };
    let config = TrainConfig {
        batch_size: 64,
        limits: Limits { epochs: None, steps: Some(400), minutes: None },
        optimizer: rate.clone(),
        players: Some(PlayersConfig { discriminator: rate, ..Default::default() }),
        ..Default::default()
    };
    let numbers = Noise::new(Seed(8)).normal_vec(512);
    let data = Numbers(numbers.iter().map(|v| (3.0 + 0.5 * v) as f32).collect());
    let dir = tempfile::tempdir().unwrap();
    let outcome = Trainer::new(config.clone(), Seed(3))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .fit(AdversarialLearner::new(model, &config).unwrap(), Arc::new(data), None, dir.path())
        .unwrap();
    let b = pyrogen_testkit::host(outcome.learner.model().generator.b.val())[0];
    // The data's mean; the game circles around its balance, so the tolerance is wide.
    assert!((b - 3.0).abs() < 0.3, "the generator's mean is {b}");
}

/// The pieces of one batch, and the context of an update.
fn one_step(learner: &AdversarialLearner<Pair>, step: u64) -> (Vec<Part<Batch<2>>>, StepContext) {
    let table = crate::common::Table::new(12);
    let noise = Noise::new(Seed(9)).fork_index(step);
    let pieces = learner.parts(12);
    let size = 12 / pieces;
    let parts = (0..pieces).map(|i| {
        let rows: Vec<usize> = (i * size..(i + 1) * size).collect();
        let mut noise = noise.rows(i * size..(i + 1) * size, 12);
        let batch = table.batch(&rows, &mut noise, &learner.device());
        Part { batch, rows: i * size..(i + 1) * size, total: 12 }
    });
    let context = StepContext {
        step,
        epoch: 1,
        total_steps: None,
        time: None,
        noise: noise.clone(),
        rate: 1.0,
    };
    (parts.collect(), context)
}

#[test]
fn players_take_turns_and_hooks_come_once_a_step() {
    let device = pyrogen_testkit::device();
    for workers in [1, 2] {
        let mut config = config(4, workers);
        config.gradient.ema_decay = None;
        config.players.as_mut().unwrap().discriminator_steps = 3;
        config.players.as_mut().unwrap().generator_steps = 2;
        let mut learner = AdversarialLearner::new(Pair::new(&device), &config).unwrap();
        let weights = |l: &AdversarialLearner<Pair>| {
            let model = l.model();
            let out = pyrogen_testkit::host(model.maker.out.val());
            (out, folder::to_bytes(model.discriminator()))
        };
        let count = |l: &AdversarialLearner<Pair>| {
            let judge = l.model().judge;
            [judge.before, judge.after].map(|c| pyrogen_testkit::host(c.val())[0])
        };
        let start = weights(&learner);
        for step in 1..=3 {
            let before = weights(&learner);
            let (parts, context) = one_step(&learner, step);
            let values = learner.update(parts, &context).unwrap();
            let after = weights(&learner);
            assert_eq!(values[0].0, "discriminator.loss");
            assert_ne!(before.1, after.1, "the discriminator learns in each step");
            let turn = step == 3;
            assert_eq!(before.0 != after.0, turn, "{workers} workers, step {step}");
            assert_eq!(values.iter().any(|(n, _)| n == "generator.adversarial"), turn);
        }
        assert_ne!(start.0, weights(&learner).0);
        // Three steps of the discriminator and two of the generator.
        assert_eq!(count(&learner), [5.0, 5.0], "{workers} workers");
    }
}

#[test]
fn the_exported_generator_is_the_average() {
    let device = pyrogen_testkit::device();
    let mut config = config(1, 1);
    config.players.as_mut().unwrap().discriminator_steps = 1;
    let step = |decay: Option<f64>| {
        let mut config = config.clone();
        config.gradient.ema_decay = decay;
        let mut learner = AdversarialLearner::new(Pair::new(&device), &config).unwrap();
        let (parts, context) = one_step(&learner, 1);
        learner.update(parts, &context).unwrap();
        let model = learner.model();
        (pyrogen_testkit::host(model.maker.out.val()), folder::to_bytes(&model.judge))
    };
    let start = pyrogen_testkit::host(Pair::new(&device).maker.out.val());
    let (plain, averaged) = (step(None), step(Some(0.9)));
    assert_eq!(plain.1, averaged.1, "the discriminator is not averaged");
    // The first update of a young average weighs by 2 / 11.
    for ((s, p), a) in start.iter().zip(&plain.0).zip(&averaged.0) {
        let expected = s + (p - s) * (1.0 - 2.0 / 11.0);
        assert!((a - expected).abs() < 1e-6, "{a} {expected}");
    }
}

#[test]
fn a_cut_run_ends_as_the_unbroken_one() {
    let device = pyrogen_testkit::device();
    let read = |dir: &Path, name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    for workers in [1, 2] {
        let mut config = config(14, workers);
        config.gradient.clip_norm = Some(0.5);
        config.players.as_mut().unwrap().monitor.every = 3;
        let dir = tempfile::tempdir().unwrap();
        let whole = run_pair(Pair::new(&device), &config, dir.path(), false, None).unwrap();
        // Before the first checkpoint, on one, on a reading after one, in the last step.
        for cut in [2, 8, 9, 14] {
            let other = tempfile::tempdir().unwrap();
            let pair = || Pair::new(&device);
            let error = run_pair(pair(), &config, other.path(), false, Some(cut)).err().unwrap();
            assert!(matches!(error, TrainError::Callback(_)), "{error}");
            let resumed = run_pair(pair(), &config, other.path(), true, None).unwrap();
            assert!(bytes(&resumed) == bytes(&whole), "{workers} workers, cut at {cut}");
            for name in ["metrics.csv", "monitor.csv"] {
                assert_eq!(read(other.path(), name), read(dir.path(), name), "{name}, {cut}");
            }
        }
        assert_eq!(read(dir.path(), "monitor.csv").lines().count(), 1 + 14 / 3);
    }
}

#[test]
fn numbers_are_logged_by_player() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(4, 1);
    config.log_every = 1;
    run_pair(Pair::new(&pyrogen_testkit::device()), &config, dir.path(), false, None).unwrap();
    let rows = read_rows(&dir.path().join("metrics.csv")).unwrap();
    let names = |i: usize| -> Vec<&str> {
        let row: &pyrogen_train::metrics_log::Row = &rows[i];
        row.values.iter().map(|(n, _)| n.as_str()).collect()
    };
    let discriminator = [
        "discriminator.loss",
        "discriminator.real",
        "discriminator.generated",
        "discriminator.gradient_norm",
        "discriminator.learning_rate",
    ];
    let generator = [
        "generator.loss",
        "generator.adversarial",
        "generator.gradient_norm",
        "generator.learning_rate",
    ];
    assert_eq!(names(0), discriminator);
    assert_eq!(names(1), [&discriminator[..], &generator].concat());
    let rate = |name: &str| rows[1].values.iter().find(|(n, _)| n == name).unwrap().1;
    assert_eq!(rate("discriminator.learning_rate"), 2e-3);
    assert_eq!(rate("generator.learning_rate"), 1e-3);
    let last = rows.last().unwrap();
    assert_eq!(last.part, "validation");
    assert!(last.values.iter().any(|(n, _)| n == "generator.loss"));
    // No loss of two players ranks states.
    assert!(!dir.path().join("checkpoints/best").exists());
}

#[test]
fn what_is_not_finite_names_step_player_and_term() {
    for (player, term) in [
        (Player::Generator, "generator.adversarial"),
        (Player::Discriminator, "discriminator.real"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut pair = Pair::new(&pyrogen_testkit::device());
        pair.breaks = Some(player);
        let error = run_pair(pair, &config(4, 2), dir.path(), false, None).err().unwrap();
        let TrainError::Numerical(NumericalError::Loss { step, term: named, .. }) = error else {
            panic!("{error}")
        };
        let first = if player == Player::Generator { 2 } else { 1 };
        assert_eq!((step, named.as_str()), (first, term));
    }
}

#[test]
fn terms_are_annealed_by_player() {
    let device = pyrogen_testkit::device();
    let values = |term: &str| {
        let mut config = config(1, 1);
        config.anneal = vec![Anneal { term: term.into(), ..Default::default() }];
        let mut learner = AdversarialLearner::new(Pair::new(&device), &config)?;
        let (parts, context) = one_step(&learner, 1);
        learner.update(parts, &context)
    };
    let annealed = values("discriminator.real").unwrap();
    let value = |name: &str| annealed.iter().find(|(n, _)| n == name).unwrap().1;
    // The first step of a ramp from 0.
    assert!((value("discriminator.loss") - value("discriminator.generated")).abs() < 1e-6);
    let error = values("real").unwrap_err().to_string();
    assert_eq!(
        error,
        "config: field `anneal.term` must be a term with its player's name, as in \
         generator.adversarial, got real"
    );
    let error = values("discriminator.kl").unwrap_err().to_string();
    assert!(error.contains("must be a term of the loss (real, generated), got kl"), "{error}");
}

#[test]
fn configs_that_cannot_be_used_are_refused() {
    type Change = fn(&mut TrainConfig);
    let refused = |change: Change| -> ConfigError {
        let mut config = config(4, 1);
        change(&mut config);
        AdversarialLearner::new(Pair::new(&pyrogen_testkit::device()), &config).err().unwrap()
    };
    let cases: [(Change, &str); 4] = [
        (|c| c.validation.patience = Some(3), "validation.patience"),
        (|c| c.players.as_mut().unwrap().discriminator_steps = 0, "players.discriminator_steps"),
        (
            |c| c.players.as_mut().unwrap().discriminator.learning_rate = -1.0,
            "players.discriminator.learning_rate",
        ),
        (
            |c| c.players.as_mut().unwrap().monitor.thresholds.coverage = 2.0,
            "players.monitor.thresholds.coverage",
        ),
    ];
    for (change, field) in cases {
        let error = refused(change).to_string();
        assert!(error.contains(&format!("`{field}`")), "{error}");
    }
    let model = Denoiser::new(Seed(1), &pyrogen_testkit::device());
    let error = GradientLearner::new(model, &config(4, 1)).err().unwrap().to_string();
    assert_eq!(error, "config: field `players` must be null for one objective, got two players");
}

#[test]
fn a_last_batch_that_batch_normalisation_cannot_use_is_left_out() {
    // 64 examples in batches of 21: one is left over.
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(0, 1);
    config.batch_size = 21;
    config.limits = Limits { epochs: Some(2), steps: None, minutes: None };
    let outcome =
        run_pair(Pair::new(&pyrogen_testkit::device()), &config, dir.path(), false, None).unwrap();
    assert_eq!(outcome.state.step, 6);
}
