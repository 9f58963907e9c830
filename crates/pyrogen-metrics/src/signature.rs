//! What a number was computed from, in one line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says what was computed, on how many samples, with which features, options, seed and version, so
/// that two numbers can be compared or refused (after the signatures of sacreBLEU).
///
/// ```text
/// frechet|features:digits-cnn-v1|real:360|generated:360|estimator:n-1|version:0.1.0
/// ```
///
/// The name of the metric, then fields `key:value` in a fixed order, joined by `|`. A key has
/// lower-case letters, digits and `-`; a value has visible characters other than `|`.
///
/// ```
/// use pyrogen_metrics::Signature;
///
/// let a = Signature::new("frechet").with("features", "digits-cnn-v1").with("real", 360);
/// assert_eq!(a.to_string(), "frechet|features:digits-cnn-v1|real:360");
///
/// let b: Signature = "frechet|features:digits-cnn-v1|real:500".parse()?;
/// let why = a.comparable(&b).unwrap_err();
/// assert_eq!(why.to_string(), "not comparable: `real` is 360 in one and 500 in the other");
/// # Ok::<(), pyrogen_metrics::SignatureError>(())
/// ```
///
/// # References
/// Post (2018), "A Call for Clarity in Reporting BLEU Scores".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature {
    metric: String,
    fields: Vec<(String, String)>,
}

/// The field that may differ between comparable numbers: the seed moves an estimate within its
/// spread and leaves alone what is estimated.
const SEED: &str = "seed";

/// The field of the crate's version.
const VERSION: &str = "version";

/// The field of the real data's hash.
const DATA: &str = "data";

/// Digits of a hash that a signature shows: enough to tell data sets apart.
const HASH_DIGITS: usize = 8;

impl Signature {
    /// A signature without fields.
    ///
    /// # Panics
    /// If the name is empty or has characters that a key may not have.
    pub fn new(metric: &str) -> Self {
        assert!(
            is_key(metric),
            "Signature::new: `{metric}` is not a metric's name (lower-case letters, digits, `-`)"
        );
        Self { metric: metric.to_string(), fields: Vec::new() }
    }

    /// Adds a field at the end.
    ///
    /// # Panics
    /// If key or value have characters that they may not have, or the key is there already.
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        assert!(
            is_key(key) && is_value(&value),
            "Signature::with: `{key}:{value}` cannot stand in a signature"
        );
        assert!(self.get(key).is_none(), "Signature::with: `{key}` is there already");
        self.fields.push((key.to_string(), value));
        self
    }

    /// Says which data the real samples are, by a part of the hash of that data: numbers beside other real
    /// samples are not comparable. Stands before the version.
    ///
    /// # Panics
    /// If the hash has characters that a value may not have, or there is one already.
    pub fn of_data(mut self, sha256: &str) -> Self {
        let shown = sha256.get(..HASH_DIGITS).unwrap_or(sha256);
        let version = self.fields.pop_if(|(key, _)| key == VERSION);
        self = self.with(DATA, shown);
        self.fields.extend(version);
        self
    }

    /// Adds the version of this crate.
    ///
    /// # Panics
    /// If there is a version already.
    pub fn with_version(self) -> Self {
        self.with(VERSION, env!("CARGO_PKG_VERSION"))
    }

    /// The metric's name.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The value of a field.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields().find_map(|(k, value)| (k == key).then_some(value))
    }

    /// Keys and values, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Whether two numbers with these signatures can be compared: the same metric, and equal
    /// fields, whatever their order; only `seed` may differ.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn comparable(&self, other: &Self) -> Result<(), Incomparable> {
        if self.metric != other.metric {
            return Err(Incomparable::Metric {
                left: self.metric.clone(),
                right: other.metric.clone(),
            });
        }
        let keys = self.fields().chain(other.fields()).map(|(key, _)| key);
        for key in keys.filter(|&key| key != SEED) {
            let (left, right) = (self.get(key), other.get(key));
            if left != right {
                return Err(Incomparable::Field {
                    field: key.to_string(),
                    left: left.map(str::to_string),
                    right: right.map(str::to_string),
                });
            }
        }
        Ok(())
    }
}

/// Why two numbers cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incomparable {
    /// They are different metrics.
    #[error("not comparable: one is `{left}`, the other `{right}`")]
    Metric {
        /// The first metric.
        left: String,
        /// The second metric.
        right: String,
    },
    /// A field differs, or only one of them has it.
    #[error(
        "not comparable: `{field}` is {} in one and {} in the other",
        shown(left),
        shown(right)
    )]
    Field {
        /// The field.
        field: String,
        /// Its value in the first signature.
        left: Option<String>,
        /// Its value in the second signature.
        right: Option<String>,
    },
}

