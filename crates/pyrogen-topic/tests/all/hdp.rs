//! The hierarchical Dirichlet process against enumeration.

use std::collections::HashMap;

use super::common::{bars, chi_square_limit, made_by};
use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{Corpus, Hdp, HdpConfig, LeftToRight};

/// All ways to put `n` things into groups, as the group of each, groups numbered as they come.
fn partitions(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..n {
        let mut next = Vec::new();
        for p in all {
            let groups = p.iter().max().map_or(0, |m| m + 1);
            for g in 0..=groups {
                let mut longer = p.clone();
                longer.push(g);
                next.push(longer);
            }
        }
        all = next;
    }
    all
}

/// The probability of a partition under a Chinese restaurant of this concentration.
fn restaurant(groups: &[usize], concentration: f64) -> f64 {
    let mut sizes: Vec<f64> = Vec::new();
    let mut p = 1.0;
    for (i, &g) in groups.iter().enumerate() {
        let all = i as f64 + concentration;
        if g == sizes.len() {
            p *= concentration / all;
            sizes.push(1.0);
        } else {
            p *= sizes[g] / all;
            sizes[g] += 1.0;
        }
    }
    p
}

/// Groups numbered as they come.
fn canonical<T: Copy + PartialEq>(groups: &[T]) -> Vec<usize> {
    let mut seen: Vec<T> = Vec::new();
    let mut number = |g: &T| match seen.iter().position(|s| s == g) {
        Some(at) => at,
        None => {
            seen.push(*g);
            seen.len() - 1
        }
    };
    groups.iter().map(&mut number).collect()
}

#[test]
fn partitions_have_the_posterior_of_full_enumeration() {
    // Two documents: words 0, 0 and words 0, 1, of a vocabulary of two.
    let corpus = Corpus::new(2, &[vec![(0, 2)], vec![(0, 1), (1, 1)]]).unwrap();
    let words = [0usize, 0, 0, 1];
    let (alpha, gamma, beta) = (0.7, 1.3, 0.4);
    // All seatings of both restaurants, and all dishes for their tables.
    let mut exact: HashMap<Vec<usize>, f64> = HashMap::new();
    for a in partitions(2) {
        for b in partitions(2) {
            let first = a.iter().max().unwrap() + 1;
            let tables: Vec<usize> = a.iter().copied().chain(b.iter().map(|t| first + t)).collect();
            let count = tables.iter().max().unwrap() + 1;
            let seated = restaurant(&a, alpha) * restaurant(&b, alpha);
            for dishes in partitions(count) {
                let z: Vec<usize> = tables.iter().map(|t| dishes[*t]).collect();
                let mut p = seated * restaurant(&dishes, gamma);
                let mut seen = [[0.0; 2]; 4];
                for (k, w) in z.iter().zip(words) {
                    let total: f64 = seen[*k].iter().sum();
                    p *= (seen[*k][w] + beta) / (total + 2.0 * beta);
                    seen[*k][w] += 1.0;
                }
                *exact.entry(canonical(&z)).or_default() += p;
            }
        }
    }
    let total: f64 = exact.values().sum();
    let config = HdpConfig { alpha, gamma, beta, learn: false };
    let mut fit = Hdp::new(config, &corpus, &Noise::new(Seed(4))).unwrap();
    const VISITS: usize = 6000;
    let mut seen: HashMap<Vec<usize>, usize> = HashMap::new();
    for _ in 0..VISITS {
        // Autocorrelation over ten sweeps of four tokens is far below a hundredth.
        (0..10).for_each(|_| fit.sweep(&corpus).unwrap());
        *seen.entry(canonical(fit.assigned())).or_default() += 1;
    }
    assert_eq!(exact.len(), 15, "the partitions of four things");
    let statistic: f64 = exact
        .iter()
        .map(|(z, p)| {
            let expected = p / total * VISITS as f64;
            assert!(expected > 5.0, "{z:?}: {expected}");
            (seen.get(z).copied().unwrap_or(0) as f64 - expected).powi(2) / expected
        })
        .sum();
    // A false alarm once in ten thousand, at a fixed seed.
    assert!(statistic < chi_square_limit(14.0), "{statistic}");
}

#[test]
fn the_number_of_topics_is_found() {
    let truth = bars(0.15);
    let corpus = made_by(&truth, 300, 60, 1);
    let mut fit = Hdp::new(HdpConfig::default(), &corpus, &Noise::new(Seed(2))).unwrap();
    (0..120).for_each(|_| fit.sweep(&corpus).unwrap());
    let text = serde_json::to_string(&fit).unwrap();
    let mut resumed: Hdp = serde_json::from_str(&text).unwrap();
    (0..5).for_each(|_| resumed.sweep(&corpus).unwrap());
    (0..5).for_each(|_| fit.sweep(&corpus).unwrap());
    assert_eq!(fit, resumed);
    let topics = fit.topics(&corpus).unwrap();
    // Ten bars; a few small topics more are part of the posterior.
    assert!((10..=16).contains(&topics.len()), "{} topics", topics.len());
    let found = |k: usize| {
        let same = |j: usize| {
            topics.topic(j).iter().zip(truth.topic(k)).map(|(a, b)| a.min(*b)).sum::<f64>()
        };
        (0..topics.len()).any(|j| same(j) > 0.85)
    };
    assert!((0..10).filter(|k| found(*k)).count() >= 9);
    let new = made_by(&truth, 40, 60, 3);
    let score = |t: &pyrogen_topic::Topics| -> f64 {
        let all = t.left_to_right(&new, &LeftToRight::default(), &Noise::new(Seed(1))).unwrap();
        all.iter().map(|e| e.nats).sum::<f64>() / new.tokens() as f64
    };
    assert!(score(&topics) > score(&truth) - 0.04, "{} {}", score(&topics), score(&truth));
    assert!(fit.log_words(&corpus).unwrap().is_finite());
}

#[test]
fn documents_and_settings_that_cannot_be_used() {
    let empty = Corpus::new(3, &[vec![]]).unwrap();
    let noise = Noise::new(Seed(1));
    let error = Hdp::new(HdpConfig::default(), &empty, &noise).unwrap_err().to_string();
    assert!(error.contains("all 1 documents are empty"), "{error}");
    let one = Corpus::new(1, &[vec![(0, 3)], vec![]]).unwrap();
    let zero = HdpConfig { gamma: 0.0, ..Default::default() };
    assert!(Hdp::new(zero, &one, &noise).unwrap_err().to_string().contains("gamma"));
    let mut fit = Hdp::new(HdpConfig::default(), &one, &noise).unwrap();
    (0..200).for_each(|_| fit.sweep(&one).unwrap());
    let topics = fit.topics(&one).unwrap();
    assert!(topics.alpha().iter().all(|a| a.is_finite()) && topics.topic(0) == [1.0]);
    assert!(fit.sweep(&empty).is_err());
}
