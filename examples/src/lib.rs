//! What the examples share, and the book's tutorial as tests.
//!
//! The examples are in `examples/`, one file each; they use the embedded digits and run in less
//! than a minute on a CPU:
//!
//! | example | what |
//! |---|---|
//! | `first_model` | the book's tutorial: training by name, samples, scores; then with the model's own type |
//! | `train_vae` | data, training, scores, samples and a saved model, in the library |
//! | `load_and_sample` | a program that loads a model and samples |
//! | `latent_arithmetic` | morphs, classes into classes, italics |
//! | `anomaly` | each digit held out in turn, beside principal components and an isolation forest |
//! | `augmentation` | a classifier of few labels with and without generated examples |
//! | `synthetic_table` | generated rows of a table, and how good they are |
//! | `denoise` | noise is removed by a model conditioned on the noisy picture |
//! | `inpaint` | holes are filled by a model conditioned on the rest |
//! | `distribution_plots` | the pictures of the book's list of distributions |
//! | `rate_distortion` | the book's picture of the methods in the rate-distortion plane |
//! | `samplers` | which sampler and how many steps: errors on a mixture of Gaussians |
//! | `digits_by_label` | a diffusion model conditioned on the digit; what guidance does |
//! | `classifier_guidance` | a model that knows no classes, led by a classifier of noisy digits |
//! | `lower_half` | half of a digit is filled in by a model of whole ones |
//! | `edges` | edge maps to digits, several candidates each |
//! | `latent_diffusion` | a diffusion model of an autoencoder's codes |
//! | `toy_flow` | moons, Gaussians, checkerboard: the gap to the true density, the ways of points |
//! | `flow_densities` | normalizing flows of moons, Gaussians, checkerboard: the gap to the true density |
//! | `super_resolution` | small digits to large ones, several candidates each |
//! | `gan_super_resolution` | small digits to large ones by a GAN, beside cubic convolution |
//! | `pix2pix` | edge maps to digits by a GAN, several candidates each |
//! | `gan_latents` | the moves of `latent_arithmetic` with a model without an encoder |
//! | `gan_collapse` | GANs that collapse, GANs that do not, and what the collapse monitor says |
//! | `regimes` | regimes of a price series by a hidden Markov model, scenarios of the worst one |
//! | `holes` | a table with hidden cells, grouped and completed by a mixture |
//! | `headlines` | headlines from a chain of words that copy none of their source |
//! | `own_families` | three families of one's own beside the built-in ones, in one command |
//! | `own_objective` | a model of one's own, trained by the same trainer |

pub mod baselines;
pub mod candidates;
pub mod classifier;
pub mod collapse;
pub mod distributions;
pub mod families;
pub mod moves;
pub mod painter;
pub mod pictures;
pub mod plane;
pub mod restore;
pub mod runs;
pub mod tables;
pub mod translate;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Int, TensorData};
use pyrogen::core::folder::Card;
use pyrogen::core::{Batch, Examples};
use pyrogen::data::{Holdout, Preparation, Prepared, RawRows, Recipe, Split, digits};
use pyrogen::nn::{MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::train::{
    GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, TrainConfig, Trainer,
};

/// Large short-lived tensors make the system's allocator give memory back and clear it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The book's chapter on data.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/data.md")]
pub struct Data;

/// The book's chapter on hidden Markov models and Markov chains.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/markov.md")]
pub struct Markov;

/// The book's chapter on language models.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/language.md")]
pub struct Language;

/// The book's chapter on distributions.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/distributions.md")]
pub struct Distributions;

/// Pictures on the CPU with their labels.
#[derive(Debug)]
pub struct Labelled {
    /// `[n, 1, 8, 8]`, from 0 to 1.
    pub x: Tensor<4>,
    /// The digit of each picture.
    pub labels: Vec<usize>,
}

/// A model and the data that it was made with.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Vae,
    /// What it has learnt from.
    pub train: Labelled,
    /// What it has not seen.
    pub test: Labelled,
}

/// Trains a small VAE on the embedded digits in some seconds, for examples that need one, and
/// saves it into the run folder `folder`.
///
/// # Errors
/// When the folder holds a run already or cannot be written.
pub fn small_model(folder: &Path) -> Result<Trained, Box<dyn Error>> {
    let (seed, device) = (Seed(1), Device::flex());
    let [train, test] = halves(seed)?;
    let data = train.data().to_dataset()?.card("digits", train.preparation());
    let (train_part, test) = (whole(&train), whole(&test));

    let config = VaeConfig {
        latents: 8,
        network: Network::Mlp(MlpConfig { hidden: vec![128], ..MlpConfig::default() }),
        ..VaeConfig::default()
    };
    let training = TrainConfig {
        limits: Limits { epochs: Some(40), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 3e-3, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(config.init(seed, &device)?, &training)?;
    let outcome = Trainer::new(training, seed)?
        .progress(ProgressMode::Hidden)
        .record(serde_json::json!({"family": "vae", "data": "digits"}))
        .fit(learner, Arc::new(train), None, folder)?;
    let model = outcome.learner.model();
    let card = Card { steps: outcome.state.step, data, ..Card::new(pyrogen::vae::FAMILY, seed) };
    model.save(&folder.join("model"), &card)?;
    Ok(Trained { model, train: train_part, test })
}

/// The embedded digits from 0 to 1: what is learnt from, and what is held out.
///
/// # Errors
/// When the digits cannot be split.
pub fn halves(seed: Seed) -> Result<[Prepared<2>; 2], Box<dyn Error>> {
    let Split { train, test } = digits().split(Holdout::Fraction(0.2), seed)?;
    let preparation = Preparation::fit(&Recipe::Unit, &train)?;
    Ok([Prepared::new(train, preparation.clone())?, Prepared::new(test, preparation)?])
}

/// All digits of a part.
pub fn whole(part: &Prepared<2>) -> Labelled {
    let rows: Vec<usize> = (0..part.len()).collect();
    // The digits are prepared without noise.
    let mut unused = Noise::new(Seed(0));
    let Batch { x, .. } = part.batch(&rows, &mut unused, &Device::flex());
    Labelled { x: x.reshape([part.len(), 1, 8, 8]), labels: labels(part.data()) }
}

/// Rows as a tensor, to select them.
pub fn indices(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    Tensor::from_data(TensorData::new(rows.clone(), [rows.len()]), device)
}

fn labels(data: &dyn RawRows) -> Vec<usize> {
    data.labels().unwrap_or_default().iter().map(|&label| label as usize).collect()
}
