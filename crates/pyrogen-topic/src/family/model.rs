//! [`LdaModel`]: what a model folder holds.

use pyrogen_data::{Data, Items};
use pyrogen_model::Error;
use serde::{Deserialize, Serialize};

use super::{TAKES, error};
use crate::{Corpus, Gibbs, Hdp, Topics, Variational, Vocabulary};

/// Where learning stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fit {
    /// By Gibbs sampling.
    Gibbs(Gibbs),
    /// By variational Bayes.
    Variational(Variational),
    /// By the hierarchical Dirichlet process.
    Hdp(Hdp),
}

/// A model of the family `lda`: the preparation of documents, the topics, and where learning stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LdaModel {
    pub(super) vocabulary: Vocabulary,
    pub(super) topics: Topics,
    /// Names of the topics that have one: the classes of labelled LDA.
    pub(super) names: Vec<String>,
    /// Numbers of words of the training documents, ascending, each with how many documents have it.
    pub(super) lengths: Vec<(u32, u32)>,
    pub(super) fit: Fit,
    /// The counts of the training documents, which every sweep needs.
    #[cfg(feature = "train")]
    #[serde(skip)]
    pub(super) corpus: Option<std::sync::Arc<Corpus>>,
}

impl LdaModel {
    /// The words.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The topics.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Free parameters: of topics and of the prior.
    pub(super) fn parameters(&self) -> usize {
        self.topics.len() * self.topics.words()
    }

    /// Whether the parts fit each other.
    pub(super) fn check(&self) -> Result<(), String> {
        let (words, expected) = (self.topics.words(), self.vocabulary.words().len());
        if words != expected {
            return Err(format!("the topics have {words} words, the vocabulary {expected}"));
        }
        if self.names.len() > self.topics.len() {
            return Err(format!("{} names for {} topics", self.names.len(), self.topics.len()));
        }
        let topics = &self.topics;
        let rows = (0..topics.len()).flat_map(|k| topics.topic(k).iter().copied()).collect();
        Topics::new(topics.alpha().to_vec(), rows, words).map(|_| ()).map_err(|e| e.to_string())
    }

    /// A short name of each topic: its class, else its number and its most probable words.
    pub(super) fn topic_names(&self) -> Vec<String> {
        let top = self.topics.top_words(3);
        let words = self.vocabulary.words();
        let name = |(k, top): (usize, &Vec<u32>)| match self.names.get(k) {
            Some(name) => name.clone(),
            None => {
                let top: Vec<&str> = top.iter().map(|w| words[*w as usize].as_str()).collect();
                format!("{k}: {}", top.join(" "))
            }
        };
        top.iter().enumerate().map(name).collect()
    }
}

/// Documents of any kind as counts of the vocabulary's words.
pub(super) fn corpus_of(vocabulary: &Vocabulary, data: &Data) -> Result<Corpus, Error> {
    match data {
        Data::Documents(documents) if documents.is_empty() => Ok(nothing(vocabulary)),
        Data::Documents(documents) => {
            let corpus = counted(documents)?;
            vocabulary.translate(documents.vocabulary(), &corpus).map_err(error)
        }
        Data::Text(text) if text.is_empty() => Ok(nothing(vocabulary)),
        Data::Text(text) => vocabulary.count(text.documents()).map_err(error),
        other => {
            let takes: Vec<&str> = TAKES.iter().map(|m| m.name()).collect();
            let (family, got) = ("lda".to_string(), other.modality());
            Err(Error::Modality { family, got, takes: takes.join(", ") })
        }
    }
}

/// Counted documents, in their own vocabulary.
pub(super) fn counted(documents: &pyrogen_data::Documents) -> Result<Corpus, Error> {
    Corpus::new(documents.vocabulary().len(), documents.documents()).map_err(error)
}

fn nothing(vocabulary: &Vocabulary) -> Corpus {
    Corpus::empty(vocabulary.words().len())
}
