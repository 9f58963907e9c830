//! The trainer drives the state: it learns, and a run that was cut resumes bit for bit.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::{read_json, write_json};
use pyrogen_core::{Examples, Noise, Seed};
use pyrogen_mixture::{Em, Mixture, MixtureConfig, MixtureError, Table};
use pyrogen_train::{
    Learner, Limits, Outcome, Part, ProgressMode, StepContext, TrainConfig, TrainError, Trainer,
    Values,
};

use crate::common::{clouds, with_holes};

const ROWS: usize = 200;

/// The numbers of the rows: the learner holds the table.
struct Rows;

impl Examples for Rows {
    type Batch = Vec<usize>;

    fn len(&self) -> usize {
        ROWS
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, _: &Device) -> Vec<usize> {
        rows.to_vec()
    }
}

/// One step is one sweep; the batch is the whole table.
struct Sweeps {
    em: Em,
    table: Table,
}

impl Sweeps {
    fn new() -> Self {
        let table = Table::numeric(with_holes(clouds(ROWS, 3, 1), 3, 2), 3).unwrap();
        let config =
            MixtureConfig { components: 3, starts: 3, tolerance: 0.0, ..Default::default() };
        let em = Em::new(config, &table, &Noise::new(Seed(5))).unwrap();
        Self { em, table }
    }
}

fn failed(error: MixtureError) -> TrainError {
    TrainError::Callback(Box::new(error))
}

impl Learner for Sweeps {
    type Batch = Vec<usize>;
    type Model = Mixture;

    fn device(&self) -> Device {
        pyrogen_testkit::device()
    }

    fn update(
        &mut self,
        parts: Vec<Part<Vec<usize>>>,
        _: &StepContext,
    ) -> Result<Values, TrainError> {
        // Sums are made in the table's order, whatever order the rows come in.
        let rows: usize = parts.iter().map(|p| p.batch.len()).sum();
        assert_eq!(rows, self.table.rows());
        let progress = self.em.step(&self.table).map_err(failed)?;
        let rows = self.table.total_weight();
        Ok(vec![
            ("loss".into(), -progress.objective / rows),
            ("log_likelihood".into(), progress.log_likelihood / rows),
        ])
    }

    fn validate(&self, batch: Vec<usize>, _: &mut Noise) -> Values {
        let table = self.table.select(&batch).expect("rows of the table");
        let log = self.em.best().log_likelihood(&table).expect("the same columns");
        vec![("loss".into(), -log / table.total_weight())]
    }

    fn model(&self) -> Mixture {
        self.em.best().clone()
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(write_json(&folder.join("em.json"), &self.em)?)
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        self.em = read_json(&folder.join("em.json"))?;
        Ok(())
    }
}

fn fit(steps: u64, folder: &Path, resume: bool) -> Outcome<Sweeps> {
    let config = TrainConfig {
        batch_size: usize::MAX,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        checkpoint_every: 5,
        log_every: 1,
        ..Default::default()
    };
    Trainer::new(config, Seed(3))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .resume(resume)
        .fit(Sweeps::new(), Arc::new(Rows), None, folder)
        .unwrap()
}

#[test]
fn a_learner_of_sweeps_trains_and_resumes_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fit(20, &dir.path().join("a"), false);
    let rows = pyrogen_train::metrics_log::read_rows(&dir.path().join("a/metrics.csv")).unwrap();
    let losses: Vec<f64> =
        rows.iter().filter(|r| r.part == "train").map(|r| r.values[0].1).collect();
    assert_eq!(losses.len(), 20);
    assert!(losses[19] < losses[0] - 0.01, "{losses:?}");

    let cut = dir.path().join("b");
    fit(7, &cut, false);
    let resumed = fit(20, &cut, true);
    assert_eq!(resumed.learner.em, whole.learner.em);
    let json = |o: &Outcome<Sweeps>| serde_json::to_string(&o.learner.em).unwrap();
    assert_eq!(json(&resumed), json(&whole));
}
