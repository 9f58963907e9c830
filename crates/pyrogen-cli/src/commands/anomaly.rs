//! `pyrogen anomaly`

use pyrogen::core::folder::write_file;
use pyrogen::data::Data;
use pyrogen::model::Registry;
use pyrogen::{Control, Model, Request};
use serde_json::{Value, json};

use crate::args::AnomalyArgs;
use crate::door::with_data;
use crate::error::CliError;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::progress::control;

/// Ranks items, the most unusual first: by their log-likelihood, or by what the model has instead.
pub fn run(registry: &Registry, args: AnomalyArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv"])?;
    }
    let (model, data) = with_data(registry, &args.target)?;
    let ranked = rank(&model, &data, &args, &control())?;
    if let Some(path) = &args.out {
        let mut text = format!("rank,row,{}\n", ranked.column);
        for (rank, &row) in ranked.order.iter().enumerate() {
            text += &format!("{},{row},{}\n", rank + 1, ranked.values[row]);
        }
        make_parent(path)?;
        write_file(path, text.as_bytes())?;
    }
    let top = &ranked.order[..args.top.min(ranked.order.len())];
    let labels = data.labels();
    let label = |row: usize| labels.as_ref().map(|l| l[row]);
    let names = data.class_names();
    let class = |row: usize| label(row).and_then(|l| names.get(l as usize).cloned());
    if args.json.json {
        let list: Vec<_> = top
            .iter()
            .map(|&r| {
                let (value, label) = (ranked.values[r], label(r));
                json!({"row": r, ranked.column: value, "label": label, "class": class(r)})
            })
            .collect();
        let n = ranked.values.len();
        return print_json(&json!({"kind": ranked.kind, "n": n, "anomalies": list}));
    }
    print_line(&format!("row  {}", ranked.title))?;
    for &row in top {
        let class = class(row).or(label(row).map(|l| l.to_string()));
        let label = class.map_or(String::new(), |class| format!("  class {class}"));
        print_line(&format!("{row}  {:.*}{label}", ranked.digits, ranked.values[row]))?;
    }
    Ok(())
}

/// Items and their order.
struct Ranked {
    values: Vec<f64>,
    /// Rows, the most unusual first.
    order: Vec<usize>,
    kind: Value,
    column: &'static str,
    title: String,
    digits: usize,
}

fn rank(
    model: &Model,
    data: &Data,
    args: &AnomalyArgs,
    control: &Control,
) -> Result<Ranked, CliError> {
    let request = Request::seed(args.target.seed);
    if let Some(rank) = &model.can().rank {
        let ranking = rank.rank(data, &request, control)?;
        let values = ranking.scores;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let (kind, title) = (json!(ranking.name), ranking.name);
        return Ok(Ranked { values, order, kind, column: "error", title, digits: 5 });
    }
    let request = match args.draws {
        Some(draws) => request.set("draws", draws),
        None => request,
    };
    let likelihood = model.score(data, &request, control)?;
    let values = likelihood.nats().to_vec();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let kind = json!(likelihood.kind());
    let of = if likelihood.is_conditional() { "log p(x | condition)" } else { "log p(x)" };
    let title = format!("{of} in nats");
    Ok(Ranked { values, order, kind, column: "nats", title, digits: 3 })
}
