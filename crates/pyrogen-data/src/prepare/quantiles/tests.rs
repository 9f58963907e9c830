use pyrogen_core::folder::DataCard;
use pyrogen_core::{Noise, Seed, normal_quantile};

use super::normal::{normal_cdf, normal_log_density};
use super::*;
use crate::Dataset;
use crate::prepare::{Preparation, Recipe};

/// A share that no value has.
const NEVER: f64 = 2.0;

/// A distribution to fit: draws by inversion from a uniform number, and the logarithm of its density or
/// probability.
struct Truth {
    name: &'static str,
    draw: fn(f64) -> f64,
    log_prob: fn(f64) -> f64,
}

fn log_normal(x: f64) -> f64 {
    normal_log_density(x.ln()) - x.ln()
}

/// The probability that a number rounded to that many parts of 1 is `x`, of a standard normal one.
fn log_rounded(x: f64, parts: f64) -> f64 {
    (normal_cdf(x + 0.5 / parts) - normal_cdf(x - 0.5 / parts)).ln()
}

const TRUTHS: [Truth; 7] = [
    Truth { name: "normal", draw: normal_quantile, log_prob: normal_log_density },
    Truth { name: "log-normal", draw: |u| normal_quantile(u).exp(), log_prob: log_normal },
    Truth { name: "exponential", draw: |u| -u.ln(), log_prob: |x| -x },
    Truth { name: "uniform", draw: |u| u, log_prob: |_| 0.0 },
    Truth {
        name: "mixed",
        draw: |u| if u < 0.6 { 0.0 } else { normal_quantile((u - 0.6) / 0.4).exp() },
        log_prob: |x| if x == 0.0 { 0.6f64.ln() } else { 0.4f64.ln() + log_normal(x) },
    },
    Truth {
        name: "rounded",
        draw: |u| (normal_quantile(u) * 10.0).round() / 10.0,
        log_prob: |x| log_rounded(x, 10.0),
    },
    Truth {
        name: "whole",
        draw: |u| (40.0 + 12.0 * normal_quantile(u)).round(),
        log_prob: |x| log_rounded((x - 40.0) / 12.0, 12.0),
    },
];

/// Two clusters, 20 deviations apart.
fn clusters(u: f64) -> f64 {
    if u < 0.5 { normal_quantile(2.0 * u) - 10.0 } else { normal_quantile(2.0 * u - 1.0) + 10.0 }
}

fn column(n: usize, seed: u64, draw: impl Fn(f64) -> f64) -> Vec<f32> {
    Noise::new(Seed(seed)).uniform_vec(n).into_iter().map(|u| draw(u) as f32).collect()
}

fn fitted(numbers: &[f32], spike: f64) -> SpikedDistribution {
    SpikedDistribution::fit(numbers.to_vec(), spike, false)
}

fn mixed(distribution: &SpikedDistribution) -> &MixedDistribution {
    match &distribution.rest {
        RestDistribution::Mixed(mixed) => mixed,
        RestDistribution::Counts(_) => panic!("an older form"),
    }
}

/// The score of `x` by a model that is the standard normal distribution, with the draw `r`.
fn score(distribution: &SpikedDistribution, x: f64, r: f64) -> f64 {
    let mut y = Vec::new();
    distribution.forward(f64::from(x as f32), r, &mut y);
    let y: Vec<f64> = y.into_iter().map(|y| f64::from(y as f32)).collect();
    distribution.backward(&y).1 + normal_log_density(y[0])
}

#[test]
fn a_perfect_model_scores_as_the_true_distribution() {
    // What the fit costs on the mean over training sets, in nats: each piece of the density has one
    // degree of freedom, and runs have eight rows (30 rows) to 55 (3,000).
    for (n, sets, nats) in [(30, 20, 0.5), (100, 20, 0.15), (400, 20, 0.15), (3000, 4, 0.05)] {
        for truth in &TRUTHS {
            let mut costs = Vec::new();
            for set in 0..sets {
                let distribution = fitted(&column(n, set, truth.draw), NEVER);
                // A column whose values do not recur yet counts as a density of its cells of a tenth.
                let grid = mixed(&distribution).grid.filter(|grid| !grid.counted);
                let cell = grid.map_or(0.0, |grid| grid.cell().ln());
                let mut noise = Noise::new(Seed(1000 + set));
                let (fresh, draws) = (noise.uniform_vec(2000), noise.uniform_vec(2000));
                let cost = |(u, r): (f64, f64)| {
                    let x = (truth.draw)(u);
                    (truth.log_prob)(x) - cell - score(&distribution, x, r)
                };
                costs.push(fresh.into_iter().zip(draws).map(cost).sum::<f64>() / 2000.0);
            }
            let mean = costs.iter().sum::<f64>() / sets as f64;
            // The standard error of a difference of scores over 2,000 rows is below 0.02.
            assert!(-0.04 < mean && mean < nats, "{} {n}: {mean}", truth.name);
            let worst = costs.iter().fold(0.0, |a: f64, &b| a.max(b));
            assert!(n < 400 || worst < 0.15, "{} {n}: {worst}", truth.name);
        }
    }
}

