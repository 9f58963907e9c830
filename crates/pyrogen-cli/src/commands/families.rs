//! `pyrogen families`

use serde_json::json;

use crate::args::JsonArg;
use crate::error::CliError;
use crate::family;
use crate::output::{print_json, print_line};

/// Lists the families and what each can do.
pub fn run(args: JsonArg) -> Result<(), CliError> {
    let families = family::all();
    if args.json {
        let list: Vec<_> = families
            .iter()
            .map(|f| json!({"name": f.name(), "about": f.about(), "can": f.capabilities()}))
            .collect();
        return print_json(&json!({"families": list}));
    }
    for f in families {
        let can = f.capabilities();
        let mut words = Vec::new();
        if can.sample {
            words.push("sample");
        }
        if can.condition {
            words.push("sample --class");
        }
        if can.context {
            words.extend(["train --context", "upscale"]);
        }
        if !can.score.is_empty() {
            words.extend(["score", "anomaly"]);
        }
        if can.anomaly.is_some() {
            words.push("anomaly");
        }
        if can.latent {
            words.extend(["reconstruct", "interpolate"]);
        }
        if can.traverse {
            words.push("traverse");
        }
        if can.steer {
            words.extend(["sample --steps --sampler --guidance --from", "interpolate"]);
        }
        if can.inpaint {
            words.push("inpaint");
        }
        words.push("evaluate");
        print_line(&format!("{}: {}", f.name(), f.about()))?;
        print_line(&format!("    {}", words.join(", ")))?;
        if !can.score.is_empty() {
            print_line(&format!("    likelihood: {}", can.score.join(", ")))?;
        }
        if let Some(by) = can.anomaly {
            print_line(&format!("    no likelihood; anomalies by {by}"))?;
        }
    }
    Ok(())
}
