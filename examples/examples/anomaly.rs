//! Finds what a model has not seen: trains on all digits but one and ranks held-out digits by
//! their log-likelihood.
//!
//! ```text
//! cargo run -p pyrogen-examples --example anomaly
//! ```
//!
//! Prints the area under the ROC curve for a few digits: the probability that a digit of the
//! unseen class is less probable under the model than a digit of a seen one. 0.5 is guessing. It
//! does not work for every digit: a 1 has few grey pixels, so it is probable whether or not the
//! model has seen ones (Nalisnick et al. 2019 show the same on larger pictures).

use std::error::Error;
use std::sync::Arc;

use pyrogen::core::Examples;
use pyrogen::data::{Dataset, Holdout, Preparation, Prepared, Recipe, Split, digits};
use pyrogen::nn::{MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::train::{
    GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, TrainConfig, Trainer,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: Seed = Seed(1);

/// The digits that are left out, one a run.
const LEFT_OUT: [u32; 4] = [0, 1, 4, 8];

fn main() -> Result<(), Box<dyn Error>> {
    let Split { train, test } = digits().split(Holdout::Fraction(0.2), SEED)?;
    println!("left out  AUROC  nats, unseen  nats, seen  unseen examples");
    for digit in LEFT_OUT {
        let known = without(&train, digit);
        let preparation = Preparation::fit(&Recipe::Unit, &known)?;
        let model = fit(Prepared::new(known, preparation.clone())?)?;
        let nats = score(&model, &Prepared::new(test.clone(), preparation)?);
        let labels = test.labels().unwrap_or_default();
        let (unseen, seen): (Vec<_>, Vec<_>) =
            nats.iter().zip(labels).partition(|(_, label)| **label == digit);
        let values = |part: Vec<(&f64, &u32)>| part.into_iter().map(|(v, _)| *v).collect();
        let (unseen, seen): (Vec<f64>, Vec<f64>) = (values(unseen), values(seen));
        println!(
            "{digit:8}  {:.3}  {:12.1}  {:10.1}  {:15}",
            auroc(&unseen, &seen),
            mean(&unseen),
            mean(&seen),
            unseen.len()
        );
    }
    Ok(())
}

/// The data without a class.
fn without(data: &Dataset, digit: u32) -> Dataset {
    let labels = data.labels().unwrap_or_default();
    let rows: Vec<usize> = (0..data.len()).filter(|&row| labels[row] != digit).collect();
    data.subset(&rows)
}

/// A small VAE of this data.
fn fit(data: Prepared<2>) -> Result<Vae, Box<dyn Error>> {
    let config = VaeConfig {
        latents: 8,
        network: Network::Mlp(MlpConfig { hidden: vec![128], ..MlpConfig::default() }),
        ..VaeConfig::default()
    };
    let train = TrainConfig {
        limits: Limits { epochs: Some(40), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 3e-3, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let model = config.init(SEED, &Device::flex())?;
    let learner = GradientLearner::new(model, &train)?;
    // The run's records are not needed here.
    let folder = tempfile::tempdir()?;
    let trainer = Trainer::new(train, SEED)?.progress(ProgressMode::Hidden);
    let outcome = trainer.fit(learner, Arc::new(data), None, folder.path())?;
    Ok(outcome.learner.model())
}

/// An estimate of the log-likelihood of each example, in nats.
fn score(model: &Vae, data: &Prepared<2>) -> Vec<f64> {
    let rows: Vec<usize> = (0..data.len()).collect();
    let noise = Noise::new(SEED).fork("score");
    let x = data.batch(&rows, &mut noise.fork("data"), &Device::flex()).x;
    let options = ScoreOptions { draws: 64, method: ScoreMethod::Estimate };
    let none = Condition::none();
    model.log_likelihood(x, &none, &options, &mut noise.fork("draws")).nats().to_vec()
}

/// The probability that an unseen example has a lower log-likelihood than a seen one; ties count
/// half (the statistic of Mann and Whitney 1947, divided by the number of pairs).
fn auroc(unseen: &[f64], seen: &[f64]) -> f64 {
    let below = |u: &f64| -> f64 {
        seen.iter()
            .map(|s| match u.total_cmp(s) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            })
            .sum()
    };
    unseen.iter().map(below).sum::<f64>() / (unseen.len() * seen.len()) as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
