//! Settings: defaults, with what is wished laid over them.

use std::path::Path;

use pyrogen_core::{ConfigError, FolderError, config};
use serde_json::{Value, json};

use super::{Defaults, Wish};
use crate::Error;

/// The settings that a wish asks for.
///
/// # Errors
/// A setting that does not exist, or a value of another type.
pub fn apply(
    defaults: Defaults,
    wish: &Wish,
    context: Option<&[usize]>,
) -> Result<Defaults, Error> {
    let mut configs = json!({"model": defaults.model, "train": config::to_value(&defaults.train)});
    if let Some(shape) = context {
        configs["model"]["context"] = json!(shape);
    }
    if let Some(laid_over) = &wish.config {
        config::merge(&mut configs, laid_over)?;
    }
    for assignment in &wish.set {
        set(&mut configs, assignment)?;
    }
    if let Some(limits) = wish.limits {
        config::set(&mut configs, &format!("train.limits={}", config::to_value(&limits)))?;
    }
    let train = config::from_value(configs["train"].take())?;
    Ok(Defaults { model: configs["model"].take(), train })
}

/// A key may leave out its part: `latents=8` is `model.latents=8`, `batch_size=8` is
/// `train.batch_size=8`.
fn set(configs: &mut Value, assignment: &str) -> Result<(), ConfigError> {
    let first = assignment.split(['.', '=']).next().unwrap_or_default().trim();
    let part = match first {
        "model" | "train" => return config::set(configs, assignment),
        name if configs["model"].get(name).is_some() => "model",
        name if configs["train"].get(name).is_some() => "train",
        name => {
            let names = |part: &str| match &configs[part] {
                Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
                _ => String::new(),
            };
            let known = format!("model has {}; train has {}", names("model"), names("train"));
            return Err(ConfigError::UnknownField { field: name.to_string(), known });
        }
    };
    config::set(configs, &format!("{part}.{assignment}"))
}

/// Reads a file of settings, `{"model": .., "train": ..}`.
///
/// # Errors
/// A file that cannot be read, is not JSON, or holds something else.
pub fn read_config(path: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(path).map_err(FolderError::io(path, "read"))?;
    let wrong = |what: String| Error::Wish(format!("{}: {what}", path.display()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".into()))?;
    let config: Value =
        serde_json::from_str(&text).map_err(|e| wrong(format!("is not JSON: {e}")))?;
    if !config.as_object().is_some_and(|c| c.values().all(Value::is_object)) {
        let what = "must hold an object of `model` and `train`, each an object";
        return Err(wrong(what.into()));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_find_their_part() {
        let mut c =
            json!({"model": {"latents": 2}, "train": {"batch_size": 4, "limits": {"epochs": 1}}});
        for assignment in ["latents=3", "batch_size=8", "train.limits.epochs=7"] {
            set(&mut c, assignment).unwrap();
        }
        assert_eq!(
            c,
            json!({"model": {"latents": 3}, "train": {"batch_size": 8, "limits": {"epochs": 7}}})
        );
        let error = set(&mut c, "width=3").unwrap_err().to_string();
        assert_eq!(
            error,
            "config: unknown field `width`; known here: model has latents; train has batch_size, \
             limits"
        );
    }
}
