//! How training went: the loss, and what a collapse monitor read.

use std::path::Path;

use pyrogen::core::folder::write_file;
use pyrogen::metrics::collapse::Sign;
use pyrogen::train::metrics_log::read_rows;
use pyrogen::train::plot::{loss_curve, monitor_curves};
use pyrogen::train::read_monitor;
use pyrogen::train::report::Report;
use serde_json::Value;

use crate::error::CliError;

/// The curve of the loss.
pub fn curve(page: &mut Report, out: &Path) -> Result<(), CliError> {
    let rows = read_rows(&out.join("metrics.csv"))?;
    if rows.is_empty() {
        return Ok(());
    }
    let svg = loss_curve(&rows)?;
    write_file(&out.join("plots/loss.svg"), svg.as_bytes())?;
    page.section("Loss");
    page.plot(&svg, "Training loss (mean since the last point) and validation loss, by step");
    Ok(())
}

/// What a collapse monitor read, and its alarms.
pub fn monitor(page: &mut Report, out: &Path) -> Result<(), CliError> {
    let path = out.join("monitor.csv");
    let rows = if path.exists() { read_monitor(&path)? } else { Vec::new() };
    let events = read_events(&out.join("events.jsonl"))?;
    if rows.is_empty() {
        let unread: Vec<&str> =
            events.iter().filter(|e| e["event"] == "unread").filter_map(message).collect();
        if !unread.is_empty() {
            page.section("Collapse monitor");
            unread.iter().for_each(|text| _ = page.warning(text));
        }
        return Ok(());
    }
    page.section("Collapse monitor");
    let captions = [
        "Of what training examples reach: recall and coverage; of real data: diversity, classes made",
        "How surely the discriminator separates held-out from generated examples (separation) and \
         training from held-out ones (memory); 0.5 is guessing",
    ];
    for ((svg, caption), name) in
        monitor_curves(&rows)?.iter().zip(captions).zip(["generator", "discriminator"])
    {
        write_file(&out.join(format!("plots/{name}.svg")), svg.as_bytes())?;
        page.plot(svg, caption);
    }
    let mut alarmed = false;
    for event in events {
        let number = |name: &str| event[name].as_u64().unwrap_or_default();
        let text = match event["event"].as_str() {
            Some("alarm" | "unread") => message(&event).unwrap_or_default().to_string(),
            Some("rollback") => format!(
                "step {}: the run was taken back to step {}, with other random numbers and half \
                 the learning rates",
                number("step"),
                number("to")
            ),
            _ => continue,
        };
        page.warning(&text);
        alarmed = true;
    }
    if !alarmed {
        page.text("No alarm.");
    }
    let last = &rows[rows.len() - 1].reading;
    let cells = Sign::ALL
        .iter()
        .filter_map(|sign| Some(vec![sign.name().to_string(), format!("{:.3}", sign.of(last)?)]));
    page.table(&["last reading", ""], &cells.collect::<Vec<_>>());
    Ok(())
}

fn message(event: &Value) -> Option<&str> {
    event["message"].as_str()
}

fn read_events(path: &Path) -> Result<Vec<Value>, CliError> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
