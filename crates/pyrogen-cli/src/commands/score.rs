//! `pyrogen score`

use std::path::Path;

use pyrogen::Request;
use pyrogen::core::{LikelihoodKind, Unit};
use pyrogen::data::{Column, ColumnKind, Layout, TableSchema, write_csv, write_npy};
use pyrogen::metrics::LikelihoodReport;
use pyrogen::model::Registry;

use crate::args::{MethodName, ScoreArgs};
use crate::door::with_data;
use crate::error::CliError;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::progress::control;

/// Says how probable items are, each and in the mean.
pub fn run(registry: &Registry, args: ScoreArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv", "npy"])?;
    }
    let (model, data) = with_data(registry, &args.target)?;
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
    let likelihood = scorer.score(&data, &request, &control())?;
    if let Some(path) = &args.out {
        // Before what may fail: an impossible example has no mean, and the others are wanted.
        write(path, likelihood.nats())?;
    }
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
    match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        true => write_npy(path, &values, &[values.len()])?,
        false => write_csv(path, &values, None, &column())?,
    }
    Ok(())
}
