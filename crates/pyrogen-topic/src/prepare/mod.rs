//! From documents to counts of words: what a model is learnt from, and what new documents go through.

mod stop_words;
mod tokens;

use std::collections::{BTreeMap, HashMap, HashSet};

use pyrogen_core::ConfigError;
use pyrogen_core::config::check::at_least_one;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use stop_words::StopWords;

use crate::{Corpus, TopicError};

/// A place in a sequence of words that holds none of the vocabulary.
pub const NO_WORD: u32 = u32::MAX;

/// A number of documents, or a share of all.
///
/// In JSON `5` is five documents and `0.5` half of them; `1` is one document and `1.0` all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Frequency {
    /// So many documents.
    Documents(u64),
    /// This share of all documents.
    Share(f64),
}

impl Frequency {
    fn check(self, field: &str) -> Result<(), ConfigError> {
        match self {
            Self::Share(share) if !(0.0..=1.0).contains(&share) => {
                Err(ConfigError::value(field, "a count, or a share from 0.0 to 1.0", share))
            }
            _ => Ok(()),
        }
    }

    /// The least whole number of documents that is not below it.
    fn at_least(self, documents: usize) -> usize {
        match self {
            Self::Documents(n) => n as usize,
            Self::Share(share) => (share * documents as f64 - 1e-9).ceil().max(0.0) as usize,
        }
    }

    /// The largest whole number of documents that is not above it.
    fn at_most(self, documents: usize) -> usize {
        match self {
            Self::Documents(n) => n as usize,
            Self::Share(share) => (share * documents as f64 + 1e-9).floor() as usize,
        }
    }
}

/// How documents become counts of words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PrepareConfig {
    /// Words that are left out.
    pub stop_words: StopWords,
    /// Words of fewer characters are left out.
    pub least_characters: usize,
    /// Whether numbers are words.
    pub numbers: bool,
    /// Runs of up to so many words, stop words left out, are words of the vocabulary, too. Counted
    /// documents have no runs.
    pub n_grams: usize,
    /// A word is in so many documents, or more.
    pub min_documents: Frequency,
    /// A word is in so many documents, or fewer.
    pub max_documents: Frequency,
    /// The most frequent words are kept, so many at most.
    pub max_words: Option<usize>,
}

impl Default for PrepareConfig {
    fn default() -> Self {
        Self {
            stop_words: StopWords::default(),
            least_characters: 2,
            numbers: false,
            n_grams: 1,
            min_documents: Frequency::Documents(1),
            max_documents: Frequency::Share(1.0),
            max_words: None,
        }
    }
}

impl PrepareConfig {
    /// Keeps every word of counted documents.
    pub fn everything() -> Self {
        let (stop_words, least_characters) = (StopWords::None, 1);
        Self { stop_words, least_characters, numbers: true, ..Self::default() }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        at_least_one("least_characters", self.least_characters)?;
        at_least_one("n_grams", self.n_grams)?;
        self.min_documents.check("min_documents")?;
        self.max_documents.check("max_documents")?;
        if self.max_words == Some(0) {
            return Err(ConfigError::value("max_words", "at least 1, or none", 0));
        }
        Ok(())
    }
}

/// A fitted preparation: the vocabulary, in the order of its words, and the rules that new texts go
/// through.
///
/// ```
/// use pyrogen_topic::{PrepareConfig, Vocabulary};
///
/// let texts = ["The tax on tea.", "Tea and taxes", "A tax!"];
/// let vocabulary = Vocabulary::from_texts(PrepareConfig::default(), &texts)?;
/// assert_eq!(vocabulary.words(), ["tax", "taxes", "tea"]);
/// let corpus = vocabulary.count(&["Tea, tea and coffee"])?;
/// assert_eq!(corpus.document(0).counts, [2]);
/// # Ok::<(), pyrogen_topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vocabulary {
    config: PrepareConfig,
    words: Vec<String>,
}

/// In how many documents a word is, and how often in all.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    documents: usize,
    tokens: u64,
}

impl Vocabulary {
    /// The words of texts.
    ///
    /// # Errors
    /// Settings that cannot be used, no texts, or limits that leave no word.
    pub fn from_texts(
        config: PrepareConfig,
        texts: &[impl AsRef<str> + Sync],
    ) -> Result<Self, TopicError> {
        config.validate()?;
        let stop = config.stop_words.words();
        let count = |text: &str| {
            let mut counts: HashMap<String, u32> = HashMap::new();
            let words: Vec<String> = tokens::tokens(&config, &stop, text).collect();
            tokens::runs(&words, config.n_grams)
                .for_each(|run| *counts.entry(run).or_default() += 1);
            counts
        };
        let counted: Vec<_> = texts.par_iter().map(|text| count(text.as_ref())).collect();
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        for (word, n) in counted.into_iter().flatten() {
            let seen = seen.entry(word).or_default();
            seen.documents += 1;
            seen.tokens += u64::from(n);
        }
        Self::choose(config, seen, texts.len(), 0)
    }

