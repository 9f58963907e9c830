//! Emission distributions: what a state shows.

mod categorical;
mod counts;
mod gamma;
mod gaussian;
mod gaussian_kernel;
mod mixture;
mod regression;
mod student;
mod validate;

use serde::{Deserialize, Serialize};

pub use categorical::{Categorical, Multinomial};
pub use counts::{Bernoulli, Poisson};
pub use gamma::Gamma;
pub use gaussian::{Covariance, Gaussian};
pub use mixture::GaussianMixture;
pub use regression::Regression;
pub use student::StudentT;

use pyrogen_core::Draws;

use crate::MarkovError;
use crate::sequences::{MISSING, Sequences, View};

/// The emission distributions of all states of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Emission {
    /// A Gaussian a state.
    Gaussian(Gaussian),
    /// A mixture of Gaussians a state.
    GaussianMixture(GaussianMixture),
    /// Counts, one mean a state and column.
    Poisson(Poisson),
    /// Symbols, one probability a state and symbol.
    Categorical(Categorical),
    /// Rows of counts of categories, with any totals.
    Multinomial(Multinomial),
    /// Columns of 0 and 1.
    Bernoulli(Bernoulli),
    /// Positive numbers.
    Gamma(Gamma),
    /// Numbers with heavy tails.
    StudentT(StudentT),
    /// Linear in earlier rows and in inputs, with Gaussian noise.
    Regression(Regression),
}

/// Constraints and priors of an update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// The least variance of each column.
    pub(crate) floors: Vec<f64>,
    /// Added to the sums of squares.
    pub(crate) covariance_prior: f64,
    /// Added to the counts of categories.
    pub(crate) count_prior: f64,
}

/// A view of emissions with all that is computed once a pass.
pub(crate) trait Kernel: Sync {
    /// Log-densities `[steps, classes]`.
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]);

    /// Length of the sums that [`accumulate`](Self::accumulate) adds to.
    fn statistics(&self) -> usize;

    /// Adds the sufficient statistics of steps that belong to the classes by `share`
    /// (`[steps, classes]`).
    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]);
}

/// What every emission distribution can do.
pub(crate) trait Density {
    /// Number of distributions.
    fn classes(&self) -> usize;

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError>;

    /// Sets the parameters that maximise the expected log-likelihood; a class without data keeps
    /// its own. Gives the classes that a floor holds.
    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize>;

    fn free_parameters(&self) -> usize;

    /// A row of class `class`; a symbol as its number. `history` holds the rows before it, one
    /// behind the other, the latest last.
    fn draw(&self, class: usize, history: &[f64], input: &[f64], draws: &mut Draws) -> Vec<f64>;

    /// The log-density of the prior, up to a constant.
    fn log_prior(&self, rules: &Rules) -> f64 {
        let _ = rules;
        0.0
    }
}

impl Emission {
    pub(crate) fn density(&self) -> &dyn Density {
        match self {
            Self::Gaussian(e) => e,
            Self::GaussianMixture(e) => e,
            Self::Poisson(e) => e,
            Self::Categorical(e) => e,
            Self::Multinomial(e) => e,
            Self::Bernoulli(e) => e,
            Self::Gamma(e) => e,
            Self::StudentT(e) => e,
            Self::Regression(e) => e,
        }
    }

    pub(crate) fn density_mut(&mut self) -> &mut dyn Density {
        match self {
            Self::Gaussian(e) => e,
            Self::GaussianMixture(e) => e,
            Self::Poisson(e) => e,
            Self::Categorical(e) => e,
            Self::Multinomial(e) => e,
            Self::Bernoulli(e) => e,
            Self::Gamma(e) => e,
            Self::StudentT(e) => e,
            Self::Regression(e) => e,
        }
    }

    /// Sum of the inverse variances (the traces of the inverse covariances), over all Gaussians.
    pub(crate) fn inverse_variances(&self) -> f64 {
        match self {
            Self::Gaussian(e) => e.inverse_variances(),
            Self::GaussianMixture(e) => e.gaussians.inverse_variances(),
            Self::Regression(e) => e.noise.inverse_variances(),
            Self::StudentT(e) => e.squared_scales.iter().flatten().map(|v| 1.0 / v).sum(),
            _ => 0.0,
        }
    }

