//! Translation edit rate.

mod distance;
mod shift;

use serde::{Deserialize, Serialize};

use super::python::{trim_end, words};
use super::signature::yes;
use super::tokenize::{Buffers, Tercom, tercom};
use super::words::Words;
use super::{ReferenceCount, SegmentMetric, TextError, TextSignature};
use shift::Shifter;

/// TER: how many edits turn the hypothesis into a reference, for each word of the reference.
///
/// ```text
/// ter = 100 edits / mean length of the references
/// ```
///
/// An edit inserts, deletes or replaces a word, or moves a run of words. The fewest edits over the
/// references count; edits and lengths are summed over the corpus. Lower is better, and the value can
/// exceed 100. The best moves are searched for greedily, as Tercom does and within its limits: runs of
/// up to 10 words, moves by up to 50, edit distances within a beam, 1,000 moves tried a segment.
///
/// ```
/// use pyrogen_metrics::text::{Corpus, SegmentMetric, Ter};
///
/// let corpus = Corpus::new(&["on the mat the cat sat"], &[["the cat sat on the mat"]])?;
/// let report = Ter::default().evaluate(&corpus)?;
/// assert!((report.get("ter").unwrap() - 100.0 / 6.0).abs() < 1e-12); // one move, six words
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Numerics
/// Equal to sacreBLEU 2.6.0 to 1e-9.
///
/// # References
/// Snover et al. (2006), "A Study of Translation Edit Rate with Targeted Human Annotation"; the
/// program Tercom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ter {
    /// Whether to read entities and to split off the punctuation of ASCII.
    pub normalized: bool,
    /// Whether to take out punctuation.
    pub no_punct: bool,
    /// Whether to treat ideographs as words, with `normalized`, and to take out the punctuation of
    /// Chinese and Japanese, with `no_punct`.
    pub asian_support: bool,
    /// Whether case counts.
    pub case_sensitive: bool,
}

/// Memory of [`Ter`] for one segment.
#[derive(Debug, Default)]
pub struct TerScratch {
    buffers: Buffers,
    words: Words,
    hypothesis: Vec<u32>,
    reference: Vec<u32>,
    shifter: Shifter,
}

impl Ter {
    fn tokens(
        &self,
        segment: &str,
        buffers: &mut Buffers,
        words_of: &mut Words,
        to: &mut Vec<u32>,
    ) {
        let rules = Tercom {
            normalized: self.normalized,
            no_punct: self.no_punct,
            asian_support: self.asian_support,
            case_sensitive: self.case_sensitive,
        };
        to.clear();
        let spaced = tercom(trim_end(segment), rules, buffers);
        to.extend(words(spaced).map(|word| words_of.intern(word.as_bytes())));
    }
}

impl SegmentMetric for Ter {
    type Scratch = TerScratch;

    fn name(&self) -> &'static str {
        "ter"
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["ter"]
    }

    fn width(&self) -> usize {
        2
    }

    fn validate(&self) -> Result<(), TextError> {
        Ok(())
    }

    fn segment(
        &self,
        hypothesis: &str,
        references: &[&str],
        scratch: &mut TerScratch,
        statistics: &mut [f64],
    ) {
        assert!(!references.is_empty(), "Ter::segment: a segment without references");
        let TerScratch { buffers, words, hypothesis: own, reference, shifter } = scratch;
        words.clear();
        self.tokens(hypothesis, buffers, words, own);
        let (mut fewest, mut lengths) = (usize::MAX, 0);
        for text in references {
            self.tokens(text, buffers, words, reference);
            lengths += reference.len();
            fewest = fewest.min(shifter.edits(own, reference));
        }
        statistics.copy_from_slice(&[fewest as f64, lengths as f64 / references.len() as f64]);
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        let [edits, length] = [totals[0], totals[1]];
        let rate = if length > 0.0 {
            edits / length
        } else if edits > 0.0 {
            1.0
        } else {
            0.0
        };
        vec![100.0 * rate]
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        TextSignature::of_sacrebleu("ter")
            .shared("nrefs", "#", references)
            .shared("case", "c", if self.case_sensitive { "mixed" } else { "lc" })
            .shared("tok", "t", "tercom")
            .shared("norm", "nr", yes(self.normalized))
            .shared("punct", "pn", yes(!self.no_punct))
            .shared("asian", "as", yes(self.asian_support))
    }
}
