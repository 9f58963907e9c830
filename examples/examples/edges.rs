//! Pictures from edge maps: a diffusion model conditioned on where brightness changes draws several
//! pictures with these edges.
//!
//! ```text
//! cargo run -p pyrogen-examples --example edges [SOURCE [STEPS]]
//! ```
//!
//! The edge map is the length of Sobel's gradient (`PictureContext::Edges`). A line of
//! `runs/edges/pictures.png` is a held-out digit: its edges, candidates, the original. On the command
//! line it is `pyrogen train diffusion --context edges` and `pyrogen sample DIR --context sketch.png`.
//! A folder of colour pictures is coloured in the same way, with the context `grey`; no colour pictures
//! are embedded here.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Dataset, PictureContext};
use pyrogen_examples::{candidates, runs};

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(1200), |s| s.parse())?;
    run(&data, &name, steps, &runs::run_folder("edges")?)
}

/// From edge maps.
pub fn run(data: &Dataset, name: &str, steps: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    candidates::run(data, name, PictureContext::Edges, steps, folder)
}
