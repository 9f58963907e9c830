//! A model of a table, and what generated rows are worth.

use std::error::Error;
use std::fmt::Write;
use std::str::FromStr;

use pyrogen::core::parallel::sample;
use pyrogen::core::{Batch, Examples, Objective};
use pyrogen::data::{
    ColumnKind, Dataset, Preparation, Prepared, PreparedColumn, Recipe, Standardise, Step,
};
use pyrogen::diffusion::{DiffusionConfig, FlowConfig, TimeNetwork};
use pyrogen::metrics::{ColumnValues, Features, auroc, closest_distances};
use pyrogen::nn::{MlpConfig, Network, TimeMlpConfig};
use pyrogen::prelude::*;
use pyrogen::train::{Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig};
use pyrogen::vae::{Column, Decoder};

use crate::classifier::{Classifier, Training};
use crate::runs;

/// Training rows that a new model takes its scales from.
const START: usize = 512;

/// Which model makes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// A variational autoencoder.
    Vae,
    /// A diffusion model.
    Diffusion,
    /// Flow matching.
    Flow,
}

impl FromStr for Maker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "vae" => Ok(Self::Vae),
            "diffusion" => Ok(Self::Diffusion),
            "flow" => Ok(Self::Flow),
            other => Err(format!("MODEL: vae, diffusion or flow, not {other}")),
        }
    }
}

/// How rows are made.
#[derive(Debug, Clone)]
pub struct Synthesis {
    /// The model.
    pub maker: Maker,
    /// How a table is prepared.
    pub recipe: Recipe,
    /// Training steps.
    pub steps: u64,
    /// Of weights, training and draws.
    pub seed: Seed,
}

/// Trains a model on a table and draws so many rows from it.
///
/// # Errors
/// When the data is no table or training fails.
pub fn synthesise(
    train: &Dataset,
    how: &Synthesis,
    rows: usize,
) -> Result<Dataset, Box<dyn Error>> {
    let preparation = Preparation::fit(&how.recipe, train)?;
    let preparation = match how.maker {
        Maker::Vae => preparation,
        _ => with_signs(preparation)?,
    };
    let data = Prepared::<2>::new(train.clone(), preparation.clone())?;
    let drawn: Vec<f32> = match how.maker {
        Maker::Vae => draw_vae(data, how, rows)?,
        Maker::Diffusion => {
            let config = DiffusionConfig {
                event: preparation.event_shape(),
                network: dense(),
                ..DiffusionConfig::default()
            };
            draw(config.init(how.seed, &Device::flex())?, data, how, rows)?
        }
        Maker::Flow => {
            let config = FlowConfig {
                event: preparation.event_shape(),
                network: dense(),
                ..FlowConfig::default()
            };
            draw(config.init(how.seed, &Device::flex())?, data, how, rows)?
        }
    };
    let mut values = preparation.inverse(&drawn);
    let schema = train.schema().ok_or("the data is no table")?;
    let kinds = schema.columns.iter().map(|c| &c.kind).cycle();
    let whole = values.iter_mut().zip(kinds).filter(|(_, kind)| **kind == ColumnKind::Integer);
    whole.for_each(|(value, _)| *value = value.round());
    Ok(Dataset::from_parts(values, vec![train.width()], None)?.with_schema(schema.clone())?)
}

/// Indicators as -1 and 1 (Chen, Zhang and Hinton 2023, "Analog bits"): continuous noise then stands to
/// them as it stands to the numbers.
fn with_signs(preparation: Preparation) -> Result<Preparation, Box<dyn Error>> {
    let columns = preparation.columns().ok_or("the data is no table")?;
    let shift = |column: &PreparedColumn| match column {
        PreparedColumn::Category(categories) => vec![0.5; *categories],
        PreparedColumn::Spiked(spikes) => [vec![0.5; spikes + 1], vec![0.0]].concat(),
        _ => vec![0.0],
    };
    let mean: Vec<f32> = columns.iter().flat_map(shift).collect();
    let std = mean.iter().map(|&m| if m > 0.0 { m } else { 1.0 }).collect();
    let steps = [preparation.steps(), &[Step::Standardise(Standardise { mean, std })]].concat();
    Ok(Preparation::new(preparation.layout().clone(), steps)?)
}

/// The network of rows.
fn dense() -> TimeNetwork {
    TimeNetwork::Mlp(TimeMlpConfig::default())
}

/// Trains a model that makes rows step by step, and draws.
fn draw<M>(
    model: M,
    data: Prepared<2>,
    how: &Synthesis,
    rows: usize,
) -> Result<Vec<f32>, Box<dyn Error>>
where
    M: Objective<Batch = Batch<2>> + Sample<2> + Send + Sync + 'static,
{
    let gradient =
        GradientConfig { clip_norm: Some(1.0), ema_decay: Some(0.99), ..GradientConfig::default() };
    let model = runs::fit(model, data, training(how.steps, gradient), how.seed)?;
    let noise = Noise::new(how.seed).fork("rows");
    let options = SampleOptions::default();
    let drawn = sample(&model, 0..rows as u64, 512, &options, &noise, &Device::flex())?;
    Ok(drawn.into_data().iter::<f32>().collect())
}

/// How models of tables are trained.
fn training(steps: u64, gradient: GradientConfig) -> TrainConfig {
    TrainConfig {
        batch_size: 256,
        limits: Limits { steps: Some(steps), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
        gradient,
        ..TrainConfig::default()
    }
}

/// Trains a VAE, and draws.
fn draw_vae(data: Prepared<2>, how: &Synthesis, rows: usize) -> Result<Vec<f32>, Box<dyn Error>> {
    let device = Device::flex();
    let preparation = data.preparation();
    let config = VaeConfig {
        event: preparation.event_shape(),
        latents: 16,
        network: Network::Mlp(MlpConfig::default()),
        decoder: Decoder::Columns { columns: columns(preparation)?, autoregressive: true },
        ..VaeConfig::default()
    };
    let gradient = GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() };
    let noise = Noise::new(how.seed);
    let first: Vec<usize> = (0..data.len().min(START)).collect();
    let Batch { x, .. } = data.batch(&first, &mut noise.fork("first"), &device);
    let model = config.init(how.seed, &device)?;
    let model = model.init_from_data(x, &Condition::none(), &mut noise.fork("start"));
    let model = runs::fit(model, data, training(how.steps, gradient), how.seed)?;
    let drawn: Tensor<2> =
        model.sample(rows, &SampleOptions::default(), &mut noise.fork("rows"))?;
    Ok(drawn.into_data().iter::<f32>().collect())
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
    /// The task of predicting a categorical column; `train` fits the preparation.
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
