//! JSON schemas as expressions.

use std::cell::Cell;

use regex_syntax::hir::Hir;
use serde_json::{Map, Value};

use super::automaton::Automaton;
use super::pattern::{known, repeated, text};
use super::scalar;
use crate::ConstraintError;

/// Schemas that are looked at in all, those within definitions each time.
const PARTS: usize = 20_000;

/// Keywords that change nothing.
const DESCRIBE: [&str; 15] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$anchor",
    "$vocabulary",
    "contentMediaType",
];

/// The JSON values that a schema describes.
pub(super) fn compile(schema: &str, depth: usize) -> Result<Hir, ConstraintError> {
    let root: Value = serde_json::from_str(schema)
        .map_err(|e| ConstraintError::Schema { place: "#".into(), message: e.to_string() })?;
    let compiler = Compiler { root: &root, depth, parts: Cell::new(0) };
    compiler.value(&root, &Place { path: "#".into(), inside: Vec::new() })
}

struct Compiler<'a> {
    root: &'a Value,
    depth: usize,
    parts: Cell<usize>,
}

/// Where a schema stands, and the definitions that it stands in.
#[derive(Clone)]
pub(super) struct Place {
    path: String,
    inside: Vec<String>,
}

impl Place {
    fn below(&self, name: &str) -> Self {
        Self { path: format!("{}/{name}", self.path), inside: self.inside.clone() }
    }

    pub(super) fn wrong<T>(&self, message: impl Into<String>) -> Result<T, ConstraintError> {
        Err(ConstraintError::Schema { place: self.path.clone(), message: message.into() })
    }

    /// Refuses keywords that are not among the known ones.
    pub(super) fn only(&self, schema: &Value, names: &[&str]) -> Result<(), ConstraintError> {
        let Value::Object(members) = schema else { return Ok(()) };
        let unknown =
            |name: &&String| !names.contains(&name.as_str()) && !DESCRIBE.contains(&name.as_str());
        match members.keys().find(unknown) {
            None => Ok(()),
            Some(name) => self.wrong(format!("`{name}` is not known here")),
        }
    }

    pub(super) fn count(
        &self,
        schema: &Value,
        name: &str,
    ) -> Result<Option<usize>, ConstraintError> {
        match schema.get(name) {
            None => Ok(None),
            Some(Value::Number(n)) if n.as_u64().is_some() => Ok(n.as_u64().map(|n| n as usize)),
            Some(_) => self.wrong(format!("`{name}` is no whole number")),
        }
    }
}

/// A comma or colon, and perhaps a space.
fn mark(mark: &str) -> Hir {
    Hir::concat(vec![text(mark), repeated(text(" "), 0, Some(1))])
}

/// Values with commas between them.
fn listed(open: &str, one: &Hir, least: usize, most: Option<usize>, close: &str) -> Hir {
    let further = Hir::concat(vec![mark(","), one.clone()]);
    let rest = repeated(further, least.max(1) - 1, most.map(|most| most.saturating_sub(1)));
    let some = Hir::concat(vec![one.clone(), rest]);
    let inside = match (least, most) {
        (_, Some(0)) => Hir::empty(),
        (0, _) => repeated(some, 0, Some(1)),
        _ => some,
    };
    Hir::concat(vec![text(open), inside, text(close)])
}

/// A value as it is.
fn exactly(value: &Value) -> Hir {
    let between = |parts: Vec<Hir>| {
        let mut out = Vec::new();
        for (i, part) in parts.into_iter().enumerate() {
            out.extend((i > 0).then(|| mark(",")));
            out.push(part);
        }
        Hir::concat(out)
    };
    let quoted = |s: &str| text(&serde_json::to_string(s).expect("a text is a JSON string"));
    match value {
        Value::Null => text("null"),
        Value::Bool(value) => text(if *value { "true" } else { "false" }),
        Value::Number(number) => text(&number.to_string()),
        Value::String(value) => quoted(value),
        Value::Array(list) => {
            Hir::concat(vec![text("["), between(list.iter().map(exactly).collect()), text("]")])
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                Hir::concat(vec![quoted(name), mark(":"), exactly(value)])
            };
            let members = members.iter().map(member).collect();
            Hir::concat(vec![text("{"), between(members), text("}")])
        }
    }
}

