//! `pyrogen settings`

use pyrogen::model::Registry;
use pyrogen::model::train::{Wanted, settings};
use serde_json::json;

use crate::args::SettingsArgs;
use crate::door::read;
use crate::error::CliError;
use crate::output::{print_json, print_line};

/// Lists what `train --set` takes, with the defaults for some data, types and meanings.
pub fn run(registry: &Registry, args: SettingsArgs) -> Result<(), CliError> {
    let family = registry.find(&args.family)?;
    let train = family.train().ok_or_else(|| {
        CliError::Usage(format!("models of family `{}` are not trained here", family.name()))
    })?;
    let data = read(&args.data)?.data;
    family.check_modality(data.modality())?;
    let wanted = Wanted { data: &data, context: None, context_shape: None };
    let defaults = train.defaults(&wanted)?;
    let list = settings(train, &defaults);
    if args.json.json {
        let train = pyrogen::core::config::to_value(&defaults.train);
        return print_json(&json!({"model": defaults.model, "train": train, "settings": list}));
    }
    for setting in list {
        let about = match setting.about.as_str() {
            "" => String::new(),
            about => format!("\n    {about}"),
        };
        print_line(&format!("{}={}  ({}){about}", setting.key, setting.default, setting.kind))?;
    }
    Ok(())
}
