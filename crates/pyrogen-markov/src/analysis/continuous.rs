//! [`ContinuousChain`]: a Markov chain in continuous time.

use serde::{Deserialize, Serialize};

use pyrogen_core::{Draws, Noise};

use super::discrete::{Chain, eliminate, multiply};
use crate::MarkovError;

/// A Markov chain in continuous time: in state `i`, a change to `j` comes at rate `rates[i][j]`.
///
/// # References
/// Norris (1997), chapters 2 and 3; the estimate is that of Billingsley (1961).
///
/// # Examples
/// ```
/// use pyrogen_markov::analysis::{ContinuousChain, Stay};
///
/// // A machine that works, breaks after 2.0, is repaired after 0.5, and still works at 5.5.
/// let log = [Stay::new(0, 0.0), Stay::new(1, 2.0), Stay::new(0, 2.5)];
/// let chain = ContinuousChain::learnt(&[(&log, 5.5)], 2)?;
/// assert_eq!(chain.rates(), [[0.0, 1.0 / 5.0], [1.0 / 0.5, 0.0]]);
/// let works = chain.stationary()?[0];
/// assert!((works - 10.0 / 11.0).abs() < 1e-15);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuousChain {
    /// The diagonal is 0.
    rates: Vec<Vec<f64>>,
}

/// A state and when it was entered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// The state.
    pub state: usize,
    /// The time at which it was entered.
    pub from: f64,
}

impl Stay {
    /// A stay in `state` from a time on.
    pub fn new(state: usize, from: f64) -> Self {
        Self { state, from }
    }
}

impl ContinuousChain {
    /// A chain with these rates; the diagonal is not read.
    ///
    /// # Errors
    /// No states, a table that is not square, rates that are negative or not finite.
    pub fn new(mut rates: Vec<Vec<f64>>) -> Result<Self, MarkovError> {
        let k = rates.len();
        if k == 0 {
            return Err(MarkovError::Empty { what: "states" });
        }
        for (i, row) in rates.iter_mut().enumerate() {
            if row.len() != k {
                let got = row.len();
                return Err(MarkovError::Count { name: "a row of rates", expected: k, got });
            }
            row[i] = 0.0;
            if let Some(rate) = row.iter().find(|r| !(r.is_finite() && **r >= 0.0)) {
                return Err(MarkovError::request("rates", "finite numbers of at least 0", rate));
            }
        }
        Ok(Self { rates })
    }

    /// The rates that fit observed stays best: changes from `i` to `j` by the time spent in `i`. Each
    /// record is its stays in order and the time at which observation ended.
    ///
    /// A state in which no time was spent has rates of 0.
    ///
    /// # Errors
    /// A state that is not below `states`, times that fall, or a stay that follows itself.
    pub fn learnt(records: &[(&[Stay], f64)], states: usize) -> Result<Self, MarkovError> {
        let (mut changes, mut times) = (vec![vec![0.0; states]; states], vec![0.0; states]);
        visit(records, states, |from, time, to| {
            times[from] += time;
            if let Some(to) = to {
                changes[from][to] += 1.0;
            }
        })?;
        for (row, time) in changes.iter_mut().zip(&times) {
            row.iter_mut().for_each(|n| *n = if *time > 0.0 { *n / time } else { 0.0 });
        }
        Self::new(changes)
    }

    /// The log-density of records: `Σ ln rate(i, j)` over changes minus the rate of leaving times the
    /// time spent.
    ///
    /// # Errors
    /// As [`learnt`](Self::learnt).
    pub fn log_likelihood(&self, records: &[(&[Stay], f64)]) -> Result<f64, MarkovError> {
        let mut total = 0.0;
        visit(records, self.states(), |from, time, to| {
            total -= time * self.rates[from].iter().sum::<f64>();
            total += to.map_or(0.0, |to| self.rates[from][to].ln());
        })?;
        Ok(total)
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.rates.len()
    }

    /// Rates of change, `[from][to]`.
    pub fn rates(&self) -> &[Vec<f64>] {
        &self.rates
    }

    /// The chain of states as they follow each other, without times. A state that is never left stays.
    ///
    /// # Errors
    /// Rates so large that their sum is not finite.
    pub fn jumps(&self) -> Result<Chain, MarkovError> {
        let row = |(i, row): (usize, &Vec<f64>)| {
            let total: f64 = row.iter().sum();
            (0..row.len())
                .map(|j| if total > 0.0 { row[j] / total } else { f64::from(u8::from(i == j)) })
                .collect()
        };
        Chain::new(self.rates.iter().enumerate().map(row).collect())
    }

