//! Probabilities of documents against enumeration, and new documents.

use super::common::{assert_close, bars, made_by, with_threads};
use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{Corpus, LeftToRight, Topics};

fn model() -> Topics {
    let words = vec![0.5, 0.3, 0.15, 0.05, 0.05, 0.05, 0.3, 0.6, 0.3, 0.1, 0.5, 0.1];
    Topics::new(vec![0.2, 0.6, 0.4], words, 4).unwrap()
}

/// `ln p(words)`: a sum over all assignments, each probability that of an urn.
fn exact(topics: &Topics, document: &[u32]) -> f64 {
    let k = topics.len();
    let all: f64 = topics.alpha().iter().sum();
    let states = k.pow(document.len() as u32);
    let one = |s: usize| -> f64 {
        let mut counts = topics.alpha().to_vec();
        let mut p = 1.0;
        for (n, w) in document.iter().enumerate() {
            let z = s / k.pow(n as u32) % k;
            p *= counts[z] / (all + n as f64) * topics.topic(z)[*w as usize];
            counts[z] += 1.0;
        }
        p
    };
    (0..states).map(one).sum::<f64>().ln()
}

const DOCUMENTS: [&[u32]; 5] =
    [&[0], &[0, 1, 3], &[3, 3, 3, 2, 3], &[0, 0, 3, 3, 1, 2], &[2, 1, 1, 2, 2, 2, 2]];

fn corpus() -> Corpus {
    let pairs = |d: &&[u32]| d.iter().map(|w| (*w, 1)).collect::<Vec<_>>();
    Corpus::new(4, &DOCUMENTS.iter().map(pairs).collect::<Vec<_>>()).unwrap()
}

#[test]
fn left_to_right_finds_the_exact_probability() {
    let (topics, corpus) = (model(), corpus());
    let exact: Vec<f64> = DOCUMENTS.iter().map(|d| exact(&topics, d)).collect();
    let config = LeftToRight { particles: 20_000, ..Default::default() };
    let found = topics.left_to_right(&corpus, &config, &Noise::new(Seed(3))).unwrap();
    for (d, (found, exact)) in found.iter().zip(&exact).enumerate() {
        let off = (found.nats - exact).abs();
        // The error of 20,000 particles is a few thousandths of a nat. (The standard error of four
        // groups alone is no bound: it is near 0 once in a while.)
        assert!(off < 0.01, "document {d}: {found:?}, exact {exact}");
        assert!(found.std_err < 0.01, "{found:?}");
    }
    // A document of one word has nothing to be drawn.
    assert_close(&[found[0].nats], &exact[..1], 1e-12, "one word");
    let bounds = topics.lower_bound(&corpus).unwrap();
    for (bound, exact) in bounds.iter().zip(&exact) {
        assert!(bound <= exact && *bound > exact - 1.5, "{bound} for {exact}");
    }
}

