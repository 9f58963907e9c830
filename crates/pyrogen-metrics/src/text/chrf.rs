//! chrF and chrF++.

use serde::{Deserialize, Serialize};

use super::python::{is_space, words};
use super::signature::yes;
use super::trie::NgramMatches;
use super::words::Words;
use super::{ReferenceCount, SegmentMetric, TextError, TextSignature};

/// chrF: the F-score of n-grams of characters; with n-grams of words, chrF++.
///
/// ```text
/// chrf = 100 (1 + beta^2) P R / (beta^2 P + R)
/// P, R = means over the orders of matches / n-grams of the hypothesis, of the reference
/// ```
///
/// The mean is over the orders that both sides have. Counts are summed over the corpus before they are
/// divided; of several references each segment takes the one with the best score. It needs no
/// tokenizer, so it suits every script.
///
/// ```
/// use pyrogen_metrics::text::{Chrf, Corpus, SegmentMetric};
///
/// let corpus = Corpus::new(&["the cat sat"], &[["the cat sat down"]])?;
/// let chrf = Chrf::default().evaluate(&corpus)?;
/// let chrf_plus_plus = Chrf { word_order: 2, ..Chrf::default() }.evaluate(&corpus)?;
/// assert!(chrf.get("chrf").unwrap() > 60.0 && chrf_plus_plus.get("chrf").unwrap() > 60.0);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Numerics
/// Equal to sacreBLEU 2.6.0 to 1e-9.
///
/// # References
/// Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation"; Popović (2017),
/// "chrF++: words helping character n-grams".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chrf {
    /// The longest n-grams of characters.
    pub char_order: usize,
    /// The longest n-grams of words: 0 for chrF, 2 for chrF++.
    pub word_order: usize,
    /// How many times more recall counts than precision.
    pub beta: u32,
    /// Whether to ignore case.
    pub lowercase: bool,
    /// Whether white space is in the n-grams of characters.
    pub whitespace: bool,
    /// Whether the score is the mean of the orders' F-scores over all orders, with a tiny number where an
    /// order has none, as chrF++.py, NLTK and Moses do.
    pub eps_smoothing: bool,
}

impl Default for Chrf {
    fn default() -> Self {
        Self {
            char_order: 6,
            word_order: 0,
            beta: 2,
            lowercase: false,
            whitespace: false,
            eps_smoothing: false,
        }
    }
}

/// The largest order.
const LARGEST_ORDER: usize = 64;

/// A precision, recall or F-score that does not exist.
const EPSILON: f64 = 1e-16;

impl Chrf {
    /// sacreBLEU's name of the variant: `chrF2`, `chrF2++`.
    pub fn variant(&self) -> String {
        format!("chrF{}{}", self.beta, "+".repeat(self.word_order))
    }

    fn order(&self) -> usize {
        self.char_order + self.word_order
    }

    /// chrF of summed statistics: n-grams of the hypotheses, of the references, and matches, by order.
    fn of_totals(&self, totals: &[f64]) -> f64 {
        let factor = f64::from(self.beta).powi(2);
        let (mut sum, mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0, 0.0);
        for counts in totals.chunks_exact(3) {
            let [hypothesis, reference, matches] = [counts[0], counts[1], counts[2]];
            let p = if hypothesis > 0.0 { matches / hypothesis } else { EPSILON };
            let r = if reference > 0.0 { matches / reference } else { EPSILON };
            let denominator = factor * p + r;
            sum += if denominator > 0.0 { (1.0 + factor) * p * r / denominator } else { EPSILON };
            if hypothesis > 0.0 && reference > 0.0 {
                precision += p;
                recall += r;
                orders += 1.0;
            }
        }
        if self.eps_smoothing {
            return 100.0 * sum / self.order() as f64;
        }
        if orders == 0.0 || precision + recall == 0.0 {
            return 0.0;
        }
        let (p, r) = (precision / orders, recall / orders);
        100.0 * ((1.0 + factor) * p * r / (factor * p + r))
    }
}

/// Memory of [`Chrf`] for one segment.
#[derive(Debug, Default)]
pub struct ChrfScratch {
    words: Words,
    chars: NgramMatches,
    word_grams: NgramMatches,
    own: Symbols,
    reference: Symbols,
    matched: Vec<u64>,
    statistics: Vec<f64>,
}

/// A segment as numbers.
#[derive(Debug, Default)]
struct Symbols {
    chars: Vec<u32>,
    words: Vec<u32>,
}

