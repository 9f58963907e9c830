//! Gaussian mixtures.

use pyrogen::core::{Noise, Seed};
use pyrogen::mixture::{Em, MixtureConfig, Table, fit};

use crate::workload::{Plan, Workload, noise};

/// Columns and components.
const WIDTH: usize = 16;
const COMPONENTS: usize = 8;

struct Clusters {
    table: Table,
    config: MixtureConfig,
    /// Begins a step; none for a whole fit.
    first: Option<Em>,
    runs: u64,
}

/// Rows of normal numbers, each about one of the centres in turn.
fn clusters([rows, width, components]: [usize; 3]) -> Table {
    let z = noise("gmm").normal_vec(rows * width);
    let centre = |k: usize, j: usize| 3.0 * (((k + 1) * (j + 1)) as f64).sin();
    let cell = |(e, z): (usize, &f64)| z + centre(e / width % components, e % width);
    Table::numeric(z.iter().enumerate().map(cell).collect(), width).expect("finite numbers")
}

/// scikit-learn's tolerance and most steps.
fn config(components: usize) -> MixtureConfig {
    MixtureConfig { components, tolerance: 1e-3, max_steps: 100, ..MixtureConfig::default() }
}

/// One step of expectation maximisation, full covariances.
pub fn step(plan: Plan) -> Box<dyn Workload> {
    grown(plan, usual(plan))
}

/// Rows, columns and components of the rows.
fn usual(plan: Plan) -> [usize; 3] {
    [plan.pick(100_000, 400), WIDTH, COMPONENTS]
}

/// The step with other numbers of rows, columns and components.
pub fn grown(_: Plan, sizes: [usize; 3]) -> Box<dyn Workload> {
    let table = clusters(sizes);
    let config = MixtureConfig { tolerance: 0.0, ..config(sizes[2]) };
    let first = Em::new(config.clone(), &table, &Noise::new(Seed(1))).expect("a start");
    Box::new(Clusters { table, config, first: Some(first), runs: 0 })
}

/// A whole fit from k-means to a gain of 0.001 nats a row.
pub fn whole(plan: Plan) -> Box<dyn Workload> {
    Box::new(Clusters {
        table: clusters(usual(plan)),
        config: config(COMPONENTS),
        first: None,
        runs: 0,
    })
}

impl Workload for Clusters {
    fn run(&mut self) -> f64 {
        self.runs += 1;
        match &self.first {
            // The same step again and again: one that has converged would be no work.
            Some(first) => first.clone().step(&self.table).expect("a step").log_likelihood,
            None => {
                let noise = Noise::new(Seed(2)).fork_index(self.runs);
                fit(&self.config, &self.table, &noise).expect("a fit").criteria.log_likelihood
            }
        }
    }
}
