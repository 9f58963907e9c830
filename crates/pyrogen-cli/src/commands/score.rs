//! `pyrogen score`

use std::path::Path;

use pyrogen::core::{LikelihoodKind, ScoreMethod, Seed};
use pyrogen::data::{Column, ColumnKind, Layout, TableSchema, write_csv, write_npy};
use pyrogen::metrics::LikelihoodReport;

use crate::args::{MethodName, ScoreArgs};
use crate::error::CliError;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::session::Session;

/// Says how probable examples are, each and in the mean.
pub fn run(args: ScoreArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv", "npy"])?;
    }
    let (session, data) = Session::with_data(&args.target)?;
    let method = match args.method {
        MethodName::Estimate => ScoreMethod::Estimate,
        MethodName::LowerBound => ScoreMethod::LowerBound,
    };
    let draws = args.draws.unwrap_or(session.model.default_draws(method));
    let likelihood = session.score(&data, method, draws, Seed(args.target.seed))?;
    let report = LikelihoodReport::new(&likelihood)?;
    if let Some(path) = &args.out {
        write(path, likelihood.nats())?;
    }
    if args.json.json {
        return print_json(&report);
    }
    let kind = match likelihood.kind() {
        LikelihoodKind::Exact => "log p(x), exact",
        LikelihoodKind::LowerBound => "lower bound of log p(x)",
        LikelihoodKind::Estimate => "estimate of log p(x)",
        _ => "log p(x)",
    };
    // One draw has no standard error.
    let error = likelihood.std_err().filter(|e| e.is_finite());
    let error = error.map_or(String::new(), |e| format!(" ± {e:.4}"));
    print_line(&format!("{kind}: {:.4}{error} nats", likelihood.mean_nats()))?;
    print_line(&format!("bits per dimension: {:.5}", likelihood.bits_per_dim()))?;
    print_line(&format!("examples: {}", likelihood.nats().len()))?;
    Ok(())
}

/// A column of that one number.
fn column() -> Layout {
    let column = Column::new("log_p_nats", ColumnKind::Continuous);
    let schema = Some(TableSchema { columns: vec![column] });
    Layout { event: vec![1], schema, ..Layout::default() }
}

/// One number an example.
fn write(path: &Path, nats: &[f64]) -> Result<(), CliError> {
    make_parent(path)?;
    let values: Vec<f32> = nats.iter().map(|&v| v as f32).collect();
    match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        true => write_npy(path, &values, &[values.len()])?,
        false => write_csv(path, &values, None, &column())?,
    }
    Ok(())
}
