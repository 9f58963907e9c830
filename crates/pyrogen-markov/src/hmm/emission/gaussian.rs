//! Gaussian emissions with four forms of covariance.

use pyrogen_core::Draws;
use serde::{Deserialize, Serialize};

use super::{Density, Kernel, Rules};
use crate::MarkovError;
use crate::linear::{cholesky, invert_lower, raise_to_floor};

/// The form of the covariance matrices.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// One variance a state, for all columns.
    Spherical,
    /// One variance a state and column.
    #[default]
    Diagonal,
    /// One matrix a state.
    Full,
    /// One matrix that all states share.
    Tied,
}

/// One Gaussian a state: `log N(x; means[k], covariance of k)`.
///
/// Missing values are summed over: the density is the marginal one of what is observed. Where
/// columns are correlated, learning uses the conditional expectation of what is missing (Little and
/// Rubin 2019, 8.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaussian {
    /// Form of `covariances`.
    pub form: Covariance,
    /// `[states][columns]`.
    pub means: Vec<Vec<f64>>,
    /// Spherical: `[states][1]`; diagonal: `[states][columns]`; full: `[states][columns²]`,
    /// row-major; tied: `[1][columns²]`.
    pub covariances: Vec<Vec<f64>>,
}

impl Gaussian {
    /// The covariance matrix of a state, row-major.
    ///
    /// # Panics
    /// If there are not so many states.
    pub fn covariance(&self, state: usize) -> Vec<f64> {
        let d = self.means[state].len();
        let diagonal = |of: &dyn Fn(usize) -> f64| {
            let mut matrix = vec![0.0; d * d];
            (0..d).for_each(|i| matrix[i * d + i] = of(i));
            matrix
        };
        match self.form {
            Covariance::Spherical => diagonal(&|_| self.covariances[state][0]),
            Covariance::Diagonal => diagonal(&|i| self.covariances[state][i]),
            Covariance::Full => self.covariances[state].clone(),
            Covariance::Tied => self.covariances[0].clone(),
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.means[0].len()
    }

    pub(super) fn inverse_variances(&self) -> f64 {
        let d = self.width();
        let of = |row: &Vec<f64>| match self.form {
            Covariance::Spherical => d as f64 / row[0],
            Covariance::Diagonal => row.iter().map(|v| 1.0 / v).sum(),
            Covariance::Full | Covariance::Tied => cholesky(row, d)
                .map_or(f64::INFINITY, |l| invert_lower(&l, d).iter().map(|v| v * v).sum()),
        };
        self.covariances.iter().map(of).sum()
    }

    pub(super) fn dense(&self) -> bool {
        matches!(self.form, Covariance::Full | Covariance::Tied)
    }

    pub(super) fn variance(&self, state: usize, column: usize) -> f64 {
        match self.form {
            Covariance::Spherical => self.covariances[state][0],
            Covariance::Diagonal => self.covariances[state][column],
            Covariance::Full => self.covariances[state][column * (self.width() + 1)],
            Covariance::Tied => self.covariances[0][column * (self.width() + 1)],
        }
    }

    /// Mean and variance of a column in a state.
    pub(crate) fn moments(&self, state: usize, column: usize) -> (f64, f64) {
        (self.means[state][column], self.variance(state, column))
    }
}

impl Density for Gaussian {
    fn classes(&self) -> usize {
        self.means.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        Ok(Box::new(super::gaussian_kernel::GaussianKernel::new(self)?))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        match self.form {
            Covariance::Spherical | Covariance::Diagonal => {
                self.maximise_diagonal(statistics, rules)
            }
            Covariance::Full | Covariance::Tied => self.maximise_dense(statistics, rules),
        }
    }

    fn free_parameters(&self) -> usize {
        let (k, d) = (self.means.len(), self.width());
        k * d
            + match self.form {
                Covariance::Spherical => k,
                Covariance::Diagonal => k * d,
                Covariance::Full => k * d * (d + 1) / 2,
                Covariance::Tied => d * (d + 1) / 2,
            }
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        let d = self.width();
        if !self.dense() {
            let column = |i: usize| {
                let (mean, variance) = self.moments(class, i);
                mean + variance.sqrt() * draws.normal()
            };
            return (0..d).map(column).collect();
        }
        let l = cholesky(&self.covariance(class), d).expect("checked when the model was made");
        let z: Vec<f64> = (0..d).map(|_| draws.normal()).collect();
        let dot = |i: usize| (0..=i).map(|j| l[i * d + j] * z[j]).sum::<f64>();
        (0..d).map(|i| self.means[class][i] + dot(i)).collect()
    }
}

impl Gaussian {
    fn maximise_diagonal(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        let (k, d) = (self.means.len(), self.width());
        let [counts, first, second] = [0, 1, 2].map(|i| &statistics[i * k * d..(i + 1) * k * d]);
        let mut raised = Vec::new();
        for state in 0..k {
            let (mut squares, mut total, mut floor) = (0.0, 0.0, 0.0f64);
            for i in 0..d {
                let n = counts[i * k + state];
                if n <= 0.0 {
                    continue;
                }
                let shift = first[i * k + state] / n;
                self.means[state][i] += shift;
                let sum = (second[i * k + state] - shift * first[i * k + state]).max(0.0);
                squares += sum + rules.covariance_prior;
                total += n;
                floor = floor.max(rules.floors[i]);
                if self.form == Covariance::Diagonal {
                    let variance = (sum + rules.covariance_prior) / n;
                    if variance < rules.floors[i] {
                        raised.push(state);
                    }
                    self.covariances[state][i] = variance.max(rules.floors[i]);
                }
            }
            if self.form == Covariance::Spherical && total > 0.0 {
                if squares / total < floor {
                    raised.push(state);
                }
                self.covariances[state][0] = (squares / total).max(floor);
            }
        }
        raised.dedup();
        raised
    }

    fn maximise_dense(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        let (k, d) = (self.means.len(), self.width());
        let tied = self.form == Covariance::Tied;
        let mut raised = Vec::new();
        let (mut pooled, mut total) = (vec![0.0; d * d], 0.0);
        for state in 0..k {
            let n = statistics[state];
            if n <= 0.0 {
                continue;
            }
            let shift: Vec<f64> = (0..d).map(|i| statistics[(1 + i) * k + state] / n).collect();
            let mut matrix = vec![0.0; d * d];
            for i in 0..d {
                for j in 0..=i {
                    let moment = statistics[(1 + d + i * (i + 1) / 2 + j) * k + state];
                    let mut sum = moment - n * shift[i] * shift[j];
                    if i == j {
                        sum = sum.max(0.0);
                        if !tied {
                            sum += rules.covariance_prior;
                        }
                    }
                    (matrix[i * d + j], matrix[j * d + i]) = (sum, sum);
                }
                self.means[state][i] += shift[i];
            }
            if tied {
                pooled.iter_mut().zip(&matrix).for_each(|(p, m)| *p += m);
                total += n;
                continue;
            }
            matrix.iter_mut().for_each(|m| *m /= n);
            if raise_to_floor(&mut matrix, d, &rules.floors) {
                raised.push(state);
            }
            self.covariances[state] = matrix;
        }
        if tied && total > 0.0 {
            (0..d).for_each(|i| pooled[i * d + i] += rules.covariance_prior);
            pooled.iter_mut().for_each(|m| *m /= total);
            if raise_to_floor(&mut pooled, d, &rules.floors) {
                raised.push(0);
            }
            self.covariances[0] = pooled;
        }
        raised
    }
}
