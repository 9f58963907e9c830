//! What a number goes through in a layer.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check;
use serde::{Deserialize, Serialize};

/// A map of one number, whose parameters a network gives.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NumberMap {
    /// `y = x + shift`. Such layers keep volumes, so the flow ends with a learned scale a feature.
    Additive,
    /// `y = x exp(s) + shift`, with `s` softly bounded to `(-ln 1000, ln 1000)`.
    Affine,
    /// A monotonic rational-quadratic spline on `[-bound, bound]`. Outside it is the identity, or an affine map
    /// ([`SplineTails`]).
    Spline(SplineConfig),
    /// A spline on the circle `[-pi, pi)`, followed by a rotation. The noise is uniform on the circle,
    /// and networks read the cosine and the sine.
    Circular {
        /// The spline's bins.
        bins: usize,
    },
    /// `y = logit(sum_k w_k sigmoid(a_k x + b_k))`, a network of sigmoids that rises: the map of neural
    /// autoregressive flows (Huang et al. 2018, equation 8). Its inverse has no formula and is found by
    /// halving an interval that certainly holds it.
    Sigmoids {
        /// Sigmoids in the sum.
        units: usize,
    },
}

/// A spline's size.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplineConfig {
    /// Bins between the bounds.
    pub bins: usize,
    /// Where the spline ends. Data should have a standard deviation of about 1.
    pub bound: f64,
    /// What goes on beyond the bound.
    pub tails: SplineTails,
}

/// What a spline is beyond its bound. With normal or Student's noise it decides what tails a flow can have.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplineTails {
    /// The identity: the density beyond the bound is that of the noise, whatever the data and the condition are.
    #[default]
    Identity,
    /// The map of numbers is `spline(x exp(s) + shift)`, with `s` softly bounded to `(-ln 1000, ln 1000)`, and a
    /// network gives `s` and `shift` too: the interval is where the numbers are, and the noise's tails begin where
    /// those of the data do and have their scale, for each condition.
    Affine,
}

impl Default for SplineConfig {
    fn default() -> Self {
        Self { bins: 8, bound: 5.0, tails: SplineTails::default() }
    }
}

/// The most bins of a spline; each has a thousandth of the interval at least.
const MOST_BINS: usize = 512;

/// The most sigmoids of a sum.
const MOST_UNITS: usize = 4096;

impl NumberMap {
    pub(crate) fn validate(&self, field: &str) -> Result<(), ConfigError> {
        let bins = |field: &str, bins: usize| match bins {
            2..=MOST_BINS => Ok(()),
            _ => Err(ConfigError::value(field, format!("from 2 to {MOST_BINS}"), bins)),
        };
        match *self {
            Self::Additive | Self::Affine => Ok(()),
            Self::Spline(spline) => {
                bins(&format!("{field}.spline.bins"), spline.bins)?;
                check::positive(&format!("{field}.spline.bound"), spline.bound)
            }
            Self::Circular { bins: n } => bins(&format!("{field}.circular.bins"), n),
            Self::Sigmoids { units } => {
                check::within(&format!("{field}.sigmoids.units"), units, MOST_UNITS)
            }
        }
    }
}
