//! Does generated data help a classifier that has few labels? Ten labelled examples a class; a
//! conditional VAE is trained on these alone, and a classifier on them with and without what the
//! VAE draws.
//!
//! ```text
//! cargo run -p pyrogen-examples --example augmentation [SOURCE [STEPS]]
//! ```
//!
//! Both classifiers take the same number of steps. With generated examples half of what is seen is
//! real and half generated, on average. Prints the accuracy on the test examples for five seeds,
//! which choose the labelled examples too.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use pyrogen::data::{Dataset, Holdout, Preparation, Prepared, Recipe, Split, grid_png};
use pyrogen::nn::{MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen::train::{Limits, OptimizerConfig, TrainConfig};
use pyrogen::vae::{Decoder, Scale};
use pyrogen_examples::classifier::{Classifier, Training};
use pyrogen_examples::runs;

/// Labelled examples a class, and generated ones.
const LABELLED: usize = 10;
const GENERATED: usize = 100;
/// Generated pictures of a class that are shown.
const SHOWN: usize = 10;

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(600), |s| s.parse())?;
    run(&data, &name, &[1, 2, 3, 4, 5], steps, &runs::run_folder("augmentation")?)
}

/// Repeats the comparison for each seed, with so many steps of each network, and writes a report.
pub fn run(
    data: &Dataset,
    name: &str,
    seeds: &[u64],
    steps: u64,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let Split { train, test } = data.split(Holdout::Fraction(0.2), Seed(1))?;
    let classes = data.classes().ok_or("the data has no labels")?;
    let (test_rows, test_labels) = (unit(&test), test.labels().unwrap_or_default());
    let mut report = Report::new("A classifier with generated data");
    let (mut rows, mut csv) = (Vec::new(), String::from("seed,real,with generated\n"));
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    println!("seed  real alone  with generated");
    for &seed in seeds {
        let few = labelled(&train, Seed(seed));
        let (real, labels) = (unit(&few), few.labels().unwrap_or_default());
        let (drawn, drawn_labels) = generated(&few, steps, Seed(seed))?;
        // The real ones as often as there are generated ones.
        let repeats = drawn_labels.len() / labels.len();
        let more = [drawn.clone(), real.repeat(repeats)].concat();
        let more_labels = [drawn_labels, labels.repeat(repeats)].concat();
        let accuracy = |rows: Vec<f32>, labels: Vec<u32>| -> Result<f64, Box<dyn Error>> {
            let training = Training { classes, batch_size: 50, steps, seed: Seed(seed) };
            let classifier = Classifier::fit(rows, labels, training)?;
            Ok(100.0 * classifier.accuracy(&test_rows, test_labels))
        };
        let alone = accuracy(real, labels.to_vec())?;
        let helped = accuracy(more, more_labels)?;
        println!("{seed:4}  {alone:8.1} %  {helped:12.1} %");
        writeln!(csv, "{seed},{alone:.2},{helped:.2}")?;
        rows.push(vec![seed.to_string(), format!("{alone:.1}"), format!("{helped:.1}")]);
        columns.iter_mut().zip([alone, helped, helped - alone]).for_each(|(c, v)| c.push(v));
        let shown = drawn.chunks_exact(train.width()).enumerate();
        let shown = shown.filter(|(i, _)| i % GENERATED < SHOWN).flat_map(|(_, row)| row);
        let shown: Vec<f32> = shown.copied().collect();
        let png = grid_png(&shown, classes * SHOWN, train.event_shape(), SHOWN, 0)?;
        report.picture(&png, &format!("Generated with seed {seed}, one row a class"));
    }
    let summary = columns.map(|v| runs::mean_and_deviation(&v));
    let [alone, helped, gain] =
        summary.map(|(mean, deviation)| format!("{mean:.1} ± {deviation:.1}"));
    println!("mean ± deviation: {alone} % alone, {helped} % with generated; gain {gain} points");
    rows.push(vec!["mean ± deviation".into(), alone, helped]);
    report.text(&format!("{name}, {steps} steps: test accuracy in per cent, gain {gain} points"));
    report.table(&["seed", "real alone", "with generated"], &rows);
    std::fs::write(folder.join("accuracy.csv"), csv)?;
    runs::save(&report, folder)
}

/// The pictures from 0 to 1.
fn unit(data: &Dataset) -> Vec<f32> {
    data.layout().to_unit(data.values())
}

/// Ten random examples of each class.
fn labelled(train: &Dataset, seed: Seed) -> Dataset {
    let labels = train.labels().unwrap_or_default();
    let mut counts = vec![0; train.classes().unwrap_or(0)];
    let mut rows = Noise::new(seed).fork("labelled").permutation(train.len());
    rows.retain(|&row| {
        counts[labels[row] as usize] += 1;
        counts[labels[row] as usize] <= LABELLED
    });
    train.subset(&rows)
}

/// Pictures and their classes, from a conditional VAE that has seen these examples alone.
fn generated(
    few: &Dataset,
    steps: u64,
    seed: Seed,
) -> Result<(Vec<f32>, Vec<u32>), Box<dyn Error>> {
    let classes = few.classes().unwrap_or(0);
    let levels = few.levels().ok_or("the data has no grey values")?;
    let config = VaeConfig {
        event: few.event_shape().to_vec(),
        latents: 8,
        network: Network::Mlp(MlpConfig { hidden: vec![128], ..MlpConfig::default() }),
        decoder: Decoder::DiscretisedLogistic { levels, scale: Scale::Shared },
        classes: Some(classes),
        ..VaeConfig::default()
    };
    let training = TrainConfig {
        batch_size: 50,
        limits: Limits { steps: Some(steps), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let device = Device::flex();
    let data = Prepared::<2>::new(few.clone(), Preparation::fit(&Recipe::Unit, few)?)?;
    let model = runs::fit(config.init(seed, &device)?, data, training, seed)?;
    let labels: Vec<usize> = (0..classes * GENERATED).map(|i| i / GENERATED).collect();
    let options = SampleOptions {
        condition: Condition::classes(&labels, &device),
        ..SampleOptions::default()
    };
    let noise = &mut Noise::new(seed).fork("generated");
    let x: Tensor<2> = model.sample(labels.len(), &options, noise)?;
    let values = x.into_data().iter::<f32>().map(|v| v.clamp(0.0, 1.0)).collect();
    Ok((values, labels.iter().map(|&l| l as u32).collect()))
}
