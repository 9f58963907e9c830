//! Reading configurations: strict about names, patient about what is left out.
//!
//! A configuration is a plain struct with serde's derives, a `Default`, and
//! `#[serde(default, deny_unknown_fields)]`. Files and `key=value` settings are merged over the
//! defaults as JSON, so that a setting reaches any depth and a wrong name or type is an error
//! that says where.
//!
//! ```
//! use pyrogen_core::config;
//!
//! #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Net { width: usize, depth: usize }
//!
//! let mut json = config::to_value(&Net { width: 8, depth: 2 });
//! config::set(&mut json, "width=16")?;
//! let net: Net = config::from_value(json.clone())?;
//! assert_eq!((net.width, net.depth), (16, 2));
//! assert!(config::set(&mut json, "breadth=16").unwrap_err().to_string().contains("width"));
//! # Ok::<(), pyrogen_core::ConfigError>(())
//! ```

pub mod check;
pub mod count;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ConfigError;

/// A configuration as JSON.
pub fn to_value<C: Serialize>(config: &C) -> Value {
    serde_json::to_value(config).expect("configurations are plain data")
}

/// A configuration from JSON.
///
/// # Errors
/// An unknown field, a missing one, or a value of another type.
pub fn from_value<C: DeserializeOwned>(value: Value) -> Result<C, ConfigError> {
    serde_path_to_error::deserialize(value).map_err(|e| parse_error(&e))
}

/// A configuration from JSON text.
///
/// # Errors
/// As [`from_value`], with line and column.
pub fn from_json<C: DeserializeOwned>(text: &str) -> Result<C, ConfigError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let config = serde_path_to_error::deserialize(&mut json).map_err(|e| parse_error(&e))?;
    json.end().map_err(|e| ConfigError::Parse { message: e.to_string() })?;
    Ok(config)
}

/// Names the field; text that is no JSON has none.
fn parse_error(error: &serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let (path, cause) = (error.path(), error.inner());
    let message = match path.iter().next() {
        Some(_) if cause.is_data() => format!("field `{path}`: {cause}"),
        _ => cause.to_string(),
    };
    ConfigError::Parse { message }
}

/// Lays `over` on `base`: objects merge field by field, everything else is replaced.
///
/// A choice between variants, `{"gaussian": {..}}` over `{"bernoulli": {..}}`, replaces the
/// variant as a whole; so does anything over `null`.
///
/// # Errors
/// A field that `base` does not have.
pub fn merge(base: &mut Value, over: &Value) -> Result<(), ConfigError> {
    merge_at(base, over, "")
}

fn merge_at(base: &mut Value, over: &Value, path: &str) -> Result<(), ConfigError> {
    let (Value::Object(fields), Value::Object(new)) = (&mut *base, over) else {
        *base = over.clone();
        return Ok(());
    };
    if is_other_variant(fields, new) {
        *base = over.clone();
        return Ok(());
    }
    for (name, value) in new {
        let here = join(path, name);
        match fields.get_mut(name) {
            Some(field) => merge_at(field, value, &here)?,
            None => return Err(unknown(&here, fields)),
        }
    }
    Ok(())
}

/// Whether both are externally tagged enum values with different tags: one field each, and the
/// new tag is not a field of the old.
fn is_other_variant(
    old: &serde_json::Map<String, Value>,
    new: &serde_json::Map<String, Value>,
) -> bool {
    let only =
        |m: &serde_json::Map<String, Value>| (m.len() == 1).then(|| m.values().next().cloned());
    match (only(old).flatten(), only(new).flatten()) {
        (Some(Value::Object(_)), Some(Value::Object(_))) => old.keys().next() != new.keys().next(),
        _ => false,
    }
}

