//! What settings mean: their keys, defaults, types and descriptions.

use pyrogen_core::config;
use pyrogen_train::TrainConfig;
use serde::Serialize;
use serde_json::Value;

use super::{Defaults, Train};

/// A setting that a wish may change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// The key: `model.latents`.
    pub key: String,
    /// The value where nothing else is wished.
    pub default: Value,
    /// What a value may be: `number`, `one of elbo, iwae`.
    pub kind: String,
    /// What it means; empty where the family does not say.
    pub about: String,
}

/// The settings of a family's models and of their training, with these defaults.
pub fn settings(train: &dyn Train, defaults: &Defaults) -> Vec<Setting> {
    let mut list = Vec::new();
    let schema = train.schema().unwrap_or_default();
    collect(&mut list, "model", &defaults.model, Node { root: &schema, at: &schema });
    let schema = TrainConfig::schema();
    let value = config::to_value(&defaults.train);
    collect(&mut list, "train", &value, Node { root: &schema, at: &schema });
    list
}

fn collect(list: &mut Vec<Setting>, key: &str, value: &Value, node: Node) {
    let fields = value.as_object().filter(|fields| !fields.is_empty());
    let choices = node.choices();
    // A choice between forms is a setting itself, and so are the fields of the form that is chosen.
    if (fields.is_none() || !choices.is_empty()) && key.contains('.') {
        let about = node.about();
        list.push(Setting {
            key: key.into(),
            default: value.clone(),
            kind: kind(value, &choices, node),
            about,
        });
    }
    for (name, value) in fields.into_iter().flatten() {
        collect(list, &format!("{key}.{name}"), value, node.field(name));
    }
}

fn kind(value: &Value, choices: &[String], node: Node) -> String {
    let types = node.types();
    let name = |t: &str| match t {
        "integer" => "whole number",
        "boolean" => "true or false",
        "string" => "text",
        "array" => "list",
        "null" => "null",
        "object" => "object",
        _ => "number",
    };
    if !choices.is_empty() {
        // Beside its names a value may be a number or a list.
        let more = types.iter().filter(|t| !["string", "object"].contains(t));
        let more: String = more.map(|t| format!(" or {}", name(t))).collect();
        return format!("one of {}{more}", choices.join(", "));
    }
    if !types.is_empty() {
        return types.iter().map(|t| name(t)).collect::<Vec<_>>().join(" or ");
    }
    let found = match value {
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    name(found).to_string()
}

/// Text whose links are their own words: [`Limits`](crate::Limits) is `Limits`.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("[`") {
        let Some(length) = rest[start..].find("`]") else { break };
        out += &rest[..start];
        out += &rest[start + 1..start + length + 1];
        rest = &rest[start + length + 2..];
        if let (true, Some(end)) = (rest.starts_with('('), rest.find(')')) {
            rest = &rest[end + 1..];
        }
    }
    out + rest
}

/// A place in a JSON schema.
#[derive(Debug, Clone, Copy)]
struct Node<'a> {
    root: &'a Value,
    at: &'a Value,
}

