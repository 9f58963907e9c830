//! Sequences that a model makes, and what comes next.

use rayon::prelude::*;

use pyrogen_core::special::host::{betainc, gammainc, ndtr};
use pyrogen_core::{Draws, Noise};

use super::emission::Emission;
use super::engine::Engine;
use super::model::Hmm;
use crate::MarkovError;
use crate::sequences::Sequences;

/// A sequence that a model made.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sampled {
    /// The state at each step.
    pub states: Vec<usize>,
    /// Rows, one behind the other; symbols as numbers.
    pub values: Vec<f64>,
}

/// Where a sampled sequence starts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Start<'a> {
    /// By the model's start probabilities.
    #[default]
    Model,
    /// In this state.
    State(usize),
    /// After a step whose state has these probabilities.
    After(&'a [f64]),
}

/// The distribution of the rows that follow a sequence.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Forecast {
    /// State probabilities, `[steps][states]`.
    pub states: Vec<Vec<f64>>,
    /// Expected values, `[steps][columns]`; of symbols, their probabilities.
    pub means: Vec<Vec<f64>>,
    /// The lower end of the interval of each column; empty for symbols.
    pub lower: Vec<Vec<f64>>,
    /// The upper end of the interval of each column; empty for symbols.
    pub upper: Vec<Vec<f64>>,
}

impl Hmm {
    /// Sequence `item` of those that the model makes from this noise: a function of both alone.
    ///
    /// Regressions have zeros before the start; `inputs` are rows of their inputs, one a step.
    ///
    /// # Errors
    /// A start state that the model does not have, or probabilities that do not add up to 1; fewer
    /// inputs than steps.
    pub fn sample(
        &self,
        noise: &Noise,
        item: usize,
        steps: usize,
        start: Start<'_>,
        inputs: &[f64],
    ) -> Result<Sampled, MarkovError> {
        let first = self.first(start)?;
        let width = self.emission.input_width();
        if inputs.len() < steps * width {
            let (expected, got) = (steps * width, inputs.len());
            return Err(MarkovError::Count { name: "inputs", expected, got });
        }
        let mut draws = Draws::item(&noise.fork("hmm sample"), item as u64);
        let mut sampled = Sampled { states: Vec::with_capacity(steps), values: Vec::new() };
        for t in 0..steps {
            let state = match sampled.states.last() {
                None => draws.place(&first),
                Some(last) => draws.place(self.transition(*last)),
            };
            let class = self.emission_of(state);
            let input = &inputs[t * width..(t + 1) * width];
            let row = self.emission.density().draw(class, &sampled.values, input, &mut draws);
            sampled.states.push(state);
            sampled.values.extend(row);
        }
        Ok(sampled)
    }

    fn first(&self, start: Start<'_>) -> Result<Vec<f64>, MarkovError> {
        let k = self.states();
        match start {
            Start::Model => Ok(self.start.clone()),
            Start::State(state) if state < k => {
                Ok((0..k).map(|i| f64::from(u8::from(i == state))).collect())
            }
            Start::State(state) => {
                Err(MarkovError::request("start", format!("a state below {k}"), state))
            }
            Start::After(p) if p.len() == k => {
                super::model::probabilities("start", p)?;
                Ok(self.moved(p))
            }
            Start::After(p) => Err(MarkovError::Count { name: "start", expected: k, got: p.len() }),
        }
    }