#[test]
fn two_normal_columns_have_their_entropy() {
    let rows =
        |n: usize, seed| Dataset::from_parts(column(2 * n, seed, normal_quantile), vec![2], None);
    let data = rows(400, 1).unwrap();
    let recipe = Recipe::QuantileTable { spike: 0.05, bounds: Bounds::Tails };
    let preparation = Preparation::fit(&recipe, &data).unwrap();
    let fresh = rows(4000, 2).unwrap();
    let y = preparation.apply(fresh.values(), &mut Noise::new(Seed(3)));
    let model: f64 = y.iter().map(|&y| normal_log_density(f64::from(y))).sum();
    let score = (model + preparation.log_det(&y).iter().sum::<f64>()) / 4000.0;
    let truth: f64 = fresh.values().iter().map(|&x| normal_log_density(f64::from(x))).sum();
    assert!((score - truth / 4000.0).abs() < 0.15, "{score}");
}

#[test]
fn samples_of_continuous_columns_are_new() {
    for truth in TRUTHS.iter().take(4) {
        for n in [10, 30, 400, 3000] {
            let mut numbers = column(n, 5, truth.draw);
            let distribution = fitted(&numbers, 0.05);
            assert!(!distribution.has_spikes() && mixed(&distribution).jumps.is_empty());
            numbers.sort_by(f32::total_cmp);
            let sample = |y| distribution.backward(&[y]).0 as f32;
            let samples: Vec<f32> =
                Noise::new(Seed(6)).normal_vec(300).into_iter().map(sample).collect();
            let old =
                samples.iter().filter(|s| numbers.binary_search_by(|v| v.total_cmp(s)).is_ok());
            // By chance among 2^24 numbers: 300 * 3000 / 2^24.
            assert!(old.count() <= 1, "{} {n}", truth.name);
        }
    }
}

#[test]
fn a_gap_is_no_cluster() {
    for n in [100, 400, 3000] {
        let distribution = fitted(&column(n, 7, clusters), 0.05);
        let (gap, cluster) = (score(&distribution, 0.0, 0.5), score(&distribution, 10.0, 0.5));
        assert!(gap < cluster - 3.5, "{n}: {gap} {cluster}");
        let inside = Noise::new(Seed(8)).normal_vec(2000).into_iter();
        let inside = inside.filter(|&y| distribution.backward(&[y]).0.abs() < 5.0).count();
        // An example or two in the gap, and three by its edges.
        assert!(inside as f64 <= 20.0 + 2000.0 * 5.0 / n as f64, "{n}: {inside} of 2000");
    }
}

#[test]
fn far_values_are_far_and_every_number_has_a_place() {
    for (i, truth) in TRUTHS.iter().enumerate() {
        let numbers = column(400, 9, truth.draw);
        let distribution = fitted(&numbers, NEVER);
        let largest = f64::from(numbers.iter().copied().fold(f32::MIN, f32::max));
        let ordinary = score(&distribution, f64::from(numbers[0]), 0.5);
        let far = score(&distribution, 1e9, 0.5);
        assert!(far < ordinary - 30.0, "{}: {far}, ordinary {ordinary}", truth.name);
        let mut last = f64::INFINITY;
        for x in [1.5 * largest, 10.0 * largest, 1e5, 1e20, f64::from(f32::MAX)] {
            let now = score(&distribution, x, 0.5);
            assert!(now < last && now.is_finite(), "{} at {x}: {now}", truth.name);
            last = now;
        }
        for x in [f32::MIN, -1e9, 0.0, f32::MIN_POSITIVE, 3.0, f32::MAX] {
            let mut y = Vec::new();
            distribution.forward(f64::from(x), 0.5, &mut y);
            assert!(y[0].abs() < 100.0, "{} {x}: {}", truth.name, y[0]);
        }
        // What a model that is far off samples is finite.
        for y in [-1e4, -50.0, 50.0, 1e4] {
            assert!((distribution.backward(&[y]).0 as f32).is_finite(), "{i} {y}");
        }
    }
}