/// Any value of at most so many levels.
fn any(depth: usize) -> Hir {
    let mut kinds =
        vec![text("null"), text("true"), text("false"), scalar::number(), scalar::string()];
    if let Some(depth) = depth.checked_sub(1) {
        let value = any(depth);
        kinds.push(listed("[", &value, 0, None, "]"));
        kinds.push(listed("{", &named(value), 0, None, "}"));
    }
    Hir::alternation(kinds)
}

/// A member of any name.
fn named(value: Hir) -> Hir {
    Hir::concat(vec![scalar::string(), mark(":"), value])
}

impl Compiler<'_> {
    fn value(&self, schema: &Value, place: &Place) -> Result<Hir, ConstraintError> {
        self.parts.set(self.parts.get() + 1);
        if self.parts.get() > PARTS {
            return place.wrong(format!("more than {PARTS} schemas within each other"));
        }
        match schema {
            Value::Bool(true) => return Ok(any(self.depth)),
            Value::Bool(false) => return Ok(Hir::fail()),
            Value::Object(_) => {}
            _ => return place.wrong("a schema is an object, true or false"),
        }
        if let Some(target) = schema.get("$ref") {
            place.only(schema, &["$ref"])?;
            return self.reference(target, place);
        }
        if let Some(value) = schema.get("const") {
            place.only(schema, &["const", "type"])?;
            return Ok(exactly(value));
        }
        if let Some(values) = schema.get("enum") {
            place.only(schema, &["enum", "type"])?;
            let Value::Array(values) = values else { return place.wrong("`enum` is no list") };
            return Ok(Hir::alternation(values.iter().map(exactly).collect()));
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(parts) = schema.get(name) {
                place.only(schema, &[name])?;
                return self.either(parts, name, place);
            }
        }
        match schema.get("type") {
            Some(Value::String(kind)) => self.kind(kind, schema, place),
            Some(Value::Array(kinds)) => {
                let of = |kind: &Value| match kind {
                    Value::String(kind) => self.kind(kind, schema, place),
                    _ => place.wrong("`type` is no name"),
                };
                // Other keywords would be for one of the kinds alone; `anyOf` says for which.
                place.only(schema, &["type"])?;
                Ok(Hir::alternation(kinds.iter().map(of).collect::<Result<_, _>>()?))
            }
            Some(_) => place.wrong("`type` is no name"),
            None if schema.get("properties").is_some() => self.kind("object", schema, place),
            None if schema.get("items").is_some() => self.kind("array", schema, place),
            None => {
                place.only(schema, &[])?;
                Ok(any(self.depth))
            }
        }
    }

    fn reference(&self, target: &Value, place: &Place) -> Result<Hir, ConstraintError> {
        let Value::String(target) = target else { return place.wrong("`$ref` is no text") };
        let found = target.strip_prefix('#').and_then(|path| self.root.pointer(path));
        let Some(found) = found else {
            return place.wrong(format!("`$ref` {target} leads nowhere within the schema"));
        };
        if place.inside.iter().filter(|name| *name == target).count() > self.depth {
            // Deeper values are left out.
            return Ok(Hir::fail());
        }
        let mut inside = place.inside.clone();
        inside.push(target.clone());
        self.value(found, &Place { path: target.clone(), inside })
    }

    fn either(&self, parts: &Value, name: &str, place: &Place) -> Result<Hir, ConstraintError> {
        let Value::Array(parts) = parts else {
            return place.wrong(format!("`{name}` is no list"));
        };
        let part = |(i, part)| self.value(part, &place.below(&format!("{name}/{i}")));
        let parts = parts.iter().enumerate().map(part).collect::<Result<Vec<_>, _>>()?;
        if name == "oneOf" {
            let each: Result<Vec<Automaton>, _> = parts.iter().map(Automaton::of).collect();
            let each = each?;
            for (i, one) in each.iter().enumerate() {
                if let Some(j) = (0..i).find(|&j| each[j].meets(one)) {
                    let message =
                        format!("a value can satisfy both part {j} and part {i} of oneOf");
                    return place.wrong(message);
                }
            }
        }
        Ok(Hir::alternation(parts))
    }

    fn kind(&self, kind: &str, schema: &Value, place: &Place) -> Result<Hir, ConstraintError> {
        match kind {
            "null" => place.only(schema, &["type"]).map(|()| text("null")),
            "boolean" => place.only(schema, &["type"]).map(|()| known("true|false")),
            "number" => {
                place.only(schema, &["type"])?;
                Ok(scalar::number())
            }
            "integer" => scalar::whole_number(schema, place),
            "string" => scalar::text_value(schema, place),
            "array" => self.array(schema, place),
            "object" => self.object(schema, place),
            other => place.wrong(format!("`type` {other} is not known")),
        }
    }

    fn array(&self, schema: &Value, place: &Place) -> Result<Hir, ConstraintError> {
        place.only(schema, &["type", "items", "prefixItems", "minItems", "maxItems"])?;
        let (least, most) =
            (place.count(schema, "minItems")?.unwrap_or(0), place.count(schema, "maxItems")?);
        let item = match schema.get("items") {
            Some(items) => Some(self.value(items, &place.below("items"))?),
            None => None,
        };
        let Some(Value::Array(first)) = schema.get("prefixItems") else {
            let item = item.unwrap_or_else(|| any(self.depth));
            return Ok(listed("[", &item, least, most, "]"));
        };
        // All of the first items are written.
        let mut parts = vec![text("[")];
        for (i, part) in first.iter().enumerate() {
            parts.extend((i > 0).then(|| mark(",")));
            parts.push(self.value(part, &place.below(&format!("prefixItems/{i}")))?);
        }
        let count = first.len();
        if most.is_some_and(|most| most < count) || (item.is_none() && least > count) {
            return place.wrong("`minItems` and `maxItems` do not fit `prefixItems`");
        }
        if let Some(item) = item {
            let further = Hir::concat(vec![mark(","), item]);
            let most = most.map(|most| most - count);
            parts.push(repeated(further, least.saturating_sub(count), most));
        }
        parts.push(text("]"));
        Ok(Hir::concat(parts))
    }

    fn object(&self, schema: &Value, place: &Place) -> Result<Hir, ConstraintError> {
        place.only(schema, &["type", "properties", "required", "additionalProperties"])?;
        let mut required = Vec::new();
        if let Some(names) = schema.get("required") {
            let Value::Array(names) = names else { return place.wrong("`required` is no list") };
            for name in names {
                let Value::String(name) = name else {
                    return place.wrong("`required` has no names");
                };
                required.push(name.as_str());
            }
        }
        let other = schema.get("additionalProperties");
        let none = Value::Object(Map::new());
        let Value::Object(properties) = schema.get("properties").unwrap_or(&none) else {
            return place.wrong("`properties` is no object");
        };
        let value = |at: &str, schema: Option<&Value>| match schema {
            Some(schema) => self.value(schema, &place.below(at)),
            None => Ok(any(self.depth)),
        };
        if properties.is_empty() && required.is_empty() {
            let value = value("additionalProperties", other)?;
            return Ok(listed("{", &named(value), 0, None, "}"));
        }
        let member = |name: &str, value: Hir| {
            let key = exactly(&Value::String(name.into()));
            Hir::concat(vec![key, mark(":"), value])
        };
        let mut members = Vec::new();
        for (name, schema) in properties {
            let value = value(&format!("properties/{name}"), Some(schema))?;
            members.push((member(name, value), required.contains(&name.as_str())));
        }
        for name in required {
            if !properties.contains_key(name) {
                members.push((member(name, value("additionalProperties", other)?), true));
            }
        }
        Ok(Hir::concat(vec![text("{"), in_order(&members), text("}")]))
    }
}

/// Members in their order; those that are not required may be left out.
fn in_order(members: &[(Hir, bool)]) -> Hir {
    // What follows where a member was written.
    let mut rest = Hir::empty();
    let mut first = Hir::empty();
    for (member, required) in members.iter().rev() {
        let here = Hir::concat(vec![member.clone(), rest.clone()]);
        first = if *required { here } else { Hir::alternation(vec![here, first]) };
        let further = Hir::concat(vec![mark(","), member.clone()]);
        let further = if *required { further } else { repeated(further, 0, Some(1)) };
        rest = Hir::concat(vec![further, rest]);
    }
    first
}
