//! Moves in the latent space of a VAE: morphs from one held-out digit to another, changes one class
//! into another along the difference of the classes' means, and makes digits lean along an attribute
//! that no label names.
//!
//! ```text
//! cargo run -p pyrogen-examples --example latent_arithmetic
//! ```
//!
//! Writes pictures and a report into `runs/latent-arithmetic`. The digits classifier of
//! `pyrogen-metrics` reads what the moves arrive at, so that the result is a number and not an
//! impression. `gan_latents` makes the same moves with a model that has no encoder.

use std::error::Error;

use pyrogen::core::latent::Interpolation;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen_examples::moves::Space;
use pyrogen_examples::{Trained, runs, small_model};

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let Trained { model, train, test } = small_model(folder.path())?;
    let encode = |x: &Tensor<4>| model.encode(x.clone(), &Condition::none());
    let (z_train, z_test) = (encode(&train.x)?.point(), encode(&test.x)?.point());
    let path = Interpolation::Linear;
    let out = runs::run_folder("latent-arithmetic")?;
    let mut report = Report::new("Moves in latent space");
    Space { model, train, test, z_train, z_test, path }.moves(&out, &mut report)?;
    runs::save(&report, &out)
}
