//! Fills in the lower half of digits with a diffusion model that has only seen whole ones.
//!
//! ```text
//! cargo run -p pyrogen-examples --example lower_half [SOURCE [STEPS]]
//! ```
//!
//! The model is not trained for this: while noise is removed, the upper half is put back at each step.
//! With `Replace` that is all; RePaint (Lugmayr et al. 2022) makes each step several times, so that the
//! new half has seen the given one. Prints how well the halves fit: the PSNR of the hidden half, beside
//! that of the mean training picture, and how often a classifier reads the digit that it was.

use std::error::Error;
use std::path::Path;

use burn::tensor::TensorData;
use pyrogen::data::Dataset;
use pyrogen::diffusion::Inpainting;
use pyrogen::diffusion::solve::Repaint;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen_examples::painter::{Painter, agreement, psnr};
use pyrogen_examples::runs;

/// Held-out pictures, candidates, and lines that are shown.
const PICTURES: usize = 100;
const CANDIDATES: usize = 4;
const SHOWN: usize = 12;
/// How often RePaint makes each step.
const REPEATS: usize = 6;

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(1200), |s| s.parse())?;
    run(&data, &name, steps, &runs::run_folder("lower-half")?)
}

/// Trains for so many steps, and writes pictures and report.
pub fn run(data: &Dataset, name: &str, steps: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let painter = Painter::train(data, None, None, steps)?;
    let n = painter.held_out().min(PICTURES);
    let whole = painter.test.x.clone().slice(0..n);
    let labels = painter.labels()[..n].to_vec();
    let size: usize = painter.event.iter().product();
    let mask: Vec<f32> = (0..size).map(|k| if 2 * k < size { 1.0 } else { 0.0 }).collect();
    let mask = Tensor::<2>::from_data(TensorData::new(mask, [1, size]), &whole.device());
    let hidden = (mask.clone().neg() + 1.0).expand([n, size]);

    let repaint = Inpainting::Repaint(Repaint { repeats: REPEATS, ..Repaint::default() });
    let noise = Noise::new(Seed(2)).fork("lower half");
    let fill = |how: Inpainting, candidate: usize| {
        let mut noise = noise.fork_index(candidate as u64);
        let known = whole.clone() * mask.clone();
        painter.model.inpaint(known, mask.clone(), how, &Condition::none(), &mut noise)
    };
    let fills = |how: Inpainting| -> Result<Vec<Tensor<2>>, Box<dyn Error>> {
        Ok((0..CANDIDATES).map(|c| fill(how, c)).collect::<Result<_, _>>()?)
    };
    let given = whole.clone() * mask.clone();
    let average = given.clone() + painter.mean.clone() * (mask.clone().neg() + 1.0);
    let (replaced, repainted) = (fills(Inpainting::Replace)?, fills(repaint)?);
    let mean =
        |x: &[Tensor<2>]| x.iter().cloned().reduce(|a, b| a + b).expect("some") / CANDIDATES as f64;
    let mut rows = Vec::new();
    for (name, x) in [
        ("the picture itself", whole.clone()),
        ("mean of the training pictures", average),
        ("Replace, one candidate", replaced[0].clone()),
        ("RePaint, one candidate", repainted[0].clone()),
        ("RePaint, mean of candidates", mean(&repainted)),
    ] {
        let decibels = psnr(&whole, &x, &hidden);
        let shown = if decibels.is_finite() { format!("{decibels:.2}") } else { "-".into() };
        let right = agreement(&painter.read(&x)?, &labels);
        println!("{name:32} {shown:>6} dB  read right: {right:5.1} %");
        rows.push(vec![name.to_string(), shown, format!("{right:.1}")]);
    }
    let mut report = Report::new("The lower half filled in");
    report
        .text(&format!("{name}, {steps} steps, {n} held-out pictures, RePaint {REPEATS} times"))
        .table(&["", "PSNR of the hidden half, dB", "read as the digit it was, %"], &rows);
    let black = hidden.neg() + given;
    let columns = [&whole, &black].into_iter().chain(&repainted).map(|x| painter.unit(x));
    let columns: Vec<Vec<f32>> = columns.collect();
    let caption = "whole, given, candidates of RePaint";
    painter.show(folder, &mut report, &columns, SHOWN.min(n), caption)?;
    runs::save(&report, folder)
}
