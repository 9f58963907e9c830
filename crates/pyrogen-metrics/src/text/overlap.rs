//! Whether generated text was copied from the training text.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

/// The share of n-grams of generated texts that stand in a training text.
///
/// ```text
/// overlap = generated n-grams that stand in training / generated n-grams       from 0 to 1
/// ```
///
/// n-grams of 8 and of 13 tokens are usual: shorter ones are common speech, longer ones are copies.
/// Texts are lists of tokens of one vocabulary; n-grams do not reach from one text into the next. The
/// value is 0 where no generated text has `order` tokens. The generated n-grams are held in memory, the
/// training text is read once, on all cores.
///
/// ```
/// use pyrogen_metrics::text::ngram_overlap;
///
/// let training = [vec![1, 2, 3, 4, 5], vec![6, 7]];
/// let generated = [vec![2, 3, 4, 9], vec![5, 6, 7]];
/// assert_eq!(ngram_overlap(&generated, &training, 3), 1.0 / 3.0); // 234; not 349, not 567
/// ```
///
/// # Panics
/// If `order` is 0.
///
/// # References
/// Brown et al. (2020), "Language Models are Few-Shot Learners", appendix C (13-grams); Carlini et al.
/// (2023), "Quantifying Memorization Across Neural Language Models".
pub fn ngram_overlap<G, T>(generated: &[G], training: &[T], order: usize) -> f64
where
    G: AsRef<[u32]>,
    T: AsRef<[u32]> + Sync,
{
    assert!(order > 0, "ngram_overlap: n-grams of no tokens");
    let mut numbers: HashMap<&[u32], usize> = HashMap::new();
    let mut grams: Vec<usize> = Vec::new();
    for gram in generated.iter().flat_map(|text| text.as_ref().windows(order)) {
        let next = numbers.len();
        grams.push(*numbers.entry(gram).or_insert(next));
    }
    let found: Vec<AtomicBool> = numbers.iter().map(|_| AtomicBool::new(false)).collect();
    let pieces = training.par_iter().flat_map(|text| pieces(text.as_ref(), order));
    pieces.for_each(|piece| {
        for gram in piece.windows(order) {
            if let Some(&number) = numbers.get(gram) {
                found[number].store(true, Ordering::Relaxed);
            }
        }
    });
    let standing = grams.iter().filter(|&&gram| found[gram].load(Ordering::Relaxed)).count();
    standing as f64 / grams.len().max(1) as f64
}

/// Tokens that one thread takes at a time.
const PIECE: usize = 1 << 16;

/// A text in pieces which overlap so far that no n-gram is cut.
fn pieces(text: &[u32], order: usize) -> impl ParallelIterator<Item = &[u32]> {
    let starts = text.len().div_ceil(PIECE);
    (0..starts)
        .into_par_iter()
        .map(move |i| &text[i * PIECE..text.len().min((i + 1) * PIECE + order - 1)])
}
