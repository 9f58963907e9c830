//! [`SemiMarkov`]: states that last for a time with its own distribution.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use pyrogen_core::{Draws, Noise};

use super::emission::Emission;
use super::engine::Engine;
use super::model::{Hmm, probabilities};
use super::pass::in_order;
use super::sample::Sampled;
use super::viterbi::Path;
use crate::MarkovError;
use crate::sequences::Sequences;
use crate::special::log_sum_exp;

/// A hidden semi-Markov model with explicit durations: a state `i` lasts `d` steps with probability
/// `durations[i][d - 1]`, shows a row at each, and then another state follows.
///
/// The last stay may be cut off by the end of the sequence (right-censored): then only its being at
/// least so long counts. The first stay starts with the sequence.
///
/// # References
/// Yu (2010), the explicit-duration model; Guédon (2003) for the censored end.
///
/// # Examples
/// ```
/// use pyrogen_markov::{Sequences, hmm::{Emission, Poisson, SemiMarkov}};
///
/// let emission = Emission::Poisson(Poisson { means: vec![vec![1.0], vec![9.0]] });
/// let turn = vec![vec![0.0, 1.0], vec![1.0, 0.0]];
/// // Each state lasts two or three steps.
/// let durations = vec![vec![0.0, 0.5, 0.5]; 2];
/// let model = SemiMarkov::new(vec![1.0, 0.0], turn, durations, emission)?;
/// let data = Sequences::real(vec![1.0, 0.0, 1.0, 8.0, 9.0, 2.0], 1, vec![6])?;
/// assert_eq!(model.viterbi(&data)?[0].states, [0, 0, 0, 1, 1, 0]);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SemiMarkov {
    /// Start, transitions and emissions; a state does not follow itself.
    model: Hmm,
    /// `[states][longest]`.
    durations: Vec<Vec<f64>>,
}

/// Logarithms of what the recursions read.
struct Logs {
    k: usize,
    longest: usize,
    start: Vec<f64>,
    transition: Vec<f64>,
    /// `[state][d - 1]`: lasts `d` steps.
    lasts: Vec<Vec<f64>>,
    /// `[state][d - 1]`: lasts `d` steps or more.
    at_least: Vec<Vec<f64>>,
    /// `[step][state]`.
    emissions: Vec<f64>,
    steps: usize,
}

impl Logs {
    /// For each stay in a state that ends at `end`: where it starts, and its log-probability with what
    /// it shows.
    fn ending(&self, state: usize, end: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let mut shown = 0.0;
        (1..=self.longest.min(end)).map(move |d| {
            shown += self.emissions[(end - d) * self.k + state];
            (end - d, self.stay(state, d, end) + shown)
        })
    }

    /// For each stay in a state that starts at `from`: where it ends, and the same.
    fn starting(&self, state: usize, from: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let mut shown = 0.0;
        (1..=self.longest.min(self.steps - from)).map(move |d| {
            shown += self.emissions[(from + d - 1) * self.k + state];
            (from + d, self.stay(state, d, from + d) + shown)
        })
    }

    /// The log-probability of a stay of `d` steps that ends at `end` (the last one may go on).
    fn stay(&self, state: usize, d: usize, end: usize) -> f64 {
        let table = if end == self.steps { &self.at_least } else { &self.lasts };
        table[state][d - 1]
    }
}

impl SemiMarkov {
    /// A model with these durations.
    ///
    /// # Errors
    /// As [`Hmm::new`]; a state that follows itself; durations that do not add up to 1.
    pub fn new(
        start: Vec<f64>,
        transition: Vec<Vec<f64>>,
        durations: Vec<Vec<f64>>,
        emission: Emission,
    ) -> Result<Self, MarkovError> {
        let model = Hmm::new(start, transition, emission)?;
        let k = model.states();
        if let Some(state) = (0..k).find(|i| k > 1 && model.transition(*i)[*i] > 0.0) {
            let expected = "0 on the diagonal: durations say how long a state lasts";
            return Err(MarkovError::request("transition", expected, format!("state {state}")));
        }
        if durations.len() != k {
            let (expected, got) = (k, durations.len());
            return Err(MarkovError::Count { name: "durations", expected, got });
        }
        durations.iter().try_for_each(|row| probabilities("durations", row))?;
        Ok(Self { model, durations })
    }

