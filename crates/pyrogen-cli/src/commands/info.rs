//! `pyrogen info`

use pyrogen::core::config::to_value;
use pyrogen::core::folder::ModelFolder;
use pyrogen::model::Registry;
use serde_json::{Value, json};

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
    print_fields(&without_preparation(info), "")
}

/// The steps of a preparation are many numbers that nobody reads.
fn without_preparation(mut info: Value) -> Value {
    if let Some(data) = info.pointer_mut("/card/data").and_then(Value::as_object_mut) {
        data.remove("preparation");
    }
    info
}
