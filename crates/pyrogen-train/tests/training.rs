//! What the loop promises beside exact resume.

use std::path::Path;
use std::sync::Arc;

use crate::common::{Denoiser, DenoiserLearner, Table, bytes, config, data, run};
use burn::tensor::Tensor;
use pyrogen_core::{Batch, Loss, Noise, NumericalError, Objective, Seed};
use pyrogen_train::callback::CallbackError;
use pyrogen_train::metrics_log::{Row, read_rows};
use pyrogen_train::{
    Anneal, Annealed, Callback, Control, Decay, Event, GradientConfig, GradientLearner, Learner,
    Limits, Part, ProgressMode, ScheduleConfig, StepContext, StopReason, TrainConfig, TrainError,
    Trainer, ValidationConfig, WorkerCount,
};

/// Sums in another order, in f32: a few units in the last place over some steps.
const REORDERED: f64 = 2e-5;

fn losses(config: &TrainConfig) -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    run(config, dir.path(), false, None).unwrap();
    let rows = read_rows(&dir.path().join("metrics.csv")).unwrap();
    rows.iter().map(|r| r.values[0].1).collect()
}

#[test]
fn workers_and_accumulation_do_not_change_what_is_learnt() {
    let with = |workers, accumulation| {
        let gradient = GradientConfig {
            workers: WorkerCount::Exactly(workers),
            accumulation,
            ..Default::default()
        };
        losses(&TrainConfig { gradient, ..config(30) })
    };
    let one = with(1, 1);
    for other in [with(2, 1), with(1, 3), with(2, 2), with(3, 1)] {
        assert_eq!(one.len(), other.len());
        for (a, b) in one.iter().zip(&other) {
            assert!((a - b).abs() < REORDERED, "{a} {b}");
        }
    }
}

#[test]
fn it_learns() {
    let losses = losses(&TrainConfig {
        optimizer: pyrogen_train::OptimizerConfig { learning_rate: 0.02, ..Default::default() },
        ..config(150)
    });
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < 0.6 * first, "{first} -> {last}");
}

#[test]
fn early_stopping_and_best() {
    let dir = tempfile::tempdir().unwrap();
    // A rate at which the loss gets worse and worse.
    let config = TrainConfig {
        optimizer: pyrogen_train::OptimizerConfig { learning_rate: 3.0, ..Default::default() },
        validation: ValidationConfig { patience: Some(3), ..Default::default() },
        limits: Limits { epochs: Some(50), steps: None, minutes: None },
        ..config(0)
    };
    let mut outcome = run(&config, dir.path(), false, None).unwrap();
    assert_eq!(outcome.reason, StopReason::EarlyStopping);
    assert!(outcome.state.step < 50 * 6);
    let (best, step) = outcome.state.best.unwrap();
    let rows = read_rows(&dir.path().join("metrics.csv")).unwrap();
    let validation: Vec<_> = rows.iter().filter(|r| r.part == "validation").collect();
    let least = validation.iter().map(|r| r.values[0].1).fold(f64::INFINITY, f64::min);
    assert_eq!(best, least);
    assert_eq!(validation.iter().find(|r| r.step == step).unwrap().values[0].1, best);
    let last = bytes(&outcome);
    assert!(outcome.restore_best().unwrap());
    assert_ne!(bytes(&outcome), last);
}

#[test]
fn time_is_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { epochs: None, steps: None, minutes: Some(1e-9) };
    let outcome = run(&TrainConfig { limits, ..config(0) }, dir.path(), false, None).unwrap();
    assert_eq!((outcome.reason, outcome.state.step), (StopReason::Time, 1));
}

/// Minutes alone end the run: 40 steps a second would do.
fn by_minutes(minutes: f64) -> TrainConfig {
    TrainConfig {
        limits: Limits { epochs: None, steps: None, minutes: Some(minutes) },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 0 },
        log_every: 1,
        checkpoint_every: 5,
        ..config(0)
    }
}

/// A value of each training row of the log.
fn logged(folder: &Path, name: &str) -> Vec<(u64, f64)> {
    let rows = read_rows(&folder.join("metrics.csv")).unwrap();
    let rows = rows.into_iter().filter(|r| r.part == "train");
    let value = |r: &Row| r.values.iter().find(|(n, _)| n == name).unwrap().1;
    rows.map(|r| (r.step, value(&r))).collect()
}

