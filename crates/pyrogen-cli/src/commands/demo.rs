//! `pyrogen demo`

use std::time::Instant;

use pyrogen::core::{FolderError, Seed};
use pyrogen::data::Source;
use serde_json::json;

use super::train::Order;
use crate::args::DemoArgs;
use crate::error::CliError;
use crate::output::print_line;
use crate::report;
use crate::session::device;

/// Marks a folder as one that the demo may replace.
const MARK: &str = ".pyrogen-demo";

/// Trains a convolutional VAE on the embedded digits and writes its report.
pub fn run(args: DemoArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let out = &args.out;
    // Before anything is replaced.
    device(args.device.device)?;
    if out.exists() {
        let empty = std::fs::read_dir(out).map_err(FolderError::io(out, "read"))?.next().is_none();
        if !empty && !out.join(MARK).exists() {
            return Err(CliError::Failed(format!(
                "{}: is not a demo's folder and is not empty: give another --out",
                out.display()
            )));
        }
        std::fs::remove_dir_all(out).map_err(FolderError::io(out, "replace"))?;
    }
    std::fs::create_dir_all(out).map_err(FolderError::io(out, "create"))?;
    std::fs::write(out.join(MARK), "").map_err(FolderError::io(out, "write"))?;
    let order = Order {
        family: "vae".into(),
        data: Source::digits(),
        context: None,
        seed: Seed(args.seed),
        device: args.device.device,
        resume: false,
        dashboard: false,
    };
    eprintln!("training a convolutional VAE on 8x8 handwritten digits");
    order.train(out, |configs| {
        // KL warm-up keeps more latent dimensions in use.
        configs["train"]["anneal"] = json!([{"term": "kl", "steps": 400}]);
        if let Some(epochs) = args.epochs {
            configs["train"]["limits"] = json!({"epochs": epochs});
        }
        Ok(())
    })?;
    eprintln!("evaluating on the held-out digits");
    report::write(out, &order.data, device(order.device)?, true)?;
    print_line(&format!("report: {}", out.join("report.html").display()))?;
    print_line(&format!(
        "draw more: pyrogen sample {} -n 100 --seed 2 --out samples.png",
        out.display()
    ))?;
    eprintln!("done in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
