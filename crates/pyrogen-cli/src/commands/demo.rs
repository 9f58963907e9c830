//! `pyrogen demo`

use std::time::Instant;

use pyrogen::core::folder::write_file;
use pyrogen::core::{FolderError, Seed};
use pyrogen::data::Source;
use pyrogen::model::Registry;
use pyrogen::model::train::Wish;
use serde_json::json;

use super::train::carry_out;
use crate::args::DemoArgs;
use crate::door::{device, read};
use crate::error::CliError;
use crate::output::{note, print_json, print_line};
use crate::progress::control;
use crate::report;

/// Marks a folder as one in which the demo may train anew.
const MARK: &str = ".pyrogen-demo";

/// The family of the demo.
const FAMILY: &str = "vae";

/// Trains a convolutional VAE on the embedded digits and writes its report.
pub fn run(registry: &Registry, args: DemoArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let out = &args.out;
    // Before anything is replaced.
    let device = device(args.device.device)?;
    if out.exists() {
        let empty = std::fs::read_dir(out).map_err(FolderError::io(out, "read"))?.next().is_none();
        if !empty && !out.join(MARK).exists() {
            return Err(CliError::Failed(format!(
                "{}: is not a demo's folder and is not empty: give another --out",
                out.display()
            )));
        }
    }
    std::fs::create_dir_all(out).map_err(FolderError::io(out, "create"))?;
    if !out.join(MARK).exists() {
        write_file(&out.join(MARK), b"")?;
    }
    let source = Source::digits();
    let mut wish = Wish::into(out).on(&device).overwrite();
    wish.source = source.to_string();
    wish.seed = Seed(args.seed);
    // KL warm-up keeps more latent dimensions in use.
    wish = wish.set(r#"train.anneal=[{"term":"kl","steps":400}]"#);
    if let Some(epochs) = args.epochs {
        wish = wish.epochs(epochs);
    }
    note("training a convolutional VAE on 8x8 handwritten digits");
    let trained = carry_out(registry, FAMILY, &read(&source)?, &wish)?;
    note("evaluating on the held-out digits");
    report::write(&trained, &wish, true, &control())?;
    if args.json.json {
        let card = trained.open(&wish.device)?.card().clone();
        return print_json(&json!({
            "out": out,
            "report": out.join("report.html"),
            "steps": card.steps,
            "scores": card.scores,
        }));
    }
    print_line(&format!("report: {}", out.join("report.html").display()))?;
    print_line(&format!(
        "draw more: pyrogen sample {} -n 100 --seed 2 --out samples.png",
        out.display()
    ))?;
    note(&format!("done in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}
