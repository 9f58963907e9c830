//! Columns of a table that are the condition of the others.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use pyrogen_core::{Noise, Seed};
use pyrogen_data::{Column, ColumnKind, Data, Dataset, Layout, Preparation, RawRows, TableSchema};
use serde_json::json;

use super::Frame;
use crate::{
    Ability, Complete, Control, Error, Generate, Given, Marginal, OptionSpec, Options, Query,
    Request,
};

/// The columns of a table that are the condition of the others, and the features that they become.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenColumns {
    columns: Vec<usize>,
    features: Vec<usize>,
    names: Vec<String>,
    /// What rows of these columns alone mean.
    layout: Layout,
}

impl fmt::Display for GivenColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "columns {}", self.names.join(", "))
    }
}

impl GivenColumns {
    /// Those that a preparation marks; none where it marks none.
    pub(super) fn of(preparation: &Preparation) -> Option<Self> {
        let marked = preparation.conditions()?;
        let mut columns: Vec<usize> = marked.iter().map(|(_, column)| *column).collect();
        columns.dedup();
        let full = preparation.layout();
        let name = |&j: &usize| match &full.schema {
            Some(schema) => schema.columns[j].name.clone(),
            None => (j + 1).to_string(),
        };
        let schema = full.schema.as_ref().map(|schema| TableSchema {
            columns: columns.iter().map(|&j| schema.columns[j].clone()).collect(),
        });
        Some(Self {
            features: marked.into_iter().map(|(feature, _)| feature).collect(),
            names: columns.iter().map(name).collect(),
            layout: Layout { event: vec![columns.len()], schema, ..full.clone() },
            columns,
        })
    }

    /// The raw columns, ascending.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The features of a prepared row that they become, ascending.
    pub fn features(&self) -> &[usize] {
        &self.features
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The error of a request without them.
    pub(super) fn missing(&self) -> Error {
        let expected = format!(
            "rows with the {self}: the model is of the other columns given these (--given {}=..)",
            self.names[0]
        );
        Error::option("like", expected, "none")
    }

    /// Rows of all columns with these as they are given; the others hold a number that means nothing.
    pub(super) fn full_rows(&self, items: &Data, layout: &Layout) -> Result<Dataset, Error> {
        let rows = items.dataset().ok_or_else(|| Error::Modality {
            family: "of this model".into(),
            got: items.modality(),
            takes: layout.modality().to_string(),
        })?;
        if rows.is_empty() {
            return Err(self.missing());
        }
        // Without names of columns rows are whole or hold these alone.
        let whole = layout.schema.is_none() && rows.width() == layout.width();
        let own = if whole { rows.into_owned() } else { rows.conform_to(&self.layout)? };
        let width = layout.width();
        let mut values = vec![0.0; own.len() * width];
        for (row, given) in
            values.chunks_exact_mut(width).zip(own.values().chunks_exact(own.width()))
        {
            for (k, &column) in self.columns.iter().enumerate() {
                row[column] = given[if whole { column } else { k }];
            }
        }
        Ok(Dataset::from_rows(values, own.labels().map(<[u32]>::to_vec), layout.clone())?)
    }

    /// What the model reads of such rows, row after row.
    pub(super) fn contexts(
        &self,
        full: &Dataset,
        preparation: &Preparation,
    ) -> Result<Vec<f32>, Error> {
        // Conditions are not spread: the noise is that of the others.
        let prepared = preparation.apply(full.values(), &mut Noise::new(Seed(0)));
        let width = prepared.len() / full.len();
        let row = |row: &[f32]| self.features.iter().map(|&f| row[f]).collect::<Vec<_>>();
        let contexts: Vec<f32> = prepared.chunks_exact(width).flat_map(row).collect();
        match contexts.iter().find(|v| !v.is_finite()) {
            None => Ok(contexts),
            Some(got) => Err(Error::option("like", "rows of finite numbers", got)),
        }
    }

    /// The raw cells of such rows.
    pub(super) fn rows(&self, full: &Dataset) -> GivenRows {
        GivenRows {
            values: full.values().to_vec(),
            width: full.width(),
            columns: self.columns.clone(),
        }
    }
}

/// Raw rows whose cells of some columns were given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GivenRows {
    values: Vec<f32>,
    width: usize,
    columns: Vec<usize>,
}

