//! Input that cannot be used is an error that says why, or has a stated meaning; nothing is NaN.

use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{
    Corpus, Frequency, Gibbs, GibbsConfig, Guide, LeftToRight, Online, PrepareConfig, TopicError,
    Topics, Variational, VariationalConfig, Vocabulary,
};

fn says<T: std::fmt::Debug>(result: Result<T, TopicError>, text: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(text), "{error}");
}

#[test]
fn counts_that_are_none() {
    says(Corpus::from_table(&[1.0, 0.5], 2), "document 0, word 1: the count 0.5");
    says(Corpus::from_table(&[1.0, 2.0, -1.0, 0.0], 2), "document 1, word 0: the count -1");
    says(Corpus::from_table(&[f64::NAN], 1), "NaN is not a whole number");
    says(Corpus::from_table(&[1.0, 2.0, 3.0], 2), "counts: 4 are needed, got 3");
    says(Corpus::from_table(&[], 2), "no documents");
    says(Corpus::new(2, &[vec![(0, 1)], vec![(2, 1)]]), "document 1: word 2 is not below 2");
    says(Corpus::new(2, &[vec![(0, u32::MAX), (1, u32::MAX)]]), "words together");
}

#[test]
fn vocabularies_that_are_emptied() {
    let texts = ["the tea", "a sea", "1789"];
    let fit = |config| Vocabulary::from_texts(config, &texts);
    let two = PrepareConfig { min_documents: Frequency::Documents(2), ..Default::default() };
    says(fit(two), "no word is left of 2: 0 are stop words");
    let half = PrepareConfig { max_documents: Frequency::Share(0.2), ..Default::default() };
    says(fit(half), "2 in more than 0, of 3 documents");
    says(Vocabulary::from_texts(PrepareConfig::default(), &["the", "of"]), "no word is left of 0");
    says(Vocabulary::from_texts(PrepareConfig::default(), &[] as &[&str]), "no documents");
    let share = PrepareConfig { max_documents: Frequency::Share(1.5), ..Default::default() };
    says(fit(share), "max_documents");
    says(fit(PrepareConfig { n_grams: 0, ..Default::default() }), "n_grams");
    let crossed = PrepareConfig {
        min_documents: Frequency::Documents(3),
        max_documents: Frequency::Documents(2),
        ..Default::default()
    };
    says(fit(crossed), "no word is left");
    // In JSON a whole number is a count and a number with a point a share.
    let json = r#"{"min_documents": 2, "max_documents": 0.5}"#;
    let config: PrepareConfig = serde_json::from_str(json).unwrap();
    assert_eq!(config.min_documents, Frequency::Documents(2));
    assert_eq!(config.max_documents, Frequency::Share(0.5));
}

#[test]
fn settings_that_cannot_be_used() {
    let corpus = Corpus::new(2, &[vec![(0, 1)]]).unwrap();
    let noise = Noise::new(Seed(1));
    let v = |config| Variational::new(config, &corpus, &noise);
    says(v(VariationalConfig { topics: 0, ..Default::default() }), "topics");
    says(v(VariationalConfig { alpha: Some(-1.0), ..Default::default() }), "alpha");
    says(v(VariationalConfig { eta: Some(f64::NAN), ..Default::default() }), "eta");
    let online = Some(Online { decay: 0.5, ..Default::default() });
    says(v(VariationalConfig { online, ..Default::default() }), "decay");
    let g = |config, guide| Gibbs::new(config, &corpus, guide, &noise);
    says(g(GibbsConfig { beta: 0.0, ..Default::default() }, Guide::default()), "beta");
    says(g(GibbsConfig { topics: 1 << 20, ..Default::default() }, Guide::default()), "topics");
    says(Guide::labelled(&[vec![3]], 2, 0), "label 3 is not below 2");
    let none = Guide::labelled(&[vec![]], 2, 0).unwrap();
    says(g(GibbsConfig::default(), none), "document 0 has words but no label");
    let two = Guide::labelled(&[vec![0], vec![1]], 2, 0).unwrap();
    says(g(GibbsConfig::default(), two), "lists of labels: 1 are needed, got 2");
    says(Topics::new(vec![0.1, 0.0], vec![0.5; 4], 2), "alpha 1 is 0");
    says(Topics::new(vec![0.1], vec![0.5, 0.6], 2), "the sum of topic 0 is 1.1");
    says(Topics::new(vec![0.1], vec![0.5], 2), "probabilities of words: 2 are needed");
    says(Topics::new(vec![], vec![], 2), "probabilities");
    let topics = Topics::new(vec![0.1], vec![0.5, 0.5], 2).unwrap();
    let other = Corpus::new(3, &[vec![]]).unwrap();
    says(topics.shares(&other), "the model has 2 words");
    let one = LeftToRight { particles: 1, ..Default::default() };
    says(topics.left_to_right(&corpus, &one, &noise), "particles, at least");
}

