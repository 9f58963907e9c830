//! What the examples of diffusion share: a model of pictures, and pictures that it has not seen.

use std::error::Error;
use std::path::Path;

use pyrogen::core::{Batch, Examples};
use pyrogen::data::{
    Dataset, Dequantise, Holdout, PictureContext, Preparation, Prepared, Recipe, Scale, Split, Step,
};
use pyrogen::diffusion::{Diffusion, DiffusionConfig, TimeNetwork};
use pyrogen::metrics::DigitsClassifier;
use pyrogen::nn::{TimeMlpConfig, UNetConfig};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen::train::{Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig};

use crate::pictures::show_columns;
use crate::runs;

/// Held-out pictures that are used at most.
const HELD_OUT: usize = 360;

/// Pictures from this side on get a U-Net; dense layers are faster for smaller ones.
const LARGE: usize = 16;

/// The seed of split, weights and training.
const SEED: Seed = Seed(1);

/// A diffusion model of pictures, and pictures that it has not seen.
#[derive(Debug)]
pub struct Painter {
    /// The model.
    pub model: Diffusion,
    /// Held-out pictures, flat, from -1 to 1; their labels, and their conditions.
    pub test: Batch<2>,
    /// The mean of the training pictures, `[1, features]`.
    pub mean: Tensor<2>,
    /// Shape of a picture.
    pub event: Vec<usize>,
    /// How raw pictures became these.
    preparation: Preparation,
}

impl Painter {
    /// Trains for so many steps, with classes or without, and with a context or without.
    ///
    /// # Errors
    /// When the data are no pictures, the context cannot be made from them, or training fails.
    pub fn train(
        data: &Dataset,
        classes: Option<usize>,
        context: Option<PictureContext>,
        steps: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let device = Device::flex();
        let Split { train, test } = data.split(Holdout::Fraction(0.2), SEED)?;
        let preparation = centred(&train)?;
        let event = data.event_shape().to_vec();
        let (train, test) =
            (prepared(train, &preparation, context)?, { prepared(test, &preparation, context)? });
        let all = |n: usize| (0..n).collect::<Vec<usize>>();
        let noise = Noise::new(SEED);
        let some = all(train.len().min(2000));
        let mean = train.batch(&some, &mut noise.fork("mean"), &device).x.mean_dim(0);
        let rows = all(test.len().min(HELD_OUT));
        let test = test.batch(&rows, &mut noise.fork("test"), &device);
        let network = match event.last().is_some_and(|side| *side >= LARGE) {
            true => TimeNetwork::UNet(UNetConfig {
                channels: vec![32, 64, 64],
                blocks: 1,
                ..UNetConfig::default()
            }),
            false => TimeNetwork::Mlp(TimeMlpConfig { width: 256, ..TimeMlpConfig::default() }),
        };
        let config = DiffusionConfig {
            network,
            classes,
            context: context.map(|context| context.shape(&event)).transpose()?,
            event: event.clone(),
            ..DiffusionConfig::default()
        };
        let model = runs::fit(config.init(SEED, &device)?, train, training(steps), SEED)?;
        Ok(Self { model, test, mean, event, preparation })
    }

    /// Number of held-out pictures.
    pub fn held_out(&self) -> usize {
        self.test.x.dims()[0]
    }

    /// Pictures as the model makes them, as brightness from 0 to 1.
    pub fn unit(&self, x: &Tensor<2>) -> Vec<f32> {
        let values: Vec<f32> = x.clone().into_data().iter().collect();
        self.preparation.layout().to_unit(&self.preparation.inverse(&values))
    }

    /// The digits that a classifier reads.
    ///
    /// # Errors
    /// When the pictures are not grey.
    pub fn read(&self, x: &Tensor<2>) -> Result<Vec<usize>, Box<dyn Error>> {
        let n = x.dims()[0];
        let [1, height, width] = self.event[..] else {
            return Err("the pictures have colours".into());
        };
        let unit = Tensor::<1>::from_floats(self.unit(x).as_slice(), &Device::flex());
        Ok(DigitsClassifier::new(&Device::flex()).classify(unit.reshape([n, 1, height, width]))?)
    }

    /// The labels of the held-out pictures.
    pub fn labels(&self) -> Vec<usize> {
        let labels =
            self.test.labels.clone().map(|l| l.into_data().iter::<i64>().collect::<Vec<_>>());
        labels.unwrap_or_default().into_iter().map(|l| l as usize).collect()
    }

    /// How raw pictures became what the model sees.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// The columns of a grid with a line a class, of pictures that come class by class.
    pub fn columns(&self, pictures: &[f32], classes: usize, each: usize) -> Vec<Vec<f32>> {
        let size: usize = self.event.iter().product();
        let picture = |class: usize, i: usize| &pictures[(class * each + i) * size..][..size];
        let column = |i: usize| (0..classes).flat_map(|class| picture(class, i).to_vec()).collect();
        (0..each).map(column).collect()
    }

    /// Line after line, a picture of each column, all from 0 to 1. Writes `pictures.png` into the
    /// folder and shows it in the report.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn show(
        &self,
        folder: &Path,
        report: &mut Report,
        columns: &[Vec<f32>],
        lines: usize,
        caption: &str,
    ) -> Result<(), Box<dyn Error>> {
        show_columns(folder, report, &self.event, columns, lines, caption)
    }
}

/// Grey values are spread over their cells, and all goes to `[-1, 1]`.
fn centred(data: &Dataset) -> Result<Preparation, Box<dyn Error>> {
    let first = match data.levels() {
        Some(levels) => vec![Step::Dequantise(Dequantise { levels })],
        None => Preparation::fit(&Recipe::Unit, data)?.steps().to_vec(),
    };
    let steps = [first, vec![Step::Scale(Scale { shift: 0.5, scale: 0.5 })]].concat();
    Ok(Preparation::new(data.layout().clone(), steps)?)
}

/// Data as the models of the examples see it.
///
/// # Errors
/// Data of another kind than was prepared, or that the context cannot be made from.
pub fn prepared(
    data: Dataset,
    preparation: &Preparation,
    context: Option<PictureContext>,
) -> Result<Prepared<2>, Box<dyn Error>> {
    Ok(Prepared::new(data, preparation.clone())?.with_context(context)?)
}

/// How the examples of diffusion train.
pub fn training(steps: u64) -> TrainConfig {
    TrainConfig {
        batch_size: 64,
        limits: Limits { steps: Some(steps), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
        gradient: GradientConfig {
            clip_norm: Some(1.0),
            ema_decay: Some(0.99),
            ..GradientConfig::default()
        },
        ..TrainConfig::default()
    }
}

/// The peak signal-to-noise ratio in decibels of pictures from -1 to 1, over the pixels whose weight
/// is 1: `-10 log10` of the mean squared error of pictures from 0 to 1.
pub fn psnr(original: &Tensor<2>, made: &Tensor<2>, weight: &Tensor<2>) -> f64 {
    let halves = |x: &Tensor<2>| x.clone() * 0.5;
    crate::restore::psnr(&halves(original), &halves(made), weight)
}

/// The share of places where two lists agree, in per cent.
pub fn agreement(a: &[usize], b: &[usize]) -> f64 {
    100.0 * a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
}
