//! Steps that make rows fill their space, so that they have a density.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::recipe::{categories, with_indicators};
use super::{
    Bounds, Circle, ConditionColumns, MissingNumbers, Periodic, Quantiles, RestDistribution,
    SpikedDistribution, SpreadMissing, Standardise, Step, rare, step_error,
};
use crate::{DataError, RawRows};

/// Which columns of [`Recipe::SpreadWith`](super::Recipe::SpreadWith) are not as the others. Columns without a
/// name are named by their number, from 1 on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpreadColumns {
    /// Columns that are a condition of the others. Their numbers are standardised, their categories become
    /// indicators, and so does whether a number is missing; nothing of them is spread or counted.
    pub conditions: Vec<String>,
    /// Columns of numbers on a circle, with their period: 360 for degrees, 24 for hours. They become angles.
    pub periods: BTreeMap<String, f64>,
}

/// What a column is to a density.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Learnt,
    Condition,
    Circle(f64),
}

/// The name in messages.
const NAME: &str = "spread";

/// More than any share: no value is kept apart.
const NO_SPIKES: f64 = 2.0;

impl SpreadColumns {
    /// What each column is.
    fn roles(&self, data: &dyn RawRows, numbers: &[bool]) -> Result<Vec<Role>, DataError> {
        let name = |j: usize| match data.schema() {
            Some(schema) => schema.columns[j].name.clone(),
            None => (j + 1).to_string(),
        };
        let width = data.width();
        let place = |wanted: &String| {
            (0..width).find(|&j| name(j) == *wanted).ok_or_else(|| {
                let known: Vec<String> = (0..width.min(50)).map(name).collect();
                let expected = format!("names of columns: {}", known.join(", "));
                step_error(NAME, expected, format!("`{wanted}`"))
            })
        };
        let mut roles = vec![Role::Learnt; width];
        for wanted in &self.conditions {
            roles[place(wanted)?] = Role::Condition;
        }
        for (wanted, &period) in &self.periods {
            let j = place(wanted)?;
            let fault = match (period.is_normal() && period > 0.0, numbers[j], roles[j]) {
                (false, ..) => Some(("a period above 0", period.to_string())),
                (_, false, _) => Some(("a period of a column of numbers", "categories".into())),
                (.., Role::Condition) => {
                    Some(("a column that is a condition or has a period", "both".into()))
                }
                _ => None,
            };
            if let Some((expected, got)) = fault {
                return Err(step_error(NAME, expected, format!("{got} for column `{wanted}`")));
            }
            roles[j] = Role::Circle(period);
        }
        match roles.iter().all(|role| *role == Role::Condition) {
            true => {
                let expected = "one column or more that is no condition";
                Err(step_error(NAME, expected, format!("{width} conditions of {width} columns")))
            }
            false => Ok(roles),
        }
    }
}

/// The steps for rows of these columns.
pub(super) fn steps(data: &dyn RawRows, columns: &SpreadColumns) -> Result<Vec<Step>, DataError> {
    let categories = categories(data);
    let numbers: Vec<bool> = categories.iter().map(Option::is_none).collect();
    let roles = columns.roles(data, &numbers)?;
    let spread = |j: usize| numbers[j] && roles[j] != Role::Condition;
    let quantiles = Quantiles::fit(data, NO_SPIKES, Bounds::Tails, spread)?;
    let mut fit = Fit {
        standardise: Standardise::fit(data)?,
        conditions: vec![None; roles.len()],
        circles: vec![None; roles.len()],
        quantiles: Vec::new(),
        missing: Vec::new(),
        counts: Vec::new(),
        indicators: Vec::new(),
    };
    for (j, (role, element)) in roles.into_iter().zip(quantiles.elements).enumerate() {
        match role {
            Role::Learnt => fit.learnt(data, j, categories[j], element)?,
            Role::Condition => fit.condition(data, j, categories[j]),
            Role::Circle(period) => fit.circle(data, j, period, element)?,
        }
    }
    Ok(fit.steps())
}

/// The steps so far, column by column.
struct Fit {
    standardise: Standardise,
    conditions: Vec<Option<[f32; 2]>>,
    circles: Vec<Option<Circle>>,
    quantiles: Vec<Option<SpikedDistribution>>,
    /// Of what the quantiles give: whether it is a number that may be missing.
    missing: Vec<bool>,
    /// Of what that gives: how often numbers are missing and there, beside each indicator of it.
    counts: Vec<Option<[u64; 2]>>,
    /// Of the same: how many indicators it becomes.
    indicators: Vec<Option<usize>>,
}

