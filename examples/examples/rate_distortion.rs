//! Draws the rate-distortion plane of the book: the methods of the table in `docs/src/vae.md`.
//!
//! ```text
//! cargo run -p pyrogen-examples --example rate_distortion [CHAPTER [SVG]]
//! ```
//!
//! The numbers are those of the table, which says how they were measured. A test draws the picture
//! again and compares, so that table and picture do not part.

use std::error::Error;
use std::path::PathBuf;

use pyrogen_examples::plane::plane;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let chapter = args.next().unwrap_or("docs/src/vae.md".into());
    let picture = args.next().unwrap_or("docs/src/rate-distortion.svg".into());
    std::fs::write(&picture, plane(&std::fs::read_to_string(chapter)?)?)?;
    println!("{}", picture.display());
    Ok(())
}
