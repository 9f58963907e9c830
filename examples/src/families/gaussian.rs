//! A Gaussian over the rows of tables of numbers, whose cells may be missing.

use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Counts, Likelihood, Noise, Unit};
use pyrogen::data::{Data, Dataset, Layout, Modality, Table};
use pyrogen::model::train::{Defaults, Job, Plan, Sweeps, Train, Wanted, fit_sweeps};
use pyrogen::model::{
    Ability, Capabilities, Complete, Control, Error, Family, Generate, Given, Likely, Marginal,
    Model, Options, Query, Request, count,
};
use pyrogen::train::{RunFolder, Values};
use serde::{Deserialize, Serialize};

/// A Gaussian, fitted by expectation maximisation: missing cells are integrated out, not filled in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gaussian {
    layout: Layout,
    mean: Vec<f64>,
    /// Row-major.
    covariance: Vec<f64>,
}

/// What is left of a Gaussian when some of its numbers are known.
struct Rest {
    mean: Vec<f64>,
    covariance: Vec<f64>,
    nats: f64,
}

impl Rest {
    /// One number more is known to be `x`.
    fn observe(&mut self, j: usize, x: f64) {
        let d = self.mean.len();
        let (variance, error) = (self.covariance[j * d + j], x - self.mean[j]);
        self.nats -= 0.5 * ((TAU * variance).ln() + error * error / variance);
        let column: Vec<f64> = (0..d).map(|i| self.covariance[i * d + j]).collect();
        for i in 0..d {
            self.mean[i] += column[i] / variance * error;
            for k in 0..d {
                self.covariance[i * d + k] -= column[i] * column[k] / variance;
            }
        }
        // Rounding would leave a little.
        self.mean[j] = x;
        (0..d).for_each(|i| self.covariance[i * d + j] = 0.0);
        (0..d).for_each(|i| self.covariance[j * d + i] = 0.0);
    }
}

impl Gaussian {
    /// Means and variances of what is there; each column by itself.
    fn start(data: &Data) -> Result<Self, Error> {
        let layout = layout(data)?;
        let d = layout.width();
        let mut gaussian = Self { layout, mean: vec![0.0; d], covariance: vec![0.0; d * d] };
        let rows = gaussian.rows(data)?;
        for j in 0..d {
            let cells: Vec<f64> = rows.iter().map(|r| r[j]).filter(|v| v.is_finite()).collect();
            let (n, name) = (cells.len() as f64, &gaussian.columns()[j]);
            let mean = cells.iter().sum::<f64>() / n;
            let variance = cells.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            if variance.is_nan() || variance <= 0.0 {
                return Err(super::refused(format!("column `{name}` is empty or constant")));
            }
            (gaussian.mean[j], gaussian.covariance[j * d + j]) = (mean, variance);
        }
        Ok(gaussian)
    }

    fn columns(&self) -> Vec<String> {
        self.layout.schema.iter().flat_map(|s| &s.columns).map(|c| c.name.clone()).collect()
    }

    /// The cells of the model's columns, by name; NaN is a missing one.
    fn rows(&self, data: &Data) -> Result<Vec<Vec<f64>>, Error> {
        let Data::Table(table) = data else {
            return Err(super::wrong("gaussian", Modality::Table, data));
        };
        let names = table.column_names();
        let place = |name: &String| {
            let place = names.iter().position(|own| own == name);
            place.ok_or_else(|| super::refused(format!("the table has no column `{name}`")))
        };
        let places = self.columns().iter().map(place).collect::<Result<Vec<_>, _>>()?;
        let cell = |row: usize, j: usize| match table.is_missing(row, j) {
            true => f64::NAN,
            false => table.cells(j).number(row),
        };
        Ok((0..data.len()).map(|i| places.iter().map(|&j| cell(i, j)).collect()).collect())
    }

    fn given(&self, row: &[f64]) -> Rest {
        let (mean, covariance) = (self.mean.clone(), self.covariance.clone());
        let mut rest = Rest { mean, covariance, nats: 0.0 };
        let known = row.iter().enumerate().filter(|(_, v)| !v.is_nan());
        known.for_each(|(j, &x)| rest.observe(j, x));
        rest
    }

    /// Draws what is missing of a row, one number after the other.
    fn fill(&self, row: &[f64], item: u64, request: &Request) -> Vec<f64> {
        let mut rest = self.given(row);
        let mut noise = Noise::new(request.seed).fork("rows").fork_index(item);
        let draws = noise.normal_vec(row.len());
        for j in (0..row.len()).filter(|&j| row[j].is_nan()) {
            let variance = rest.covariance[j * row.len() + j].max(f64::MIN_POSITIVE);
            rest.observe(j, rest.mean[j] + variance.sqrt() * draws[j]);
        }
        rest.mean
    }

    fn table(&self, rows: Vec<Vec<f64>>) -> Result<Data, Error> {
        let values = rows.into_iter().flatten().map(|v| v as f32).collect();
        let rows = Dataset::from_rows(values, None, self.layout.clone())?;
        Ok(Data::Table(Table::from_dataset(rows)))
    }
}