#[test]
fn seen_bounds_hold_and_do_not_tell_the_ends() {
    let numbers = column(400, 10, |u| normal_quantile(u).exp());
    let bounded = SpikedDistribution::fit(numbers.clone(), NEVER, true);
    let ends = numbers.iter().fold((f32::MAX, f32::MIN), |(a, b), &v| (a.min(v), b.max(v)));
    let ends = (f64::from(ends.0), f64::from(ends.1));
    let [low, high] = mixed(&bounded).seen.unwrap();
    assert!(ends.0 < low && high < ends.1 && high - low > 0.9 * (ends.1 - ends.0));
    for y in [-20.0, -4.0, 0.0, 4.0, 20.0] {
        let x = bounded.backward(&[y]).0;
        assert!((low..=high).contains(&x), "{y} {x}");
    }
    // Values beyond still score as what they are; and without the option samples go there.
    assert!(score(&bounded, 1e9, 0.5) < -30.0);
    let free = fitted(&numbers, NEVER);
    assert!(free.backward(&[5.0]).0 > ends.1);
    // The levels of a scale are kept, whatever a model says.
    let levels = column(200, 11, |u| (u * 5.0).ceil());
    let scale = SpikedDistribution::fit(levels, NEVER, true);
    assert_eq!([-9.0, 9.0].map(|y| scale.backward(&[y]).0), [1.0, 5.0]);
}

#[test]
fn a_level_that_was_not_seen_costs_a_few_nats() {
    // Levels 1, 2, 4 and 5 of a scale, of few rows and of many.
    for n in [12, 24, 40, 400] {
        let levels = column(n, 12, |u| [1.0, 2.0, 4.0, 5.0][(u * 4.0) as usize]);
        for spike in [0.05, NEVER] {
            let distribution = fitted(&levels, spike);
            for x in [3.0, 6.0] {
                let mut y = Vec::new();
                distribution.forward(x, 0.5, &mut y);
                // What a model scores for the number; the indicator of no spike is the model's own.
                let normal = y[y.len() - 1];
                assert!(normal.abs() < 4.0, "{n}: {x} becomes {normal}");
                let (back, log_det) = distribution.backward(&y);
                let cost = -(log_det + normal_log_density(normal));
                assert!(back == x && cost < (n as f64).ln() + 6.0, "{n}: {x} costs {cost}");
            }
        }
    }
}

#[test]
fn there_is_no_cliff_at_twenty_rows() {
    // Twenty values that are there once are no spikes of a twentieth each.
    let cost = |n: usize| {
        let distribution = fitted(&column(n, 13, normal_quantile), 0.05);
        assert!(!distribution.has_spikes(), "{n}");
        let fresh = column(500, 14, normal_quantile);
        fresh.iter().map(|&x| -score(&distribution, f64::from(x), 0.5)).sum::<f64>() / 500.0
    };
    for n in [10, 16, 18, 19, 20, 21, 22, 24, 40] {
        assert!((1.3..2.4).contains(&cost(n)), "{n}: {}", cost(n));
    }
}

/// Every number that the form of a distribution holds.
fn kept(value: &serde_json::Value, out: &mut Vec<f64>) {
    match value {
        serde_json::Value::Number(v) => out.extend(v.as_f64()),
        serde_json::Value::Array(values) => values.iter().for_each(|v| kept(v, out)),
        serde_json::Value::Object(values) => values.values().for_each(|v| kept(v, out)),
        _ => {}
    }
}

#[test]
fn nothing_of_a_single_row_is_kept() {
    for truth in TRUTHS.iter().take(5) {
        for n in [2, 3, 10, 30, 400, 3000] {
            for seen in [false, true] {
                let numbers = column(n, 15, truth.draw);
                let distribution = SpikedDistribution::fit(numbers.clone(), 0.05, seen);
                let json = serde_json::to_value(&distribution).unwrap();
                let (mut all, mut single) = (Vec::new(), numbers);
                kept(&json, &mut all);
                single.retain(|v| *v != 0.0);
                let copied = all.iter().filter(|a| single.iter().any(|v| f64::from(*v) == **a));
                assert_eq!(copied.count(), 0, "{} {n}: {json}", truth.name);
                assert!(json.to_string().len() < 1500, "{} {n}", truth.name);
            }
        }
    }
}

