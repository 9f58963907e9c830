//! What is missing in a sequence: its distribution, and draws of it.

use pyrogen_core::{Draws, Noise};

use super::emission::{Emission, Gaussian};
use super::engine::Engine;
use super::model::Hmm;
use crate::MarkovError;
use crate::linear::{cholesky, solve_cholesky};
use crate::sequences::{MISSING, Sequences};

/// The distribution of one value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// Of a number, by its mean and standard deviation.
    Number {
        /// The mean.
        mean: f64,
        /// The standard deviation; infinite where there is none.
        std: f64,
    },
    /// Of a symbol, by the probability of each.
    Symbol(Vec<f64>),
}

/// A value that is missing in a sequence.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MissingCell {
    /// The step, counted from 0.
    pub step: usize,
    /// The column.
    pub column: usize,
    /// Its distribution given all that is observed.
    pub cell: Cell,
}

/// Mean and variance of each column.
type Moments = (Vec<f64>, Vec<f64>);

impl Hmm {
    /// The distribution of every value that is missing in a sequence, given the whole sequence: a mixture
    /// over the states' posterior probabilities, and given the other columns of its row.
    ///
    /// # Errors
    /// Data of another kind, a sequence that the model cannot have made, or a regression with lags:
    /// what is missing there changes what later rows say.
    pub fn missing(
        &self,
        data: &Sequences,
        sequence: usize,
    ) -> Result<Vec<MissingCell>, MarkovError> {
        let engine = Engine::new(self, data)?;
        self.closed_form()?;
        if (0..data.length(sequence)).all(|t| holes(data, sequence, t).is_empty()) {
            return Ok(Vec::new());
        }
        let posteriors = engine.posteriors(sequence)?;
        let mut found = Vec::new();
        for (step, p) in posteriors.chunks_exact(engine.k).enumerate() {
            let columns = holes(data, sequence, step);
            if columns.is_empty() {
                continue;
            }
            let row = row(data, sequence, step);
            let cells = self.cells(p, &row);
            let own = columns.into_iter().map(|column| {
                let cell = cells[column].clone();
                MissingCell { step, column, cell }
            });
            found.extend(own);
        }
        Ok(found)
    }

    /// The distribution of each value of the `steps` rows that follow a sequence, `[steps][columns]`.
    ///
    /// # Errors
    /// As [`forecast`](Self::forecast).
    pub fn ahead(
        &self,
        data: &Sequences,
        sequence: usize,
        steps: usize,
    ) -> Result<Vec<Vec<Cell>>, MarkovError> {
        self.closed_form()?;
        let engine = Engine::new(self, data)?;
        let mut last: Vec<f64> = Vec::new();
        engine
            .filtered(sequence, |_, p| last = p.iter().map(|p| p.exp()).collect())
            .map_err(|step| MarkovError::Impossible { sequence, step })?;
        let mut p = last;
        let unseen = vec![f64::NAN; self.emission.width().unwrap_or(1)];
        let mut out = Vec::with_capacity(steps);
        for _ in 0..steps {
            p = if p.is_empty() { self.start.clone() } else { self.moved(&p) };
            out.push(self.cells(&p, &unseen));
        }
        Ok(out)
    }

    fn closed_form(&self) -> Result<(), MarkovError> {
        if self.emission.lags() + self.emission.input_width() == 0 {
            return Ok(());
        }
        let expected = "emissions without lags and inputs: what they make has no closed form";
        Err(MarkovError::request("emission", expected, "a regression"))
    }

    /// The distribution of each column of a row, given the columns that are observed.
    fn cells(&self, states: &[f64], row: &[f64]) -> Vec<Cell> {
        if let Emission::Categorical(e) = &self.emission {
            let p = |symbol: usize| -> f64 {
                let each = states.iter().enumerate();
                each.map(|(z, p)| p * e.probabilities[self.emission_of(z)][symbol]).sum()
            };
            return vec![Cell::Symbol((0..e.probabilities[0].len()).map(p).collect())];
        }
        let parts: Vec<(f64, Moments)> = states
            .iter()
            .enumerate()
            .filter(|(_, p)| **p > 0.0)
            .map(|(z, p)| (*p, self.emission.given(self.emission_of(z), row)))
            .collect();
        (0..row.len())
            .map(|i| {
                let mean: f64 = parts.iter().map(|(p, (m, _))| p * m[i]).sum();
                let spread = |(p, (m, v)): &(f64, Moments)| p * (v[i] + (m[i] - mean).powi(2));
                let variance: f64 = parts.iter().map(spread).sum();
                Cell::Number { mean, std: variance.sqrt() }
            })
            .collect()
    }

