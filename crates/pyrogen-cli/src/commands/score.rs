//! `pyrogen score`

use std::path::Path;

use pyrogen::Request;
use pyrogen::core::folder::write_file;
use pyrogen::core::{LikelihoodKind, Unit};
use pyrogen::data::{Column, ColumnKind, Layout, TableSchema, write_csv, write_npy};
use pyrogen::metrics::LikelihoodReport;
use pyrogen::model::{Registry, Scored};
use serde_json::{Map, Value};

use crate::args::{MethodName, ScoreArgs};
use crate::door::{device, open, part, read, set_options};
use crate::error::CliError;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::progress::control;

/// Says how probable items are, each and in the mean.
pub fn run(registry: &Registry, mut args: ScoreArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv", "npy", "jsonl"])?;
    }
    let device = device(args.target.device.device)?;
    let model = open(registry, &args.target.model, &device, &mut args.option)?;
    let data = part(&model, read(&args.target.data)?, args.target.part)?;
    let mut request = Request::seed(args.target.seed);
    let scorer = model.scorer()?;
    if scorer.options().iter().any(|o| o.name == "method") {
        let method = match args.method {
            MethodName::Estimate => "estimate",
            MethodName::LowerBound => "lower_bound",
        };
        request = request.set("method", method);
    }
    if let Some(draws) = args.draws {
        request = request.set("draws", draws);
    }
    let request = set_options(request, &args.option)?;
    let control = control();
    let likelihood = match &args.out {
        // Before what may fail: an impossible example has no mean, and the others are wanted.
        Some(path) if has_ending(path, "jsonl") => {
            let scored = scorer.detailed(&data, &request, &control)?;
            write_details(path, &scored)?;
            scored.likelihood
        }
        Some(path) => {
            let likelihood = scorer.score(&data, &request, &control)?;
            write(path, likelihood.nats())?;
            likelihood
        }
        None => scorer.score(&data, &request, &control)?,
    };
    let report = LikelihoodReport::new(&likelihood)?;
    if args.json.json {
        return print_json(&report);
    }
    let of = &report.of;
    let kind = match likelihood.kind() {
        LikelihoodKind::Exact => format!("{of}, exact"),
        LikelihoodKind::LowerBound => format!("lower bound of {of}"),
        LikelihoodKind::Estimate => format!("estimate of {of}"),
        _ => of.clone(),
    };
    // One draw has no standard error.
    let error = likelihood.std_err().filter(|e| e.is_finite());
    let error = error.map_or(String::new(), |e| format!(" ± {e:.4}"));
    print_line(&format!("{kind}: {:.4}{error} nats", likelihood.mean_nats()))?;
    let (nats, bits) = (likelihood.nats_per_unit(), likelihood.bits_per_unit());
    match likelihood.unit() {
        Unit::Dimension => print_line(&format!("bits per dimension: {bits:.5}"))?,
        Unit::Token => print_line(&format!("nats per token: {nats:.5}"))?,
        Unit::Byte => print_line(&format!("bits per byte: {bits:.5}"))?,
        Unit::Step => print_line(&format!("nats per step: {nats:.5}"))?,
        _ => print_line(&format!("bits per cell: {bits:.5}"))?,
    }
    print_line(&format!("examples: {}", likelihood.nats().len()))
}

/// A column of that one number.
fn column() -> Layout {
    let column = Column::new("log_p_nats", ColumnKind::Continuous);
    let schema = Some(TableSchema { columns: vec![column] });
    Layout { event: vec![1], schema, ..Layout::default() }
}

/// One number an item.
fn write(path: &Path, nats: &[f64]) -> Result<(), CliError> {
    make_parent(path)?;
    let values: Vec<f32> = nats.iter().map(|&v| v as f32).collect();
    match has_ending(path, "npy") {
        true => write_npy(path, &values, &[values.len()])?,
        false => write_csv(path, &values, None, &column())?,
    }
    Ok(())
}

/// A line of JSON an item: its log-likelihood, and what is known of it beside.
fn write_details(path: &Path, scored: &Scored) -> Result<(), CliError> {
    make_parent(path)?;
    let mut lines = String::new();
    for (i, nats) in scored.likelihood.nats().iter().enumerate() {
        let mut line = Map::from_iter([("log_p_nats".to_string(), Value::from(*nats))]);
        line.extend(scored.details.get(i).cloned().unwrap_or_default());
        lines.push_str(&Value::Object(line).to_string());
        lines.push('\n');
    }
    Ok(write_file(path, lines.as_bytes())?)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}
