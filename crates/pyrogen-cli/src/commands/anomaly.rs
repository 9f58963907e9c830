//! `pyrogen anomaly`

mod contributions;
mod typicality;

use pyrogen::core::folder::write_file;
use pyrogen::data::Data;
use pyrogen::model::Registry;
use pyrogen::{Control, Model, Request};
use serde_json::{Value, json};

use self::contributions::{Contribution, Scored, contributions};
use crate::args::{AnomalyArgs, AnomalyBy};
use crate::door::with_origins;
use crate::error::CliError;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::progress::control;

/// Columns that are named beside an anomaly at most.
const COLUMNS: usize = 3;

/// Ranks items, the most unusual first: by their log-likelihood, or by what the model has instead.
pub fn run(registry: &Registry, args: AnomalyArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv"])?;
    }
    if let Some(share) = args.contamination.filter(|share| !(*share > 0.0 && *share < 1.0)) {
        let what = format!("--contamination must be above 0 and below 1, got {share}");
        return Err(CliError::Usage(what));
    }
    let (model, data, origins) = with_origins(registry, &args.target)?;
    let control = control();
    let ranked = rank(&model, &data, &args, &control)?;
    let threshold = args.contamination.map(|share| ranked.threshold(share));
    if let Some(path) = &args.out {
        make_parent(path)?;
        write_file(path, ranked.table(threshold, origins.as_deref()).as_bytes())?;
    }
    let top = &ranked.order[..args.top.min(ranked.order.len())];
    let request = ranked.request.clone();
    let scored = Scored { values: &ranked.values, entropy: ranked.entropy };
    let because = contributions(&model, &data, top, scored, args.places, &request, &control)?;
    let listed = Listed { data: &data, ranked: &ranked, origins: origins.as_deref(), threshold };
    match args.json.json {
        true => listed.json(top, &because),
        false => listed.print(top, &because),
    }
}

/// Items and their order.
struct Ranked {
    values: Vec<f64>,
    /// Rows, the most unusual first.
    order: Vec<usize>,
    /// Whether small values are unusual.
    small: bool,
    /// The model's entropy, where values are distances from it.
    entropy: Option<f64>,
    kind: Value,
    column: &'static str,
    title: String,
    digits: usize,
    request: Request,
}

impl Ranked {
    /// The value that the share of the most unusual items reaches: the last of them.
    fn threshold(&self, share: f64) -> f64 {
        let count = (self.values.len() as f64 * share).round() as usize;
        self.values[self.order[count.clamp(1, self.order.len()) - 1]]
    }

    fn is_beyond(&self, value: f64, threshold: f64) -> bool {
        if self.small { value <= threshold } else { value >= threshold }
    }

    /// All ranks as a CSV file.
    fn table(&self, threshold: Option<f64>, origins: Option<&[String]>) -> String {
        let mut text = format!("rank,row,{}", self.column);
        text += if origins.is_some() { ",origin" } else { "" };
        text += if threshold.is_some() { ",anomaly\n" } else { "\n" };
        for (rank, &row) in self.order.iter().enumerate() {
            let value = self.values[row];
            text += &format!("{},{row},{value}", rank + 1);
            if let Some(origins) = origins {
                text += &format!(",{}", crate::output::csv_cell(&origins[row]));
            }
            if let Some(threshold) = threshold {
                text += &format!(",{}", self.is_beyond(value, threshold));
            }
            text.push('\n');
        }
        text
    }
}

/// What is shown of the first.
struct Listed<'a> {
    data: &'a Data,
    ranked: &'a Ranked,
    origins: Option<&'a [String]>,
    threshold: Option<f64>,
}