#[test]
fn jumps_and_grids_come_back() {
    for truth in TRUTHS.iter().skip(4) {
        for n in [30, 400, 3000] {
            let numbers = column(n, 16, truth.draw);
            let distribution = fitted(&numbers, NEVER);
            let whole = mixed(&distribution).grid.is_some();
            for (&x, r) in numbers.iter().zip(Noise::new(Seed(17)).uniform_vec(n)) {
                let mut y = Vec::new();
                distribution.forward(f64::from(x), r, &mut y);
                let back = distribution.backward(&[f64::from(y[0] as f32)]).0 as f32;
                let near = (back - x).abs() <= 0.02 * x.abs();
                assert!(
                    back == x || (!whole && x != 0.0 && near),
                    "{} {n}: {x} {back}",
                    truth.name
                );
            }
        }
    }
    // Prices to the cent come as such, also where none recurs.
    let prices = column(60, 18, |u| (2000.0 + 500.0 * normal_quantile(u)).round() / 100.0);
    let distribution = fitted(&prices, 0.05);
    for y in Noise::new(Seed(19)).normal_vec(200) {
        let x = distribution.backward(&[y]).0;
        assert!((x * 100.0 - (x * 100.0).round()).abs() < 1e-6, "{x}");
    }
}

#[test]
fn the_result_is_normal() {
    for truth in &TRUTHS {
        let data = Dataset::from_parts(column(20_000, 20, truth.draw), vec![1], None).unwrap();
        let step = Quantiles::fit(&data, NEVER, Bounds::Tails, |_| true).unwrap();
        let fresh = column(20_000, 21, truth.draw).iter().map(|&v| f64::from(v)).collect();
        let y = step.forward(fresh, 1, &mut Noise::new(Seed(3)));
        let n = y.len() as f64;
        let (mean, square) = (y.iter().sum::<f64>() / n, y.iter().map(|y| y * y).sum::<f64>() / n);
        // Standard errors are 0.007 and 0.01, of the fit and of the fresh numbers; four of them.
        assert!(
            mean.abs() < 0.04 && (square - 1.0).abs() < 0.06,
            "{}: {mean} {square}",
            truth.name
        );
    }
}

#[test]
fn the_log_determinant_is_the_slope() {
    let distribution = fitted(&column(400, 22, |u| normal_quantile(u).exp()), NEVER);
    let forward = |x: f64| {
        let mut y = Vec::new();
        distribution.forward(x, 0.5, &mut y);
        y[0]
    };
    for x in [-3.0, 0.01, 0.5, 1.3, 4.0, 60.0, 1e4] {
        let h = 1e-6 * (1.0 + f64::abs(x));
        let slope = (forward(x + h) - forward(x - h)) / (2.0 * h);
        let log_det = distribution.backward(&[forward(x)]).1;
        // The difference has an error of 1e-16 / h.
        assert!((log_det - slope.ln()).abs() < 1e-3, "{x}: {log_det} {}", slope.ln());
    }
}

#[test]
fn spikes_stay_apart() {
    // Column 0 has the spikes 0 and 5, column 1 is left alone.
    let first = |i: usize| [0.0, 5.0, 0.0, 5.0, 1.0 + i as f32 / 7.0][i % 5];
    let rows: Vec<f32> = (0..60).flat_map(|i| [first(i), 7.0]).collect();
    let data = Dataset::from_parts(rows.clone(), vec![2], None).unwrap();
    let step = Quantiles::fit(&data, 0.3, Bounds::Tails, |j| j == 0).unwrap();
    let function = step.elements[0].as_ref().unwrap();
    assert_eq!(function.spikes, [0.0, 5.0]);
    assert_eq!(step.output_width(2).unwrap(), 3);
    let x: Vec<f64> = rows.iter().map(|&v| f64::from(v)).collect();
    let y = step.forward(x.clone(), 2, &mut Noise::new(Seed(4)));
    for (i, row) in y.chunks(3).enumerate() {
        let code = [0.0, 1.0, 0.0, 1.0, 2.0][i % 5];
        assert!(row[0] == code && (row[1] == 0.0) == (code < 2.0) && row[2] == 7.0, "{row:?}");
    }
    for (a, b) in x.iter().zip(step.inverse(y.clone(), 2)) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    assert_eq!(step.log_det(&y, 2)[0], 0.0);
    // Where all values are spikes, the rarest is one that others may join.
    let all: Vec<f32> = (0..40).map(|i| if i % 4 == 0 { 4.0 } else { 1.0 }).collect();
    assert_eq!(fitted(&all, 0.05).spikes, [1.0]);
    assert!(!fitted(&[3.0; 40], 0.05).has_spikes());
}

