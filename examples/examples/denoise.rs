//! Removes noise from pictures with a model of clean pictures conditioned on a noisy one.
//!
//! ```text
//! cargo run -p pyrogen-examples --example denoise
//! ```
//!
//! A conditional VAE learns `p(clean | noisy)` from digits to which noise is added anew in each
//! epoch. Held-out digits are restored by decoding draws from the prior beside the noisy picture.
//! The mean of many draws errs least; a single draw looks more like a digit. Prints the PSNR of
//! both beside that of a median filter, and writes `runs/denoise` with a report.

use std::error::Error;
use std::path::Path;

use pyrogen::prelude::*;
use pyrogen_examples::restore::{around, each_picture, psnr, train};

/// Standard deviations of the noise, in pictures from 0 to 1.
const SIGMA: f64 = 0.3;

/// A noisy picture is still one: its values are cut off at black and white.
fn damage(x: &Tensor<2>, noise: &mut Noise) -> Tensor<2> {
    (x.clone() + noise.normal(x.dims(), &x.device()) * SIGMA).clamp(0.0, 1.0)
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("runs/denoise");
    let restorer = train(folder, 1, damage)?;
    let mut noise = Noise::new(Seed(2)).fork("restore");
    let (clean, noisy) = (&restorer.clean, &restorer.context);
    let median =
        each_picture(noisy, |picture| (0..picture.len()).map(|p| median(picture, p)).collect());
    let (one, mean) = (restorer.draw(&mut noise)?, restorer.restore(&mut noise)?);
    let everywhere = clean.clone().ones_like();
    let score = |name: &str, x: &Tensor<2>| (name.to_string(), psnr(clean, x, &everywhere));
    let table = [
        score("noisy", noisy),
        score("median filter, 3x3", &median),
        score("conditional VAE, one draw", &one),
        score("conditional VAE, mean of draws", &mean),
    ];
    let rows = [
        ("clean", clean),
        ("noisy", noisy),
        ("median", &median),
        ("a draw", &one),
        ("mean", &mean),
    ];
    restorer.report(folder, "Denoising by conditional decoding", &table, &rows)
}

/// The median of the pixels around one; at the border of those that there are.
fn median(picture: &[f32], pixel: usize) -> f32 {
    let mut near: Vec<f32> = around(pixel).map(|p| picture[p]).collect();
    near.sort_by(f32::total_cmp);
    let middle = near.len() / 2;
    match near.len() % 2 {
        1 => near[middle],
        _ => (near[middle - 1] + near[middle]) / 2.0,
    }
}
