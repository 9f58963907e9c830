//! Options of a capability: what it knows, with defaults.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Ability, Error};

/// An option that a capability takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OptionSpec {
    /// The name.
    pub name: &'static str,
    /// The value where none is given.
    pub default: Value,
    /// What it does.
    pub about: &'static str,
    /// The values that exist, where they can be listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

impl OptionSpec {
    /// An option.
    pub fn new(name: &'static str, default: impl Into<Value>, about: &'static str) -> Self {
        Self { name, default: default.into(), about, choices: Vec::new() }
    }

    /// An option with one of these values.
    pub fn one_of(mut self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choices = choices.into_iter().map(Into::into).collect();
        self
    }
}

/// The largest count of an option.
const MOST: u64 = 1_000_000;

/// The options of a request, checked against what the capability knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Options(Map<String, Value>);

impl Options {
    /// The defaults, with what is given in their place.
    ///
    /// # Errors
    /// A name that the capability does not know, or a value that is not among the choices.
    pub fn resolve(
        ability: Ability,
        specs: &[OptionSpec],
        given: &Map<String, Value>,
    ) -> Result<Self, Error> {
        for (name, value) in given {
            let Some(spec) = specs.iter().find(|s| s.name == name) else {
                let known: Vec<&str> = specs.iter().map(|s| s.name).collect();
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                return Err(Error::UnknownOption { ability, got: name.clone(), known });
            };
            let text = value.as_str();
            if !spec.choices.is_empty()
                && !text.is_some_and(|text| spec.choices.iter().any(|c| c == text))
            {
                let expected = format!("one of {}", spec.choices.join(", "));
                return Err(Error::option(name, expected, value));
            }
        }
        let value = |s: &OptionSpec| given.get(s.name).unwrap_or(&s.default).clone();
        Ok(Self(specs.iter().map(|s| (s.name.to_string(), value(s))).collect()))
    }

    /// The options as a request has them.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// An option as it stands; null where it has no value.
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// A number.
    ///
    /// # Errors
    /// A value that is no finite number.
    pub fn number(&self, name: &str) -> Result<f64, Error> {
        let value = self.get(name);
        let number = value.as_f64().filter(|v| v.is_finite());
        number.ok_or_else(|| Error::option(name, "a number", value))
    }

    /// A count of one or more, and of a million at most: more are a mistake, and ask for memory that
    /// is not there. None for null.
    ///
    /// # Errors
    /// A value that is no such number.
    pub fn count(&self, name: &str) -> Result<Option<usize>, Error> {
        let value = self.get(name);
        if value.is_null() {
            return Ok(None);
        }
        if value.as_u64().is_some_and(|v| v > MOST) {
            return Err(Error::option(name, format!("a whole number of at most {MOST}"), value));
        }
        let count = value.as_u64().and_then(|v| usize::try_from(v).ok()).filter(|v| *v > 0);
        count.map(Some).ok_or_else(|| Error::option(name, "a whole number of at least 1", value))
    }

    /// Two numbers, `[low, high]`; None for null.
    ///
    /// # Errors
    /// A value that is no list of two finite numbers.
    pub fn interval(&self, name: &str) -> Result<Option<(f64, f64)>, Error> {
        let value = self.get(name);
        if value.is_null() {
            return Ok(None);
        }
        let number = |v: &Value| v.as_f64().filter(|v| v.is_finite());
        let pair = match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => number(low).zip(number(high)),
            _ => None,
        };
        pair.map(Some).ok_or_else(|| Error::option(name, "two numbers, [low, high]", value))
    }

    /// A text; None for null.
    ///
    /// # Errors
    /// A value that is no text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.get(name) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            other => Err(Error::option(name, "a text", other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn specs() -> Vec<OptionSpec> {
        vec![
            OptionSpec::new("temperature", 1.0, "the spread"),
            OptionSpec::new("steps", Value::Null, "steps of the sampler"),
            OptionSpec::new("interval", Value::Null, "noise levels"),
            OptionSpec::new("method", "estimate", "which number").one_of(["estimate", "bound"]),
        ]
    }

    fn resolve(given: Value) -> Result<Options, Error> {
        Options::resolve(Ability::Generate, &specs(), given.as_object().unwrap())
    }

    #[test]
    fn what_is_given_takes_the_place_of_defaults() {
        let options = resolve(json!({"steps": 5})).unwrap();
        assert_eq!(options.number("temperature").unwrap(), 1.0);
        assert_eq!(options.count("steps").unwrap(), Some(5));
        assert_eq!(options.text("method").unwrap(), Some("estimate"));
        assert_eq!(resolve(json!({})).unwrap().count("steps").unwrap(), None);
    }

    #[test]
    fn what_is_unknown_lists_the_known() {
        let text = |given| resolve(given).unwrap_err().to_string();
        let expected =
            "`generate` has no option `top_p`; known: temperature, steps, interval, method";
        assert_eq!(text(json!({"top_p": 1})), expected);
        assert!(text(json!({"method": "exact"})).contains("one of estimate, bound"));
        let options = resolve(json!({"steps": 0, "temperature": "hot"})).unwrap();
        let many = resolve(json!({"steps": 1_000_000_000_000u64})).unwrap().count("steps");
        assert!(many.unwrap_err().to_string().contains("at most 1000000"));
        assert!(options.count("steps").unwrap_err().to_string().contains("at least 1"));
        assert!(options.number("temperature").is_err());
        let interval = |given| resolve(json!({"interval": given})).unwrap().interval("interval");
        assert_eq!(interval(json!([0.5, 2])).unwrap(), Some((0.5, 2.0)));
        assert_eq!(interval(Value::Null).unwrap(), None);
        for wrong in [json!(1), json!([1]), json!([1, "2"]), json!([1, 2, 3])] {
            let error = interval(wrong).unwrap_err().to_string();
            assert!(error.contains("two numbers, [low, high]"), "{error}");
        }
    }
}
