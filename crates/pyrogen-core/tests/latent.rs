//! Paths, traversals, attributes and collapse reports in latent space.

mod support;

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::distribution::{Independent, Normal};
use pyrogen_core::latent::{
    AttributeVector, Collapse, CollapseCriteria, Interpolation, LatentReport, LatentStatistics,
    Traversal, class_means,
};
use pyrogen_core::{Noise, Seed};
use support::{Tolerance, assert_close, device, host};

/// Weights and points are each rounded once to f32, their sum once more.
const ROUNDED: Tolerance = Tolerance { absolute: 1e-6, relative: 1e-6 };

fn tensor<const D: usize>(values: &[f64], shape: [usize; D]) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

fn point(values: &[f64]) -> Tensor<1> {
    tensor(values, [values.len()])
}

fn draws<const D: usize>(label: &str, shape: [usize; D]) -> Tensor<D> {
    Noise::new(Seed(4)).fork(label).normal(shape, &device())
}

fn norms(rows: &[f64], width: usize) -> Vec<f64> {
    rows.chunks(width).map(|r| r.iter().map(|v| v * v).sum::<f64>().sqrt()).collect()
}

const BOTH: [Interpolation; 2] = [Interpolation::Linear, Interpolation::Spherical];

// ---- interpolation -------------------------------------------------------------------------

#[test]
fn ends_of_a_path_are_the_points_themselves() {
    let (a, b) = (draws("a", [5, 16]), draws("b", [5, 16]));
    for method in BOTH {
        let path = method.paths(a.clone(), b.clone(), 9).unwrap();
        assert_eq!(path.dims(), [5, 9, 16]);
        assert_eq!(host(path.clone().slice([0..5, 0..1])), host(a.clone()));
        assert_eq!(host(path.slice([0..5, 8..9])), host(b.clone()));
    }
}

#[test]
fn spherical_paths_keep_the_length_and_turn_evenly() {
    let width = 16;
    let unit = |label| {
        let x = draws(label, [1, width]);
        let norm = norms(&host(x.clone()), width)[0];
        (x / norm * 3.0).reshape([width])
    };
    let steps = 7;
    let path = Interpolation::Spherical.path(unit("a"), unit("b"), steps);
    let path = host(path.unwrap());
    assert_close("norm", &norms(&path, width), &vec![3.0; steps], ROUNDED);
    // Equal steps in time are equal chords.
    let chords: Vec<f64> = path
        .windows(2 * width)
        .step_by(width)
        .map(|w| (0..width).map(|i| (w[i] - w[i + width]).powi(2)).sum::<f64>().sqrt())
        .collect();
    assert_eq!(chords.len(), steps - 1);
    assert_close("chords", &chords, &vec![chords[0]; steps - 1], ROUNDED);
}

#[test]
fn linear_paths_are_shorter_in_the_middle() {
    let (a, b) = (draws("a", [64]), draws("b", [64]));
    let path = host(Interpolation::Linear.path(a.clone(), b.clone(), 5).unwrap());
    let middle: Vec<f64> = host((a + b) * 0.5);
    assert_close("middle", &path[2 * 64..3 * 64], &middle, ROUNDED);
    let norms = norms(&path, 64);
    assert!(norms[2] < 0.85 * norms[0].min(norms[4]), "{norms:?}");
}

#[test]
fn slerp_equals_the_formula_at_a_known_angle() {
    // 60 degrees, at a third of the way: both weights are sin(k pi / 9) / sin(pi / 3), and the
    // ends have different lengths.
    let (a, b) = ([2.0, 0.0], [0.5, 0.75f64.sqrt()]);
    let path = Interpolation::Spherical.path(point(&a), point(&b), 4).unwrap();
    let third = std::f64::consts::PI / 9.0;
    let sine = (3.0 * third).sin();
    let (near, far) = ((2.0 * third).sin() / sine, third.sin() / sine);
    let expected = [near * a[0] + far * b[0], far * b[1]];
    assert_close("a third", &host(path)[2..4], &expected, ROUNDED);
}

#[test]
fn slerp_of_parallel_opposite_and_zero_points_is_linear() {
    let a = [1.0, 2.0, -1.0];
    let scaled = |k: f64| a.map(|v| v * k);
    for end in [scaled(1.0), scaled(2.5), scaled(-1.0), scaled(-3.0), [0.0; 3]] {
        let [linear, spherical] = BOTH.map(|m| host(m.path(point(&a), point(&end), 5).unwrap()));
        assert_eq!(linear, spherical, "{end:?}");
    }
    // Either side of the threshold the two agree where the points are nearly parallel.
    for angle in [0.9e-3f64, 1.1e-3] {
        let end = [angle.cos(), angle.sin()];
        let [linear, spherical] =
            BOTH.map(|m| host(m.path(point(&[1.0, 0.0]), point(&end), 5).unwrap()));
        assert_close("nearly parallel", &spherical, &linear, ROUNDED);
    }
}

