//! BLEU.

use serde::{Deserialize, Serialize};

use super::python::trim_end;
use super::signature::yes;
use super::tokenize::Buffers;
use super::trie::NgramMatches;
use super::words::Words;
use super::{
    Corpus, ReferenceCount, SegmentMetric, SegmentStatistics, TextError, TextSignature, Tokenizer,
};

/// BLEU: the geometric mean of the precisions of n-grams, with a penalty for short hypotheses.
///
/// ```text
/// bleu    = bp exp(1/N sum_n log p_n)          from 0 to 100
/// p_n     = 100 matches_n / totals_n           clipped by the reference with most of an n-gram
/// bp      = min(1, exp(1 - reference length / hypothesis length))
/// ```
///
/// The reference length is that of the reference nearest in length, the shorter one in a tie. Counts
/// and lengths are summed over the corpus before they are divided; the BLEU of one segment is that of
/// a corpus of one, for which `effective_order` should be set.
///
/// ```
/// use pyrogen_metrics::text::{Bleu, Corpus};
///
/// let corpus = Corpus::new(&["the cat sat on a mat."], &[["the cat sat on the mat."]])?;
/// let score = Bleu::default().score(&corpus)?;
/// assert!((score.score - 48.8923).abs() < 1e-4);
/// assert_eq!(score.matches, [6.0, 4.0, 2.0, 1.0]);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Numerics
/// Equal to sacreBLEU 2.6.0 to 1e-9.
///
/// # References
/// Papineni et al. (2002), "BLEU: a Method for Automatic Evaluation of Machine Translation"; Post
/// (2018), "A Call for Clarity in Reporting BLEU Scores".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bleu {
    /// How segments become tokens.
    pub tokenizer: Tokenizer,
    /// What stands for a precision of zero.
    pub smoothing: Smoothing,
    /// Whether to ignore case.
    pub lowercase: bool,
    /// The longest n-grams.
    pub max_order: usize,
    /// Whether orders that a short text cannot have are left out of the mean.
    pub effective_order: bool,
}

impl Default for Bleu {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::default(),
            smoothing: Smoothing::default(),
            lowercase: false,
            max_order: 4,
            effective_order: false,
        }
    }
}

/// What BLEU takes for the precision of an order without a match.
///
/// # References
/// Chen and Cherry (2014), "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU",
/// methods 1 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Smoothing {
    /// Half a match for the first such order, a quarter for the second, and so on.
    #[default]
    Exp,
    /// This many matches, as a rule 0.1.
    Floor(f64),
    /// This many more matches and n-grams for every order but the first, as a rule 1.
    AddK(f64),
    /// Zero, so that the score is zero.
    None,
}

impl Smoothing {
    /// The number of [`Floor`](Self::Floor) where none is given.
    pub const FLOOR: f64 = 0.1;
    /// The number of [`AddK`](Self::AddK) where none is given.
    pub const ADD_K: f64 = 1.0;

    fn signature(self) -> String {
        match self {
            Self::Exp => "exp".to_string(),
            Self::Floor(value) => format!("floor[{value:.2}]"),
            Self::AddK(value) => format!("add-k[{value:.2}]"),
            Self::None => "none".to_string(),
        }
    }
}

/// BLEU and what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BleuScore {
    /// BLEU, from 0 to 100.
    pub score: f64,
    /// The precision of each order, from 0 to 100, after smoothing.
    pub precisions: Vec<f64>,
    /// n-grams of each order that a reference has.
    pub matches: Vec<f64>,
    /// n-grams of each order in the hypotheses.
    pub totals: Vec<f64>,
    /// The penalty for shortness, from 0 to 1.
    pub brevity_penalty: f64,
    /// Tokens of the hypotheses.
    pub hypothesis_length: f64,
    /// Tokens of the references, the nearest in length of each segment.
    pub reference_length: f64,
}

/// The largest order: an n-gram of more tokens than that says nothing about a translation.
const LARGEST_ORDER: usize = 64;

