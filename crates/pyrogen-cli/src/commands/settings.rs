//! `pyrogen settings`

use pyrogen::core::config::to_value;
use pyrogen::model::Registry;
use pyrogen::model::train::Wanted;
use serde_json::{Value, json};

use crate::args::SettingsArgs;
use crate::door::read;
use crate::error::CliError;
use crate::output::{print_json, print_line};

/// Lists what `train --set` takes, with the defaults for some data.
pub fn run(registry: &Registry, args: SettingsArgs) -> Result<(), CliError> {
    let family = registry.find(&args.family)?;
    let train = family.train().ok_or_else(|| {
        CliError::Usage(format!("models of family `{}` are not trained here", family.name()))
    })?;
    let data = read(&args.data)?.data;
    family.check_modality(data.modality())?;
    let wanted = Wanted { data: &data, context: None, context_shape: None };
    let defaults = train.defaults(&wanted)?;
    let settings = json!({"model": defaults.model, "train": to_value(&defaults.train)});
    if args.json.json {
        return print_json(&settings);
    }
    for part in ["model", "train"] {
        lines(&settings[part], part)?;
    }
    Ok(())
}

/// One line a setting: key, type, default.
fn lines(value: &Value, path: &str) -> Result<(), CliError> {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().try_for_each(|(name, value)| lines(value, &format!("{path}.{name}")))
        }
        value => {
            let kind = match value {
                Value::Bool(_) => "true or false",
                Value::Number(_) => "number",
                Value::String(_) => "text",
                Value::Array(_) => "list",
                Value::Object(_) => "object",
                Value::Null => "none by default",
            };
            print_line(&format!("{path}={value}  ({kind})"))
        }
    }
}
