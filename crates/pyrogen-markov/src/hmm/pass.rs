//! Passes over data: likelihoods, posteriors and expected counts.
//!
//! A long sequence is cut into blocks. One thread moves the forward message over it, another the
//! backward message, and both keep only what enters a block; then all blocks are worked through on all
//! cores. So memory is the data and a constant, and since blocks depend on the data alone and sums
//! are added in their order, any number of threads gives the same bytes.
//!
//! Within a block the scaled recursion is used where it is exact to rounding, and the recursion in
//! logarithms where a probability would underflow.

use rayon::prelude::*;

use super::emission::Kernel;
use super::kernels::{Backward, Forward, Smooth, backward, forward, scale_emissions, smooth};
use super::model::Hmm;
use crate::MarkovError;
use crate::sequences::{Sequences, View};
use crate::special::log_sum_exp;

/// Steps of a block.
pub(super) const BLOCK: usize = 1024;

/// Blocks whose sums are held at once.
const WAVE: usize = 64;

/// Transition probabilities of at least this size lose nothing in the scaled recursion: no message
/// differs between states by more than its inverse.
const SAFE: f64 = 1e-100;

/// A model prepared for passes over data.
pub(super) struct Engine<'a> {
    pub(super) k: usize,
    pub(super) data: &'a Sequences,
    pub(super) kernel: Box<dyn Kernel + 'a>,
    pub(super) classes: usize,
    shared: Option<&'a [usize]>,
    start: &'a [f64],
    pub(super) log_start: Vec<f64>,
    transition: &'a [f64],
    transposed: Vec<f64>,
    pub(super) log_transition: Vec<f64>,
    safe: bool,
}

/// Room that a thread uses again and again.
#[derive(Default)]
struct Scratch {
    logs: Vec<f64>,
    scaled: Vec<f64>,
    posterior: Vec<f64>,
}

