//! The book's tutorial: its blocks, joined (`docs/src/tutorial-first-model.md`).
//!
//! ```sh
//! cargo run --release -p pyrogen-examples --example first_model
//! ```

/// Runs the tutorial in a temporary folder.
///
/// # Errors
/// What a step of the tutorial gives.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    use pyrogen::prelude::*;

    let device = Device::flex();
    let control = Control::new();
    let room = tempfile::tempdir()?; // a folder of yours in its place keeps the results
    let folder = room.path().join("first");

    let data = pyrogen::read("digits")?;
    assert_eq!(data.data.len(), 1797);
    assert_eq!(data.data.modality(), Modality::Pictures);

    let wish = Wish::into(&folder).seed(1).set("latents=8").epochs(10);
    let mut losses = Vec::new();
    let mut watch = |event: &Event| {
        if let Event::Validation { values, .. } = event {
            losses.push(values[0].1);
        }
        Flow::Continue // `Flow::Stop` would end the run here and keep the model
    };
    let trained = pyrogen::train("vae", &data, &wish, &mut watch, &control)?;
    let model = trained.open(&device)?;
    assert!(losses.last() < losses.first()); // nats an example, lower is better
    assert_eq!(model.card().steps, 210); // 10 epochs of 21 batches

    let items = model.generate(16, &Request::seed(7), &control)?;
    items.write(folder.join("samples.png"))?;

    // Item i depends on the seed and on i alone: the first four of sixteen are the first four.
    let few = model.generate(4, &Request::seed(7), &control)?;
    assert_eq!(few, items.select(&[0, 1, 2, 3]));

    let test = trained.test.clone().expect("a fifth was held out");
    let request = Request::seed(1).set("draws", 64);
    let likelihood = model.score(&test, &request, &control)?;
    assert_eq!(likelihood.kind(), LikelihoodKind::Estimate);
    println!("{:.1} nats an example", likelihood.mean_nats());

    // The least probable digit.
    let ranking = model.rank(&test, &request, &control)?;
    let top = (0..test.len()).max_by(|&a, &b| ranking.scores[a].total_cmp(&ranking.scores[b]));
    println!("row {} is the most unusual", top.expect("there are rows"));

    use pyrogen::nn::{MlpConfig, Network};
    use pyrogen::vae::{Decoder, Scale};

    let config = VaeConfig {
        event: vec![1, 8, 8],
        latents: 8,
        network: Network::Mlp(MlpConfig { hidden: vec![128], ..MlpConfig::default() }),
        // A distribution over the 17 grey values; its spread is predicted for each pixel.
        decoder: Decoder::DiscretisedLogistic { levels: 17, scale: Scale::Predicted },
        ..VaeConfig::default()
    };

    // Parameters are initialised from the seed: the same seed gives the same bytes.
    let vae = config.init(Seed(1), &device)?;

    // A value that makes no sense is an error that names the field.
    let wrong = VaeConfig { latents: 0, ..config.clone() };
    assert_eq!(
        wrong.init(Seed(1), &device).unwrap_err().to_string(),
        "config: field `latents` must be at least 1, got 0"
    );

    use pyrogen::data::{Holdout, Preparation, Prepared, Recipe, Split, digits};

    let Split { train, .. } = digits().split(Holdout::Fraction(0.2), Seed(1))?;
    let Split { train, test: validation } = train.hold_out(Holdout::Fraction(0.1), Seed(1))?;
    let preparation = Preparation::fit(&Recipe::Unit, &train)?;
    let data_card = train.card("digits", &preparation);
    // `2` is the rank of a batch: rows of 64 features.
    let train = Prepared::<2>::new(train, preparation.clone())?;
    let validation = Prepared::<2>::new(validation, preparation)?;

    use std::sync::Arc;

    use pyrogen::train::{GradientLearner, Learner, Limits, OptimizerConfig, TrainConfig, Trainer};

    let own = room.path().join("own");
    let training = TrainConfig {
        batch_size: 64,
        limits: Limits { epochs: Some(10), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 3e-3, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(vae, &training)?;
    let outcome = Trainer::new(training, Seed(1))?
        .resume(false) // true goes on with a run that is there
        .fit(learner, Arc::new(train), Some(Arc::new(validation)), &own)?;
    let (loss, step) = outcome.state.best.expect("there was validation data");
    println!("best validation loss: {loss:.1} nats at step {step}");

    use pyrogen::core::folder::Card;

    let steps = outcome.state.step;
    let card = Card { steps, data: data_card, ..Card::new(pyrogen::vae::FAMILY, Seed(1)) };
    outcome.learner.model().save(&own.join("model"), &card)?;

    let vae = Vae::load(&own, &device)?;
    let mut noise = Noise::new(Seed(7)).fork("samples");
    let pictures: Tensor<4> = vae.sample(16, &SampleOptions::default(), &mut noise)?;
    assert_eq!(pictures.dims(), [16, 1, 8, 8]);
    Ok(())
}
