//! `pyrogen evaluate`

use pyrogen::core::Seed;
use pyrogen::data::Modality;
use pyrogen::evaluation::{
    EmbeddingChoice, Evaluation, FEWEST, LatentEmbedding, Options, evaluate,
};
use pyrogen::metrics::MetricReport;
use pyrogen::model::Registry;

use crate::args::{EmbeddingName, EvaluateArgs, PartName};
use crate::door::{device, part, read};
use crate::error::CliError;
use crate::output::{print_json, print_line};
use crate::progress::control;

/// Computes every metric that applies.
pub fn run(registry: &Registry, args: EvaluateArgs) -> Result<(), CliError> {
    if args.limit == 0 {
        return Err(CliError::Usage("--limit must be at least 1".into()));
    }
    let device = device(args.target.device.device)?;
    let model = registry.open(&args.target.model, &device)?;
    let loaded = read(&args.target.data)?;
    let reference = match args.reference {
        // Before anything else, since it refuses data that training did not see.
        true => Some(part(&model, loaded.clone(), PartName::Train)?),
        false => None,
    };
    // Texts are looked for in what was learnt, where that is at hand.
    let text = loaded.data.modality() == Modality::Text;
    let training = text.then(|| part(&model, loaded.clone(), PartName::Train).ok()).flatten();
    let data = part(&model, loaded, args.target.part)?;
    let (limit, draws, seed) = (args.limit, args.draws, Seed(args.target.seed));
    let embedding = match &args.embedding {
        EmbeddingName::Auto => EmbeddingChoice::Suited,
        EmbeddingName::Digits => EmbeddingChoice::Digits,
        EmbeddingName::Convolutions => EmbeddingChoice::Convolutions,
        EmbeddingName::Pixels => EmbeddingChoice::Pixels,
        EmbeddingName::Model(folder) => {
            EmbeddingChoice::Latents(LatentEmbedding::new(&registry.open(folder, &device)?)?)
        }
    };
    let options = Options { limit, draws, seed, embedding, reference, training };
    let evaluation = evaluate(&model, &data, &options, &device, &control())?;
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
        let rates =
            ["bits_per_dim", "nats_per_token", "bits_per_byte", "nats_per_step", "bits_per_cell"];
        let rate = rates.iter().find_map(|name| Some((*name, number(name)?)));
        let rate = rate.map_or(String::new(), |(name, v)| format!(", {v:.5} {}", rate_name(name)));
        print_line(&format!(
            "{}, {}: {:.4}{error} nats{rate}",
            text["of"].as_str().unwrap_or("log p(x)"),
            text["kind"].as_str().unwrap_or_default(),
            number("mean_nats").unwrap_or(f64::NAN),
        ))?;
    }
    if evaluation.metrics.is_empty() && evaluation.examples < FEWEST {
        print_line(&format!("sample metrics need at least {FEWEST} examples"))?;
    }
    print_metrics(&evaluation.metrics)?;
    for failed in &evaluation.failed {
        print_line(&format!("{}: not computed: {}", failed.metric, failed.reason))?;
    }
    if !evaluation.reference.is_empty() {
        print_line("training examples in the place of samples:")?;
        print_metrics(&evaluation.reference)?;
    }
    for finding in &evaluation.findings {
        print_line(&finding.text)?;
    }
    Ok(())
}

/// The name of a rate for people.
pub fn rate_name(field: &str) -> &str {
    match field {
        "bits_per_dim" => "bits/dim",
        "nats_per_token" => "nats/token",
        "bits_per_byte" => "bits/byte",
        "nats_per_step" => "nats/step",
        "bits_per_cell" => "bits/cell",
        other => other,
    }
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