    /// Start and transition probabilities and emissions.
    pub fn model(&self) -> &Hmm {
        &self.model
    }

    /// Probabilities of each duration of each state, from one step on.
    pub fn durations(&self) -> &[Vec<f64>] {
        &self.durations
    }

    fn logs(&self, engine: &Engine<'_>, sequence: usize) -> Logs {
        let (k, n) = (engine.k, engine.data.length(sequence));
        let mut emissions = Vec::new();
        engine.logs(&engine.data.view(sequence, 0..n), &mut emissions);
        let longest = self.durations.iter().map(Vec::len).max().unwrap_or(0);
        let tail = |row: &Vec<f64>, d: usize| row.iter().skip(d).sum::<f64>();
        let at = |row: &Vec<f64>, d: usize| row.get(d).copied().unwrap_or(0.0);
        let table = |of: &dyn Fn(&Vec<f64>, usize) -> f64| -> Vec<Vec<f64>> {
            self.durations
                .iter()
                .map(|row| (0..longest).map(|d| of(row, d).ln()).collect())
                .collect()
        };
        Logs {
            k,
            longest,
            start: engine.log_start.clone(),
            transition: engine.log_transition.clone(),
            lasts: table(&at),
            at_least: table(&tail),
            emissions,
            steps: n,
        }
    }

    /// The log-likelihood of each sequence, without its weight, in nats.
    ///
    /// # Errors
    /// Data of another kind.
    pub fn log_likelihoods(&self, data: &Sequences) -> Result<Vec<f64>, MarkovError> {
        let engine = Engine::new(&self.model, data)?;
        let one = |i: usize| forward(&self.logs(&engine, i)).1;
        Ok((0..data.len()).into_par_iter().map(one).collect())
    }

    /// The most probable path of each sequence.
    ///
    /// # Errors
    /// Data of another kind, or a sequence that the model cannot have made.
    pub fn viterbi(&self, data: &Sequences) -> Result<Vec<Path>, MarkovError> {
        let engine = Engine::new(&self.model, data)?;
        in_order((0..data.len()).into_par_iter().map(|sequence| {
            let logs = self.logs(&engine, sequence);
            best(&logs).ok_or_else(|| impossible(logs, sequence))
        }))
    }

    /// One step of expectation maximisation of start, transition and duration probabilities and of the
    /// emissions; gives the log-likelihood before it, each sequence times its weight.
    ///
    /// A stay that the end cuts off adds to durations by their probabilities given that they are at
    /// least so long.
    ///
    /// # Errors
    /// Data of another kind, or a sequence that the model cannot have made.
    pub fn step(&mut self, data: &Sequences, variance_floor: f64) -> Result<f64, MarkovError> {
        let k = self.model.states();
        let longest = self.durations.iter().map(Vec::len).max().unwrap_or(0);
        let mut total = 0.0;
        let mut counts = Counted {
            start: vec![0.0; k],
            transitions: vec![0.0; k * k],
            durations: vec![vec![0.0; longest]; k],
        };
        let statistics = {
            let engine = Engine::new(&self.model, data)?;
            let mut statistics = vec![0.0; engine.kernel.statistics()];
            for sequence in (0..data.len()).filter(|i| data.weight(*i) > 0.0) {
                let (logs, weight) = (self.logs(&engine, sequence), data.weight(sequence));
                let (log_likelihood, share) = self
                    .expect(&logs, weight, &mut counts)
                    .ok_or_else(|| impossible(logs, sequence))?;
                total += weight * log_likelihood;
                let view = data.view(sequence, 0..data.length(sequence));
                engine.accumulate(&view, &share, &mut statistics);
            }
            statistics
        };
        let width = self.model.emission.width().unwrap_or(0);
        let rules = super::emission::Rules {
            floors: vec![variance_floor; width],
            covariance_prior: 0.0,
            count_prior: 0.0,
        };
        self.model.emission.density_mut().maximise(&statistics, &rules);
        normalise(&mut self.model.start, &counts.start);
        for (row, counts) in
            self.model.transition.chunks_exact_mut(k).zip(counts.transitions.chunks_exact(k))
        {
            normalise(row, counts);
        }
        for (row, counts) in self.durations.iter_mut().zip(&counts.durations) {
            normalise(row, counts);
        }
        Ok(total)
    }

