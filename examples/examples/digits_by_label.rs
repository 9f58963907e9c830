//! Digits by label: a diffusion model conditioned on the digit, and how guidance trades variety for
//! being right.
//!
//! ```text
//! cargo run -p pyrogen-examples --example digits_by_label [SOURCE [STEPS]]
//! ```
//!
//! Draws the same number of pictures of each class at several guidance weights. A classifier reads them;
//! the spread is the standard deviation of a pixel within a class, a mean over pixels and classes,
//! beside that of held-out pictures. `runs/digits-by-label` gets a grid with a line a class.

use std::error::Error;
use std::path::Path;

use pyrogen::data::Dataset;
use pyrogen::diffusion::SamplingConfig;
use pyrogen::diffusion::solve::Guidance;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen_examples::painter::{Painter, agreement};
use pyrogen_examples::runs;

/// Guidance weights.
const WEIGHTS: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
/// Pictures of a class that are drawn at each weight, and that are shown.
const DRAWN: usize = 40;
const SHOWN: usize = 12;
/// The weight whose pictures are shown.
const SHOWN_WEIGHT: f64 = 2.0;

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(1200), |s| s.parse())?;
    run(&data, &name, steps, &runs::run_folder("digits-by-label")?)
}

/// Trains for so many steps, and writes grid and report.
pub fn run(data: &Dataset, name: &str, steps: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let classes = data.classes().ok_or("the data has no labels")?;
    let painter = Painter::train(data, Some(classes), None, steps)?;
    let labels: Vec<usize> = (0..classes * DRAWN).map(|i| i / DRAWN).collect();
    let mut report = Report::new("Digits by label");
    report.text(&format!("{name}, {steps} steps; {DRAWN} pictures of each class at each weight"));
    let real = (painter.read(&painter.test.x)?, painter.labels());
    let row = |name: &str, x: &Tensor<2>, read: &[usize], labels: &[usize]| {
        let (right, spread) = (agreement(read, labels), spread(&painter.unit(x), labels, classes));
        vec![name.to_string(), format!("{right:.1}"), format!("{spread:.3}")]
    };
    let mut rows = vec![row("held-out pictures", &painter.test.x, &real.0, &real.1)];
    let mut shown = Vec::new();
    for weight in WEIGHTS {
        let sampling = SamplingConfig {
            guidance: Guidance::weight(weight),
            ..painter.model.config().sampling
        };
        let model = painter.model.clone().with_sampling(sampling)?;
        let condition = Condition::classes(&labels, &Device::flex());
        let options = SampleOptions { condition, ..SampleOptions::default() };
        let x: Tensor<2> = model.sample(labels.len(), &options, &mut Noise::new(Seed(2)))?;
        rows.push(row(&format!("guidance {weight}"), &x, &painter.read(&x)?, &labels));
        if weight == SHOWN_WEIGHT {
            shown = painter.unit(&x);
        }
    }
    let header = ["", "read as the class, %", "spread"];
    println!("{:20} {:>22} {:>8}", header[0], header[1], header[2]);
    rows.iter().for_each(|r| println!("{:20} {:>22} {:>8}", r[0], r[1], r[2]));
    report.table(&header, &rows);
    let columns = painter.columns(&shown, classes, DRAWN);
    let caption = format!("A line a class, guidance {SHOWN_WEIGHT}, not selected");
    painter.show(folder, &mut report, &columns[..SHOWN], classes, &caption)?;
    runs::save(&report, folder)
}

/// The standard deviation of a pixel within a class, a mean over pixels and classes.
fn spread(unit: &[f32], labels: &[usize], classes: usize) -> f64 {
    let size = unit.len() / labels.len();
    let of_class = |class: usize| {
        let pictures: Vec<&[f32]> = unit
            .chunks_exact(size)
            .zip(labels)
            .filter(|(_, l)| **l == class)
            .map(|p| p.0)
            .collect();
        let pixel = |k: usize| {
            let values: Vec<f64> = pictures.iter().map(|p| f64::from(p[k])).collect();
            runs::mean_and_deviation(&values).1
        };
        (0..size).map(pixel).sum::<f64>() / size as f64
    };
    (0..classes).map(of_class).sum::<f64>() / classes as f64
}
