//! Numbers and strings of JSON schemas.

use regex_syntax::hir::Hir;
use serde_json::{Number, Value};

use super::pattern::{known, repeated, text, within_string};
use super::schema::Place;
use crate::ConstraintError;

/// A character of a JSON string.
const CHARACTER: &str = concat!(
    r#"(?:[^"\\\x00-\x1F]|\\(?:["\\/bfnrt]|"#,
    "u(?:[0-9A-CE-Fa-ce-f][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2})))",
);

/// An integer without its sign, of at most [`DIGITS`] digits.
const INTEGER: &str = "(?:0|[1-9][0-9]{0,14})";

/// What stands behind an integer in a number.
const FRACTION: &str = r"(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?";

const DIGITS: u32 = 15;

fn quoted(contents: Hir) -> Hir {
    Hir::concat(vec![text("\""), contents, text("\"")])
}

/// Any string.
pub(super) fn string() -> Hir {
    quoted(repeated(known(CHARACTER), 0, None))
}

/// Any number.
pub(super) fn number() -> Hir {
    known(&format!("-?{INTEGER}{FRACTION}"))
}

/// A string, of the contents that a schema asks for.
pub(super) fn text_value(schema: &Value, place: &Place) -> Result<Hir, ConstraintError> {
    place.only(schema, &["type", "minLength", "maxLength", "pattern", "format"])?;
    let (least, most) = (place.count(schema, "minLength")?, place.count(schema, "maxLength")?);
    let given = ["pattern", "format"].into_iter().filter(|name| schema.get(name).is_some()).count();
    if given + usize::from(least.is_some() || most.is_some()) > 1 {
        return place.wrong("`pattern`, `format` and lengths can only stand alone");
    }
    if let Some(pattern) = schema.get("pattern") {
        let Value::String(pattern) = pattern else { return place.wrong("`pattern` is no text") };
        return Ok(quoted(within_string(pattern)?));
    }
    let Some(format) = schema.get("format") else {
        return Ok(quoted(repeated(known(CHARACTER), least.unwrap_or(0), most)));
    };
    // The 29th of February is no date in most years.
    const DATE: &str = "[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])\
        |(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)";
    const TIME: &str = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?\
        (?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
    let pattern = match format {
        Value::String(name) if name == "date" => DATE.to_string(),
        Value::String(name) if name == "time" => TIME.to_string(),
        Value::String(name) if name == "date-time" => format!("{DATE}T{TIME}"),
        Value::String(name) if name == "uuid" => {
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_string()
        }
        _ => return place.wrong("`format` is none of date, time, date-time and uuid"),
    };
    Ok(quoted(known(&pattern)))
}

/// A whole number between the bounds of a schema.
pub(super) fn whole_number(schema: &Value, place: &Place) -> Result<Hir, ConstraintError> {
    let bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    place.only(schema, &[&["type"][..], &bounds[..]].concat())?;
    if bounds.iter().all(|name| schema.get(name).is_none()) {
        return Ok(known(&format!("-?{INTEGER}")));
    }
    let bound = |name: &str| match schema.get(name) {
        None => Ok(None),
        Some(Value::Number(n)) => whole(n).map_or_else(
            || place.wrong(format!("`{name}` is no whole number of at most {DIGITS} digits")),
            |n| Ok(Some(n)),
        ),
        Some(_) => place.wrong(format!("`{name}` is no number")),
    };
    let most = 10i64.pow(DIGITS) - 1;
    let low = [bound("minimum")?, bound("exclusiveMinimum")?.map(|n| n + 1)];
    let high = [bound("maximum")?, bound("exclusiveMaximum")?.map(|n| n - 1)];
    let low = low.into_iter().flatten().max().unwrap_or(-most);
    let high = high.into_iter().flatten().min().unwrap_or(most);
    let mut parts = Vec::new();
    if low < 0 && low <= high {
        let (from, to) = (high.min(-1).unsigned_abs(), low.unsigned_abs());
        parts.push(Hir::concat(vec![text("-"), between(from, to)]));
    }
    if high >= 0 && low <= high {
        parts.push(between(low.max(0) as u64, high as u64));
    }
    // No part is no value.
    Ok(Hir::alternation(parts))
}

fn whole(number: &Number) -> Option<i64> {
    let bound = 10f64.powi(DIGITS as i32);
    let value = number.as_f64().filter(|v| v.fract() == 0.0 && v.abs() < bound)?;
    Some(value as i64)
}

/// The whole numbers from one to another.
fn between(from: u64, to: u64) -> Hir {
    let mut parts = Vec::new();
    let mut low = from;
    while low <= to {
        // Those of as many digits as the first.
        let digits = low.max(1).ilog10() + 1;
        let high = to.min(10u64.pow(digits) - 1);
        parts.push(of_digits(low.to_string().as_bytes(), high.to_string().as_bytes()));
        low = high + 1;
    }
    Hir::alternation(parts)
}

/// The numbers from one to another of as many digits.
fn of_digits(low: &[u8], high: &[u8]) -> Hir {
    let (Some((&a, low)), Some((&b, high))) = (low.split_first(), high.split_first()) else {
        return Hir::empty();
    };
    let digit = |from: u8, to: u8| known(&format!("[{}-{}]", from as char, to as char));
    let then = |first: Hir, rest: Hir| Hir::concat(vec![first, rest]);
    let any = || repeated(digit(b'0', b'9'), low.len(), Some(low.len()));
    let (lowest, highest) = (low.iter().all(|&d| d == b'0'), high.iter().all(|&d| d == b'9'));
    if lowest && highest {
        return then(digit(a, b), any());
    }
    if a == b {
        return then(digit(a, a), of_digits(low, high));
    }
    let mut parts = vec![then(digit(a, a), of_digits(low, &vec![b'9'; low.len()]))];
    if a + 1 < b {
        parts.push(then(digit(a + 1, b - 1), any()));
    }
    parts.push(then(digit(b, b), of_digits(&vec![b'0'; high.len()], high)));
    Hir::alternation(parts)
}