    /// The words of documents that are counted already, of which `vocabulary` has the names.
    ///
    /// # Errors
    /// Settings that cannot be used, or limits that leave no word.
    pub fn from_counts(
        config: PrepareConfig,
        vocabulary: &[String],
        corpus: &Corpus,
    ) -> Result<Self, TopicError> {
        config.validate()?;
        if vocabulary.len() != corpus.words() {
            let (expected, got) = (corpus.words(), vocabulary.len());
            return Err(TopicError::Length { what: "words of the vocabulary", expected, got });
        }
        let stop = config.stop_words.words();
        let mut all = vec![Seen::default(); vocabulary.len()];
        for document in corpus.iter() {
            for (word, n) in document.words.iter().zip(document.counts) {
                all[*word as usize].documents += 1;
                all[*word as usize].tokens += u64::from(*n);
            }
        }
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        let mut left_out = 0;
        for (word, new) in vocabulary.iter().zip(all).filter(|(_, seen)| seen.documents > 0) {
            if tokens::keeps(&config, &stop, word) {
                let seen = seen.entry(word.clone()).or_default();
                seen.documents += new.documents;
                seen.tokens += new.tokens;
            } else {
                left_out += 1;
            }
        }
        Self::choose(config, seen, corpus.len(), left_out)
    }

    fn choose(
        config: PrepareConfig,
        seen: BTreeMap<String, Seen>,
        documents: usize,
        stop: usize,
    ) -> Result<Self, TopicError> {
        if documents == 0 {
            return Err(TopicError::NoDocuments);
        }
        let least = config.min_documents.at_least(documents);
        let most = config.max_documents.at_most(documents);
        let rare = seen.values().filter(|s| s.documents < least).count();
        let common = seen.values().filter(|s| s.documents > most).count();
        let found = seen.len() + stop;
        let mut words: Vec<(String, Seen)> =
            seen.into_iter().filter(|(_, s)| (least..=most).contains(&s.documents)).collect();
        if let Some(max) = config.max_words.filter(|max| *max < words.len()) {
            words.sort_by(|a, b| b.1.tokens.cmp(&a.1.tokens).then_with(|| a.0.cmp(&b.0)));
            words.truncate(max);
            words.sort_by(|a, b| a.0.cmp(&b.0));
        }
        if words.is_empty() {
            return Err(TopicError::EmptyVocabulary {
                found,
                stop,
                rare,
                common,
                least,
                most,
                documents,
            });
        }
        Ok(Self { config, words: words.into_iter().map(|(word, _)| word).collect() })
    }

    /// The settings.
    pub fn config(&self) -> &PrepareConfig {
        &self.config
    }

    /// The words, in order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Texts as counts; words that the vocabulary does not have are left out.
    ///
    /// # Errors
    /// No texts.
    pub fn count(&self, texts: &[impl AsRef<str> + Sync]) -> Result<Corpus, TopicError> {
        let stop = self.config.stop_words.words();
        let places = self.places();
        let one = |text: &str| -> Vec<(u32, u32)> {
            let words: Vec<String> = tokens::tokens(&self.config, &stop, text).collect();
            let runs = tokens::runs(&words, self.config.n_grams);
            runs.filter_map(|run| Some((*places.get(run.as_str())?, 1))).collect()
        };
        let documents: Vec<_> = texts.par_iter().map(|text| one(text.as_ref())).collect();
        Corpus::new(self.words.len(), &documents)
    }

    /// Counted documents with this vocabulary in the place of theirs; words that it does not have
    /// are left out.
    ///
    /// # Errors
    /// As many names as words are needed.
    pub fn translate(&self, vocabulary: &[String], corpus: &Corpus) -> Result<Corpus, TopicError> {
        if vocabulary.len() != corpus.words() {
            let (expected, got) = (corpus.words(), vocabulary.len());
            return Err(TopicError::Length { what: "words of the vocabulary", expected, got });
        }
        let places = self.places();
        let new: Vec<Option<u32>> =
            vocabulary.iter().map(|word| places.get(word.as_str()).copied()).collect();
        let one = |document: crate::Document| -> Vec<(u32, u32)> {
            let pairs = document.words.iter().zip(document.counts);
            pairs.filter_map(|(word, n)| Some((new[*word as usize]?, *n))).collect()
        };
        let documents: Vec<_> = corpus.iter().map(one).collect();
        Corpus::new(self.words.len(), &documents)
    }

    /// Texts as sequences of single words, for coherence: what is left out of the vocabulary by its
    /// frequency keeps its place as [`NO_WORD`]; stop words, short words and numbers have none.
    pub fn sequences(&self, texts: &[impl AsRef<str> + Sync]) -> Vec<Vec<u32>> {
        let stop = self.config.stop_words.words();
        let places = self.places();
        let one = |text: &str| -> Vec<u32> {
            let words = tokens::tokens(&self.config, &stop, text);
            words.map(|word| places.get(word.as_str()).copied().unwrap_or(NO_WORD)).collect()
        };
        texts.par_iter().map(|text| one(text.as_ref())).collect()
    }

    fn places(&self) -> HashMap<&str, u32> {
        self.words.iter().enumerate().map(|(k, word)| (word.as_str(), k as u32)).collect()
    }

    /// The words as a set.
    pub fn set(&self) -> HashSet<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}