/// The layout of a table of numbers.
fn layout(data: &Data) -> Result<Layout, Error> {
    let Data::Table(table) = data else {
        return Err(super::wrong("gaussian", Modality::Table, data));
    };
    match table.columns().iter().find(|c| c.kind.categories().is_some()) {
        Some(texts) => Err(super::refused(format!(
            "column `{}` holds texts: leave it out with drop={}",
            texts.name, texts.name
        ))),
        None => Ok(table.layout().clone()),
    }
}

impl Sweeps for Gaussian {
    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        let (d, rows) = (self.mean.len(), self.rows(data)?);
        let (mut sum, mut squares) = (vec![0.0; d], vec![0.0; d * d]);
        for row in &rows {
            let rest = self.given(row);
            for i in 0..d {
                sum[i] += rest.mean[i];
                for k in 0..d {
                    squares[i * d + k] += rest.mean[i] * rest.mean[k] + rest.covariance[i * d + k];
                }
            }
        }
        let n = rows.len() as f64;
        let values = self.measure(data);
        self.mean = sum.iter().map(|s| s / n).collect();
        for (at, square) in squares.iter().enumerate() {
            self.covariance[at] = square / n - self.mean[at / d] * self.mean[at % d];
        }
        for j in 0..d {
            // Columns that follow from others keep a little variance of their own.
            self.covariance[j * d + j] *= 1.0 + 1e-6;
        }
        Ok(values)
    }

    fn measure(&self, data: &Data) -> Values {
        let rows = self.rows(data).unwrap_or_default();
        let nats: f64 = rows.iter().map(|row| self.given(row).nats).sum();
        vec![("loss".into(), -nats / rows.len() as f64)]
    }
}

impl Generate for Gaussian {
    fn generate(&self, items: Range<u64>, request: &Request, c: &Control) -> Result<Data, Error> {
        Options::resolve(Ability::Generate, &[], &request.options)?;
        count(&items)?;
        let nothing = vec![f64::NAN; self.mean.len()];
        let row = |item| c.check().map(|()| self.fill(&nothing, item, request));
        self.table(items.map(row).collect::<Result<_, _>>()?)
    }
}

impl Complete for Gaussian {
    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        c: &Control,
    ) -> Result<Data, Error> {
        Options::resolve(Ability::Complete, &[], &request.options)?;
        let rows = self.rows(&given.items)?;
        count(&items)?;
        let known = |item: u64| &rows[(item % rows.len() as u64) as usize];
        let row = |item| c.check().map(|()| self.fill(known(item), item, request));
        self.table(items.map(row).collect::<Result<_, _>>()?)
    }
}

impl Query for Gaussian {
    fn query(
        &self,
        evidence: &Data,
        _: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        control.check()?;
        let (names, d) = (self.columns(), self.mean.len());
        let answer = |row: &Vec<f64>| {
            let rest = self.given(row);
            let missing = (0..d).filter(|&j| row[j].is_nan());
            let marginal = |j: usize| Marginal::Continuous {
                mean: rest.mean[j],
                std: rest.covariance[j * d + j].max(0.0).sqrt(),
            };
            missing.map(|j| (names[j].clone(), marginal(j))).collect()
        };
        Ok(self.rows(evidence)?.iter().map(answer).collect())
    }
}

impl Likely for Gaussian {
    fn score(&self, data: &Data, _: &Request, control: &Control) -> Result<Likelihood, Error> {
        control.check()?;
        let rows = self.rows(data)?;
        let nats = rows.iter().map(|row| self.given(row).nats).collect();
        let cells = rows.iter().map(|row| row.iter().filter(|v| !v.is_nan()).count()).collect();
        Ok(Likelihood::exact(nats, 1).in_units(Unit::Cell, Counts::Each(cells)))
    }
}

/// How the Gaussian joins the door.
pub struct GaussianFamily;

impl Family for GaussianFamily {
    fn name(&self) -> &'static str {
        "gaussian"
    }

    fn about(&self) -> &'static str {
        "a Gaussian over rows whose cells may be missing"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Table]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Complete, Ability::Score, Ability::Query]
    }

    fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
        let gaussian = Arc::new(folder.load_json::<Gaussian>()?);
        let (d, layout) = (gaussian.mean.len(), gaussian.layout.clone());
        let mut can = Capabilities::default();
        can.generate = Some(gaussian.clone());
        can.complete = Some(gaussian.clone());
        can.score = Some(gaussian.clone());
        can.query = Some(gaussian);
        Ok(super::model(folder, Modality::Table, d + d * (d + 1) / 2, can).with_layout(layout))
    }

    fn train(&self) -> Option<&dyn Train> {
        Some(self)
    }
}

impl Train for GaussianFamily {
    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        Ok(super::defaults(wanted, 50))
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let gaussian = Gaussian::start(wanted.data)?;
        let d = gaussian.mean.len();
        Ok(super::plan(settings, wanted, d + d * (d + 1) / 2))
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let start = Gaussian::start(&job.data)?;
        fit_sweeps(job, start)
    }
}
