//! Classifier guidance: a diffusion model that knows no classes draws the digit that a classifier is
//! asked for (Dhariwal and Nichol 2021).
//!
//! ```text
//! cargo run -p pyrogen-examples --example classifier_guidance [SOURCE [STEPS]]
//! ```
//!
//! The classifier has learnt from digits with noise of every level, and reads the level. At each
//! step of the sampler its gradient says in which direction the wanted digit lies, and the expected
//! clean picture moves there: `weight * sigma^2 * grad ln p(digit | noisy picture)`. Another classifier,
//! which has no part in it, reads what comes out. `runs/classifier-guidance` gets a grid with a line a
//! digit.

use std::error::Error;
use std::path::Path;

use burn::module::Module;
use pyrogen::core::{Batch, Denoise, Examples};
use pyrogen::data::{Dataset, Holdout, Split};
use pyrogen::diffusion::Diffusion;
use pyrogen::diffusion::solve::{SolveError, classifier_guidance};
use pyrogen::nn::one_hot;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen_examples::classifier::{Classifier, Training};
use pyrogen_examples::painter::{Painter, agreement, prepared};
use pyrogen_examples::runs;

/// Guidance weights; 0 is the model alone.
const WEIGHTS: [f64; 4] = [0.0, 1.0, 2.0, 4.0];
/// The weight whose pictures are shown.
const SHOWN_WEIGHT: f64 = 2.0;
/// Pictures of a class at each weight.
const DRAWN: usize = 40;
/// Columns that are shown.
const SHOWN: usize = 12;
/// Noise that the classifier learns: `ln sigma` is uniform from the first to the second.
const LOG_SIGMAS: [f64; 2] = [-4.0, 4.5];

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(1200), |s| s.parse())?;
    run(&data, &name, steps, &runs::run_folder("classifier-guidance")?)
}

/// Pictures with noise of random levels, as the classifier sees them.
struct Noisy<E>(E);

impl<E: Examples<Batch = Batch<2>>> Examples for Noisy<E> {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Batch<2> {
        let mut own = noise.fork("levels");
        let batch = self.0.batch(rows, noise, device);
        let [low, high] = LOG_SIGMAS;
        let sigmas: Vec<f64> = own.uniform_rows(&[rows.len()]);
        let sigmas: Vec<f64> = sigmas.iter().map(|u| (low + u * (high - low)).exp()).collect();
        let column: Vec<f32> = sigmas.iter().map(|&s| s as f32).collect();
        let column = Tensor::<1>::from_floats(column.as_slice(), device).unsqueeze_dim::<2>(1);
        let x = batch.x.clone() + own.normal(batch.x.dims(), device) * column;
        Batch { x: seen(x, &sigmas), ..batch }
    }
}

/// What a classifier sees of noisy pictures: values of a scale that does not depend on the level, and
/// the level.
fn seen(x: Tensor<2>, sigmas: &[f64]) -> Tensor<2> {
    let column = |f: fn(f64) -> f64| {
        let values: Vec<f32> = sigmas.iter().map(|&s| f(s) as f32).collect();
        Tensor::<1>::from_floats(values.as_slice(), &x.device()).unsqueeze_dim::<2>(1)
    };
    let scaled = x.clone() * column(|sigma| 1.0 / (1.0 + sigma * sigma).sqrt());
    Tensor::cat(vec![scaled, column(|sigma| sigma.ln() / 4.0)], 1)
}

/// Pictures of the classes that are asked for, from the same noise for each weight.
fn guided(
    model: &Diffusion,
    classifier: &Classifier,
    labels: &[usize],
    weight: f64,
) -> Result<Tensor<2>, SolveError> {
    let (n, device) = (labels.len(), Device::flex());
    let wanted = Condition::classes(labels, &device.clone().autodiff()).labels.expect("given");
    let classifier = classifier.clone().fork(&device.clone().autodiff()).no_grad();
    let log_prob = |x: Tensor<2>, sigma: f64| {
        let log_probs = classifier.log_probs(seen(x, &vec![sigma; n]));
        let wanted = one_hot(wanted.clone(), log_probs.dims()[1]);
        (log_probs * wanted).sum_dim(1).squeeze_dim::<1>(1)
    };
    let denoiser = |x: Tensor<2>, sigma: f64| {
        let sigma = Tensor::<1>::full([n], sigma, &device);
        model.denoise(x, sigma, &Condition::none())
    };
    let mut noise = Noise::new(Seed(2)).fork("guided");
    let levels = model.sampling_levels()?;
    let start = levels.start([n, model.config().features()], &mut noise, &device);
    let sampler = model.config().sampling.sampler;
    match weight == 0.0 {
        true => sampler.sample(denoiser, start, &levels, &mut noise, |_| {}),
        false => {
            let denoiser = classifier_guidance(weight, denoiser, log_prob);
            sampler.sample(denoiser, start, &levels, &mut noise, |_| {})
        }
    }
}

/// Trains both for so many steps, and writes grid and report.
pub fn run(data: &Dataset, name: &str, steps: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let classes = data.classes().ok_or("the data has no labels")?;
    let painter = Painter::train(data, None, None, steps)?;
    let Split { train, .. } = data.split(Holdout::Fraction(0.2), Seed(1))?;
    let training = Training { classes, batch_size: 128, steps, seed: Seed(1) };
    let noisy = Noisy(prepared(train, painter.preparation(), None)?);
    let classifier = Classifier::learn(noisy, data.width() + 1, training)?;
    let model = painter.model.valid();

    let labels: Vec<usize> = (0..classes * DRAWN).map(|i| i / DRAWN).collect();
    let (mut rows, mut shown) = (Vec::new(), Vec::new());
    for weight in WEIGHTS {
        let x = guided(&model, &classifier, &labels, weight)?;
        let right = agreement(&painter.read(&x)?, &labels);
        println!("weight {weight}: read as the digit that was asked for: {right:5.1} %");
        rows.push(vec![weight.to_string(), format!("{right:.1}")]);
        if weight == SHOWN_WEIGHT {
            shown = painter.unit(&x);
        }
    }
    let mut report = Report::new("Classifier guidance");
    report.text(&format!("{name}, {steps} steps; {DRAWN} pictures of each digit at each weight"));
    report.table(&["weight", "read as the digit that was asked for, %"], &rows);
    let caption = format!("a line a digit, weight {SHOWN_WEIGHT}, not selected");
    let columns = painter.columns(&shown, classes, DRAWN);
    painter.show(folder, &mut report, &columns[..SHOWN], classes, &caption)?;
    runs::save(&report, folder)
}