    /// Expected counts of one sequence, and the posterior of each step.
    fn expect(&self, logs: &Logs, weight: f64, counts: &mut Counted) -> Option<(f64, Vec<f64>)> {
        let (n, k) = (logs.steps, logs.k);
        let mut share = vec![0.0; n * k];
        if n == 0 {
            return Some((0.0, share));
        }
        let (enters, total) = forward(logs);
        if total == f64::NEG_INFINITY {
            return None;
        }
        let (after, ahead) = backward(logs);
        for from in 0..n {
            for j in 0..k {
                let enter = enters[from * k + j];
                if enter == f64::NEG_INFINITY {
                    continue;
                }
                let mut entered = 0.0;
                for (end, stay) in logs.starting(j, from) {
                    let stay = enter + stay;
                    let p = weight * (stay + after[end * k + j] - total).exp();
                    if p == 0.0 {
                        continue;
                    }
                    entered += p;
                    (from..end).for_each(|t| share[t * k + j] += p / weight);
                    if end == n {
                        self.count_cut(j, end - from, p, &mut counts.durations[j]);
                        continue;
                    }
                    counts.durations[j][end - from - 1] += p;
                    for next in 0..k {
                        let step = logs.transition[j * k + next] + ahead[end * k + next];
                        counts.transitions[j * k + next] += weight * (stay + step - total).exp();
                    }
                }
                if from == 0 {
                    counts.start[j] += entered;
                }
            }
        }
        Some((total, share))
    }

    /// Counts a stay that the end cuts off after `lasted` steps, by what it may still become.
    fn count_cut(&self, state: usize, lasted: usize, p: f64, durations: &mut [f64]) {
        let row = &self.durations[state];
        let left: f64 = row.iter().skip(lasted - 1).sum();
        for (sum, q) in durations.iter_mut().zip(row).skip(lasted - 1) {
            *sum += p * q / left;
        }
    }

    /// Sequence `item` of those that the model makes from this noise: a function of both alone.
    pub fn sample(&self, noise: &Noise, item: usize, steps: usize) -> Sampled {
        let mut draws = Draws::item(&noise.fork("semi-markov sample"), item as u64);
        let mut out = Sampled { states: Vec::new(), values: Vec::new() };
        let mut state = draws.place(&self.model.start);
        while out.states.len() < steps {
            let lasts = draws.place(&self.durations[state]) + 1;
            for _ in 0..lasts.min(steps - out.states.len()) {
                let emission = self.model.emission.density();
                let row = emission.draw(state, &out.values, &[], &mut draws);
                out.values.extend(row);
                out.states.push(state);
            }
            state = draws.place(self.model.transition(state));
        }
        out
    }
}

/// The error of a sequence that the model cannot have made, with the first step that cannot be explained.
fn impossible(mut logs: Logs, sequence: usize) -> MarkovError {
    // The first `possible` steps have a path, the first `end` have none.
    let (mut possible, mut end) = (0, logs.steps);
    while end - possible > 1 {
        logs.steps = (possible + end) / 2;
        match forward(&logs).1 == f64::NEG_INFINITY {
            true => end = logs.steps,
            false => possible = logs.steps,
        }
    }
    MarkovError::Impossible { sequence, step: possible }
}

struct Counted {
    start: Vec<f64>,
    transitions: Vec<f64>,
    durations: Vec<Vec<f64>>,
}

