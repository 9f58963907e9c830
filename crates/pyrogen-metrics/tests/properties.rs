//! What must hold whatever the numbers are.

use pyrogen_core::{Noise, Seed};
use pyrogen_metrics::{
    Bandwidth, Features, Gaussian, GaussianSums, KidOptions, Metric, MetricError, MmdEstimator,
    MmdOptions, frechet, kid, mmd, polynomial_mmd, prdc,
};

/// Rounding of f64 sums of a few thousand terms of size 1, and of decompositions of small matrices.
const ROUNDING: f64 = 1e-10;

fn normal(label: &str, rows: usize, cols: usize) -> Features {
    let values = Noise::new(Seed(11)).fork(label).normal_vec(rows * cols);
    Features::new(values, rows, cols).unwrap()
}

fn map(features: &Features, f: impl Fn(usize, f64) -> f64) -> Features {
    let cols = features.cols();
    let values = features.values().iter().enumerate();
    let values = values.map(|(at, &v)| f(at % cols, v)).collect();
    Features::new(values, features.rows(), cols).unwrap()
}

fn permuted(features: &Features) -> Features {
    let order = Noise::new(Seed(5)).permutation(features.rows());
    features.select(&order).unwrap()
}

#[test]
fn a_set_is_at_distance_zero_from_itself() {
    // More rows than columns, as many, fewer.
    for (rows, cols) in [(200, 6), (12, 12), (9, 30), (2, 5), (40, 1)] {
        let x = normal("x", rows, cols);
        let d = frechet(&x, &x).unwrap();
        assert_eq!(d.mean_term, 0.0);
        assert!(d.covariance_term < ROUNDING, "{rows} x {cols}: {d:?}");
    }
    let x = normal("x", 150, 6);
    let p = prdc(&x, &x, 3).unwrap();
    assert_eq!((p.precision, p.recall, p.coverage), (1.0, 1.0, 1.0));
    // Each sample lies in its own reach and in that of the samples it is a neighbour of: of the
    // k + 1 nearest points of a reach, the last lies on its edge.
    assert!((p.density - 1.0).abs() < ROUNDING, "{p:?}");
    let options = MmdOptions { estimator: MmdEstimator::Biased, ..Default::default() };
    assert!(mmd(&x, &x, &options).unwrap().squared.abs() < ROUNDING);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (x, y) = (normal("x", 180, 4), normal("y", 150, 4));
    let (p, q) = (permuted(&x), permuted(&y));
    assert_ne!(x, p);
    let close = |a: f64, b: f64| assert!((a - b).abs() < ROUNDING, "{a} {b}");
    close(frechet(&x, &y).unwrap().distance(), frechet(&p, &q).unwrap().distance());
    assert_eq!(prdc(&x, &y, 5).unwrap(), prdc(&p, &q, 5).unwrap());
    close(polynomial_mmd(&x, &y).unwrap(), polynomial_mmd(&p, &q).unwrap());
    let options = MmdOptions::default();
    close(mmd(&x, &y, &options).unwrap().squared, mmd(&p, &q, &options).unwrap().squared);
}

#[test]
fn frechet_of_a_translation_is_its_squared_length() {
    for rows in [100, 4] {
        let x = normal("x", rows, 5);
        let moved = map(&x, |col, v| v + col as f64);
        let d = frechet(&x, &moved).unwrap();
        assert!((d.mean_term - 30.0).abs() < ROUNDING, "{d:?}"); // 0 + 1 + 4 + 9 + 16
        assert!(d.covariance_term < ROUNDING, "{d:?}");
    }
}

#[test]
fn frechet_of_a_scaling_has_a_closed_form() {
    // Scaling by s around the mean: tr((1 - s)^2 S).
    let x = normal("x", 50, 3);
    let means = Gaussian::fit(&x).unwrap().mean().to_vec();
    let scaled = map(&x, |col, v| means[col] + 3.0 * (v - means[col]));
    let covariance = Gaussian::fit(&x).unwrap().covariance();
    let trace = covariance[0] + covariance[4] + covariance[8];
    let d = frechet(&x, &scaled).unwrap();
    assert!((d.covariance_term - 4.0 * trace).abs() < ROUNDING, "{d:?}");
    assert!(d.mean_term < ROUNDING);
}

#[test]
fn frechet_of_constant_columns_is_finite() {
    // Both covariances are singular, in different directions.
    let x = map(&normal("x", 60, 4), |col, v| if col == 0 { 2.0 } else { v });
    let y = map(&normal("y", 60, 4), |col, v| if col == 3 { 1.0 } else { v });
    let there = frechet(&x, &y).unwrap();
    let back = frechet(&y, &x).unwrap();
    assert!(there.covariance_term > 1.0, "{there:?}");
    assert!((there.distance() - back.distance()).abs() < ROUNDING);
}