/// Sets one field from `path.to.field=value`.
///
/// The value is read as JSON, and as a string where it is not JSON: `width=16`,
/// `decoder=bernoulli`, `hidden=[64,64]`.
///
/// # Errors
/// Text without `=`, a field that does not exist, or a value whose JSON type differs from the
/// present one (a number for a number, and so on; null and `"auto"` give way to anything, and
/// anything to them).
pub fn set(base: &mut Value, assignment: &str) -> Result<(), ConfigError> {
    let Some((path, text)) = assignment.split_once('=') else {
        return Err(ConfigError::Parse {
            message: format!("`{assignment}` is not of the form key=value"),
        });
    };
    let value: Value =
        serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_string()));
    let mut field = base;
    let mut seen = String::new();
    for name in path.trim().split('.') {
        seen = join(&seen, name);
        let Value::Object(fields) = field else {
            return Err(ConfigError::value(&seen, "a field of an object", "a plain value"));
        };
        if !fields.contains_key(name) {
            return Err(unknown(&seen, fields));
        }
        field = &mut fields[name];
    }
    if !same_type(field, &value) {
        return Err(ConfigError::value(seen, type_name(field), text));
    }
    *field = value;
    Ok(())
}

fn same_type(old: &Value, new: &Value) -> bool {
    // An enum's unit variant is a string, its struct variant an object.
    let choice = |v: &Value| matches!(v, Value::String(_) | Value::Object(_));
    let open = |v: &Value| v.is_null() || v == "auto";
    open(old)
        || open(new)
        || std::mem::discriminant(old) == std::mem::discriminant(new)
        || (choice(old) && choice(new))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a name",
        Value::Array(_) => "a list, as [1,2]",
        Value::Object(_) => "an object",
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

fn unknown(field: &str, fields: &serde_json::Map<String, Value>) -> ConfigError {
    ConfigError::UnknownField {
        field: field.to_string(),
        known: fields.keys().cloned().collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merges_deep_and_refuses_unknown() {
        let mut base = json!({"a": {"b": 1, "c": 2}, "d": null});
        merge(&mut base, &json!({"a": {"c": 3}, "d": 4})).unwrap();
        assert_eq!(base, json!({"a": {"b": 1, "c": 3}, "d": 4}));
        let error = merge(&mut base, &json!({"a": {"x": 3}})).unwrap_err();
        assert_eq!(error.to_string(), "config: unknown field `a.x`; known here: b, c");
    }

    #[test]
    fn another_variant_replaces_the_whole() {
        let mut base = json!({"net": {"mlp": {"hidden": [4]}}});
        merge(&mut base, &json!({"net": {"conv": {"channels": 8}}})).unwrap();
        assert_eq!(base, json!({"net": {"conv": {"channels": 8}}}));
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Outer {
            nets: Vec<Net>,
        }
        #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Net {
            width: usize,
        }
        let message = |text: &str| from_json::<Outer>(text).unwrap_err().to_string();
        let wrong = message(r#"{"nets": [{"width": 1}, {"width": 2.5}]}"#);
        assert!(wrong.contains("field `nets[1].width`") && wrong.contains("`2.5`"), "{wrong}");
        let wrong = from_value::<Outer>(json!({"nets": 3})).unwrap_err().to_string();
        assert!(wrong.contains("field `nets`"), "{wrong}");
        for text in [r#"{"nets": [{"width": 1}"#, "", r#"{"nets": []} x"#] {
            let wrong = message(text);
            assert!(!wrong.contains("field") && wrong.contains("line 1"), "{wrong}");
        }
    }

    #[test]
    fn set_checks_names_and_types() {
        let mut base = json!({"a": {"b": 1, "on": true}, "kind": "x"});
        set(&mut base, "a.b=2.5").unwrap();
        set(&mut base, "kind=y").unwrap();
        assert_eq!(base, json!({"a": {"b": 2.5, "on": true}, "kind": "y"}));
        for value in [json!("auto"), json!(4), json!("auto")] {
            set(&mut base, &format!("a.b={value}")).unwrap();
            assert_eq!(base["a"]["b"], value);
        }
        base["a"]["b"] = json!(2.5);
        for (bad, message) in [
            ("a.b", "config: `a.b` is not of the form key=value"),
            ("a.b=many", "config: field `a.b` must be a number, got many"),
            ("a.on=3", "config: field `a.on` must be true or false, got 3"),
            ("a.z=3", "config: unknown field `a.z`; known here: b, on"),
            ("kind.z=3", "config: field `kind.z` must be a field of an object, got a plain value"),
        ] {
            assert_eq!(set(&mut base, bad).unwrap_err().to_string(), message);
        }
    }
}
