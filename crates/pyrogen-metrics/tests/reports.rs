//! Reports, their signatures, and every error.

use pyrogen_core::{Noise, Seed};
use pyrogen_metrics::{
    Bandwidth, Features, Gaussian, KidOptions, Metric, MetricError, MetricReport, MmdOptions, mmd,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn set(label: &str, rows: usize) -> Features {
    let values = Noise::new(Seed(1)).fork(label).normal_vec(rows * 2);
    let features = Features::new(values, rows, 2).unwrap();
    features.named("demo-v1").unwrap()
}

fn features(values: &[f64], cols: usize) -> Features {
    Features::new(values.to_vec(), values.len() / cols, cols).unwrap()
}

#[test]
fn names() {
    assert_eq!(Metric::names(), ["frechet", "kid", "prdc", "mmd"]);
    for name in Metric::names() {
        assert_eq!(name.parse::<Metric>().unwrap().name(), name);
    }
    assert_eq!("prdc".parse::<Metric>().unwrap(), Metric::Prdc { k: 5 });
}

#[test]
fn each_report_has_its_keys_and_signature() {
    let (real, generated) = (set("real", 40), set("generated", 30));
    let base = "features:demo-v1|real:40|generated:30";
    for (name, keys, fields) in [
        ("frechet", &["frechet"][..], "estimator:n-1"),
        ("kid", &["kid", "kid_std"], "kernel:cubic|subsets:100x15|seed:9"),
        ("prdc", &["precision", "recall", "density", "coverage"], "k:5"),
    ] {
        let metric: Metric = name.parse().unwrap();
        let report = metric.compute(&real, &generated, Seed(9)).unwrap();
        assert_eq!(report.metric(), name);
        let signature = format!("{name}|{base}|{fields}|version:{VERSION}");
        assert_eq!(report.signature().to_string(), signature);

        let json = serde_json::to_string(&report).unwrap();
        let values: Vec<String> =
            report.values().map(|(key, v)| format!("\"{key}\":{v:?}")).collect();
        let expected = format!(
            "{{\"metric\":\"{name}\",\"values\":{{{}}},\"signature\":\"{signature}\"}}",
            values.join(",")
        );
        // Tiny numbers have another notation in JSON: compare the objects, and the order of keys.
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&json), parse(&expected));
        assert_eq!(report.values().map(|(key, _)| key).collect::<Vec<_>>(), keys);
        let back: MetricReport = serde_json::from_str(&json).unwrap();
        assert_eq!(back, report);
    }
}

#[test]
fn the_signature_of_mmd_says_which_kernel() {
    let (real, generated) = (set("real", 40), set("generated", 30));
    let sign = |bandwidth: Bandwidth| {
        let metric = Metric::Mmd(MmdOptions { bandwidth, ..Default::default() });
        let report = metric.compute(&real, &generated, Seed(0)).unwrap();
        assert_eq!(report.get("mmd").map(f64::is_finite), Some(true));
        report.signature().clone()
    };
    let given = sign(Bandwidth::Given(vec![0.5, 2.0]));
    assert_eq!(
        given.to_string(),
        format!(
            "mmd|features:demo-v1|real:40|generated:30|kernel:rbf|bandwidth:5.00000e-1,2.00000e0|\
             estimator:unbiased|version:{VERSION}"
        )
    );
    let median = sign(Bandwidth::MedianReal);
    assert!(median.get("bandwidth").unwrap().starts_with("median-real:"));
    let why = median.comparable(&given).unwrap_err().to_string();
    assert!(why.contains("`bandwidth`"), "{why}");
}

#[test]
fn other_real_data_makes_reports_incomparable() {
    let metric: Metric = "frechet".parse().unwrap();
    let report = |hash: &str| {
        let report = metric.compute(&set("real", 40), &set("generated", 30), Seed(9)).unwrap();
        report.of_data(hash).signature().clone()
    };
    let (one, other) = (report("0123456789abcdef"), report("fedcba9876543210"));
    let expected = format!(
        "frechet|features:demo-v1|real:40|generated:30|estimator:n-1|data:01234567|version:{VERSION}"
    );
    assert_eq!(one.to_string(), expected);
    assert_eq!(one.comparable(&one), Ok(()));
    let why = one.comparable(&other).unwrap_err().to_string();
    assert_eq!(why, "not comparable: `data` is 01234567 in one and fedcba98 in the other");
}

#[test]
fn options_make_reports_incomparable() {
    let (real, generated) = (set("real", 40), set("generated", 30));
    let sign = |metric: Metric, seed| {
        let report = metric.compute(&real, &generated, Seed(seed)).unwrap();
        report.signature().clone()
    };
    let kid = Metric::Kid(KidOptions::default());
    assert_eq!(sign(kid.clone(), 1).comparable(&sign(kid, 2)), Ok(()));
    let why =
        sign(Metric::Prdc { k: 3 }, 0).comparable(&sign(Metric::Prdc { k: 5 }, 0)).unwrap_err();
    assert_eq!(why.to_string(), "not comparable: `k` is 3 in one and 5 in the other");
}