#[test]
fn sums_of_parts_keep_their_digits_far_from_zero() {
    // Squares of 1e6 leave four digits of a covariance of about 1 in f64; the scatter keeps all.
    let x = map(&normal("x", 3000, 4), |_, v| 1e6 + v);
    let mut sums = GaussianSums::default();
    sums.add(&x.select(&(0..1).collect::<Vec<_>>()).unwrap()).unwrap();
    sums.add(&x.select(&(1..3000).collect::<Vec<_>>()).unwrap()).unwrap();
    let (got, expected) = (sums.fit().unwrap(), Gaussian::fit(&x).unwrap());
    for (got, expected) in got.covariance().iter().zip(expected.covariance()) {
        assert!((got - expected).abs() < ROUNDING, "{got} {expected}");
    }
    // Both sum 3,000 values of this size.
    for (got, expected) in got.mean().iter().zip(expected.mean()) {
        assert!((got / expected - 1.0).abs() < 1e-14, "{got} {expected}");
    }
}

#[test]
fn parts_are_alike_or_refused() {
    let x = normal("x", 5, 3);
    let mut sums = GaussianSums::default();
    assert!(sums.clone().fit().unwrap_err().to_string().contains("0 rows, needs at least 2"));
    sums.add(&x).unwrap();
    let wide = sums.add(&normal("x", 5, 4)).unwrap_err().to_string();
    assert!(wide.contains("has 4 columns of `given`, the parts before it 3"), "{wide}");
    assert!(sums.add(&x.clone().named("other").unwrap()).is_err());
    assert_eq!(sums.rows(), 5);
    let huge = map(&x, |_, v| v * 1e200);
    let mut sums = GaussianSums::default();
    sums.add(&huge).unwrap();
    assert!(matches!(sums.fit(), Err(MetricError::Overflow { .. })));
}

#[test]
fn kid_of_equal_distributions_is_about_zero() {
    // The mean over subsets of one pair of sets strays by about std * sqrt(size / n) = 0.7 std;
    // with this seed it lies within one.
    let (x, y) = (normal("x", 600, 8), normal("y", 600, 8));
    let noise = Noise::new(Seed(2));
    let d = kid(&x, &y, &KidOptions::default(), &noise).unwrap();
    assert_eq!((d.values.len(), d.subset_size), (100, 300));
    assert!(d.std > 0.0 && d.mean.abs() < d.std, "{} {}", d.mean, d.std);

    let far = map(&y, |_, v| v + 1.0);
    let d = kid(&x, &far, &KidOptions::default(), &noise).unwrap();
    assert!(d.mean > 5.0 * d.std, "{} {}", d.mean, d.std);
    // Subsets are unbiased for what all rows give.
    let all = polynomial_mmd(&x, &far).unwrap();
    assert!((d.mean - all).abs() < d.std, "{} {all}", d.mean);
}

#[test]
fn kid_is_repeatable_and_independent_of_the_number_of_subsets() {
    let (x, y) = (normal("x", 60, 3), normal("y", 50, 3));
    let run = |subsets, seed| {
        let options = KidOptions { subsets, subset_size: Some(20) };
        kid(&x, &y, &options, &Noise::new(Seed(seed))).unwrap().values
    };
    assert_eq!(run(10, 1), run(10, 1));
    assert_eq!(run(10, 1)[..4], run(4, 1));
    assert_ne!(run(10, 1), run(10, 2));
}

#[test]
fn mmd_tells_distributions_apart() {
    let (x, y) = (normal("x", 300, 2), normal("y", 300, 2));
    // Narrow enough to see the shape.
    let options = MmdOptions { bandwidth: Bandwidth::Given(vec![0.3]), ..Default::default() };
    let same = mmd(&x, &y, &options).unwrap().squared;
    // Same mean and variance of each column, another shape: four points.
    let signs = map(&y, |_, v| v.signum());
    let other = mmd(&x, &signs, &options).unwrap().squared;
    assert!(same.abs() < 0.01 && other > 0.1, "{same} {other}");
}

#[test]
fn results_do_not_depend_on_threads() {
    // Wide enough for decompositions that are cut into pieces.
    let (x, y) = (normal("x", 400, 210), normal("y", 380, 210));
    let in_pool = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let reports = Metric::all().into_iter().map(|m| m.compute(&x, &y, Seed(3)).unwrap());
            reports.collect::<Vec<_>>()
        })
    };
    let (one, four) = (in_pool(1), in_pool(4));
    assert_eq!(one, four);
}

#[test]
fn precision_and_recall_see_missing_and_stray_modes() {
    let x = normal("x", 200, 2);
    let mut two = x.values().to_vec();
    two.extend(map(&normal("y", 200, 2), |_, v| v + 50.0).values());
    let both = Features::new(two, 400, 2).unwrap();
    let missing = prdc(&both, &normal("z", 200, 2), 5).unwrap();
    assert!(missing.precision > 0.9 && missing.recall < 0.55, "{missing:?}");
    assert!(missing.coverage < 0.55, "{missing:?}");
    let stray = prdc(&normal("z", 200, 2), &both, 5).unwrap();
    assert!(stray.precision < 0.55 && stray.recall > 0.9, "{stray:?}");
}
