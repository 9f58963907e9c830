//! Fills a hole in a picture with a model of whole pictures conditioned on the rest.
//!
//! ```text
//! cargo run -p pyrogen-examples --example inpaint
//! ```
//!
//! A conditional VAE learns `p(whole | the rest, where the hole is)` from digits with a square of
//! 4x4 pixels cut out at a random place, another in each epoch. Draws from the prior give several
//! ways to go on; their mean errs least. Prints the PSNR within the hole beside three simple
//! guesses, and writes `runs/inpaint` with a report.

use std::error::Error;
use std::path::Path;

use burn::tensor::TensorData;
use pyrogen::prelude::*;
use pyrogen_examples::restore::{SIDE, around, each_picture, host, psnr, train};

/// Height and width of the hole.
const HOLE: usize = 4;

/// The picture with a hole of 0, and beside it the hole: 1 where a pixel is missing.
fn damage(x: &Tensor<2>, noise: &mut Noise) -> Tensor<2> {
    let (rows, places) = (x.dims()[0], SIDE - HOLE + 1);
    let corners = noise.uniform_rows(&[rows, 2]);
    let mut hole = Vec::with_capacity(rows * SIDE * SIDE);
    for corner in corners.chunks(2) {
        let within = |at: usize, u: f64| {
            let start = (u * places as f64) as usize;
            (start..start + HOLE).contains(&at)
        };
        let missing = |p: usize| within(p / SIDE, corner[0]) && within(p % SIDE, corner[1]);
        hole.extend((0..SIDE * SIDE).map(|p| f32::from(u8::from(missing(p)))));
    }
    let hole = Tensor::from_data(TensorData::new(hole, x.dims()), &x.device());
    Tensor::cat(vec![x.clone() * (hole.clone().neg() + 1.0), hole], 1)
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("runs/inpaint");
    let restorer = train(folder, 2, damage)?;
    let mut noise = Noise::new(Seed(2)).fork("restore");
    let clean = &restorer.clean;
    let rest = restorer.context.clone().slice_dim(1, 0..SIDE * SIDE);
    let hole = restorer.context.clone().slice_dim(1, SIDE * SIDE..2 * SIDE * SIDE);
    let fill = |x: Tensor<2>| rest.clone() + x * hole.clone();
    // A missing pixel is -1, so that one array says both.
    let holed = rest.clone() - hole.clone();
    let neighbours = each_picture(&holed, grow);
    let average = fill(restorer.mean.clone().expand(clean.dims()));
    let (one, mean) = (fill(restorer.draw(&mut noise)?), fill(restorer.restore(&mut noise)?));
    let score = |name: &str, x: &Tensor<2>| (name.to_string(), psnr(clean, x, &hole));
    let table = [
        score("black", &rest),
        score("neighbours, from the border in", &neighbours),
        score("mean of the training digits", &average),
        score("conditional VAE, one draw", &one),
        score("conditional VAE, mean of draws", &mean),
    ];
    assert!(host(&neighbours).iter().all(|v| *v >= 0.0), "the hole is filled");
    let rows = [
        ("whole", clean),
        ("with a hole", &rest),
        ("neighbours", &neighbours),
        ("training mean", &average),
        ("a draw", &one),
        ("mean of draws", &mean),
    ];
    restorer.report(folder, "Inpainting by conditional decoding", &table, &rows)
}

/// Fills a hole ring by ring, from its border in: each missing pixel is the mean of the known
/// ones around it.
fn grow(picture: &[f32]) -> Vec<f32> {
    let mut picture = picture.to_vec();
    while picture.iter().any(|v| *v < 0.0) {
        let before = picture.clone();
        for (pixel, value) in picture.iter_mut().enumerate().filter(|(_, v)| **v < 0.0) {
            let known: Vec<f32> = around(pixel).map(|p| before[p]).filter(|v| *v >= 0.0).collect();
            if !known.is_empty() {
                *value = known.iter().sum::<f32>() / known.len() as f32;
            }
        }
    }
    picture
}