impl Listed<'_> {
    fn class(&self, row: usize) -> Option<String> {
        let label = self.data.labels()?[row];
        let name = self.data.class_names().get(label as usize).cloned();
        Some(name.unwrap_or_else(|| label.to_string()))
    }

    fn json(&self, top: &[usize], because: &[Vec<Contribution>]) -> Result<(), CliError> {
        let ranked = self.ranked;
        let one = |(k, &row): (usize, &usize)| {
            let value = ranked.values[row];
            let label = self.data.labels().map(|labels| labels[row]);
            let mut fields = json!({
                "row": row, ranked.column: value, "label": label, "class": self.class(row),
            });
            if let Some(origins) = self.origins {
                fields["origin"] = json!(origins[row]);
            }
            if let Some(cells) = self.cells(row) {
                let cells = cells.into_iter().map(|(name, cell)| (name, json!(cell)));
                fields["cells"] = Value::Object(cells.collect());
            }
            if let Some(list) = because.get(k) {
                fields["contributions"] = json!(list);
            }
            if let Some(threshold) = self.threshold {
                fields["anomaly"] = json!(ranked.is_beyond(value, threshold));
            }
            fields
        };
        let list: Vec<Value> = top.iter().enumerate().map(one).collect();
        let mut out = json!({"kind": ranked.kind, "n": ranked.values.len(), "anomalies": list});
        if let Some(threshold) = self.threshold {
            out["threshold"] = json!(threshold);
        }
        print_json(&out)
    }

    /// The cells of a row of a table, in the order of the columns.
    fn cells(&self, row: usize) -> Option<Vec<(String, String)>> {
        let Data::Table(table) = self.data else { return None };
        let names = table.column_names().into_iter().enumerate();
        Some(names.map(|(j, name)| (name, table.text(row, j))).collect())
    }

    fn print(&self, top: &[usize], because: &[Vec<Contribution>]) -> Result<(), CliError> {
        let ranked = self.ranked;
        print_line(&format!("row  {}", ranked.title))?;
        for (k, &row) in top.iter().enumerate() {
            let mut line = format!("{row}  {:.*}", ranked.digits, ranked.values[row]);
            if let Some(class) = self.class(row) {
                line += &format!("  class {class}");
            }
            if let Some(origins) = self.origins {
                line += &format!("  {}", origins[row]);
            }
            print_line(&line)?;
            if let Some(cells) = self.cells(row) {
                let cells: Vec<String> =
                    cells.iter().map(|(name, cell)| format!("{name}={cell}")).collect();
                print_line(&format!("    {}", cells.join(", ")))?;
            }
            let most = because.get(k).map_or(&[][..], |list| &list[..list.len().min(COLUMNS)]);
            if !most.is_empty() {
                let words: Vec<String> =
                    most.iter().map(|c| format!("{} {:.3}", c.column, c.value)).collect();
                print_line(&format!("    most by {}", words.join(", ")))?;
            }
        }
        let Some(threshold) = self.threshold else { return Ok(()) };
        let beyond = |v: &&f64| ranked.is_beyond(**v, threshold);
        let count = ranked.values.iter().filter(beyond).count();
        let side = if ranked.small { "at most" } else { "at least" };
        print_line(&format!(
            "anomalies: {count} of {}, {side} {threshold:.*}",
            ranked.values.len(),
            ranked.digits
        ))
    }
}

/// What GANs call their score.
const INVERSION: &str = "inversion error";

/// Whether the model has what items are to be ranked by.
fn check_by(model: &Model, by: Option<AnomalyBy>) -> Result<(), CliError> {
    let Some(by) = by else { return Ok(()) };
    let has = model.can().rank.as_ref().map(|rank| rank.name().to_string());
    let what = match (by, has) {
        (AnomalyBy::Inversion, Some(name)) if name == INVERSION => return Ok(()),
        (AnomalyBy::Inversion, Some(name)) => {
            format!("--by inversion needs a generator of latents; this model has the {name}")
        }
        (AnomalyBy::Inversion, None) => {
            "--by inversion needs a generator of latents, as a GAN has; leave --by out".to_string()
        }
        (AnomalyBy::Likelihood | AnomalyBy::Typicality, None) => return Ok(()),
        (AnomalyBy::Likelihood | AnomalyBy::Typicality, Some(name)) => {
            let by = if by == AnomalyBy::Typicality { "typicality" } else { "likelihood" };
            format!("--by {by} needs a likelihood; this model has the {name}")
        }
    };
    Err(CliError::Usage(what))
}

fn rank(
    model: &Model,
    data: &Data,
    args: &AnomalyArgs,
    control: &Control,
) -> Result<Ranked, CliError> {
    let request = Request::seed(args.target.seed);
    check_by(model, args.by)?;
    if let Some(rank) = &model.can().rank {
        let ranking = rank.rank(data, &request, control)?;
        let values = ranking.scores;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let (kind, title) = (json!(ranking.name), ranking.name);
        let (column, digits, small, entropy) = ("error", 5, false, None);
        return Ok(Ranked { values, order, small, entropy, kind, column, title, digits, request });
    }
    let request = match args.draws {
        Some(draws) => request.set("draws", draws),
        None => request,
    };
    let likelihood = model.score(data, &request, control)?;
    let mut values = likelihood.nats().to_vec();
    let mut order: Vec<usize> = (0..values.len()).collect();
    let mut kind = json!(likelihood.kind());
    let of = if likelihood.is_conditional() { "log p(x | condition)" } else { "log p(x)" };
    if args.by == Some(AnomalyBy::Typicality) {
        let entropy = typicality::entropy(model, data, &request, control)?;
        values = typicality::scores(&values, entropy);
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        kind = json!({"typicality": kind, "entropy": entropy});
        let title =
            format!("|-{of} - {entropy:.3}| in nats, the model's entropy being {entropy:.3}");
        let (column, digits, small, entropy) = ("typicality", 3, false, Some(entropy));
        return Ok(Ranked { values, order, small, entropy, kind, column, title, digits, request });
    }
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let title = format!("{of} in nats");
    let (column, digits, small, entropy) = ("nats", 3, true, None);
    Ok(Ranked { values, order, small, entropy, kind, column, title, digits, request })
}
