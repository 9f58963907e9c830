//! What a normalizing flow is made of.

use std::collections::BTreeMap;

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use pyrogen_nn::MlpConfig;
use serde::{Deserialize, Serialize};

use crate::cells::WithinCells;
use crate::layer::Layer;
use crate::{Dequantisation, FeatureCells, FlowKind, NumberMap};

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
    /// The distribution of the noise of each feature that is no angle.
    pub base: Base,
    /// Features that are angles in `[-pi, pi)`, for flows of splines: their splines are circular, and their
    /// noise is uniform.
    pub circular: Vec<usize>,
    /// Names of columns that are the condition of the others. Training on a table sets `event` and `context`
    /// by them.
    pub conditions: Vec<String>,
    /// Columns of numbers on a circle by name, with their period: 360 for degrees. Training on a table sets
    /// `circular` by them.
    pub periods: BTreeMap<String, f64>,
    /// How what was spread over cells is distributed within them.
    pub dequantisation: Dequantisation,
    /// Features that were spread over cells, ascending. Training on a table sets them where `dequantisation` is
    /// variational.
    pub cells: Vec<FeatureCells>,
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
            base: Base::default(),
            circular: Vec::new(),
            conditions: Vec::new(),
            periods: BTreeMap::new(),
            dequantisation: Dequantisation::default(),
            cells: Vec::new(),
        }
    }
}

/// The distribution of a flow's noise.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Base {
    /// Standard normal.
    #[default]
    Normal,
    /// Student's t with degrees of freedom that are learned, one number a feature: for data with heavy tails,
    /// which a flow of normal noise can only have by slopes without bound (Jaini et al. 2020).
    StudentT {
        /// Where the degrees of freedom begin.
        degrees: f64,
    },
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
        self.flow.validate("flow")?;
        if matches!(self.flow, FlowKind::Continuous(_)) {
            check::widths("network.hidden", &self.network.hidden)?;
        }
        if matches!(self.flow, FlowKind::Coupling(_)) && self.features() < 2 {
            let expected = "`autoregressive` for examples of one number: a coupling needs a number \
                            that stays and one that changes";
            return Err(ConfigError::value("flow", expected, "`coupling`"));
        }
        if let Some(context) = &self.context {
            check::shape("context", context)?;
        }
        check::at_least_one("classes", self.classes.unwrap_or(1))?;
        if let Base::StudentT { degrees } = self.base {
            check::positive("base.student_t.degrees", degrees)?;
        }
        self.validate_circles()?;
        WithinCells::validate(self)?;
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
        let degrees = if self.base == Base::Normal { 0 } else { self.features() };
        let layers = (0..self.layers).map(|i| Layer::num_params(self, i));
        count::sum(layers.chain([scales, degrees, WithinCells::num_params(self)]))
    }

    fn validate_circles(&self) -> Result<(), ConfigError> {
        let features = self.features();
        let mut sorted = self.circular.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() < self.circular.len() || sorted.last().is_some_and(|&last| last >= features)
        {
            let expected = format!("features from 0 to {}, each once", features - 1);
            return Err(ConfigError::value("circular", expected, format!("{:?}", self.circular)));
        }
        let splines = matches!(self.flow.map(), Some(NumberMap::Spline(_)));
        match sorted.is_empty() || splines {
            true => Ok(()),
            false => {
                let expected = "of splines for numbers on circles (`nsf`)";
                Err(ConfigError::value("flow", expected, self.flow.method()))
            }
        }
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
        self.flow.map() == Some(NumberMap::Additive)
    }

    /// Which features are angles.
    pub(crate) fn circles(&self) -> Vec<bool> {
        let all = matches!(self.flow.map(), Some(NumberMap::Circular { .. }));
        (0..self.features()).map(|j| all || self.circular.contains(&j)).collect()
    }
}