/// A message between blocks, in logarithms.
type Message = Option<Vec<f64>>;

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
    pub(super) fn new(model: &'a Hmm, data: &'a Sequences) -> Result<Self, MarkovError> {
        model.emission.check(data)?;
        let k = model.states();
        let transposed = (0..k * k).map(|p| model.transition[p % k * k + p / k]).collect();
        Ok(Self {
            k,
            data,
            kernel: model.emission.density().kernel()?,
            classes: model.emission.classes(),
            shared: model.shared.as_deref(),
            start: &model.start,
            log_start: model.start.iter().map(|p| p.ln()).collect(),
            transition: &model.transition,
            transposed,
            log_transition: model.transition.iter().map(|p| p.ln()).collect(),
            safe: model.transition.iter().all(|p| *p >= SAFE),
        })
    }

    /// Log-densities of the states at the steps of a run.
    pub(super) fn logs(&self, view: &View<'_>, out: &mut Vec<f64>) {
        out.resize(view.len() * self.k, 0.0);
        match self.shared {
            None => self.kernel.log_prob(view, out),
            Some(shared) => {
                let mut own = vec![0.0; view.len() * self.classes];
                self.kernel.log_prob(view, &mut own);
                for (row, own) in out.chunks_exact_mut(self.k).zip(own.chunks_exact(self.classes)) {
                    row.iter_mut().zip(shared).for_each(|(v, class)| *v = own[*class]);
                }
            }
        }
        if let Some(weights) = view.step_weights() {
            for (row, w) in out.chunks_exact_mut(self.k).zip(weights) {
                row.iter_mut().for_each(|v| *v = if *w == 0.0 { 0.0 } else { *v * w });
            }
        }
    }

    /// Adds the emission statistics of a run whose states have these posteriors.
    pub(super) fn accumulate(&self, view: &View<'_>, posterior: &[f64], out: &mut [f64]) {
        let weight = self.data.weight(view.sequence);
        if self.shared.is_none() && weight == 1.0 && view.step_weights().is_none() {
            return self.kernel.accumulate(view, posterior, out);
        }
        let mut share = vec![0.0; view.len() * self.classes];
        let rows = share.chunks_exact_mut(self.classes).zip(posterior.chunks_exact(self.k));
        for (t, (share, posterior)) in rows.enumerate() {
            let weight = weight * view.step_weights().map_or(1.0, |w| w[t]);
            for (state, p) in posterior.iter().enumerate() {
                share[self.shared.map_or(state, |s| s[state])] += weight * p;
            }
        }
        self.kernel.accumulate(view, &share, out);
    }

    /// State probabilities at the first step of a block, before it is observed.
    fn first(&self, before: Option<&[f64]>) -> Vec<f64> {
        let Some(before) = before else { return self.start.to_vec() };
        let mut sums = vec![0.0; self.k];
        for (p, row) in before.iter().zip(self.transition.chunks_exact(self.k)) {
            sums.iter_mut().zip(row).for_each(|(s, a)| *s += p * a);
        }
        sums
    }

    /// A message as numbers, the largest 1; none where one would be lost.
    fn linear(&self, message: &[f64]) -> Option<Vec<f64>> {
        let largest = message.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let far = |m: &f64| *m > f64::NEG_INFINITY && *m < largest - 400.0;
        if !self.safe && message.iter().any(far) {
            return None;
        }
        Some(message.iter().map(|m| (m - largest).exp()).collect())
    }

    /// The scaled filter over a block: the log-likelihood.
    fn filter(&self, before: Option<&[f64]>, s: &mut Scratch) -> Option<f64> {
        s.scaled.resize(s.logs.len(), 0.0);
        s.posterior.resize(s.logs.len(), 0.0);
        let before = match before {
            None => None,
            Some(message) => {
                let mut p = self.linear(message)?;
                let total: f64 = p.iter().sum();
                p.iter_mut().for_each(|v| *v /= total);
                Some(p)
            }
        };
        let shift = scale_emissions(self.k, &s.logs, &mut s.scaled).ok()?;
        let scales = forward(Forward {
            k: self.k,
            transition: self.transition,
            emissions: &s.scaled,
            logs: (!self.safe).then_some(&s.logs),
            first: &self.first(before.as_deref()),
            filtered: &mut s.posterior,
        })?;
        Some(shift + scales)
    }

    /// Filtered log-probabilities over a block in logarithms, into `s.posterior`, or the step from
    /// which on no path is left.
    fn log_filter(&self, before: Option<&[f64]>, s: &mut Scratch) -> Result<f64, usize> {
        let k = self.k;
        s.posterior.resize(s.logs.len(), 0.0);
        let (mut total, mut terms) = (0.0, vec![0.0; k]);
        for t in 0..s.logs.len() / k {
            let (earlier, rest) = s.posterior.split_at_mut(t * k);
            let last = if t == 0 { before } else { Some(&earlier[(t - 1) * k..]) };
            for j in 0..k {
                rest[j] = s.logs[t * k + j]
                    + match last {
                        None => self.log_start[j],
                        Some(last) => {
                            for i in 0..k {
                                terms[i] = last[i] + self.log_transition[i * k + j];
                            }
                            log_sum_exp(&terms)
                        }
                    };
            }
            let scale = log_sum_exp(&rest[..k]);
            if scale == f64::NEG_INFINITY {
                return Err(t);
            }
            rest[..k].iter_mut().for_each(|v| *v -= scale);
            total += scale;
        }
        Ok(total)
    }

    /// Moves a forward message over a block.
    fn forward(&self, message: &mut Message, s: &mut Scratch) -> Result<f64, usize> {
        let (log_likelihood, logs) = match self.filter(message.as_deref(), s) {
            Some(log_likelihood) => (log_likelihood, false),
            None => (self.log_filter(message.as_deref(), s)?, true),
        };
        let last = &s.posterior[s.posterior.len() - self.k..];
        *message = Some(last.iter().map(|p| if logs { *p } else { p.ln() }).collect());
        Ok(log_likelihood)
    }

    /// Moves a backward message over a block.
    fn backward(&self, message: &mut Message, s: &mut Scratch) {
        let k = self.k;
        let start = message.take().unwrap_or_else(|| vec![0.0; k]);
        s.scaled.resize(s.logs.len(), 0.0);
        let scaled = self.linear(&start).and_then(|mut linear| {
            scale_emissions(k, &s.logs, &mut s.scaled).ok()?;
            backward(Backward {
                k,
                transposed: &self.transposed,
                emissions: &s.scaled,
                logs: (!self.safe).then_some(&s.logs),
                message: &mut linear,
            })
            .then(|| linear.iter().map(|m| m.ln()).collect::<Vec<_>>())
        });
        *message = Some(scaled.unwrap_or_else(|| {
            let mut now = start;
            for t in (0..s.logs.len() / k).rev() {
                now = self.log_back(&now, &s.logs[t * k..][..k]);
            }
            now
        }));
    }

    /// The backward message one step earlier, in logarithms; the largest is 0.
    fn log_back(&self, message: &[f64], logs: &[f64]) -> Vec<f64> {
        let k = self.k;
        let ahead: Vec<f64> = message.iter().zip(logs).map(|(m, l)| m + l).collect();
        let of = |i: usize| {
            let terms: Vec<f64> =
                (0..k).map(|j| self.log_transition[i * k + j] + ahead[j]).collect();
            log_sum_exp(&terms)
        };
        let mut earlier: Vec<f64> = (0..k).map(of).collect();
        let largest = earlier.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Where no path leads on, the forward pass says so.
        if largest > f64::NEG_INFINITY {
            earlier.iter_mut().for_each(|v| *v -= largest);
        }
        earlier
    }

    /// Posteriors of a block into `s.posterior`; adds expected transitions to `pairs`.
    fn posterior(
        &self,
        before: &Message,
        after: &Message,
        weight: f64,
        pairs: &mut [f64],
        s: &mut Scratch,
    ) -> Result<f64, usize> {
        let k = self.k;
        let mut own = vec![0.0; k * k];
        if let Some(log_likelihood) = self.scaled_posterior(before, after, weight, &mut own, s) {
            for ((pairs, own), a) in pairs.iter_mut().zip(&own).zip(self.transition) {
                *pairs += own * a;
            }
            return Ok(log_likelihood);
        }
        let log_likelihood = self.log_filter(before.as_deref(), s)?;
        let mut message = after.clone().unwrap_or_else(|| vec![0.0; k]);
        for t in (0..s.logs.len() / k).rev() {
            let logs = &s.logs[t * k..][..k];
            let (earlier, rest) = s.posterior.split_at_mut(t * k);
            let last = if t == 0 { before.as_deref() } else { Some(&earlier[(t - 1) * k..]) };
            if let Some(last) = last {
                self.add_log_pairs(last, &message, logs, weight, pairs);
            }
            let now = &mut rest[..k];
            now.iter_mut().zip(&message).for_each(|(p, m)| *p += m);
            let total = log_sum_exp(now);
            now.iter_mut().for_each(|p| *p = (*p - total).exp());
            message = self.log_back(&message, logs);
        }
        Ok(log_likelihood)
    }

    fn add_log_pairs(
        &self,
        last: &[f64],
        message: &[f64],
        logs: &[f64],
        weight: f64,
        pairs: &mut [f64],
    ) {
        let k = self.k;
        let term = |p: usize| last[p / k] + self.log_transition[p] + logs[p % k] + message[p % k];
        let terms: Vec<f64> = (0..k * k).map(term).collect();
        let total = log_sum_exp(&terms);
        pairs.iter_mut().zip(&terms).for_each(|(sum, t)| *sum += weight * (t - total).exp());
    }

    fn scaled_posterior(
        &self,
        before: &Message,
        after: &Message,
        weight: f64,
        pairs: &mut [f64],
        s: &mut Scratch,
    ) -> Option<f64> {
        let log_likelihood = self.filter(before.as_deref(), s)?;
        let before = match before {
            None => None,
            Some(message) => Some(self.linear(message)?),
        };
        let mut message = match after {
            None => vec![1.0; self.k],
            Some(message) => self.linear(message)?,
        };
        smooth(Smooth {
            k: self.k,
            transposed: &self.transposed,
            emissions: &s.scaled,
            filtered: &mut s.posterior,
            before: before.as_deref(),
            message: &mut message,
            pairs,
            weight,
        })
        .then_some(log_likelihood)
    }

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