impl GivenRows {
    /// Puts the given cells into rows of these items.
    pub fn keep(&self, items: Range<u64>, raw: &mut [f32]) {
        let n = (self.values.len() / self.width) as u64;
        for (item, row) in items.zip(raw.chunks_exact_mut(self.width)) {
            let given = &self.values[(item % n) as usize * self.width..][..self.width];
            for &column in &self.columns {
                row[column] = given[column];
            }
        }
    }
}

/// Completes rows and answers questions by draws given the condition.
pub(super) struct AskGiven {
    pub generate: Arc<dyn Generate>,
    pub frame: Frame,
}

/// Draws of an answer where nothing is said.
const DRAWS: usize = 2000;

/// The quantiles of an answer where nothing is said: the median, and the ends of the intervals that hold
/// 50, 80 and 95 %.
const QUANTILES: [f64; 7] = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975];

impl AskGiven {
    fn given(&self) -> &GivenColumns {
        self.frame.given().expect("made for models of given columns")
    }

    /// Which rows are to be drawn: those whose learnt cells are blank. Rows without blank cells are not.
    ///
    /// # Errors
    /// A row that holds some of the learnt cells and not others.
    fn blank(&self, items: &Data) -> Result<Vec<bool>, Error> {
        let Data::Table(table) = items else { return Ok(vec![true; items.len()]) };
        let (given, schema) = (self.given(), self.frame.layout().schema.as_ref());
        let names = table.column_names();
        let learnt: Vec<usize> = (0..names.len())
            .filter(|&j| schema.is_some_and(|s| s.column(&names[j]).is_some()))
            .filter(|&j| !given.names().contains(&names[j]))
            .collect();
        let all = self.frame.learnt();
        (0..table.len())
            .map(|i| {
                let known: Vec<usize> =
                    learnt.iter().copied().filter(|&j| !table.is_missing(i, j)).collect();
                match known.first() {
                    None => Ok(true),
                    Some(_) if known.len() == all => Ok(false),
                    Some(&j) => {
                        let expected = format!(
                            "blank, with the other learnt columns: the model knows them given the \
                             {given} alone; train with `{}` among the conditions",
                            names[j]
                        );
                        Err(Error::option(&names[j], expected, format!("`{}`", table.text(i, j))))
                    }
                }
            })
            .collect()
    }
}

impl Complete for AskGiven {
    fn options(&self) -> Vec<OptionSpec> {
        self.generate.options()
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        if given.mask.is_some() {
            return Err(Error::option("mask", "left out: blank cells are filled in", "one"));
        }
        let blank = self.blank(&given.items)?;
        let request = Request { like: Some(given.items.clone()), ..request.clone() };
        let made = self.generate.generate(items.clone(), &request, control)?;
        let whole: Vec<usize> = (0..blank.len()).filter(|&i| !blank[i]).collect();
        if whole.is_empty() {
            return Ok(made);
        }
        // Rows without blank cells stay as they are.
        let drawn = made.dataset().ok_or_else(|| self.given().missing())?;
        let kept = given.items.select(&whole);
        let kept =
            kept.dataset().ok_or_else(|| self.given().missing())?.conform_to(drawn.layout())?;
        let (width, n) = (drawn.width(), blank.len() as u64);
        let mut values = drawn.values().to_vec();
        for (item, row) in items.zip(values.chunks_exact_mut(width)) {
            if let Ok(k) = whole.binary_search(&((item % n) as usize)) {
                row.copy_from_slice(kept.row(k));
            }
        }
        let labels = drawn.labels().map(<[u32]>::to_vec);
        Ok(Data::from_dataset(Dataset::from_rows(values, labels, drawn.layout().clone())?))
    }
}