fn shown(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("missing")
}

/// Text that is not a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The text does not begin with a metric's name.
    #[error("signature: `{}` is not a metric's name; expected metric|key:value|...", found.escape_debug())]
    Metric {
        /// What stands there.
        found: String,
    },
    /// A part is not of the form `key:value`.
    #[error("signature: `{}` is not of the form key:value", found.escape_debug())]
    Field {
        /// What stands there.
        found: String,
    },
    /// A key stands there twice.
    #[error("signature: `{key}` stands there twice")]
    Twice {
        /// The key.
        key: String,
    },
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        self.fields().try_for_each(|(key, value)| write!(f, "|{key}:{value}"))
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let mut parts = text.split('|');
        let metric = parts.next().unwrap_or_default();
        if !is_key(metric) {
            return Err(SignatureError::Metric { found: metric.to_string() });
        }
        let mut signature = Self::new(metric);
        for part in parts {
            match part.split_once(':') {
                Some((key, _)) if signature.get(key).is_some() => {
                    return Err(SignatureError::Twice { key: key.to_string() });
                }
                Some((key, value)) if is_key(key) && is_value(value) => {
                    signature = signature.with(key, value);
                }
                _ => {
                    return Err(SignatureError::Field { found: part.to_string() });
                }
            }
        }
        Ok(signature)
    }
}

impl TryFrom<String> for Signature {
    type Error = SignatureError;

    fn try_from(text: String) -> Result<Self, SignatureError> {
        text.parse()
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.to_string()
    }
}

fn is_key(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(allowed)
}

/// Whether a signature can hold this as a value.
pub(crate) fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c == '|' || c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Signature {
        Signature::new("kid")
            .with("features", "digits-cnn-v1")
            .with("real", 360)
            .with("seed", 7)
            .with_version()
    }

    #[test]
    fn text_and_back() {
        let text = full().to_string();
        assert_eq!(
            text,
            format!(
                "kid|features:digits-cnn-v1|real:360|seed:7|version:{}",
                env!("CARGO_PKG_VERSION")
            )
        );
        assert_eq!(text.parse::<Signature>().unwrap(), full());
        let json = serde_json::to_string(&full()).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Signature>(&json).unwrap(), full());
        assert!(serde_json::from_str::<Signature>("\"kid|x\"").is_err());
    }

    #[test]
    fn values_may_hold_colons() {
        let s: Signature = "mmd|bandwidth:median-real:1.5".parse().unwrap();
        assert_eq!(s.get("bandwidth"), Some("median-real:1.5"));
        assert_eq!(s.to_string(), "mmd|bandwidth:median-real:1.5");
    }

    #[test]
    fn text_that_is_not_a_signature() {
        let error = |text: &str| text.parse::<Signature>().unwrap_err().to_string();
        assert!(error("").contains("`` is not a metric's name"));
        assert!(error("Kid|real:1").contains("`Kid` is not a metric's name"));
        assert!(error("kid|real").contains("`real` is not of the form"));
        assert!(error("kid|real:").contains("`real:` is not of the form"));
        assert!(error("kid|").contains("`` is not of the form"));
        assert!(error("kid|a:x\ny").contains("`a:x\\ny`"));
        assert!(error("kid|a:1|a:2").contains("`a` stands there twice"));
    }

    #[test]
    fn only_the_seed_may_differ() {
        let parse = |text: &str| text.parse::<Signature>().unwrap();
        let a = parse("kid|real:3|seed:1");
        assert_eq!(a.comparable(&parse("kid|seed:2|real:3")), Ok(()));
        assert_eq!(
            a.comparable(&parse("mmd|real:3")).unwrap_err().to_string(),
            "not comparable: one is `kid`, the other `mmd`"
        );
        for (other, message) in [
            ("kid|real:4", "`real` is 3 in one and 4 in the other"),
            ("kid", "`real` is 3 in one and missing in the other"),
            ("kid|real:3|k:5", "`k` is missing in one and 5 in the other"),
        ] {
            let why = a.comparable(&parse(other)).unwrap_err().to_string();
            assert!(why.contains(message), "{why}");
        }
    }

    #[test]
    #[should_panic(expected = "Signature::with: `real:a|b` cannot stand in a signature")]
    fn a_bar_in_a_value_panics() {
        let _ = Signature::new("kid").with("real", "a|b");
    }

    #[test]
    #[should_panic(expected = "Signature::with: `real` is there already")]
    fn a_key_twice_panics() {
        let _ = Signature::new("kid").with("real", 1).with("real", 2);
    }
}