impl Symbols {
    fn read(&mut self, metric: &Chrf, segment: &str, mut number: impl FnMut(&str) -> u32) {
        let lower = metric.lowercase.then(|| segment.to_lowercase());
        let segment = lower.as_deref().unwrap_or(segment);
        self.chars.clear();
        let kept = segment.chars().filter(|&c| metric.whitespace || !is_space(c));
        self.chars.extend(kept.map(u32::from));
        self.words.clear();
        if metric.word_order > 0 {
            for word in words(segment) {
                split_punctuation(word, |part| self.words.push(number(part)));
            }
        }
    }

    /// Number of n-grams of the order at a place: orders of characters, then of words.
    fn count(&self, metric: &Chrf, place: usize) -> usize {
        match place.checked_sub(metric.char_order) {
            None => self.chars.len().saturating_sub(place),
            Some(n) => self.words.len().saturating_sub(n),
        }
    }
}

/// Takes one mark of ASCII off a word, from its end or else from its beginning.
fn split_punctuation(word: &str, mut part: impl FnMut(&str)) {
    let bytes = word.as_bytes();
    let (first, last) = (bytes[0], bytes[bytes.len() - 1]);
    let several = word.chars().nth(1).is_some();
    if several && last.is_ascii_punctuation() {
        part(&word[..word.len() - 1]);
        part(&word[word.len() - 1..]);
    } else if several && first.is_ascii_punctuation() {
        part(&word[..1]);
        part(&word[1..]);
    } else {
        part(word);
    }
}

impl SegmentMetric for Chrf {
    type Scratch = ChrfScratch;

    fn name(&self) -> &'static str {
        "chrf"
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["chrf"]
    }

    fn width(&self) -> usize {
        3 * self.order()
    }

    fn validate(&self) -> Result<(), TextError> {
        let expected = format!("from 1 to {LARGEST_ORDER}");
        let holds = (1..=LARGEST_ORDER).contains(&self.char_order);
        TextError::require(holds, "chrf", "char_order", &expected, self.char_order)?;
        let (holds, expected) =
            (self.word_order <= LARGEST_ORDER, format!("at most {LARGEST_ORDER}"));
        TextError::require(holds, "chrf", "word_order", &expected, self.word_order)?;
        TextError::require(self.beta >= 1, "chrf", "beta", "at least 1", self.beta)
    }

    fn segment(
        &self,
        hypothesis: &str,
        references: &[&str],
        scratch: &mut ChrfScratch,
        statistics: &mut [f64],
    ) {
        assert!(!references.is_empty(), "Chrf::segment: a segment without references");
        let s = scratch;
        s.words.clear();
        s.own.read(self, hypothesis, |word| s.words.intern(word.as_bytes()));
        s.chars.hypothesis(&s.own.chars, self.char_order);
        s.word_grams.hypothesis(&s.own.words, self.word_order);
        s.statistics.resize(self.width(), 0.0);
        let mut best = f64::NEG_INFINITY;
        for (i, text) in references.iter().enumerate() {
            if i > 0 {
                s.chars.forget_references();
                s.word_grams.forget_references();
            }
            s.reference.read(self, text, |w| s.words.find(w.as_bytes()).unwrap_or(u32::MAX));
            s.matched.clear();
            s.matched.resize(self.order(), 0);
            let (chars, words) = s.matched.split_at_mut(self.char_order);
            s.chars.reference(&s.reference.chars, self.char_order, chars);
            s.word_grams.reference(&s.reference.words, self.word_order, words);
            for (place, counts) in s.statistics.chunks_exact_mut(3).enumerate() {
                let own = s.own.count(self, place) as f64;
                let reference = s.reference.count(self, place) as f64;
                // An order that the reference does not have says nothing about the hypothesis.
                let own = if reference > 0.0 { own } else { 0.0 };
                counts.copy_from_slice(&[own, reference, s.matched[place] as f64]);
            }
            let score = self.of_totals(&s.statistics);
            if score > best {
                best = score;
                statistics.copy_from_slice(&s.statistics);
            }
        }
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        vec![self.of_totals(totals)]
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        TextSignature::of_sacrebleu("chrf")
            .shared("nrefs", "#", references)
            .shared("case", "c", if self.lowercase { "lc" } else { "mixed" })
            .shared("eff", "e", yes(!self.eps_smoothing))
            .shared("nc", "nc", self.char_order)
            .shared("nw", "nw", self.word_order)
            .shared("space", "s", yes(self.whitespace))
            .own("beta", self.beta)
    }
}
