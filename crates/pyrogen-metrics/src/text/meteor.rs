//! METEOR with its exact and stem stages.

use serde::{Deserialize, Serialize};

use super::porter::PorterStemmer;
use super::tokenize::Buffers;
use super::words::Words;
use super::{ReferenceCount, SegmentMetric, TextError, TextSignature, Tokenizer};

/// METEOR: the weighted harmonic mean of the precision and recall of words, less a penalty for words
/// out of order.
///
/// ```text
/// mean    = P R / (alpha P + (1 - alpha) R)
/// penalty = gamma (chunks / matches)^beta
/// meteor  = (1 - penalty) mean                        from 0 to 1
/// ```
///
/// Words match exactly, then those left over by their stems; a chunk is a run of matches that are
/// neighbours on both sides. The stage of synonyms needs WordNet and is not here, so values are below
/// those of packages that have it. Case is ignored. A corpus has the mean of its segments; of several
/// references each segment takes the best.
///
/// ```
/// use pyrogen_metrics::text::{Corpus, Meteor, SegmentMetric};
///
/// let corpus = Corpus::new(&["the cats sat"], &[["the cat sat"]])?;
/// let report = Meteor::default().evaluate(&corpus)?;
/// let expected = 1.0 - 0.5 * (1.0f64 / 3.0).powi(3); // all three match, in one chunk
/// assert!((report.get("meteor").unwrap() - expected).abs() < 1e-12);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Numerics
/// Equal to NLTK 3.10.4's `meteor_score` without WordNet to 1e-9.
///
/// # References
/// Lavie and Agarwal (2007), "Meteor: An Automatic Metric for MT Evaluation with High Levels of
/// Correlation with Human Judgments".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meteor {
    /// How segments become words.
    pub tokenizer: Tokenizer,
    /// The weight of recall against precision, from 0 to 1.
    pub alpha: f64,
    /// The exponent of the penalty.
    pub beta: f64,
    /// The largest penalty, from 0 to 1.
    pub gamma: f64,
}

impl Default for Meteor {
    fn default() -> Self {
        Self { tokenizer: Tokenizer::default(), alpha: 0.9, beta: 3.0, gamma: 0.5 }
    }
}

/// Memory of [`Meteor`] for one segment.
#[derive(Debug, Default)]
pub struct MeteorScratch {
    buffers: Buffers,
    stemmer: PorterStemmer,
    words: Words,
    stems: Words,
    /// The stem of each word.
    stem_of: Vec<u32>,
    own: Vec<u32>,
    reference: Vec<u32>,
    /// The place in the reference of each word of the hypothesis.
    matches: Vec<Option<usize>>,
    used: Vec<bool>,
    /// Places in the reference by word or stem.
    places: Vec<Vec<usize>>,
}

impl MeteorScratch {
    fn read(&mut self, segment: &str, tokenizer: Tokenizer, own: bool) {
        let to = if own { &mut self.own } else { &mut self.reference };
        to.clear();
        for token in tokenizer.split(segment, &mut self.buffers) {
            let token = token.to_lowercase();
            let word = self.words.intern(token.as_bytes());
            to.push(word);
            if word as usize == self.stem_of.len() {
                let stem = self.stemmer.stem(&token);
                self.stem_of.push(self.stems.intern(stem.as_bytes()));
            }
        }
    }

    /// Matches what is left over by a key, each word of the hypothesis from the last one on with the
    /// last equal word of the reference.
    fn match_by(&mut self, kinds: usize, key: impl Fn(u32, &[u32]) -> usize) {
        self.places.iter_mut().for_each(Vec::clear);
        if self.places.len() < kinds {
            self.places.resize(kinds, Vec::new());
        }
        for (place, &word) in self.reference.iter().enumerate().filter(|&(i, _)| !self.used[i]) {
            self.places[key(word, &self.stem_of)].push(place);
        }
        for (i, &word) in self.own.iter().enumerate().rev() {
            if self.matches[i].is_none()
                && let Some(place) = self.places[key(word, &self.stem_of)].pop()
            {
                self.matches[i] = Some(place);
                self.used[place] = true;
            }
        }
    }

    /// Number of matches and of chunks.
    fn align(&mut self) -> (usize, usize) {
        self.matches.clear();
        self.matches.resize(self.own.len(), None);
        self.used.clear();
        self.used.resize(self.reference.len(), false);
        self.match_by(self.words.len(), |word, _| word as usize);
        self.match_by(self.stems.len(), |word, stem_of| stem_of[word as usize] as usize);
        let (mut count, mut chunks) = (0, 0);
        let mut last = None;
        for (i, place) in self.matches.iter().enumerate() {
            let Some(place) = *place else { continue };
            count += 1;
            chunks += usize::from(last != Some((i, place)));
            last = Some((i + 1, place + 1));
        }
        (count, chunks)
    }
}

impl Meteor {
    fn of(&self, matches: usize, chunks: usize, hypothesis: usize, reference: usize) -> f64 {
        if matches == 0 {
            return 0.0;
        }
        let precision = matches as f64 / hypothesis as f64;
        let recall = matches as f64 / reference as f64;
        let mean = precision * recall / (self.alpha * precision + (1.0 - self.alpha) * recall);
        let penalty = self.gamma * (chunks as f64 / matches as f64).powf(self.beta);
        (1.0 - penalty) * mean
    }
}

impl SegmentMetric for Meteor {
    type Scratch = MeteorScratch;

    fn name(&self) -> &'static str {
        "meteor"
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["meteor"]
    }

    fn width(&self) -> usize {
        2
    }

    fn validate(&self) -> Result<(), TextError> {
        let share = |x: f64| (0.0..=1.0).contains(&x);
        let from_0_to_1 = "from 0 to 1";
        TextError::require(share(self.alpha), "meteor", "alpha", from_0_to_1, self.alpha)?;
        let beta = self.beta.is_finite() && self.beta >= 0.0;
        TextError::require(beta, "meteor", "beta", "a number of at least 0", self.beta)?;
        TextError::require(share(self.gamma), "meteor", "gamma", from_0_to_1, self.gamma)
    }

    fn segment(
        &self,
        hypothesis: &str,
        references: &[&str],
        scratch: &mut MeteorScratch,
        statistics: &mut [f64],
    ) {
        assert!(!references.is_empty(), "Meteor::segment: a segment without references");
        scratch.words.clear();
        scratch.stems.clear();
        scratch.stem_of.clear();
        scratch.read(hypothesis, self.tokenizer, true);
        let mut best = 0.0_f64;
        for text in references {
            scratch.read(text, self.tokenizer, false);
            let (matches, chunks) = scratch.align();
            best = best.max(self.of(matches, chunks, scratch.own.len(), scratch.reference.len()));
        }
        statistics.copy_from_slice(&[best, 1.0]);
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        vec![totals[0] / totals[1]]
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        TextSignature::of("meteor")
            .own("nrefs", references)
            .own("tok", self.tokenizer.name())
            .own("stages", "exact,stem")
            .own("parameters", format!("{},{},{}", self.alpha, self.beta, self.gamma))
    }
}
