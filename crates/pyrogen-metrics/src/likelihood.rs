//! Likelihoods: units, and the form in which they are reported.

use std::f64::consts::LN_2;

use pyrogen_core::{Likelihood, LikelihoodKind, Unit};
use serde::{Deserialize, Serialize};

use crate::MetricError;

/// Bits per dimension of a log-likelihood in nats: `-nats / (dims ln 2)`.
///
/// ```
/// // A uniform distribution over 256 values costs 8 bits a dimension.
/// let nats = -3.0 * 256f64.ln();
/// assert!((pyrogen_metrics::bits_per_dim(nats, 3) - 8.0).abs() < 1e-12);
/// ```
pub fn bits_per_dim(nats: f64, dims: usize) -> f64 {
    -nats / (dims as f64 * LN_2)
}

/// The log-likelihood in nats of so many bits per dimension: the inverse of [`bits_per_dim`].
pub fn nats_from_bits_per_dim(bits: f64, dims: usize) -> f64 {
    -bits * dims as f64 * LN_2
}

/// The log-density of `scale * x` given the log-density of `x`: `nats - dims ln(scale)`.
///
/// A density of pixels in `[0, 1]` becomes comparable with one of pixels in `[0, 256]` by a scale
/// of 256, which adds 8 bits to each dimension.
///
/// ```
/// use pyrogen_metrics::{bits_per_dim, rescaled_nats};
///
/// assert!((bits_per_dim(rescaled_nats(0.0, 64, 256.0), 64) - 8.0).abs() < 1e-12);
/// ```
///
/// # Panics
/// If the scale is not a positive number.
pub fn rescaled_nats(nats: f64, dims: usize, scale: f64) -> f64 {
    assert!(
        scale.is_finite() && scale > 0.0,
        "rescaled_nats: the scale must be a positive number, got {scale}"
    );
    nats - dims as f64 * scale.ln()
}

/// A [`Likelihood`] in the form that is printed and stored.
///
/// ```
/// use pyrogen_core::Likelihood;
/// use pyrogen_metrics::LikelihoodReport;
///
/// let exact = Likelihood::exact(vec![-1.0, -3.0], 2);
/// let json = serde_json::to_string(&LikelihoodReport::new(&exact)?).unwrap();
/// assert!(json.starts_with(r#"{"kind":"exact","of":"log p(x)","mean_nats":-2.0,"std_err":null,"#));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LikelihoodReport {
    /// What kind of number it is: `exact`, `lower_bound` or `estimate`.
    pub kind: LikelihoodKind,
    /// Of what it is the number: `log p(x)`, or `log p(x | condition)`.
    #[serde(default = "unconditional")]
    pub of: String,
    /// Mean over the examples, in nats.
    pub mean_nats: f64,
    /// Monte Carlo standard error of the mean on these examples; none where nothing was sampled.
    pub std_err: Option<f64>,
    /// Standard error of the mean for the population the examples come from; none for a single
    /// example.
    pub population_std_err: Option<f64>,
    /// Sum over the examples, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_nats: Option<f64>,
    /// What examples are made of.
    #[serde(default)]
    pub unit: Unit,
    /// How many units all examples have together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<usize>,
    /// What a dimension costs in bits, where that is the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_per_dim: Option<f64>,
    /// What a token costs in nats, where that is the unit; its `exp` is the perplexity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nats_per_token: Option<f64>,
    /// What a byte costs in bits, where that is the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_per_byte: Option<f64>,
    /// What a step costs in nats, where that is the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nats_per_step: Option<f64>,
    /// What a cell costs in bits, where that is the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_per_cell: Option<f64>,
    /// Number of examples.
    pub n: usize,
}

fn unconditional() -> String {
    "log p(x)".into()
}

