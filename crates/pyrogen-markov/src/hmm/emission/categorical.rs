//! Emissions of symbols, and of counts of categories.

use pyrogen_core::Draws;
use pyrogen_core::special::host::lgamma;
use serde::{Deserialize, Serialize};

use super::{Density, Kernel, Rules};
use crate::MarkovError;
use crate::sequences::{MISSING, View};

/// Symbols: `log p(x | k) = ln probabilities[k][x]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categorical {
    /// `[states][symbols]`; rows add up to 1.
    pub probabilities: Vec<Vec<f64>>,
}

/// Counts of categories with any total `n`:
/// `log p(x | k) = ln n! - Σ_d ln x_d! + Σ_d x_d ln probabilities[k][d]`.
///
/// A row with a missing count is missing as a whole, since its total is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multinomial {
    /// `[states][categories]`; rows add up to 1.
    pub probabilities: Vec<Vec<f64>>,
    /// The total of the rows that are sampled.
    pub total: u64,
}

/// Log-probabilities `[categories][states]`.
struct LogTable {
    states: usize,
    logs: Vec<f64>,
}

impl LogTable {
    fn new(rows: &[Vec<f64>]) -> Self {
        let k = rows.len();
        let logs = (0..k * rows[0].len()).map(|p| rows[p % k][p / k].ln()).collect();
        Self { states: k, logs }
    }
}

/// Rows in proportion to the counts `[categories][states]` plus the prior.
fn set_rows(rows: &mut [Vec<f64>], counts: &[f64], prior: f64) {
    let k = rows.len();
    for (state, row) in rows.iter_mut().enumerate() {
        let seen: f64 = (0..row.len()).map(|i| counts[i * k + state]).sum();
        if seen <= 0.0 {
            continue;
        }
        let total = seen + prior * row.len() as f64;
        row.iter_mut().enumerate().for_each(|(i, p)| *p = (counts[i * k + state] + prior) / total);
    }
}

fn log_dirichlet(rows: &[Vec<f64>], prior: f64) -> f64 {
    if prior == 0.0 { 0.0 } else { prior * rows.iter().flatten().map(|p| p.ln()).sum::<f64>() }
}

impl Density for Categorical {
    fn classes(&self) -> usize {
        self.probabilities.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        Ok(Box::new(SymbolKernel(LogTable::new(&self.probabilities))))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        set_rows(&mut self.probabilities, statistics, rules.count_prior);
        Vec::new()
    }

    fn free_parameters(&self) -> usize {
        self.probabilities.len() * (self.probabilities[0].len() - 1)
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        vec![draws.place(&self.probabilities[class]) as f64]
    }

    fn log_prior(&self, rules: &Rules) -> f64 {
        log_dirichlet(&self.probabilities, rules.count_prior)
    }
}

struct SymbolKernel(LogTable);

impl Kernel for SymbolKernel {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let k = self.0.states;
        for (x, out) in view.symbols().iter().zip(out.chunks_exact_mut(k)) {
            match *x {
                MISSING => out.fill(0.0),
                x => out.copy_from_slice(&self.0.logs[x as usize * k..][..k]),
            }
        }
    }

    fn statistics(&self) -> usize {
        self.0.logs.len()
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let k = self.0.states;
        for (x, share) in view.symbols().iter().zip(share.chunks_exact(k)) {
            if *x != MISSING {
                let sums = &mut out[*x as usize * k..][..k];
                sums.iter_mut().zip(share).for_each(|(sum, s)| *sum += s);
            }
        }
    }
}

impl Density for Multinomial {
    fn classes(&self) -> usize {
        self.probabilities.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        Ok(Box::new(CountsKernel(LogTable::new(&self.probabilities))))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        set_rows(&mut self.probabilities, statistics, rules.count_prior);
        Vec::new()
    }

    fn free_parameters(&self) -> usize {
        self.probabilities.len() * (self.probabilities[0].len() - 1)
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        // One binomial draw a category, of what the categories before it left.
        let (mut left, mut mass) = (self.total, 1.0);
        let row = &self.probabilities[class];
        let mut out = vec![0.0; row.len()];
        for (i, p) in row.iter().enumerate() {
            let count = match i + 1 == row.len() || mass <= *p {
                true => left,
                false => draws.binomial(left, p / mass),
            };
            out[i] = count as f64;
            left -= count;
            mass -= p;
        }
        out
    }

    fn log_prior(&self, rules: &Rules) -> f64 {
        log_dirichlet(&self.probabilities, rules.count_prior)
    }
}

struct CountsKernel(LogTable);

impl Kernel for CountsKernel {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let k = self.0.states;
        for (x, out) in view.rows().zip(out.chunks_exact_mut(k)) {
            if x.iter().any(|v| v.is_nan()) {
                out.fill(0.0);
                continue;
            }
            let orders: f64 = x.iter().map(|x| lgamma(x + 1.0)).sum();
            out.fill(lgamma(x.iter().sum::<f64>() + 1.0) - orders);
            for (i, x) in x.iter().enumerate().filter(|(_, x)| **x > 0.0) {
                let logs = &self.0.logs[i * k..][..k];
                out.iter_mut().zip(logs).for_each(|(out, log)| *out += x * log);
            }
        }
    }

    fn statistics(&self) -> usize {
        self.0.logs.len()
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let k = self.0.states;
        for (x, share) in view.rows().zip(share.chunks_exact(k)) {
            if x.iter().any(|v| v.is_nan()) {
                continue;
            }
            for (i, x) in x.iter().enumerate().filter(|(_, x)| **x > 0.0) {
                let sums = &mut out[i * k..][..k];
                sums.iter_mut().zip(share).for_each(|(sum, s)| *sum += x * s);
            }
        }
    }
}
