mod forms;

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
