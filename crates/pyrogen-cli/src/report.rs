//! The pictures, plots, scores and the report of a run.

use std::path::Path;

use pyrogen::core::Seed;
use pyrogen::core::folder::{read_json, replace_card, write_file};
use pyrogen::data::{Data, Modality, auto_scale, grid_png};
use pyrogen::evaluation::{Evaluation, FEWEST, Options, TableComparison, evaluate};
use pyrogen::metrics::collapse::Sign;
use pyrogen::metrics::{Better, meaning};
use pyrogen::model::Ability;
use pyrogen::model::LatentKind;
use pyrogen::model::train::{Trained, Wish};
use pyrogen::train::metrics_log::read_rows;
use pyrogen::train::plot::{self, Panel, loss_curve, monitor_curves};
use pyrogen::train::read_monitor;
use pyrogen::train::report::Report;
use pyrogen::{Control, Model, Request};
use serde_json::{Value, json};

use crate::commands::evaluate::rate_name;
use crate::commands::latent::{Around, interleave, reconstructions, traversals};
use crate::error::CliError;
use crate::output::write_items;

/// Samples in the grid.
const SAMPLES: usize = 64;
/// Latent dimensions that are shown at most.
const ROWS: usize = 10;
/// Held-out items that are evaluated at most.
const LIMIT: usize = 2000;
/// Latent draws an item for the likelihood's estimate.
const DRAWS: usize = 128;

/// A report on its way.
struct Page<'a> {
    page: Report,
    model: &'a Model,
    test: Option<&'a Data>,
    out: &'a Path,
    seed: Seed,
    control: &'a Control,
}

/// Writes everything that shows what a run has made. The run folder is still locked.
pub fn write(
    trained: &Trained,
    wish: &Wish,
    full: bool,
    control: &Control,
) -> Result<(), CliError> {
    trained.check()?;
    let (model, out) = (trained.open(&wish.device)?, trained.path());
    let seed = model.card().seed;
    let test = trained.test.as_ref().map(|test| test.take_random(LIMIT, seed));
    let title = format!("{} on {}", model.about().method, short(&model.card().data.source));
    let page = Report::new(&title);
    let mut page = Page { page, model: &model, test: test.as_ref(), out, seed, control };
    page.overview();
    curve(&mut page.page, out)?;
    monitor(&mut page.page, out)?;
    page.samples()?;
    page.latent_pictures()?;
    if let (true, Some(test)) = (full, &test) {
        let reference = Some(trained.train.clone());
        let training = Some(trained.train.clone());
        let options = Options { limit: LIMIT, draws: DRAWS, seed, reference, training };
        let evaluation = evaluate(&model, test, &options, &wish.device, control)?;
        if let (Some(why), true) = (model.why_not(Ability::Score), evaluation.likelihood.is_empty())
        {
            let section = page.page.section("Likelihood of held-out examples");
            section.text(&format!("A model of `{}` has none: {why}.", model.about().method));
        }
        scores(&mut page.page, &evaluation, out)?;
        let mut kept = evaluation;
        // The card speaks of the model; what training items would reach stands in the report.
        kept.reference.clear();
        let values = serde_json::to_value(&kept).map_err(|e| CliError::Failed(e.to_string()))?;
        if let Value::Object(scores) = values {
            replace_card(model.path(), |card| card.scores = scores)?;
        }
        page.figures(test)?;
    }
    trained.check()?;
    let config: Value = read_json(&out.join("config.json"))?;
    page.page.section("Configuration");
    page.page.code(&serde_json::to_string_pretty(&config).unwrap_or_default());
    Ok(page.page.save(&out.join("report.html"))?)
}

/// A source without the folders before its name, for a title.
fn short(source: &str) -> String {
    let (scheme, place) = source.split_once(':').unwrap_or(("", source));
    let name = place.rsplit(['/', '\\']).next().unwrap_or(place);
    if scheme.is_empty() { name.to_string() } else { format!("{scheme}:{name}") }
}

