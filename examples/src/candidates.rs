//! What the examples share whose model is conditioned on a picture: several candidates for each.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Dataset, PictureContext};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;

use crate::painter::{Painter, agreement, psnr};
use crate::runs;

/// Candidates for each picture, and lines that are shown.
const CANDIDATES: usize = 4;
const SHOWN: usize = 12;

/// Held-out pictures that candidates are drawn for.
const PICTURES: usize = 200;

/// Trains a model conditioned on `context` of each picture, draws candidates for held-out ones, and writes
/// pictures and report. Measures
///
/// - how far a candidate's own context is from its condition, in brightness;
/// - the PSNR of one candidate and of the mean of all, beside that of the condition;
/// - how often a classifier of digits reads what the picture shows, where there are labels.
///
/// # Errors
/// When the context cannot be made from the data, or training fails.
pub fn run(
    data: &Dataset,
    name: &str,
    context: PictureContext,
    steps: u64,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let painter = Painter::train(data, None, Some(context), steps)?;
    let n = painter.held_out().min(PICTURES);
    let condition = painter.test.condition().with_labels(None).rows(0..n);
    let context_tensor = condition.context.clone().ok_or("the model has no context")?;
    let original = painter.test.x.clone().slice(0..n);
    let options = SampleOptions { condition, ..SampleOptions::default() };
    let noise = Noise::new(Seed(2)).fork("candidates");
    let drawn = (0..CANDIDATES)
        .map(|c| painter.model.sample(n, &options, &mut noise.fork_index(c as u64)))
        .collect::<Result<Vec<Tensor<2>>, _>>()?;
    let mean = drawn.iter().cloned().reduce(|a, b| a + b).expect("some") / CANDIDATES as f64;

    let mut report = Report::new(&format!("Pictures conditioned on `{context}`"));
    report.text(&format!("{name}, {steps} steps, {n} held-out pictures, {CANDIDATES} candidates"));
    let mut rows = Vec::new();
    // The context has the shape of a picture but for colours.
    let same = context_tensor.dims() == original.dims();
    let as_picture = same.then(|| ("the context", context_tensor.clone() * 2.0 - 1.0));
    let made = [("one candidate", drawn[0].clone()), ("mean of the candidates", mean)];
    let all = [("the picture itself", original.clone())].into_iter().chain(as_picture).chain(made);
    let everywhere = original.ones_like();
    let labels = painter.labels();
    let context_values: Vec<f32> = context_tensor.clone().into_data().iter().collect();
    for (name, x) in all {
        let own = context.of_pictures(&painter.unit(&x), &painter.event)?;
        let gap: f32 = own.iter().zip(&context_values).map(|(a, b)| (a - b).abs()).sum();
        let decibels = psnr(&original, &x, &everywhere);
        let decibels = if decibels.is_finite() { format!("{decibels:.2}") } else { "-".into() };
        let right = match labels.len() {
            0 => "-".into(),
            _ => format!("{:.1}", agreement(&painter.read(&x)?, &labels)),
        };
        let gap = format!("{:.3}", gap / own.len() as f32);
        println!("{name:24} context off by {gap}, PSNR {decibels:>6} dB, read right {right:>5} %");
        rows.push(vec![name.to_string(), gap, decibels, right]);
    }
    report.table(&["", "context off by", "PSNR, dB", "read right, %"], &rows);
    let mut columns: Vec<Vec<f32>> = Vec::new();
    columns.extend(same.then_some(context_values));
    columns.extend(drawn.iter().chain([&original]).map(|x| painter.unit(x)));
    let caption = format!("the context, {CANDIDATES} candidates, the original");
    painter.show(folder, &mut report, &columns, SHOWN.min(n), &caption)?;
    runs::save(&report, folder)
}
