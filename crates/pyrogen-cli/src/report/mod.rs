//! The pictures, plots, scores and the report of a run.

mod latent;
mod scores;
mod training;

use std::path::Path;

use pyrogen::core::Seed;
use pyrogen::core::folder::{read_json, replace_card, write_file};
use pyrogen::data::{Data, Modality, auto_scale, grid_png};
use pyrogen::evaluation::{Options, evaluate};
use pyrogen::model::Ability;
use pyrogen::model::train::{Trained, Wish};
use pyrogen::train::report::Report;
use pyrogen::{Control, Model, Request};
use serde_json::Value;

use crate::error::CliError;
use crate::output::write_items;

/// Samples in the grid.
const SAMPLES: usize = 64;
/// Held-out items that are evaluated at most.
const LIMIT: usize = 2000;
/// Latent draws an item for the likelihood's estimate.
const DRAWS: usize = 128;

/// A report on its way.
struct Page<'a> {
    page: Report,
    model: &'a Model,
    test: Option<&'a Data>,
    /// All held-out items, of which `test` has some.
    held_out: usize,
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
    let held_out = trained.test.as_ref().map_or(0, Data::len);
    let mut page = Page { page, model: &model, test: test.as_ref(), held_out, out, seed, control };
    page.overview();
    training::curve(&mut page.page, out)?;
    training::monitor(&mut page.page, out)?;
    page.samples()?;
    page.latent_pictures()?;
    if let (true, Some(test)) = (full, &test) {
        let reference = Some(trained.train.clone());
        let training = Some(trained.train.clone());
        let options =
            Options { limit: LIMIT, draws: DRAWS, seed, reference, training, ..Options::default() };
        let evaluation = evaluate(&model, test, &options, &wish.device, control)?;
        if let (Some(why), true) = (model.why_not(Ability::Score), evaluation.likelihood.is_empty())
        {
            let section = page.page.section("Likelihood of held-out examples");
            section.text(&format!("A model of `{}` has none: {why}.", model.about().method));
        }
        scores::scores(&mut page.page, &evaluation, out)?;
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
            let mut held_out = format!("{} examples", self.held_out);
            if test.len() < self.held_out {
                held_out += &format!(", {} of them drawn for this report", test.len());
            }
            rows.insert(2, row("held out", held_out));
        }
        self.page.table(&["", ""], &rows);
        let ending = match about.modality {
            Modality::Pictures => "png",
            Modality::Text => "txt",
            Modality::Documents => "ldac",
            _ => "csv",
        };
        let out = self.out.display();
        self.page.text(&match about.modality {
            Modality::Pairs => format!("Write a target: pyrogen complete {out} --prompt SOURCE"),
            _ => format!("Draw more: pyrogen sample {out} -n 100 --seed 2 --out samples.{ending}"),
        });
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
