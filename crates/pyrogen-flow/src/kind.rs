//! What the layers of a flow do.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check;
use serde::{Deserialize, Serialize};

use crate::{NumberMap, SplineConfig};

/// What a layer of a flow does. All map examples to noise in `forward`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FlowKind {
    /// Half of the features stay; the others go through maps whose parameters are a function of those.
    /// Scoring and sampling cost one call of the network a layer. With additive maps NICE (Dinh et al.
    /// 2015), with affine maps RealNVP (Dinh et al. 2017), with splines RQ-NSF (C) (Durkan et al. 2019).
    Coupling(NumberMap),
    /// Each feature goes through a map whose parameters are a function of the features before it, by a
    /// network with masks (MADE, Germain et al. 2015). Scoring costs one call a layer, sampling as many
    /// small steps as there are features, which together do the work of one call. With affine maps MAF
    /// (Papamakarios et al. 2017), with splines RQ-NSF (AR) (Durkan et al. 2019), with sums of sigmoids
    /// NAF (Huang et al. 2018).
    Autoregressive(NumberMap),
    /// The same the other way round: sampling costs one call a layer, scoring and training as many
    /// small steps as there are features. With affine maps IAF (Kingma et al. 2016).
    InverseAutoregressive(NumberMap),
    /// `z = x + u tanh(w . x + b)`: examples move along one direction (Rezende and Mohamed 2015,
    /// equation 10), with `w . u > -1` so that the map can be undone. The way back has no formula; it
    /// is one number's, and is found by halving an interval.
    Planar,
    /// `z = x + beta (x - c) / (alpha + |x - c|)`: examples move towards a centre or away from it
    /// (Rezende and Mohamed 2015, equation 14), with `beta > -alpha`. The way back is the root of a
    /// quadratic equation.
    Radial,
    /// `z = x + Q R tanh(S Q^T x + b)` with orthonormal columns `Q`, a product of Householder
    /// reflections, and triangular `R` and `S`: as many planar layers at once as there are directions
    /// (van den Berg et al. 2018, equation 13). The way back goes direction after direction, each by
    /// halving an interval.
    Sylvester {
        /// Columns of `Q`; where there are fewer features, as many as those.
        directions: usize,
    },
    /// The solution of `dx/dt = v(x, t)` from the example at 0 to the noise at 1, where a network gives
    /// `v`: FFJORD (Grathwohl et al. 2019).
    Continuous(ContinuousConfig),
}

/// How a continuous flow is followed.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContinuousConfig {
    /// Steps of the classical Runge-Kutta method while training. Samples and scores of a trained flow
    /// come from a solver that chooses its steps by tolerance.
    pub steps: usize,
    /// Frequencies by which the network reads the time: cosines and sines of `pi t`, `2 pi t`, ..
    pub frequencies: usize,
    /// Random directions along which training measures the divergence (Hutchinson 1990), without bias;
    /// none computes it exactly, at the cost of a call of the network a feature. Scores of a trained
    /// flow are always exact.
    pub probes: Option<usize>,
}

impl Default for ContinuousConfig {
    fn default() -> Self {
        Self { steps: 8, frequencies: 3, probes: None }
    }
}

/// The most directions, steps and probes: more is a slip of the pen.
const MOST: usize = 4096;

/// The most frequencies: beyond, the network reads what steps cannot follow.
const MOST_FREQUENCIES: usize = 64;

impl ContinuousConfig {
    fn validate(&self, field: &str) -> Result<(), ConfigError> {
        check::within(&format!("{field}.steps"), self.steps, MOST)?;
        check::within(&format!("{field}.probes"), self.probes.unwrap_or(1), MOST)?;
        check::within(&format!("{field}.frequencies"), self.frequencies, MOST_FREQUENCIES)
    }
}

impl Default for FlowKind {
    /// The autoregressive spline flow.
    fn default() -> Self {
        Self::nsf()
    }
}

impl FlowKind {
    /// NICE: additive coupling.
    pub fn nice() -> Self {
        Self::Coupling(NumberMap::Additive)
    }

    /// RealNVP: affine coupling.
    pub fn realnvp() -> Self {
        Self::Coupling(NumberMap::Affine)
    }

    /// MAF: affine autoregression.
    pub fn maf() -> Self {
        Self::Autoregressive(NumberMap::Affine)
    }

    /// IAF: affine autoregression in the direction of sampling.
    pub fn iaf() -> Self {
        Self::InverseAutoregressive(NumberMap::Affine)
    }

    /// The autoregressive neural spline flow.
    pub fn nsf() -> Self {
        Self::Autoregressive(NumberMap::Spline(SplineConfig::default()))
    }

    /// NAF: autoregression by sums of sigmoids.
    pub fn naf() -> Self {
        Self::Autoregressive(NumberMap::Sigmoids { units: 16 })
    }

    /// Sylvester layers of up to eight directions.
    pub fn sylvester() -> Self {
        Self::Sylvester { directions: 8 }
    }

    /// FFJORD.
    pub fn cnf() -> Self {
        Self::Continuous(ContinuousConfig::default())
    }

    /// The map of each number, where layers have one.
    pub fn map(&self) -> Option<NumberMap> {
        match *self {
            Self::Coupling(map) | Self::Autoregressive(map) | Self::InverseAutoregressive(map) => {
                Some(map)
            }
            Self::Planar | Self::Radial | Self::Sylvester { .. } | Self::Continuous(_) => None,
        }
    }

    /// The name of the method: `nice`, `realnvp`, `maf`, `iaf`, `nsf`, `naf`, `planar`, `radial`,
    /// `sylvester` or `cnf`. A coupling or autoregressive flow of splines is an `nsf`, one of sums of
    /// sigmoids a `naf`.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Planar => "planar",
            Self::Radial => "radial",
            Self::Sylvester { .. } => "sylvester",
            Self::Continuous(_) => "cnf",
            Self::Coupling(map) | Self::Autoregressive(map) | Self::InverseAutoregressive(map) => {
                match (self, map) {
                    (_, NumberMap::Spline(_) | NumberMap::Circular { .. }) => "nsf",
                    (_, NumberMap::Sigmoids { .. }) => "naf",
                    (Self::Coupling(_), NumberMap::Additive) => "nice",
                    (Self::Coupling(_), NumberMap::Affine) => "realnvp",
                    (Self::Autoregressive(_), _) => "maf",
                    _ => "iaf",
                }
            }
        }
    }

    pub(crate) fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match self {
            Self::Coupling(map) => map.validate(&format!("{field}.coupling")),
            Self::Autoregressive(map) => map.validate(&format!("{field}.autoregressive")),
            Self::InverseAutoregressive(map) => {
                map.validate(&format!("{field}.inverse_autoregressive"))
            }
            Self::Planar | Self::Radial => Ok(()),
            Self::Sylvester { directions } => {
                check::within(&format!("{field}.sylvester.directions"), *directions, MOST)
            }
            Self::Continuous(config) => config.validate(&format!("{field}.continuous")),
        }
    }
}
