//! Variational steps against scikit-learn, and against closed forms.

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{Precision, Start, Table, Variational, VariationalConfig, WeightPrior};
use serde::Deserialize;

use crate::common::{assert_close, clouds, faithful, fixture};

#[derive(Deserialize)]
struct Step {
    bound: f64,
    concentration: serde_json::Value,
    mean_precision: Vec<f64>,
    means: Vec<f64>,
    degrees: Vec<f64>,
    covariances: Vec<f64>,
}

#[derive(Deserialize)]
struct Run {
    kind: String,
    components: usize,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Fixture {
    shares: Vec<f64>,
    runs: Vec<Run>,
}

/// Bounds of size 1e3 after six steps; scikit-learn adds epsilons of 2e-15 to the counts.
const STEP: f64 = 1e-9;

#[test]
fn every_step_and_every_bound_is_scikit_learns() {
    let fixture: Fixture = fixture("variational");
    let table = faithful();
    for run in &fixture.runs {
        let weights = match run.kind.as_str() {
            "dirichlet_process" => WeightPrior::Process,
            _ => WeightPrior::Dirichlet,
        };
        let config = VariationalConfig {
            components: run.components,
            weights,
            concentration: Some(0.3),
            mean_precision: 0.5,
            degrees: Some(3.5),
            ..Default::default()
        };
        let shares = &fixture.shares;
        let mut fit = Variational::from_responsibilities(config, shares, &table).unwrap();
        let mut last = f64::NEG_INFINITY;
        for (i, step) in run.steps.iter().enumerate() {
            let what = |part: &str| format!("{}, step {i}: {part}", run.kind);
            let bound = fit.step(&table).unwrap();
            assert!((bound - step.bound).abs() < 1e-6, "{bound} {}", step.bound);
            assert!(bound > last);
            last = bound;
            let (concentrations, mean_precisions, degrees) = fit.posterior();
            let expected: Vec<f64> = serde_json::from_value(step.concentration.clone()).unwrap();
            // scikit-learn has the first of all sticks, then the second of all.
            let k = run.components;
            let got: Vec<f64> = match weights {
                WeightPrior::Dirichlet => concentrations.to_vec(),
                WeightPrior::Process => {
                    (0..2 * k).map(|e| concentrations[e % k * 2 + e / k]).collect()
                }
            };
            assert_close(&got, &expected, STEP, &what("concentrations"));
            assert_close(mean_precisions, &step.mean_precision, STEP, &what("mean precisions"));
            assert_close(degrees, &step.degrees, STEP, &what("degrees"));
            let mixture = fit.mixture().unwrap();
            let means: Vec<f64> = (0..k).flat_map(|c| mixture.mean(c).to_vec()).collect();
            let covariances: Vec<f64> = (0..k).flat_map(|c| mixture.covariance(c)).collect();
            assert_close(&means, &step.means, STEP, &what("means"));
            assert_close(&covariances, &step.covariances, STEP, &what("covariances"));
        }
    }
}

/// `log p(table)` of one Gaussian under its conjugate prior, one column: the product of the rows'
/// Student densities given the rows before them.
fn log_evidence(x: &[f64], mean: f64, precision: f64, degrees: f64, scale: f64) -> f64 {
    let (mut m, mut kappa, mut nu, mut s) = (mean, precision, degrees, scale);
    let mut sum = 0.0;
    for x in x {
        let spread = s / nu * (kappa + 1.0) / kappa;
        let ln_gamma = |x: f64| libm::lgamma(x);
        sum += ln_gamma(0.5 * (nu + 1.0))
            - ln_gamma(0.5 * nu)
            - 0.5 * (nu * std::f64::consts::PI * spread).ln()
            - 0.5 * (nu + 1.0) * ((x - m).powi(2) / (nu * spread)).ln_1p();
        s += kappa / (kappa + 1.0) * (x - m).powi(2);
        m = (kappa * m + x) / (kappa + 1.0);
        kappa += 1.0;
        nu += 1.0;
    }
    sum
}

#[test]
fn with_one_component_the_bound_is_the_evidence() {
    let x = clouds(25, 1, 3);
    let mean = x.iter().sum::<f64>() / 25.0;
    let scale = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 24.0;
    let expected = log_evidence(&x, mean, 0.7, 2.5, scale);
    for (precision, columns) in
        [(Precision::Full, 1), (Precision::Diagonal, 1), (Precision::Diagonal, 3)]
    {
        for weights in [WeightPrior::Process, WeightPrior::Dirichlet] {
            let config = VariationalConfig {
                components: 1,
                precision,
                weights,
                mean_precision: 0.7,
                degrees: Some(2.5),
                ..Default::default()
            };
            // Equal columns that know nothing of each other: the evidence of each.
            let cells = x.iter().flat_map(|v| vec![*v; columns]).collect();
            let table = Table::numeric(cells, columns).unwrap();
            let mut fit = Variational::new(config, &table, &Noise::new(Seed(1))).unwrap();
            let bound = fit.step(&table).unwrap();
            // With a process one component takes 25 sticks' first parts, which costs evidence too.
            let sticks = match weights {
                WeightPrior::Dirichlet => 0.0,
                WeightPrior::Process => {
                    let log_b =
                        |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
                    log_b(26.0, 1.0) - log_b(1.0, 1.0)
                }
            };
            let expected = columns as f64 * expected + sticks;
            assert!(
                (bound - expected).abs() < 1e-9,
                "{precision:?} {weights:?} {bound} {expected}"
            );
        }
    }
}

#[test]
fn the_bound_never_falls_and_states_go_on() {
    let table = Table::numeric(clouds(150, 3, 4), 3)
        .unwrap()
        .with_weights((0..150).map(|r| 0.5 + (r % 3) as f64).collect())
        .unwrap();
    for precision in [Precision::Full, Precision::Diagonal] {
        for weights in [WeightPrior::Process, WeightPrior::Dirichlet] {
            let config = VariationalConfig {
                components: 6,
                precision,
                weights,
                start: Start::RandomRows,
                tolerance: 0.0,
                max_steps: 40,
                ..Default::default()
            };
            let mut fit = Variational::new(config, &table, &Noise::new(Seed(2))).unwrap();
            let mut bounds = Vec::new();
            while !fit.is_done() {
                let json = serde_json::to_string(&fit).unwrap();
                let mut resumed: Variational = serde_json::from_str(&json).unwrap();
                bounds.push(fit.step(&table).unwrap());
                assert_eq!(resumed.step(&table).unwrap(), bounds[bounds.len() - 1]);
                assert_eq!(resumed, fit);
            }
            assert!(bounds.len() > 5);
            assert!(bounds.windows(2).all(|w| w[1] >= w[0] - 1e-9), "{bounds:?}");
        }
    }
}

#[test]
fn tables_with_holes_are_refused() {
    let table = Table::numeric(vec![1.0, f64::NAN, 3.0], 1).unwrap();
    let error = Variational::new(VariationalConfig::default(), &table, &Noise::new(Seed(1)));
    assert!(error.unwrap_err().to_string().contains("missing cells"));
}