impl<'a> Node<'a> {
    /// The place that a reference leads to.
    fn resolved(self) -> Self {
        let name = self.at["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/"));
        match name {
            Some(name) => Self { at: &self.root["$defs"][name], ..self }.resolved(),
            None => self,
        }
    }

    /// The forms that a value may have.
    fn forms(self) -> Vec<Self> {
        let here = self.resolved();
        let lists = ["oneOf", "anyOf", "allOf"].map(|list| here.at[list].as_array());
        let inner = lists.into_iter().flatten().flatten();
        let inner = inner.flat_map(|at| Self { at, ..self }.forms());
        [here].into_iter().chain(inner).collect()
    }

    fn field(self, name: &str) -> Self {
        let found = self.forms().into_iter().map(|form| &form.at["properties"][name]);
        Self { at: found.into_iter().find(|at| !at.is_null()).unwrap_or(&Value::Null), ..self }
    }

    /// The description of the field, else that of its type: its first paragraph in one line.
    fn about(self) -> String {
        let own = self.at["description"].as_str();
        let about = own.or_else(|| self.resolved().at["description"].as_str()).unwrap_or_default();
        let first = about.split("\n\n").next().unwrap_or_default();
        without_links(first).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The names that a value may have, or that a form may be called by.
    fn choices(self) -> Vec<String> {
        let text = |v: &Value| v.as_str().map(str::to_string);
        let mut names = Vec::new();
        for (i, form) in self.forms().into_iter().enumerate() {
            names.extend(form.at["enum"].as_array().into_iter().flatten().filter_map(text));
            names.extend(text(&form.at["const"]));
            // Among several forms an object of one required name is a variant with fields; the place
            // itself, which comes first, is an object with one field.
            if i == 0 {
                continue;
            }
            let required = form.at["required"].as_array().filter(|r| r.len() == 1);
            if form.at["additionalProperties"] == Value::Bool(false)
                && form.at["properties"].as_object().is_some_and(|p| p.len() == 1)
            {
                names.extend(required.into_iter().flatten().filter_map(text));
            }
        }
        names
    }

    /// The JSON types that a value may have.
    fn types(self) -> Vec<&'a str> {
        let mut types = Vec::new();
        for form in self.forms() {
            match &form.at["type"] {
                Value::String(one) => types.push(one.as_str()),
                Value::Array(several) => types.extend(several.iter().filter_map(Value::as_str)),
                _ => {}
            }
        }
        types.dedup();
        types
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_nested_types_are_found() {
        let schema = json!({
            "type": "object",
            "properties": {
                "size": {"description": "How large.\n\nMore.", "type": "integer"},
                "classes": {"type": ["integer", "null"]},
                "workers": {"anyOf": [{"type": "string", "const": "auto"}, {"type": "integer"}]},
                "net": {"description": "The network.", "$ref": "#/$defs/Net"}
            },
            "$defs": {
                "Net": {
                    "description": "A network.",
                    "oneOf": [
                        {"type": "object", "additionalProperties": false, "required": ["mlp"],
                         "properties": {"mlp": {"$ref": "#/$defs/Mlp"}}},
                        {"type": "object", "additionalProperties": false, "required": ["own"],
                         "properties": {"own": {"type": "object", "additionalProperties": false,
                             "required": ["size"],
                             "properties": {"size": {"description": "Its size.", "type": "integer"}}}}},
                        {"type": "string", "const": "none"}
                    ]
                },
                "Mlp": {"type": "object", "properties": {
                    "act": {"description": "Between [`layers`].", "enum": ["relu", "silu"]}}}
            }
        });
        let value = |net: Value| json!({"size": 3, "workers": 2, "classes": null, "net": net});
        let mut list = Vec::new();
        let root = Node { root: &schema, at: &schema };
        collect(&mut list, "model", &value(json!({"own": {"size": 2}})), root);
        let own: Vec<&str> =
            list.iter().map(|s| s.key.as_str()).filter(|k| k.contains("own")).collect();
        assert_eq!(own, ["model.net.own.size"]);
        list.clear();
        collect(&mut list, "model", &value(json!({"mlp": {"act": "relu"}})), root);
        let mut lines: Vec<String> =
            list.iter().map(|s| format!("{}|{}|{}", s.key, s.kind, s.about)).collect();
        // Objects may keep the order in which they were written, or not.
        lines.sort_unstable();
        let expected = [
            "model.classes|whole number or null|",
            "model.net.mlp.act|one of relu, silu|Between `layers`.",
            "model.net|one of mlp, own, none|The network.",
            "model.size|whole number|How large.",
            "model.workers|one of auto or whole number|",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn links_are_their_own_words() {
        let text = "By [`a::B`](crate::B), see [`C`] (and more); [x].";
        assert_eq!(without_links(text), "By `a::B`, see `C` (and more); [x].");
    }

    #[test]
    fn without_a_schema_types_are_those_of_the_defaults() {
        let mut list = Vec::new();
        let nothing = Value::Null;
        let value = json!({"order": 4});
        collect(&mut list, "model", &value, Node { root: &nothing, at: &nothing });
        assert_eq!((list[0].kind.as_str(), list[0].about.as_str()), ("number", ""));
    }

    #[test]
    fn every_setting_of_training_is_described() {
        let schema = TrainConfig::schema();
        let mut list = Vec::new();
        let value = config::to_value(&TrainConfig::default());
        collect(&mut list, "train", &value, Node { root: &schema, at: &schema });
        let silent: Vec<&str> =
            list.iter().filter(|s| s.about.is_empty()).map(|s| s.key.as_str()).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
}
