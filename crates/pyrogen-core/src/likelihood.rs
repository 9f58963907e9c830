//! What a model says about how probable data is, and how sure it is of that.

use std::f64::consts::LN_2;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What kind of number a log-likelihood is. Numbers of different kinds are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LikelihoodKind {
    /// `log p(x)` itself.
    Exact,
    /// A number that is below `log p(x)` in expectation (an evidence lower bound).
    LowerBound,
    /// A Monte Carlo estimate of `log p(x)`.
    Estimate,
}

/// What an example is made of, for rates: nats a token, bits a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// A dimension: a pixel of a channel, a column.
    #[default]
    Dimension,
    /// A token of a text.
    Token,
    /// A byte of a text.
    Byte,
    /// A step of a sequence.
    Step,
    /// A cell of a table.
    Cell,
}

/// How many units the examples have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counts {
    /// Every example the same number.
    Same(usize),
    /// Each example its own.
    Each(Vec<usize>),
}

/// Log-likelihood of some examples: one value each, of a stated kind, with the unit that examples
/// are made of.
///
/// # Units
/// Nats. Rates ([`nats_per_unit`](Self::nats_per_unit), [`bits_per_unit`](Self::bits_per_unit)) are
/// derived, as ratios of sums: with examples of unequal lengths each unit counts the same.
///
/// # Examples
/// ```
/// use pyrogen_core::{Counts, Likelihood, Unit};
///
/// // Two texts, of 10 and of 30 tokens.
/// let texts = Likelihood::exact(vec![-20.0, -100.0], 1)
///     .in_units(Unit::Token, Counts::Each(vec![10, 30]));
/// assert_eq!(texts.nats_per_unit(), 3.0); // and not the mean of 2 and 3.33
/// assert_eq!(texts.total_nats(), -120.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Likelihood {
    kind: LikelihoodKind,
    nats: Vec<f64>,
    std_err: Option<Vec<f64>>,
    unit: Unit,
    counts: Counts,
    conditional: bool,
}

impl Likelihood {
    fn new(kind: LikelihoodKind, nats: Vec<f64>, std_err: Option<Vec<f64>>, dims: usize) -> Self {
        let (unit, counts) = (Unit::Dimension, Counts::Same(dims));
        Self { kind, nats, std_err, unit, counts, conditional: false }
    }

    /// Exact values; `dims` is the number of dimensions of one example.
    pub fn exact(nats: Vec<f64>, dims: usize) -> Self {
        Self::new(LikelihoodKind::Exact, nats, None, dims)
    }

    /// Lower bounds, with the Monte Carlo standard error of each where the bound is sampled.
    ///
    /// # Panics
    /// If there are standard errors, and not one a value.
    pub fn lower_bound(nats: Vec<f64>, std_err: Option<Vec<f64>>, dims: usize) -> Self {
        let errors = std_err.as_ref().map_or(nats.len(), Vec::len);
        assert_eq!(nats.len(), errors, "Likelihood::lower_bound: one standard error a value");
        Self::new(LikelihoodKind::LowerBound, nats, std_err, dims)
    }

    /// Estimates with their Monte Carlo standard errors.
    ///
    /// # Panics
    /// If there is not one standard error a value.
    pub fn estimate(nats: Vec<f64>, std_err: Vec<f64>, dims: usize) -> Self {
        assert_eq!(nats.len(), std_err.len(), "Likelihood::estimate: one standard error a value");
        Self::new(LikelihoodKind::Estimate, nats, Some(std_err), dims)
    }

    /// The mean of the values of several draws of what the data was spread by, as a lower bound: of the
    /// probability of whole numbers that were made real ones by noise. Its standard errors are those of
    /// the draws.
    ///
    /// # Panics
    /// If there are fewer than two, or of different examples.
    ///
    /// # References
    /// Theis, van den Oord and Bethge 2016, section 3.1.
    ///
    /// ```
    /// use pyrogen_core::{Likelihood, LikelihoodKind};
    ///
    /// let draw = |nats: f64| Likelihood::exact(vec![nats], 1);
    /// let bound = Likelihood::bound_of_draws(&[draw(-1.0), draw(-3.0)]);
    /// assert_eq!((bound.kind(), bound.nats()), (LikelihoodKind::LowerBound, &[-2.0][..]));
    /// assert_eq!(bound.std_err(), Some(1.0));
    /// ```
    pub fn bound_of_draws(draws: &[Self]) -> Self {
        let n = draws.len() as f64;
        assert!(draws.len() > 1, "Likelihood::bound_of_draws: two draws or more");
        let of = |i: usize| draws.iter().map(move |draw| draw.nats[i]);
        let rows = draws[0].nats.len();
        assert!(
            draws.iter().all(|draw| draw.nats.len() == rows),
            "Likelihood::bound_of_draws: different examples"
        );
        let nats: Vec<f64> = (0..rows).map(|i| of(i).sum::<f64>() / n).collect();
        let error = |i: usize| {
            let squares: f64 = of(i).map(|v| (v - nats[i]).powi(2)).sum();
            (squares / (n - 1.0) / n).sqrt()
        };
        let std_err = Some((0..rows).map(error).collect());
        Self { kind: LikelihoodKind::LowerBound, nats, std_err, ..draws[0].clone() }
    }

