//! Error rates by edits, and the share of exact matches.

use serde::{Deserialize, Serialize};

use super::words::Words;
use super::{ReferenceCount, SegmentMetric, TextError, TextSignature};

/// What edits are counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditUnit {
    /// What stands between white space: words, or symbols such as phonemes.
    #[default]
    Words,
    /// Characters (code points), with the white space between words.
    Characters,
}

/// Word error rate and character error rate: how many edits turn the hypothesis into a reference, for
/// each word or character of the reference.
///
/// ```text
/// rate = 100 (insertions + deletions + replacements) / length of the reference
/// ```
///
/// Of several references the one with the fewest edits counts, of equals the first. Edits and lengths are
/// summed over the corpus. Lower is better, and the value can exceed 100. Case and punctuation count.
///
/// ```
/// use pyrogen_metrics::text::{Corpus, EditRate, EditUnit, SegmentMetric};
///
/// let corpus = Corpus::new(&["HH EH L OW"], &[["HH AH L OW"]])?;
/// let report = EditRate::default().evaluate(&corpus)?;
/// assert_eq!(report.get("wer"), Some(25.0)); // one of four symbols
/// let report = EditRate { unit: EditUnit::Characters }.evaluate(&corpus)?;
/// assert_eq!(report.get("cer"), Some(10.0)); // one of ten characters
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # References
/// Levenshtein (1966), "Binary codes capable of correcting deletions, insertions, and reversals".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditRate {
    /// What edits are counted in.
    pub unit: EditUnit,
}

/// Memory of [`EditRate`] for one segment.
#[derive(Debug, Default)]
pub struct EditScratch {
    words: Words,
    hypothesis: Vec<u32>,
    reference: Vec<u32>,
    row: Vec<u32>,
}

impl EditRate {
    fn units(self, text: &str, words: &mut Words, to: &mut Vec<u32>) {
        to.clear();
        match self.unit {
            EditUnit::Words => {
                to.extend(text.split_whitespace().map(|word| words.intern(word.as_bytes())));
            }
            EditUnit::Characters => to.extend(text.trim().chars().map(u32::from)),
        }
    }
}

/// The fewest edits that turn one sequence into another.
fn distance(a: &[u32], b: &[u32], row: &mut Vec<u32>) -> u32 {
    row.clear();
    row.extend(0..=b.len() as u32);
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i as u32 + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + u32::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl SegmentMetric for EditRate {
    type Scratch = EditScratch;

    fn name(&self) -> &'static str {
        self.value_names()[0]
    }

    fn value_names(&self) -> &'static [&'static str] {
        match self.unit {
            EditUnit::Words => &["wer"],
            EditUnit::Characters => &["cer"],
        }
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
        scratch: &mut EditScratch,
        statistics: &mut [f64],
    ) {
        assert!(!references.is_empty(), "EditRate::segment: a segment without references");
        let EditScratch { words, hypothesis: own, reference, row } = scratch;
        words.clear();
        self.units(hypothesis, words, own);
        let mut nearest = (u32::MAX, 0);
        for text in references {
            self.units(text, words, reference);
            let edits = distance(own, reference, row);
            if edits < nearest.0 {
                nearest = (edits, reference.len());
            }
        }
        statistics.copy_from_slice(&[f64::from(nearest.0), nearest.1 as f64]);
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        // Without anything to find, everything that was written is too much.
        let rate = match [totals[0], totals[1]] {
            [0.0, _] => 0.0,
            [_, 0.0] => 1.0,
            [edits, length] => edits / length,
        };
        vec![100.0 * rate]
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        TextSignature::of(self.name()).own("nrefs", references).own("case", "mixed")
    }
}

/// The share of hypotheses that are equal to a reference, up to white space at their ends and the number
/// of blanks between words: `100 matches / segments`.
///
/// 100 minus this value is what the field of letters to sounds calls its word error rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExactMatch {}

impl SegmentMetric for ExactMatch {
    type Scratch = ();

