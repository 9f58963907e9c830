//! Documents with their middle at the end, so that a model learns to fill gaps.

use pyrogen_core::{Draws, Noise, Seed};

/// Tokens that say what comes: what stands before the gap, what stands behind it, and what fills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) prefix: u32,
    pub(crate) suffix: u32,
    pub(crate) middle: u32,
}

/// How many marks there are.
pub(crate) const MARKS: usize = 3;

impl Marks {
    /// The marks of a tokenizer of so many tokens: those behind its own.
    pub(crate) fn behind(tokens: usize) -> Self {
        let [prefix, suffix, middle] = [0, 1, 2].map(|i| (tokens + i) as u32);
        Self { prefix, suffix, middle }
    }

    /// A gap between two texts, up to where it is filled.
    pub(crate) fn gap(&self, prefix: &[u32], suffix: &[u32]) -> Vec<u32> {
        let (before, behind) = ([self.prefix], [self.suffix]);
        [&before, prefix, &behind, suffix, &[self.middle]].concat()
    }
}

/// The rearrangement of documents in rows of training.
///
/// A share `rate` of the documents that begin in a row is cut at two places, uniformly among all, and
/// stands in it as
///
/// ```text
/// start <prefix> what stands first <suffix> what stands last <middle> what stands between end
/// ```
///
/// (Bavarian et al. 2022, in their order PSM, at the level of the context: what the row cuts off
/// a document is cut off before.) All of its tokens are learnt.
#[derive(Debug, Clone, Copy)]
pub struct Infill {
    pub(crate) rate: f64,
    pub(crate) marks: Marks,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Infill {
    /// So many tokens of a stream of documents, from its beginning, rearranged by a number in (0, 1).
    pub(crate) fn row(&self, stream: &[u32], room: usize, number: f64) -> Vec<u32> {
        let mut draws = Draws::new(&Noise::new(Seed(number.to_bits())), "infill");
        let mut row = Vec::with_capacity(room);
        let mut rest = stream;
        while row.len() < room && !rest.is_empty() {
            let next =
                rest[1..].iter().position(|&t| t == self.start).map_or(rest.len(), |i| i + 1);
            let (document, behind) = rest.split_at(next);
            let left = room - row.len();
            if document[0] == self.start && draws.uniform() < self.rate {
                self.rearranged(&document[1..], left, &mut draws, &mut row);
            } else {
                row.extend_from_slice(&document[..document.len().min(left)]);
            }
            rest = behind;
        }
        row
    }

    /// A document behind its start, as far as there is room.
    fn rearranged(&self, document: &[u32], left: usize, draws: &mut Draws, row: &mut Vec<u32>) {
        // Where one token is both, the start of the next document is the end of this one.
        let own_end = self.start != self.end;
        let body = document.strip_suffix(&[self.end][..]).filter(|_| own_end).unwrap_or(document);
        let frame = 1 + MARKS + 1;
        let body = &body[..body.len().min(left.saturating_sub(frame))];
        let cut = body.len() < document.len() || own_end;
        let mut cuts = [0, 1].map(|_| draws.below(body.len() + 1));
        cuts.sort_unstable();
        let mut whole = vec![self.start];
        whole.extend(self.marks.gap(&body[..cuts[0]], &body[cuts[1]..]));
        whole.extend_from_slice(&body[cuts[0]..cuts[1]]);
        whole.extend(cut.then_some(self.end));
        row.extend_from_slice(&whole[..whole.len().min(left)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { prefix: 20, suffix: 21, middle: 22 };

    /// The documents of a row, put back in their order; None for those that are as they were.
    fn restored(row: &[u32], start: u32, end: u32) -> Vec<(Vec<u32>, bool)> {
        let mut out = Vec::new();
        for document in row.split(|&t| t == start).filter(|d| !d.is_empty()) {
            let document = document.strip_suffix(&[end][..]).unwrap_or(document);
            let at = |mark: u32| document.iter().position(|&t| t == mark);
            match [MARKS.prefix, MARKS.suffix, MARKS.middle].map(at) {
                [Some(0), Some(s), Some(m)] => {
                    let whole = [&document[1..s], &document[m + 1..], &document[s + 1..m]].concat();
                    out.push((whole, true));
                }
                _ => out.push((document.to_vec(), false)),
            }
        }
        out
    }

    #[test]
    fn documents_stand_in_a_row_rearranged_and_whole() {
        for (start, end) in [(9, 9), (8, 9)] {
            let infill = Infill { rate: 0.5, marks: MARKS, start, end };
            let documents = [vec![1, 2, 3, 4], vec![5], vec![6, 7, 1, 2, 3], vec![4, 4]];
            let mut stream = Vec::new();
            for document in documents.iter().cycle().take(40) {
                if start != end || stream.is_empty() {
                    stream.push(start);
                }
                stream.extend_from_slice(document);
                stream.push(end);
            }
            let (mut changed, mut plain) = (0, 0);
            for i in 0..200 {
                let row = infill.row(&stream, 60, f64::from(i) / 200.0 + 1e-3);
                assert_eq!(row.len(), 60);
                assert_eq!(row, infill.row(&stream, 60, f64::from(i) / 200.0 + 1e-3));
                let found = restored(&row, start, end);
                for (k, (document, moved)) in found.iter().enumerate() {
                    let expected = &documents[k % 4];
                    // The last one may be cut off.
                    let last = k + 1 == found.len() && expected.starts_with(document);
                    let broken = k + 1 == found.len() && document.iter().any(|t| *t >= 20);
                    assert!(document == expected || last || broken, "{row:?}");
                    *(if *moved { &mut changed } else { &mut plain }) += 1;
                }
            }
            let share = f64::from(changed) / f64::from(changed + plain);
            assert!((share - 0.5).abs() < 0.1, "{share}");
        }
    }

    #[test]
    fn a_long_document_is_cut_off_before_it_is_rearranged() {
        let infill = Infill { rate: 1.0, marks: MARKS, start: 9, end: 9 };
        let stream: Vec<u32> = [9].into_iter().chain((0..100).map(|i| i % 8)).collect();
        let row = infill.row(&stream, 30, 0.3);
        assert_eq!((row.len(), row[0], row[29]), (30, 9, 9));
        let body: Vec<u32> = (0..25).map(|i| i % 8).collect();
        assert_eq!(restored(&row, 9, 9), [(body, true)]);
        // A row that begins within a document leaves that one alone.
        assert_eq!(infill.row(&stream[1..], 30, 0.3), stream[1..31]);
    }

    #[test]
    fn cuts_are_uniform() {
        // Of a document of two tokens: six pairs of cuts in order, those of two equal ones half as often.
        let infill = Infill { rate: 1.0, marks: MARKS, start: 9, end: 9 };
        let mut counts = std::collections::BTreeMap::new();
        let n = 9000;
        for i in 0..n {
            let row = infill.row(&[9, 1, 2, 9], 7, (f64::from(i) + 0.5) / f64::from(n));
            *counts.entry(row).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        for (row, count) in counts {
            // Nothing between the cuts.
            let p = if row[5] == MARKS.middle { 1.0 / 9.0 } else { 2.0 / 9.0 };
            let (mean, sd) = (f64::from(n) * p, (f64::from(n) * p * (1.0 - p)).sqrt());
            assert!((f64::from(count) - mean).abs() < 5.0 * sd, "{row:?}: {count} of {mean}");
        }
    }
}