    /// A sequence with its missing values drawn given all that is observed, and with `more` steps
    /// behind it. Draw `item` of this noise is a function of both alone. Symbols are numbers.
    ///
    /// A path of states is drawn from its posterior, then each missing value in its state, given the
    /// other columns of its row. A row of counts of categories (multinomial) is drawn as a whole, and
    /// its observed counts are kept.
    ///
    /// # Errors
    /// As [`missing`](Self::missing); a regression with lags may have more steps, and nothing missing
    /// before them.
    pub fn fill(
        &self,
        data: &Sequences,
        sequence: usize,
        noise: &Noise,
        item: usize,
        more: usize,
    ) -> Result<Vec<f64>, MarkovError> {
        let engine = Engine::new(self, data)?;
        let mut draws = Draws::item(&noise.fork("hmm fill"), item as u64);
        let path = engine.draw_path(sequence, &mut draws)?;
        let mut values = Vec::new();
        for (step, state) in path.iter().enumerate() {
            let row = row(data, sequence, step);
            if row.iter().any(|v| v.is_nan()) {
                self.closed_form()?;
                values.extend(self.emission.draw_given(self.emission_of(*state), &row, &mut draws));
            } else {
                values.extend(row);
            }
        }
        if more > 0 && self.emission.input_width() > 0 {
            let expected = "0 where emissions depend on inputs";
            return Err(MarkovError::request("more", expected, more));
        }
        let mut last = path.last().copied();
        for _ in 0..more {
            let state = match last {
                None => draws.place(&self.start),
                Some(state) => draws.place(self.transition(state)),
            };
            last = Some(state);
            let class = self.emission_of(state);
            values.extend(self.emission.density().draw(class, &values, &[], &mut draws));
        }
        Ok(values)
    }
}

/// A row, NaN where a value is missing; a symbol as a number.
fn row(data: &Sequences, sequence: usize, step: usize) -> Vec<f64> {
    let view = data.view(sequence, step..step + 1);
    match data.width() {
        Some(_) => view.rows().next().map(<[f64]>::to_vec).unwrap_or_default(),
        None => {
            let symbol = view.symbols()[0];
            vec![if symbol == MISSING { f64::NAN } else { f64::from(symbol) }]
        }
    }
}

/// The columns that are missing in a row.
fn holes(data: &Sequences, sequence: usize, step: usize) -> Vec<usize> {
    let row = row(data, sequence, step);
    (0..row.len()).filter(|i| row[*i].is_nan()).collect()
}

impl Gaussian {
    /// Mean and variance of each column given the observed columns, and their log-density. What is
    /// observed has its own value and no variance.
    fn given(&self, place: usize, row: &[f64]) -> (Moments, f64) {
        let d = row.len();
        let (mean, matrix) = (&self.means[place], self.covariance(place));
        let seen: Vec<usize> = (0..d).filter(|i| !row[*i].is_nan()).collect();
        let n = seen.len();
        let part: Vec<f64> = (0..n * n).map(|e| matrix[seen[e / n] * d + seen[e % n]]).collect();
        let Some(l) = cholesky(&part, n) else {
            unreachable!("a part of a covariance matrix that was checked")
        };
        let apart: Vec<f64> = seen.iter().map(|i| row[*i] - mean[*i]).collect();
        let slopes = solve_cholesky(&l, n, &apart);
        let square: f64 = apart.iter().zip(&slopes).map(|(a, s)| a * s).sum();
        let log_det: f64 = (0..n).map(|i| 2.0 * l[i * n + i].ln()).sum();
        let log = -0.5 * (square + log_det + n as f64 * std::f64::consts::TAU.ln());
        let (mut means, mut variances) = (row.to_vec(), vec![0.0; d]);
        for i in (0..d).filter(|i| row[*i].is_nan()) {
            let cross: Vec<f64> = seen.iter().map(|j| matrix[i * d + j]).collect();
            let dot = |v: &[f64]| cross.iter().zip(v).map(|(c, v)| c * v).sum::<f64>();
            means[i] = mean[i] + dot(&slopes);
            let explained = dot(&solve_cholesky(&l, n, &cross));
            variances[i] = (matrix[i * d + i] - explained).max(0.0);
        }
        ((means, variances), log)
    }