#[test]
fn odd_documents_are_learnt_without_nan() {
    // One document; empty ones; more topics than words; one word again and again; one topic.
    let corpora = [
        Corpus::new(2, &[vec![(0, 1)]]).unwrap(),
        Corpus::new(3, &[vec![], vec![(0, 2), (1, 1)], vec![]]).unwrap(),
        Corpus::new(1, &[vec![(0, 1000)], vec![(0, 1)]]).unwrap(),
        Corpus::new(50, &[vec![(49, 1)], vec![(0, 1)]]).unwrap(),
    ];
    for (i, corpus) in corpora.iter().enumerate() {
        for topics in [1, 7] {
            let noise = Noise::new(Seed(i as u64));
            let config = VariationalConfig { topics, ..Default::default() };
            let mut fit = Variational::new(config, corpus, &noise).unwrap();
            (0..50).for_each(|_| assert!(fit.pass(corpus).unwrap().bound.is_finite()));
            let config = GibbsConfig { topics, burn_in: 0, learn_every: 1, ..Default::default() };
            let mut sampler = Gibbs::new(config, corpus, Guide::default(), &noise).unwrap();
            (0..50).for_each(|_| sampler.sweep(corpus).unwrap());
            assert!(sampler.log_joint(corpus).unwrap().is_finite(), "{i}");
            for model in [fit.topics(), sampler.topics(corpus).unwrap()] {
                let shares = model.shares(corpus).unwrap();
                let sums = shares.iter().map(|s| s.iter().sum::<f64>());
                assert!(sums.into_iter().all(|s| (s - 1.0).abs() < 1e-12), "{shares:?}");
                let bounds = model.lower_bound(corpus).unwrap();
                assert!(bounds.iter().all(|b| b.is_finite() && *b <= 1e-9), "{bounds:?}");
            }
        }
    }
    let empty = Corpus::new(3, &[vec![], vec![]]).unwrap();
    let noise = Noise::new(Seed(1));
    let text = "all 2 documents are empty";
    says(Variational::new(VariationalConfig::default(), &empty, &noise), text);
    says(Gibbs::new(GibbsConfig::default(), &empty, Guide::default(), &noise), text);
}

#[test]
fn other_documents_than_those_of_the_start() {
    let corpus = Corpus::new(3, &[vec![(0, 2), (1, 1)], vec![(2, 4)]]).unwrap();
    let noise = Noise::new(Seed(1));
    let mut fit = Gibbs::new(GibbsConfig::default(), &corpus, Guide::default(), &noise).unwrap();
    says(fit.sweep(&corpus.select(&[0])), "words of all documents: 7 are needed, got 3");
    let mut fit = Variational::new(VariationalConfig::default(), &corpus, &noise).unwrap();
    fit.pass(&corpus).unwrap();
    says(fit.pass(&corpus.select(&[0])), "documents of every pass: 2 are needed, got 1");
    says(Variational::from_lambda(VariationalConfig::default(), &corpus, &[1.0], &noise), "lambda");
}
