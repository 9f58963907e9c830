//! Gibbs sampling against enumeration, and what guides it.

use std::collections::HashMap;

use super::common::{assert_close, bars, chi_square_limit, made_by, with_threads};
use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{Corpus, Gibbs, GibbsConfig, Guide, LearnPrior, Sampler, SeedWord};

fn fixed(topics: usize, sampler: Sampler) -> GibbsConfig {
    GibbsConfig {
        topics,
        alpha: 0.4,
        beta: 0.3,
        sampler,
        learn_alpha: LearnPrior::Fixed,
        learn_beta: false,
        ..Default::default()
    }
}

fn start(config: GibbsConfig, corpus: &Corpus, guide: Guide, seed: u64) -> Gibbs {
    Gibbs::new(config, corpus, guide, &Noise::new(Seed(seed))).unwrap()
}

/// `ln p(words, z)` as the product of the probabilities of one token after the other, with the prior
/// `beta` and 0.4 for the topics of `allowed`.
fn sequential(
    corpus: &Corpus,
    z: &[u16],
    topics: usize,
    allowed: impl Fn(usize, usize) -> bool,
    beta: impl Fn(usize, usize) -> f64,
) -> f64 {
    let words = corpus.words();
    let mut of_words = vec![0.0; topics * words];
    let mut z = z.iter();
    let mut sum = 0.0;
    for (d, document) in corpus.iter().enumerate() {
        let alpha = |k: usize| if allowed(d, k) { 0.4 } else { 0.0 };
        let all: f64 = (0..topics).map(alpha).sum();
        let mut shares = vec![0.0; topics];
        let mut n = 0.0;
        for (&w, &count) in document.words.iter().zip(document.counts) {
            for _ in 0..count {
                let (k, w) = (usize::from(*z.next().unwrap()), w as usize);
                let row = &of_words[k * words..][..words];
                let total: f64 = (0..words).map(|v| row[v] + beta(k, v)).sum();
                sum += ((shares[k] + alpha(k)) / (n + all)).ln();
                sum += ((row[w] + beta(k, w)) / total).ln();
                shares[k] += 1.0;
                of_words[k * words + w] += 1.0;
                n += 1.0;
            }
        }
    }
    sum
}

