//! Super-resolution: a diffusion model conditioned on a small digit draws large ones that could have
//! been it.
//!
//! ```text
//! cargo run -p pyrogen-examples --example super_resolution [SOURCE [FACTOR [STEPS]]]
//! cargo run -p pyrogen-examples --example super_resolution -- mnist:DIR 4 3000
//! ```
//!
//! The small picture is a context beside the noisy one, each pixel shown as a square. A line of
//! `runs/super-resolution/pictures.png` is a held-out digit: the context, candidates, the
//! original. Without arguments digits of 4x4 become digits of 8x8; MNIST by 4 is from 7x7 to 28x28.
//! On the command line it is `pyrogen train diffusion --context small:2` and `pyrogen upscale`.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Dataset, PictureContext};
use pyrogen_examples::{candidates, runs};

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let factor = args.first().map_or(Ok(2), |f| f.parse())?;
    let steps = args.get(1).map_or(Ok(1200), |s| s.parse())?;
    run(&data, &name, factor, steps, &runs::run_folder("super-resolution")?)
}

/// From pictures so many times smaller.
pub fn run(
    data: &Dataset,
    name: &str,
    factor: usize,
    steps: u64,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    candidates::run(data, name, PictureContext::Small { factor }, steps, folder)
}