    /// The share of time in each state in the long run.
    ///
    /// # Errors
    /// More than one closed class.
    pub fn stationary(&self) -> Result<Vec<f64>, MarkovError> {
        let closed: Vec<_> = self.jumps()?.classes().into_iter().filter(|c| c.closed).collect();
        if closed.len() != 1 {
            return Err(MarkovError::request("chain", "one closed class", closed.len()));
        }
        let states = &closed[0].states;
        let part = states.iter().flat_map(|i| states.iter().map(|j| self.rates[*i][*j])).collect();
        let mut all = vec![0.0; self.states()];
        states.iter().zip(eliminate(part, states.len())).for_each(|(i, p)| all[*i] = p);
        Ok(all)
    }

    /// Transition probabilities over a time: `exp(time Q)`.
    ///
    /// # Errors
    /// A time that is negative or not finite.
    ///
    /// # Numerics
    /// Uniformisation (Jensen 1953) over a part of the time, then squaring: all terms are positive, so
    /// nothing cancels.
    pub fn over(&self, time: f64) -> Result<Chain, MarkovError> {
        if !(time.is_finite() && time >= 0.0) {
            return Err(MarkovError::request("time", "a finite number of at least 0", time));
        }
        let k = self.states();
        let leave: Vec<f64> = self.rates.iter().map(|row| row.iter().sum()).collect();
        let fastest = leave.iter().copied().fold(0.0, f64::max);
        let squarings = (time * fastest).max(1.0).log2().ceil() as i32;
        let events = time * fastest / 2f64.powi(squarings);
        let unit = |p: usize| f64::from(u8::from(p / k == p % k));
        let step: Vec<f64> = (0..k * k)
            .map(|p| match fastest {
                0.0 => unit(p),
                _ if p / k == p % k => 1.0 - leave[p / k] / fastest,
                _ => self.rates[p / k][p % k] / fastest,
            })
            .collect();
        // The number of events is Poisson with a mean of 1 at most: 30 terms leave less than 1e-30.
        let mut power: Vec<f64> = (0..k * k).map(unit).collect();
        let mut weight = (-events).exp();
        let mut sum: Vec<f64> = power.iter().map(|p| weight * p).collect();
        for n in 1..30 {
            power = multiply(&power, &step, k);
            weight *= events / f64::from(n);
            sum.iter_mut().zip(&power).for_each(|(s, p)| *s += weight * p);
        }
        for _ in 0..squarings {
            sum = multiply(&sum, &sum, k);
            for row in sum.chunks_exact_mut(k) {
                let total: f64 = row.iter().sum();
                row.iter_mut().for_each(|p| *p /= total);
            }
        }
        Chain::new(sum.chunks_exact(k).map(<[f64]>::to_vec).collect())
    }

    /// Record `item` of those that the chain makes from this noise: stays from `start` until `end`.
    ///
    /// # Errors
    /// A start that the chain does not have.
    pub fn sample(
        &self,
        noise: &Noise,
        item: usize,
        start: usize,
        end: f64,
    ) -> Result<Vec<Stay>, MarkovError> {
        if start >= self.states() {
            let expected = format!("a state below {}", self.states());
            return Err(MarkovError::request("start", expected, start));
        }
        let mut draws = Draws::item(&noise.fork("continuous chain"), item as u64);
        let mut stays = vec![Stay::new(start, 0.0)];
        loop {
            let last = *stays.last().expect("a start");
            let rate: f64 = self.rates[last.state].iter().sum();
            let from = last.from + draws.exponential() / rate;
            // Also where the rate is 0.
            if from.is_nan() || from >= end {
                return Ok(stays);
            }
            stays.push(Stay::new(draws.place(&self.rates[last.state]), from));
        }
    }
}

/// Calls `see` with each stay's state, how long it lasted, and what followed.
fn visit(
    records: &[(&[Stay], f64)],
    states: usize,
    mut see: impl FnMut(usize, f64, Option<usize>),
) -> Result<(), MarkovError> {
    for (sequence, (stays, end)) in records.iter().enumerate() {
        for (step, stay) in stays.iter().enumerate() {
            if stay.state >= states {
                let symbol = stay.state as u32;
                return Err(MarkovError::Symbol { sequence, step, symbol, symbols: states });
            }
            let next = stays.get(step + 1);
            let lasted = next.map_or(*end, |n| n.from) - stay.from;
            let expected = match next.is_some_and(|n| n.state == stay.state) {
                true => Some("another state than the one before"),
                false if !(lasted.is_finite() && lasted >= 0.0) => Some("before what follows it"),
                false => None,
            };
            if let Some(expected) = expected {
                let value = stay.from;
                return Err(MarkovError::Value { sequence, step, column: 0, expected, value });
            }
            see(stay.state, lasted, next.map(|n| n.state));
        }
    }
    Ok(())
}
