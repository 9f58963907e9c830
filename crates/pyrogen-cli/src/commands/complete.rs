//! `pyrogen complete`

use pyrogen::Request;
use pyrogen::model::{Given, Registry};
use serde_json::json;

use crate::args::CompleteArgs;
use crate::door::{device, evidence, open, sampler_options, text_options};
use crate::error::CliError;
use crate::output::{check_out, items_json, print_items, print_json, print_line, write_items};
use crate::progress::control;

/// Fills in what is missing of items: the rest of a text, the blank cells of rows, the target of a source.
pub fn run(registry: &Registry, mut args: CompleteArgs) -> Result<(), CliError> {
    if args.candidates == 0 {
        return Err(CliError::Usage("--candidates must be at least 1".into()));
    }
    let device = device(args.device.device)?;
    let model = open(registry, &args.model, &device, &mut args.sampler.option)?;
    if let Some(out) = &args.out {
        check_out(out, model.about().modality)?;
    }
    let completer = model.completer()?;
    let items = evidence(&model, &args.evidence)?;
    let mut request = text_options(Request::seed(args.seed), &args.text)?;
    if let Some(temperature) = args.temperature {
        request = request.set("temperature", temperature);
    }
    let request = sampler_options(request, &args.sampler)?;
    let n = (items.len() as u64).saturating_mul(args.candidates);
    let made = completer.detailed(&Given::new(items), 0..n, &request, &control())?;
    if let Some(out) = &args.out {
        write_items(out, &made.items, 0)?;
    }
    match (&args.out, args.json.json) {
        (out, true) => {
            let samples = items_json(&made);
            print_json(&json!({"n": n, "seed": args.seed, "out": out, "samples": samples}))
        }
        (Some(out), false) => print_line(&format!("{n} completed in {}", out.display())),
        (None, false) => print_items(&made.items),
    }
}
