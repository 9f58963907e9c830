//! `pyrogen anomaly`

use pyrogen::core::folder::write_file;
use pyrogen::core::{Examples, Noise, ScoreMethod, Seed};
use pyrogen::data::Prepared;
use serde_json::{Value, json};

use crate::args::AnomalyArgs;
use crate::error::CliError;
use crate::family::Misfit;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::session::Session;

/// Examples that are given to the model at once; it spreads them over the cores.
const ROWS: usize = 1024;

/// Ranks examples, the most unusual first: by their log-likelihood, or by what the model has instead.
pub fn run(args: AnomalyArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv"])?;
    }
    let (session, data) = Session::with_data(&args.target)?;
    let ranked = match misfit(&session, &data)? {
        Some(misfit) => Ranked::by_misfit(misfit),
        None => Ranked::by_likelihood(&session, &data, &args)?,
    };
    if let Some(path) = &args.out {
        let mut text = format!("rank,row,{}\n", ranked.column);
        for (rank, &row) in ranked.order.iter().enumerate() {
            text += &format!("{},{row},{}\n", rank + 1, ranked.values[row]);
        }
        make_parent(path)?;
        write_file(path, text.as_bytes())?;
    }
    let top = &ranked.order[..args.top.min(ranked.order.len())];
    let label = |row: usize| data.data().labels().map(|l| l[row]);
    if args.json.json {
        let list: Vec<_> = top
            .iter()
            .map(|&r| json!({"row": r, ranked.column: ranked.values[r], "label": label(r)}))
            .collect();
        let n = ranked.values.len();
        return print_json(&json!({"kind": ranked.kind, "n": n, "anomalies": list}));
    }
    print_line(&format!("row  {}", ranked.title))?;
    for &row in top {
        let label = label(row).map_or(String::new(), |l| format!("  label {l}"));
        print_line(&format!("{row}  {:.*}{label}", ranked.digits, ranked.values[row]))?;
    }
    Ok(())
}

/// Examples and their order.
struct Ranked {
    values: Vec<f64>,
    /// Rows, the most unusual first.
    order: Vec<usize>,
    kind: Value,
    column: &'static str,
    title: String,
    digits: usize,
}

impl Ranked {
    fn by_likelihood(
        session: &Session,
        data: &Prepared<2>,
        args: &AnomalyArgs,
    ) -> Result<Self, CliError> {
        let method = ScoreMethod::Estimate;
        let draws = args.draws.unwrap_or(session.model.default_draws(method));
        let likelihood = session.score(data, method, draws, Seed(args.target.seed))?;
        let values = likelihood.nats().to_vec();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let (kind, title) = (json!(likelihood.kind()), "log p(x) in nats".to_string());
        Ok(Self { values, order, kind, column: "nats", title, digits: 3 })
    }

    fn by_misfit(Misfit { name, values }: Misfit) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        Self { values, order, kind: json!(name), column: "error", title: name.into(), digits: 5 }
    }
}

/// How unusual examples are to a model that says so without a likelihood.
fn misfit(session: &Session, data: &Prepared<2>) -> Result<Option<Misfit>, CliError> {
    let noise = Noise::new(Seed(0)).fork("misfit");
    let mut all: Option<Misfit> = None;
    for start in (0..data.len()).step_by(ROWS) {
        let (x, condition) = session.batch(data, start..(start + ROWS).min(data.len()), &noise)?;
        let Some(part) = session.model.misfit(x, &condition) else { return Ok(None) };
        match &mut all {
            Some(all) => all.values.extend(part.values),
            None => all = Some(part),
        }
    }
    Ok(all)
}
