//! Workers: what is recorded, what repeats, what a resume keeps.

use std::path::Path;

use crate::common::{Denoiser, Table, bytes, config, run};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use pyrogen_core::{Examples, Noise, Seed, parallel};
use pyrogen_train::{
    GradientConfig, GradientLearner, Learner, Part, StepContext, TrainConfig, TrainError,
    WorkerCount,
};

fn with(workers: WorkerCount, steps: u64) -> TrainConfig {
    let gradient = GradientConfig { workers, ..Default::default() };
    TrainConfig { gradient, batch_size: 12, ..config(steps) }
}

fn recorded(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["train"]["gradient"]["workers"].as_u64().unwrap()
}

#[test]
fn auto_is_every_core_and_the_number_is_recorded() {
    assert_eq!(GradientConfig::default().workers, WorkerCount::Auto);
    let dir = tempfile::tempdir().unwrap();
    let outcome = run(&with(WorkerCount::Auto, 2), dir.path(), false, None).unwrap();
    let expected = parallel::threads(&pyrogen_testkit::device()).min(12 / 4);
    assert_eq!(outcome.learner.workers(), expected);
    assert_eq!(recorded(dir.path()), expected as u64);
}

#[test]
fn each_number_repeats_and_resumes_bit_for_bit() {
    for workers in [1, 2, 3] {
        let config = |steps| with(WorkerCount::Exactly(workers), steps);
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let whole = run(&config(9), &path("a"), false, None).unwrap();
        let again = run(&config(9), &path("b"), false, None).unwrap();
        assert_eq!(bytes(&whole), bytes(&again), "{workers} workers");
        run(&config(5), &path("c"), false, None).unwrap();
        // As on a machine with another number of cores.
        let resumed = run(&with(WorkerCount::Auto, 9), &path("c"), true, None).unwrap();
        assert_eq!(resumed.learner.workers(), workers);
        assert_eq!(recorded(&path("c")), workers as u64);
        assert_eq!(bytes(&whole), bytes(&resumed), "{workers} workers, resumed");
    }
}

#[test]
fn another_number_is_another_run() {
    let dir = tempfile::tempdir().unwrap();
    run(&with(WorkerCount::Exactly(2), 2), dir.path(), false, None).unwrap();
    let error = run(&with(WorkerCount::Exactly(3), 4), dir.path(), true, None).err().unwrap();
    let TrainError::OtherRun { field, was, now, .. } = error else { panic!("{error}") };
    assert_eq!((field.as_str(), was.as_str(), now.as_str()), ("train.gradient.workers", "2", "3"));
}

/// Where the numbers of each parameter lie in memory.
#[cfg(feature = "flex")]
fn places(model: &Denoiser) -> Vec<usize> {
    struct Places(Vec<usize>);
    impl ModuleVisitor for Places {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val().try_into_primitive::<burn::backend::Flex>().unwrap();
            self.0.push(tensor.bytes().as_ptr() as usize);
        }
    }
    let mut places = Places(Vec::new());
    model.visit(&mut places);
    places.0
}

/// Replicas, graphs and optimiser let go of the weights before they are changed: no step copies
/// them.
#[test]
#[cfg(feature = "flex")]
fn weights_stay_where_they_are() {
    if pyrogen_testkit::device() != burn::tensor::Device::flex() {
        return;
    }
    for workers in [1, 2] {
        let config = with(WorkerCount::Exactly(workers), 1);
        let model = Denoiser::new(Seed(1), &pyrogen_testkit::device());
        let mut learner = GradientLearner::new(model, &config).unwrap();
        let table = Table::new(12);
        let mut seen = Vec::new();
        for step in 1..5 {
            let noise = Noise::new(Seed(step));
            let size = 12 / workers;
            let parts = (0..workers).map(|w| {
                let rows: Vec<usize> = (w * size..(w + 1) * size).collect();
                let mut noise = noise.rows(w * size..(w + 1) * size, 12);
                let batch = table.batch(&rows, &mut noise, &learner.device());
                Part { batch, rows: w * size..(w + 1) * size, total: 12 }
            });
            let context = StepContext {
                step,
                epoch: 1,
                total_steps: None,
                time: None,
                noise: noise.clone(),
                rate: 1.0,
            };
            let parts = parts.collect();
            learner.update(parts, &context).unwrap();
            seen.push(places(&learner.model()));
        }
        assert!(seen.windows(2).all(|w| w[0] == w[1]), "{workers} workers: {seen:x?}");
    }
}
