//! Some columns, and some columns given others.

use crate::factors::{Covariance, Regression};
use crate::mixture::Parameters;
use crate::pass;
use crate::{CovarianceModel, MISSING, Mixture, MixtureError, Table};

/// What a mixture says about the missing cells of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// The distribution of the missing cells: weights are the components' probabilities given the
    /// observed cells.
    pub mixture: Mixture,
    /// Which numeric columns these are.
    pub numbers: Vec<usize>,
    /// Which categorical columns these are.
    pub categories: Vec<usize>,
}

fn check_columns(asked: &[usize], columns: usize) -> Result<(), MixtureError> {
    let ascending = asked.windows(2).all(|w| w[0] < w[1]);
    if ascending && asked.last().is_none_or(|last| *last < columns) {
        return Ok(());
    }
    Err(MixtureError::Selection { got: asked.to_vec(), columns })
}

impl Mixture {
    /// Probabilities of some categorical columns, `[k, sum of their levels]`, and their levels.
    fn tables(&self, columns: &[usize]) -> (Vec<u32>, Vec<f64>) {
        let levels = columns.iter().map(|j| self.levels()[*j]).collect();
        let of = |c: usize| columns.iter().flat_map(move |j| self.probabilities(c, *j).to_vec());
        (levels, (0..self.components()).flat_map(of).collect())
    }

    /// The distribution of some columns, whatever the others are.
    ///
    /// # Errors
    /// Columns that are not ascending, or not there; no columns at all.
    pub fn marginal(&self, numbers: &[usize], categories: &[usize]) -> Result<Self, MixtureError> {
        check_columns(numbers, self.columns())?;
        check_columns(categories, self.levels().len())?;
        let k = self.components();
        let covariance = match self.components.dense {
            true => CovarianceModel::FULL,
            false => CovarianceModel::DIAGONAL,
        };
        let (levels, probabilities) = self.tables(categories);
        Self::from_parameters(Parameters {
            covariance,
            columns: numbers.len(),
            levels,
            weights: self.weights().to_vec(),
            means: (0..k).flat_map(|c| numbers.iter().map(move |j| self.mean(c)[*j])).collect(),
            covariances: (0..k).flat_map(|c| self.components.covariance(c).part(numbers)).collect(),
            probabilities,
        })
    }

    /// The distribution of the missing cells of one row given its observed cells: numbers that are
    /// NaN and codes that are [`MISSING`].
    ///
    /// ```text
    /// weight_k = r_k(observed)
    /// mean_k = mean_m + S_mo S_oo^-1 (x_o - mean_o);   covariance_k = S_mm - S_mo S_oo^-1 S_om
    /// ```
    ///
    /// Its [`sample`](Self::sample) draws the missing cells, its
    /// [`log_density`](Self::log_density) is their density given the others.
    ///
    /// # Errors
    /// A row of other columns, one without missing cells, or one that has probability zero.
    ///
    /// # References
    /// Bishop (2006), equations 2.81 and 2.82.
    ///
    /// ```
    /// use pyrogen_mixture::{Covariances, Mixture};
    ///
    /// let tied = Covariances::Tied(vec![1.0, 0.5, 0.5, 1.0]);
    /// let mixture = Mixture::gaussian(vec![0.5, 0.5], vec![0.0, 0.0, 50.0, 9.0], tied)?;
    /// let given = mixture.condition(&[52.0, f64::NAN], &[])?;
    /// assert_eq!(given.numbers, [1]);
    /// assert!(given.mixture.weights()[1] > 0.999_999);
    /// assert!((given.mixture.mean(1)[0] - 10.0).abs() < 1e-12); // 9 + 0.5 (52 - 50)
    /// assert!((given.mixture.covariance(1)[0] - 0.75).abs() < 1e-12); // 1 - 0.5^2
    /// # Ok::<(), pyrogen_mixture::MixtureError>(())
    /// ```
    pub fn condition(&self, numbers: &[f64], codes: &[u32]) -> Result<Conditional, MixtureError> {
        let row = match numbers.len() {
            0 => Table::categorical(codes.to_vec(), self.levels().to_vec())?,
            d => Table::numeric(numbers.to_vec(), d)?
                .with_categories(codes.to_vec(), self.levels().to_vec())?,
        };
        let weights = self.responsibilities(&row)?;
        let missing: Vec<usize> = (0..numbers.len()).filter(|j| numbers[*j].is_nan()).collect();
        let categories: Vec<usize> = (0..codes.len()).filter(|j| codes[*j] == MISSING).collect();
        let (levels, probabilities) = self.tables(&categories);
        let (mut means, mut covariances) = (Vec::new(), Vec::new());
        let seen = match missing.is_empty() {
            true => Vec::new(),
            false => self.components.seen(&row, 0),
        };
        for (c, seen) in seen.iter().enumerate() {
            let observed = numbers.iter().filter(|v| !v.is_nan());
            let diff: Vec<f64> = observed.zip(&seen.factor.mean).map(|(v, m)| v - m).collect();
            means.extend(seen.regression.expected(self.mean(c), &missing, &diff));
            covariances.extend_from_slice(seen.regression.residual());
        }
        let covariance = match self.components.dense {
            true => CovarianceModel::FULL,
            false => CovarianceModel::DIAGONAL,
        };
        let columns = missing.len();
        let mixture = Self::from_parameters(Parameters {
            covariance,
            columns,
            levels,
            // They sum to 1 up to rounding.
            weights,
            means,
            covariances,
            probabilities,
        })?;
        Ok(Conditional { mixture, numbers: missing, categories })
    }

