//! What a model says of itself on some documents.

use pyrogen_data::Data;
use pyrogen_model::{Error, Finding};
use serde_json::json;

use super::capabilities::needs_documents;
use super::error;
use super::model::{LdaModel, corpus_of};
use crate::{Coherence, Corpus, group_shares, topic_map};

/// Words that are shown of a topic, and that its coherence is of.
const WORDS: usize = 10;

/// What the documents are to the model.
pub(super) struct Seen {
    pub(super) corpus: Corpus,
    /// The shares of topics in each document.
    pub(super) shares: Vec<Vec<f64>>,
    /// The shares of topics in all words.
    pub(super) overall: Vec<f64>,
}

impl Seen {
    pub(super) fn new(model: &LdaModel, data: &Data) -> Result<Self, Error> {
        needs_documents(data)?;
        let corpus = corpus_of(&model.vocabulary, data)?;
        let shares = model.topics.shares(&corpus).map_err(error)?;
        let overall = group_shares(&shares, &lengths(&corpus), &vec![0; corpus.len()], 1);
        Ok(Self { corpus, shares, overall: overall.into_iter().next().unwrap_or_default() })
    }

    /// The shares of topics in the documents of each class, where there are classes.
    pub(super) fn by_class(&self, data: &Data) -> Option<(Vec<String>, Vec<Vec<f64>>)> {
        let labels: Vec<usize> = data.labels()?.into_iter().map(|l| l as usize).collect();
        let names = data.class_names();
        let shares = group_shares(&self.shares, &lengths(&self.corpus), &labels, names.len());
        Some((names, shares))
    }
}

fn lengths(corpus: &Corpus) -> Vec<u64> {
    corpus.iter().map(|d| d.tokens()).collect()
}

/// Everything there is to say.
pub(super) fn all(model: &LdaModel, data: &Data) -> Result<Vec<Finding>, Error> {
    let seen = Seen::new(model, data)?;
    let mut findings = vec![topics(model, &seen), coherence(model, data, &seen)?, map(model)];
    if let Some((names, shares)) = seen.by_class(data) {
        findings.push(classes(model, &names, &shares));
    }
    let empty = seen.corpus.iter().filter(|d| d.words.is_empty()).count();
    if empty > 0 {
        findings.push(Finding {
            name: "empty_documents".into(),
            title: "Documents without a known word".into(),
            text: format!(
                "{empty} of {} documents have no word of the vocabulary: their topics are those of \
                 the prior.",
                seen.corpus.len()
            ),
            warning: true,
            value: json!({"empty": empty, "documents": seen.corpus.len()}),
        });
    }
    Ok(findings)
}

fn topics(model: &LdaModel, seen: &Seen) -> Finding {
    let names = model.topic_names();
    let words = model.vocabulary.words();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| seen.overall[*b].total_cmp(&seen.overall[*a]));
    let top = model.topics.top_words(WORDS);
    let list =
        |k: usize| -> Vec<&str> { top[k].iter().map(|w| words[*w as usize].as_str()).collect() };
    let lines: Vec<String> = order
        .iter()
        .map(|&k| {
            let name = model.names.get(k).cloned().unwrap_or_else(|| k.to_string());
            format!("{name} ({:.1} %): {}", 100.0 * seen.overall[k], list(k).join(", "))
        })
        .collect();
    let value: Vec<_> = (0..names.len())
        .map(|k| {
            let p: Vec<f64> = top[k].iter().map(|w| model.topics.topic(k)[*w as usize]).collect();
            json!({
                "name": names[k],
                "share": seen.overall[k],
                "alpha": model.topics.alpha()[k],
                "words": list(k),
                "probabilities": p,
            })
        })
        .collect();
    Finding {
        name: "topics".into(),
        title: "Topics, with their share of the words and the most probable ones".into(),
        text: lines.join(". "),
        warning: false,
        value: json!(value),
    }
}

/// Texts have windows; of counted documents each is a window.
fn coherence(model: &LdaModel, data: &Data, seen: &Seen) -> Result<Finding, Error> {
    let top = model.topics.top_words(WORDS);
    let sequences = match data {
        Data::Text(text) => Some(model.vocabulary.sequences(text.documents())),
        _ => None,
    };
    let mut values = serde_json::Map::new();
    let mut said = Vec::new();
    if top.iter().all(|words| words.len() >= 2) {
        for measure in Coherence::ALL {
            let of = match &sequences {
                Some(texts) => measure.of_texts(&top, texts),
                None => measure.of_documents(&top, &seen.corpus),
            };
            let of = of.map_err(error)?;
            let mean = of.iter().sum::<f64>() / of.len() as f64;
            said.push(format!("{} {mean:.3}", measure.name()));
            values.insert(measure.name().into(), json!({"mean": mean, "topics": of}));
        }
    }
    let windows = if sequences.is_some() { "windows of the texts" } else { "whole documents" };
    values.insert("windows".into(), json!(windows));
    Ok(Finding {
        name: "coherence".into(),
        title: "Coherence".into(),
        text: format!(
            "How often the {WORDS} most probable words of a topic are found together in {windows} of \
             the held-out documents, mean over the topics: {}.",
            said.join(", ")
        ),
        warning: false,
        value: values.into(),
    })
}

fn map(model: &LdaModel) -> Finding {
    let names = model.topic_names();
    let points = topic_map(&model.topics);
    Finding {
        name: "topic_map".into(),
        title: "Map of the topics".into(),
        text: "Topics with the same words are near each other: classical scaling of the \
               Jensen-Shannon divergences between topics."
            .into(),
        warning: false,
        value: json!({"names": names, "points": points}),
    }
}

fn classes(model: &LdaModel, names: &[String], shares: &[Vec<f64>]) -> Finding {
    let topics = model.topic_names();
    let said = names.iter().zip(shares).filter(|(_, row)| row.iter().sum::<f64>() > 0.0);
    let said: Vec<String> = said
        .map(|(name, row)| {
            let best = (0..row.len()).fold(0, |b, k| if row[k] > row[b] { k } else { b });
            format!("{name}: {} ({:.0} %)", topics[best], 100.0 * row[best])
        })
        .collect();
    Finding {
        name: "topics_by_class".into(),
        title: "Topics by class".into(),
        text: format!("The largest topic of each class, by words. {}", said.join("; ")),
        warning: false,
        value: json!({"classes": names, "topics": topics, "shares": shares}),
    }
}