#[test]
fn rows_of_paths_are_the_paths_of_rows() {
    let (a, b) = (draws("a", [3, 4]), draws("b", [3, 4]));
    let all = Interpolation::Spherical.paths(a.clone(), b.clone(), 6).unwrap();
    for i in 0..3 {
        let row = |x: &Tensor<2>| x.clone().slice(i..i + 1).reshape([4]);
        let one = Interpolation::Spherical.path(row(&a), row(&b), 6).unwrap();
        let expected = host(all.clone().slice(i..i + 1));
        assert_close("row", &host(one), &expected, ROUNDED);
    }
}

#[test]
fn one_step_is_refused() {
    let error = Interpolation::Linear.path(point(&[0.0]), point(&[1.0]), 1).unwrap_err();
    assert_eq!(error.to_string(), "`steps` must be at least 2 (both ends), got 1");
}

#[test]
#[should_panic(expected = "points of different shapes")]
fn points_of_different_widths_are_refused() {
    let _ = Interpolation::Linear.path(point(&[0.0]), point(&[1.0, 2.0]), 3);
}

// ---- traversal -----------------------------------------------------------------------------

#[test]
fn a_traversal_moves_one_dimension() {
    let base = [0.5, -1.0, 2.0];
    let grid = Traversal::default().grid(point(&base), &[2, 0]).unwrap();
    assert_eq!(grid.dims(), [2, 7, 3]);
    let mut expected = Vec::new();
    for dim in [2, 0] {
        for value in -3..=3 {
            let mut row = base;
            row[dim] = f64::from(value);
            expected.extend(row);
        }
    }
    assert_eq!(host(grid.clone()), expected);
    let low = base.map(|x| x as f32);
    let rows = Traversal::default().rows(&low, &[2, 0]).unwrap();
    assert_eq!(rows.into_iter().map(f64::from).collect::<Vec<_>>(), expected);
    let along = Traversal::default().along(point(&base), 0).unwrap();
    assert_eq!(host(along), expected[21..]);
}

#[test]
fn traversals_that_cannot_be_made_are_refused() {
    let base = || point(&[0.0, 0.0]);
    let message = |t: Traversal, dim| t.along(base(), dim).unwrap_err().to_string();
    assert_eq!(
        message(Traversal::default(), 2),
        "`dimension` must be one of the latent dimensions, counted from 0, got 2 where there are 2"
    );
    let one = Traversal { steps: 1, ..Traversal::default() };
    assert!(message(one, 0).contains("`steps`"));
    let endless = Traversal { high: f64::INFINITY, ..Traversal::default() };
    assert_eq!(message(endless, 0), "`high` must be a finite number, got inf");
}

// ---- attributes ----------------------------------------------------------------------------

#[test]
fn attributes_are_differences_of_class_means() {
    let latents = tensor(&[1.0, 0.0, 3.0, 2.0, 0.0, 5.0, 10.0, 10.0], [4, 2]);
    let labels = [0, 0, 1, 2];
    let means = class_means(latents.clone(), &labels, 3).unwrap();
    assert_eq!(host(means), [2.0, 1.0, 0.0, 5.0, 10.0, 10.0]);
    let way = AttributeVector::between(latents.clone(), &labels, 0, 1).unwrap();
    assert_eq!(host(way.direction()), [-2.0, 4.0]);
    let has = [false, false, true, true];
    let attribute = AttributeVector::new(latents.clone(), &has).unwrap();
    assert_eq!(host(attribute.direction()), [3.0, 6.5]);
    let moved = attribute.apply(latents.slice(0..2), -2.0);
    assert_eq!(host(moved), [-5.0, -13.0, -3.0, -11.0]);
}

#[test]
fn attributes_without_examples_are_refused() {
    let latents = || draws("latents", [2, 3]);
    let message = |has: &[bool]| AttributeVector::new(latents(), has).unwrap_err().to_string();
    let expected = "`attribute` must be present in some examples and absent in others, got ";
    assert_eq!(message(&[true, true]), format!("{expected}present in all"));
    assert_eq!(message(&[false, false]), format!("{expected}present in none"));
    let error = class_means(latents(), &[0, 2], 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`labels` must be those of at least one example of each class, got none of class 1"
    );
    let error = class_means(latents(), &[0, 3], 3).unwrap_err();
    assert_eq!(error.to_string(), "class 3 is out of range: the model knows classes 0 to 2");
}

#[test]
#[should_panic(expected = "one label a row is needed")]
fn attributes_need_a_label_a_row() {
    let _ = AttributeVector::new(draws("latents", [2, 3]), &[true]);
}

// ---- collapse ------------------------------------------------------------------------------

/// Sums over examples in f64 of numbers that were rounded to f32.
const STATISTICS: Tolerance = Tolerance { absolute: 1e-6, relative: 1e-6 };

/// Posteriors with the first `used` of `latents` dimensions in use.
fn report_of(used: usize, latents: usize) -> LatentReport {
    let n = 40;
    let mask: Vec<f64> = (0..latents).map(|d| f64::from(u8::from(d < used))).collect();
    let mask = tensor(&mask, [1, latents]);
    let mut statistics = LatentStatistics::new(latents);
    statistics
        .add(&Independent::new(Normal::new(
            draws("means", [n, latents]) * mask.clone(),
            mask.expand([n, latents]) * -3.0,
        )))
        .unwrap();
    statistics.report().unwrap()
}

