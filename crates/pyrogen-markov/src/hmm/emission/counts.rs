//! Emissions of counts and of yes and no: columns are independent given the state.

use pyrogen_core::Draws;
use pyrogen_core::special::host::lgamma;
use serde::{Deserialize, Serialize};

use super::{Density, Kernel, Rules};
use crate::MarkovError;
use crate::sequences::View;

/// Counts: `log p(x | k) = Σ_d x_d ln means[k][d] - means[k][d] - ln x_d!`.
///
/// A mean of 0 allows only zeros. Missing values are summed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// `[states][columns]`.
    pub means: Vec<Vec<f64>>,
}

/// Columns of 0 and 1: `log p(x | k) = Σ_d x_d ln p[k][d] + (1 - x_d) ln(1 - p[k][d])`.
///
/// Missing values are summed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bernoulli {
    /// Probabilities of 1, `[states][columns]`.
    pub probabilities: Vec<Vec<f64>>,
}

/// A density of a column that is linear in `x`: `x slopes + offsets + base(x)`.
struct LinearKernel {
    states: usize,
    /// `[columns][states]`.
    slopes: Vec<f64>,
    offsets: Vec<f64>,
    /// `-ln x!` for counts.
    base: fn(f64) -> f64,
}

impl LinearKernel {
    fn new(rows: &[Vec<f64>], base: fn(f64) -> f64, line: impl Fn(f64) -> (f64, f64)) -> Self {
        let (k, d) = (rows.len(), rows[0].len());
        let at = |place: usize| line(rows[place % k][place / k]);
        let slopes = (0..k * d).map(|place| at(place).0).collect();
        let offsets = (0..k * d).map(|place| at(place).1).collect();
        Self { states: k, slopes, offsets, base }
    }
}

impl Kernel for LinearKernel {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let k = self.states;
        for (x, out) in view.rows().zip(out.chunks_exact_mut(k)) {
            out.fill(0.0);
            for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                let base = (self.base)(*x);
                let (slopes, offsets) = (&self.slopes[i * k..][..k], &self.offsets[i * k..][..k]);
                for ((out, slope), offset) in out.iter_mut().zip(slopes).zip(offsets) {
                    // 0 times minus infinity is 0 here.
                    *out += if *x == 0.0 { *offset } else { x * slope + offset } + base;
                }
            }
        }
    }

    fn statistics(&self) -> usize {
        2 * self.slopes.len()
    }

    /// Weights and weighted sums, `[columns][states]` each.
    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let (counts, sums) = out.split_at_mut(self.slopes.len());
        add_columns(self.states, view, share, counts, sums);
    }
}

/// Sets each entry to what `of` makes of its weight and weighted sum.
fn set_means(rows: &mut [Vec<f64>], statistics: &[f64], of: impl Fn(f64, f64) -> f64) {
    let (k, d) = (rows.len(), rows[0].len());
    let (counts, sums) = statistics.split_at(k * d);
    for i in 0..d {
        for state in 0..k {
            let n = counts[i * k + state];
            if n > 0.0 {
                rows[state][i] = of(n, sums[i * k + state]);
            }
        }
    }
}

impl Density for Poisson {
    fn classes(&self) -> usize {
        self.means.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        let line = |mean: f64| (mean.ln(), -mean);
        Ok(Box::new(LinearKernel::new(&self.means, |x| -lgamma(x + 1.0), line)))
    }

    fn maximise(&mut self, statistics: &[f64], _: &Rules) -> Vec<usize> {
        set_means(&mut self.means, statistics, |n, sum| sum / n);
        Vec::new()
    }

    fn free_parameters(&self) -> usize {
        self.means.len() * self.means[0].len()
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        self.means[class].iter().map(|mean| draws.poisson(*mean) as f64).collect()
    }
}

impl Density for Bernoulli {
    fn classes(&self) -> usize {
        self.probabilities.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        // ln(1 - p) + x (ln p - ln(1 - p)) has infinities that cancel at p = 1.
        let k = self.probabilities.len();
        let logs = self.probabilities.iter().map(|row| row.iter().map(|p| (p.ln(), (-p).ln_1p())));
        let mut yes = vec![0.0; k * self.probabilities[0].len()];
        let mut no = yes.clone();
        for (state, row) in logs.enumerate() {
            for (i, (y, n)) in row.enumerate() {
                (yes[i * k + state], no[i * k + state]) = (y, n);
            }
        }
        Ok(Box::new(YesNoKernel { states: k, yes, no }))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        let prior = rules.count_prior;
        set_means(&mut self.probabilities, statistics, |n, sum| {
            ((sum + prior) / (n + 2.0 * prior)).clamp(0.0, 1.0)
        });
        Vec::new()
    }

    fn free_parameters(&self) -> usize {
        self.probabilities.len() * self.probabilities[0].len()
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        self.probabilities[class]
            .iter()
            .map(|p| f64::from(u8::from(draws.uniform() < *p)))
            .collect()
    }

    fn log_prior(&self, rules: &Rules) -> f64 {
        if rules.count_prior == 0.0 {
            return 0.0;
        }
        let all = self.probabilities.iter().flatten();
        rules.count_prior * all.map(|p| p.ln() + (-p).ln_1p()).sum::<f64>()
    }
}

struct YesNoKernel {
    states: usize,
    /// Log-probabilities of 1 and of 0, `[columns][states]`.
    yes: Vec<f64>,
    no: Vec<f64>,
}

impl Kernel for YesNoKernel {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let k = self.states;
        for (x, out) in view.rows().zip(out.chunks_exact_mut(k)) {
            out.fill(0.0);
            for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                let row = if *x == 1.0 { &self.yes } else { &self.no };
                out.iter_mut().zip(&row[i * k..][..k]).for_each(|(out, v)| *out += v);
            }
        }
    }

    fn statistics(&self) -> usize {
        2 * self.yes.len()
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let (counts, sums) = out.split_at_mut(self.yes.len());
        add_columns(self.states, view, share, counts, sums);
    }
}

/// Adds weights and weighted sums of columns, `[columns][states]` each.
fn add_columns(k: usize, view: &View<'_>, share: &[f64], counts: &mut [f64], sums: &mut [f64]) {
    for (x, share) in view.rows().zip(share.chunks_exact(k)) {
        for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
            let (counts, sums) = (&mut counts[i * k..][..k], &mut sums[i * k..][..k]);
            for ((n, sum), s) in counts.iter_mut().zip(sums).zip(share) {
                *n += s;
                *sum += s * x;
            }
        }
    }
}
