//! A model of a table, and what generated rows are worth.

use std::error::Error;
use std::fmt::Write;

use pyrogen::core::{Batch, Examples};
use pyrogen::data::{ColumnKind, Dataset, Preparation, Prepared, PreparedColumn, Recipe};
use pyrogen::metrics::{ColumnValues, Features, auroc, closest_distances};
use pyrogen::nn::{MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::train::{Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig};
use pyrogen::vae::{Column, Decoder};

use crate::classifier::{Classifier, Training};
use crate::runs;

/// Training rows that a new model takes its scales from.
const START: usize = 512;

/// Trains a VAE on a table, prepared in this way, and draws so many rows from it.
///
/// # Errors
/// When the data is no table or training fails.
pub fn synthesise(
    train: &Dataset,
    recipe: &Recipe,
    steps: u64,
    rows: usize,
    seed: Seed,
) -> Result<Dataset, Box<dyn Error>> {
    let device = Device::flex();
    let preparation = Preparation::fit(recipe, train)?;
    let data = Prepared::<2>::new(train.clone(), preparation.clone())?;
    let config = VaeConfig {
        event: preparation.event_shape(),
        latents: 16,
        network: Network::Mlp(MlpConfig::default()),
        decoder: Decoder::Columns { columns: columns(&preparation)? },
        ..VaeConfig::default()
    };
    let training = TrainConfig {
        batch_size: 256,
        limits: Limits { steps: Some(steps), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
        gradient: GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    let noise = Noise::new(seed);
    let first: Vec<usize> = (0..train.len().min(START)).collect();
    let Batch { x, .. } = data.batch(&first, &mut noise.fork("first"), &device);
    let model = config.init(seed, &device)?;
    let model = model.init_from_data(x, &Condition::none(), &mut noise.fork("start"));
    let model = runs::fit(model, data, training, seed)?;
    let drawn: Tensor<2> = model.sample(rows, &SampleOptions::default(), &mut noise.fork("rows"));
    let drawn: Vec<f32> = drawn.into_data().iter::<f32>().collect();
    let mut values = preparation.inverse(&drawn);
    let schema = train.schema().ok_or("the data is no table")?;
    let kinds = schema.columns.iter().map(|c| &c.kind).cycle();
    let whole = values.iter_mut().zip(kinds).filter(|(_, kind)| **kind == ColumnKind::Integer);
    whole.for_each(|(value, _)| *value = value.round());
    Ok(Dataset::from_parts(values, vec![train.width()], None)?.with_schema(schema.clone())?)
}

/// What the features hold, for the decoder.
fn columns(preparation: &Preparation) -> Result<Vec<Column>, Box<dyn Error>> {
    let column = |column: PreparedColumn| match column {
        PreparedColumn::Category(categories) => Column::Category(categories),
        PreparedColumn::Spiked(spikes) => Column::Spiked(spikes),
        _ => Column::Number,
    };
    let columns = preparation.columns().ok_or("the data is no table")?;
    Ok(columns.into_iter().map(column).collect())
}

/// The number of categories of each column; none of a number.
fn widths(data: &Dataset) -> Vec<Option<usize>> {
    let columns = data.schema().map_or(&[][..], |s| &s.columns);
    let count = |kind: &ColumnKind| match kind {
        ColumnKind::Categorical { categories } => Some(categories.len()),
        _ => None,
    };
    columns.iter().map(|c| count(&c.kind)).collect()
}

/// The columns of a table, to compare them.
pub fn column_values(data: &Dataset) -> Vec<ColumnValues> {
    let cells = |j: usize| data.values().iter().skip(j).step_by(data.width());
    let column = |(j, categories): (usize, Option<usize>)| match categories {
        Some(_) => ColumnValues::Categories(cells(j).map(|&v| v as usize).collect()),
        None => ColumnValues::Numbers(cells(j).map(|&v| f64::from(v)).collect()),
    };
    widths(data).into_iter().enumerate().map(column).collect()
}

/// How well a classifier of one column that has learnt from some rows reads real ones.
#[derive(Debug, Clone, Copy)]
pub struct Usefulness {
    /// Share of right answers.
    pub accuracy: f64,
    /// Area under the ROC curve, for two classes.
    pub auroc: Option<f64>,
}

/// A classifier of the column `target` from all others, on standardised numbers and indicators.
#[derive(Debug)]
pub struct Task {
    preparation: Preparation,
    target: usize,
    /// Where the target's indicators are among the prepared features.
    span: std::ops::Range<usize>,
}

impl Task {
    /// The task of telling a categorical column; `train` fits the preparation.
    ///
    /// # Errors
    /// When the table has no such column, or it holds numbers.
    pub fn new(train: &Dataset, target: &str) -> Result<Self, Box<dyn Error>> {
        let schema = train.schema().ok_or("the data is no table")?;
        let place = schema.columns.iter().position(|c| c.name == target);
        let place = place.ok_or_else(|| format!("there is no column `{target}`"))?;
        let widths = widths(train);
        let classes = widths[place].ok_or_else(|| format!("`{target}` holds numbers"))?;
        let start = widths[..place].iter().map(|w| w.unwrap_or(1)).sum();
        let preparation = Preparation::fit(&Recipe::Table, train)?;
        Ok(Self { preparation, target: place, span: start..start + classes })
    }

    /// Trains on some rows and reads others.
    ///
    /// # Errors
    /// When training fails.
    pub fn usefulness(
        &self,
        learn: &Dataset,
        read: &Dataset,
        steps: u64,
        seed: Seed,
    ) -> Result<Usefulness, Box<dyn Error>> {
        let (classes, batch_size) = (self.span.len(), 256);
        let training = Training { classes, batch_size, steps, seed };
        let (rows, labels) = self.split(learn);
        let classifier = Classifier::fit(rows, labels, training)?;
        let (rows, labels) = self.split(read);
        let of = |class: u32| -> Vec<f64> {
            let p = classifier.probabilities(&rows).into_iter().zip(&labels);
            p.filter(|(_, l)| **l == class).map(|(p, _)| p[1]).collect()
        };
        let auroc = (classes == 2).then(|| auroc(&of(1), &of(0))).transpose()?;
        Ok(Usefulness { accuracy: classifier.accuracy(&rows, &labels), auroc })
    }

    /// The features without the target, and the target.
    fn split(&self, data: &Dataset) -> (Vec<f32>, Vec<u32>) {
        let all = self.preparation.apply(data.values(), &mut Noise::new(Seed(0)));
        let width = all.len() / data.len();
        let kept = all.into_iter().enumerate().filter(|(i, _)| !self.span.contains(&(i % width)));
        let labels = (0..data.len()).map(|row| data.row(row)[self.target] as u32);
        (kept.map(|(_, v)| v).collect(), labels.collect())
    }

    /// The distances of rows to the closest training row, ascending.
    ///
    /// # Errors
    /// When a value overflows.
    pub fn closest(&self, of: &Dataset, train: &Dataset) -> Result<Vec<f64>, Box<dyn Error>> {
        let features = |data: &Dataset| {
            let values = self.preparation.apply(data.values(), &mut Noise::new(Seed(0)));
            let cols = values.len() / data.len();
            Features::new(values.into_iter().map(f64::from).collect(), data.len(), cols)
        };
        let mut distances = closest_distances(&features(of)?, &features(train)?)?;
        distances.sort_by(f64::total_cmp);
        Ok(distances)
    }
}

/// A made-up table of customers as CSV: a number with most of its mass on 0, whole numbers,
/// categories, and a column that depends on the others.
pub fn customers(rows: usize, seed: Seed) -> String {
    let noise = Noise::new(seed).fork("customers");
    let (normal, uniform) =
        (noise.fork("normal").normal_vec(3 * rows), noise.fork("uniform").uniform_vec(3 * rows));
    let mut csv = String::from("age,spent,city,visits,returns\n");
    for (z, u) in normal.chunks_exact(3).zip(uniform.chunks_exact(3)) {
        let age = (40.0 + 12.0 * z[0]).clamp(18.0, 90.0).round();
        let spent = if u[0] < 0.8 { 0.0 } else { (4.0 + z[1] + 0.02 * age).exp().round() };
        let city = ["north", "south", "west"][(u[1] * 3.0) as usize];
        let visits = (2.0 + 2.0 * z[2].abs() + f64::from(spent > 0.0) * 4.0).round();
        let returns = 0.3 * visits + f64::from(city == "south") + 2.0 * u[2] > 2.8;
        let returns = if returns { "yes" } else { "no" };
        let _ = writeln!(csv, "{age},{spent},{city},{visits},{returns}");
    }
    csv
}