/// The chi-square statistic of the states of a chain against all states' probabilities, with the
/// degrees of freedom. States of fewer than five expected visits are one.
fn chi_square(
    corpus: &Corpus,
    fit: &mut Gibbs,
    topics: usize,
    log: impl Fn(&[u16]) -> f64,
) -> (f64, f64) {
    // Autocorrelation over ten sweeps of five tokens is far below a hundredth.
    const VISITS: usize = 4000;
    const THIN: usize = 10;
    let tokens = corpus.tokens() as usize;
    let states = topics.pow(tokens as u32);
    let state = |s: usize| -> Vec<u16> {
        (0..tokens).map(|i| (s / topics.pow(i as u32) % topics) as u16).collect()
    };
    let weights: Vec<f64> = (0..states).map(|s| log(&state(s)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut seen: HashMap<Vec<u16>, usize> = HashMap::new();
    for _ in 0..VISITS {
        (0..THIN).for_each(|_| fit.sweep(corpus).unwrap());
        *seen.entry(fit.assigned().to_vec()).or_default() += 1;
    }
    let (mut statistic, mut cells) = (0.0, 0.0);
    let mut rare = (0.0, 0.0);
    for (s, weight) in weights.iter().enumerate() {
        let expected = weight / total * VISITS as f64;
        let got = seen.get(&state(s)).copied().unwrap_or(0) as f64;
        assert!(*weight > 0.0 || got == 0.0, "an impossible state was visited");
        if expected < 5.0 {
            rare = (rare.0 + expected, rare.1 + got);
        } else {
            statistic += (got - expected).powi(2) / expected;
            cells += 1.0;
        }
    }
    if rare.0 > 0.0 {
        statistic += (rare.1 - rare.0).powi(2) / rare.0;
        cells += 1.0;
    }
    (statistic, cells - 1.0)
}

fn tiny() -> Corpus {
    Corpus::new(3, &[vec![(0, 2), (1, 1)], vec![], vec![(1, 1), (2, 1)]]).unwrap()
}

#[test]
fn both_samplers_have_the_posterior_of_full_enumeration() {
    let corpus = tiny();
    let log = |z: &[u16]| sequential(&corpus, z, 2, |_, _| true, |_, _| 0.3);
    for sampler in [Sampler::Parallel, Sampler::Collapsed] {
        let mut fit = start(fixed(2, sampler), &corpus, Guide::default(), 11);
        let (statistic, dof) = chi_square(&corpus, &mut fit, 2, log);
        // A false alarm once in ten thousand, at a fixed seed.
        let limit = chi_square_limit(dof);
        assert!(statistic < limit, "{sampler:?}: {statistic} of {dof}, limit {limit}");
        assert_close(
            &[fit.log_joint(&corpus).unwrap()],
            &[log(fit.assigned())],
            1e-12,
            "the joint probability",
        );
    }
}

#[test]
fn labels_and_seed_words_have_their_posterior_too() {
    let corpus = tiny();
    // Document 0 may have topics 0 and 2, document 2 topics 1 and 2; word 1 belongs to topic 2.
    let mut guide = Guide::labelled(&[vec![0], vec![], vec![1]], 2, 1).unwrap();
    guide.seeds = vec![SeedWord { topic: 2, word: 1, weight: 1.5 }];
    let allowed = |d: usize, k: usize| k == 2 || k == d / 2;
    let beta = |k: usize, w: usize| if (k, w) == (2, 1) { 1.8 } else { 0.3 };
    let log = |z: &[u16]| sequential(&corpus, z, 3, allowed, beta);
    for sampler in [Sampler::Parallel, Sampler::Collapsed] {
        let mut fit = start(fixed(3, sampler), &corpus, guide.clone(), 5);
        let (statistic, dof) = chi_square(&corpus, &mut fit, 3, log);
        let limit = chi_square_limit(dof);
        assert!(statistic < limit, "{sampler:?}: {statistic} of {dof}, limit {limit}");
        assert_close(
            &[fit.log_joint(&corpus).unwrap()],
            &[log(fit.assigned())],
            1e-12,
            "the joint probability",
        );
    }
}

#[test]
fn a_seed_gives_the_same_bytes_for_any_number_of_threads_and_across_a_break() {
    let corpus = made_by(&bars(0.2), 300, 40, 3);
    for sampler in [Sampler::Parallel, Sampler::Collapsed] {
        let config =
            GibbsConfig { topics: 11, sampler, burn_in: 2, learn_every: 2, ..Default::default() };
        let run = |threads: usize| {
            with_threads(threads, || {
                let mut fit = start(config.clone(), &corpus, Guide::default(), 1);
                (0..7).for_each(|_| fit.sweep(&corpus).unwrap());
                fit
            })
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
        let mut broken = start(config.clone(), &corpus, Guide::default(), 1);
        (0..3).for_each(|_| broken.sweep(&corpus).unwrap());
        let text = serde_json::to_string(&broken).unwrap();
        let mut resumed: Gibbs = serde_json::from_str(&text).unwrap();
        (0..4).for_each(|_| resumed.sweep(&corpus).unwrap());
        assert_eq!(one, resumed);
    }
}

#[test]
fn labelled_documents_find_the_words_of_their_labels() {
    // Documents of two bars each, with the bars as labels.
    let truth = bars(1.0);
    let noise = Noise::new(Seed(8));
    let mut documents = Vec::new();
    let mut labels = Vec::new();
    for d in 0..200usize {
        let own = [d % 10, (d / 10 + 1 + d) % 10];
        let words = own.iter().flat_map(|&k| {
            let one = pyrogen_topic::Topics::new(vec![1.0], truth.topic(k).to_vec(), 25).unwrap();
            one.document(&noise, (d * 2 + k) as u64, 15)
        });
        documents.push(words.collect::<Vec<_>>());
        labels.push(own.map(|k| k as u16).to_vec());
    }
    let corpus = Corpus::new(25, &documents).unwrap();
    let guide = Guide::labelled(&labels, 10, 0).unwrap();
    let config = GibbsConfig { topics: 10, alpha: 0.5, ..Default::default() };
    let mut fit = start(config, &corpus, guide, 2);
    (0..60).for_each(|_| fit.sweep(&corpus).unwrap());
    let topics = fit.topics(&corpus).unwrap();
    for k in 0..10 {
        let mass: f64 = topics
            .topic(k)
            .iter()
            .zip(truth.topic(k))
            .filter(|(_, t)| **t > 0.0)
            .map(|(p, _)| p)
            .sum();
        assert!(mass > 0.85, "label {k}: {mass} of its words");
    }
}

#[test]
fn seed_words_name_the_topics() {
    let truth = bars(0.15);
    let corpus = made_by(&truth, 300, 50, 4);
    // Four words of bars 3 and 7 each, for topics 0 and 1. (Two words at the edges would lie in a bar
    // of the other direction, too, and the sampler may take that one.)
    let names: Vec<String> = (0..25).map(|w| format!("w{w}")).collect();
    let list = |words: [usize; 4]| words.map(|w| names[w].clone()).to_vec();
    let lists = [list([15, 16, 18, 19]), list([2, 7, 17, 22])];
    let guide = Guide::seeded(&names, &lists, 50.0).unwrap();
    let config = GibbsConfig { topics: 10, ..Default::default() };
    let mut fit = start(config, &corpus, guide, 6);
    (0..150).for_each(|_| fit.sweep(&corpus).unwrap());
    let topics = fit.topics(&corpus).unwrap();
    let overlap = |k: usize, bar: usize| -> f64 {
        topics.topic(k).iter().zip(truth.topic(bar)).map(|(p, t)| p.min(*t)).sum()
    };
    for (k, bar) in [(0, 3), (1, 7)] {
        let best = (0..10).max_by(|a, b| overlap(k, *a).total_cmp(&overlap(k, *b)));
        // Without seed words any of the ninety pairs of topics could be these two.
        // The word where the bars cross is a seed of topic 1 alone, which may keep it: 0.8 is left then.
        assert!(best == Some(bar) && overlap(k, bar) > 0.75, "topic {k}: {}", overlap(k, bar));
    }
    assert!(Guide::seeded(&names, &[vec!["tea".to_string()]], 1.0).is_err());
}