impl Fit {
    /// The column keeps its scale in the standardisation.
    fn keep_scale(&mut self, j: usize) -> [f32; 2] {
        let scale = [self.standardise.mean[j], self.standardise.std[j]];
        (self.standardise.mean[j], self.standardise.std[j]) = (0.0, 1.0);
        scale
    }

    /// A column with a density, of numbers or of draws in their place.
    fn learnt(
        &mut self,
        data: &dyn RawRows,
        j: usize,
        categories: Option<usize>,
        element: Option<SpikedDistribution>,
    ) -> Result<(), DataError> {
        let mut element = element;
        let missing = element.as_mut().is_some_and(|e| std::mem::take(&mut e.missing));
        let element = match categories {
            Some(count) => Some(rare::cells(&data.column(j)?, count)),
            None => element.filter(|element| !element.is_smooth()),
        };
        match element {
            Some(mut element) => {
                self.keep_scale(j);
                element.missing = missing;
                self.quantiles.push(Some(element));
                self.missing.extend(if missing { vec![false; 2] } else { vec![false] });
            }
            None => {
                self.quantiles.push(None);
                self.missing.push(missing);
            }
        }
        let counts = if missing { vec![Some(presence(data, j)?), None] } else { vec![None] };
        self.indicators.extend(vec![None; counts.len()]);
        self.counts.extend(counts);
        Ok(())
    }

    /// A column that has no density.
    fn condition(&mut self, data: &dyn RawRows, j: usize, categories: Option<usize>) {
        let scale = self.keep_scale(j);
        let column = data.schema().map(|schema| &schema.columns[j]);
        let missing = categories.is_none() && column.is_some_and(|c| c.may_be_missing());
        self.conditions[j] = Some(if categories.is_some() { [0.0, 1.0] } else { scale });
        self.quantiles.push(None);
        self.missing.push(missing);
        self.counts.extend(vec![None; if missing { 2 } else { 1 }]);
        self.indicators.extend(if missing { vec![None; 2] } else { vec![categories] });
    }

    /// A column of angles.
    fn circle(
        &mut self,
        data: &dyn RawRows,
        j: usize,
        period: f64,
        element: Option<SpikedDistribution>,
    ) -> Result<(), DataError> {
        let values = data.column(j)?;
        if values.iter().any(|v| v.is_nan()) {
            let expected = "a column without missing numbers for a period";
            return Err(step_error(NAME, expected, "missing ones"));
        }
        let grid = match element.map(|element| element.rest) {
            Some(RestDistribution::Mixed(rest)) => rest.grid.filter(|grid| grid.counted),
            _ => None,
        };
        let lowest = values.iter().copied().fold(f32::INFINITY, f32::min);
        self.keep_scale(j);
        self.circles[j] = Some(Circle {
            origin: if lowest < 0.0 { -0.5 * period } else { 0.0 },
            period,
            cell: grid.map(|grid| grid.cell()).filter(|cell| *cell <= period),
        });
        self.quantiles.push(None);
        self.missing.push(false);
        self.counts.push(None);
        self.indicators.push(None);
        Ok(())
    }

    fn steps(self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.conditions.iter().any(Option::is_some) {
            steps.push(Step::ConditionColumns(ConditionColumns { elements: self.conditions }));
        }
        steps.push(Step::Standardise(self.standardise));
        if self.circles.iter().any(Option::is_some) {
            steps.push(Step::Periodic(Periodic { elements: self.circles }));
        }
        if self.quantiles.iter().any(Option::is_some) {
            steps.push(Step::Quantiles(Quantiles { elements: self.quantiles, strict: true }));
        }
        if self.missing.contains(&true) {
            steps.push(Step::MissingNumbers(MissingNumbers { elements: self.missing }));
        }
        if self.counts.iter().any(Option::is_some) {
            steps.push(Step::SpreadMissing(SpreadMissing { counts: self.counts }));
        }
        with_indicators(steps, self.indicators)
    }
}

