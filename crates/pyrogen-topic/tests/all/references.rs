//! Against scikit-learn and gensim.

use super::common::{assert_close, fixture};
use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{
    Coherence, Corpus, Frequency, LearnPrior, Online, PrepareConfig, StopWords, Variational,
    VariationalConfig, Vocabulary,
};
use serde::Deserialize;

/// scikit-learn computes ψ by a short series; its error grows a little over the updates of a document.
const SAME: f64 = 1e-6;

#[derive(Deserialize)]
struct Reference {
    counts: Vec<f64>,
    words: usize,
    topics: usize,
    alpha: f64,
    eta: f64,
    lambda: Vec<f64>,
    gamma: Vec<f64>,
    bound: f64,
    gensim_bound: f64,
    passes: Vec<Vec<f64>>,
    perplexity: f64,
    online: Vec<f64>,
}

impl Reference {
    fn corpus(&self) -> Corpus {
        Corpus::from_table(&self.counts, self.words).unwrap()
    }

    fn fit(&self, lambda: &[f64], online: Option<Online>) -> Variational {
        let config = VariationalConfig {
            topics: self.topics,
            alpha: Some(self.alpha),
            eta: Some(self.eta),
            learn_alpha: LearnPrior::Fixed,
            learn_eta: false,
            online,
            ..Default::default()
        };
        Variational::from_lambda(config, &self.corpus(), lambda, &Noise::new(Seed(1))).unwrap()
    }
}

#[test]
fn bound_and_documents_are_those_of_scikit_learn_and_gensim() {
    let reference: Reference = fixture("variational");
    let (corpus, fit) = (reference.corpus(), reference.fit(&reference.lambda, None));
    assert_close(&fit.gamma(&corpus).unwrap(), &reference.gamma, SAME, "gamma");
    let bound = fit.bound(&corpus, 1.0).unwrap();
    assert_close(&[bound], &[reference.bound], SAME, "bound");
    assert_close(&[bound], &[reference.gensim_bound], SAME, "gensim's bound");
    let perplexity = (-bound / corpus.tokens() as f64).exp();
    assert_close(&[perplexity], &[reference.perplexity], SAME, "perplexity");
    assert_close(&fit.lambda(), &reference.lambda, 0.0, "topics");
}

#[test]
fn passes_are_those_of_scikit_learn() {
    let reference: Reference = fixture("variational");
    let corpus = reference.corpus();
    let mut before = &reference.lambda;
    for (i, after) in reference.passes.iter().enumerate() {
        // A first pass begins with ones, as each of scikit-learn's does here.
        let mut fit = reference.fit(before, None);
        fit.pass(&corpus).unwrap();
        assert_close(&fit.lambda(), after, SAME, &format!("pass {i}"));
        before = after;
    }
    let mut fit = reference.fit(&reference.lambda, Some(Online::default()));
    let batch = corpus.select(&(0..10).collect::<Vec<_>>());
    fit.partial_fit(&batch, 40.0).unwrap();
    assert_close(&fit.lambda(), &reference.online, SAME, "online");
}

#[derive(Deserialize)]
struct CoherenceReference {
    texts: Vec<Vec<u32>>,
    topics: Vec<Vec<u32>>,
    words: usize,
    coherence: std::collections::HashMap<String, Vec<f64>>,
    as_gensim: std::collections::HashMap<String, Vec<f64>>,
}

/// The same sums in other orders.
const SAME_COHERENCE: f64 = 1e-12;

#[test]
fn coherence_is_that_of_gensim() {
    let reference: CoherenceReference = fixture("coherence");
    for measure in Coherence::ALL {
        let got = measure.of_texts(&reference.topics, &reference.texts).unwrap();
        let expected = &reference.coherence[measure.name()];
        assert_close(&got, expected, SAME_COHERENCE, measure.name());
        let got = measure.of_texts_as_gensim(&reference.topics, &reference.texts).unwrap();
        let expected = &reference.as_gensim[measure.name()];
        assert_close(&got, expected, SAME_COHERENCE, "as gensim counts");
    }
    let documents: Vec<Vec<(u32, u32)>> =
        reference.texts.iter().map(|t| t.iter().map(|w| (*w, 1)).collect()).collect();
    let corpus = Corpus::new(reference.words, &documents).unwrap();
    let got = Coherence::UMass.of_documents(&reference.topics, &corpus).unwrap();
    assert_close(&got, &reference.coherence["u_mass"], SAME_COHERENCE, "u_mass of counts");
    // A word that no text has says nothing, and is no reason for NaN.
    for measure in Coherence::ALL {
        let got = measure.of_texts(&[vec![3, 99, 4]], &reference.texts).unwrap();
        assert!(got[0].is_finite(), "{measure:?}: {got:?}");
        assert!(measure.of_texts(&[vec![3]], &reference.texts).is_err());
    }
}

#[derive(Deserialize)]
struct PrepareReference {
    texts: Vec<String>,
    stop: Vec<String>,
    cases: Vec<PrepareCase>,
}

#[derive(Deserialize)]
struct PrepareCase {
    n_grams: usize,
    min_documents: Frequency,
    max_documents: Frequency,
    max_words: Option<usize>,
    words: Vec<String>,
    counts: Vec<f64>,
}

#[test]
fn vocabularies_and_counts_are_those_of_scikit_learn() {
    let reference: PrepareReference = fixture("prepare");
    for case in reference.cases {
        let config = PrepareConfig {
            stop_words: StopWords::List(reference.stop.clone()),
            n_grams: case.n_grams,
            min_documents: case.min_documents,
            max_documents: case.max_documents,
            max_words: case.max_words,
            ..Default::default()
        };
        let vocabulary = Vocabulary::from_texts(config, &reference.texts).unwrap();
        assert_eq!(vocabulary.words(), case.words);
        let corpus = vocabulary.count(&reference.texts).unwrap();
        assert_eq!(corpus, Corpus::from_table(&case.counts, case.words.len()).unwrap());
    }
}

#[test]
fn counted_documents_go_through_the_same_limits() {
    let vocabulary: Vec<String> =
        ["1789", "a", "of", "sea", "tax", "tea"].map(str::to_string).to_vec();
    let documents =
        [vec![(0, 1), (2, 5), (3, 1), (5, 2)], vec![(1, 3), (3, 2)], vec![(2, 1), (4, 1)]];
    let corpus = Corpus::new(6, &documents).unwrap();
    let fit = |config| Vocabulary::from_counts(config, &vocabulary, &corpus);
    let chosen = fit(PrepareConfig::default()).unwrap();
    assert_eq!(chosen.words(), ["sea", "tax", "tea"]);
    let counted = chosen.translate(&vocabulary, &corpus).unwrap();
    assert_eq!(counted.document(0).counts, [1, 2]);
    let two =
        PrepareConfig { min_documents: Frequency::Documents(2), ..PrepareConfig::everything() };
    assert_eq!(fit(two).unwrap().words(), ["of", "sea"]);
    assert_eq!(fit(PrepareConfig::everything()).unwrap().words(), vocabulary);
    // Words that are unknown leave an empty document.
    let new = chosen.count(&["Nothing known"]).unwrap();
    assert!(new.document(0).words.is_empty());
    let text = "Tea of 1789 in the sea: l’été d’été";
    let all = Vocabulary::from_texts(PrepareConfig::everything(), &[text]).unwrap();
    assert_eq!(all.words(), ["1789", "d'été", "in", "l'été", "of", "sea", "tea", "the"]);
    let unknown = pyrogen_topic::NO_WORD;
    assert_eq!(chosen.sequences(&[text]), [vec![2, 0, unknown, unknown]]);
}
