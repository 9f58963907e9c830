//! The pictures, plots, scores and the report of a run.

use std::path::Path;

use burn::tensor::Device;
use pyrogen::core::folder::{read_json, replace_card, write_file};
use pyrogen::core::latent::Collapse;
use pyrogen::core::{Noise, Seed};
use pyrogen::data::{Dataset, Holdout, Prepared, Source, Split, auto_scale, grid_png, write_csv};
use pyrogen::metrics::MetricReport;
use pyrogen::metrics::collapse::Sign;
use pyrogen::train::metrics_log::read_rows;
use pyrogen::train::plot::{loss_curve, monitor_curves};
use pyrogen::train::read_monitor;
use pyrogen::train::report::Report;
use serde_json::{Value, json};

use crate::commands::latent::{Around, interleave, reconstructions, traversals};
use crate::error::CliError;
use crate::evaluation::{Evaluation, Examined, FEWEST, classes_of, compare, evaluate, latent};
use crate::session::{Draw, Session, TEST_SHARE, first};

/// Samples in the grid.
const SAMPLES: usize = 64;
/// Latent dimensions that are shown at most.
const ROWS: usize = 10;
/// Held-out examples that are evaluated at most.
const LIMIT: usize = 2000;
/// Latent draws an example for the likelihood's estimate.
const DRAWS: usize = 128;

/// Writes everything that shows what a run has made.
pub fn write(out: &Path, source: &Source, device: Device, full: bool) -> Result<(), CliError> {
    let session = Session::open(out, device)?;
    let card = session.folder.card().clone();
    let Split { train, test } = source.load()?.split(Holdout::Fraction(TEST_SHARE), card.seed)?;
    let test = session.prepare(first(&test, LIMIT))?;
    let title = format!("{} on {}", card.family, card.data.source);
    let mut page = Report::new(&title);
    overview(&mut page, &session, out)?;
    curve(&mut page, out)?;
    monitor(&mut page, out)?;
    let seed = Seed(card.seed.0);
    samples(&mut page, &session, &test, out, seed)?;
    latent_pictures(&mut page, &session, &test, out, seed)?;
    if full {
        let evaluation = evaluate(&session, &test, DRAWS, seed)?;
        let reference = reference(&session, &first(&train, test_len(&test)), &test, seed)?;
        scores(&mut page, &evaluation, &reference);
        let scores =
            serde_json::to_value(&evaluation).map_err(|e| CliError::Failed(e.to_string()))?;
        if let Value::Object(scores) = scores {
            replace_card(session.folder.path(), |card| card.scores = scores)?;
        }
    }
    let config: Value = read_json(&out.join("config.json"))?;
    page.section("Configuration");
    page.code(&serde_json::to_string_pretty(&config).unwrap_or_default());
    Ok(page.save(&out.join("report.html"))?)
}

fn test_len(test: &Prepared<2>) -> usize {
    pyrogen::core::Examples::len(test)
}

fn overview(page: &mut Report, session: &Session, out: &Path) -> Result<(), CliError> {
    let card = session.folder.card();
    let text = |s: &str| s.to_string();
    page.table(
        &["", ""],
        &[
            vec![text("family"), card.family.clone()],
            vec![
                text("data"),
                format!("{}, {} training examples", card.data.source, card.data.examples),
            ],
            vec![text("parameters"), session.model.parameters().to_string()],
            vec![text("steps"), card.steps.to_string()],
            vec![text("seed"), card.seed.to_string()],
            vec![text("version"), card.pyrogen_version.clone()],
            vec![text("model folder"), session.folder.path().display().to_string()],
        ],
    );
    page.text(&format!(
        "Draw more: pyrogen sample {} -n 100 --seed 2 --out samples.png",
        out.display()
    ));
    Ok(())
}