impl Page<'_> {
    fn overview(&mut self) {
        let (card, about) = (self.model.card(), self.model.about());
        let row = |name: &str, value: String| vec![name.to_string(), value];
        let data = format!("{}, {} training examples", card.data.source, card.data.examples);
        let mut rows = vec![
            row("family", about.method.clone()),
            row("data", data),
            row("parameters", about.parameters.to_string()),
            row("steps", card.steps.to_string()),
            row("seed", card.seed.to_string()),
            row("version", card.pyrogen_version.clone()),
            row("model folder", self.model.path().display().to_string()),
        ];
        if let Some(test) = self.test {
            rows.insert(2, row("held out", format!("{} examples", test.len())));
        }
        self.page.table(&["", ""], &rows);
        let ending = match about.modality {
            Modality::Pictures => "png",
            Modality::Text => "txt",
            Modality::Documents => "ldac",
            _ => "csv",
        };
        self.page.text(&format!(
            "Draw more: pyrogen sample {} -n 100 --seed 2 --out samples.{ending}",
            self.out.display()
        ));
    }

    /// The condition of the samples that are shown.
    fn condition(&self, n: usize) -> Request {
        let mut request = Request::seed(self.seed.0);
        if let (Some(_), Some(test)) = (&self.model.about().context, self.test) {
            let rows: Vec<usize> = (0..test.len().min(n)).collect();
            request.like = Some(test.select(&rows));
        }
        request
    }

    fn samples(&mut self) -> Result<(), CliError> {
        let Some(generate) = &self.model.can().generate else { return Ok(()) };
        let request = self.condition(SAMPLES);
        if self.model.about().context.is_some() && request.like.is_none() {
            return Ok(());
        }
        let items = generate.generate(0..SAMPLES as u64, &request, self.control)?;
        self.page.section("Samples");
        match self.model.about().modality {
            Modality::Pictures => {
                let classes = self.model.about().classes.len();
                let columns = if classes > 0 { classes } else { 8 };
                let caption = format!("{SAMPLES} samples, seed {}, not selected", self.seed);
                self.picture("samples/samples.png", &items, columns, &caption)?;
                self.contexts(&request, columns)
            }
            Modality::Text => {
                write_items(&self.out.join("samples/samples.txt"), &items, 0)?;
                if let Data::Text(text) = &items {
                    text.documents().iter().take(5).for_each(|d| {
                        self.page.code(d);
                    });
                }
                Ok(())
            }
            Modality::Documents => {
                write_items(&self.out.join("samples/samples.ldac"), &items, 0)?;
                self.page.text("samples/samples.ldac has the words of new documents, counted.");
                Ok(())
            }
            _ => self.rows(&items),
        }
    }

    /// Pictures that the model has of itself.
    fn figures(&mut self, test: &Data) -> Result<(), CliError> {
        let request = Request::seed(self.seed.0);
        let figures = self.model.figures(test, &request, self.control)?;
        if figures.is_empty() {
            return Ok(());
        }
        self.page.section("Pictures of the model");
        for figure in figures {
            write_file(
                &self.out.join(format!("plots/{}.svg", figure.name)),
                figure.svg.as_bytes(),
            )?;
            self.page.plot(&figure.svg, &figure.caption);
        }
        Ok(())
    }

    /// The contexts of the samples.
    fn contexts(&mut self, request: &Request, columns: usize) -> Result<(), CliError> {
        let (Some(context), Some(like)) = (&self.model.about().context, &request.like) else {
            return Ok(());
        };
        let made: pyrogen::data::PictureContext = context.parse().map_err(CliError::from)?;
        let Some(rows) = like.dataset() else { return Ok(()) };
        let event = rows.event_shape();
        let values = made.of_pictures(&rows.layout().to_unit(rows.values()), event)?;
        let shape = made.shape(event)?;
        let png = grid_png(&values, rows.len(), &shape, columns, auto_scale(&shape))?;
        write_file(&self.out.join("samples/contexts.png"), &png)?;
        let caption = format!("The context of each sample: `{context}` of a held-out example");
        self.page.picture(&png, &caption);
        Ok(())
    }

    /// Rows of a table, or what else is written as one.
    fn rows(&mut self, items: &Data) -> Result<(), CliError> {
        write_items(&self.out.join("samples/samples.csv"), items, 0)?;
        self.page.text("The first ten samples; samples/samples.csv has more.");
        let Some(rows) = items.dataset() else { return Ok(()) };
        let schema = rows.schema();
        let cells = |row: &[f32]| -> Vec<String> {
            match schema {
                Some(schema) => schema.columns.iter().zip(row).map(|(c, &v)| c.cell(v)).collect(),
                None => row.iter().map(|v| format!("{v:.3}")).collect(),
            }
        };
        let shown: Vec<Vec<String>> =
            rows.values().chunks(rows.width()).take(10).map(cells).collect();
        let header: Vec<String> = match schema {
            Some(schema) => schema.columns.iter().map(|c| c.name.clone()).collect(),
            None => (0..rows.width()).map(|j| format!("x{j}")).collect(),
        };
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        self.page.table(&header, &shown);
        Ok(())
    }

    fn latent_pictures(&mut self) -> Result<(), CliError> {
        let (Some(latent), Some(test)) = (self.model.can().latent.clone(), self.test) else {
            return Ok(());
        };
        let kind = latent.space().kind;
        if self.model.about().modality != Modality::Pictures || kind == LatentKind::Noise {
            return Ok(());
        }
        let n = 32.min(test.len());
        let (seed, control) = (self.seed.0, self.control);
        let (original, decoded) = reconstructions(self.model, test, n, seed, control)?;
        let grid = interleave(&original, &decoded, 16)?;
        self.page.section("Reconstructions");
        let caption = "Held-out examples, each row above its reconstructions";
        self.picture("samples/reconstructions.png", &grid, 16, caption)?;
        if latent.space().has_axes() {
            self.traversal(test)?;
        }
        Ok(())
    }

    /// The latent dimensions that say most about an item, as far as that is known.
    fn axes(&self, test: &Data) -> Result<Vec<usize>, CliError> {
        let request = Request::seed(self.seed.0);
        let findings = self.model.inspect(test, &request, self.control)?;
        let latent = findings.iter().find(|f| f.name == "latent").map(|f| &f.value);
        let dims = latent.and_then(|v| v["dimensions"].as_array()).cloned().unwrap_or_default();
        let index = |d: &Value| d["index"].as_u64().map(|i| i as usize);
        Ok(dims.iter().filter_map(index).take(ROWS).collect())
    }

    fn traversal(&mut self, test: &Data) -> Result<(), CliError> {
        let dims = self.axes(test)?;
        let (steps, range) = (9, 2.5);
        let request = self.condition(1);
        let what = Around { dims: &dims, steps, range, request: &request };
        let items = traversals(self.model, &what, self.control)?;
        self.page.section("Latent traversal");
        let names: Vec<String> = dims.iter().map(usize::to_string).collect();
        let which = match names.is_empty() {
            true => String::new(),
            false => format!(", those that say most about an example first ({})", names.join(", ")),
        };
        let caption = format!(
            "One row a latent dimension{which}, from -{range} to {range} standard deviations of the \
             prior"
        );
        self.picture("samples/traversal.png", &items, steps, &caption)
    }

    fn picture(
        &mut self,
        name: &str,
        items: &Data,
        columns: usize,
        caption: &str,
    ) -> Result<(), CliError> {
        let Some(rows) = items.dataset() else { return Ok(()) };
        let event = rows.event_shape();
        let unit = rows.layout().to_unit(rows.values());
        let png = grid_png(&unit, rows.len(), event, columns, auto_scale(event))?;
        write_file(&self.out.join(name), &png)?;
        self.page.picture(&png, caption);
        Ok(())
    }
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
        "How surely the discriminator separates held-out from generated examples (separation) and \
         training from held-out ones (memory); 0.5 is guessing",
    ];
    for ((svg, caption), name) in
        monitor_curves(&rows)?.iter().zip(captions).zip(["generator", "discriminator"])
    {
        write_file(&out.join(format!("plots/{name}.svg")), svg.as_bytes())?;
        page.plot(svg, caption);
    }
    let events = read_events(&out.join("events.jsonl"))?;
    let mut alarmed = false;
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

fn read_events(path: &Path) -> Result<Vec<Value>, CliError> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

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

fn scores(page: &mut Report, evaluation: &Evaluation, out: &Path) -> Result<(), CliError> {
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
