//! Intervals and p-values, against sacrebleu's draws and against all swaps there are.

use pyrogen_core::{Noise, Seed};
use pyrogen_metrics::text::{
    Bleu, Chrf, Corpus, PairedTest, SegmentMetric, SegmentStatistics, SignatureForm, Ter,
    bootstrap, paired,
};
use serde::Deserialize;

use super::fixtures::{F64, close, fixture};

#[derive(Deserialize)]
struct Fixture {
    systems: Systems,
}

#[derive(Deserialize)]
struct Systems {
    references: Vec<String>,
    good: Vec<String>,
    bad: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    metric: String,
    bs: Test,
    ar: Test,
    interval: Spread,
    short: String,
}

#[derive(Deserialize)]
struct Test {
    p: f64,
    scores: [f64; 2],
}

#[derive(Deserialize)]
struct Spread {
    mean: f64,
    half_width: f64,
}

const RESAMPLES: usize = 4000;
const TRIALS: usize = 10_000;

/// Five standard errors of the difference between two estimates of one probability.
fn spread_of_p(p: f64, trials: usize) -> f64 {
    5.0 * (2.0 * p * (1.0 - p) / trials as f64).sqrt() + 1e-3
}

fn check<M: SegmentMetric>(metric: &M, case: &Case, systems: &Systems) {
    let references = [systems.references.as_slice()];
    let corpora = [&systems.bad, &systems.good].map(|s| Corpus::new(s, &references).unwrap());
    let [bad, good] = corpora.each_ref().map(|c| SegmentStatistics::of(metric, c).unwrap());
    let noise = Noise::new(Seed(1));

    // Quantiles of 4,000 scores are known to about two hundredths of the interval's width; five
    // standard errors of both sides, and those of the mean.
    let interval = bootstrap(metric, &bad, RESAMPLES, &noise)[0];
    let expected = &case.interval;
    let width = (interval.half_width() - expected.half_width).abs();
    assert!(width < 0.15 * expected.half_width, "{}: {interval:?}", case.metric);
    let mean = (interval.mean - expected.mean).abs();
    assert!(mean < 0.05 * expected.half_width, "{}: {interval:?}", case.metric);

    for (test, expected, trials) in [
        (PairedTest::Bootstrap { resamples: RESAMPLES }, &case.bs, RESAMPLES),
        (PairedTest::Randomisation { trials: TRIALS }, &case.ar, TRIALS),
    ] {
        let got = paired(metric, &bad, &good, test, &noise).unwrap()[0];
        close(&[got.baseline, got.system], &expected.scores, F64, &case.metric);
        let tolerance = spread_of_p(expected.p, trials);
        assert!((got.p_value - expected.p).abs() < tolerance, "{test:?}: {got:?} {}", expected.p);
        let same = paired(metric, &bad, &bad, test, &noise).unwrap()[0];
        assert_eq!(same.p_value, 1.0, "a system against itself");
    }

    let signature = metric.signature(corpora[0].reference_count());
    let signature = signature.with_resampling(Some(1000), None, Seed(12345));
    let short = signature.sacrebleu(SignatureForm::Short).unwrap();
    assert_eq!(short.rsplit_once('|').unwrap().0, case.short);
}

#[test]
fn intervals_and_tests_agree_with_sacrebleu() {
    let systems = fixture::<Fixture>("text_systems").systems;
    assert_eq!(systems.cases.len(), 3);
    for case in &systems.cases {
        match case.metric.as_str() {
            "bleu" => check(&Bleu::default(), case, &systems),
            "chrf" => check(&Chrf::default(), case, &systems),
            "ter" => check(&Ter::default(), case, &systems),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn randomisation_estimates_the_share_of_all_swaps() {
    let references =
        [["a b c d", "e f g", "h i j k l", "m n", "o p q r", "s t u", "v w", "x y z a b"]];
    let one = ["a b x d", "e f g", "h j k l", "m m", "o p q r", "t t u", "v w w", "x y z a"];
    let two = ["a b c d", "e g g", "h i j k l", "m n", "o q q r", "s t u", "v w", "x y z a b"];
    let metric = Chrf::default();
    let statistics =
        |h: &[&str]| SegmentStatistics::of(&metric, &Corpus::new(h, &references).unwrap()).unwrap();
    let (one, two) = (statistics(&one), statistics(&two));
    let difference = |swaps: usize| {
        let mut totals = [vec![0.0; one.width()], vec![0.0; one.width()]];
        for i in 0..one.len() {
            let swap = swaps >> i & 1;
            for (k, (a, b)) in one.row(i).iter().zip(two.row(i)).enumerate() {
                totals[swap][k] += a;
                totals[1 - swap][k] += b;
            }
        }
        (metric.values(&totals[0])[0] - metric.values(&totals[1])[0]).abs()
    };
    let seen = difference(0);
    let all = 1 << one.len();
    let larger = (0..all).filter(|&swaps| difference(swaps) > seen + F64).count();
    let exact = larger as f64 / all as f64;
    assert!(exact > 0.05 && exact < 0.95, "{exact}");
    let trials = 20_000;
    let test = PairedTest::Randomisation { trials };
    let got = paired(&metric, &one, &two, test, &Noise::new(Seed(4))).unwrap()[0].p_value;
    // Five standard errors.
    let tolerance = 5.0 * (exact * (1.0 - exact) / trials as f64).sqrt();
    assert!((got - exact).abs() < tolerance, "{got}, exactly {exact}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let systems = fixture::<Fixture>("text_systems").systems;
    let references = [systems.references.as_slice()];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let metric = Ter::default();
            let of =
                |s| SegmentStatistics::of(&metric, &Corpus::new(s, &references).unwrap()).unwrap();
            let (bad, good) = (of(&systems.bad), of(&systems.good));
            let noise = Noise::new(Seed(9));
            let test = PairedTest::Bootstrap { resamples: 50 };
            let intervals = bootstrap(&metric, &good, 50, &noise);
            (intervals, paired(&metric, &bad, &good, test, &noise).unwrap(), good)
        })
    };
    assert_eq!(run(1), run(3));
}
