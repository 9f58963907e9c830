//! ROUGE.

mod lcs;
mod tokens;

use serde::{Deserialize, Serialize};

use super::porter::PorterStemmer;
use super::trie::NgramMatches;
use super::words::Words;
use super::{ReferenceCount, SegmentMetric, TextError, TextSignature};
use lcs::Subsequences;
pub use tokens::RougeTokenizer;
use tokens::sentences;

/// ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: the overlap of a summary with a reference, as F1.
///
/// ```text
/// precision = overlap / size of the hypothesis       recall = overlap / size of the reference
/// f1        = 2 precision recall / (precision + recall)      from 0 to 1
/// ```
///
/// The overlap is of words (`rouge1`), of pairs of neighbours (`rouge2`), or the longest common
/// subsequence of the whole text (`rougeL`) or, sentence by sentence, its union over the sentences of
/// the hypothesis (`rougeLsum`). A corpus has the mean of its segments. Of several references each value
/// takes the one with the best F1.
///
/// The tokenizer of ROUGE knows the letters a to z and digits alone: text in other scripts scores 0.
/// [`RougeTokenizer::Unicode`] takes the words of all scripts.
///
/// ```
/// use pyrogen_metrics::text::{Corpus, Rouge, RougeTokenizer, SegmentMetric};
///
/// let corpus = Corpus::new(&["the cat was found"], &[["the cat was under the bed"]])?;
/// let report = Rouge::default().evaluate(&corpus)?;
/// assert!((report.get("rouge1").unwrap() - 0.6).abs() < 1e-12);
///
/// let greek = Corpus::new(&["η γάτα κοιμάται"], &[["η γάτα τρώει"]])?;
/// assert_eq!(Rouge::default().evaluate(&greek)?.get("rouge1"), Some(0.0));
/// let unicode = Rouge { tokenizer: RougeTokenizer::Unicode, ..Rouge::default() };
/// assert!(unicode.evaluate(&greek)?.get("rouge1").unwrap() > 0.6);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Numerics
/// Equal to rouge-score 0.1.2 to 1e-9, with sentences cut at line ends.
///
/// # References
/// Lin (2004), "ROUGE: A Package for Automatic Evaluation of Summaries", sections 2 and 3.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rouge {
    /// How texts become words.
    pub tokenizer: RougeTokenizer,
    /// Whether to take the endings off words of more than three letters
    /// ([`PorterStemmer`](super::PorterStemmer)).
    pub stem: bool,
    /// What stands between two sentences, for `rougeLsum`, beside a line end. Segments out of files have
    /// no line ends, so those who write a summary in a line write `<n>`, for example.
    pub sentence_break: Option<String>,
}

/// Precision, recall and F1 of an overlap, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct RougeScore {
    /// The share of the hypothesis that the reference has.
    pub precision: f64,
    /// The share of the reference that the hypothesis has.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl RougeScore {
    fn new(overlap: f64, hypothesis: f64, reference: f64) -> Self {
        let precision = overlap / hypothesis.max(1.0);
        let recall = overlap / reference.max(1.0);
        let sum = precision + recall;
        let f1 = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        Self { precision, recall, f1 }
    }
}

/// The values, in their order.
const NAMES: [&str; 4] = ["rouge1", "rouge2", "rougeL", "rougeLsum"];

/// Memory of [`Rouge`] for one segment.
#[derive(Debug, Default)]
pub struct RougeScratch {
    stemmer: PorterStemmer,
    words: Words,
    matches: NgramMatches,
    subsequences: Subsequences,
    own: Text,
    reference: Text,
}

/// A text as numbers of words.
#[derive(Debug, Default)]
pub(super) struct Text {
    words: Vec<u32>,
    /// Where each sentence that is not an empty line ends.
    ends: Vec<usize>,
}

impl Text {
    pub(super) fn sentences(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.words[start..end])
    }
}

impl Rouge {
    /// ROUGE-1, -2, -L and -Lsum of one text against several references.
    ///
    /// # Panics
    /// If there are no references.
    pub fn score(&self, hypothesis: &str, references: &[&str]) -> [RougeScore; 4] {
        self.score_in(hypothesis, references, &mut RougeScratch::default())
    }

