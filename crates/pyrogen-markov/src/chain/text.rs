//! [`TextModel`]: sentences from a chain of words that does not copy its source.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use pyrogen_core::{Draws, Noise};

use super::counts::Counts;
use super::ngram::NGram;
use super::smoothing::Smoothing;
use super::source::Source;
use crate::MarkovError;

/// Options of a [`TextModel`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextConfig {
    /// Words of context.
    pub order: usize,
    /// How the next word's probabilities are made of counts.
    pub smoothing: Smoothing,
}

impl Default for TextConfig {
    /// Two words, and only what followed them.
    fn default() -> Self {
        Self { order: 2, smoothing: Smoothing::LongestContext }
    }
}

/// How much of a sentence may stand in the source word for word: runs of more than
/// `min(words, round(share * length))` words may not.
///
/// This is the rule of the Python package markovify, where it is called `max_overlap_total` and
/// `max_overlap_ratio`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overlap {
    /// The most words in a row.
    pub words: usize,
    /// The most words in a row as a share of the sentence.
    pub share: f64,
}

impl Default for Overlap {
    fn default() -> Self {
        Self { words: 15, share: 0.7 }
    }
}

/// Why a sentence was not taken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// These words stand in the source.
    Copied {
        /// The run.
        run: String,
        /// Where it stands: the word of the source, counted from 0.
        at: usize,
    },
    /// Fewer words than asked for.
    TooShort {
        /// Words it has.
        words: usize,
    },
    /// It had not ended after as many words as allowed.
    TooLong,
}

/// A sentence that was not taken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rejected {
    /// The sentence as far as it was made.
    pub text: String,
    /// Why.
    pub reason: Rejection,
}

/// The outcome of some tries to make a sentence.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Made {
    /// The sentence; none where every try was rejected.
    pub text: Option<String>,
    /// The tries before it, each with its reason.
    pub rejected: Vec<Rejected>,
}

/// What is asked of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish<'a> {
    /// The words it starts with.
    pub start: &'a str,
    /// The fewest words.
    pub least: usize,
    /// The most words.
    pub most: usize,
    /// Tries before it is given up.
    pub tries: usize,
    /// How much may be copied; none checks nothing.
    pub overlap: Option<Overlap>,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self { start: "", least: 1, most: 200, tries: 10, overlap: Some(Overlap::default()) }
    }
}

/// A chain of words, its vocabulary, and the source to compare with.
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_markov::chain::{TextConfig, TextModel, Wish};
///
/// let lines = "the cat sat on the mat\nthe dog sat on the rug\na cat lay on the rug\n";
/// let model = TextModel::lines(lines, TextConfig { order: 1, ..Default::default() })?;
/// let noise = Noise::new(Seed(1));
/// let made = model.sentence(&noise, 0, &Wish { start: "the", tries: 100, ..Default::default() })?;
/// let text = made.text.expect("a sentence that is not copied");
/// assert!(text.starts_with("the") && !lines.contains(&text));
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextModel {
    words: Vec<String>,
    ids: HashMap<String, u32, Build>,
    chain: NGram,
    source: Source,
}

/// A fast hash for words of a text that the user has: not for keys of an attacker.
#[derive(Debug, Clone, Default)]
struct WordHasher(u64);

type Build = BuildHasherDefault<WordHasher>;

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word))
                .wrapping_mul(0x517C_C1B7_2722_0A95);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

impl TextModel {
    /// Learns a text of which every line is a sentence; empty lines are left out.
    ///
    /// # Errors
    /// A text without words, or of more than 2^32 - 1.
    pub fn lines(text: &str, config: TextConfig) -> Result<Self, MarkovError> {
        let sentences: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
        Self::new(&sentences, config)
    }

    /// Learns sentences; words are what white space separates.
    ///
    /// # Errors
    /// Sentences without words, or with more than 2^32 - 1.
    pub fn new(sentences: &[&str], config: TextConfig) -> Result<Self, MarkovError> {
        config.smoothing.validate()?;
        let (words, ids, source, lengths) = read(sentences);
        if source.is_empty() {
            return Err(MarkovError::Empty { what: "words" });
        }
        let counts = Counts::ends(&source, &lengths, words.len() as u32, config.order)?;
        let chain = NGram::new(counts, config.smoothing)?;
        let source = Source::new(source, words.len());
        Ok(Self { words, ids, chain, source })
    }

    /// The chain of words.
    pub fn chain(&self) -> &NGram {
        &self.chain
    }

    /// Number of different words.
    pub fn vocabulary(&self) -> usize {
        self.words.len()
    }

