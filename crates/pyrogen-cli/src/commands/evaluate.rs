//! `pyrogen evaluate`

use pyrogen::core::Seed;
use pyrogen::metrics::MetricReport;

use crate::args::{EvaluateArgs, PartName};
use crate::error::CliError;
use crate::evaluation::{self, Evaluation, FEWEST, evaluate};
use crate::output::{print_json, print_line};
use crate::session::{Session, first};

/// Computes every metric that applies.
pub fn run(args: EvaluateArgs) -> Result<(), CliError> {
    if args.limit == 0 {
        return Err(CliError::Usage("--limit must be at least 1".into()));
    }
    let (session, data) = Session::with_data(&args.target)?;
    let data = session.prepare(first(data.data(), args.limit))?;
    let seed = Seed(args.target.seed);
    let reference = match args.reference {
        // Before anything is computed, since it refuses data that training did not see.
        true => Some(session.part(args.target.data.load()?, PartName::Train)?),
        false => None,
    };
    let mut evaluation = evaluate(&session, &data, args.draws, seed)?;
    if let Some(train) = reference {
        evaluation.reference = evaluation::reference(&session, &data, train, seed)?;
    }
    if args.json.json {
        return print_json(&evaluation);
    }
    print(&evaluation)
}

/// Plain lines.
fn print(evaluation: &Evaluation) -> Result<(), CliError> {
    print_line(&format!("examples: {}", evaluation.examples))?;
    for l in &evaluation.likelihood {
        let text = serde_json::to_value(l).unwrap_or_default();
        let number = |name: &str| text[name].as_f64();
        let error = number("std_err").map_or(String::new(), |e| format!(" ± {e:.4}"));
        print_line(&format!(
            "log p(x), {}: {:.4}{error} nats, {:.5} bits/dim",
            text["kind"].as_str().unwrap_or_default(),
            number("mean_nats").unwrap_or(f64::NAN),
            number("bits_per_dim").unwrap_or(f64::NAN)
        ))?;
    }
    if evaluation.metrics.is_empty() && evaluation.examples < FEWEST {
        print_line(&format!("sample metrics need at least {FEWEST} examples"))?;
    }
    print_metrics(&evaluation.metrics)?;
    if !evaluation.reference.is_empty() {
        print_line("training examples in the place of samples:")?;
        print_metrics(&evaluation.reference)?;
    }
    if let Some(point) = &evaluation.rate_distortion {
        print_line(&point.to_string())?;
    }
    if let Some(codes) = &evaluation.codes {
        print_line(&codes.to_string())?;
    }
    if let Some(latent) = &evaluation.latent {
        print_line(&latent.to_string())?;
    }
    Ok(())
}

fn print_metrics(metrics: &[MetricReport]) -> Result<(), CliError> {
    for m in metrics {
        for (name, value) in m.values() {
            print_line(&format!("{name}: {value:.5}"))?;
        }
        print_line(&format!("    {}", m.signature()))?;
    }
    Ok(())
}