    fn score_in(
        &self,
        hypothesis: &str,
        references: &[&str],
        s: &mut RougeScratch,
    ) -> [RougeScore; 4] {
        assert!(!references.is_empty(), "Rouge::score: a text without references");
        s.words.clear();
        self.read(hypothesis, &mut s.stemmer, &mut s.words, &mut s.own);
        s.matches.hypothesis(&s.own.words, 2);
        let mut best: Option<[RougeScore; 4]> = None;
        for text in references {
            self.read(text, &mut s.stemmer, &mut s.words, &mut s.reference);
            let scores = scores(s);
            match &mut best {
                None => best = Some(scores),
                Some(best) => {
                    for (best, score) in best.iter_mut().zip(scores) {
                        if score.f1 > best.f1 {
                            *best = score;
                        }
                    }
                }
            }
        }
        best.expect("at least one reference")
    }

    fn read(&self, text: &str, stemmer: &mut PorterStemmer, words: &mut Words, to: &mut Text) {
        to.words.clear();
        to.ends.clear();
        for sentence in sentences(text, self.sentence_break.as_deref()) {
            self.tokenizer.each(sentence, |word| {
                let stemmed = self.stem && word.chars().nth(3).is_some();
                let word = if stemmed { stemmer.stem(word) } else { word };
                if !word.is_empty() {
                    to.words.push(words.intern(word.as_bytes()));
                }
            });
            to.ends.push(to.words.len());
        }
    }
}

fn scores(s: &mut RougeScratch) -> [RougeScore; 4] {
    let (own, reference) = (&s.own, &s.reference);
    let mut matched = [0; 2];
    s.matches.forget_references();
    s.matches.reference(&reference.words, 2, &mut matched);
    let [words, theirs] = [own.words.len() as f64, reference.words.len() as f64];
    let ngrams = |n: usize| {
        let less = (n - 1) as f64;
        RougeScore::new(matched[n - 1] as f64, words - less, theirs - less)
    };
    let longest = s.subsequences.longest(&reference.words, &own.words, s.words.len());
    let whole = RougeScore::new(longest as f64, words, theirs);
    let summary = if own.ends.len() <= 1 && reference.ends.len() <= 1 {
        whole
    } else {
        let hits = s.subsequences.union(reference, own, s.words.len());
        RougeScore::new(hits as f64, words, theirs)
    };
    [ngrams(1), ngrams(2), whole, summary]
}

impl SegmentMetric for Rouge {
    type Scratch = RougeScratch;

    fn name(&self) -> &'static str {
        "rouge"
    }

    fn value_names(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn width(&self) -> usize {
        NAMES.len() + 1
    }

    fn validate(&self) -> Result<(), TextError> {
        let given = self.sentence_break.as_deref();
        let holds = given.is_none_or(|text| !text.is_empty());
        TextError::require(holds, "rouge", "sentence_break", "at least one character", "none")
    }

    fn segment(
        &self,
        hypothesis: &str,
        references: &[&str],
        scratch: &mut RougeScratch,
        statistics: &mut [f64],
    ) {
        let scores = self.score_in(hypothesis, references, scratch);
        for (place, score) in statistics.iter_mut().zip(scores) {
            *place = score.f1;
        }
        statistics[NAMES.len()] = 1.0;
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        totals[..NAMES.len()].iter().map(|total| total / totals[NAMES.len()]).collect()
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        let broken = match &self.sentence_break {
            None => "line".to_string(),
            Some(text) => text.chars().map(visible).collect(),
        };
        TextSignature::of("rouge")
            .own("nrefs", references)
            .own("tok", self.tokenizer.name())
            .own("stem", if self.stem { "porter" } else { "no" })
            .own("sentences", broken)
    }
}

/// A character as a signature can hold it.
fn visible(c: char) -> char {
    if c == '|' || c.is_whitespace() || c.is_control() { '_' } else { c }
}