/// The message of an error: one line that holds `expected`.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, MetricError>, expected: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn features_that_are_none() {
    refused(Features::new(vec![], 0, 3), "0 rows of 3 columns hold nothing");
    refused(Features::new(vec![], 3, 0), "3 rows of 0 columns hold nothing");
    refused(Features::new(vec![1.0; 5], 2, 3), "need 6 values, got 5");
    refused(Features::new(vec![1.0; 5], usize::MAX, 3), "values, got 5");
    refused(
        Features::new(vec![1.0, 2.0, 3.0, f64::NAN], 2, 2),
        "the value at row 1, column 1 is NaN",
    );
    refused(Features::new(vec![f64::INFINITY], 1, 1), "row 0, column 0 is inf");
    for name in ["", "a|b", "a b", "a\n"] {
        refused(features(&[1.0], 1).named(name), "cannot stand in a signature");
    }
}

#[test]
fn pairs_that_do_not_fit() {
    let x = features(&[1.0, 2.0, 3.0, 4.0], 2);
    let narrow = features(&[1.0, 2.0, 3.0, 4.0], 1);
    let other = x.clone().named("other-v1").unwrap();
    for metric in Metric::all() {
        let run = |a: &Features, b: &Features| metric.compute(a, b, Seed(0));
        refused(run(&x, &narrow), "real features have 2 columns, the generated 1");
        refused(run(&x, &other), "are `given`, the generated `other-v1`");
        let one = features(&[1.0, 2.0], 2);
        match metric {
            Metric::Prdc { .. } => refused(run(&one, &x), "k = 5 neighbours in a real set of 1"),
            _ => refused(run(&x, &one), "the generated set has 1 rows, needs at least 2"),
        }
    }
}

#[test]
fn options_out_of_range() {
    let x = features(&[1.0, 2.0, 4.0], 1);
    for (k, expected) in [(0, "use k from 1 to 2"), (3, "use k from 1 to 2")] {
        refused(Metric::Prdc { k }.compute(&x, &x, Seed(0)), expected);
    }
    let kid = |subsets, subset_size| {
        let options = KidOptions { subsets, subset_size };
        Metric::Kid(options).compute(&x, &x, Seed(0))
    };
    refused(kid(0, None), "`subsets` must be at least 1, got 0");
    for size in [0, 1, 4] {
        refused(kid(1, Some(size)), "`subset_size` must be from 2 to the 3 rows");
    }
    let mmd = |bandwidths: &[f64]| {
        let options =
            MmdOptions { bandwidth: Bandwidth::Given(bandwidths.to_vec()), ..Default::default() };
        mmd(&x, &x, &options)
    };
    for (bandwidths, got) in [
        (&[][..], "got none"),
        (&[0.0], "got 0"),
        (&[1.0, -1.0], "got -1"),
        (&[f64::NAN], "got NaN"),
        (&[f64::INFINITY], "got inf"),
    ] {
        refused(mmd(bandwidths), got);
    }
    let same = features(&[2.0; 3], 1);
    refused(
        Metric::Mmd(MmdOptions::default()).compute(&same, &x, Seed(0)),
        "the median distance is 0",
    );
    refused("fid".parse::<Metric>(), "unknown metric `fid`; known: frechet, kid, prdc, mmd");
}

#[test]
fn values_whose_squares_overflow() {
    let huge = features(&[1e200, -1e200, 1e200, 3e200, 0.0, 1.0, 2e200], 1);
    for metric in Metric::all() {
        refused(metric.compute(&huge, &huge, Seed(0)), "scale the features down");
    }
}

#[test]
fn moments_that_make_no_gaussian() {
    let from = |mean: &[f64], covariance: &[f64]| Gaussian::from_moments(mean.to_vec(), covariance);
    refused(from(&[], &[]), "needs a covariance");
    refused(from(&[0.0, 0.0], &[1.0]), "needs a covariance of 2 x 2, got 1 values");
    refused(from(&[f64::NAN], &[1.0]), "the moments hold NaN");
    refused(from(&[0.0, 0.0], &[1.0, 0.5, 0.0, 1.0]), "not symmetric");
    refused(from(&[0.0, 0.0], &[1.0, 2.0, 2.0, 1.0]), "positive semidefinite");
    let (one, two) =
        (from(&[0.0], &[1.0]).unwrap(), from(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap());
    refused(one.frechet(&two), "1 columns, the generated 2");
    // Rounding below zero counts as zero.
    let rounded = from(&[0.0, 0.0], &[1.0, 0.0, 0.0, -1e-9]).unwrap();
    assert_eq!(rounded.covariance()[3], 0.0);
}
