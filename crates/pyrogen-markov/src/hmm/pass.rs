//! Passes over data: likelihoods, posteriors and expected counts.
//!
//! A long sequence is cut into blocks. One thread moves the forward message over it, another the
//! backward message, and both keep only what enters a block; then all blocks are worked through on all
//! cores. So memory is the data and a constant, and since blocks depend on the data alone and sums
//! are added in their order, any number of threads gives the same bytes.

use rayon::prelude::*;

use super::block::{Message, Scratch};
use super::engine::Engine;
use crate::MarkovError;
use crate::sequences::View;

/// Steps of a block.
pub(super) const BLOCK: usize = 1024;

/// Blocks whose sums are held at once.
const WAVE: usize = 64;

/// Sums over data: expected numbers of starts, transitions and visits, and the statistics of the
/// emissions.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) log_likelihood: f64,
    pub(super) start: Vec<f64>,
    pub(super) transitions: Vec<f64>,
    pub(super) visits: Vec<f64>,
    pub(super) emissions: Vec<f64>,
}

impl Expected {
    pub(super) fn zero(engine: &Engine<'_>) -> Self {
        let k = engine.k;
        Self {
            log_likelihood: 0.0,
            start: vec![0.0; k],
            transitions: vec![0.0; k * k],
            visits: vec![0.0; k],
            emissions: vec![0.0; engine.kernel.statistics()],
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.log_likelihood += other.log_likelihood;
        for (sums, more) in [
            (&mut self.start, &other.start),
            (&mut self.transitions, &other.transitions),
            (&mut self.visits, &other.visits),
            (&mut self.emissions, &other.emissions),
        ] {
            sums.iter_mut().zip(more).for_each(|(s, m)| *s += m);
        }
    }
}

/// A block of a sequence.
#[derive(Debug, Clone, Copy)]
struct Block {
    sequence: usize,
    index: usize,
}

impl<'a> Engine<'a> {
    fn block_view(&self, block: Block) -> View<'a> {
        let from = block.index * BLOCK;
        self.data.view(block.sequence, from..(from + BLOCK).min(self.data.length(block.sequence)))
    }

    /// What enters each block of a sequence, from before and from after.
    fn messages(&self, sequence: usize) -> Result<Vec<(Message, Message)>, MarkovError> {
        let blocks = self.data.length(sequence).div_ceil(BLOCK);
        let view = |index| self.block_view(Block { sequence, index });
        let ahead = || {
            let (mut message, mut s) = (None, Scratch::default());
            let mut all = Vec::with_capacity(blocks);
            for index in 0..blocks {
                all.push(message.clone());
                if index + 1 < blocks {
                    self.logs(&view(index), &mut s.logs);
                    let step = |t| MarkovError::Impossible { sequence, step: index * BLOCK + t };
                    self.forward(&mut message, &mut s).map_err(step)?;
                }
            }
            Ok::<_, MarkovError>(all)
        };
        let back = || {
            let (mut message, mut s) = (None, Scratch::default());
            let mut all = vec![None; blocks];
            for index in (0..blocks).rev() {
                all[index].clone_from(&message);
                if index > 0 {
                    self.logs(&view(index), &mut s.logs);
                    self.backward(&mut message, &mut s);
                }
            }
            all
        };
        if blocks < 2 {
            return Ok(vec![(None, None); blocks]);
        }
        let (ahead, back) = rayon::join(ahead, back);
        Ok(ahead?.into_iter().zip(back).collect())
    }

    /// Expected counts of all sequences, each times its weight.
    pub(super) fn expect(&self) -> Result<Expected, MarkovError> {
        let mut sums = Expected::zero(self);
        let active: Vec<usize> =
            (0..self.data.len()).filter(|i| self.data.weight(*i) > 0.0).collect();
        // Sequences whose messages are held at once: about as many steps as a wave of blocks has.
        for group in groups(&active, |i| self.data.length(*i), WAVE * BLOCK) {
            let messages: Vec<_> = in_order(group.par_iter().map(|i| self.messages(*i)))?;
            let blocks: Vec<_> = group
                .iter()
                .zip(&messages)
                .flat_map(|(sequence, m)| {
                    m.iter().enumerate().map(|(index, m)| (Block { sequence: *sequence, index }, m))
                })
                .collect();
            let units = groups(&blocks, |(block, _)| self.block_view(*block).len(), BLOCK);
            for wave in units.chunks(WAVE) {
                let parts = in_order(wave.par_iter().map(|unit| self.unit(unit)))?;
                parts.iter().for_each(|part| sums.add(part));
            }
        }
        Ok(sums)
    }

