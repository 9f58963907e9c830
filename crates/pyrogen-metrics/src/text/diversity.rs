//! Whether generated texts are all alike, or repeat themselves.

use serde::{Deserialize, Serialize};

use super::groups::Numbered;
use super::{Bleu, TextError, TextSignature, Tokenizer};

/// Distinct-n: the share of n-grams of a collection that are different from each other.
///
/// ```text
/// distinct_n = different n-grams / n-grams          of all texts together, from 0 to 1
/// ```
///
/// It falls with the size of the collection: compare collections of equal size.
///
/// ```
/// use pyrogen_metrics::text::Distinct;
///
/// let values = Distinct { max_order: 2, ..Distinct::default() }.of(&["a b a b", "a b"])?;
/// assert_eq!(values, [2.0 / 6.0, 2.0 / 4.0]); // a, b; ab, ba
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # References
/// Li et al. (2016), "A Diversity-Promoting Objective Function for Neural Conversation Models".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distinct {
    /// How texts become tokens.
    pub tokenizer: Tokenizer,
    /// Whether to ignore case.
    pub lowercase: bool,
    /// The longest n-grams.
    pub max_order: usize,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { tokenizer: Tokenizer::default(), lowercase: false, max_order: 4 }
    }
}

/// The largest order.
const LARGEST_ORDER: usize = 64;

impl Distinct {
    /// The shares of orders 1 to `max_order`; 0 where there are no n-grams.
    ///
    /// # Errors
    /// No texts, or an order outside its range.
    pub fn of<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<f64>, TextError> {
        let holds = (1..=LARGEST_ORDER).contains(&self.max_order);
        let range = format!("from 1 to {LARGEST_ORDER}");
        TextError::require(holds, "distinct", "max_order", &range, self.max_order)?;
        if texts.is_empty() {
            return Err(TextError::NoSegments);
        }
        Ok(distinct(&Numbered::new(texts, self.tokenizer, self.lowercase), self.max_order))
    }

    /// The names of the values.
    pub fn value_names(&self) -> Vec<String> {
        (1..=self.max_order).map(|n| format!("distinct_{n}")).collect()
    }

    /// What a value was computed from.
    pub fn signature(&self, texts: usize) -> TextSignature {
        TextSignature::of("distinct")
            .own("generated", texts)
            .own("case", if self.lowercase { "lc" } else { "mixed" })
            .own("tok", self.tokenizer.name())
    }
}

/// [`Distinct`] of texts that are tokens already: those of a language model.
///
/// ```
/// use pyrogen_metrics::text::distinct_ids;
///
/// assert_eq!(distinct_ids(&[vec![7, 8, 7, 8]], 2), [2.0 / 4.0, 2.0 / 3.0]);
/// ```
pub fn distinct_ids<S: AsRef<[u32]>>(texts: &[S], max_order: usize) -> Vec<f64> {
    distinct(&Numbered::of_ids(texts), max_order)
}

fn distinct(texts: &Numbered, max_order: usize) -> Vec<f64> {
    let mut shares = Vec::with_capacity(max_order);
    texts.each_order(max_order, |_, grams| {
        shares.push(grams.distinct() as f64 / grams.total().max(1) as f64);
    });
    shares
}

/// Repetition: the share of a text's n-grams that it had before, as a mean over texts.
///
/// ```text
/// repetition = mean over texts of 1 - different n-grams / n-grams       from 0 to 1
/// ```
///
/// Texts of fewer than `order` tokens have no n-grams and are left out; without any other the value is
/// 0. With n-grams of 4 tokens it is seq-rep-4.
///
/// ```
/// use pyrogen_metrics::text::repetition;
///
/// let mean = repetition(&[vec![1, 2, 1, 2, 1], vec![1, 2, 3, 4, 5]], 2);
/// assert_eq!(mean, 0.5 * (1.0 - 2.0 / 4.0));
/// ```
///
/// # Panics
/// If `order` is 0.
///
/// # References
/// Welleck et al. (2020), "Neural Text Generation with Unlikelihood Training", equation 9.
pub fn repetition<S: AsRef<[u32]>>(texts: &[S], order: usize) -> f64 {
    assert!(order > 0, "repetition: n-grams of no tokens");
    let long: Vec<&[u32]> = texts.iter().map(AsRef::as_ref).filter(|t| t.len() >= order).collect();
    let repeated = |text: &&[u32]| {
        let mut grams: Vec<&[u32]> = text.windows(order).collect();
        let all = grams.len();
        grams.sort_unstable();
        grams.dedup();
        1.0 - grams.len() as f64 / all as f64
    };
    long.iter().map(repeated).sum::<f64>() / long.len().max(1) as f64
}

