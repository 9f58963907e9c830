//! [`Chain`]: a Markov chain over the states of a table, in steps.

use serde::{Deserialize, Serialize};

use pyrogen_core::{Draws, Noise};

use crate::MarkovError;
use crate::hmm::Hmm;
use crate::linear::solve;

/// A Markov chain with a transition matrix: row `i` holds the probabilities of what follows state `i`.
///
/// # References
/// Norris (1997); Levin, Peres and Wilmer (2017).
///
/// # Examples
/// ```
/// use pyrogen_markov::analysis::Chain;
///
/// let weather = Chain::new(vec![vec![0.9, 0.1], vec![0.5, 0.5]])?;
/// let share = weather.stationary()?;
/// assert!((share[0] - 5.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    rows: Vec<Vec<f64>>,
}

/// States that can be reached from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// In increasing order.
    pub states: Vec<usize>,
    /// Whether the chain never leaves it: its states are recurrent, all others transient.
    pub closed: bool,
    /// The greatest common divisor of the lengths of ways back; 0 where there is none.
    pub period: usize,
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Absorption {
    /// The closed classes.
    pub classes: Vec<Class>,
    /// The probability to end in each class, `[states][classes]`.
    pub probabilities: Vec<Vec<f64>>,
    /// Expected steps until a closed class is reached.
    pub times: Vec<f64>,
}

