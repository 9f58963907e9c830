//! Likelihoods: units, and the form in which they are reported.

use std::f64::consts::LN_2;

use pyrogen_core::{Likelihood, LikelihoodKind};
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
/// assert!(json.starts_with(r#"{"kind":"exact","mean_nats":-2.0,"std_err":null,"#));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LikelihoodReport {
    /// What kind of number it is: `exact`, `lower_bound` or `estimate`.
    pub kind: LikelihoodKind,
    /// Mean over the examples, in nats.
    pub mean_nats: f64,
    /// Monte Carlo standard error of the mean on these examples; none where nothing was sampled.
    pub std_err: Option<f64>,
    /// Standard error of the mean for the population the examples come from; none for a single
    /// example.
    pub population_std_err: Option<f64>,
    /// The mean in bits per dimension.
    pub bits_per_dim: f64,
    /// Number of examples.
    pub n: usize,
}

impl LikelihoodReport {
    /// The report of a likelihood.
    ///
    /// # Errors
    /// No examples, examples of no dimensions, or an example whose log-likelihood is not finite:
    /// the mean would not be a number.
    pub fn new(likelihood: &Likelihood) -> Result<Self, MetricError> {
        let (nats, dims) = (likelihood.nats(), likelihood.dims());
        if nats.is_empty() || dims == 0 {
            let examples = nats.len();
            return Err(MetricError::NoLikelihood { examples, dims });
        }
        if let Some(example) = nats.iter().position(|v| !v.is_finite()) {
            let value = nats[example];
            return Err(MetricError::Likelihood { example, value });
        }
        Ok(Self {
            kind: likelihood.kind(),
            mean_nats: likelihood.mean_nats(),
            std_err: likelihood.std_err(),
            population_std_err: Some(likelihood.population_std_err()).filter(|e| e.is_finite()),
            bits_per_dim: likelihood.bits_per_dim(),
            n: nats.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ["kind", "mean_nats", "std_err", "population_std_err", "bits_per_dim", "n"]
        );
        assert_eq!(json["kind"], "estimate");
        assert_eq!(json["std_err"], 0.25);
        assert_eq!(json["population_std_err"], 1.0);
        assert_eq!(json["n"], 2);
        let back: LikelihoodReport = serde_json::from_value(json).unwrap();
        assert_eq!(back, report);
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
