//! [`HowMany`]: a number of parts that is given or chosen.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many components, states or topics: a setting that is `auto`, a number, or a list of numbers of
/// which the best is taken.
///
/// ```
/// use pyrogen_model::HowMany;
///
/// let read = |text: &str| serde_json::from_str::<HowMany>(text);
/// assert_eq!(read("3").unwrap().numbers(6), [3]);
/// assert_eq!(read("[2, 4]").unwrap().numbers(6), [2, 4]);
/// assert_eq!(read("\"auto\"").unwrap().numbers(3), [1, 2, 3]);
/// assert!(read("\"many\"").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum HowMany {
    /// The best of a few.
    Auto,
    /// So many.
    Exactly(usize),
    /// The best of these.
    OneOf(Vec<usize>),
}

impl HowMany {
    /// The numbers that are tried: 1 to `most` for `auto`.
    pub fn numbers(&self, most: usize) -> Vec<usize> {
        match self {
            Self::Auto => (1..=most).collect(),
            Self::Exactly(k) => vec![*k],
            Self::OneOf(all) => all.clone(),
        }
    }
}

#[cfg(feature = "train")]
impl schemars::JsonSchema for HowMany {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HowMany".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"anyOf": [
            {"type": "string", "const": "auto"},
            {"type": "integer", "minimum": 1},
            {"type": "array", "items": {"type": "integer", "minimum": 1}},
        ]})
    }
}

impl TryFrom<Value> for HowMany {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let number = |v: &Value| v.as_u64().and_then(|k| usize::try_from(k).ok());
        let found = match &value {
            Value::String(text) if text == "auto" => Some(Self::Auto),
            Value::Array(all) => all.iter().map(number).collect::<Option<_>>().map(Self::OneOf),
            other => number(other).map(Self::Exactly),
        };
        found.ok_or_else(|| {
            format!("expected a whole number, a list of them or `auto`, got {value}")
        })
    }
}

impl From<HowMany> for Value {
    fn from(how_many: HowMany) -> Self {
        match how_many {
            HowMany::Auto => "auto".into(),
            HowMany::Exactly(k) => k.into(),
            HowMany::OneOf(all) => all.into(),
        }
    }
}
