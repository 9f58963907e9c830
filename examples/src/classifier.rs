//! A classifier to measure with.

use std::error::Error;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen::core::distribution::Categorical;
use pyrogen::core::{Batch, Examples, Loss, Noise, Objective, Seed};
use pyrogen::data::{Dataset, Preparation, Prepared, Recipe};
use pyrogen::nn::{Mlp, MlpConfig, one_hot};
use pyrogen::train::{Limits, OptimizerConfig, TrainConfig};

use crate::runs;

/// `p(class | x)` by one hidden layer.
#[derive(Module, Debug)]
pub struct Classifier {
    network: Mlp,
    #[module(skip)]
    features: usize,
    #[module(skip)]
    classes: usize,
}

/// Width of the hidden layer.
const HIDDEN: usize = 64;

/// How a classifier is trained.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// Number of classes.
    pub classes: usize,
    /// Examples a step.
    pub batch_size: usize,
    /// Steps of Adam.
    pub steps: u64,
    /// Of the first weights and the order of the examples.
    pub seed: Seed,
}

impl Classifier {
    /// Trains on rows of features with a label each.
    ///
    /// # Errors
    /// When rows and labels do not fit together, or training fails.
    pub fn fit(
        rows: Vec<f32>,
        labels: Vec<u32>,
        training: Training,
    ) -> Result<Self, Box<dyn Error>> {
        let features = rows.len() / labels.len().max(1);
        let data = Dataset::from_parts(rows, vec![features], Some(labels))?;
        let preparation = Preparation::fit(&Recipe::Raw, &data)?;
        Self::learn(Prepared::<2>::new(data, preparation)?, features, training)
    }

    /// Trains on labelled batches of so many features.
    ///
    /// # Errors
    /// When training fails.
    pub fn learn(
        data: impl Examples<Batch = Batch<2>> + 'static,
        features: usize,
        training: Training,
    ) -> Result<Self, Box<dyn Error>> {
        let classes = training.classes;
        let mlp = MlpConfig { hidden: vec![HIDDEN], ..MlpConfig::default() };
        let mut noise = Noise::new(training.seed).fork("classifier");
        let network = mlp.init(features, classes, &mut noise, &Device::flex());
        let config = TrainConfig {
            batch_size: training.batch_size,
            limits: Limits { steps: Some(training.steps), ..Limits::default() },
            optimizer: OptimizerConfig { learning_rate: 1e-3, ..OptimizerConfig::default() },
            ..TrainConfig::default()
        };
        runs::fit(Self { network, features, classes }, data, config, training.seed)
    }

    /// `p(class | x)` of rows of features, class by class.
    pub fn probabilities(&self, rows: &[f32]) -> Vec<Vec<f64>> {
        let n = rows.len() / self.features;
        let device = self.devices()[0].clone();
        let x = Tensor::from_data(TensorData::new(rows.to_vec(), [n, self.features]), &device);
        let p: Vec<f64> = self.log_probs(x).exp().into_data().iter::<f64>().collect();
        p.chunks_exact(self.classes).map(<[f64]>::to_vec).collect()
    }

    /// The share of rows whose most probable class is the right one.
    pub fn accuracy(&self, rows: &[f32], labels: &[u32]) -> f64 {
        let right = |(p, label): &(Vec<f64>, &u32)| {
            p.iter().enumerate().all(|(k, v)| k == **label as usize || *v < p[**label as usize])
        };
        let read = self.probabilities(rows).into_iter().zip(labels);
        read.filter(right).count() as f64 / labels.len() as f64
    }

    /// `ln p(class | x)`, `[n, classes]`.
    pub fn log_probs(&self, x: Tensor<2>) -> Tensor<2> {
        Categorical::new(self.network.forward(x)).log_probs()
    }
}

impl Objective for Classifier {
    type Batch = Batch<2>;
    type Draws = ();

    fn draw(&self, _: &Batch<2>, _: &mut Noise) {}

    fn loss(&self, batch: Batch<2>, _: ()) -> Loss {
        let labels: Tensor<1, Int> = batch.labels.expect("a classifier learns from labels");
        let right = one_hot(labels, self.classes) * self.log_probs(batch.x);
        Loss::new().term("nll", right.sum_dim(1).mean().neg())
    }
}
