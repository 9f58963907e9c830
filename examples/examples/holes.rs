//! Groups and completes a table with holes: 150 irises, of whose measurements a quarter is hidden.
//!
//! ```text
//! cargo run -p pyrogen-examples --example holes
//! ```
//!
//! The number of components and the form of their covariances are chosen by BIC on the table with holes.
//! Hidden cells that are filled in are compared with what they were, beside the columns' means; groups
//! are compared with the species, which the fit does not see.

use std::error::Error;

use pyrogen::data::{Column, ColumnKind, Layout, Loaded, Table, TableSchema};
use pyrogen::prelude::*;

/// Iris (Fisher 1936).
const IRIS: &str = include_str!("../../crates/pyrogen-mixture/tests/fixtures/data.json");
const NAMES: [&str; 4] = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
const WIDTH: usize = NAMES.len();

/// What the example finds.
pub struct Found {
    /// Root mean square error of each column's hidden cells: expected values, and the column's mean.
    pub errors: Vec<[f64; 2]>,
    /// The share of the rows whose component is mostly of their species.
    pub pure: f64,
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    run().map(|_| ())
}

fn numbers(data: &serde_json::Value, name: &str) -> Vec<f64> {
    data[name].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect()
}

/// Learns, completes and groups.
pub fn run() -> Result<Found, Box<dyn Error>> {
    let data: serde_json::Value = serde_json::from_str(IRIS)?;
    let (whole, species) = (numbers(&data, "iris"), numbers(&data, "species"));
    let hidden = Noise::new(Seed(1)).fork("holes").uniform_vec(whole.len());
    let hole = |e: usize| hidden[e] < 0.25;
    let cells: Vec<f64> =
        (0..whole.len()).map(|e| if hole(e) { f64::NAN } else { whole[e] }).collect();
    let columns = NAMES.map(|name| Column::new(name, ColumnKind::Continuous)).to_vec();
    let schema = Some(TableSchema { columns });
    let layout = Layout { event: vec![WIDTH], schema, ..Layout::default() };
    let table = Table::of_numbers(&layout, &cells)?;

    let (room, control) = (tempfile::tempdir()?, Control::new());
    let mut wish = Wish::into(room.path().join("run")).set("covariance=all");
    wish = wish.set("components=[1,2,3,4]").set("tolerance=1e-4");
    (wish.partition.test, wish.partition.validation) = (0.0, 0.0);
    let table = Loaded::new(Data::Table(table));
    let run = pyrogen::train("gmm", &table, &wish, &mut Quiet, &control)?;
    let (model, request) = (run.open(&Device::flex())?, Request::seed(1));
    for finding in model.inspect(&table.data, &request, &control)? {
        println!("{}: {}", finding.title, finding.text);
    }

    let given = Given::new(table.data.clone());
    let full = model.complete(&given, &request.clone().set("fill", "expectation"), &control)?;
    let Data::Table(full) = full else { unreachable!("a model of tables") };
    let full = full.numbers_as(full.columns(), false)?;
    let mut errors = Vec::new();
    for (j, name) in NAMES.iter().enumerate() {
        let places = || (j..whole.len()).step_by(WIDTH);
        let seen: Vec<f64> = places().filter(|e| !hole(*e)).map(|e| whole[e]).collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        let error = |guess: &dyn Fn(usize) -> f64| {
            let squares: Vec<f64> =
                places().filter(|e| hole(*e)).map(|e| (guess(e) - whole[e]).powi(2)).collect();
            (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
        };
        let own = [error(&|e| full[e]), error(&|_| mean)];
        println!("{name}: filled in to {:.3} cm, by the mean to {:.3} cm", own[0], own[1]);
        errors.push(own);
    }

    let groups = model.assign(&table.data, &request, &control)?;
    let mut pure = 0;
    for (k, name) in groups.names.iter().enumerate() {
        let own = groups.assigned.iter().zip(&species).filter(|(g, _)| g[0] as usize == k);
        let mut counts = [0; 3];
        own.for_each(|(_, s)| counts[*s as usize] += 1);
        println!("component {name}: {counts:?} irises of the three species");
        pure += counts.iter().max().copied().unwrap_or(0);
    }
    Ok(Found { errors, pure: f64::from(pure) / species.len() as f64 })
}
