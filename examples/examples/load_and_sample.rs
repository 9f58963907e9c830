//! Adds generation to a program: loads a saved model and samples.
//!
//! ```text
//! cargo run -p pyrogen-examples --example load_and_sample [FOLDER]
//! ```
//!
//! `FOLDER` is a run folder or a model folder with a VAE of pictures, `runs/demo` say. Where none
//! is given, a small model is trained into a temporary folder first.

use std::error::Error;
use std::path::PathBuf;

use pyrogen::core::folder::ModelFolder;
use pyrogen::data::{Preparation, grid_png_file};
use pyrogen::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().nth(1).map(PathBuf::from))
}

/// Runs the example on the model of a folder, or on a small one of its own.
pub fn run(folder: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = match folder {
        Some(folder) => folder,
        None => {
            println!("no folder given: training a small model first");
            pyrogen_examples::small_model(temporary.path())?;
            temporary.path().to_path_buf()
        }
    };

    // This is all that an application needs: a device, a model, a seed.
    let device = Device::flex();
    let model = Vae::load(&folder, &device)?;
    let mut noise = Noise::new(Seed(7)).fork("samples");
    let n = 16;
    let options =
        SampleOptions { condition: condition(&model, n, &device), ..SampleOptions::default() };
    let images: Tensor<4> = model.sample(n, &options, &mut noise)?;
    println!("{n} samples of shape {:?}, in [0, 1]", model.event_shape());

    // The same seed gives the same samples, on every run and with any number of threads.
    let mut again = Noise::new(Seed(7)).fork("samples");
    let repeated: Tensor<4> = model.sample(n, &options, &mut again)?;
    assert!(images.clone().equal(repeated).all().into_scalar::<bool>());

    // The model's card holds the way back to the units of the data.
    let card = ModelFolder::open(&folder)?.card().clone();
    let preparation = Preparation::from_card(&card.data)?;
    let values: Vec<f32> = images.into_data().iter::<f32>().collect();
    let raw = preparation.inverse(&values);
    let largest = raw.iter().copied().fold(0.0, f32::max);
    println!("trained on `{}`; the brightest pixel in its units: {largest}", card.data.source);

    let out = PathBuf::from("runs/load-and-sample.png");
    grid_png_file(&out, &preparation.layout().to_unit(&raw), n, &model.event_shape(), 8, 0)?;
    println!("picture: {}", out.display());
    show(&values[..model.event_shape().iter().product()], &model.event_shape());
    Ok(())
}

/// Every class in turn, for a model that wants one.
fn condition(model: &Vae, n: usize, device: &Device) -> Condition {
    match model.classes() {
        None => Condition::none(),
        Some(classes) => {
            let turns: Vec<usize> = (0..n).map(|i| i % classes).collect();
            Condition::classes(&turns, device)
        }
    }
}

/// Prints a grey picture with characters.
fn show(picture: &[f32], event: &[usize]) {
    const INK: [char; 5] = [' ', '.', 'o', 'O', '@'];
    let &[1, _, width] = event else { return };
    for row in picture.chunks(width) {
        let level = |v: &f32| INK[(v.clamp(0.0, 1.0) * 4.0).round() as usize];
        // Characters are about twice as high as wide.
        let line: String = row.iter().map(level).flat_map(|c| [c, c]).collect();
        println!("{line}");
    }
}