#[test]
fn odd_columns_have_a_distribution() {
    let columns: [&[f32]; 9] = [
        &[5.0],
        &[0.0],
        &[0.0, 0.0],
        &[-0.0, 0.0, -0.0],
        &[1.0, 2.0],
        &[f32::MIN, f32::MAX],
        &[1e-38, 2e-38, 3e-38],
        &[1e9, 1e9 + 64.0, 1e9 + 128.0],
        &[7.5; 100],
    ];
    for column in columns {
        for seen in [false, true] {
            let distribution = SpikedDistribution::fit(column.to_vec(), 0.05, seen);
            assert!(distribution.is_valid(), "{column:?}: {distribution:?}");
            for x in [-1e30, -1.0, 0.0, f64::from(column[0]), 1e30] {
                let mut y = Vec::new();
                distribution.forward(x, 0.5, &mut y);
                let (back, log_det) = distribution.backward(&y);
                assert!(
                    y[0].is_finite() && back.is_finite() && log_det.is_finite(),
                    "{column:?} {x}"
                );
            }
        }
    }
    // A constant column samples its constant, nearly always.
    let constant = fitted(&[7.5; 100], 0.05);
    let same = Noise::new(Seed(23)).normal_vec(500).into_iter();
    let same = same.filter(|&y| constant.backward(&[y]).0 == 7.5).count();
    assert!(same > 450, "{same}");
}

#[test]
fn the_older_form_still_loads_and_says_the_same() {
    // Written by the code before this form: a card, raw rows, what became of them under `Seed(5)`; and
    // random numbers with what they were samples of.
    let fixture = include_str!("../../../tests/fixtures/quantiles_0_1.json");
    let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
    let card: DataCard = serde_json::from_value(fixture["card"].clone()).unwrap();
    let preparation = Preparation::from_card(&card).unwrap();
    let steps = serde_json::to_value(preparation.steps()).unwrap();
    assert_eq!(steps, fixture["card"]["preparation"]["steps"]);
    let numbers =
        |name: &str| -> Vec<f64> { serde_json::from_value(fixture[name].clone()).unwrap() };
    let raw: Vec<f32> = numbers("raw").iter().map(|&v| v as f32).collect();
    let seen = preparation.apply(&raw, &mut Noise::new(Seed(5)));
    let same = |a: &[f32], name: &str| {
        let expected: Vec<f32> = numbers(name).iter().map(|&v| v as f32).collect();
        assert_eq!(a, expected, "{name}");
    };
    same(&seen, "seen");
    let samples: Vec<f32> = numbers("samples").iter().map(|&v| v as f32).collect();
    same(&preparation.inverse(&samples), "sampled");
    // The error function of another platform may round otherwise.
    for (a, b) in preparation.log_det(&samples).iter().zip(numbers("log_det")) {
        assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} {b}");
    }
}

#[test]
fn distributions_that_make_no_sense_are_errors() {
    let data = Dataset::from_parts(column(100, 24, normal_quantile), vec![1], None).unwrap();
    let good = Quantiles::fit(&data, 0.05, Bounds::Seen, |_| true).unwrap();
    let json = serde_json::to_value(&good).unwrap();
    let changed = |at: &str, value: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(&format!("/elements/0/rest/{at}")).unwrap() = value;
        let step: Quantiles = serde_json::from_value(json).unwrap();
        step.output_width(1).is_err()
    };
    assert!(changed("blocks/knots/1", (-1e9).into()));
    assert!(changed("blocks/below/1", (-1.0).into()));
    assert!(changed("blocks/lower/scale", 0.0.into()));
    assert!(changed("blocks/upper/shape", (-1.0).into()));
    assert!(changed("seen/0", 1e9.into()));
    assert!(good.output_width(1).is_ok() && good.output_width(2).is_err());
}