impl LikelihoodReport {
    /// The report of a likelihood.
    ///
    /// # Errors
    /// No examples, examples of no units, or an example whose log-likelihood is not finite: the
    /// mean would not be a number.
    pub fn new(likelihood: &Likelihood) -> Result<Self, MetricError> {
        let (nats, units) = (likelihood.nats(), likelihood.units());
        if nats.is_empty() || units == 0 {
            let examples = nats.len();
            return Err(MetricError::NoLikelihood { examples, units });
        }
        if let Some(example) = nats.iter().position(|v| !v.is_finite()) {
            let value = nats[example];
            return Err(MetricError::Likelihood { example, value });
        }
        let unit = likelihood.unit();
        let per = |of: Unit, rate: f64| (unit == of).then_some(rate);
        let (in_nats, in_bits) = (likelihood.nats_per_unit(), likelihood.bits_per_unit());
        Ok(Self {
            kind: likelihood.kind(),
            of: match likelihood.is_conditional() {
                true => "log p(x | condition)".into(),
                false => unconditional(),
            },
            mean_nats: likelihood.mean_nats(),
            std_err: likelihood.std_err(),
            population_std_err: Some(likelihood.population_std_err()).filter(|e| e.is_finite()),
            total_nats: Some(likelihood.total_nats()),
            unit,
            units: Some(units),
            bits_per_dim: per(Unit::Dimension, in_bits),
            nats_per_token: per(Unit::Token, in_nats),
            bits_per_byte: per(Unit::Byte, in_bits),
            nats_per_step: per(Unit::Step, in_nats),
            bits_per_cell: per(Unit::Cell, in_bits),
            n: nats.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::Counts;

    #[test]
    fn bits_and_nats_are_inverse() {
        let nats = -123.456;
        let back = nats_from_bits_per_dim(bits_per_dim(nats, 64), 64);
        assert!((back - nats).abs() < 1e-12, "{back}");
    }

    #[test]
    fn a_report_as_json_and_back() {
        let estimate = Likelihood::estimate(vec![-1.0, -3.0], vec![0.3, 0.4], 2);
        let report = LikelihoodReport::new(&estimate).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "kind",
                "of",
                "mean_nats",
                "std_err",
                "population_std_err",
                "total_nats",
                "unit",
                "units",
                "bits_per_dim",
                "n"
            ]
        );
        assert_eq!(json["kind"], "estimate");
        assert_eq!(json["std_err"], 0.25);
        assert_eq!(json["population_std_err"], 1.0);
        assert_eq!(json["n"], 2);
        let back: LikelihoodReport = serde_json::from_value(json).unwrap();
        assert_eq!(back, report);
    }

    #[test]
    fn each_unit_has_its_own_rate() {
        let report = |unit| {
            let counts = Counts::Each(vec![1, 3]);
            let likelihood = Likelihood::exact(vec![-2.0, -6.0], 1).in_units(unit, counts);
            let report = LikelihoodReport::new(&likelihood.conditional(true)).unwrap();
            let json = serde_json::to_value(&report).unwrap();
            assert_eq!(serde_json::from_value::<LikelihoodReport>(json.clone()).unwrap(), report);
            assert_eq!(json["of"], "log p(x | condition)");
            assert_eq!(
                (json["units"].as_u64(), json["total_nats"].as_f64()),
                (Some(4), Some(-8.0))
            );
            json
        };
        let rates =
            ["bits_per_dim", "nats_per_token", "bits_per_byte", "nats_per_step", "bits_per_cell"];
        let units = [Unit::Dimension, Unit::Token, Unit::Byte, Unit::Step, Unit::Cell];
        for (unit, rate) in units.into_iter().zip(rates) {
            let json = report(unit);
            for other in rates {
                let got = json.get(other).map(|v| v.as_f64().unwrap());
                let nats = if other.starts_with("bits") { LN_2 } else { 1.0 };
                assert_eq!(got, (other == rate).then_some(2.0 / nats), "{unit:?} {other}");
            }
        }
        // Reports of before there were units.
        let old = r#"{"kind":"exact","mean_nats":-2.0,"std_err":null,"population_std_err":null,"bits_per_dim":1.5,"n":1}"#;
        let old: LikelihoodReport = serde_json::from_str(old).unwrap();
        assert_eq!((old.unit, old.bits_per_dim, old.units), (Unit::Dimension, Some(1.5), None));
    }

    #[test]
    fn one_example_has_no_population_error() {
        let one = LikelihoodReport::new(&Likelihood::lower_bound(vec![-2.0], None, 1)).unwrap();
        let json = serde_json::to_string(&one).unwrap();
        assert!(json.contains(r#""kind":"lower_bound""#), "{json}");
        assert!(json.contains(r#""population_std_err":null"#), "{json}");
        assert_eq!(serde_json::from_str::<LikelihoodReport>(&json).unwrap(), one);
    }

    #[test]
    fn a_mean_that_is_no_number_is_refused() {
        let error = |l: Likelihood| LikelihoodReport::new(&l).unwrap_err().to_string();
        let outside = error(Likelihood::exact(vec![0.0, f64::NEG_INFINITY], 1));
        assert!(outside.contains("example 1 is -inf"), "{outside}");
        let none = error(Likelihood::exact(vec![], 1));
        assert!(none.contains("0 examples"), "{none}");
    }

    #[test]
    #[should_panic(expected = "rescaled_nats: the scale must be a positive number, got 0")]
    fn a_scale_of_zero_panics() {
        rescaled_nats(0.0, 1, 0.0);
    }
}
