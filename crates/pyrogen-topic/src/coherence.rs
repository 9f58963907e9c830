//! How well the top words of a topic go together, counted in texts.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::prepare::NO_WORD;
use crate::{Corpus, TopicError};

/// What is added to a joint probability within a logarithm.
const EPSILON: f64 = 1e-12;

/// A measure of coherence, with the windows and segments that gensim takes by default.
///
/// For the top words `w_1, w_2, ..` of a topic, `p` the share of windows that have a word, or two:
///
/// ```text
/// UMass   mean over j < i of  ln((p(w_i, w_j) + e) / p(w_j)),            windows: documents
/// UCI     mean over i != j of pmi  = ln((p(w_i, w_j) + e) / (p(w_i) p(w_j))),  10 words
/// NPMI    mean over i != j of npmi = pmi / -ln(p(w_i, w_j) + e),               10 words
/// C_v     mean over i of cos(v_i, Σ_j v_j),  v_i = (npmi(w_i, w_1), npmi(w_i, w_2), ..),  110 words
/// ```
///
/// A pair with a word that no window has counts as 0. A text that is shorter than the window is one
/// window.
///
/// # References
/// Mimno et al. (2011); Newman et al. (2010); Bouma (2009); Röder, Both and Hinneburg (2015),
/// "Exploring the space of topic coherence measures".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coherence {
    /// Of documents; a negative number, near 0 is best.
    UMass,
    /// Pointwise mutual information.
    Uci,
    /// Normalised, from -1 to 1.
    Npmi,
    /// From 0 to 1; nearest to what people judge in the comparison of Röder et al.
    Cv,
}

impl Coherence {
    /// Every measure.
    pub const ALL: [Self; 4] = [Self::UMass, Self::Uci, Self::Npmi, Self::Cv];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::UMass => "u_mass",
            Self::Uci => "c_uci",
            Self::Npmi => "c_npmi",
            Self::Cv => "c_v",
        }
    }

    /// Words of a window; none for whole documents.
    pub fn window(self) -> Option<usize> {
        match self {
            Self::UMass => None,
            Self::Uci | Self::Npmi => Some(10),
            Self::Cv => Some(110),
        }
    }

    /// The coherence of each topic in texts, as sequences of words ([`NO_WORD`] keeps a place).
    ///
    /// # Errors
    /// No texts, or a topic of fewer than two words.
    pub fn of_texts(self, topics: &[Vec<u32>], texts: &[Vec<u32>]) -> Result<Vec<f64>, TopicError> {
        self.counted(topics, texts, Leaving::IfGone)
    }

    /// As [`of_texts`](Self::of_texts), with the windows counted as gensim counts them, for numbers that
    /// are compared with its own: a word that leaves a window counts as gone, though the window may
    /// have it once more. gensim 4.4 does this in `WordOccurrenceAccumulator`, and so understates
    /// words that are repeated within a window.
    ///
    /// # Errors
    /// As [`of_texts`](Self::of_texts).
    pub fn of_texts_as_gensim(
        self,
        topics: &[Vec<u32>],
        texts: &[Vec<u32>],
    ) -> Result<Vec<f64>, TopicError> {
        self.counted(topics, texts, Leaving::Always)
    }

    fn counted(
        self,
        topics: &[Vec<u32>],
        texts: &[Vec<u32>],
        leaving: Leaving,
    ) -> Result<Vec<f64>, TopicError> {
        let relevant = Relevant::new(topics)?;
        let window = self.window().unwrap_or(usize::MAX);
        let counts = Counts::of(&relevant, texts.len(), |i, counts| {
            let text: Vec<u32> = texts[i].iter().map(|w| relevant.place(*w)).collect();
            counts.text(&text, window, leaving);
        })?;
        Ok(topics.iter().map(|topic| self.of(&relevant.places(topic), &counts)).collect())
    }

    /// The coherence of each topic with whole documents as windows, whatever the measure: all that
    /// can be said where the order of the words is not known. For UMass this is its definition.
    ///
    /// # Errors
    /// No documents, or a topic of fewer than two words.
    pub fn of_documents(
        self,
        topics: &[Vec<u32>],
        corpus: &Corpus,
    ) -> Result<Vec<f64>, TopicError> {
        let relevant = Relevant::new(topics)?;
        let counts = Counts::of(&relevant, corpus.len(), |i, counts| {
            let words = corpus.document(i).words.iter().map(|w| relevant.place(*w));
            counts.text(&words.collect::<Vec<_>>(), usize::MAX, Leaving::IfGone);
        })?;
        Ok(topics.iter().map(|topic| self.of(&relevant.places(topic), &counts)).collect())
    }

    fn of(self, topic: &[usize], counts: &Counts) -> f64 {
        let n = topic.len();
        let off_diagonal = |f: &dyn Fn(usize, usize) -> f64| -> f64 {
            let pairs = (0..n).flat_map(|i| (0..n).filter(move |j| *j != i).map(move |j| (i, j)));
            pairs.map(|(i, j)| f(topic[i], topic[j])).sum::<f64>() / (n * (n - 1)) as f64
        };
        match self {
            Self::UMass => {
                let pairs = (1..n).flat_map(|i| (0..i).map(move |j| (i, j)));
                let sum: f64 = pairs.map(|(i, j)| counts.conditional(topic[i], topic[j])).sum();
                sum / (n * (n - 1) / 2) as f64
            }
            Self::Uci => off_diagonal(&|i, j| counts.pmi(i, j)),
            Self::Npmi => off_diagonal(&|i, j| counts.npmi(i, j)),
            Self::Cv => {
                let vectors: Vec<Vec<f64>> = topic
                    .iter()
                    .map(|&i| topic.iter().map(|&j| counts.npmi(i, j)).collect())
                    .collect();
                let mut all = vec![0.0; n];
                for vector in &vectors {
                    all.iter_mut().zip(vector).for_each(|(a, v)| *a += v);
                }
                vectors.iter().map(|vector| cosine(vector, &all)).sum::<f64>() / n as f64
            }
        }
    }
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { dot(a, b) / length } else { 0.0 }
}

