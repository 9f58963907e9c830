//! Pairs of token sequences, for training.

use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::{Examples, Noise};

use crate::Packed;

/// What a training step sees: its pairs in parts of about one length.
#[derive(Debug, Clone)]
pub struct PairBatch {
    /// The parts, which hold each pair once.
    pub parts: Vec<PairRows>,
    /// The mean of the targets' lengths over all of the data.
    pub mean_length: f64,
}

/// Sources, and their targets token by token.
#[derive(Debug, Clone)]
pub struct PairRows {
    /// The sources, each behind its padding.
    pub sources: Packed,
    /// What is read of the targets; behind their ends anything.
    pub inputs: Packed,
    /// What is predicted, row by row.
    pub targets: Arc<[u32]>,
    /// Tokens of each row that are predicted.
    pub lengths: Vec<usize>,
}

/// Pairs that are worked on together. More of them fill the processor no better, and are padded further.
const TOGETHER: usize = 32;

/// Pairs of sources and targets as tokens.
///
/// The pairs of a batch are worked on in order of their lengths, 32 at a time, and are padded to the longest
/// of those. With rows padded to the longest of the whole batch, a step of letters to sounds took 1.4 times as
/// long.
#[derive(Debug, Clone)]
pub struct PairExamples {
    sources: Vec<Vec<u32>>,
    /// Between start and end.
    targets: Vec<Vec<u32>>,
    mean_length: f64,
}

impl PairExamples {
    /// Sources with their ends, and targets that get a start and an end.
    ///
    /// # Panics
    /// If there are no pairs, or other numbers of sources and targets.
    pub fn new(sources: Vec<Vec<u32>>, targets: &[Vec<u32>], [start, end]: [u32; 2]) -> Self {
        assert_eq!(sources.len(), targets.len(), "PairExamples: one target a source");
        assert!(!targets.is_empty(), "PairExamples: no pairs");
        let framed = |target: &Vec<u32>| [&[start], &target[..], &[end]].concat();
        let targets: Vec<Vec<u32>> = targets.iter().map(framed).collect();
        let tokens: usize = targets.iter().map(|target| target.len() - 1).sum();
        let mean_length = tokens as f64 / targets.len() as f64;
        Self { sources, targets, mean_length }
    }

    /// Tokens that are predicted in one pass over the pairs.
    pub fn tokens(&self) -> usize {
        self.targets.iter().map(|target| target.len() - 1).sum()
    }
}

impl Examples for PairExamples {
    type Batch = PairBatch;

    fn len(&self) -> usize {
        self.sources.len()
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, _: &Device) -> PairBatch {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|&row| (self.targets[row].len(), self.sources[row].len()));
        let parts = rows.chunks(TOGETHER).map(|rows| self.part(rows)).collect();
        PairBatch { parts, mean_length: self.mean_length }
    }
}

impl PairExamples {
    fn part(&self, rows: &[usize]) -> PairRows {
        let sources: Vec<Vec<u32>> = rows.iter().map(|&row| self.sources[row].clone()).collect();
        let longest = sources.iter().map(Vec::len).max().unwrap_or(1);
        let targets = || rows.iter().map(|&row| &self.targets[row]);
        let lengths: Vec<usize> = targets().map(|target| target.len() - 1).collect();
        let places = lengths.iter().copied().max().unwrap_or(1);
        let (mut inputs, mut predicted) = (Vec::new(), Vec::new());
        for target in targets() {
            let length = target.len() - 1;
            inputs.extend_from_slice(&target[..length]);
            predicted.extend_from_slice(&target[1..]);
            for row in [&mut inputs, &mut predicted] {
                let end = row.len() + places - length;
                row.resize(end, target[length]);
            }
        }
        PairRows {
            sources: Packed::behind_padding(&sources, longest),
            inputs: Packed::new(inputs, places),
            targets: predicted.into(),
            lengths,
        }
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;

    #[test]
    fn rows_are_as_long_as_the_longest() {
        let sources = vec![vec![1, 9], vec![1, 2, 3, 9], vec![4, 9]];
        let pairs = PairExamples::new(sources, &[vec![5, 6], vec![7], vec![]], [8, 9]);
        assert_eq!((pairs.len(), pairs.tokens()), (3, 6));
        let mut noise = Noise::new(Seed(0));
        let batch = pairs.batch(&[0, 1], &mut noise, &Device::flex());
        let [part] = &batch.parts[..] else { panic!("one part") };
        assert_eq!(part.sources.tokens(), [1, 2, 3, 9, 0, 0, 1, 9]);
        assert_eq!(part.inputs.tokens(), [8, 7, 9, 8, 5, 6]);
        assert_eq!(part.targets[..], [7, 9, 9, 5, 6, 9]);
        assert_eq!((&part.lengths[..], batch.mean_length), (&[2, 3][..], 2.0));
    }

    #[test]
    fn pairs_of_a_length_are_together_and_each_is_there_once() {
        let sources: Vec<Vec<u32>> =
            (0..100u32).map(|i| vec![i; 1 + i as usize * 7 % 10]).collect();
        let targets = sources.clone();
        let pairs = PairExamples::new(sources, &targets, [200, 201]);
        let rows: Vec<usize> = (0..100).collect();
        let batch = pairs.batch(&rows, &mut Noise::new(Seed(0)), &Device::flex());
        let sizes: Vec<usize> = batch.parts.iter().map(|part| part.lengths.len()).collect();
        assert_eq!(sizes, [32, 32, 32, 4]);
        let mut found: Vec<u32> = Vec::new();
        let mut last = 0;
        for part in &batch.parts {
            assert!(part.lengths.iter().min() >= Some(&last));
            last = *part.lengths.iter().max().unwrap();
            assert_eq!(part.inputs.places(), last);
            let places = part.sources.places();
            found.extend(part.sources.tokens().chunks(places).map(|row| row[places - 1]));
        }
        found.sort_unstable();
        assert_eq!(found, (0..100).collect::<Vec<u32>>());
    }
}
