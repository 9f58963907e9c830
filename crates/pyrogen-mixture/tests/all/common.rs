//! Fixtures and comparisons.

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{CovarianceModel, MixtureConfig, Regularisation, Table};
use serde::de::DeserializeOwned;

/// A fixture of `tests/fixtures`.
pub fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a fixture");
    serde_json::from_str(&text).expect("a fixture of this form")
}

/// Iris (Fisher 1936) and Old Faithful (Azzalini and Bowman 1990).
#[derive(serde::Deserialize)]
pub struct Data {
    iris: Vec<f64>,
    species: Vec<usize>,
    faithful: Vec<f64>,
}

pub fn iris() -> Table {
    Table::numeric(fixture::<Data>("data").iris, 4).unwrap()
}

/// The species of each flower as shares, `[150, 3]`.
pub fn species() -> Vec<f64> {
    let one_hot = |s: usize| (0..3).map(move |c| f64::from(c == s));
    fixture::<Data>("data").species.into_iter().flat_map(one_hot).collect()
}

pub fn faithful() -> Table {
    Table::numeric(fixture::<Data>("data").faithful, 2).unwrap()
}

/// Plain maximum likelihood, to a standstill.
pub fn plain(components: usize, covariance: CovarianceModel) -> MixtureConfig {
    MixtureConfig {
        components,
        covariance,
        regularisation: Regularisation::None,
        smoothing: 0.0,
        tolerance: 1e-13,
        max_steps: 5000,
        ..Default::default()
    }
}

/// Fails where two lists differ by more than `tolerance * max(1, |expected|)`.
#[track_caller]
pub fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        // Not `>`: NaN is not close.
        let close = (g - e).abs() <= tolerance * e.abs().max(1.0);
        assert!(close, "{what}[{i}]: got {g}, expected {e}");
    }
}

/// Rows of three overlapping clouds in `d` columns, with correlations of their own.
pub fn clouds(rows: usize, d: usize, seed: u64) -> Vec<f64> {
    let z = Noise::new(Seed(seed)).fork("clouds").normal_vec(rows * d);
    let cell = |row: usize, j: usize| {
        let c = row % 3;
        let own = z[row * d + j];
        let other = z[row * d + (j + 1 + c) % d];
        let slope = [0.9, -0.5, 0.2][c];
        2.5 * ((c * (j + 1)) as f64).sin() + (0.5 + 0.3 * c as f64) * (own + slope * other)
    };
    (0..rows * d).map(|e| cell(e / d, e % d)).collect()
}

/// The same with every seventh or so cell missing; no row is without any.
pub fn with_holes(mut cells: Vec<f64>, d: usize, seed: u64) -> Vec<f64> {
    let draws = Noise::new(Seed(seed)).fork("holes").uniform_vec(cells.len());
    for (e, u) in draws.iter().enumerate() {
        if *u < 0.15 && e % d != e / d % d {
            cells[e] = f64::NAN;
        }
    }
    cells
}