    /// The same values with another unit, and how many of it the examples have.
    ///
    /// # Panics
    /// If there is not one count an example.
    pub fn in_units(self, unit: Unit, counts: Counts) -> Self {
        if let Counts::Each(each) = &counts {
            assert_eq!(each.len(), self.nats.len(), "Likelihood::in_units: one count an example");
        }
        Self { unit, counts, ..self }
    }

    /// Whether the values are `log p(x | condition)` and not `log p(x)`.
    pub fn conditional(self, conditional: bool) -> Self {
        Self { conditional, ..self }
    }

    /// What kind of number this is.
    pub fn kind(&self) -> LikelihoodKind {
        self.kind
    }

    /// Whether the values are `log p(x | condition)` and not `log p(x)`.
    pub fn is_conditional(&self) -> bool {
        self.conditional
    }

    /// One value an example, in nats.
    pub fn nats(&self) -> &[f64] {
        &self.nats
    }

    /// The Monte Carlo standard error of each value.
    pub fn example_std_err(&self) -> Option<&[f64]> {
        self.std_err.as_deref()
    }

    /// What an example is made of.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// How many units the examples have.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many units all examples have together.
    pub fn units(&self) -> usize {
        match &self.counts {
            Counts::Same(each) => each * self.nats.len(),
            Counts::Each(each) => each.iter().sum(),
        }
    }

    /// Number of dimensions of one example, where that is the unit and all have the same number.
    pub fn dims(&self) -> Option<usize> {
        match (self.unit, &self.counts) {
            (Unit::Dimension, Counts::Same(dims)) => Some(*dims),
            _ => None,
        }
    }

    /// Sum over the examples, in nats: the log-likelihood of all of them.
    pub fn total_nats(&self) -> f64 {
        self.nats.iter().sum()
    }

    /// Mean over the examples, in nats; NaN without examples.
    pub fn mean_nats(&self) -> f64 {
        self.total_nats() / self.nats.len() as f64
    }

    /// Monte Carlo standard error of [`mean_nats`](Self::mean_nats) on these examples:
    /// `sqrt(sum_i se_i^2) / n`. None where nothing was sampled.
    pub fn std_err(&self) -> Option<f64> {
        let errors = self.std_err.as_ref()?;
        let sum: f64 = errors.iter().map(|e| e * e).sum();
        Some(sum.sqrt() / self.nats.len() as f64)
    }

    /// Standard error of the mean as an estimate for the population the examples come from:
    /// `sd(nats) / sqrt(n)`. NaN with fewer than two examples.
    pub fn population_std_err(&self) -> f64 {
        let n = self.nats.len() as f64;
        let mean = self.mean_nats();
        let ss: f64 = self.nats.iter().map(|v| (v - mean).powi(2)).sum();
        (ss / (n - 1.0) / n).sqrt()
    }

    /// What one unit costs in nats when this model codes it: `-total_nats / units`, a ratio of sums.
    /// NaN without units.
    pub fn nats_per_unit(&self) -> f64 {
        -self.total_nats() / self.units() as f64
    }

    /// What one unit costs in bits when this model codes it: `nats_per_unit / ln 2`.
    pub fn bits_per_unit(&self) -> f64 {
        self.nats_per_unit() / LN_2
    }

    /// [`bits_per_unit`](Self::bits_per_unit) where the unit is a dimension: what one dimension costs
    /// in bits. NaN for another unit.
    pub fn bits_per_dim(&self) -> f64 {
        if self.unit == Unit::Dimension { self.bits_per_unit() } else { f64::NAN }
    }

    /// Adds one number to each value: the log-determinant of a change of units, which turns a
    /// density of prepared values into one of raw values.
    ///
    /// # Panics
    /// If there is not one number a value.
    pub fn shifted(mut self, by: &[f64]) -> Self {
        assert_eq!(self.nats.len(), by.len(), "Likelihood::shifted: one number a value");
        self.nats.iter_mut().zip(by).for_each(|(v, b)| *v += b);
        self
    }

