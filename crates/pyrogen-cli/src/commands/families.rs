//! `pyrogen families`

use pyrogen::model::{Ability, Family, Registry};
use serde_json::json;

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
                    "can": f.abilities(),
                    "context": context(f),
                    "notes": f.notes().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
                })
            })
            .collect();
        return print_json(&json!({"families": list}));
    }
    for f in registry.families() {
        print_line(&format!("{}: {}", f.name(), f.about()))?;
        let takes: Vec<&str> = f.takes().iter().map(|m| m.name()).collect();
        print_line(&format!("    learns {}", takes.join(", ")))?;
        let mut words: Vec<&str> = f.abilities().into_iter().flat_map(commands).copied().collect();
        words.push("evaluate");
        if context(f) {
            words.push("train --context");
        }
        words.dedup();
        print_line(&format!("    {}", words.join(", ")))?;
        for (name, note) in f.notes() {
            print_line(&format!("    {name}: {note}"))?;
        }
    }
    Ok(())
}

fn context(family: &dyn Family) -> bool {
    family.train().is_some_and(|t| t.takes_context())
}

/// The commands of an ability.
fn commands(ability: Ability) -> &'static [&'static str] {
    match ability {
        Ability::Generate => &["sample"],
        Ability::Complete => &["inpaint"],
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
