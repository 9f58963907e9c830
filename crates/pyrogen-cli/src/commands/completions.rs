//! `pyrogen completions`

use std::collections::BTreeSet;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, ValueHint};
use clap_complete::Shell;
use pyrogen::core::config::to_value;
use pyrogen::model::{Family, Registry};
use pyrogen::train::TrainConfig;
use serde_json::Value;

use crate::args::Cli;
use crate::error::CliError;
use crate::output::print_text;

/// Prints a completion script that knows the families, their samplers and their settings.
pub fn run(registry: &Registry, shell: Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut grammar(registry), "pyrogen", &mut script);
    print_text(&String::from_utf8_lossy(&script))
}

/// The grammar, with the names that the registry knows.
fn grammar(registry: &Registry) -> clap::Command {
    let families: Vec<&'static str> = registry.families().map(Family::name).collect();
    let samplers = samplers(registry);
    let settings: Vec<String> = settings(registry).into_iter().collect();
    let mut grammar = Cli::command();
    for command in ["train", "settings"] {
        let families = families.clone();
        grammar = grammar.mut_subcommand(command, |c| {
            c.mut_arg("family", |a| a.value_parser(PossibleValuesParser::new(families)))
        });
    }
    grammar = grammar.mut_subcommand("train", |c| {
        c.mut_arg("set", |a| a.value_parser(PossibleValuesParser::new(settings)))
    });
    for command in ["sample", "complete", "inpaint", "upscale"] {
        let samplers: Vec<String> = samplers.iter().cloned().collect();
        grammar = grammar.mut_subcommand(command, |c| {
            c.mut_arg("sampler", |a| a.value_parser(PossibleValuesParser::new(samplers)))
        });
    }
    for command in ["sample", "score", "complete", "assign", "query", "evaluate", "info"] {
        grammar = grammar
            .mut_subcommand(command, |c| c.mut_arg("model", |a| a.value_hint(ValueHint::DirPath)));
    }
    grammar
}

/// The samplers of any family.
fn samplers(registry: &Registry) -> BTreeSet<String> {
    let options = registry.families().flat_map(Family::sampling);
    options.filter(|o| o.name == "sampler").flat_map(|o| o.choices).collect()
}

/// The settings of training, and those of the models of any family, as `--set` takes them.
fn settings(registry: &Registry) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    if let Value::Object(fields) = to_value(&TrainConfig::default()) {
        keys.extend(fields.keys().map(|key| format!("train.{key}=")));
    }
    for family in registry.families() {
        let schema = family.train().and_then(|train| train.schema()).unwrap_or_default();
        let fields = schema["properties"].as_object().into_iter().flatten();
        keys.extend(fields.map(|(key, _)| format!("{key}=")));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_registry_are_known() {
        let registry = pyrogen::registry();
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut grammar(&registry), "pyrogen", &mut script);
        let script = String::from_utf8(script).unwrap();
        for name in registry.families().map(Family::name) {
            assert!(script.contains(name), "{name}");
        }
        for word in ["latents=", "train.batch_size=", "dpmpp-2m"] {
            assert!(script.contains(word), "{word}");
        }
    }
}
