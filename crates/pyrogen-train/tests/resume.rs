//! A run that is cut off and resumed ends as the unbroken run, bit for bit.

use crate::common::{DenoiserLearner, bytes, config, run};
use pyrogen_train::callback::CallbackError;
use pyrogen_train::{
    Callback, Control, Decay, Event, GradientConfig, Method, OptimizerConfig, ScheduleConfig,
    TrainConfig, TrainError, WorkerCount,
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
    for method in [Method::Adam, Method::AdamW, Method::Sgd, Method::RmsProp, Method::Lion] {
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
