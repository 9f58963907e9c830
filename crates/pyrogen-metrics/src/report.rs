//! What a metric came to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::Signature;

/// The values of one metric with their signature.
///
/// ```text
/// {"metric": "kid", "values": {"kid": 0.0012, "kid_std": 0.0004}, "signature": "kid|features:..."}
/// ```
///
/// Where a metric is one value, its key is the metric's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricReport {
    metric: String,
    values: Map<String, Value>,
    signature: Signature,
}

impl MetricReport {
    /// A report; the metric's name is the signature's.
    ///
    /// # Panics
    /// If a value is not finite (JSON has no word for it).
    pub fn new(signature: Signature, values: &[(&str, f64)]) -> Self {
        let entry = |&(name, value): &(&str, f64)| {
            let number = Number::from_f64(value).unwrap_or_else(|| {
                panic!("MetricReport::new: `{name}` is {value}; values must be finite")
            });
            (name.to_string(), Value::Number(number))
        };
        Self {
            metric: signature.metric().to_string(),
            values: values.iter().map(entry).collect(),
            signature,
        }
    }

    /// The same values, whose real samples are of the data with this hash ([`Signature::of_data`]).
    ///
    /// # Panics
    /// As [`Signature::of_data`].
    pub fn of_data(self, sha256: &str) -> Self {
        Self { signature: self.signature.of_data(sha256), ..self }
    }

    /// The metric's name.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Names and values.
    pub fn values(&self) -> impl Iterator<Item = (&str, f64)> {
        let pairs = self.values.iter();
        pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?)))
    }

    /// One value by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name)?.as_f64()
    }

    /// What the values were computed from.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}
