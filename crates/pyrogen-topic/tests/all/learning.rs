//! What is learnt, on documents of which the truth is known.

use super::common::{bars, made_by, with_threads};
use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{
    Corpus, Gibbs, GibbsConfig, Guide, LearnPrior, LeftToRight, Online, Sampler, Topics,
    Variational, VariationalConfig,
};

/// How many topics of the truth have a found one that shares nine tenths of their probability.
fn recovered(found: &Topics, truth: &Topics) -> usize {
    let overlap = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x.min(*y)).sum::<f64>();
    let has = |k: &usize| (0..found.len()).any(|j| overlap(found.topic(j), truth.topic(*k)) > 0.9);
    (0..truth.len()).filter(has).count()
}

fn gibbs(corpus: &Corpus, topics: usize, sampler: Sampler, sweeps: usize) -> (Gibbs, Topics) {
    let config = GibbsConfig { topics, sampler, ..Default::default() };
    let mut fit = Gibbs::new(config, corpus, Guide::default(), &Noise::new(Seed(1))).unwrap();
    (0..sweeps).for_each(|_| fit.sweep(corpus).unwrap());
    let topics = fit.topics(corpus).unwrap();
    (fit, topics)
}

fn variational(corpus: &Corpus, online: Option<Online>, passes: usize) -> Variational {
    let config = VariationalConfig {
        topics: 10,
        alpha: Some(0.2),
        eta: Some(0.1),
        online,
        ..Default::default()
    };
    let mut fit = Variational::new(config, corpus, &Noise::new(Seed(5))).unwrap();
    (0..passes).for_each(|_| {
        fit.pass(corpus).unwrap();
    });
    fit
}

#[test]
fn bars_are_found() {
    let truth = bars(0.15);
    let corpus = made_by(&truth, 500, 60, 1);
    let (fit, topics) = gibbs(&corpus, 10, Sampler::Parallel, 250);
    assert_eq!(recovered(&topics, &truth), 10, "parallel");
    for a in fit.alpha() {
        // 475 documents say a parameter to a tenth or so.
        assert!((0.1..0.22).contains(a), "{:?}", fit.alpha());
    }
    let (_, topics) = gibbs(&corpus, 10, Sampler::Collapsed, 150);
    assert_eq!(recovered(&topics, &truth), 10, "collapsed");
    // Variational Bayes may end in a local optimum that merges two bars.
    let batch = variational(&corpus, None, 100).topics();
    assert!(recovered(&batch, &truth) >= 8, "batch: {}", recovered(&batch, &truth));
    let online = Online { batch_size: 50, ..Default::default() };
    let online = variational(&corpus, Some(online), 40).topics();
    assert!(recovered(&online, &truth) >= 8, "online: {}", recovered(&online, &truth));

    // Held-out documents are nearly as probable as under the truth.
    let new = made_by(&truth, 60, 60, 2);
    let score = |topics: &Topics| -> f64 {
        let all = topics.left_to_right(&new, &LeftToRight::default(), &Noise::new(Seed(1)));
        all.unwrap().iter().map(|e| e.nats).sum::<f64>() / new.tokens() as f64
    };
    let (best, got) = (score(&truth), score(&topics));
    assert!(got > best - 0.02 && got < best + 0.01, "{got} nats a word, the truth {best}");
}

#[test]
fn rare_topics_have_small_parameters() {
    // Topics of very unequal frequency.
    let words = bars(1.0);
    let alpha: Vec<f64> = (0..10).map(|k| if k == 3 { 1.0 } else { 0.05 }).collect();
    let all = (0..10).flat_map(|k| words.topic(k).to_vec()).collect();
    let truth = Topics::new(alpha, all, 25).unwrap();
    let corpus = made_by(&truth, 800, 50, 6);
    let (fit, topics) = gibbs(&corpus, 10, Sampler::Parallel, 250);
    let common = (0..10).max_by(|a, b| fit.alpha()[*a].total_cmp(&fit.alpha()[*b])).unwrap();
    // Bar 3 is the row of words 15 to 19. (The rare bars have few words and many near modes: tomotopy
    // finds four to six of the nine, too.)
    assert!(topics.topic(common)[15..20].iter().sum::<f64>() > 0.9, "{:?}", fit.alpha());
    let others = fit.alpha().iter().enumerate().filter(|(k, _)| *k != common);
    assert!(others.into_iter().all(|(_, a)| fit.alpha()[common] > 4.0 * a), "{:?}", fit.alpha());
}

#[test]
fn the_bound_never_falls() {
    let corpus = made_by(&bars(0.3), 200, 40, 3);
    for learn_alpha in [LearnPrior::Fixed, LearnPrior::Symmetric, LearnPrior::Asymmetric] {
        let config = VariationalConfig {
            topics: 7,
            learn_alpha,
            learn_eta: learn_alpha != LearnPrior::Fixed,
            ..Default::default()
        };
        let mut fit = Variational::new(config, &corpus, &Noise::new(Seed(2))).unwrap();
        let mut last = f64::NEG_INFINITY;
        for pass in 0..60 {
            let bound = fit.pass(&corpus).unwrap().bound;
            // Rounding of sums over a thousand terms.
            assert!(bound >= last - 1e-10 * bound.abs(), "{learn_alpha:?}, pass {pass}: {bound}");
            last = bound;
        }
        // What a pass says is the bound of its state: a fit that has ended gives it again.
        let again = fit.bound(&corpus, 1.0).unwrap();
        assert!((again - last).abs() < 0.01 * last.abs(), "{again} {last}");
        let likelihood: f64 = fit.topics().lower_bound(&corpus).unwrap().iter().sum();
        assert!(likelihood > last, "topics at a point have no cost of their own");
    }
}

#[test]
fn passes_are_the_same_on_any_number_of_threads_and_across_a_break() {
    let corpus = made_by(&bars(0.3), 150, 30, 3);
    for online in [None, Some(Online { batch_size: 32, ..Default::default() })] {
        let run = |threads: usize, passes: usize| {
            with_threads(threads, || variational(&corpus, online, passes))
        };
        let one = run(1, 5);
        assert_eq!(one, run(3, 5));
        let text = serde_json::to_string(&run(2, 2)).unwrap();
        let mut resumed: Variational = serde_json::from_str(&text).unwrap();
        (0..3).for_each(|_| {
            resumed.pass(&corpus).unwrap();
        });
        assert_eq!(one, resumed);
    }
}
