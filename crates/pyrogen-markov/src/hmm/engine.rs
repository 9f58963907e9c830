//! A model prepared for passes over data.

use super::emission::Kernel;
use super::model::Hmm;
use crate::MarkovError;
use crate::sequences::{Sequences, View};

/// Transition probabilities of at least this size lose nothing in the scaled recursion: no message
/// differs between states by more than its inverse.
const SAFE: f64 = 1e-100;

/// A model prepared for passes over data.
pub(super) struct Engine<'a> {
    pub(super) k: usize,
    pub(super) data: &'a Sequences,
    pub(super) kernel: Box<dyn Kernel + 'a>,
    pub(super) classes: usize,
    pub(super) shared: Option<&'a [usize]>,
    pub(super) start: &'a [f64],
    pub(super) log_start: Vec<f64>,
    pub(super) transition: &'a [f64],
    pub(super) transposed: Vec<f64>,
    pub(super) log_transition: Vec<f64>,
    pub(super) safe: bool,
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
    pub(super) fn first(&self, before: Option<&[f64]>) -> Vec<f64> {
        let Some(before) = before else { return self.start.to_vec() };
        let mut sums = vec![0.0; self.k];
        for (p, row) in before.iter().zip(self.transition.chunks_exact(self.k)) {
            sums.iter_mut().zip(row).for_each(|(s, a)| *s += p * a);
        }
        sums
    }

    /// A message as numbers, the largest 1; none where one would be lost.
    pub(super) fn linear(&self, message: &[f64]) -> Option<Vec<f64>> {
        let largest = message.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let far = |m: &f64| *m > f64::NEG_INFINITY && *m < largest - 400.0;
        if !self.safe && message.iter().any(far) {
            return None;
        }
        Some(message.iter().map(|m| (m - largest).exp()).collect())
    }
}