    /// State probabilities one step later.
    pub(super) fn moved(&self, p: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; p.len()];
        for (p, row) in p.iter().zip(self.transition.chunks_exact(p.len())) {
            out.iter_mut().zip(row).for_each(|(o, a)| *o += p * a);
        }
        out
    }

    /// Probabilities of the state at the last step of each sequence, given the sequence; of an empty
    /// one, none.
    ///
    /// # Errors
    /// Data of another kind, or a sequence that the model cannot have made.
    pub fn last_states(&self, data: &Sequences) -> Result<Vec<Vec<f64>>, MarkovError> {
        let engine = Engine::new(self, data)?;
        let one = |sequence: usize| {
            let mut last: Vec<f64> = Vec::new();
            engine
                .filtered(sequence, |_, p| last = p.to_vec())
                .map_err(|step| MarkovError::Impossible { sequence, step })?;
            Ok(last.into_iter().map(f64::exp).collect())
        };
        let all: Vec<Result<Vec<f64>, MarkovError>> =
            (0..data.len()).into_par_iter().map(one).collect();
        all.into_iter().collect()
    }

    /// The distribution of the `steps` rows that follow each sequence, with the interval that holds each
    /// column with probability `level`, as much below it as above.
    ///
    /// Intervals are quantiles of the exact distribution, a mixture over the states (Zucchini,
    /// MacDonald and Langrock 2016, 5.3).
    ///
    /// # Errors
    /// As [`last_states`](Self::last_states), a level outside 0 and 1, or a regression with lags or
    /// inputs, whose distribution has no closed form: draw samples after the last states.
    pub fn forecast(
        &self,
        data: &Sequences,
        steps: usize,
        level: f64,
    ) -> Result<Vec<Forecast>, MarkovError> {
        if !(level > 0.0 && level < 1.0) {
            return Err(MarkovError::request("level", "within 0 and 1", level));
        }
        if self.emission.lags() + self.emission.input_width() > 0 {
            let expected = "emissions without lags and inputs: draw samples after the last states";
            return Err(MarkovError::request("forecast", expected, "a regression"));
        }
        let last = self.last_states(data)?;
        Ok(last.iter().map(|last| self.forecast_after(last, steps, level)).collect())
    }

    fn forecast_after(&self, last: &[f64], steps: usize, level: f64) -> Forecast {
        let mut out = Forecast {
            states: Vec::new(),
            means: Vec::new(),
            lower: Vec::new(),
            upper: Vec::new(),
        };
        let mut p = last.to_vec();
        for t in 0..steps {
            p = if t == 0 && last.is_empty() { self.start.clone() } else { self.moved(&p) };
            let mut classes = vec![0.0; self.emission.classes()];
            p.iter().enumerate().for_each(|(state, p)| classes[self.emission_of(state)] += p);
            out.states.push(p.clone());
            if let Emission::Categorical(e) = &self.emission {
                let mean = |s: usize| -> f64 {
                    classes.iter().zip(&e.probabilities).map(|(p, r)| p * r[s]).sum()
                };
                out.means.push((0..e.probabilities[0].len()).map(mean).collect());
                continue;
            }
            let columns = 0..self.emission.width().unwrap_or(0);
            let mean = |column: usize| -> f64 {
                classes.iter().enumerate().map(|(c, p)| p * self.emission.mean(c, column)).sum()
            };
            out.means.push(columns.clone().map(mean).collect());
            let quantile = |q: f64| -> Vec<f64> {
                columns.clone().map(|column| self.emission.quantile(&classes, column, q)).collect()
            };
            out.lower.push(quantile(0.5 - 0.5 * level));
            out.upper.push(quantile(0.5 + 0.5 * level));
        }
        out
    }
}

impl Emission {
    /// The expected value of a column.
    pub(super) fn mean(&self, class: usize, column: usize) -> f64 {
        match self {
            Self::Gaussian(e) => e.means[class][column],
            Self::GaussianMixture(e) => {
                let m = e.weights[class].len();
                let parts = e.weights[class].iter().enumerate();
                parts.map(|(i, w)| w * e.gaussians.means[class * m + i][column]).sum()
            }
            Self::Poisson(e) => e.means[class][column],
            Self::Multinomial(e) => e.total as f64 * e.probabilities[class][column],
            Self::Bernoulli(e) => e.probabilities[class][column],
            Self::Gamma(e) => e.shapes[class][column] / e.rates[class][column],
            Self::StudentT(e) => e.locations[class][column],
            Self::Regression(e) => e.coefficients[class][column],
            Self::Categorical(_) => f64::NAN,
        }
    }

