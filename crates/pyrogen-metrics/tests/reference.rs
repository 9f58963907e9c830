//! The metrics against scipy, torchmetrics, prdc and scikit-learn.
//!
//! `tests/fixtures/reference.json` is written by `scripts/reference_metrics.py`.

use pyrogen_metrics::{
    Bandwidth, Features, Gaussian, GaussianSums, MmdEstimator, MmdOptions, frechet,
    median_distance, mmd, polynomial_mmd, prdc,
};
use serde::Deserialize;

/// Both sides compute in f64; sums of up to 1e5 terms in another order agree to this share.
const F64_RELATIVE: f64 = 1e-10;
/// scipy's sqrtm takes a root of the product of the covariances: where these are singular, a
/// rounded eigenvalue of 1e-16 has a root of 1e-8, and there are tens of them.
const SQRTM_RELATIVE: f64 = 1e-7;
/// The roots of eigenvalues that a covariance holds only up to rounding.
const EIGEN_RELATIVE: f64 = 1e-6;
/// Quotients of small whole numbers, rounded in another order.
const COUNTS: f64 = 1e-12;

#[derive(Deserialize)]
struct Case {
    name: String,
    real: Vec<Vec<f64>>,
    generated: Vec<Vec<f64>>,
    frechet: FrechetParts,
    frechet_sqrtm: FrechetParts,
    kid: Vec<Subset>,
    prdc: Vec<Neighbours>,
    medians: Medians,
    mmd: Vec<Kernel>,
}

#[derive(Deserialize)]
struct FrechetParts {
    mean_term: f64,
    covariance_term: f64,
}

#[derive(Deserialize)]
struct Subset {
    real: Vec<usize>,
    generated: Vec<usize>,
    value: f64,
}

#[derive(Deserialize)]
struct Neighbours {
    k: usize,
    precision: f64,
    recall: f64,
    density: f64,
    coverage: f64,
}

#[derive(Deserialize)]
struct Medians {
    real: f64,
    pooled: f64,
}

#[derive(Deserialize)]
struct Kernel {
    bandwidths: Vec<f64>,
    unbiased: f64,
    biased: f64,
}

fn features(rows: &[Vec<f64>]) -> Features {
    Features::new(rows.concat(), rows.len(), rows[0].len()).unwrap()
}

fn for_each(check: impl Fn(&Case, &Features, &Features)) {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/reference.json")).unwrap();
    assert_eq!(cases.len(), 4);
    for case in &cases {
        check(case, &features(&case.real), &features(&case.generated));
    }
}

#[track_caller]
fn close(what: &str, got: f64, expected: f64, tolerance: f64) {
    assert!(
        (got - expected).abs() <= tolerance,
        "{what}: got {got}, expected {expected} within {tolerance:e}"
    );
}

#[test]
fn frechet_equals_scipy() {
    for_each(|case, real, generated| {
        let got = frechet(real, generated).unwrap();
        for (expected, relative) in
            [(&case.frechet, F64_RELATIVE), (&case.frechet_sqrtm, SQRTM_RELATIVE)]
        {
            let size = expected.mean_term + expected.covariance_term;
            close(&case.name, got.mean_term, expected.mean_term, relative * size);
            let term = expected.covariance_term;
            close(&case.name, got.covariance_term, term, relative * size);
        }
    });
}

#[test]
fn frechet_from_moments_equals_frechet_from_samples() {
    for_each(|case, real, generated| {
        let from_samples = frechet(real, generated).unwrap().distance();
        let moments = |set: &Features| {
            let fitted = Gaussian::fit(set).unwrap();
            Gaussian::from_moments(fitted.mean().to_vec(), &fitted.covariance()).unwrap()
        };
        let got = moments(real).frechet(&moments(generated)).unwrap();
        let tolerance = EIGEN_RELATIVE * from_samples;
        close(&case.name, got.distance(), from_samples, tolerance);
    });
}

#[test]
fn frechet_from_parts_equals_scipy() {
    for_each(|case, real, generated| {
        let fitted = |set: &Features, size: usize| {
            let mut sums = GaussianSums::default();
            let rows: Vec<usize> = (0..set.rows()).collect();
            rows.chunks(size).for_each(|part| sums.add(&set.select(part).unwrap()).unwrap());
            assert_eq!(sums.rows(), set.rows());
            sums.fit().unwrap()
        };
        let expected = case.frechet.mean_term + case.frechet.covariance_term;
        for size in [1, 7, usize::MAX] {
            let got = fitted(real, size).frechet(&fitted(generated, size)).unwrap();
            let tolerance = EIGEN_RELATIVE * expected;
            close(&case.name, got.distance(), expected, tolerance);
        }
    });
}

#[test]
fn kid_equals_torchmetrics_on_each_subset() {
    for_each(|case, real, generated| {
        for subset in &case.kid {
            let real = real.select(&subset.real).unwrap();
            let generated = generated.select(&subset.generated).unwrap();
            let got = polynomial_mmd(&real, &generated).unwrap();
            let tolerance = F64_RELATIVE * subset.value.abs().max(1.0);
            close(&case.name, got, subset.value, tolerance);
        }
    });
}

#[test]
fn prdc_equals_prdc() {
    for_each(|case, real, generated| {
        for expected in &case.prdc {
            let got = prdc(real, generated, expected.k).unwrap();
            let what = format!("{}, k = {}", case.name, expected.k);
            close(&what, got.precision, expected.precision, COUNTS);
            close(&what, got.recall, expected.recall, COUNTS);
            close(&what, got.density, expected.density, COUNTS);
            close(&what, got.coverage, expected.coverage, COUNTS);
        }
    });
}

#[test]
fn mmd_equals_scikit_learn() {
    for_each(|case, real, generated| {
        for expected in &case.mmd {
            for (estimator, value) in [
                (MmdEstimator::Unbiased, expected.unbiased),
                (MmdEstimator::Biased, expected.biased),
            ] {
                let bandwidth = Bandwidth::Given(expected.bandwidths.clone());
                let options = MmdOptions { bandwidth, estimator };
                let got = mmd(real, generated, &options).unwrap();
                close(&case.name, got.squared, value, F64_RELATIVE);
            }
        }
    });
}

#[test]
fn median_bandwidths_equal_numpy() {
    for_each(|case, real, generated| {
        for (bandwidth, expected, kernel) in [
            (Bandwidth::MedianReal, case.medians.real, &case.mmd[0]),
            (Bandwidth::MedianPooled, case.medians.pooled, &case.mmd[1]),
        ] {
            let options = MmdOptions { bandwidth, ..Default::default() };
            let got = mmd(real, generated, &options).unwrap();
            let tolerance = F64_RELATIVE * expected;
            close(&case.name, got.bandwidths[0], expected, tolerance);
            close(&case.name, got.squared, kernel.unbiased, F64_RELATIVE);
        }
        let pooled = median_distance(&[real, generated]).unwrap();
        let tolerance = F64_RELATIVE * case.medians.pooled;
        close(&case.name, pooled, case.medians.pooled, tolerance);
    });
}
