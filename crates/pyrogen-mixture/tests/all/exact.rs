//! The same bytes for any number of threads, after a save, and the bound that never falls.

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{CovarianceModel, Em, Event, MixtureConfig, Regularisation, Start, Table};
use rayon::ThreadPoolBuilder;

use crate::common::{clouds, with_holes};

/// Rows enough for several parts, with missing cells, weights and categories.
fn mixed(rows: usize) -> Table {
    let codes = (0..rows * 2).map(|e| [(e / 2 % 3) as u32, (e * 7 / 3 % 2) as u32][e % 2]);
    Table::numeric(with_holes(clouds(rows, 3, 5), 3, 6), 3)
        .unwrap()
        .with_categories(codes.collect(), vec![3, 2])
        .unwrap()
        .with_weights((0..rows).map(|r| (r % 4) as f64 * 0.5).collect())
        .unwrap()
}

#[test]
fn threads_change_nothing() {
    let table = mixed(5000);
    let config = MixtureConfig { components: 3, starts: 2, ..Default::default() };
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut em = Em::new(config.clone(), &table, &Noise::new(Seed(2))).unwrap();
            for _ in 0..5 {
                em.step(&table).unwrap();
            }
            serde_json::to_string(&em).unwrap()
        })
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

#[test]
fn a_saved_state_goes_on_bit_for_bit() {
    let table = mixed(300);
    for covariance in CovarianceModel::ALL {
        let config = MixtureConfig { components: 3, covariance, ..Default::default() };
        let mut whole = Em::new(config, &table, &Noise::new(Seed(4))).unwrap();
        for _ in 0..4 {
            whole.step(&table).unwrap();
        }
        let mut resumed: Em =
            serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
        assert_eq!(resumed, whole, "{covariance}");
        for _ in 0..4 {
            assert_eq!(resumed.step(&table).unwrap(), whole.step(&table).unwrap(), "{covariance}");
        }
        assert_eq!(resumed, whole, "{covariance}");
    }
}

#[test]
fn the_objective_never_falls() {
    let tables = [
        Table::numeric(clouds(400, 4, 1), 4).unwrap(),
        Table::numeric(with_holes(clouds(200, 4, 2), 4, 3), 4).unwrap(),
        mixed(240),
    ];
    let regularisations =
        [Regularisation::None, Regularisation::Penalty { strength: 1e-2 }, Regularisation::PRIOR];
    for table in &tables {
        for covariance in CovarianceModel::ALL {
            for regularisation in regularisations {
                let config = MixtureConfig {
                    components: 3,
                    covariance,
                    regularisation,
                    smoothing: 0.5,
                    start: Start::RandomRows,
                    tolerance: 0.0,
                    max_steps: 25,
                    ..Default::default()
                };
                let mut em = Em::new(config, table, &Noise::new(Seed(9))).unwrap();
                while !em.is_done() {
                    let progress = em.step(table).unwrap();
                    let what = format!("{covariance} {regularisation:?} {progress:?}");
                    let converged = |e: &Event| matches!(e, Event::Converged { .. });
                    assert!(progress.events.iter().all(converged), "{what}");
                    // Rounding of sums of some hundred terms of size 1 to 10.
                    assert!(progress.gain.is_none_or(|g| g > -1e-9), "{what}");
                }
            }
        }
    }
}
