//! The edit distance near the diagonal, with the edits that make it.

use std::ops::Range;

/// How far from the diagonal the distance looks.
const BEAM: usize = 25;

/// No path leads here. Far below the largest number, so that a step may be added.
const UNREACHED: u32 = u32::MAX / 2;

/// How a cell of the table is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// Both words are the same.
    Keep,
    /// A word of the hypothesis for one of the reference.
    Replace,
    /// A word of the hypothesis too many.
    Delete,
    /// A word of the reference that the hypothesis does not have.
    Insert,
}

/// The table of distances between the beginnings of a hypothesis and those of a reference.
///
/// The hypotheses that it sees between two calls of [`start`](Self::start) have one length, so the
/// diagonal is the same for all, and one that begins like the last can go on from there.
#[derive(Debug, Default)]
pub(super) struct Distance {
    reference: Vec<u32>,
    /// Rows of `reference.len() + 1` cells, one a word of the hypothesis and one before.
    costs: Vec<u32>,
    /// The hypothesis of the table.
    words: Vec<u32>,
    /// Two rows of a hypothesis that is only tried.
    rows: [Vec<u32>; 2],
}

impl Distance {
    /// Begins with a reference and a hypothesis.
    pub fn start(&mut self, words: &[u32], reference: &[u32]) {
        self.reference.clear();
        self.reference.extend_from_slice(reference);
        let width = reference.len() + 1;
        self.costs.clear();
        self.costs.resize(width * (words.len() + 1), UNREACHED);
        for (j, cell) in self.costs[..width].iter_mut().enumerate() {
            *cell = j as u32;
        }
        self.words.clear();
        self.move_to(words, 0);
    }

    /// Makes the table that of another hypothesis of the same length, which begins with the same
    /// `same` words.
    pub fn move_to(&mut self, words: &[u32], same: usize) {
        self.words.clear();
        self.words.extend_from_slice(words);
        let width = self.reference.len() + 1;
        for i in same + 1..=words.len() {
            let (above, row) = self.costs[(i - 1) * width..(i + 1) * width].split_at_mut(width);
            row.fill(UNREACHED);
            let beam = beam(i, words.len(), self.reference.len());
            fill(above, row, beam, words[i - 1], &self.reference);
        }
    }

    /// The distance of the hypothesis of the table.
    pub fn cost(&self) -> usize {
        self.costs[self.costs.len() - 1] as usize
    }

    /// The distance of another hypothesis of the same length, which begins with the same `same` words
    /// and, from place `rejoins` on, goes on as the table's does.
    pub fn cost_of(&mut self, words: &[u32], same: usize, rejoins: usize) -> usize {
        let width = self.reference.len() + 1;
        let [above, row] = &mut self.rows;
        above.clear();
        above.extend_from_slice(&self.costs[same * width..(same + 1) * width]);
        row.clear();
        row.resize(width, UNREACHED);
        for i in same + 1..=words.len() {
            row.fill(UNREACHED);
            let beam = beam(i, words.len(), self.reference.len());
            fill(above, row, beam, words[i - 1], &self.reference);
            // The same row before the same words ends in the same distance.
            if i >= rejoins && row[..] == self.costs[i * width..(i + 1) * width] {
                return self.cost();
            }
            std::mem::swap(above, row);
        }
        above[width - 1] as usize
    }

    /// The edits of the hypothesis of the table, from its beginning.
    pub fn edits(&self, to: &mut Vec<Edit>) {
        let width = self.reference.len() + 1;
        let (mut i, mut j) = (self.words.len(), self.reference.len());
        to.clear();
        while i > 0 || j > 0 {
            let edit = self.edit(i, j, width);
            to.push(edit);
            i -= usize::from(edit != Edit::Insert);
            j -= usize::from(edit != Edit::Delete);
        }
        to.reverse();
    }

    /// How the cell is reached: of equal ways the first of keeping or replacing, deleting, inserting.
    fn edit(&self, i: usize, j: usize, width: usize) -> Edit {
        if i == 0 {
            return Edit::Insert;
        }
        if j == 0 {
            return Edit::Delete;
        }
        let cost = self.costs[i * width + j];
        let above = &self.costs[(i - 1) * width..i * width];
        let same = self.words[i - 1] == self.reference[j - 1];
        if above[j - 1] + u32::from(!same) == cost {
            if same { Edit::Keep } else { Edit::Replace }
        } else if above[j] + 1 == cost {
            Edit::Delete
        } else {
            Edit::Insert
        }
    }
}

/// The cells of row `i` that are looked at.
fn beam(i: usize, hypothesis: usize, reference: usize) -> Range<usize> {
    let ratio = reference as f64 / hypothesis as f64;
    let width = if (BEAM as f64) < ratio / 2.0 {
        (ratio / 2.0 + BEAM as f64).ceil() as usize
    } else {
        BEAM
    };
    let diagonal = (i as f64 * ratio).floor() as usize;
    let end = if i == hypothesis { reference + 1 } else { (reference + 1).min(diagonal + width) };
    diagonal.saturating_sub(width)..end
}

/// Fills the cells of a row within the beam; the others are unreached.
fn fill(above: &[u32], row: &mut [u32], beam: Range<usize>, word: u32, reference: &[u32]) {
    let mut from = beam.start;
    let mut left = UNREACHED;
    if from == 0 {
        left = above[0] + 1;
        row[0] = left;
        from = 1;
    }
    if from >= beam.end {
        return;
    }
    let above = &above[from - 1..beam.end];
    let reference = &reference[from - 1..beam.end - 1];
    let row = &mut row[from..beam.end];
    for ((cell, pair), &theirs) in row.iter_mut().zip(above.windows(2)).zip(reference) {
        let diagonal = pair[0] + u32::from(word != theirs);
        left = diagonal.min(pair[1] + 1).min(left + 1).min(UNREACHED);
        *cell = left;
    }
}