    /// A middle and a width: where to look for quantiles.
    fn spread(&self, class: usize, column: usize) -> (f64, f64) {
        let mean = self.mean(class, column);
        let width = match self {
            Self::Gaussian(e) => e.moments(class, column).1.sqrt(),
            Self::GaussianMixture(e) => {
                let m = e.weights[class].len();
                let own = (0..m).map(|i| e.gaussians.moments(class * m + i, column));
                own.map(|(other, v)| v.sqrt() + (other - mean).abs()).fold(0.0, f64::max)
            }
            Self::StudentT(e) => e.squared_scales[class][column].sqrt(),
            Self::Regression(e) => e.noise.moments(class, column).1.sqrt(),
            Self::Gamma(e) => e.shapes[class][column].sqrt() / e.rates[class][column],
            _ => mean.abs().sqrt() + 1.0,
        };
        (mean, width)
    }

    /// The probability of a column at or below `x`.
    fn cdf(&self, class: usize, column: usize, x: f64) -> f64 {
        let normal = |(mean, variance): (f64, f64)| ndtr((x - mean) / variance.sqrt());
        let whole = x.floor();
        match self {
            Self::Gaussian(e) => normal(e.moments(class, column)),
            Self::GaussianMixture(e) => {
                let m = e.weights[class].len();
                let parts = e.weights[class].iter().enumerate();
                parts.map(|(i, w)| w * normal(e.gaussians.moments(class * m + i, column))).sum()
            }
            Self::Regression(e) => {
                let (_, variance) = e.noise.moments(class, column);
                normal((e.coefficients[class][column], variance))
            }
            Self::Gamma(e) => {
                gammainc(e.shapes[class][column], (e.rates[class][column] * x).max(0.0)).0
            }
            Self::StudentT(e) => {
                let nu = e.degrees[class][column];
                let z2 = (x - e.locations[class][column]).powi(2) / e.squared_scales[class][column];
                let tail = 0.5 * betainc(0.5 * nu, 0.5, nu / (nu + z2), z2 / (nu + z2)).0;
                if x > e.locations[class][column] { 1.0 - tail } else { tail }
            }
            _ if whole < 0.0 => 0.0,
            Self::Poisson(e) => match e.means[class][column] {
                0.0 => 1.0,
                mean => gammainc(whole + 1.0, mean).1,
            },
            Self::Bernoulli(e) => {
                if whole < 1.0 {
                    1.0 - e.probabilities[class][column]
                } else {
                    1.0
                }
            }
            Self::Multinomial(e) => {
                let (n, p) = (e.total as f64, e.probabilities[class][column]);
                if whole >= n { 1.0 } else { betainc(n - whole, whole + 1.0, 1.0 - p, p).0 }
            }
            Self::Categorical(_) => f64::NAN,
        }
    }

    /// The least value (of counts: whole number) at or below which a column lies with probability `q`,
    /// over a mixture of classes.
    fn quantile(&self, classes: &[f64], column: usize, q: f64) -> f64 {
        let cdf = |x: f64| -> f64 {
            classes.iter().enumerate().map(|(c, p)| p * self.cdf(c, column, x)).sum()
        };
        let used =
            || (0..classes.len()).filter(|c| classes[*c] > 0.0).map(|c| self.spread(c, column));
        let mut low = used().map(|(m, w)| m - w).fold(f64::INFINITY, f64::min);
        let mut high = used().map(|(m, w)| m + w).fold(f64::NEG_INFINITY, f64::max);
        let whole = matches!(self, Self::Poisson(_) | Self::Bernoulli(_) | Self::Multinomial(_));
        let positive = whole || matches!(self, Self::Gamma(_));
        let mut width = high - low;
        while cdf(low) >= q && !(positive && low < 0.0) && width < 1e300 {
            low -= width;
            width *= 2.0;
        }
        while cdf(high) < q && width < 1e300 {
            high += width;
            width *= 2.0;
        }
        if positive {
            low = low.max(-1.0);
        }
        if whole {
            (low, high) = (low.floor(), high.ceil());
            while high - low > 1.0 {
                let middle = (0.5 * (low + high)).floor();
                if cdf(middle) < q { low = middle } else { high = middle }
            }
            return high;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if cdf(middle) < q { low = middle } else { high = middle }
        }
        high
    }
}