/// The distinct words of the topics, ascending.
struct Relevant(Vec<u32>);

impl Relevant {
    fn new(topics: &[Vec<u32>]) -> Result<Self, TopicError> {
        if let Some(topic) = topics.iter().find(|topic| topic.len() < 2) {
            let what = "top words of each topic, at least";
            return Err(TopicError::Length { what, expected: 2, got: topic.len() });
        }
        let mut words: Vec<u32> = topics.iter().flatten().copied().collect();
        words.sort_unstable();
        words.dedup();
        Ok(Self(words))
    }

    /// The place among the words; [`NO_WORD`] for another word.
    fn place(&self, word: u32) -> u32 {
        self.0.binary_search(&word).map_or(NO_WORD, |place| place as u32)
    }

    fn places(&self, topic: &[u32]) -> Vec<usize> {
        topic.iter().map(|word| self.place(*word) as usize).collect()
    }
}

/// When a word that a window leaves behind is no longer in it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaving {
    /// When the window has it nowhere else.
    IfGone,
    /// Always.
    Always,
}

/// How many windows have each pair of words, and in the diagonal each word.
struct Counts {
    words: usize,
    windows: u64,
    pairs: Vec<u32>,
    /// How often the window has each word.
    within: Vec<u32>,
    /// Room for the distinct words of a window.
    distinct: Vec<u32>,
}

impl Counts {
    /// Counts of all texts, which `add` adds one by one.
    fn of(
        relevant: &Relevant,
        texts: usize,
        add: impl Fn(usize, &mut Self) + Sync,
    ) -> Result<Self, TopicError> {
        if texts == 0 {
            return Err(TopicError::NoDocuments);
        }
        let words = relevant.0.len();
        let empty = || Self {
            words,
            windows: 0,
            pairs: vec![0; words * words],
            within: vec![0; words],
            distinct: Vec::new(),
        };
        // Whole numbers: the order in which threads add them changes nothing.
        let all = (0..texts).into_par_iter().with_min_len(64).fold(empty, |mut counts, i| {
            add(i, &mut counts);
            counts
        });
        Ok(all.reduce(empty, |mut a, b| {
            a.windows += b.windows;
            a.pairs.iter_mut().zip(&b.pairs).for_each(|(x, y)| *x += y);
            a
        }))
    }

    /// Every window of a text, which is one where it is no longer than a window.
    fn text(&mut self, text: &[u32], window: usize, leaving: Leaving) {
        self.within.fill(0);
        let first = window.min(text.len());
        for &word in text[..first].iter().filter(|w| **w != NO_WORD) {
            self.within[word as usize] += 1;
        }
        self.window();
        for at in first..text.len() {
            let (left, new) = (text[at - first], text[at]);
            if left != NO_WORD {
                let count = &mut self.within[left as usize];
                *count = if leaving == Leaving::Always { 0 } else { *count - 1 };
            }
            if new != NO_WORD {
                self.within[new as usize] += 1;
            }
            self.window();
        }
    }

    fn window(&mut self) {
        self.windows += 1;
        self.distinct.clear();
        let present = self.within.iter().enumerate().filter(|(_, n)| **n > 0);
        self.distinct.extend(present.map(|(word, _)| word as u32));
        for (at, &i) in self.distinct.iter().enumerate() {
            let row = &mut self.pairs[i as usize * self.words..][..self.words];
            self.distinct[at..].iter().for_each(|&j| row[j as usize] += 1);
        }
    }

    fn p(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        f64::from(self.pairs[i * self.words + j]) / self.windows as f64
    }

    fn seen(&self, i: usize) -> bool {
        self.p(i, i) > 0.0
    }

    fn conditional(&self, i: usize, given: usize) -> f64 {
        match self.seen(given) {
            true => ((self.p(i, given) + EPSILON) / self.p(given, given)).ln(),
            false => 0.0,
        }
    }

    fn pmi(&self, i: usize, j: usize) -> f64 {
        match self.seen(i) && self.seen(j) {
            true => ((self.p(i, j) + EPSILON) / (self.p(i, i) * self.p(j, j))).ln(),
            false => 0.0,
        }
    }

    fn npmi(&self, i: usize, j: usize) -> f64 {
        match self.seen(i) && self.seen(j) {
            true => self.pmi(i, j) / -(self.p(i, j) + EPSILON).ln(),
            false => 0.0,
        }
    }
}
