//! `pyrogen data`

use pyrogen::data::Source;
use serde_json::Value;

use crate::args::JsonArg;
use crate::door::read;
use crate::error::CliError;
use crate::output::{print_fields, print_json, print_line};

/// Says what is in the data.
pub fn describe(source: Source, json: JsonArg) -> Result<(), CliError> {
    let loaded = read(&source)?;
    let mut summary = loaded.data.describe();
    if let Some(test) = &loaded.test {
        summary["test_examples"] = test.len().into();
    }
    if json.json {
        return print_json(&summary);
    }
    let Value::Object(fields) = summary else { return Ok(()) };
    for (name, value) in fields {
        match value {
            Value::Array(rows) if rows.iter().any(Value::is_object) => {
                print_line(&format!("{name}:"))?;
                for row in rows {
                    print_line(&format!("    {}", row_text(&row)))?;
                }
            }
            value => print_fields(&value, &name)?,
        }
    }
    Ok(())
}

/// `name: x, kind: y, ...` without what is not there.
fn row_text(row: &Value) -> String {
    let Value::Object(fields) = row else { return row.to_string() };
    let texts: Vec<String> = fields
        .iter()
        .filter(|(_, v)| !v.is_null())
        .map(|(k, v)| match v {
            Value::String(s) => format!("{k}: {s}"),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(row_text).collect();
                format!("{k}: [{}]", items.join("; "))
            }
            v => format!("{k}: {v}"),
        })
        .collect();
    texts.join(", ")
}