    /// A draw of a row given its observed columns: a draw of the whole row is moved by what it misses
    /// of them (Hoffman and Ribak 1991).
    fn draw_given(&self, place: usize, row: &[f64], draws: &mut Draws) -> Vec<f64> {
        use super::emission::Density as _;
        let drawn = self.draw(place, &[], &[], draws);
        let moved = |values: &[f64]| {
            let masked: Vec<f64> = row
                .iter()
                .zip(values)
                .map(|(r, v)| if r.is_nan() { f64::NAN } else { *v })
                .collect();
            self.given(place, &masked).0.0
        };
        let (wanted, had) = (moved(row), moved(&drawn));
        (0..row.len())
            .map(|i| if row[i].is_nan() { drawn[i] + wanted[i] - had[i] } else { row[i] })
            .collect()
    }
}

impl Emission {
    /// Mean and variance of each column of a class, given the observed columns of a row.
    fn given(&self, class: usize, row: &[f64]) -> Moments {
        match self {
            Self::Gaussian(e) => e.given(class, row).0,
            Self::GaussianMixture(e) => {
                let parts = mixture_given(e, class, row);
                let column = |i: usize| {
                    let mean: f64 = parts.iter().map(|(w, (m, _))| w * m[i]).sum();
                    let spread = |(w, (m, v)): &(f64, Moments)| w * (v[i] + (m[i] - mean).powi(2));
                    (mean, parts.iter().map(spread).sum::<f64>())
                };
                (0..row.len()).map(column).unzip()
            }
            other => {
                (0..row.len()).map(|i| (other.mean(class, i), other.variance(class, i))).unzip()
            }
        }
    }

    /// A row of a class with what is missing in it drawn.
    fn draw_given(&self, class: usize, row: &[f64], draws: &mut Draws) -> Vec<f64> {
        match self {
            Self::Gaussian(e) => e.draw_given(class, row, draws),
            Self::GaussianMixture(e) => {
                let weights: Vec<f64> =
                    mixture_given(e, class, row).into_iter().map(|(w, _)| w).collect();
                let place = class * weights.len() + draws.place(&weights);
                e.gaussians.draw_given(place, row, draws)
            }
            other => {
                let drawn = other.density().draw(class, &[], &[], draws);
                let keep = |(row, drawn): (&f64, f64)| if row.is_nan() { drawn } else { *row };
                row.iter().zip(drawn).map(keep).collect()
            }
        }
    }

    /// The variance of a column of independent columns.
    fn variance(&self, class: usize, column: usize) -> f64 {
        match self {
            Self::Poisson(e) => e.means[class][column],
            Self::Bernoulli(e) => {
                let p = e.probabilities[class][column];
                p * (1.0 - p)
            }
            Self::Multinomial(e) => {
                let p = e.probabilities[class][column];
                e.total as f64 * p * (1.0 - p)
            }
            Self::Gamma(e) => e.shapes[class][column] / e.rates[class][column].powi(2),
            Self::StudentT(e) => {
                let nu = e.degrees[class][column];
                match nu > 2.0 {
                    true => e.squared_scales[class][column] * nu / (nu - 2.0),
                    false => f64::INFINITY,
                }
            }
            Self::Regression(e) => e.noise.moments(class, column).1,
            Self::Gaussian(e) => e.moments(class, column).1,
            Self::GaussianMixture(_) | Self::Categorical(_) => f64::NAN,
        }
    }

    /// Mean and standard deviation of a column of a class, whatever the others are; none for symbols.
    pub fn column(&self, class: usize, column: usize) -> Option<(f64, f64)> {
        let unseen = vec![f64::NAN; self.width()?];
        let (means, variances) = self.given(class, &unseen);
        Some((means[column], variances[column].sqrt()))
    }
}

/// The Gaussians of a state: their weights given the observed columns, and the moments of the others.
fn mixture_given(
    e: &super::emission::GaussianMixture,
    class: usize,
    row: &[f64],
) -> Vec<(f64, Moments)> {
    let count = e.weights[class].len();
    let mut parts: Vec<(f64, Moments)> = (0..count)
        .map(|i| {
            let (moments, log) = e.gaussians.given(class * count + i, row);
            (e.weights[class][i].ln() + log, moments)
        })
        .collect();
    let largest = parts.iter().map(|(l, _)| *l).fold(f64::NEG_INFINITY, f64::max);
    parts.iter_mut().for_each(|(l, _)| *l = (*l - largest).exp());
    let total: f64 = parts.iter().map(|(w, _)| w).sum();
    parts.iter_mut().for_each(|(w, _)| *w /= total);
    parts
}