    /// The values of the examples `rows`.
    ///
    /// # Panics
    /// If there are no such examples.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        Self {
            nats: self.nats[rows.clone()].to_vec(),
            std_err: self.std_err.as_ref().map(|errors| errors[rows.clone()].to_vec()),
            counts: match &self.counts {
                Counts::Same(each) => Counts::Same(*each),
                Counts::Each(each) => Counts::Each(each[rows].to_vec()),
            },
            ..*self
        }
    }

    /// Joins the values of another part of the same data.
    ///
    /// # Panics
    /// If the kinds or the units differ, or only one of the two is conditional, or the unit is a
    /// dimension and the numbers of dimensions differ.
    pub fn extend(&mut self, other: Likelihood) {
        let what = |l: &Self| (l.kind, l.unit, l.conditional, l.dims());
        assert_eq!(what(self), what(&other), "Likelihood::extend: these are not of one kind");
        if self.counts != other.counts || matches!(self.counts, Counts::Each(_)) {
            let mut each = self.each_count();
            each.extend(other.each_count());
            self.counts = Counts::Each(each);
        }
        self.nats.extend(other.nats);
        if let (Some(mine), Some(theirs)) = (&mut self.std_err, other.std_err) {
            mine.extend(theirs);
        } else {
            self.std_err = None;
        }
    }

    fn each_count(&self) -> Vec<usize> {
        match &self.counts {
            Counts::Same(each) => vec![*each; self.nats.len()],
            Counts::Each(each) => each.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_errors_and_bits() {
        let l = Likelihood::estimate(vec![-1.0, -3.0], vec![0.3, 0.4], 2);
        assert_eq!(l.mean_nats(), -2.0);
        assert!((l.std_err().unwrap() - 0.25).abs() < 1e-12);
        assert!((l.population_std_err() - 1.0).abs() < 1e-12);
        assert!((l.bits_per_dim() - 1.0 / LN_2).abs() < 1e-12);
        assert_eq!((l.dims(), l.units(), l.total_nats()), (Some(2), 4, -4.0));
    }

    #[test]
    fn rates_of_ragged_examples_are_ratios_of_sums() {
        let part = |nats: Vec<f64>, counts| {
            Likelihood::exact(nats, 1).in_units(Unit::Token, counts).conditional(true)
        };
        let mut all = part(vec![-4.0], Counts::Same(2));
        all.extend(part(vec![-9.0], Counts::Same(3)));
        all.extend(part(vec![-1.0, -2.0], Counts::Each(vec![1, 10])));
        assert_eq!(all.counts(), &Counts::Each(vec![2, 3, 1, 10]));
        assert_eq!((all.units(), all.total_nats(), all.nats_per_unit()), (16, -16.0, 1.0));
        assert!((all.bits_per_unit() - 1.0 / LN_2).abs() < 1e-12);
        let part = all.rows(1..3);
        assert_eq!((part.nats(), part.units()), ([-9.0, -1.0].as_slice(), 4));
        assert!(part.is_conditional());
        assert!(all.is_conditional() && all.bits_per_dim().is_nan() && all.dims().is_none());
    }

    #[test]
    fn equal_counts_stay_one_number() {
        let mut all = Likelihood::exact(vec![-1.0], 3);
        all.extend(Likelihood::exact(vec![-2.0], 3));
        assert_eq!(all.counts(), &Counts::Same(3));
    }

    #[test]
    #[should_panic(expected = "Likelihood::extend")]
    fn kinds_do_not_mix() {
        Likelihood::exact(vec![0.0], 1).extend(Likelihood::lower_bound(vec![0.0], None, 1));
    }

    #[test]
    #[should_panic(expected = "Likelihood::extend")]
    fn units_do_not_mix() {
        let texts = Likelihood::exact(vec![0.0], 1).in_units(Unit::Byte, Counts::Same(1));
        Likelihood::exact(vec![0.0], 1).extend(texts);
    }

    #[test]
    #[should_panic(expected = "Likelihood::extend")]
    fn conditions_do_not_mix() {
        Likelihood::exact(vec![0.0], 1).extend(Likelihood::exact(vec![0.0], 1).conditional(true));
    }

    #[test]
    #[should_panic(expected = "Likelihood::extend")]
    fn dimensions_do_not_mix() {
        Likelihood::exact(vec![0.0], 1).extend(Likelihood::exact(vec![0.0], 2));
    }
}
