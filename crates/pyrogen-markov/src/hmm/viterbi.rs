//! Most probable paths.

use rayon::prelude::*;

use super::engine::Engine;
use super::model::Hmm;
use super::pass::{BLOCK, Expected, in_order};
use crate::MarkovError;
use crate::sequences::Sequences;

/// A path of states.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Path {
    /// The state at each step.
    pub states: Vec<usize>,
    /// The logarithm of the probability (density) of path and data together.
    pub log_probability: f64,
}

impl Hmm {
    /// The most probable path of each sequence (Viterbi 1967); among equal ones that with the lowest
    /// states at the end.
    ///
    /// # Errors
    /// Data of another kind, or a sequence that the model cannot have made.
    pub fn viterbi(&self, data: &Sequences) -> Result<Vec<Path>, MarkovError> {
        let engine = Engine::new(self, data)?;
        in_order((0..data.len()).into_par_iter().map(|i| engine.best_path(i)))
    }

    /// The `count` most probable paths of each sequence, the best first; fewer where fewer are
    /// possible (list Viterbi; Seshadri and Sundberg 1994).
    ///
    /// # Errors
    /// As [`viterbi`](Self::viterbi), or a count of 0.
    pub fn best_paths(
        &self,
        data: &Sequences,
        count: usize,
    ) -> Result<Vec<Vec<Path>>, MarkovError> {
        if count == 0 {
            return Err(MarkovError::request("count", "at least 1", 0));
        }
        let engine = Engine::new(self, data)?;
        in_order((0..data.len()).into_par_iter().map(|i| engine.best_paths(i, count)))
    }
}

impl Engine<'_> {
    fn best_path(&self, sequence: usize) -> Result<Path, MarkovError> {
        let (n, k) = (self.data.length(sequence), self.k);
        if n == 0 {
            return Ok(Path { states: Vec::new(), log_probability: 0.0 });
        }
        let mut from: Vec<u16> = Vec::with_capacity(n * k);
        let (mut score, mut next) = (self.log_start.clone(), vec![0.0; k]);
        let mut logs = Vec::new();
        for block in (0..n).step_by(BLOCK) {
            let view = self.data.view(sequence, block..(block + BLOCK).min(n));
            self.logs(&view, &mut logs);
            for (t, logs) in logs.chunks_exact(k).enumerate() {
                if block + t > 0 {
                    let start = from.len();
                    from.resize(start + k, 0);
                    advance(&score, &self.log_transition, &mut next, &mut from[start..]);
                    std::mem::swap(&mut score, &mut next);
                }
                score.iter_mut().zip(logs).for_each(|(s, l)| *s += l);
                if score.iter().all(|s| *s == f64::NEG_INFINITY) {
                    return Err(MarkovError::Impossible { sequence, step: block + t });
                }
            }
        }
        let mut best = 0;
        (1..k).for_each(|j| best = if score[j] > score[best] { j } else { best });
        let mut states = vec![best; n];
        for t in (1..n).rev() {
            states[t - 1] = usize::from(from[(t - 1) * k + states[t]]);
        }
        Ok(Path { states, log_probability: score[best] })
    }

    fn best_paths(&self, sequence: usize, count: usize) -> Result<Vec<Path>, MarkovError> {
        let (n, k) = (self.data.length(sequence), self.k);
        if n == 0 {
            return Ok(vec![Path { states: Vec::new(), log_probability: 0.0 }]);
        }
        // For each step and state its best ways, best first: score, state before, rank of the way there.
        let mut ways: Vec<Vec<Vec<(f64, usize, usize)>>> = Vec::with_capacity(n);
        let mut logs = Vec::new();
        self.logs(&self.data.view(sequence, 0..n), &mut logs);
        for t in 0..n {
            let row: Vec<_> = (0..k)
                .map(|j| {
                    let mut own: Vec<(f64, usize, usize)> = match t {
                        0 => vec![(self.log_start[j], 0, 0)],
                        t => (0..k)
                            .flat_map(|i| {
                                let step = self.log_transition[i * k + j];
                                let ways = ways[t - 1][i].iter().enumerate();
                                ways.map(move |(rank, way)| (way.0 + step, i, rank))
                            })
                            .collect(),
                    };
                    own.iter_mut().for_each(|way| way.0 += logs[t * k + j]);
                    own.retain(|way| way.0 > f64::NEG_INFINITY);
                    own.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
                    own.truncate(count);
                    own
                })
                .collect();
            if row.iter().all(Vec::is_empty) {
                return Err(MarkovError::Impossible { sequence, step: t });
            }
            ways.push(row);
        }
        let mut ends: Vec<(f64, usize, usize)> = (0..k)
            .flat_map(|j| ways[n - 1][j].iter().enumerate().map(move |(rank, w)| (w.0, j, rank)))
            .collect();
        ends.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        ends.truncate(count);
        let trace = |(log_probability, mut state, mut rank): (f64, usize, usize)| {
            let mut states = vec![0; n];
            for t in (0..n).rev() {
                states[t] = state;
                (state, rank) = (ways[t][state][rank].1, ways[t][state][rank].2);
            }
            Path { states, log_probability }
        };
        Ok(ends.into_iter().map(trace).collect())
    }

    /// Counts along the best paths.
    pub(super) fn expect_best_paths(&self) -> Result<Expected, MarkovError> {
        let k = self.k;
        let active: Vec<usize> =
            (0..self.data.len()).filter(|i| self.data.weight(*i) > 0.0).collect();
        let mut sums = Expected::zero(self);
        for wave in active.chunks(64) {
            let parts = wave.par_iter().map(|sequence| {
                let (path, weight) = (self.best_path(*sequence)?, self.data.weight(*sequence));
                let mut part = Expected::zero(self);
                part.log_likelihood = weight * path.log_probability;
                let n = path.states.len();
                let mut posterior = vec![0.0; n.min(BLOCK) * k];
                for block in (0..n).step_by(BLOCK) {
                    let steps = block..(block + BLOCK).min(n);
                    let posterior = &mut posterior[..steps.len() * k];
                    posterior.fill(0.0);
                    for (t, state) in path.states[steps.clone()].iter().enumerate() {
                        posterior[t * k + state] = 1.0;
                        part.visits[*state] += weight;
                    }
                    let view = self.data.view(*sequence, steps);
                    self.accumulate(&view, posterior, &mut part.emissions);
                }
                if let Some(first) = path.states.first() {
                    part.start[*first] += weight;
                }
                for pair in path.states.windows(2) {
                    part.transitions[pair[0] * k + pair[1]] += weight;
                }
                Ok(part)
            });
            in_order(parts)?.iter().for_each(|part| sums.add(part));
        }
        Ok(sums)
    }
}

/// The best way to each state, and the state that it comes from.
fn advance(score: &[f64], log_transition: &[f64], next: &mut [f64], from: &mut [u16]) {
    let k = score.len();
    let row = &log_transition[..k];
    next.iter_mut().zip(row).for_each(|(next, step)| *next = score[0] + step);
    from.fill(0);
    for i in 1..k {
        let row = &log_transition[i * k..][..k];
        for ((next, from), step) in next.iter_mut().zip(from.iter_mut()).zip(row) {
            let way = score[i] + step;
            if way > *next {
                *next = way;
                *from = i as u16;
            }
        }
    }
}