    fn name(&self) -> &'static str {
        "exact-match"
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["exact_match"]
    }

    fn width(&self) -> usize {
        2
    }

    fn validate(&self) -> Result<(), TextError> {
        Ok(())
    }

    fn segment(&self, hypothesis: &str, references: &[&str], (): &mut (), statistics: &mut [f64]) {
        assert!(!references.is_empty(), "ExactMatch::segment: a segment without references");
        let own = || hypothesis.split_whitespace();
        let found = references.iter().any(|text| own().eq(text.split_whitespace()));
        statistics.copy_from_slice(&[f64::from(u8::from(found)), 1.0]);
    }

    fn values(&self, totals: &[f64]) -> Vec<f64> {
        vec![100.0 * totals[0] / totals[1].max(1.0)]
    }

    fn signature(&self, references: ReferenceCount) -> TextSignature {
        TextSignature::of(self.name()).own("nrefs", references).own("case", "mixed")
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Draws, Noise, Seed};

    use super::super::Corpus;
    use super::*;

    /// By the definition: the fewest edits of the ends, in turn.
    fn by_definition(a: &[u32], b: &[u32]) -> u32 {
        match (a.split_last(), b.split_last()) {
            (None, _) => b.len() as u32,
            (_, None) => a.len() as u32,
            (Some((x, a_rest)), Some((y, b_rest))) => {
                let replaced = by_definition(a_rest, b_rest) + u32::from(x != y);
                let (deleted, inserted) = (by_definition(a_rest, b), by_definition(a, b_rest));
                replaced.min(deleted + 1).min(inserted + 1)
            }
        }
    }

    #[test]
    fn distances_are_the_fewest_edits() {
        let mut draws = Draws::new(&Noise::new(Seed(3)), "edits");
        let mut row = Vec::new();
        for _ in 0..60 {
            let [a, b] = [0, 1].map(|_| -> Vec<u32> {
                (0..draws.below(7)).map(|_| draws.below(3) as u32).collect()
            });
            assert_eq!(distance(&a, &b, &mut row), by_definition(&a, &b), "{a:?} {b:?}");
        }
    }

    fn rate(unit: EditUnit, hypotheses: &[&str], references: &[Vec<Option<&str>>]) -> f64 {
        let corpus = Corpus::with_missing(hypotheses, references).unwrap();
        let report = EditRate { unit }.evaluate(&corpus).unwrap();
        report.values().next().unwrap().1
    }

    #[test]
    fn rates_are_ratios_of_sums_over_the_nearest_references() {
        let hypotheses = ["a b c", "x", "", "q r"];
        let first = vec![Some("a c"), Some("y z"), Some("w"), Some("q r")];
        let second = vec![Some("a b d e"), Some("x x"), None, None];
        // Edits: 1 of 2 words; of the second, "x x" is nearer: 1 of 2; 1 of 1; 0 of 2.
        let got = rate(EditUnit::Words, &hypotheses, &[first.clone(), second]);
        assert!((got - 100.0 * 3.0 / 7.0).abs() < 1e-12, "{got}");
        // One reference each: 1 of 2, 2 of 2, 1 of 1, 0 of 2.
        let got = rate(EditUnit::Words, &hypotheses, &[first]);
        assert!((got - 100.0 * 4.0 / 7.0).abs() < 1e-12, "{got}");
        // Characters count with the blanks between words: of "kitten" and "sitting" 3 of 7.
        let got =
            rate(EditUnit::Characters, &["kitten", " ä b "], &[vec![Some("sitting"), Some("a b")]]);
        assert!((got - 40.0).abs() < 1e-12, "{got}");
        assert_eq!(rate(EditUnit::Words, &["a b"], &[vec![Some("")]]), 100.0);
        assert_eq!(rate(EditUnit::Words, &[""], &[vec![Some(" ")]]), 0.0);
    }

    #[test]
    fn matches_are_exact_up_to_blanks() {
        let corpus = Corpus::with_missing(
            &["a  b ", "ab", "A b", "c"],
            &[[Some("a b"), Some("a b"), Some("a b"), Some("d")], [None, None, None, Some("c")]],
        );
        let report = ExactMatch {}.evaluate(&corpus.unwrap()).unwrap();
        assert_eq!(report.get("exact_match"), Some(50.0));
        assert_eq!(report.signature().to_string().split('|').next(), Some("exact-match"));
    }
}