    fn unit(&self, blocks: &[(Block, &(Message, Message))]) -> Result<Expected, MarkovError> {
        let (k, mut s) = (self.k, Scratch::default());
        let mut sums = Expected::zero(self);
        for (block, (before, after)) in blocks {
            let (view, weight) = (self.block_view(*block), self.data.weight(block.sequence));
            self.logs(&view, &mut s.logs);
            let log_likelihood = self
                .posterior(before, after, weight, &mut sums.transitions, &mut s)
                .map_err(|t| self.impossible(*block, t))?;
            sums.log_likelihood += weight * log_likelihood;
            self.accumulate(&view, &s.posterior, &mut sums.emissions);
            if block.index == 0 {
                let first = &s.posterior[..k];
                sums.start.iter_mut().zip(first).for_each(|(sum, p)| *sum += weight * p);
            }
            for row in s.posterior.chunks_exact(k) {
                sums.visits.iter_mut().zip(row).for_each(|(sum, p)| *sum += weight * p);
            }
        }
        Ok(sums)
    }

    fn impossible(&self, block: Block, t: usize) -> MarkovError {
        let (sequence, step) = (block.sequence, block.index * BLOCK + t);
        MarkovError::Impossible { sequence, step }
    }

    /// The log-likelihood of a sequence, or the step from which on no path is left.
    pub(super) fn log_likelihood(&self, sequence: usize) -> Result<f64, usize> {
        self.filtered(sequence, |_, _| ())
    }

    /// Runs the filter over a sequence; `see` is given the last filtered log-probabilities of each block.
    pub(super) fn filtered(
        &self,
        sequence: usize,
        mut see: impl FnMut(usize, &[f64]),
    ) -> Result<f64, usize> {
        let (mut message, mut s, mut total) = (None, Scratch::default(), 0.0);
        for index in 0..self.data.length(sequence).div_ceil(BLOCK) {
            self.logs(&self.block_view(Block { sequence, index }), &mut s.logs);
            total += self.forward(&mut message, &mut s).map_err(|t| index * BLOCK + t)?;
            if let Some(message) = &message {
                see(index, message);
            }
        }
        Ok(total)
    }

    /// Filtered log-probabilities of all steps, `[steps, k]`, or the step from which on no path is left.
    pub(super) fn log_filtered(&self, sequence: usize) -> Result<Vec<f64>, usize> {
        let (mut message, mut s, mut all): (Message, _, _) = (None, Scratch::default(), Vec::new());
        for index in 0..self.data.length(sequence).div_ceil(BLOCK) {
            self.logs(&self.block_view(Block { sequence, index }), &mut s.logs);
            self.log_filter(message.as_deref(), &mut s).map_err(|t| index * BLOCK + t)?;
            all.extend_from_slice(&s.posterior);
            message = Some(s.posterior[s.posterior.len() - self.k..].to_vec());
        }
        Ok(all)
    }

    /// The log-density of each step given those before it.
    pub(super) fn increments(&self, sequence: usize) -> Vec<f64> {
        let (k, n) = (self.k, self.data.length(sequence));
        let (mut out, mut s) = (vec![f64::NEG_INFINITY; n], Scratch::default());
        let mut message = None;
        'blocks: for index in 0..n.div_ceil(BLOCK) {
            self.logs(&self.block_view(Block { sequence, index }), &mut s.logs);
            let logs = std::mem::take(&mut s.logs);
            for (t, row) in logs.chunks_exact(k).enumerate() {
                s.logs.clear();
                s.logs.extend_from_slice(row);
                let Ok(value) = self.forward(&mut message, &mut s) else { break 'blocks };
                out[index * BLOCK + t] = value;
            }
        }
        out
    }

    /// The posterior probabilities of a sequence's states, `[steps, k]`.
    pub(super) fn posteriors(&self, sequence: usize) -> Result<Vec<f64>, MarkovError> {
        let messages = self.messages(sequence)?;
        let parts = messages.par_iter().enumerate().map(|(index, (before, after))| {
            let block = Block { sequence, index };
            let (mut s, mut pairs) = (Scratch::default(), vec![0.0; self.k * self.k]);
            self.logs(&self.block_view(block), &mut s.logs);
            self.posterior(before, after, 1.0, &mut pairs, &mut s)
                .map_err(|t| self.impossible(block, t))?;
            Ok(s.posterior)
        });
        Ok(in_order(parts)?.concat())
    }
}

/// The results in order, or the first error: rayon's own collection gives any of the errors.
pub(super) fn in_order<T: Send>(
    results: impl IndexedParallelIterator<Item = Result<T, MarkovError>>,
) -> Result<Vec<T>, MarkovError> {
    results.collect::<Vec<_>>().into_iter().collect()
}

/// Runs of neighbours of at least `least` steps together; the last may have fewer.
fn groups<T>(items: &[T], steps: impl Fn(&T) -> usize, least: usize) -> Vec<&[T]> {
    let (mut groups, mut from, mut sum) = (Vec::new(), 0, 0);
    for (i, item) in items.iter().enumerate() {
        sum += steps(item);
        if sum >= least || i + 1 == items.len() {
            groups.push(&items[from..=i]);
            (from, sum) = (i + 1, 0);
        }
    }
    groups
}