/// Probabilities in proportion to counts; without counts they stay.
fn normalise(row: &mut [f64], counts: &[f64]) {
    let total: f64 = counts.iter().take(row.len()).sum();
    if total > 0.0 {
        row.iter_mut().zip(counts).for_each(|(p, n)| *p = n / total);
    }
}

/// For each step and state the log-probability that a stay starts there, with all before it; and the
/// log-likelihood.
fn forward(logs: &Logs) -> (Vec<f64>, f64) {
    let (n, k) = (logs.steps, logs.k);
    if n == 0 {
        return (Vec::new(), 0.0);
    }
    let mut enters = vec![f64::NEG_INFINITY; n * k];
    enters[..k].copy_from_slice(&logs.start);
    let mut last = vec![f64::NEG_INFINITY; k];
    for end in 1..=n {
        for (j, last) in last.iter_mut().enumerate() {
            let stays = logs.ending(j, end).map(|(from, stay)| enters[from * k + j] + stay);
            *last = log_sum_exp(&stays.collect::<Vec<_>>());
        }
        for j in (0..k).filter(|_| end < n) {
            let terms: Vec<f64> = (0..k).map(|i| last[i] + logs.transition[i * k + j]).collect();
            enters[end * k + j] = log_sum_exp(&terms);
        }
    }
    let total = log_sum_exp(&last);
    (enters, total)
}

/// In logarithms, `[step][state]`: what follows a stay in a state that ends before a step, and all from a
/// step on if a stay starts there.
fn backward(logs: &Logs) -> (Vec<f64>, Vec<f64>) {
    let (n, k) = (logs.steps, logs.k);
    let mut after = vec![0.0; (n + 1) * k];
    let mut ahead = vec![0.0; (n + 1) * k];
    for from in (1..n).rev() {
        for j in 0..k {
            let stays = logs.starting(j, from).map(|(end, stay)| stay + after[end * k + j]);
            ahead[from * k + j] = log_sum_exp(&stays.collect::<Vec<_>>());
        }
        for i in 0..k {
            let term = |j: usize| logs.transition[i * k + j] + ahead[from * k + j];
            after[from * k + i] = log_sum_exp(&(0..k).map(term).collect::<Vec<_>>());
        }
    }
    (after, ahead)
}

fn best(logs: &Logs) -> Option<Path> {
    let (n, k) = (logs.steps, logs.k);
    if n == 0 {
        return Some(Path { states: Vec::new(), log_probability: 0.0 });
    }
    let mut enters = vec![f64::NEG_INFINITY; n * k];
    enters[..k].copy_from_slice(&logs.start);
    // For each stay that ends: how long it was; for each that starts: the state before it.
    let (mut lasted, mut before) = (vec![0usize; (n + 1) * k], vec![0usize; n * k]);
    let mut ends = vec![f64::NEG_INFINITY; k];
    for end in 1..=n {
        for j in 0..k {
            ends[j] = f64::NEG_INFINITY;
            for (from, stay) in logs.ending(j, end) {
                let score = enters[from * k + j] + stay;
                if score > ends[j] {
                    (ends[j], lasted[end * k + j]) = (score, end - from);
                }
            }
        }
        for j in (0..k).filter(|_| end < n) {
            for i in 0..k {
                let score = ends[i] + logs.transition[i * k + j];
                if score > enters[end * k + j] {
                    (enters[end * k + j], before[end * k + j]) = (score, i);
                }
            }
        }
    }
    let mut state = (0..k).max_by(|a, b| ends[*a].total_cmp(&ends[*b]).then(b.cmp(a)))?;
    let log_probability = ends[state];
    if log_probability == f64::NEG_INFINITY {
        return None;
    }
    let (mut states, mut end) = (vec![0; n], n);
    while end > 0 {
        let from = end - lasted[end * k + state];
        states[from..end].fill(state);
        if from > 0 {
            state = before[from * k + state];
        }
        end = from;
    }
    Some(Path { states, log_probability })
}