fn curve(page: &mut Report, out: &Path) -> Result<(), CliError> {
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
fn monitor(page: &mut Report, out: &Path) -> Result<(), CliError> {
    let path = out.join("monitor.csv");
    let rows = if path.exists() { read_monitor(&path)? } else { Vec::new() };
    if rows.is_empty() {
        return Ok(());
    }
    page.section("Collapse monitor");
    let captions = [
        "Of what training examples reach: recall and coverage; of real data: diversity, classes made",
        "How surely the discriminator tells held-out from generated examples (separation) and \
         training from held-out ones (memory); 0.5 is guessing",
    ];
    for ((svg, caption), name) in
        monitor_curves(&rows)?.iter().zip(captions).zip(["generator", "discriminator"])
    {
        write_file(&out.join(format!("plots/{name}.svg")), svg.as_bytes())?;
        page.plot(svg, caption);
    }
    let events = read_events(&out.join("events.jsonl"))?;
    let mut told = false;
    for event in events {
        let number = |name: &str| event[name].as_u64().unwrap_or_default();
        let text = match event["event"].as_str() {
            Some("alarm") => event["message"].as_str().unwrap_or_default().to_string(),
            Some("rollback") => format!(
                "step {}: the run was taken back to step {}, with other random numbers and half \
                 the learning rates",
                number("step"),
                number("to")
            ),
            _ => continue,
        };
        page.warning(&text);
        told = true;
    }
    if !told {
        page.text("No alarm.");
    }
    let last = &rows[rows.len() - 1].reading;
    let cells = Sign::ALL
        .iter()
        .filter_map(|sign| Some(vec![sign.name().to_string(), format!("{:.3}", sign.of(last)?)]));
    page.table(&["last reading", ""], &cells.collect::<Vec<_>>());
    Ok(())
}

fn read_events(path: &Path) -> Result<Vec<Value>, CliError> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn samples(
    page: &mut Report,
    session: &Session,
    test: &Prepared<2>,
    out: &Path,
    seed: Seed,
) -> Result<(), CliError> {
    if session.model.as_sample().is_none() {
        return Ok(());
    }
    let told = session.told_of(&first(test.data(), SAMPLES))?;
    let what = Draw { n: SAMPLES, class: None, told: told.as_ref(), temperature: 1.0, seed };
    let raw = session.raw(&session.sample(&what)?);
    page.section("Samples");
    let layout = session.preparation.layout();
    if layout.is_picture() {
        let columns = session.model.classes().unwrap_or(8);
        let caption = format!("{SAMPLES} samples, seed {seed}, not selected");
        picture(page, out, "samples/samples.png", &raw, columns, &caption, session)?;
        if let (Some(told), Some(context)) = (told, session.context) {
            let (shape, n) = (&told.shape, told.len());
            let png = grid_png(told.values(), n, shape, columns, auto_scale(shape))?;
            write_file(&out.join("samples/told.png"), &png)?;
            let caption = format!("What each sample was told: `{context}` of a held-out example");
            page.picture(&png, &caption);
        }
        Ok(())
    } else {
        write_csv(&out.join("samples/samples.csv"), &raw, None, layout)?;
        let width = layout.width();
        let rows: Vec<Vec<String>> = raw
            .chunks(width)
            .take(10)
            .map(|row| match &layout.schema {
                Some(schema) => schema.columns.iter().zip(row).map(|(c, &v)| c.cell(v)).collect(),
                None => row.iter().map(|v| format!("{v:.3}")).collect(),
            })
            .collect();
        let header: Vec<String> = match &layout.schema {
            Some(schema) => schema.columns.iter().map(|c| c.name.clone()).collect(),
            None => (0..width).map(|j| format!("x{j}")).collect(),
        };
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        page.text("The first ten samples; samples/samples.csv has more.");
        page.table(&header, &rows);
        Ok(())
    }
}

fn latent_pictures(
    page: &mut Report,
    session: &Session,
    test: &Prepared<2>,
    out: &Path,
    seed: Seed,
) -> Result<(), CliError> {
    let layout = session.preparation.layout();
    if !layout.is_picture() || session.model.as_decode().is_none() {
        return Ok(());
    }
    if session.model.as_encode().is_some() {
        let n = 32.min(test_len(test));
        let (original, decoded) = reconstructions(session, test, n, seed)?;
        let rows = interleave(&original, &decoded, layout.width(), 16);
        page.section("Reconstructions");
        let caption = "Held-out examples, each row above its reconstructions";
        picture(page, out, "samples/reconstructions.png", &rows, 16, caption, session)?;
    }
    if !session.model.has_latent_axes() {
        return Ok(());
    }
    let steps = 9;
    let dims: Vec<usize> = match latent(session, test, seed)? {
        Some(report) => report.dimensions.iter().take(ROWS).map(|d| d.index).collect(),
        None => Vec::new(),
    };
    let range = 2.5;
    let told = session.told_of(&first(test.data(), 1))?;
    let what = Around { dims: &dims, steps, range, class: None, told: told.as_ref() };
    let raw = traversals(session, &what)?;
    page.section("Latent traversal");
    let names: Vec<String> = dims.iter().map(usize::to_string).collect();
    let caption = format!(
        "One row a latent dimension, those that say most about an example first ({}), \
         from -2.5 to 2.5 standard deviations of the prior",
        names.join(", ")
    );
    picture(page, out, "samples/traversal.png", &raw, steps, &caption, session)
}

fn picture(
    page: &mut Report,
    out: &Path,
    name: &str,
    raw: &[f32],
    columns: usize,
    caption: &str,
    session: &Session,
) -> Result<(), CliError> {
    let layout = session.preparation.layout();
    let n = raw.len() / layout.width();
    let scale = auto_scale(&layout.event);
    let png = grid_png(&layout.to_unit(raw), n, &layout.event, columns, scale)?;
    write_file(&out.join(name), &png)?;
    page.picture(&png, caption);
    Ok(())
}

/// The same metrics between real training data and the held-out data: what a perfect model would
/// reach.
fn reference(
    session: &Session,
    train: &Dataset,
    test: &Prepared<2>,
    seed: Seed,
) -> Result<Vec<MetricReport>, CliError> {
    if session.model.as_sample().is_none() {
        return Ok(Vec::new());
    }
    let train = session.prepare(train.clone())?;
    let values = |data: &Prepared<2>, label: &str| {
        let rows: Vec<usize> = (0..test_len(data)).collect();
        data.values(&rows, &mut Noise::new(seed).fork(label))
    };
    let (real, others) = (values(test, "evaluate"), values(&train, "reference"));
    let real = Examined { values: &real, classes: classes_of(test) };
    let others = Examined { values: &others, classes: classes_of(&train) };
    compare(session, &real, &others, seed)
}

fn scores(page: &mut Report, evaluation: &Evaluation, reference: &[MetricReport]) {
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
            rows.push(vec![
                name.to_string(),
                format!("{value:.4}"),
                real,
                report.signature().to_string(),
            ]);
        }
    }
    if !rows.is_empty() {
        page.table(&["metric", "samples", "training data instead", "signature"], &rows);
    }
    if let Some(point) = &evaluation.rate_distortion {
        page.section("Rate and distortion");
        page.text(&format!(
            "{point}: what the latents of a held-out example cost, and what the example costs given \
             them. Minus the sum is the lower bound."
        ));
    }
    if let Some(codes) = &evaluation.codes {
        page.section("Codes");
        match codes.is_collapsed() {
            false => page.text(&codes.to_string()),
            true => page.warning(&codes.to_string()),
        };
    }
    if let Some(latent) = &evaluation.latent {
        page.section("Latent space");
        match latent.collapse {
            Collapse::None => page.text(&latent.to_string()),
            _ => page.warning(&latent.to_string()),
        };
    }
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
                number(&l["bits_per_dim"]),
                l["n"].to_string(),
            ]
        })
        .collect();
    page.table(&["kind", "nats an example", "standard error", "bits/dim", "examples"], &rows);
}
