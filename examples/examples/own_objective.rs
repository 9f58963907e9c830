//! A model of one's own: what a library author writes to get training, checkpoints, exact resume
//! and the model folder.
//!
//! ```text
//! cargo run -p pyrogen-examples --example own_objective
//! ```
//!
//! Every pixel of a binary picture is a Bernoulli variable whose probability depends on the class,
//! with a uniform prior. The best probability is then known, `(set + 1) / (examples + 2)`, and the
//! trained model is checked against it.

use std::error::Error;
use std::sync::Arc;

use burn::module::{Module, Param};
use pyrogen::core::distribution::{Bernoulli, Distribution, Independent};
use pyrogen::core::folder::{Card, ModelFolder};
use pyrogen::core::{Batch, Examples, Loss, Objective, init};
use pyrogen::data::{Binarise, Holdout, Preparation, Prepared, Recipe, Split, digits};
use pyrogen::metrics::LikelihoodReport;
use pyrogen::prelude::*;
use pyrogen::train::{
    Decay, GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, ScheduleConfig,
    TrainConfig, Trainer,
};
use serde_json::{Value, json};

const CLASSES: usize = 10;
const FEATURES: usize = 64;
/// `p(x | class) = prod_j Bernoulli(x_j; sigmoid(logits[class, j]))`.
#[derive(Module, Debug)]
struct Pixels {
    logits: Param<Tensor<2>>, // [classes, features]
    #[module(skip)]
    examples: usize, // of the training data: what the prior is weighed against
}

impl Pixels {
    fn new(examples: usize, device: &Device) -> Self {
        Self { logits: init::constant([CLASSES, FEATURES], 0.0, device), examples }
    }

    /// The distribution of examples of these classes, `[batch, features]`.
    fn given(&self, condition: &Condition) -> Independent<Bernoulli<2>> {
        let labels = condition.labels.clone().expect("Pixels: one label an example is needed");
        Independent::new(Bernoulli::new(self.logits.val().select(0, labels)))
    }
}

/// How it is trained: named terms, a function of the batch and of what `draw` gives (nothing here).
impl Objective for Pixels {
    type Batch = Batch<2>;
    type Draws = ();

    fn draw(&self, _: &Batch<2>, _: &mut Noise) {}

    fn loss(&self, batch: Batch<2>, _: ()) -> Loss {
        let likelihood = self.given(&batch.condition()).log_prob(batch.x);
        // The prior is two more examples of each class: with every pixel set, and with none.
        let all = Independent::new(Bernoulli::new(self.logits.val()));
        let ones = self.logits.val().ones_like();
        let prior = all.log_prob(ones.clone()) + all.log_prob(ones.zeros_like());
        let weight = 1.0 / self.examples as f64;
        Loss::new().term("nll", likelihood.mean().neg()).weighted("prior", -prior.sum(), weight)
    }
}

impl Describe for Pixels {
    fn event_shape(&self) -> Vec<usize> {
        vec![1, 8, 8]
    }

    fn classes(&self) -> Option<usize> {
        Some(CLASSES)
    }
}

impl Sample<2> for Pixels {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, ModelError> {
        options.check(self, n)?;
        Ok(self.given(&options.condition).sample(noise))
    }
}

impl Score<2> for Pixels {
    fn log_likelihood(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        _: &ScoreOptions,
        _: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let nats = self.given(condition).log_prob(x).into_data().iter::<f64>().collect();
        Ok(Likelihood::exact(nats, FEATURES).conditional(true))
    }
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (seed, device, folder) = (Seed(1), Device::flex(), tempfile::tempdir()?);
    let Split { train, test } = digits().split(Holdout::Fraction(0.2), seed)?;
    let recipe = Recipe::Binarised(Binarise::Threshold { above: 0.5 });
    let preparation = Preparation::fit(&recipe, &train)?;
    let train = Prepared::<2>::new(train, preparation.clone())?;
    let test = Prepared::<2>::new(test, preparation)?;
    let whole = |data: &Prepared<2>| -> Batch<2> {
        let rows: Vec<usize> = (0..data.len()).collect();
        data.batch(&rows, &mut Noise::new(seed), &device)
    };
    let config = TrainConfig {
        batch_size: train.len(),
        limits: Limits { steps: Some(1000), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 0.1, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, ..ScheduleConfig::default() },
        checkpoint_every: 500,
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(Pixels::new(train.len(), &device), &config)?;
    let trainer = Trainer::new(config, seed)?.progress(ProgressMode::Hidden);
    let trainer = trainer.record(json!({"family": "pixels"}));
    let outcome = trainer.fit(learner, Arc::new(train.clone()), None, folder.path())?;
    let difference = from_closed_form(&outcome.learner.model(), whole(&train));
    println!("largest difference of a probability from the closed form: {difference:.1e}");
    assert!(difference < 1e-3, "training did not arrive");

    // A model folder of one's own family.
    let saved = folder.path().join("model");
    let card = Card::new("pixels", seed);
    ModelFolder::save(&saved, &outcome.learner.model(), &Value::Null, &card)?;
    let model = ModelFolder::open(&saved)?.load_weights(Pixels::new(train.len(), &device))?;

    let batch = whole(&test);
    let (condition, mut noise) = (batch.condition(), Noise::new(seed).fork("use"));
    let score = model.log_likelihood(batch.x, &condition, &ScoreOptions::default(), &mut noise)?;
    println!("held out: {}", serde_json::to_string(&LikelihoodReport::new(&score)?)?);
    let options =
        SampleOptions { condition: Condition::class(3, 4, &device), ..SampleOptions::default() };
    println!("samples of class 3: {:?}", model.sample(4, &options, &mut noise)?.dims());
    Ok(())
}

/// The largest `|sigmoid(logits) - (set + 1) / (examples + 2)|`.
fn from_closed_form(model: &Pixels, batch: Batch<2>) -> f64 {
    let labels = batch.labels.expect("the digits have labels");
    let indicators: Tensor<2> = pyrogen::nn::one_hot(labels, CLASSES).transpose();
    let set = indicators.clone().matmul(batch.x) + 1.0;
    let best = set / (indicators.sum_dim(1) + 2.0);
    let learnt = burn::tensor::activation::sigmoid(model.logits.val());
    (learnt - best).abs().max().into_scalar()
}
