//! `pyrogen info`

use pyrogen::core::config::to_value;
use pyrogen::core::folder::ModelFolder;
use pyrogen::model::{OptionSpec, Registry};
use serde_json::{Map, Value, json};

use crate::args::{DeviceName, InfoArgs};
use crate::door::device;
use crate::error::CliError;
use crate::output::{print_fields, print_json};

/// Shows what a model says of itself; loads the weights to check them. Folders and files of other programs have
/// no config of ours.
pub fn run(registry: &Registry, args: InfoArgs) -> Result<(), CliError> {
    let model = registry.open(&args.model, &device(DeviceName::Flex)?)?;
    let folder = ModelFolder::open(&args.model).ok();
    let config: Value = folder.as_ref().map_or(Ok(Value::Null), ModelFolder::config)?;
    let can: Vec<&str> = model.can().abilities().iter().map(|a| a.name()).collect();
    let options = model.can().generate.as_ref().map(|g| g.options());
    let about = model.about();
    let info = json!({
        "path": folder.as_ref().map_or(args.model.as_path(), ModelFolder::path),
        "family": about.family,
        "method": about.method,
        "modality": about.modality,
        "parameters": about.parameters,
        "event": model.layout().map(|l| &l.event),
        "classes": Some(about.classes.len()).filter(|n| *n > 0),
        "class_names": about.classes,
        "context": about.context,
        "can": can,
        "sample_options": options,
        "card": to_value(model.card()),
        "config": config,
    });
    if args.json.json {
        return print_json(&info);
    }
    let options: Map<String, Value> = options
        .iter()
        .flatten()
        .map(|option| (option.name.to_string(), Value::String(line(option))))
        .collect();
    print_fields(&readable(info, options), "")
}

/// An option in one line: its default where it has one, what it does, its choices.
fn line(option: &OptionSpec) -> String {
    let mut line = match &option.default {
        Value::Null => String::new(),
        Value::String(text) => format!("{text}: "),
        other => format!("{other}: "),
    };
    line.push_str(option.about);
    if !option.choices.is_empty() {
        line.push_str(&format!(" ({})", option.choices.join(", ")));
    }
    line
}

/// With a line for each option, and without the steps of a preparation: they are many numbers that nobody reads.
fn readable(mut info: Value, options: Map<String, Value>) -> Value {
    if let Some(data) = info.pointer_mut("/card/data").and_then(Value::as_object_mut) {
        data.remove("preparation");
    }
    info["sample_options"] = if options.is_empty() { Value::Null } else { Value::Object(options) };
    info
}