/// Self-BLEU: how well each text is covered by all the others, as the mean of its BLEU against them.
///
/// ```text
/// self-bleu = mean over texts t of bleu(t; all texts but t)            from 0 to 100
/// ```
///
/// Higher is less diverse. It rises with the size of the collection: compare collections of equal
/// size. The BLEU of a text is `bleu`'s for one segment; set its `effective_order` where texts are
/// short. The time is that of sorting all n-grams, not of comparing all pairs of texts.
///
/// ```
/// use pyrogen_metrics::text::{Bleu, self_bleu};
///
/// let alike = self_bleu(&["the cat sat on the mat", "the cat sat on the mat"], &Bleu::default())?;
/// assert!((alike - 100.0).abs() < 1e-9);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Errors
/// Fewer than two texts, or an option outside its range.
///
/// # References
/// Zhu et al. (2018), "Texygen: A Benchmarking Platform for Text Generation Models".
pub fn self_bleu<S: AsRef<str> + Sync>(texts: &[S], bleu: &Bleu) -> Result<f64, TextError> {
    use super::SegmentMetric;
    bleu.validate()?;
    if texts.len() < 2 {
        return Err(TextError::TooFewTexts { got: texts.len() });
    }
    let numbered = Numbered::new(texts, bleu.tokenizer, bleu.lowercase);
    let (order, width) = (bleu.max_order, bleu.width());
    let mut statistics = vec![0.0; width * texts.len()];
    let lengths: Vec<usize> = (0..texts.len()).map(|t| numbered.words_of(t)).collect();
    let mut sorted = lengths.clone();
    sorted.sort_unstable();
    for (text, row) in statistics.chunks_exact_mut(width).enumerate() {
        row[0] = lengths[text] as f64;
        row[1] = nearest_other(&sorted, lengths[text]) as f64;
        for n in 0..order {
            row[2 + order + n] = lengths[text].saturating_sub(n) as f64;
        }
    }
    numbered.each_order(order, |n, grams| {
        grams.each_by_text(|counts| {
            for (text, others) in most_in_others(counts) {
                statistics[text.0 * width + 1 + n] += f64::from(text.1.min(others));
            }
        });
    });
    let scores = statistics.chunks_exact(width).map(|row| bleu.of_totals(row).score);
    Ok(scores.sum::<f64>() / texts.len() as f64)
}

/// The length nearest to a text's among the others, the shorter one in a tie; `sorted` has its own too.
fn nearest_other(sorted: &[usize], length: usize) -> usize {
    let first = sorted.partition_point(|&other| other < length);
    // Another of the same length, the next shorter, the next longer.
    let after = sorted.get(first + 1).copied();
    let before = first.checked_sub(1).map(|at| sorted[at]);
    let candidates = before.into_iter().chain(after);
    candidates.min_by_key(|other| (other.abs_diff(length), *other)).expect("at least two texts")
}

/// Each text's count of an n-gram with the most that any other text has.
fn most_in_others(counts: &[(usize, u32)]) -> impl Iterator<Item = ((usize, u32), u32)> {
    let (mut most, mut holder, mut second) = (0, usize::MAX, 0);
    for &(text, count) in counts {
        if count > most {
            (second, most, holder) = (most, count, text);
        } else {
            second = second.max(count);
        }
    }
    counts
        .iter()
        .map(move |&(text, count)| ((text, count), if text == holder { second } else { most }))
}
