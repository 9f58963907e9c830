//! Preparations by name, fitted to data.

use serde::{Deserialize, Serialize};

use super::{
    Binarise, Bounds, Dequantise, LevelQuantiles, Logit, MissingNumbers, OneHot, Preparation,
    Quantiles, Scale, SpreadColumns, Standardise, Step, density, rare, step_error,
};
use crate::table::{Column, ColumnKind};
use crate::{DataError, RawRows};

/// A way to prepare data, before it is fitted to any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipe {
    /// Nothing: raw values.
    #[default]
    Raw,
    /// To `[0, 1]`: by the levels or the range where they are known, else by the smallest and largest
    /// value.
    Unit,
    /// To `[0, 1]` and then to 0 or 1.
    Binarised(Binarise),
    /// Integers spread over their cells in (0, 1), and taken to the real line if `logit` is given.
    Dequantised {
        /// The `alpha` of [`Logit`].
        logit: Option<f64>,
    },
    /// Integers spread over cells of the standard normal distribution by [`LevelQuantiles`].
    LevelQuantiles,
    /// Mean 0 and standard deviation 1, element by element.
    Standardised,
    /// For tables: numbers standardised, categories as indicators.
    Table,
    /// For tables: numbers made normal by [`Quantiles`], categories as indicators.
    QuantileTable {
        /// The share of examples from which on a value of a number is a spike, kept apart by
        /// an indicator of its own (eight examples at least); above 1 there are none.
        spike: f64,
        /// How far samples may go.
        #[serde(default)]
        bounds: Bounds,
    },
    /// For densities: numbers standardised; categories, numbers on a grid and numbers that recur spread
    /// over the cells of a normal distribution by [`Quantiles`], where a density bounds their probability.
    /// Of a number that may be missing two are made by [`SpreadMissing`]: whether it is there, spread over
    /// cells, and the number, or a draw where it is missing.
    Spread,
    /// As [`Spread`](Self::Spread), with columns that are a condition of the others, and columns on circles.
    SpreadWith(SpreadColumns),
}

/// The share of a table's rows from which on a value of a number is kept apart.
const SPIKE: f64 = 0.05;

impl Recipe {
    /// What suits the data where nothing is asked for: tables with a schema as tables of quantiles,
    /// with values of a twentieth of the examples as spikes; pictures and other levels to `[0, 1]`,
    /// all else standardised.
    pub fn suited_to(data: &dyn RawRows) -> Self {
        if data.schema().is_some() {
            Self::QuantileTable { spike: SPIKE, bounds: Bounds::Tails }
        } else if data.levels().is_some() || data.layout().is_picture() {
            Self::Unit
        } else {
            Self::Standardised
        }
    }
}

impl Preparation {
    /// Fits a recipe to data: use the training part.
    ///
    /// # Errors
    /// A recipe that does not suit the data (dequantising real numbers), or parameters out of
    /// range.
    pub fn fit(recipe: &Recipe, data: &dyn RawRows) -> Result<Self, DataError> {
        let steps = match recipe {
            Recipe::Raw => Vec::new(),
            Recipe::Unit => vec![unit(data)?],
            Recipe::Binarised(binarise) => vec![unit(data)?, Step::Binarise(*binarise)],
            Recipe::Dequantised { logit } => dequantised(data, *logit)?,
            Recipe::LevelQuantiles => vec![Step::LevelQuantiles(LevelQuantiles::fit(data)?)],
            Recipe::Standardised => vec![Step::Standardise(Standardise::fit(data)?)],
            Recipe::Table => table(data)?,
            Recipe::QuantileTable { spike, bounds } => quantile_table(data, *spike, *bounds)?,
            Recipe::Spread => density::steps(data, &SpreadColumns::default())?,
            Recipe::SpreadWith(columns) => density::steps(data, columns)?,
        };
        Self::new(data.layout().clone(), steps)
    }
}

