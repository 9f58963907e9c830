//! The whole road in the library, without the command line: data, model, training, scores,
//! samples, a saved model.
//!
//! ```text
//! cargo run -p pyrogen-examples --example train_vae [FOLDER]
//! ```
//!
//! The run folder is `runs/train-vae` where none is given. Started again, the program goes on with
//! the run that it finds there.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use pyrogen::core::folder::Card;
use pyrogen::core::{Examples, config};
use pyrogen::data::{Holdout, Preparation, Prepared, Recipe, Split, digits, grid_png_file};
use pyrogen::metrics::LikelihoodReport;
use pyrogen::nn::{MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::train::{
    Decay, GradientLearner, Learner, Limits, OptimizerConfig, ScheduleConfig, TrainConfig, Trainer,
};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The seed of the split, the first weights, the training and the samples.
const SEED: Seed = Seed(1);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("runs/train-vae".into()));
    let device = Device::flex();

    // Data: a fifth for the test, a tenth of the rest for validation, grey values to [0, 1].
    let Split { train, test } = digits().split(Holdout::Fraction(0.2), SEED)?;
    let Split { train, test: validation } = train.hold_out(Holdout::Fraction(0.1), SEED)?;
    let preparation = Preparation::fit(&Recipe::Unit, &train)?;
    println!(
        "{} examples to learn from, {} for validation, {} for the test",
        train.len(),
        validation.len(),
        test.len()
    );
    let data_card = train.card("digits", &preparation);
    let prepared = |part| Prepared::<2>::new(part, preparation.clone());
    let (train, validation, test) = (prepared(train)?, prepared(validation)?, prepared(test)?);

    // The model: what is not named has its default (see `VaeConfig`).
    let model_config = VaeConfig {
        event: vec![1, 8, 8],
        latents: 12,
        network: Network::Mlp(MlpConfig { hidden: vec![256, 128], ..MlpConfig::default() }),
        ..VaeConfig::default()
    };
    let model = model_config.init(SEED, &device)?;
    println!("a VAE of {} parameters", model.num_params());

    // Training into a run folder; validation is after each epoch.
    let train_config = TrainConfig {
        limits: Limits { epochs: Some(40), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
        ..TrainConfig::default()
    };
    let record =
        json!({"family": "vae", "data": "digits", "model": config::to_value(&model_config)});
    let started = Instant::now();
    let learner = GradientLearner::new(model, &train_config)?;
    let trainer = Trainer::new(train_config.clone(), SEED)?.record(record).resume(true);
    let outcome = trainer.fit(learner, Arc::new(train), Some(Arc::new(validation)), &folder)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("step {} after {seconds:.1} s ({:?})", outcome.state.step, outcome.reason);
    if let Some((loss, step)) = outcome.state.best {
        println!("best validation loss: {loss:.3} nats at step {step}");
    }
    let model = outcome.learner.model();

    // How probable the held-out digits are: a bound with few draws, an estimate with many.
    let rows: Vec<usize> = (0..test.len()).collect();
    let noise = Noise::new(SEED).fork("test");
    let batch = test.batch(&rows, &mut noise.fork("data"), &device);
    for (method, draws) in [(ScoreMethod::LowerBound, 8), (ScoreMethod::Estimate, 128)] {
        let options = ScoreOptions { draws, method };
        let condition = Condition::none();
        let mut noise = noise.fork("score");
        let score = model.log_likelihood(batch.x.clone(), &condition, &options, &mut noise)?;
        let report = LikelihoodReport::new(&score)?;
        println!(
            "{:?}: {:.2} ± {:.2} nats an example, {:.4} bits/dim",
            report.kind,
            report.mean_nats,
            report.std_err.unwrap_or(f64::NAN),
            score.bits_per_dim()
        );
    }

    // Samples as a picture. The preparation takes them back to grey values of 0 to 16, the layout
    // takes those to brightness.
    let n = 64;
    let mut noise = Noise::new(SEED).fork("samples");
    let images: Tensor<4> = model.sample(n, &SampleOptions::default(), &mut noise)?;
    let values: Vec<f32> = images.into_data().iter::<f32>().collect();
    let raw = preparation.inverse(&values);
    let unit = preparation.layout().to_unit(&raw);
    let picture = folder.join("samples/samples.png");
    grid_png_file(&picture, &unit, n, &[1, 8, 8], 8, 0)?;
    println!("{n} samples: {}", picture.display());

    // The model folder: `Vae::load` and `pyrogen sample` read it.
    let card = Card {
        steps: outcome.state.step,
        data: data_card,
        ..Card::new(pyrogen::vae::FAMILY, SEED)
    };
    model.save(&folder.join("model"), &card)?;
    println!("model: {}", folder.join("model").display());
    Ok(())
}
