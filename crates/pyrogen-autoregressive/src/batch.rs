//! Rows of tokens: what a network reads, and what training reads of a text.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::{Examples, Noise};

use crate::infill::Infill;

/// Rows of tokens of one length, each a document or several that stand one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    rows: usize,
    places: usize,
    tokens: Vec<u32>,
    first: Option<Arc<[u32]>>,
}

impl Packed {
    /// Rows of `places` tokens, each one document.
    ///
    /// # Panics
    /// If the tokens are no whole rows.
    pub fn new(tokens: Vec<u32>, places: usize) -> Self {
        assert!(
            places > 0 && tokens.len().is_multiple_of(places),
            "Packed: {} tokens in rows of {places}",
            tokens.len()
        );
        Self { rows: tokens.len() / places, places, tokens, first: None }
    }

    /// The same rows, in which a document begins at every token `start`: nothing sees what stands
    /// before its own document, and places are counted from its beginning.
    pub fn with_documents(self, start: u32) -> Self {
        let mut first = Vec::with_capacity(self.tokens.len());
        let mut found = false;
        for row in self.tokens.chunks(self.places) {
            let mut begin = 0;
            for (place, &token) in row.iter().enumerate() {
                if token == start && place > 0 {
                    (begin, found) = (place as u32, true);
                }
                first.push(begin);
            }
        }
        Self { first: found.then(|| first.into()), ..self }
    }

    /// Sequences as rows that end at the same place: each stands behind the padding that it needs, which
    /// it does not see, and its places are counted from its own beginning.
    ///
    /// # Panics
    /// If a sequence is empty or longer than a row.
    pub fn behind_padding(sequences: &[Vec<u32>], places: usize) -> Self {
        let (rows, mut tokens) = (sequences.len(), Vec::with_capacity(sequences.len() * places));
        let mut first = Vec::with_capacity(rows * places);
        for sequence in sequences {
            let length = sequence.len();
            assert!(
                (1..=places).contains(&length),
                "Packed: a sequence of {length} tokens in rows of {places}"
            );
            let padding = places - length;
            // Any token does: nothing sees it.
            tokens.extend(std::iter::repeat_n(0, padding));
            tokens.extend_from_slice(sequence);
            first.extend(std::iter::repeat_n(padding as u32, places));
        }
        Self { rows, places, tokens, first: Some(first.into()) }
    }

