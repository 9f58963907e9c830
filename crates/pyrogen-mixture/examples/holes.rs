//! Groups and completes a table with holes: 150 irises, of whose cells a quarter is hidden.
//!
//! ```text
//! cargo run -p pyrogen-mixture --example holes
//! ```
//!
//! The model and the number of components are chosen by BIC on the table with holes. Filled cells are
//! compared with the hidden ones, beside the columns' means; groups are compared with the species,
//! which the fit does not see.

use std::error::Error;

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{CovarianceModel, Criterion, Fill, MixtureConfig, Table, select};

/// Iris (Fisher 1936), as the tests have it.
#[derive(serde::Deserialize)]
struct Data {
    iris: Vec<f64>,
    species: Vec<usize>,
}

const COLUMNS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let data: Data = serde_json::from_str(include_str!("../tests/fixtures/data.json"))?;
    let noise = Noise::new(Seed(1));
    let hidden: Vec<bool> =
        noise.fork("holes").uniform_vec(data.iris.len()).iter().map(|u| *u < 0.25).collect();
    let cell = |e: usize| if hidden[e] { f64::NAN } else { data.iris[e] };
    let table = Table::numeric((0..data.iris.len()).map(cell).collect(), COLUMNS)?;

    let config = MixtureConfig { starts: 5, ..Default::default() };
    let (components, models) = ([1, 2, 3, 4], CovarianceModel::ALL);
    let chosen = select(&table, &components, &models, &config, Criterion::Bic, &noise)?;
    let mixture = &chosen.best.mixture;
    println!(
        "{} components, {}, bic {:.1}; {} models were tried",
        mixture.components(),
        mixture.covariance_model(),
        chosen.best.criteria.bic,
        chosen.candidates.len()
    );
    for (c, weight) in mixture.weights().iter().enumerate() {
        println!("component {c}: weight {weight:.3}, mean {:.2?}", mixture.mean(c));
    }

    println!("\nroot mean square error of hidden cells, by column");
    let expectation = mixture.complete(&table, Fill::Expectation)?;
    let drawn = mixture.complete(&table, Fill::Draw(&noise.fork("fill")))?;
    let means: Vec<f64> = (0..COLUMNS).map(|j| mean(&table, j)).collect();
    let means: Vec<f64> = (0..data.iris.len()).map(|e| means[e % COLUMNS]).collect();
    for (name, filled) in [
        ("expectation", expectation.all_numbers()),
        ("draw", drawn.all_numbers()),
        ("column's mean", &means),
    ] {
        let error = |j: usize| {
            let cells = (j..hidden.len()).step_by(COLUMNS).filter(|e| hidden[*e]);
            let squares: Vec<f64> = cells.map(|e| (filled[e] - data.iris[e]).powi(2)).collect();
            (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
        };
        println!("{name:14} {:.3?}", [error(0), error(1), error(2), error(3)]);
    }

    println!("\nspecies by component");
    let found = mixture.assign(&table)?;
    for species in 0..3 {
        let count = |c: usize| {
            let pairs = found.iter().zip(&data.species);
            pairs.filter(|(f, s)| **f == c && **s == species).count()
        };
        println!(
            "species {species}: {:?}",
            (0..mixture.components()).map(count).collect::<Vec<_>>()
        );
    }
    Ok(())
}

/// The mean of a column's observed cells.
fn mean(table: &Table, column: usize) -> f64 {
    let cells = (0..table.rows()).map(|row| table.numbers(row)[column]);
    let seen: Vec<f64> = cells.filter(|v| !v.is_nan()).collect();
    seen.iter().sum::<f64>() / seen.len() as f64
}
