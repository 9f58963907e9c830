//! A run that is cut off and resumed ends as the unbroken run, bit for bit.

use std::sync::Arc;

use crate::common::{Boxed, Denoiser, DenoiserLearner, bytes, config, run};
use pyrogen_core::{Noise, Seed};
use pyrogen_data::{Augment, Dataset, Flip, Preparation, Prepared, Recipe};
use pyrogen_train::callback::CallbackError;
use pyrogen_train::{
    Balance, Callback, Control, Decay, Event, GradientConfig, GradientLearner, Method,
    OptimizerConfig, ProgressMode, ScheduleConfig, TrainConfig, TrainError, Trainer, WorkerCount,
};

/// Fails in the middle of a run, after the step's update and before anything is written.
struct FailAt(u64);

impl Callback<DenoiserLearner> for FailAt {
    fn on_step(&mut self, event: &Event, _: &DenoiserLearner) -> Result<Control, CallbackError> {
        if event.step == self.0 { Err("pulled the plug".into()) } else { Ok(Control::Continue) }
    }
}

fn everything() -> TrainConfig {
    TrainConfig {
        optimizer: OptimizerConfig {
            method: Method::AdamW,
            weight_decay: 0.01,
            ..Default::default()
        },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.1, warmup_steps: 5 },
        gradient: GradientConfig {
            clip_norm: Some(0.5),
            accumulation: 2,
            ema_decay: Some(0.9),
            workers: WorkerCount::Exactly(2),
        },
        checkpoint_every: 4,
        ..config(20)
    }
}

fn unbroken(config: &TrainConfig) -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let outcome = run(config, dir.path(), false, None).unwrap();
    (bytes(&outcome), std::fs::read(dir.path().join("metrics.csv")).unwrap())
}

#[test]
fn resume_is_exact_wherever_the_run_was_cut() {
    use Method::{Adam, AdamW, Lion, Muon, RmsProp, Sgd};
    for method in [Adam, AdamW, Sgd, RmsProp, Lion, Muon] {
        let mut config = everything();
        config.optimizer.method = method;
        let (weights, log) = unbroken(&config);
        // Before the first checkpoint, on one, after one, in the last step.
        for cut in [2, 8, 11, 20] {
            let dir = tempfile::tempdir().unwrap();
            let error = run(&config, dir.path(), false, Some(Box::new(FailAt(cut)))).err().unwrap();
            assert!(matches!(error, TrainError::Callback(_)), "{error}");
            let outcome = run(&config, dir.path(), true, None).unwrap();
            assert!(bytes(&outcome) == weights, "{method:?}: weights differ after a cut at {cut}");
            let resumed = std::fs::read(dir.path().join("metrics.csv")).unwrap();
            assert!(resumed == log, "{method:?}: the log differs after a cut at {cut}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let config = everything();
    assert_eq!(unbroken(&config), unbroken(&config));
    let mut other = config.clone();
    other.optimizer.learning_rate *= 2.0;
    assert_ne!(unbroken(&config).0, unbroken(&other).0);
}

#[test]
fn a_finished_run_is_left_as_it_is_and_can_be_made_longer() {
    let dir = tempfile::tempdir().unwrap();
    // An outcome holds the folder's lock.
    let first = bytes(&run(&config(6), dir.path(), false, None).unwrap());
    let again = bytes(&run(&config(6), dir.path(), true, None).unwrap());
    assert_eq!(first, again);
    let longer = run(&config(12), dir.path(), true, None).unwrap();
    assert_eq!(longer.state.step, 12);
    let (weights, log) = unbroken(&config(12));
    assert!(bytes(&longer) == weights);
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    // The shorter run validated at its end; but for that row the logs agree.
    let resumed = text(std::fs::read(dir.path().join("metrics.csv")).unwrap());
    let kept: String = text(log);
    assert!(kept.lines().all(|l| resumed.lines().any(|r| r == l)), "{kept}\n{resumed}");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(&config(6), dir.path(), false, None).unwrap();
    let path = dir.path().join("checkpoints/last/model.bpk");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = run(&config(8), dir.path(), true, None).err().unwrap().to_string();
    assert!(error.contains("damaged"), "{error}");
}

/// Pictures of 1 by 3 pixels of two classes, 42 to 3, as a learner of three numbers reads them.
fn changed_pictures() -> Prepared<2> {
    let values = Noise::new(Seed(8)).uniform_vec(45 * 3).iter().map(|&v| v as f32).collect();
    let labels = (0..45).map(|i| u32::from(i % 15 == 14)).collect();
    let data = Dataset::from_parts(values, vec![1, 1, 3], Some(labels)).unwrap();
    let preparation = Preparation::fit(&Recipe::Standardised, &data).unwrap();
    let augment = Augment { flip: Flip::Horizontal, noise: 0.2, ..Augment::default() };
    Prepared::new(data, preparation).unwrap().with_augment(augment).unwrap()
}

#[test]
fn a_balanced_run_of_changed_examples_resumes_exactly() {
    let settings = |balance: Balance, accumulation: usize| {
        let augment = Augment { flip: Flip::Horizontal, noise: 0.2, ..Augment::default() };
        let gradient =
            GradientConfig { workers: WorkerCount::Exactly(2), accumulation, ..Default::default() };
        TrainConfig { balance, augment, gradient, checkpoint_every: 4, ..config(10) }
    };
    let train = |config: &TrainConfig, folder: &std::path::Path, cut: Option<u64>| {
        let model = Denoiser::new(Seed(1), &pyrogen_testkit::device());
        let learner = GradientLearner::new(model, config)?;
        let trainer = Trainer::new(config.clone(), Seed(2))?.progress(ProgressMode::Hidden);
        let trainer = match cut {
            Some(step) => trainer.callback(Boxed(Box::new(FailAt(step)))),
            None => trainer.resume(true),
        };
        trainer.fit(learner, Arc::new(changed_pictures()), None, folder)
    };
    let whole = |config: &TrainConfig| {
        let dir = tempfile::tempdir().unwrap();
        bytes(&train(config, dir.path(), None).unwrap())
    };
    let balanced = settings(Balance::Classes, 1);
    let expected = whole(&balanced);
    assert_ne!(whole(&settings(Balance::None, 1)), expected, "the rows are others");
    for cut in [2, 7] {
        let dir = tempfile::tempdir().unwrap();
        train(&balanced, dir.path(), Some(cut)).err().unwrap();
        assert!(bytes(&train(&balanced, dir.path(), None).unwrap()) == expected, "cut at {cut}");
    }
    // Examples that are not changed do not go with settings that change them.
    let dir = tempfile::tempdir().unwrap();
    let error = run(&balanced, dir.path(), false, None).err().unwrap().to_string();
    assert!(error.contains("`augment`"), "{error}");
    let config = TrainConfig { augment: Augment::default(), ..balanced };
    let error = run(&config, dir.path(), false, None).err().unwrap().to_string();
    assert!(error.contains("the data has no classes"), "{error}");
}
