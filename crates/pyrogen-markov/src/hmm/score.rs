//! Likelihoods and posteriors.

use rayon::prelude::*;

use super::engine::Engine;
use super::model::Hmm;
use super::pass::in_order;
use crate::MarkovError;
use crate::sequences::Sequences;

/// The log-likelihood of one sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Scored {
    /// In nats; minus infinity for a sequence that the model cannot have made.
    pub log_likelihood: f64,
    /// The first step at which no path is left, counted from 0, where there is one.
    pub impossible_at: Option<usize>,
}

impl Hmm {
    /// The log-likelihood of each sequence, without its weight.
    ///
    /// # Errors
    /// Data of another kind, or values that no state can show whatever the parameters (a count that is
    /// not a whole number, a symbol outside the alphabet).
    pub fn scores(&self, data: &Sequences) -> Result<Vec<Scored>, MarkovError> {
        let engine = Engine::new(self, data)?;
        let one = |i: usize| match engine.log_likelihood(i) {
            Ok(log_likelihood) => Scored { log_likelihood, impossible_at: None },
            Err(t) => Scored { log_likelihood: f64::NEG_INFINITY, impossible_at: Some(t) },
        };
        Ok((0..data.len()).into_par_iter().map(one).collect())
    }

    /// The log-likelihood of the data in nats: the sum over sequences, each times its weight.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn log_likelihood(&self, data: &Sequences) -> Result<f64, MarkovError> {
        let scores = self.scores(data)?;
        let weighted = scores.iter().enumerate().map(|(i, s)| (data.weight(i), s.log_likelihood));
        // A weight of 0 leaves even an impossible sequence out.
        Ok(weighted.filter(|(w, _)| *w > 0.0).map(|(w, l)| w * l).sum())
    }

    /// The log-density of each step given all steps before it: they add up to the log-likelihood. From
    /// the first step on at which no path is left, all are minus infinity.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn step_log_likelihoods(&self, data: &Sequences) -> Result<Vec<Vec<f64>>, MarkovError> {
        let engine = Engine::new(self, data)?;
        let one = |i: usize| engine.increments(i);
        Ok((0..data.len()).into_par_iter().map(one).collect())
    }

    /// The posterior probability of each state at each step, `[steps][states]` a sequence.
    ///
    /// # Errors
    /// As [`scores`](Self::scores), or a sequence that the model cannot have made.
    pub fn posteriors(&self, data: &Sequences) -> Result<Vec<Vec<Vec<f64>>>, MarkovError> {
        let engine = Engine::new(self, data)?;
        let one = |i: usize| {
            let flat = engine.posteriors(i)?;
            Ok(flat.chunks_exact(engine.k).map(<[f64]>::to_vec).collect())
        };
        in_order((0..data.len()).into_par_iter().map(one))
    }

    /// Akaike's information criterion, `2 parameters - 2 log-likelihood`: lower is better.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn aic(&self, data: &Sequences) -> Result<f64, MarkovError> {
        Ok(2.0 * self.free_parameters() as f64 - 2.0 * self.log_likelihood(data)?)
    }

    /// The Bayesian information criterion, `parameters ln(steps) - 2 log-likelihood`, where steps count
    /// by their weights: lower is better.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn bic(&self, data: &Sequences) -> Result<f64, MarkovError> {
        let weights =
            (0..data.len()).flat_map(|i| (0..data.length(i)).map(move |t| data.total_weight(i, t)));
        let steps: f64 = weights.sum();
        if steps <= 0.0 {
            return Err(MarkovError::Empty { what: "steps" });
        }
        Ok(self.free_parameters() as f64 * steps.ln() - 2.0 * self.log_likelihood(data)?)
    }
}
