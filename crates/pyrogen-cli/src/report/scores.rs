//! The numbers of an evaluation.

use std::path::Path;

use pyrogen::core::folder::write_file;
use pyrogen::evaluation::{Evaluation, FEWEST, TableComparison};
use pyrogen::metrics::{Better, meaning};
use pyrogen::train::plot::{self, Panel};
use pyrogen::train::report::Report;
use serde_json::{Value, json};

use crate::commands::evaluate::rate_name;
use crate::error::CliError;

/// Columns that are drawn.
const COLUMNS: usize = 24;

/// The columns of a table and of its samples side by side, and where pairs of columns depend on each
/// other otherwise.
fn columns(page: &mut Report, table: &TableComparison, out: &Path) -> Result<(), CliError> {
    page.section("Columns");
    // The farthest first, where there are too many.
    let mut order: Vec<usize> = (0..table.columns.len()).collect();
    order.sort_by(|&a, &b| table.quality.columns[b].total_cmp(&table.quality.columns[a]));
    let shown = &order[..order.len().min(COLUMNS)];
    let names: Vec<String> = shown
        .iter()
        .map(|&j| format!("{} ({:.3})", table.columns[j].name, table.quality.columns[j]))
        .collect();
    let panels: Vec<Panel> = shown
        .iter()
        .zip(&names)
        .map(|(&j, name)| {
            let column = &table.columns[j];
            let (values, bins) = (&column.values, column.bins);
            Panel { name, values, bins, real: &column.real, generated: &column.generated }
        })
        .collect();
    let svg = plot::columns(&panels);
    write_file(&out.join("plots/columns.svg"), svg.as_bytes())?;
    let left_out = table.columns.len() - shown.len();
    let more =
        if left_out > 0 { format!("; {left_out} nearer ones left out") } else { String::new() };
    page.plot(
        &svg,
        &format!(
            "How often values occur, with the distance of each column's distributions (0 for equal \
             ones), the largest first{more}"
        ),
    );
    if shown.len() > 1 {
        let names: Vec<String> = shown.iter().map(|&j| table.columns[j].name.clone()).collect();
        let quality = &table.quality;
        let gap = |i: usize, j: usize| (quality.real[i][j] - quality.generated[i][j]).abs();
        let values: Vec<Vec<f64>> =
            shown.iter().map(|&i| shown.iter().map(|&j| gap(i, j)).collect()).collect();
        let svg = plot::heat_map(&names, &values);
        write_file(&out.join("plots/pairs.svg"), svg.as_bytes())?;
        page.plot(
            &svg,
            "How far the dependence of two columns (correlation, Cramér's V, correlation ratio) is \
             from that in the real rows: 0 for equal ones",
        );
    }
    Ok(())
}

/// Every number of an evaluation, with what it means.
pub fn scores(page: &mut Report, evaluation: &Evaluation, out: &Path) -> Result<(), CliError> {
    let reference = &evaluation.reference;
    if !evaluation.likelihood.is_empty() {
        likelihoods(page, evaluation);
    }
    page.section("Samples against held-out examples");
    if evaluation.metrics.is_empty() {
        page.text(&format!("Left out: they need at least {FEWEST} held-out examples."));
    }
    let mut rows = Vec::new();
    for report in &evaluation.metrics {
        let real = reference.iter().find(|r| r.metric() == report.metric());
        for (name, value) in report.values() {
            let real = real.and_then(|r| r.get(name)).map_or("-".into(), |v| format!("{v:.4}"));
            let meaning = meaning(name).map_or(String::new(), |m| match m.better {
                Better::Neither => m.text.to_string(),
                better => format!("{}: {}", better.name(), m.text),
            });
            rows.push(vec![name.to_string(), format!("{value:.4}"), real, meaning]);
        }
    }
    for failed in &evaluation.failed {
        page.text(&format!("{}: not computed: {}", failed.metric, failed.reason));
    }
    if !rows.is_empty() {
        page.table(&["metric", "samples", "training data instead", "meaning"], &rows);
        let signatures: Vec<String> =
            evaluation.metrics.iter().map(|r| r.signature().to_string()).collect();
        page.fold("Signatures: what each number was computed from", &signatures);
    }
    if let Some(table) = &evaluation.table {
        columns(page, table, out)?;
    }
    for finding in &evaluation.findings {
        page.section(&finding.title);
        match finding.warning {
            false => page.text(&finding.text),
            true => page.warning(&finding.text),
        };
    }
    Ok(())
}

fn likelihoods(page: &mut Report, evaluation: &Evaluation) {
    page.section("Likelihood of held-out examples");
    let number = |v: &Value| match v.as_f64() {
        Some(v) => format!("{v:.4}"),
        None => String::from("-"),
    };
    let rows: Vec<Vec<String>> = evaluation
        .likelihood
        .iter()
        .map(|l| {
            let l = serde_json::to_value(l).unwrap_or_else(|_| json!({}));
            vec![
                l["kind"].as_str().unwrap_or_default().replace('_', " "),
                number(&l["mean_nats"]),
                number(&l["std_err"]),
                rate(&l),
                l["n"].to_string(),
            ]
        })
        .collect();
    page.table(&["kind", "nats an example", "standard error", "rate", "examples"], &rows);
    page.text(
        "How probable the model says held-out examples are: more nats are better, fewer bits are. An \
         estimate comes near the model's own number, a lower bound is below it.",
    );
}

/// The rate that fits the items.
fn rate(report: &Value) -> String {
    let names =
        ["bits_per_dim", "nats_per_token", "bits_per_byte", "nats_per_step", "bits_per_cell"];
    let found = names.iter().find_map(|name| Some((*name, report[name].as_f64()?)));
    found.map_or("-".into(), |(name, v)| format!("{v:.4} {}", rate_name(name)))
}
