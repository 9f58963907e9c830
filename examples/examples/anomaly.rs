//! Finds what a model has not seen: each class is held out in turn, a VAE is trained on the
//! others, and the test examples are ranked by how strange they are.
//!
//! ```text
//! cargo run -p pyrogen-examples --example anomaly [SOURCE [STEPS [ROWS]]]
//! ```
//!
//! ROWS limits the training examples, and the test examples to a fifth of it.
//! Prints the area under the ROC curve for each class: the probability that a test example of the
//! unseen class is stranger than one of a seen class. 0.5 is guessing. Beside two scores of the VAE
//! are the reconstruction error of as many principal components as it has latents, and an isolation
//! forest (the mean of three, since its crate takes no seed). The likelihood does not work for every
//! digit: a 1 has few grey pixels, so it is probable whether or not the model has seen ones
//! (Nalisnick et al. 2019 show the same on larger pictures).

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use pyrogen::core::{Batch, Examples};
use pyrogen::data::{Binarise, Dataset, Holdout, Preparation, Prepared, Recipe, Split, grid_png};
use pyrogen::metrics::auroc;
use pyrogen::nn::{MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen::train::{Limits, OptimizerConfig, TrainConfig};
use pyrogen::vae::{Decoder, Scale};
use pyrogen_examples::baselines::{Components, forest_scores};
use pyrogen_examples::runs;

const SEED: Seed = Seed(1);
const SCORES: [&str; 4] = ["VAE likelihood", "VAE reconstruction", "PCA", "isolation forest"];
/// Forests whose areas are averaged.
const FORESTS: usize = 3;
/// Pictures in a row of the grid.
const SHOWN: usize = 12;

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(800), |s| s.parse())?;
    let data = args.get(1).map_or(Ok(data.clone()), |rows| runs::at_most(&data, rows, SEED))?;
    run(&data, &name, steps, &runs::run_folder("anomaly")?)
}

/// Trains for so many steps a class, prints the table and writes it into the folder.
pub fn run(data: &Dataset, name: &str, steps: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let Split { train, test } = data.split(Holdout::Fraction(0.2), SEED)?;
    let classes = data.classes().ok_or("the data has no labels")?;
    let labels = test.labels().unwrap_or_default();
    let (mut rows, mut pictures) = (Vec::new(), Vec::new());
    let (mut sums, mut csv) = ([0.0; 4], format!("held out,{}\n", SCORES.join(",")));
    println!("held out  {}", SCORES.join("  "));
    for class in 0..classes {
        let scores = strangeness(&without(&train, class as u32), &test, steps)?;
        let area = |scores: &Vec<f64>| {
            let part = |unseen: bool| -> Vec<f64> {
                let rows = scores.iter().zip(labels);
                rows.filter(|(_, l)| (**l == class as u32) == unseen).map(|(s, _)| *s).collect()
            };
            auroc(&part(true), &part(false))
        };
        let areas = scores.iter().map(area).collect::<Result<Vec<f64>, _>>()?;
        let forests = areas[3..].iter().sum::<f64>() / FORESTS as f64;
        let areas = [areas[0], areas[1], areas[2], forests];
        sums.iter_mut().zip(areas).for_each(|(sum, area)| *sum += area / classes as f64);
        rows.push(line(&class.to_string(), areas, &mut csv)?);
        let mut order: Vec<usize> = (0..test.len()).collect();
        order.sort_by(|&a, &b| scores[0][b].total_cmp(&scores[0][a]));
        let shown = order[..SHOWN].iter().flat_map(|&row| test.layout().to_unit(test.row(row)));
        pictures.extend(shown);
    }
    rows.push(line("mean", sums, &mut csv)?);
    std::fs::write(folder.join("auroc.csv"), csv)?;
    let png = grid_png(&pictures, classes * SHOWN, test.event_shape(), SHOWN, 0)?;
    let mut report = Report::new("Anomalies");
    let header = [&["held out"], &SCORES[..]].concat();
    report.text(&format!("{name}, {steps} steps a class: area under the ROC curve"));
    report.table(&header, &rows).picture(&png, "The least probable, one row a held-out class");
    runs::save(&report, folder)
}

/// A row of the table, printed and added to the CSV text.
fn line(name: &str, areas: [f64; 4], csv: &mut String) -> Result<Vec<String>, Box<dyn Error>> {
    let cells = areas.map(|a| format!("{a:.3}"));
    println!("{name:8}  {:>14}  {:>18}  {:>3}  {:>16}", cells[0], cells[1], cells[2], cells[3]);
    writeln!(csv, "{name},{}", cells.join(","))?;
    Ok([&[name.to_string()], &cells[..]].concat())
}

/// The data without a class.
fn without(data: &Dataset, class: u32) -> Dataset {
    let labels = data.labels().unwrap_or_default();
    let rows: Vec<usize> = (0..data.len()).filter(|&row| labels[row] != class).collect();
    data.subset(&rows)
}

/// The scores of the test examples after training on `known`; the forests' last.
fn strangeness(
    known: &Dataset,
    test: &Dataset,
    steps: u64,
) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let grey = Preparation::fit(&Recipe::Unit, known)?;
    let flat = |data: &Dataset| grey.apply(data.values(), &mut Noise::new(SEED));
    let (flat_known, flat_test, width) = (flat(known), flat(test), known.width());
    // Few grey values are modelled as they are, many as black and white.
    let levels = known.levels().filter(|l| *l <= 32);
    let (recipe, decoder, latents, hidden, batch_size) = match levels {
        Some(levels) => {
            let decoder = Decoder::DiscretisedLogistic { levels, scale: Scale::Predicted };
            (Recipe::Unit, decoder, 8, 128, 64)
        }
        None => {
            let recipe = Recipe::Binarised(Binarise::Threshold { above: 0.5 });
            (recipe, Decoder::Bernoulli, 20, 400, 128)
        }
    };
    let preparation = Preparation::fit(&recipe, known)?;
    let network = Network::Mlp(MlpConfig { hidden: vec![hidden], ..MlpConfig::default() });
    let event = known.event_shape().to_vec();
    let config = VaeConfig { event, latents, network, decoder, ..VaeConfig::default() };
    let training = TrainConfig {
        batch_size,
        limits: Limits { steps: Some(steps), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let device = Device::flex();
    let data = Prepared::<2>::new(known.clone(), preparation.clone())?;
    let model = runs::fit(config.init(SEED, &device)?, data, training, SEED)?;

    let test = Prepared::<2>::new(test.clone(), preparation)?;
    let rows: Vec<usize> = (0..test.len()).collect();
    let noise = Noise::new(SEED).fork("score");
    let Batch { x, .. } = test.batch(&rows, &mut noise.fork("data"), &device);
    let (none, draws) = (Condition::none(), if levels.is_some() { 64 } else { 16 });
    let options = ScoreOptions { draws, method: ScoreMethod::Estimate };
    let likelihood = model.log_likelihood(x.clone(), &none, &options, &mut noise.fork("draws"))?;
    let again: Tensor<2> = model.decode(model.encode(x.clone(), &none)?.point(), &none)?;
    let mut scores = vec![
        likelihood.nats().iter().map(|nats| -nats).collect(),
        (again - x).square().sum_dim(1).into_data().iter::<f64>().collect(),
        Components::fit(&flat_known, width, latents)?.errors(&flat_test),
    ];
    let forests = (0..FORESTS).map(|_| forest_scores(&flat_known, &flat_test, width));
    scores.extend(forests.collect::<Result<Vec<_>, _>>()?);
    Ok(scores)
}
