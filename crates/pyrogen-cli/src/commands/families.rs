//! `pyrogen families`

use pyrogen::data::Modality;
use pyrogen::model::{Ability, Family, LatentKind, Registry};
use serde_json::{Value, json};

use crate::args::JsonArg;
use crate::error::CliError;
use crate::output::{print_json, print_line};

/// Lists the families and what each can do.
pub fn run(registry: &Registry, args: JsonArg) -> Result<(), CliError> {
    if args.json {
        let list: Vec<_> = registry
            .families()
            .map(|f| {
                json!({
                    "name": f.name(),
                    "about": f.about(),
                    "takes": f.takes(),
                    "abilities": f.abilities(),
                    "can": can(f),
                })
            })
            .collect();
        return print_json(&json!({"families": list}));
    }
    for f in registry.families() {
        print_line(&format!("{}: {}", f.name(), f.about()))?;
        let takes: Vec<&str> = f.takes().iter().map(|m| m.name()).collect();
        print_line(&format!("    learns {}", takes.join(", ")))?;
        let mut words: Vec<&str> =
            f.abilities().into_iter().flat_map(|a| commands(f, a)).copied().collect();
        words.push("evaluate");
        if context(f) {
            words.push("train --context");
        }
        words.dedup();
        print_line(&format!("    {}", words.join(", ")))?;
        if !f.likelihoods().is_empty() {
            print_line(&format!("    likelihood: {}", f.likelihoods().join(", ")))?;
        }
        if let Some(by) = f.anomaly_score() {
            print_line(&format!("    no likelihood; anomalies by {by}"))?;
        }
    }
    Ok(())
}

fn context(family: &dyn Family) -> bool {
    family.train().is_some_and(|t| t.takes_context())
}

/// What a program that reads JSON asks of a family.
fn can(family: &dyn Family) -> Value {
    let has = |ability: Ability| family.abilities().contains(&ability);
    let axes = matches!(family.latents(), Some(LatentKind::Gaussian | LatentKind::Point));
    json!({
        "sample": has(Ability::Generate),
        "condition": family.takes_class(),
        "context": context(family),
        "score": family.likelihoods(),
        "anomaly": family.anomaly_score(),
        "latent": has(Ability::Latent),
        "traverse": axes,
        "steer": has(Ability::Vary),
        "inpaint": has(Ability::Complete) && inpaints(family),
        "complete": has(Ability::Complete) && !inpaints(family),
        "assign": has(Ability::Assign),
        "query": has(Ability::Query),
        "stream": has(Ability::Stream),
    })
}

/// Whether its models fill in masked parts of pictures, and not what is missing of rows or texts.
fn inpaints(family: &dyn Family) -> bool {
    family.takes().contains(&Modality::Pictures)
}

/// The commands of an ability.
fn commands(family: &dyn Family, ability: Ability) -> &'static [&'static str] {
    match ability {
        Ability::Generate => &["sample"],
        Ability::Complete if inpaints(family) => &["inpaint"],
        Ability::Complete => &["complete"],
        Ability::Vary => &["sample --from"],
        Ability::Stream => &["sample --stream"],
        Ability::Score => &["score", "anomaly"],
        Ability::Rank => &["anomaly"],
        Ability::Latent => &["reconstruct", "interpolate", "traverse"],
        Ability::Assign => &["assign"],
        Ability::Query => &["query"],
        _ => &[],
    }
}
