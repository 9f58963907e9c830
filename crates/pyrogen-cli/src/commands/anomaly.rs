//! `pyrogen anomaly`

use pyrogen::core::folder::write_file;
use pyrogen::core::{ScoreMethod, Seed};
use serde_json::json;

use crate::args::AnomalyArgs;
use crate::error::CliError;
use crate::output::{expect_ending, make_parent, print_json, print_line};
use crate::session::Session;

/// Ranks examples by their log-likelihood, the least probable first.
pub fn run(args: AnomalyArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv"])?;
    }
    let (session, data) = Session::with_data(&args.target)?;
    let seed = Seed(args.target.seed);
    let draws = args.draws.unwrap_or(session.model.default_draws(ScoreMethod::Estimate));
    let likelihood = session.score(&data, ScoreMethod::Estimate, draws, seed)?;
    let nats = likelihood.nats();
    let mut order: Vec<usize> = (0..nats.len()).collect();
    order.sort_by(|&a, &b| nats[a].total_cmp(&nats[b]));
    if let Some(path) = &args.out {
        let mut text = String::from("rank,row,nats\n");
        for (rank, &row) in order.iter().enumerate() {
            text += &format!("{},{row},{}\n", rank + 1, nats[row]);
        }
        make_parent(path)?;
        write_file(path, text.as_bytes())?;
    }
    let top = &order[..args.top.min(order.len())];
    let label = |row: usize| data.data().labels().map(|l| l[row]);
    if args.json.json {
        let list: Vec<_> =
            top.iter().map(|&r| json!({"row": r, "nats": nats[r], "label": label(r)})).collect();
        return print_json(&json!({"kind": likelihood.kind(), "n": nats.len(), "anomalies": list}));
    }
    print_line("row  log p(x) in nats")?;
    for &row in top {
        let label = label(row).map_or(String::new(), |l| format!("  label {l}"));
        print_line(&format!("{row}  {:.3}{label}", nats[row]))?;
    }
    Ok(())
}
