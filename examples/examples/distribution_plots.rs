//! Draws the pictures of the book's list of distributions.
//!
//! ```text
//! cargo run -p pyrogen-examples --example distribution_plots [FOLDER]
//! ```
//!
//! A test draws them again and compares, so that library and book do not part.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or("docs/src/distributions".into());
    std::fs::create_dir_all(&folder)?;
    for (name, svg) in pyrogen_examples::distributions::pictures()? {
        std::fs::write(folder.join(name).with_extension("svg"), svg)?;
        println!("{name}");
    }
    Ok(())
}