    /// The number of a word; none where the source does not have it.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let words: usize = self.words.iter().map(|w| 2 * (w.len() + 24) + 8).sum();
        self.chain.bytes() + self.source.bytes() + words
    }

    /// Sentence `item` of those that the model makes from this noise: a function of both alone.
    ///
    /// # Errors
    /// A start with words that the source does not have, or that no sentence of it goes through; no
    /// tries; `least` above `most`.
    pub fn sentence(
        &self,
        noise: &Noise,
        item: usize,
        wish: &Wish<'_>,
    ) -> Result<Made, MarkovError> {
        let start = self.start(wish)?;
        let noise = noise.fork("sentence").fork_index(item as u64);
        let mut rejected = Vec::new();
        for attempt in 0..wish.tries {
            let mut draws = Draws::item(&noise, attempt as u64);
            let (words, ended) = self.walk(&start, wish.most, &mut draws);
            let text = self.join(&words);
            let reason = if !ended {
                Rejection::TooLong
            } else if words.len() < wish.least {
                Rejection::TooShort { words: words.len() }
            } else {
                match wish.overlap.and_then(|rule| self.copied(&words, rule)) {
                    Some((run, at)) => Rejection::Copied { run: self.join(run), at },
                    None => return Ok(Made { text: Some(text), rejected }),
                }
            };
            rejected.push(Rejected { text, reason });
        }
        Ok(Made { text: None, rejected })
    }

    /// Some of these sentences, on all cores.
    ///
    /// # Errors
    /// As [`sentence`](Self::sentence).
    pub fn sentences(
        &self,
        noise: &Noise,
        items: std::ops::Range<usize>,
        wish: &Wish<'_>,
    ) -> Result<Vec<Made>, MarkovError> {
        let made = items.into_par_iter().map(|item| self.sentence(noise, item, wish));
        made.collect::<Vec<_>>().into_iter().collect()
    }

    fn start(&self, wish: &Wish<'_>) -> Result<Vec<u32>, MarkovError> {
        if wish.tries == 0 {
            return Err(MarkovError::request("tries", "at least 1", 0));
        }
        if wish.least > wish.most {
            let expected = format!("at most `most` ({})", wish.most);
            return Err(MarkovError::request("least", expected, wish.least));
        }
        let mut start = Vec::new();
        for word in wish.start.split_whitespace() {
            let expected = "words of the source";
            let missing = || MarkovError::request("start", expected, format!("`{word}`"));
            start.push(self.id(word).ok_or_else(missing)?);
        }
        if start.len() > wish.most {
            let expected = format!("at most {} words", wish.most);
            return Err(MarkovError::request("start", expected, start.len()));
        }
        Ok(start)
    }

    /// Words until a sentence ends, and whether it did.
    fn walk(&self, start: &[u32], most: usize, draws: &mut Draws) -> (Vec<u32>, bool) {
        let mut context = self.chain.start();
        start.iter().for_each(|word| self.chain.advance(&mut context, *word));
        let mut words = start.to_vec();
        loop {
            match self.chain.draw(&context, draws) {
                None => return (words, true),
                Some(end) if Some(end) == self.chain.counts().end() => return (words, true),
                Some(_) if words.len() >= most => return (words, false),
                Some(word) => {
                    words.push(word);
                    self.chain.advance(&mut context, word);
                }
            }
        }
    }

    fn join(&self, words: &[u32]) -> String {
        let words: Vec<&str> = words.iter().map(|w| self.words[*w as usize].as_str()).collect();
        words.join(" ")
    }

    /// A run of the sentence that stands in the source and is longer than the rule allows.
    fn copied<'w>(&self, words: &'w [u32], rule: Overlap) -> Option<(&'w [u32], usize)> {
        // Python rounds halves to even.
        let share = (rule.share * words.len() as f64).round_ties_even() as usize;
        self.source.copied(words, rule.words.min(share))
    }
}

type Read = (Vec<String>, HashMap<String, u32, Build>, Vec<u32>, Vec<usize>);

/// Words, their numbers in the order of their first appearance, the text in numbers, and the lengths
/// of its sentences.
fn read(sentences: &[&str]) -> Read {
    /// Sentences that a thread numbers on its own.
    const PART: usize = 4096;
    struct Part<'a> {
        words: Vec<&'a str>,
        text: Vec<u32>,
        lengths: Vec<usize>,
    }
    let parts: Vec<Part<'_>> = sentences
        .par_chunks(PART)
        .map(|sentences| {
            let mut ids: HashMap<&str, u32, Build> = HashMap::default();
            let mut part = Part { words: Vec::new(), text: Vec::new(), lengths: Vec::new() };
            for sentence in sentences {
                let before = part.text.len();
                for word in sentence.split_ascii_whitespace().flat_map(str::split_whitespace) {
                    let next = ids.len() as u32;
                    let id = *ids.entry(word).or_insert_with(|| {
                        part.words.push(word);
                        next
                    });
                    part.text.push(id);
                }
                if part.text.len() > before {
                    part.lengths.push(part.text.len() - before);
                }
            }
            part
        })
        .collect();
    let (mut words, mut ids): (Vec<String>, HashMap<String, u32, Build>) = Default::default();
    let (mut text, mut lengths) = (Vec::new(), Vec::new());
    for part in parts {
        let global: Vec<u32> = part
            .words
            .iter()
            .map(|word| match ids.get(*word) {
                Some(id) => *id,
                None => {
                    let id = words.len() as u32;
                    words.push((*word).to_string());
                    ids.insert((*word).to_string(), id);
                    id
                }
            })
            .collect();
        text.extend(part.text.iter().map(|id| global[*id as usize]));
        lengths.extend(part.lengths);
    }
    (words, ids, text, lengths)
}