    /// For each row the place at which its first token stands that is seen.
    pub(crate) fn padding(&self) -> Vec<u32> {
        let of = |row: usize| self.first.as_ref().map_or(0, |first| first[row * self.places]);
        (0..self.rows).map(of).collect()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Tokens of a row.
    pub fn places(&self) -> usize {
        self.places
    }

    /// All tokens, row by row.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// For each token the place in its row at which its document begins; None where each row is one
    /// document.
    pub fn first(&self) -> Option<&Arc<[u32]>> {
        self.first.as_ref()
    }

    /// The place of each token in its document, row by row; of padding 0.
    pub(crate) fn positions(&self) -> Vec<u32> {
        let first = |i: usize| self.first.as_ref().map_or(0, |first| first[i]);
        let place = |i: usize| ((i % self.places) as u32).saturating_sub(first(i));
        (0..self.tokens.len()).map(place).collect()
    }

    /// `[rows, places]`.
    pub(crate) fn tensor(&self, device: &Device) -> Tensor<2, Int> {
        int_tensor(&self.tokens, [self.rows, self.places], device)
    }
}

/// Numbers as a tensor.
pub(crate) fn int_tensor<const D: usize>(
    values: &[u32],
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    let values: Vec<i32> = values.iter().map(|&t| t as i32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// What a training step sees: rows of tokens, and the token behind each.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// What is read.
    pub inputs: Packed,
    /// What is predicted, row by row.
    pub targets: Arc<[u32]>,
}

/// The share of rows of a text without ends that begin with the start token in place of their first:
/// so the network learns what to expect where it knows nothing.
const STARTS: f64 = 0.1;

/// Windows into texts, for training.
///
/// With ends the texts stand one after the other with a start token before, between and behind them,
/// and windows are packed documents. Without, one text is cut anywhere. The windows of an epoch tile
/// the text, each moved by a random shift of less than a window.
#[derive(Debug, Clone)]
pub struct TokenWindows {
    stream: Vec<u32>,
    places: usize,
    start: u32,
    ends: bool,
    shifted: bool,
    infill: Option<Infill>,
}

impl TokenWindows {
    /// Windows of `places` tokens at most. The tokens `start` and `end`, which may be one, stand before
    /// and behind a document.
    pub fn new(documents: &[Vec<u32>], [start, end]: [u32; 2], ends: bool, places: usize) -> Self {
        let mut stream = Vec::new();
        for document in documents {
            if ends && (stream.is_empty() || start != end) {
                stream.push(start);
            }
            stream.extend_from_slice(document);
            if ends {
                stream.push(end);
            }
        }
        if stream.is_empty() {
            // An empty text: its end follows its start.
            stream.push(start);
        }
        if stream.len() < 2 {
            stream.push(end);
        }
        let places = places.clamp(1, stream.len() - 1);
        Self { stream, places, start, ends, shifted: true, infill: None }
    }

    /// The same windows with documents that are rearranged anew in each row, so that a network learns to
    /// fill gaps.
    pub fn with_infill(self, infill: Option<Infill>) -> Self {
        Self { infill, ..self }
    }

    /// The same windows without shifts, starts and rearranged documents: for validation.
    pub fn fixed(self) -> Self {
        Self { shifted: false, ..self }
    }

    /// Tokens that are predicted in one pass over the text.
    pub fn targets(&self) -> usize {
        self.stream.len() - 1
    }
}

impl Examples for TokenWindows {
    type Batch = TokenBatch;

    fn len(&self) -> usize {
        (self.targets() / self.places).max(1)
    }

    fn batch(&self, rows: &[usize], noise: &mut Noise, _: &Device) -> TokenBatch {
        let numbers = match self.shifted {
            true => noise.uniform_rows(&[rows.len(), 2]),
            false => vec![0.5; 2 * rows.len()],
        };
        let last = self.targets() - self.places;
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for (&row, numbers) in rows.iter().zip(numbers.chunks(2)) {
            assert!(row < self.len(), "TokenWindows: row {row} of {}", self.len());
            let shift = if self.shifted { (numbers[0] * self.places as f64) as usize } else { 0 };
            let from = (row * self.places + shift).min(last);
            let room = self.places + 1;
            let rearranged = match &self.infill {
                Some(infill) if self.shifted => infill.row(&self.stream[from..], room, numbers[1]),
                _ => self.stream[from..from + room].to_vec(),
            };
            inputs.extend_from_slice(&rearranged[..self.places]);
            targets.extend_from_slice(&rearranged[1..]);
            if self.shifted && !self.ends && numbers[1] < STARTS {
                let first = inputs.len() - self.places;
                inputs[first] = self.start;
            }
        }
        let inputs = Packed::new(inputs, self.places);
        let inputs = if self.ends { inputs.with_documents(self.start) } else { inputs };
        TokenBatch { inputs, targets: targets.into() }
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;

    #[test]
    fn padding_stands_before_a_sequence() {
        let rows = Packed::behind_padding(&[vec![5, 6, 7], vec![8]], 4);
        assert_eq!(rows.tokens(), [0, 5, 6, 7, 0, 0, 0, 8]);
        assert_eq!(rows.positions(), [0, 0, 1, 2, 0, 0, 0, 0]);
        assert_eq!(rows.padding(), [1, 3]);
    }

    #[test]
    fn documents_stand_between_starts() {
        let windows = TokenWindows::new(&[vec![1, 2], vec![3]], [9, 9], true, 100).fixed();
        assert_eq!((windows.len(), windows.targets()), (1, 5));
        let batch = windows.batch(&[0], &mut Noise::new(Seed(0)), &Device::flex());
        assert_eq!(batch.inputs.tokens(), [9, 1, 2, 9, 3]);
        assert_eq!(batch.targets[..], [1, 2, 9, 3, 9]);
        assert_eq!(batch.inputs.first().unwrap()[..], [0, 0, 0, 3, 3]);
        assert_eq!(batch.inputs.positions(), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn a_start_of_its_own_stands_before_each_document() {
        let windows = TokenWindows::new(&[vec![1, 2], vec![3]], [8, 9], true, 100).fixed();
        let batch = windows.batch(&[0], &mut Noise::new(Seed(0)), &Device::flex());
        assert_eq!(batch.inputs.tokens(), [8, 1, 2, 9, 8, 3]);
        assert_eq!(batch.targets[..], [1, 2, 9, 8, 3, 9]);
        assert_eq!(batch.inputs.first().unwrap()[..], [0, 0, 0, 0, 4, 4]);
    }

    #[test]
    fn shifted_windows_lie_within_the_text_and_rows_do_not_depend_on_the_batch() {
        let text: Vec<u32> = (0..103).collect();
        let windows = TokenWindows::new(&[text], [200, 200], false, 10);
        assert_eq!(windows.len(), 10);
        let (rows, device) = ((0..10).collect::<Vec<_>>(), Device::flex());
        let noise = Noise::new(Seed(3));
        let all = windows.batch(&rows, &mut noise.clone(), &device);
        for (i, row) in all.inputs.tokens().chunks(10).enumerate() {
            let shift = row[1] - 1 - 10 * i as u32;
            assert!(shift < 10, "{row:?}");
            assert_eq!(all.targets[i * 10], row[1]);
        }
        let part = windows.batch(&rows[4..7], &mut noise.rows(4..7, 10), &device);
        assert_eq!(part.inputs.tokens(), &all.inputs.tokens()[40..70]);
        let starts = all.inputs.tokens().iter().filter(|&&t| t == 200).count();
        assert!(starts < 5, "{starts}");
    }

    #[test]
    fn a_short_or_empty_text_is_one_window() {
        for (documents, ends) in [(vec![vec![]], true), (vec![vec![5]], false), (vec![], false)] {
            let windows = TokenWindows::new(&documents, [9, 9], ends, 64);
            assert_eq!(windows.len(), 1);
            let batch = windows.batch(&[0], &mut Noise::new(Seed(0)), &Device::flex());
            assert_eq!(batch.targets.last(), Some(&9), "{documents:?}");
        }
    }
}
