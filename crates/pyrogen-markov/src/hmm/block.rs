//! The recursions over one block of a sequence.
//!
//! The scaled recursion is used where it is exact to rounding, and the recursion in logarithms where a
//! probability would underflow.

use super::engine::Engine;
use super::kernels::{Backward, Forward, Smooth, backward, forward, scale_emissions, smooth};
use crate::special::log_sum_exp;

/// Room that a thread uses again and again.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) logs: Vec<f64>,
    pub(super) scaled: Vec<f64>,
    pub(super) posterior: Vec<f64>,
}

/// A message between blocks, in logarithms.
pub(super) type Message = Option<Vec<f64>>;

impl Engine<'_> {
    /// The scaled filter over a block: the log-likelihood.
    pub(super) fn filter(&self, before: Option<&[f64]>, s: &mut Scratch) -> Option<f64> {
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
    pub(super) fn log_filter(&self, before: Option<&[f64]>, s: &mut Scratch) -> Result<f64, usize> {
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
    pub(super) fn forward(&self, message: &mut Message, s: &mut Scratch) -> Result<f64, usize> {
        let (log_likelihood, logs) = match self.filter(message.as_deref(), s) {
            Some(log_likelihood) => (log_likelihood, false),
            None => (self.log_filter(message.as_deref(), s)?, true),
        };
        let last = &s.posterior[s.posterior.len() - self.k..];
        *message = Some(last.iter().map(|p| if logs { *p } else { p.ln() }).collect());
        Ok(log_likelihood)
    }

    /// Moves a backward message over a block.
    pub(super) fn backward(&self, message: &mut Message, s: &mut Scratch) {
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
    pub(super) fn log_back(&self, message: &[f64], logs: &[f64]) -> Vec<f64> {
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
    pub(super) fn posterior(
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

    pub(super) fn add_log_pairs(
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

    pub(super) fn scaled_posterior(
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
}