/// How many numbers of a column are missing, and how many are not; one at least of each.
fn presence(data: &dyn RawRows, column: usize) -> Result<[u64; 2], DataError> {
    let missing = data.column(column)?.iter().filter(|v| v.is_nan()).count();
    Ok([missing.max(1) as u64, (data.len() - missing).max(1) as u64])
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};

    use super::*;
    use crate::prepare::{Preparation, Recipe};
    use crate::{Column, ColumnKind, Dataset, TableSchema};

    /// 400 rows: a size, a colour, a size that may be missing, hours from 0 to 23, and angles about 0.
    fn data() -> Dataset {
        let mut noise = Noise::new(Seed(1));
        let (u, z) = (noise.uniform_vec(1200), noise.normal_vec(1200));
        let row = |i: usize| {
            let missing = if u[3 * i] < 0.25 { f64::NAN } else { z[3 * i + 1] };
            let colour = (3.0 * u[3 * i + 1]).floor();
            let hour = (24.0 * u[3 * i + 2]).floor();
            [5.0 + 2.0 * z[3 * i], colour, missing, hour, 40.0 * z[3 * i + 2]].map(|v| v as f32)
        };
        let colours = ["blue", "green", "red"].map(String::from).to_vec();
        let mut columns = vec![
            Column::new("size", ColumnKind::Continuous),
            Column::new("colour", ColumnKind::Categorical { categories: colours }),
            Column::new("pay", ColumnKind::Continuous),
            Column::new("hour", ColumnKind::Integer),
            Column::new("wind", ColumnKind::Continuous),
        ];
        columns[2].blanks = vec!["NA".into()];
        Dataset::table((0..400).flat_map(row).collect(), TableSchema { columns }, None).unwrap()
    }

    fn with(conditions: &[&str], periods: &[(&str, f64)]) -> Result<Preparation, DataError> {
        let columns = SpreadColumns {
            conditions: conditions.iter().map(|c| c.to_string()).collect(),
            periods: periods.iter().map(|(name, period)| (name.to_string(), *period)).collect(),
        };
        Preparation::fit(&Recipe::SpreadWith(columns), &data())
    }

    #[test]
    fn without_columns_of_their_own_all_is_spread() {
        let plain = Preparation::fit(&Recipe::Spread, &data()).unwrap();
        assert_eq!(with(&[], &[]).unwrap(), plain);
        assert!(plain.features().iter().all(|f| !f.condition && !f.circular && !f.indicator));
    }

    #[test]
    fn conditions_are_standardised_and_not_counted() {
        let data = data();
        let preparation =
            with(&["size", "colour", "pay"], &[("hour", 24.0), ("wind", 360.0)]).unwrap();
        assert!(!preparation.has_indicators() && preparation.is_random());
        let features = preparation.features();
        // The size, three colours, whether there is a pay and the pay, and two angles.
        let elements: Vec<usize> = features.iter().map(|f| f.element).collect();
        assert_eq!(elements, [0, 1, 1, 1, 2, 2, 3, 4]);
        assert!(features[..6].iter().all(|f| f.condition && !f.circular));
        assert!(features[6..].iter().all(|f| f.circular && !f.condition && !f.indicator));
        let seen = preparation.apply(data.values(), &mut Noise::new(Seed(2)));
        let sizes: Vec<f32> = seen.iter().copied().step_by(8).collect();
        assert!((sizes.iter().sum::<f32>() / 400.0).abs() < 1e-4);
        let back = preparation.inverse(&seen);
        for (a, b) in data.values().iter().zip(&back) {
            let turned = (a - b).abs() > 300.0 && (a - b).abs() - 360.0 < 1e-3;
            assert!((a.is_nan() && b.is_nan()) || turned || (a - b).abs() < 1e-4, "{a} {b}");
        }
        // Angles in radians a degree, and an hour's share of the circle.
        let expected = 2.0 * (std::f64::consts::TAU).ln() - 360f64.ln() - 24f64.ln();
        for log_det in preparation.log_det(&seen) {
            assert!((log_det - expected).abs() < 3e-4, "{log_det} {expected}");
        }
        let json = pyrogen_core::config::to_value(&preparation);
        assert_eq!(pyrogen_core::config::from_value::<Preparation>(json).unwrap(), preparation);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let error = |conditions: &[&str], periods: &[(&str, f64)]| {
            with(conditions, periods).unwrap_err().to_string()
        };
        assert!(error(&["weight"], &[]).contains("size, colour, pay, hour, wind"));
        assert!(error(&["size", "colour", "pay", "hour", "wind"], &[]).contains("no condition"));
        assert!(error(&[], &[("colour", 3.0)]).contains("categories for column `colour`"));
        assert!(error(&[], &[("wind", -1.0)]).contains("a period above 0"));
        assert!(error(&["wind"], &[("wind", 360.0)]).contains("both"));
        assert!(error(&[], &[("pay", 1.0)]).contains("missing"));
    }
}