    /// The log density of each row's other observed cells given those in some columns.
    ///
    /// # Units
    /// Nats.
    ///
    /// # Errors
    /// A table of other columns, columns that are not ascending or not there, or a row whose given
    /// cells have probability zero.
    pub fn log_density_given(
        &self,
        table: &Table,
        numbers: &[usize],
        categories: &[usize],
    ) -> Result<Vec<f64>, MixtureError> {
        self.check(table)?;
        check_columns(numbers, self.columns())?;
        check_columns(categories, self.levels().len())?;
        let cell = |j: usize, v: f64| if numbers.contains(&j) { v } else { f64::NAN };
        let code = |j: usize, c: u32| if categories.contains(&j) { c } else { MISSING };
        let (d, columns) = (self.columns().max(1), self.levels().len().max(1));
        let given = table.with_cells(
            table.all_numbers().iter().enumerate().map(|(e, v)| cell(e % d, *v)).collect(),
            table.all_codes().iter().enumerate().map(|(e, c)| code(e % columns, *c)).collect(),
        );
        let whole = pass::evaluate(&self.components, table, false).0;
        let given = pass::evaluate(&self.components, &given, false).0;
        if let Some(row) = given.iter().position(|v| *v == f64::NEG_INFINITY) {
            return Err(MixtureError::Impossible { row });
        }
        Ok(whole.iter().zip(given).map(|(whole, given)| whole - given).collect())
    }
}

impl Regression {
    /// Expectations of the missing columns.
    pub(crate) fn expected(&self, mean: &[f64], missing: &[usize], diff: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = missing.iter().map(|j| mean[*j]).collect();
        if let Self::Dense { slopes, .. } = self
            && !diff.is_empty()
        {
            for (out, slopes) in out.iter_mut().zip(slopes.chunks_exact(diff.len())) {
                *out += slopes.iter().zip(diff).map(|(s, x)| s * x).sum::<f64>();
            }
        }
        out
    }

    /// The covariance that is left: a lower triangle, or a diagonal.
    pub(crate) fn residual(&self) -> &[f64] {
        match self {
            Self::Dense { residual, .. } | Self::Diagonal { residual } => residual,
        }
    }

    /// The same, with what it is.
    pub(crate) fn covariance(&self) -> Covariance<'_> {
        match self {
            Self::Dense { residual, .. } => Covariance::Dense(residual),
            Self::Diagonal { residual } => Covariance::Diagonal(residual),
        }
    }
}