impl Bleu {
    /// BLEU of a corpus, with its parts.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn score(&self, corpus: &Corpus) -> Result<BleuScore, TextError> {
        Ok(self.of_totals(&SegmentStatistics::of(self, corpus)?.totals()))
    }

    /// BLEU of summed statistics: both lengths, matches by order, totals by order.
    ///
    /// # Panics
    /// If there are not `2 + 2 max_order` of them.
    pub fn of_totals(&self, statistics: &[f64]) -> BleuScore {
        assert_eq!(statistics.len(), self.width(), "Bleu::of_totals: statistics");
        let (lengths, counts) = statistics.split_at(2);
        let (matches, totals) = counts.split_at(self.max_order);
        let [hypothesis_length, reference_length] = [lengths[0], lengths[1]];
        let mut score = BleuScore {
            score: 0.0,
            precisions: vec![0.0; self.max_order],
            matches: matches.to_vec(),
            totals: totals.to_vec(),
            brevity_penalty: brevity_penalty(hypothesis_length, reference_length),
            hypothesis_length,
            reference_length,
        };
        if score.matches.iter().all(|&m| m == 0.0) {
            return score;
        }
        let orders = self.smooth(&mut score);
        let log = |p: f64| if p == 0.0 { LOG_ZERO } else { p.ln() };
        let sum: f64 = score.precisions[..orders].iter().map(|&p| log(p)).sum();
        score.score = score.brevity_penalty * (sum / orders as f64).exp();
        score
    }

    /// Fills the precisions; how many orders are in the mean.
    fn smooth(&self, score: &mut BleuScore) -> usize {
        let mut orders = self.max_order;
        let mut divisor = 1.0;
        for n in 0..self.max_order {
            if let (Smoothing::AddK(k), true) = (self.smoothing, n > 0) {
                score.matches[n] += k;
                score.totals[n] += k;
            }
            if score.totals[n] == 0.0 {
                break;
            }
            if self.effective_order {
                orders = n + 1;
            }
            let matched = match self.smoothing {
                Smoothing::Exp if score.matches[n] == 0.0 => {
                    divisor *= 2.0;
                    1.0 / divisor
                }
                Smoothing::Floor(value) if score.matches[n] == 0.0 => value,
                _ => score.matches[n],
            };
            score.precisions[n] = 100.0 * matched / score.totals[n];
        }
        orders
    }
}

/// What sacreBLEU takes for the logarithm of zero.
const LOG_ZERO: f64 = -9_999_999_999.0;

fn brevity_penalty(hypothesis: f64, reference: f64) -> f64 {
    if hypothesis >= reference {
        1.0
    } else if hypothesis > 0.0 {
        (1.0 - reference / hypothesis).exp()
    } else {
        0.0
    }
}

/// Memory of [`Bleu`] for one segment.
#[derive(Debug, Default)]
pub struct BleuScratch {
    buffers: Buffers,
    words: Words,
    matches: NgramMatches,
    hypothesis: Vec<u32>,
    reference: Vec<u32>,
    matched: Vec<u64>,
}

/// A word of a reference that the hypothesis does not have.
const UNKNOWN: u32 = u32::MAX;

impl SegmentMetric for Bleu {
    type Scratch = BleuScratch;

    fn name(&self) -> &'static str {
        "bleu"
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["bleu"]
    }

    fn width(&self) -> usize {
        2 + 2 * self.max_order
    }

    fn validate(&self) -> Result<(), TextError> {
        let order = (1..=LARGEST_ORDER).contains(&self.max_order);
        let range = format!("from 1 to {LARGEST_ORDER}");
        TextError::require(order, "bleu", "max_order", &range, self.max_order)?;
        if let Smoothing::Floor(value) | Smoothing::AddK(value) = self.smoothing {
            let positive = value.is_finite() && value > 0.0;
            TextError::require(positive, "bleu", "smoothing", "a number above 0", value)?;
        }
        Ok(())
    }

    fn segment(
        &self,
        hypothesis: &str,
        references: &[&str],
        scratch: &mut BleuScratch,
        statistics: &mut [f64],
    ) {
        assert!(!references.is_empty(), "Bleu::segment: a segment without references");
        let BleuScratch { buffers, words, matches, hypothesis: own, reference, matched } = scratch;
        let order = self.max_order;
        words.clear();
        own.clear();
        let hypothesis = prepared(hypothesis, self.lowercase);
        own.extend(self.tokenizer.split(&hypothesis, buffers).map(|w| words.intern(w.as_bytes())));
        matches.hypothesis(own, order);
        matched.clear();
        matched.resize(order, 0);
        let mut nearest: Option<usize> = None;
        for text in references {
            let text = prepared(text, self.lowercase);
            reference.clear();
            let known = |w: &str| words.find(w.as_bytes()).unwrap_or(UNKNOWN);
            reference.extend(self.tokenizer.split(&text, buffers).map(known));
            matches.reference(reference, order, matched);
            let length = reference.len();
            let distance = |length: usize| (length.abs_diff(own.len()), length);
            nearest = Some(
                nearest.map_or(length, |n| if distance(length) < distance(n) { length } else { n }),
            );
        }
        let (lengths, counts) = statistics.split_at_mut(2);
        lengths.copy_from_slice(&[own.len() as f64, nearest.unwrap_or(0) as f64]);
        for n in 0..order {
            counts[n] = matched[n] as f64;
            counts[order + n] = own.len().saturating_sub(n) as f64;
        }
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        vec![self.of_totals(totals).score]
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        TextSignature::of_sacrebleu("bleu")
            .shared("nrefs", "#", references)
            .shared("case", "c", if self.lowercase { "lc" } else { "mixed" })
            .shared("eff", "e", yes(self.effective_order))
            .shared("tok", "tok", self.tokenizer.name())
            .shared("smooth", "s", self.smoothing.signature())
            .own("order", self.max_order)
    }
}

/// Without white space at the end, and in lower case where asked for.
fn prepared(segment: &str, lowercase: bool) -> std::borrow::Cow<'_, str> {
    if lowercase {
        trim_end(&segment.to_lowercase()).to_string().into()
    } else {
        trim_end(segment).into()
    }
}