impl Query for AskGiven {
    fn options(&self) -> Vec<OptionSpec> {
        let draws = "draws a row, from which the answer is read";
        let quantiles = "probabilities of the quantiles of numbers, ascending";
        let mut options = vec![
            OptionSpec::new("draws", DRAWS, draws),
            OptionSpec::new("quantiles", json!(QUANTILES), quantiles),
        ];
        options.extend(self.generate.options());
        options
    }

    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        let options = Options::resolve(Ability::Query, &Query::options(self), &request.options)?;
        let draws = options.count("draws")?.unwrap_or(DRAWS);
        let quantiles = probabilities(&options)?;
        let blank = self.blank(evidence)?;
        let mut passed = options.into_map();
        passed.remove("draws");
        passed.remove("quantiles");
        let layout = self.frame.layout();
        let learnt: Vec<usize> =
            (0..layout.width()).filter(|j| !self.given().columns().contains(j)).collect();
        (0..evidence.len())
            .map(|i| {
                control.check()?;
                if !blank[i] {
                    return Ok(Vec::new());
                }
                let request = Request {
                    like: Some(evidence.select(&[i])),
                    options: passed.clone(),
                    ..request.clone()
                };
                let drawn = self.generate.generate(0..draws as u64, &request, control)?;
                let drawn = drawn.dataset().ok_or_else(|| self.given().missing())?;
                learnt.iter().map(|&j| marginal(&drawn, j, &quantiles)).collect()
            })
            .collect()
    }
}

/// The probabilities that were asked for.
fn probabilities(options: &Options) -> Result<Vec<f64>, Error> {
    let value = options.get("quantiles");
    let list =
        value.as_array().map(|list| list.iter().map(|v| v.as_f64()).collect::<Option<Vec<_>>>());
    let within = |list: &Vec<f64>| {
        list.iter().all(|p| *p > 0.0 && *p < 1.0) && list.windows(2).all(|p| p[0] < p[1])
    };
    list.flatten().filter(within).ok_or_else(|| {
        Error::option("quantiles", "a list of numbers between 0 and 1 that ascend", value)
    })
}

/// How one column of drawn rows is distributed.
fn marginal(drawn: &Dataset, j: usize, quantiles: &[f64]) -> Result<(String, Marginal), Error> {
    let values = drawn.column(j)?;
    let column = drawn.schema().map(|schema| &schema.columns[j]);
    let name = column.map_or_else(|| (j + 1).to_string(), |c| c.name.clone());
    let n = values.len() as f64;
    if let Some(ColumnKind::Categorical { categories }) = column.map(|c| &c.kind) {
        let mut counts = vec![0.0; categories.len()];
        values.iter().for_each(|&v| counts[v as usize] += 1.0);
        let probabilities = counts.into_iter().map(|count| count / n).collect();
        return Ok((name, Marginal::Discrete { values: categories.clone(), probabilities }));
    }
    let raw = |v: &f32| column.map_or(f64::from(*v), |c: &Column| c.number(*v));
    let mut numbers: Vec<f64> = values.iter().filter(|v| !v.is_nan()).map(raw).collect();
    numbers.sort_by(f64::total_cmp);
    if numbers.is_empty() {
        let values = vec![String::new()];
        return Ok((name, Marginal::Discrete { values, probabilities: vec![1.0] }));
    }
    let m = numbers.len();
    let mean = numbers.iter().sum::<f64>() / m as f64;
    let square: f64 = numbers.iter().map(|v| (v - mean).powi(2)).sum();
    let std = (square / (m as f64 - 1.0).max(1.0)).sqrt();
    let quantiles = quantiles.iter().map(|&p| (p, quantile(&numbers, p))).collect();
    Ok((name, Marginal::Drawn { mean, std, quantiles, draws: m }))
}

/// The quantile of sorted numbers, between the two that it lies between (type 7 of Hyndman and Fan 1996).
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (place - place.floor()) * (sorted[high] - sorted[low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_numbers() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(quantile(&sorted, 0.5), 4.0);
        assert_eq!(quantile(&sorted, 0.125), 1.5);
        assert_eq!(quantile(&[3.0], 0.9), 3.0);
    }
}