#[test]
fn the_schedule_goes_by_minutes_where_nothing_else_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let config = by_minutes(0.02);
    let outcome = run(&config, dir.path(), false, None).unwrap();
    assert_eq!(outcome.reason, StopReason::Time);
    let (time, rates) = (logged(dir.path(), "time"), logged(dir.path(), "learning_rate"));
    assert!(time.len() > 10 && time.is_sorted_by(|a, b| a.1 <= b.1), "{time:?}");
    let full = config.optimizer.learning_rate;
    assert_eq!((time[0].1, rates[0].1), (0.0, full));
    for ((_, t), (_, rate)) in time.iter().zip(&rates) {
        let cosine = 0.01 + 0.99 * (1.0 + (std::f64::consts::PI * t).cos()) / 2.0;
        assert!((rate - full * cosine).abs() < 1e-12, "{t}: {rate}");
    }
    // A step is much shorter than a second of the 1.2.
    assert!(rates.last().unwrap().1 < 0.2 * full, "{rates:?}");
    // Its minutes are over: it is done, and more minutes go on where it was.
    let step = outcome.state.step;
    drop(outcome);
    let again = run(&config, dir.path(), true, None).unwrap();
    assert_eq!((again.reason, again.state.step), (StopReason::Time, step));
}

#[test]
fn a_run_by_minutes_goes_on_at_the_time_of_its_checkpoint() {
    struct StopAt(u64);
    impl Callback<DenoiserLearner> for StopAt {
        fn on_step(
            &mut self,
            event: &Event,
            _: &DenoiserLearner,
        ) -> Result<Control, CallbackError> {
            // Time that goes by between the checkpoint and the end is lost with its steps.
            std::thread::sleep(std::time::Duration::from_millis(20));
            if event.step == self.0 { Err("pulled the plug".into()) } else { Ok(Control::Continue) }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let config = by_minutes(1.0);
    assert!(run(&config, dir.path(), false, Some(Box::new(StopAt(12)))).is_err());
    let text = std::fs::read_to_string(dir.path().join("checkpoints/last/state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    let seconds = state["state"]["seconds"].as_f64().unwrap();
    assert!(seconds > 0.1, "{seconds}");
    let before = logged(dir.path(), "time");
    assert!(run(&config, dir.path(), true, Some(Box::new(StopAt(16)))).is_err());
    let after = logged(dir.path(), "time");
    // The steps that are kept, and the first after the checkpoint at 10, have their time.
    assert_eq!(after[..10], before[..10]);
    assert_eq!(after[10], (11, seconds / 60.0));
    assert!(after[11].1 > after[10].1);
}

#[test]
fn the_largest_number_of_steps_trains() {
    struct StopAt(u64);
    impl Callback<DenoiserLearner> for StopAt {
        fn on_step(
            &mut self,
            event: &Event,
            _: &DenoiserLearner,
        ) -> Result<Control, CallbackError> {
            Ok(if event.step == self.0 { Control::Stop } else { Control::Continue })
        }
    }
    for limits in [
        Limits { epochs: None, steps: Some(u64::MAX), minutes: None },
        Limits { epochs: Some(u64::MAX), steps: None, minutes: None },
    ] {
        let dir = tempfile::tempdir().unwrap();
        let config = TrainConfig { limits, ..config(0) };
        let outcome = run(&config, dir.path(), false, Some(Box::new(StopAt(3)))).unwrap();
        assert_eq!((outcome.reason, outcome.state.step), (StopReason::Callback, 3));
    }
}

#[test]
fn annealing_acts_on_the_named_term_alone() {
    let (train, _) = data();
    let device = pyrogen_testkit::device();
    let first_loss = |anneal: Vec<Anneal>| {
        let config = TrainConfig { anneal, ..config(1) };
        let mut learner = GradientLearner::new(Denoiser::new(Seed(1), &device), &config).unwrap();
        let noise = Noise::new(Seed(5));
        let batch = pyrogen_core::Examples::batch(
            train.as_ref(),
            &[0, 1, 2],
            &mut noise.rows(0..3, 3),
            &learner.device(),
        );
        let parts = vec![Part { batch, rows: 0..3, total: 3 }];
        let context =
            StepContext { step: 1, epoch: 1, total_steps: None, time: None, noise, rate: 1.0 };
        learner.update(parts, &context)
    };
    let plain = first_loss(vec![]).unwrap();
    let value = |name: &str| plain.iter().find(|(n, _)| n == name).unwrap().1;
    let off = Anneal { term: "size".into(), ..Default::default() };
    let annealed = first_loss(vec![off]).unwrap();
    let unknown = first_loss(vec![Anneal::default()]).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "config: field `anneal.term` must be a term of the loss (error, size), got kl"
    );
    let target = Anneal { term: "size".into(), of: Annealed::Target, ..Default::default() };
    assert_eq!(
        first_loss(vec![target]).unwrap_err().to_string(),
        "config: field `anneal.term` must be left out with `of` = `target`: no term of this loss \
         has a target, got size"
    );
    assert!((value("loss") - value("error") - 0.01 * value("size")).abs() < 1e-6);
    assert!((annealed[0].1 - value("error")).abs() < 1e-6, "{annealed:?}");
}

/// A loss that becomes NaN or infinite on demand.
#[derive(burn::module::Module, Debug)]
struct Breaks {
    inner: Denoiser,
    #[module(skip)]
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Loss,
    Gradient,
}

impl Objective for Breaks {
    type Batch = Batch<2>;
    type Draws = Tensor<2>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<2> {
        self.inner.draw(batch, noise)
    }

    fn loss(&self, batch: Batch<2>, draws: Tensor<2>) -> Loss {
        let zero = Tensor::<1>::from_floats([0.0], &batch.x.device());
        let loss = self.inner.loss(batch, draws);
        let size = loss.terms()[1].value.clone();
        match self.how {
            How::Loss => loss.term("broken", (zero - 1.0).log() + size),
            // exp(ln(0 * x)) is 0 and its gradient is 0 / 0 = NaN.
            How::Gradient => loss.term("broken", (size * zero).log().exp()),
        }
    }
}

#[test]
fn a_nan_names_step_term_and_parameter_and_keeps_the_checkpoint() {
    let device = pyrogen_testkit::device();
    for how in [How::Loss, How::Gradient] {
        let dir = tempfile::tempdir().unwrap();
        // Good steps first: the checkpoint of a healthy run of the same shape.
        let fit = |how: Option<How>, steps| {
            let config = TrainConfig { checkpoint_every: 1, ..config(steps) };
            let trainer = |c: &TrainConfig| Trainer::new(c.clone(), Seed(2)).unwrap();
            let inner = Denoiser::new(Seed(1), &device);
            let (train, _) = data();
            match how {
                None => trainer(&config)
                    .progress(ProgressMode::Hidden)
                    .fit(GradientLearner::new(inner, &config).unwrap(), train, None, dir.path())
                    .map(|_| ()),
                Some(how) => Trainer::new(config.clone(), Seed(2))
                    .unwrap()
                    .progress(ProgressMode::Hidden)
                    .fit(
                        GradientLearner::new(Breaks { inner, how }, &config).unwrap(),
                        train,
                        None,
                        &dir.path().join("broken"),
                    )
                    .map(|_| ()),
            }
        };
        fit(None, 2).unwrap();
        let error = fit(Some(how), 3).unwrap_err();
        let text = error.to_string();
        match (how, error) {
            (How::Loss, TrainError::Numerical(NumericalError::Loss { step: 1, term, .. })) => {
                assert_eq!(term, "broken");
            }
            (
                How::Gradient,
                TrainError::Numerical(NumericalError::Gradient { step: 1, parameter, .. }),
            ) => assert_eq!(parameter, "inner.down"),
            (_, other) => panic!("{how:?}: {other}"),
        }
        assert!(text.starts_with("training stopped: step 1: ") && !text.contains('\n'), "{text}");
        let events = std::fs::read_to_string(dir.path().join("broken/events.jsonl")).unwrap();
        assert!(events.contains("\"failed\""), "{events}");
        assert!(dir.path().join("checkpoints/last/state.json").exists());
    }
}

#[test]
fn bad_configs_and_no_data_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let config = TrainConfig { batch_size: 0, ..config(3) };
    let error = run(&config, &folder, false, None).err().unwrap();
    assert_eq!(error.to_string(), "config: field `batch_size` must be at least 1, got 0");
    let config = crate::common::config(3);
    let learner =
        GradientLearner::new(Denoiser::new(Seed(1), &pyrogen_testkit::device()), &config).unwrap();
    let empty = Arc::new(Table { rows: vec![], jitter: 0.0 });
    let error = Trainer::new(config, Seed(1))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .fit(learner, empty, None, &folder)
        .err()
        .unwrap();
    assert!(matches!(error, TrainError::NoData));
    assert!(!folder.exists());
}
