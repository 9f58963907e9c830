//! `pyrogen info`

use pyrogen::core::config::to_value;
use pyrogen::core::folder::ModelFolder;
use pyrogen::model::Registry;
use serde_json::{Value, json};

use crate::args::{DeviceName, InfoArgs};
use crate::door::device;
use crate::error::CliError;
use crate::output::{print_fields, print_json};

/// Shows what a model folder says of itself; loads the weights to check them.
pub fn run(registry: &Registry, args: InfoArgs) -> Result<(), CliError> {
    let folder = ModelFolder::open(&args.model)?;
    let model = registry.open(&args.model, &device(DeviceName::Flex)?)?;
    let config: Value = folder.config()?;
    let can: Vec<&str> = model.can().abilities().iter().map(|a| a.name()).collect();
    let options = model.can().generate.as_ref().map(|g| g.options());
    let about = model.about();
    let info = json!({
        "path": folder.path(),
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
        "card": to_value(folder.card()),
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