impl Chain {
    /// A chain with this transition matrix.
    ///
    /// # Errors
    /// No states, a matrix that is not square, rows that are not probabilities.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self, MarkovError> {
        let k = rows.len();
        if k == 0 {
            return Err(MarkovError::Empty { what: "states" });
        }
        for row in &rows {
            if row.len() != k {
                let got = row.len();
                return Err(MarkovError::Count { name: "a row of the matrix", expected: k, got });
            }
            crate::hmm::probabilities("a row of the matrix", row)?;
        }
        Ok(Self { rows })
    }

    /// The chain of a hidden Markov model's states.
    pub fn of(model: &Hmm) -> Self {
        Self { rows: model.rows() }
    }

    /// The chain that fits sequences of states best: `p(i to j)` in proportion to the number of such
    /// steps plus `prior`. A state that nothing follows and that has no prior stays where it is.
    ///
    /// # Errors
    /// A state that is not below `states`, or a negative prior.
    pub fn learnt(sequences: &[&[u32]], states: usize, prior: f64) -> Result<Self, MarkovError> {
        if !(prior >= 0.0 && prior.is_finite()) {
            return Err(MarkovError::request("prior", "at least 0", prior));
        }
        let mut rows = vec![vec![prior; states]; states];
        for (sequence, symbols) in sequences.iter().enumerate() {
            if let Some(step) = symbols.iter().position(|s| *s as usize >= states) {
                let symbol = symbols[step];
                return Err(MarkovError::Symbol { sequence, step, symbol, symbols: states });
            }
            symbols.windows(2).for_each(|w| rows[w[0] as usize][w[1] as usize] += 1.0);
        }
        for (i, row) in rows.iter_mut().enumerate() {
            let total: f64 = row.iter().sum();
            if total > 0.0 {
                row.iter_mut().for_each(|p| *p /= total);
            } else {
                row[i] = 1.0;
            }
        }
        Self::new(rows)
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.rows.len()
    }

    /// The transition matrix.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The communicating classes, ordered by their first states.
    pub fn classes(&self) -> Vec<Class> {
        let k = self.states();
        let reach: Vec<Vec<bool>> = (0..k).map(|i| self.reachable(i)).collect();
        let mut class_of = vec![usize::MAX; k];
        let mut classes = Vec::new();
        for i in 0..k {
            if class_of[i] != usize::MAX {
                continue;
            }
            let states: Vec<usize> =
                (i..k).filter(|j| *j == i || (reach[i][*j] && reach[*j][i])).collect();
            states.iter().for_each(|j| class_of[*j] = classes.len());
            let closed = (0..k).all(|j| !reach[i][j] || states.contains(&j));
            classes.push(Class { closed, period: self.period(&states), states });
        }
        classes
    }

    /// States that can be reached in one step or more.
    fn reachable(&self, from: usize) -> Vec<bool> {
        let mut seen = vec![false; self.states()];
        let mut open = vec![from];
        while let Some(i) = open.pop() {
            for (j, p) in self.rows[i].iter().enumerate() {
                if *p > 0.0 && !seen[j] {
                    seen[j] = true;
                    open.push(j);
                }
            }
        }
        seen
    }

    /// The greatest common divisor of `depth(i) + 1 - depth(j)` over all steps `i` to `j` in the class.
    fn period(&self, states: &[usize]) -> usize {
        let mut depth = vec![None; self.states()];
        depth[states[0]] = Some(0i64);
        let (mut open, mut next) = (vec![states[0]], 0);
        let mut period = 0;
        while next < open.len() {
            let i = open[next];
            next += 1;
            let own = depth[i].expect("set when it was opened");
            for j in states.iter().copied().filter(|j| self.rows[i][*j] > 0.0) {
                match depth[j] {
                    None => {
                        depth[j] = Some(own + 1);
                        open.push(j);
                    }
                    Some(other) => {
                        period = divisor(period, (own + 1 - other).unsigned_abs() as usize)
                    }
                }
            }
        }
        period
    }

    /// The share of time in each state in the long run: the one distribution with `π P = π`.
    ///
    /// # Errors
    /// More than one closed class: then the share depends on the start (see
    /// [`absorption`](Self::absorption)).
    ///
    /// # Numerics
    /// Elimination without subtraction (Grassmann, Taksar and Heyman 1985): every entry is exact to some
    /// units in the last place, however small.
    pub fn stationary(&self) -> Result<Vec<f64>, MarkovError> {
        let closed: Vec<Class> = self.classes().into_iter().filter(|c| c.closed).collect();
        if closed.len() != 1 {
            return Err(MarkovError::request("chain", "one closed class", closed.len()));
        }
        let states = &closed[0].states;
        let part: Vec<f64> =
            states.iter().flat_map(|i| states.iter().map(|j| self.rows[*i][*j])).collect();
        let own = eliminate(part, states.len());
        let mut all = vec![0.0; self.states()];
        states.iter().zip(own).for_each(|(i, p)| all[*i] = p);
        Ok(all)
    }

    /// The fewest steps after which the distribution differs from the stationary one by at most
    /// `distance` in total variation, whatever the start.
    ///
    /// None where that never happens: for a chain with several closed classes or a period, or where it
    /// takes more than 2^40 steps.
    ///
    /// # Errors
    /// A distance outside 0 and 1.
    pub fn mixing_time(&self, distance: f64) -> Result<Option<u64>, MarkovError> {
        if !(distance > 0.0 && distance < 1.0) {
            return Err(MarkovError::request("distance", "within 0 and 1", distance));
        }
        let closed: Vec<Class> = self.classes().into_iter().filter(|c| c.closed).collect();
        if closed.len() != 1 || closed[0].period != 1 {
            return Ok(None);
        }
        let target = self.stationary()?;
        let k = self.states();
        let far = |p: &[f64]| -> f64 {
            let row = |row: &[f64]| {
                0.5 * row.iter().zip(&target).map(|(a, b)| (a - b).abs()).sum::<f64>()
            };
            p.chunks_exact(k).map(row).fold(0.0, f64::max)
        };
        let unit: Vec<f64> = (0..k * k).map(|p| f64::from(u8::from(p / k == p % k))).collect();
        if far(&unit) <= distance {
            return Ok(Some(0));
        }
        // Powers of two until one is near enough, then the bits of the least number of steps.
        let mut powers = vec![self.rows.concat()];
        while far(powers.last().expect("a first power")) > distance {
            if powers.len() > 40 {
                return Ok(None);
            }
            let last = powers.last().expect("a first power");
            powers.push(multiply(last, last, k));
        }
        let (mut done, mut steps) = (unit, 0u64);
        for (bit, power) in powers.iter().enumerate().rev() {
            let further = multiply(&done, power, k);
            if far(&further) > distance {
                (done, steps) = (further, steps + (1 << bit));
            }
        }
        Ok(Some(steps + 1))
    }

    /// Where the chain ends and how long that takes, from each state.
    ///
    /// # Errors
    /// Never for a chain that [`new`](Self::new) takes, but for probabilities so small that they are
    /// lost in 1.
    pub fn absorption(&self) -> Result<Absorption, MarkovError> {
        let k = self.states();
        let (classes, open): (Vec<Class>, Vec<Class>) =
            self.classes().into_iter().partition(|c| c.closed);
        let transient: Vec<usize> = open.into_iter().flat_map(|c| c.states).collect();
        let (n, m) = (transient.len(), classes.len() + 1);
        let mut left = vec![0.0; n * n];
        let mut right = vec![0.0; n * m];
        for (a, i) in transient.iter().enumerate() {
            for (b, j) in transient.iter().enumerate() {
                left[a * n + b] = f64::from(u8::from(a == b)) - self.rows[*i][*j];
            }
            for (c, class) in classes.iter().enumerate() {
                right[a * m + c] = class.states.iter().map(|j| self.rows[*i][*j]).sum();
            }
            right[a * m + m - 1] = 1.0;
        }
        let lost =
            || MarkovError::request("chain", "transient states that are left", "a singular system");
        let solved =
            if n == 0 { Vec::new() } else { solve(&left, n, &right, m).ok_or_else(lost)? };
        let mut out =
            Absorption { probabilities: vec![vec![0.0; m - 1]; k], times: vec![0.0; k], classes };
        for (a, i) in transient.iter().enumerate() {
            out.probabilities[*i].copy_from_slice(&solved[a * m..a * m + m - 1]);
            out.times[*i] = solved[a * m + m - 1];
        }
        for (c, class) in out.classes.iter().enumerate() {
            class.states.iter().for_each(|i| out.probabilities[*i][c] = 1.0);
        }
        Ok(out)
    }

    /// Expected steps until one of `targets` is reached, from each state; infinity where it may never be.
    ///
    /// # Errors
    /// No targets, or a state that the chain does not have.
    pub fn hitting_times(&self, targets: &[usize]) -> Result<Vec<f64>, MarkovError> {
        let k = self.states();
        if let Some(target) = targets.iter().find(|t| **t >= k) {
            return Err(MarkovError::request("targets", format!("states below {k}"), target));
        }
        if targets.is_empty() {
            return Err(MarkovError::Empty { what: "targets" });
        }
        // Stop at the targets: from states that can miss them the time is infinite.
        let mut rows = self.rows.clone();
        for target in targets {
            rows[*target] = (0..k).map(|j| f64::from(u8::from(j == *target))).collect();
        }
        let ended = Self { rows }.absorption()?;
        let misses = |i: usize| {
            let classes = ended.classes.iter().zip(&ended.probabilities[i]);
            classes.into_iter().any(|(class, p)| *p > 0.0 && !targets.contains(&class.states[0]))
        };
        Ok((0..k).map(|i| if misses(i) { f64::INFINITY } else { ended.times[i] }).collect())
    }

    /// Walk `item` of those that the chain makes from this noise: `steps` states after `start`.
    ///
    /// # Errors
    /// A start that the chain does not have.
    pub fn walk(
        &self,
        noise: &Noise,
        item: usize,
        start: usize,
        steps: usize,
    ) -> Result<Vec<usize>, MarkovError> {
        if start >= self.states() {
            let expected = format!("a state below {}", self.states());
            return Err(MarkovError::request("start", expected, start));
        }
        let mut draws = Draws::item(&noise.fork("walk"), item as u64);
        let mut walk = vec![start];
        for _ in 0..steps {
            let last = *walk.last().expect("a start");
            walk.push(draws.place(&self.rows[last]));
        }
        Ok(walk)
    }
}

fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// The stationary distribution of an irreducible matrix of probabilities or rates, row-major: the
/// diagonal is not read.
pub(super) fn eliminate(mut a: Vec<f64>, k: usize) -> Vec<f64> {
    for n in (1..k).rev() {
        let out: f64 = (0..n).map(|j| a[n * k + j]).sum();
        for i in 0..n {
            a[i * k + n] /= out;
            for j in 0..n {
                a[i * k + j] += a[i * k + n] * a[n * k + j];
            }
        }
    }
    let mut p = vec![1.0; k];
    for n in 1..k {
        p[n] = (0..n).map(|i| p[i] * a[i * k + n]).sum();
    }
    let total: f64 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= total);
    p
}

pub(super) fn multiply(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    let mut out = vec![0.0; k * k];
    for i in 0..k {
        for j in 0..k {
            let factor = a[i * k + j];
            let row = &b[j * k..(j + 1) * k];
            out[i * k..(i + 1) * k].iter_mut().zip(row).for_each(|(o, b)| *o += factor * b);
        }
    }
    out
}
