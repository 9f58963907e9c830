//! Batch normalisation under workers: what its statistics become, and that they are kept.

use crate::common::{Table, bytes};
use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Batch, Examples, Loss, Noise, Objective, Seed, init};
use pyrogen_testkit::{host, largest_difference};
use pyrogen_train::{
    GradientConfig, GradientLearner, Learner, Outcome, Part, ProgressMode, Shards, StepContext,
    TrainConfig, Trainer, WorkerCount,
};

/// A layer between two batch normalisations, and a frozen parameter, which is no statistic.
#[derive(Module, Debug)]
struct Normalised {
    before: BatchNorm,
    weight: Param<Tensor<2>>,
    frozen: Param<Tensor<1>>,
    after: BatchNorm,
}

impl Normalised {
    fn new(device: &Device) -> Self {
        let frozen = init::constant([2], 0.7, device).set_require_grad(false);
        Self {
            before: BatchNormConfig::new(3).init(device),
            weight: init::fan_in([3, 2], 3, &mut Noise::new(Seed(5)), device),
            frozen,
            after: BatchNormConfig::new(2).init(device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.after.forward(self.before.forward(x).matmul(self.weight.val()))
    }

    /// Running means and variances, in one row.
    fn statistics(&self) -> Vec<f64> {
        let [a, b] = [&self.before, &self.after];
        let all = [&a.running_mean, &a.running_var, &b.running_mean, &b.running_var];
        all.iter().flat_map(|s| host(s.value_sync())).collect()
    }
}

impl Objective for Normalised {
    type Batch = Batch<2>;
    type Draws = ();

    fn draw(&self, _: &Batch<2>, _: &mut Noise) {}

    fn loss(&self, batch: Batch<2>, (): ()) -> Loss {
        let target = batch.x.clone().slice([0..batch.x.dims()[0], 0..2]);
        let frozen = self.frozen.val().unsqueeze_dim::<2>(0);
        Loss::new().term("error", (self.forward(batch.x) * frozen - target).square().mean())
    }
}

fn config(workers: usize, accumulation: usize) -> TrainConfig {
    TrainConfig {
        gradient: GradientConfig {
            workers: WorkerCount::Exactly(workers),
            accumulation,
            ema_decay: Some(0.8),
            ..Default::default()
        },
        batch_size: 12,
        checkpoint_every: 2,
        ..crate::common::config(7)
    }
}

/// Means of f32 numbers, rounded to f32.
const ROUNDED: f64 = 1e-6;

#[test]
fn statistics_are_the_mean_over_the_workers() {
    let device = pyrogen_testkit::device();
    let model = Normalised::new(&device);
    let table = Table::new(12);
    let rows: Vec<usize> = (0..12).collect();
    let read = |rows: &[usize], device: &Device| {
        table.batch(rows, &mut Noise::new(Seed(9)).rows(0..rows.len(), rows.len()), device)
    };
    for workers in [1, 2, 3] {
        // What each worker's rows make of the statistics, worked out one by one.
        let share = 12 / workers;
        let ad = device.clone().autodiff();
        let each: Vec<Vec<f64>> = rows
            .chunks(share)
            .map(|rows| {
                let alone = model.valid().train();
                alone.forward(read(rows, &ad).x);
                alone.statistics()
            })
            .collect();
        let expected: Vec<f64> = (0..each[0].len())
            .map(|i| each.iter().map(|s| s[i]).sum::<f64>() / workers as f64)
            .collect();

        let mut learner = GradientLearner::new(model.valid(), &config(workers, 1)).unwrap();
        assert_eq!(learner.parts(12), workers);
        let parts = rows.chunks(share).enumerate().map(|(w, rows)| Part {
            batch: read(rows, &learner.device()),
            rows: w * share..(w + 1) * share,
            total: 12,
        });
        let noise = Noise::new(Seed(5));
        let context =
            StepContext { step: 100, epoch: 1, total_steps: None, time: None, noise, rate: 1.0 };
        learner.update(parts.collect(), &context).unwrap();
        // The average of the weights follows at 1 - 0.8; so do the statistics in it.
        let start = model.valid().statistics();
        let got = learner.model().statistics();
        for ((got, start), expected) in got.iter().zip(&start).zip(&expected) {
            let blended = start + 0.2 * (expected - start);
            assert!((got - blended).abs() < ROUNDED, "{workers} workers: {got} {blended}");
        }
    }
}

fn run(
    config: &TrainConfig,
    folder: &std::path::Path,
    resume: bool,
) -> Outcome<GradientLearner<Normalised>> {
    let learner =
        GradientLearner::new(Normalised::new(&pyrogen_testkit::device()), config).unwrap();
    let trainer = Trainer::new(config.clone(), Seed(2)).unwrap().progress(ProgressMode::Hidden);
    let (train, validation) = crate::common::data();
    trainer.resume(resume).fit(learner, train, validation, folder).unwrap()
}

#[test]
fn statistics_repeat_and_survive_a_resume() {
    for (workers, accumulation) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)] {
        let whole = config(workers, accumulation);
        let short = TrainConfig { limits: crate::common::config(4).limits, ..whole.clone() };
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let first = run(&whole, &path("a"), false);
        assert_eq!(bytes(&first), bytes(&run(&whole, &path("b"), false)));
        run(&short, &path("c"), false);
        let resumed = run(&whole, &path("c"), true);
        assert_eq!(bytes(&first), bytes(&resumed), "{workers} workers, {accumulation} rounds");
        assert_eq!(first.learner.model().statistics(), resumed.learner.model().statistics());
    }
}

#[test]
fn a_model_that_was_handed_out_keeps_its_statistics() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = run(&config(2, 1), dir.path(), false);
    let mut learner = outcome.learner;
    let model = learner.model();
    let before = (model.statistics(), model.forward(Tensor::ones([1, 3], &model.devices()[0])));
    let batch = Table::new(12).batch(
        &(0..12).collect::<Vec<_>>(),
        &mut Noise::new(Seed(1)),
        &learner.device(),
    );
    let context = StepContext {
        step: 8,
        epoch: 1,
        total_steps: None,
        time: None,
        noise: Noise::new(Seed(5)),
        rate: 1.0,
    };
    learner.update(vec![Part { batch, rows: 0..12, total: 12 }], &context).unwrap();
    assert_ne!(learner.model().statistics(), before.0, "the step changed the learner's");
    assert_eq!(model.statistics(), before.0);
    let after = model.forward(Tensor::ones([1, 3], &model.devices()[0]));
    assert_eq!(largest_difference(after, before.1), 0.0);
}

#[test]
fn one_pieces_statistics_are_burns_own() {
    let device = pyrogen_testkit::device();
    let mut model = Normalised::new(&device).train();
    let alone = model.valid().train();
    let shards = Shards::new(1, &model).unwrap();
    let x = Table::new(6).batch(&[0, 1, 2], &mut Noise::new(Seed(4)), &device.autodiff()).x;
    shards.run(&mut model, vec![x.clone(), x.clone()], |model, x| model.forward(x).dims());
    alone.forward(x.clone());
    alone.forward(x);
    assert_eq!(model.statistics(), alone.statistics());
}
