//! What a normalizing flow is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use pyrogen_nn::MlpConfig;
use serde::{Deserialize, Serialize};

use crate::layer::Layer;

/// Configuration of a [`NormalizingFlow`](crate::NormalizingFlow).
///
/// # Examples
/// ```
/// use pyrogen_core::config;
/// use pyrogen_flow::{FlowKind, NormalizingFlowConfig, NumberMap};
///
/// let text = r#"{
///     "event": [4],
///     "flow": {"autoregressive": {"spline": {"bins": 16}}},
///     "layers": 3
/// }"#;
/// let flow: NormalizingFlowConfig = config::from_json(text)?;
/// flow.validate()?;
/// assert!(matches!(flow.flow, FlowKind::Autoregressive(NumberMap::Spline(_))));
/// assert_eq!(flow.classes, None); // what is left out has its default
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NormalizingFlowConfig {
    /// Shape of one example: `[features]`; other shapes are read flat.
    pub event: Vec<usize>,
    /// What each layer does.
    pub flow: FlowKind,
    /// Number of layers.
    pub layers: usize,
    /// Which features each layer changes, or in which order it reads them.
    pub order: Order,
    /// The network of each layer, which gives the parameters of its maps.
    pub network: MlpConfig,
    /// Number of classes, for a model that is conditioned on the class of an example.
    pub classes: Option<usize>,
    /// Shape of the picture or vector that is the context of each example, for a model that is
    /// conditioned on one. It is read flat.
    pub context: Option<Vec<usize>>,
}

impl Default for NormalizingFlowConfig {
    /// An autoregressive spline flow of points in the plane.
    fn default() -> Self {
        Self {
            event: vec![2],
            flow: FlowKind::default(),
            layers: 5,
            order: Order::default(),
            network: MlpConfig { hidden: vec![64, 64], ..MlpConfig::default() },
            classes: None,
            context: None,
        }
    }
}

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
    /// (Papamakarios et al. 2017), with splines RQ-NSF (AR) (Durkan et al. 2019).
    Autoregressive(NumberMap),
    /// The same the other way round: sampling costs one call a layer, scoring and training as many
    /// small steps as there are features. With affine maps IAF (Kingma et al. 2016).
    InverseAutoregressive(NumberMap),
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

    /// The map of each number.
    pub fn map(&self) -> NumberMap {
        match *self {
            Self::Coupling(map) | Self::Autoregressive(map) | Self::InverseAutoregressive(map) => {
                map
            }
        }
    }

    /// The name of the method: `nice`, `realnvp`, `maf`, `iaf` or `nsf`. A coupling or autoregressive
    /// flow of splines is an `nsf`.
    pub fn method(&self) -> &'static str {
        match (self, self.map()) {
            (_, NumberMap::Spline(_) | NumberMap::Circular { .. }) => "nsf",
            (Self::Coupling(_), NumberMap::Additive) => "nice",
            (Self::Coupling(_), NumberMap::Affine) => "realnvp",
            (Self::Autoregressive(_), _) => "maf",
            (Self::InverseAutoregressive(_), _) => "iaf",
        }
    }
}

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
    /// A monotonic rational-quadratic spline on `[-bound, bound]`, the identity outside.
    Spline(SplineConfig),
    /// A spline on the circle `[-pi, pi)`, followed by a rotation. The noise is uniform on the circle,
    /// and networks read the cosine and the sine.
    Circular {
        /// The spline's bins.
        bins: usize,
    },
}

/// A spline's size.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplineConfig {
    /// Bins between the bounds.
    pub bins: usize,
    /// Where the spline becomes the identity. Data should have a standard deviation of about 1.
    pub bound: f64,
}

impl Default for SplineConfig {
    fn default() -> Self {
        Self { bins: 8, bound: 5.0 }
    }
}

/// The most bins of a spline; each has a thousandth of the interval at least.
const MOST_BINS: usize = 512;

impl NumberMap {
    fn validate(&self, field: &str) -> Result<(), ConfigError> {
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
        }
    }
}

/// Which features a layer changes, or in which order it reads them.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Couplings keep the features of odd places, then those of even ones; autoregressive layers read
    /// from the first feature on, then from the last.
    #[default]
    Alternate,
    /// A random order for each layer, the same for equal seeds.
    Random {
        /// The seed of the orders.
        seed: u64,
    },
}

impl NormalizingFlowConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check::shape("event", &self.event)?;
        check::layers("layers", self.layers)?;
        self.network.validate("network")?;
        let kind = match self.flow {
            FlowKind::Coupling(_) => "coupling",
            FlowKind::Autoregressive(_) => "autoregressive",
            FlowKind::InverseAutoregressive(_) => "inverse_autoregressive",
        };
        self.flow.map().validate(&format!("flow.{kind}"))?;
        if kind == "coupling" && self.features() < 2 {
            let expected = "`autoregressive` for examples of one number: a coupling needs a number \
                            that stays and one that changes";
            return Err(ConfigError::value("flow", expected, "`coupling`"));
        }
        if let Some(context) = &self.context {
            check::shape("context", context)?;
        }
        check::at_least_one("classes", self.classes.unwrap_or(1))?;
        check::params("network", self.count_params())
    }

    /// Number of parameters of the model, without building it; `usize::MAX` where it does not fit.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        Ok(self.count_params())
    }

    fn count_params(&self) -> usize {
        let scales = if self.has_scales() { self.features() } else { 0 };
        count::sum((0..self.layers).map(|i| Layer::num_params(self, i)).chain([scales]))
    }

    /// Number of elements of one example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// Numbers that networks read of a condition.
    pub(crate) fn condition_width(&self) -> usize {
        let context = self.context.as_deref().map_or(0, count::product);
        context.saturating_add(self.classes.unwrap_or(0))
    }

    /// Whether the flow ends with a learned scale for each feature.
    pub(crate) fn has_scales(&self) -> bool {
        self.flow.map() == NumberMap::Additive
    }

    /// Whether examples are points on circles.
    pub(crate) fn is_circular(&self) -> bool {
        matches!(self.flow.map(), NumberMap::Circular { .. })
    }
}