    /// Number of distributions: the model's states, or fewer where states share them.
    pub fn classes(&self) -> usize {
        self.density().classes()
    }

    /// Number of parameters that are free.
    pub fn free_parameters(&self) -> usize {
        self.density().free_parameters()
    }

    /// Columns of a row; none for symbols.
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Gaussian(e) => Some(e.width()),
            Self::GaussianMixture(e) => Some(e.gaussians.width()),
            Self::Poisson(e) => Some(e.means[0].len()),
            Self::Categorical(_) => None,
            Self::Multinomial(e) => Some(e.probabilities[0].len()),
            Self::Bernoulli(e) => Some(e.probabilities[0].len()),
            Self::Gamma(e) => Some(e.shapes[0].len()),
            Self::StudentT(e) => Some(e.locations[0].len()),
            Self::Regression(e) => Some(e.noise.width()),
        }
    }

    /// Columns of the inputs that the emissions depend on.
    pub fn input_width(&self) -> usize {
        match self {
            Self::Regression(e) => e.inputs,
            _ => 0,
        }
    }

    /// Rows before the present one that the emissions depend on.
    pub fn lags(&self) -> usize {
        match self {
            Self::Regression(e) => e.lags,
            _ => 0,
        }
    }

    /// Checks that the distributions can have made the data's values.
    ///
    /// # Errors
    /// Data of another kind or width, or the first value that is not in the range.
    pub fn check(&self, data: &Sequences) -> Result<(), MarkovError> {
        if data.width() != self.width() {
            let expected = match self.width() {
                Some(width) => format!("rows of {width} numbers"),
                None => "symbols".into(),
            };
            return Err(MarkovError::Kind { expected, got: data.kind() });
        }
        if data.input_width() < self.input_width() {
            let expected = format!("{} inputs a step", self.input_width());
            let got = format!("{} inputs a step", data.input_width());
            return Err(MarkovError::Kind { expected, got });
        }
        if let Self::Categorical(e) = self {
            return check_symbols(data, e.probabilities[0].len());
        }
        match range(self) {
            Some((expected, ok)) => check_values(data, expected, ok),
            None => Ok(()),
        }
    }
}

/// What values are allowed, in words and as a test.
type Range = (&'static str, fn(f64) -> bool);

/// Values that a distribution can have.
fn range(emission: &Emission) -> Option<Range> {
    /// Above it, not all whole numbers are f64.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    match emission {
        Emission::Poisson(_) | Emission::Multinomial(_) => {
            Some(("a whole number of at least 0", |v| v >= 0.0 && v.fract() == 0.0 && v <= LARGEST))
        }
        Emission::Bernoulli(_) => Some(("0 or 1", |v| v == 0.0 || v == 1.0)),
        Emission::Gamma(_) => Some(("above 0", |v| v > 0.0)),
        _ => None,
    }
}

fn check_values(
    data: &Sequences,
    expected: &'static str,
    ok: fn(f64) -> bool,
) -> Result<(), MarkovError> {
    let (values, width) = (data.values().unwrap_or(&[]), data.width().unwrap_or(1));
    match values.iter().position(|v| !v.is_nan() && !ok(*v)) {
        None => Ok(()),
        Some(place) => {
            let (sequence, step) = data.locate(place / width);
            let (column, value) = (place % width, values[place]);
            Err(MarkovError::Value { sequence, step, column, expected, value })
        }
    }
}

fn check_symbols(data: &Sequences, symbols: usize) -> Result<(), MarkovError> {
    let all = data.all_symbols().unwrap_or(&[]);
    match all.iter().position(|s| *s != MISSING && *s as usize >= symbols) {
        None => Ok(()),
        Some(place) => {
            let (sequence, step) = data.locate(place);
            Err(MarkovError::Symbol { sequence, step, symbol: all[place], symbols })
        }
    }
}