#[test]
fn a_standard_error_is_the_spread_of_estimates() {
    let (topics, corpus) = (model(), corpus());
    let config = LeftToRight { particles: 20, moves: 64 };
    let runs: Vec<Vec<_>> = (0..200)
        .map(|s| topics.left_to_right(&corpus, &config, &Noise::new(Seed(s))).unwrap())
        .collect();
    for d in 1..DOCUMENTS.len() {
        let n = runs.len() as f64;
        let mean = runs.iter().map(|r| r[d].nats).sum::<f64>() / n;
        let sd = (runs.iter().map(|r| (r[d].nats - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let said = runs.iter().map(|r| r[d].std_err).sum::<f64>() / n;
        // The spread of 200 runs is known to a twentieth; the words' order adds to it.
        assert!((0.6..1.4).contains(&(said / sd)), "document {d}: said {said}, seen {sd}");
    }
}

#[test]
fn one_topic_and_impossible_words_are_exact() {
    let one = Topics::new(vec![0.7], vec![0.5, 0.5, 0.0], 3).unwrap();
    let corpus = Corpus::new(3, &[vec![(0, 3), (1, 2)], vec![], vec![(2, 1), (0, 1)]]).unwrap();
    let expected = [5.0 * 0.5f64.ln(), 0.0, f64::NEG_INFINITY];
    let found = one.left_to_right(&corpus, &LeftToRight::default(), &Noise::new(Seed(1))).unwrap();
    let bounds = one.lower_bound(&corpus).unwrap();
    for d in 0..3 {
        let close = |v: f64| v == expected[d] || (v - expected[d]).abs() < 1e-9;
        assert!(close(found[d].nats) && close(bounds[d]), "{d}: {found:?} {bounds:?}");
    }
    let halves = one.completion(&corpus, &Noise::new(Seed(1))).unwrap();
    assert_close(&[halves[0].0], &[2.0 * 0.5f64.ln()], 1e-12, "completion");
    assert_eq!((halves[0].1, halves[1]), (2, (0.0, 0)));
    let shares = one.shares(&corpus).unwrap();
    assert_eq!(shares, [[1.0], [1.0], [1.0]]);
}

#[test]
fn estimates_rank_models_and_do_not_depend_on_threads() {
    let truth = bars(0.2);
    let corpus = made_by(&truth, 30, 40, 9);
    let even = Topics::new(vec![0.2; 2], vec![1.0 / 25.0; 50], 25).unwrap();
    let config = LeftToRight { particles: 12, moves: 20 };
    let run = |topics: &Topics, threads: usize| {
        with_threads(threads, || {
            let noise = Noise::new(Seed(2));
            let nats = topics.left_to_right(&corpus, &config, &noise).unwrap();
            let halves = topics.completion(&corpus, &noise).unwrap();
            (nats, halves, topics.lower_bound(&corpus).unwrap())
        })
    };
    let (one, three) = (run(&truth, 1), run(&truth, 3));
    assert_eq!(one, three);
    let even = run(&even, 2);
    let total = |r: &(Vec<pyrogen_topic::LogEstimate>, Vec<(f64, u64)>, Vec<f64>)| {
        (r.0.iter().map(|e| e.nats).sum::<f64>(), r.1.iter().map(|h| h.0).sum::<f64>())
    };
    let (t, e) = (total(&one), total(&even));
    assert!(t.0 > e.0 && t.1 > e.1, "{t:?} {e:?}");
    // Bounds lie below what they bound, to the noise of the estimates.
    for (estimate, bound) in one.0.iter().zip(&one.2) {
        assert!(*bound <= estimate.nats + 5.0 * estimate.std_err + 1e-9, "{bound} {estimate:?}");
    }
}

#[test]
fn new_documents_have_the_words_that_the_model_says() {
    let topics = model();
    let noise = Noise::new(Seed(4));
    const N: usize = 20_000;
    let mut seen = [0.0; 4];
    let mut together = 0.0;
    for item in 0..N as u64 {
        let words = topics.sequence(&noise, item, 2);
        seen[words[0] as usize] += 1.0 / N as f64;
        together += f64::from(words[0] == words[1]) / N as f64;
    }
    let marginal = |w: usize| exact(&topics, &[w as u32]).exp();
    for (w, got) in seen.iter().enumerate() {
        let p = marginal(w);
        // Five standard errors: one false alarm in two million.
        assert!((got - p).abs() < 5.0 * (p * (1.0 - p) / N as f64).sqrt(), "{w}: {got} {p}");
    }
    let both: f64 = (0..4).map(|w| exact(&topics, &[w, w]).exp()).sum();
    assert!((together - both).abs() < 5.0 * (both * (1.0 - both) / N as f64).sqrt());
    let counted = topics.document(&noise, 7, 30);
    let mut again = topics.sequence(&noise, 7, 30);
    again.sort_unstable();
    let flat: Vec<u32> =
        counted.iter().flat_map(|(w, n)| std::iter::repeat_n(*w, *n as usize)).collect();
    assert_eq!(flat, again);
    assert!(topics.document(&noise, 7, 0).is_empty());
}
