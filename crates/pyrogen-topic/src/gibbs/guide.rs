//! What is known of the topics before they are learnt.

use serde::{Deserialize, Serialize};

use crate::{Corpus, TopicError};

/// What is known before learning: words that belong to a topic, and topics that a document may have.
///
/// A word's weight in a topic is added to the topic's prior, as if the word had been seen there so
/// often (guided, or seeded, topics: Jagarlamudi, Daumé and Udupa 2012 in the form of an asymmetric
/// prior). A document that lists its labels has no other topics (labelled LDA: Ramage, Hall,
/// Nallapati and Manning 2009).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Guide {
    /// Words with a weight in a topic.
    pub seeds: Vec<SeedWord>,
    /// For each document the topics that it may have, ascending; empty where every document may
    /// have all.
    pub allowed: Vec<Vec<u16>>,
}

/// A word that belongs to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeedWord {
    /// The topic.
    pub topic: u16,
    /// The word.
    pub word: u32,
    /// How often it counts as seen in the topic.
    pub weight: f64,
}

impl Guide {
    /// Seed words by name: a list of words a topic, each with the same weight.
    ///
    /// # Errors
    /// A word that the vocabulary does not have.
    pub fn seeded(
        vocabulary: &[String],
        lists: &[Vec<String>],
        weight: f64,
    ) -> Result<Self, TopicError> {
        let mut seeds = Vec::new();
        for (topic, list) in lists.iter().enumerate() {
            for word in list {
                let place = vocabulary.iter().position(|w| w == word);
                let place =
                    place.ok_or_else(|| TopicError::SeedWord { word: word.clone(), topic })?;
                seeds.push(SeedWord { topic: topic as u16, word: place as u32, weight });
            }
        }
        Ok(Self { seeds, allowed: Vec::new() })
    }

    /// Labelled LDA: topic `k` is label `k`, and the topics from `labels` on are shared by all
    /// documents.
    ///
    /// # Errors
    /// A label that is not below `labels`.
    pub fn labelled(
        document_labels: &[Vec<u16>],
        labels: usize,
        shared: usize,
    ) -> Result<Self, TopicError> {
        let mut allowed = Vec::with_capacity(document_labels.len());
        for own in document_labels {
            if let Some(&got) = own.iter().find(|l| usize::from(**l) >= labels) {
                let got = usize::from(got);
                return Err(TopicError::OutOfRange { what: "label", got, count: labels });
            }
            let shared = (labels..labels + shared).map(|k| k as u16);
            let mut topics: Vec<u16> = own.iter().copied().chain(shared).collect();
            topics.sort_unstable();
            topics.dedup();
            allowed.push(topics);
        }
        Ok(Self { seeds: Vec::new(), allowed })
    }

    pub(super) fn check(&self, corpus: &Corpus, topics: usize) -> Result<(), TopicError> {
        for (place, seed) in self.seeds.iter().enumerate() {
            if usize::from(seed.topic) >= topics {
                let got = usize::from(seed.topic);
                return Err(TopicError::OutOfRange { what: "topic", got, count: topics });
            }
            if seed.word as usize >= corpus.words() {
                let got = seed.word as usize;
                return Err(TopicError::OutOfRange { what: "word", got, count: corpus.words() });
            }
            if !(seed.weight.is_finite() && seed.weight >= 0.0) {
                let (what, value) = ("the weight of seed word", seed.weight);
                let expected = "finite and from 0 on";
                return Err(TopicError::Parameter { what, place, value, expected });
            }
        }
        if self.allowed.is_empty() {
            return Ok(());
        }
        let (expected, got) = (corpus.len(), self.allowed.len());
        if expected != got {
            return Err(TopicError::Length { what: "lists of labels", expected, got });
        }
        for (document, allowed) in self.allowed.iter().enumerate() {
            if let Some(got) = allowed.iter().find(|k| usize::from(**k) >= topics) {
                let got = usize::from(*got);
                return Err(TopicError::OutOfRange { what: "label", got, count: topics });
            }
            if allowed.is_empty() && !corpus.document(document).words.is_empty() {
                return Err(TopicError::NoLabel { document });
            }
        }
        Ok(())
    }
}