fn unit(data: &dyn RawRows) -> Result<Step, DataError> {
    if let Some(levels) = data.levels() {
        return Ok(Step::Scale(Scale::unit(levels)));
    }
    if let Some([black, white]) = data.layout().range {
        return Ok(Step::Scale(Scale { shift: black, scale: white - black }));
    }
    let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
    data.each(&mut |values| {
        for &v in values {
            (min, max) = (min.min(v), max.max(v));
        }
    })?;
    let span = max - min;
    Ok(Step::Scale(Scale { shift: min, scale: if span.is_normal() { span } else { 1.0 } }))
}

fn dequantised(data: &dyn RawRows, logit: Option<f64>) -> Result<Vec<Step>, DataError> {
    let Some(levels) = data.levels() else {
        let got = "values without known levels";
        return Err(step_error("dequantise", "integers from 0 up (pictures of 8 bits)", got));
    };
    let mut steps = vec![Step::Dequantise(Dequantise { levels })];
    steps.extend(logit.map(|alpha| Step::Logit(Logit { alpha })));
    Ok(steps)
}

/// The number of categories of each column; none for numbers.
pub(super) fn categories(data: &dyn RawRows) -> Vec<Option<usize>> {
    let Some(schema) = data.schema() else {
        return vec![None; data.width()];
    };
    let count = |kind: &ColumnKind| match kind {
        ColumnKind::Categorical { categories } => Some(categories.len()),
        _ => None,
    };
    schema.columns.iter().map(|column| count(&column.kind)).collect()
}

fn table(data: &dyn RawRows) -> Result<Vec<Step>, DataError> {
    let mut standardise = Standardise::fit(data)?;
    let categories = categories(data);
    for (j, _) in categories.iter().enumerate().filter(|(_, c)| c.is_some()) {
        (standardise.mean[j], standardise.std[j]) = (0.0, 1.0);
    }
    let mut steps = vec![Step::Standardise(standardise)];
    let columns = data.schema().map_or(&[][..], |schema| &schema.columns);
    let missing = |c: &Column| c.kind.categories().is_none() && c.may_be_missing();
    let elements: Vec<bool> = columns.iter().map(missing).collect();
    let mut parts = categories;
    if elements.contains(&true) {
        // Whether it is missing, and the number.
        let part = |(c, &missing): (Option<usize>, &bool)| {
            if missing { vec![Some(2), None] } else { vec![c] }
        };
        parts = parts.into_iter().zip(&elements).flat_map(part).collect();
        steps.push(Step::MissingNumbers(MissingNumbers { elements }));
    }
    Ok(with_indicators(steps, parts))
}

fn quantile_table(data: &dyn RawRows, spike: f64, bounds: Bounds) -> Result<Vec<Step>, DataError> {
    if spike.is_nan() || spike <= 0.0 {
        return Err(step_error("quantiles", "a share of examples above 0", spike));
    }
    let categories = categories(data);
    let mut quantiles = Quantiles::fit(data, spike, bounds, |j| categories[j].is_none())?;
    for (j, count) in categories.iter().enumerate() {
        if let Some(count) = *count {
            quantiles.elements[j] = rare::categories(&data.column(j)?, count);
        }
    }
    let parts = quantiles.elements.iter().zip(categories).flat_map(|(element, categories)| {
        match element.as_ref().map(|e| e.states()) {
            // Which state it is, and the number.
            Some(states) if states > 0 => vec![Some(states + 1), None],
            Some(_) => vec![None],
            None => vec![categories],
        }
    });
    let parts = parts.collect();
    Ok(with_indicators(vec![Step::Quantiles(quantiles)], parts))
}

pub(super) fn with_indicators(mut steps: Vec<Step>, categories: Vec<Option<usize>>) -> Vec<Step> {
    if categories.iter().any(Option::is_some) {
        steps.push(Step::OneHot(OneHot { categories }));
    }
    steps
}