#[test]
fn activity_and_divergence_equal_their_formulas() {
    let (n, latents) = (30, 3);
    let (mean, log_var) = (draws("mean", [n, latents]), draws("log_var", [n, latents]));
    let mut statistics = LatentStatistics::new(latents);
    // In uneven pieces, with an empty look in between.
    for rows in [0..7, 7..8, 8..30] {
        let part = |x: &Tensor<2>| x.clone().slice([rows.clone()]);
        let posterior = Independent::new(Normal::new(part(&mean), part(&log_var)));
        statistics.add(&posterior).unwrap();
    }
    let report = statistics.report().unwrap();
    assert_eq!(report.examples, n);
    let (mean, log_var) = (host(mean), host(log_var));
    for d in &report.dimensions {
        let column =
            |x: &[f64]| -> Vec<f64> { x.iter().skip(d.index).step_by(latents).copied().collect() };
        let (mu, lv) = (column(&mean), column(&log_var));
        let centre = mu.iter().sum::<f64>() / n as f64;
        let variance = mu.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / (n as f64 - 1.0);
        let kl = mu.iter().zip(&lv).map(|(m, v)| 0.5 * (v.exp() + m * m - v - 1.0)).sum::<f64>();
        assert_close("activity", &[d.activity], &[variance], STATISTICS);
        assert_close("kl", &[d.kl], &[kl / n as f64], STATISTICS);
    }
    let sorted = report.dimensions.windows(2).all(|w| w[0].kl >= w[1].kl);
    assert!(sorted, "{report:?}");
    let total: f64 = report.dimensions.iter().map(|d| d.kl).sum();
    assert_close("total", &[report.total_kl], &[total], STATISTICS);
}

#[test]
fn verdicts_and_their_one_line() {
    let healthy = report_of(4, 4);
    assert_eq!((healthy.collapse, healthy.active()), (Collapse::None, 4));
    assert!(healthy.to_string().starts_with("4 of 4 latent dimensions active, KL "));

    let partial = report_of(8, 20);
    assert_eq!((partial.collapse, partial.active()), (Collapse::Partial, 8));
    assert_eq!(partial.inactive(), (8..20).collect::<Vec<_>>());
    let line = partial.to_string();
    assert!(line.contains("inactive: 8, 9, 10, 11, 12, 13, 14, 15 and 4 more"), "{line}");

    for (used, latents) in [(0, 4), (1, 20)] {
        let whole = report_of(used, latents);
        assert!(whole.is_collapsed());
        let line = whole.to_string();
        let start = format!("posterior collapse: {used} of {latents} latent dimensions active");
        assert!(line.starts_with(&start), "{line}");
        assert!(line.ends_with("try a lower beta or KL warm-up"), "{line}");
        assert!(!line.contains('\n'));
    }
}

#[test]
fn criteria_decide() {
    let mut statistics = LatentStatistics::new(2);
    // Active by its means, but only 0.02 nats from the prior.
    let mean = tensor(&[0.2, 0.2, -0.2, -0.2], [2, 2]);
    let posterior = Independent::new(Normal::new(mean, Tensor::zeros([1, 2], &device())));
    statistics.add(&posterior).unwrap();
    let usual = statistics.report().unwrap();
    assert_eq!((usual.active(), usual.collapse), (2, Collapse::Whole));
    let lenient = CollapseCriteria { total_kl: 0.01, ..CollapseCriteria::default() };
    let report = statistics.report_with(lenient).unwrap();
    assert_eq!(report.collapse, Collapse::None);
    let strict = CollapseCriteria { activity: 0.1, ..lenient };
    let report = statistics.report_with(strict).unwrap();
    assert_eq!((report.active(), report.collapse), (0, Collapse::Whole));
}

#[test]
fn a_report_survives_json() {
    let report = report_of(2, 3);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["collapse"], "partial");
    assert_eq!(json["dimensions"][2]["active"], false);
    assert_eq!(serde_json::from_value::<LatentReport>(json).unwrap(), report);
}

#[test]
fn posteriors_that_are_not_finite_are_refused_and_not_counted() {
    let mut statistics = LatentStatistics::new(1);
    let posterior = |mean: f64| {
        let mean = tensor(&[mean, 1.0], [2, 1]);
        Independent::new(Normal::new(mean, Tensor::zeros([2, 1], &device())))
    };
    let error = statistics.add(&posterior(f64::NAN)).unwrap_err();
    assert_eq!(error.to_string(), "`posterior` must be finite in mean and log-variance, got NaN");
    assert_eq!(
        statistics.report().unwrap_err().to_string(),
        "`examples` must be at least 2 (a variance over the examples is taken), got 0"
    );
    statistics.add(&posterior(0.0)).unwrap();
    assert_eq!(statistics.report().unwrap().examples, 2);
}
