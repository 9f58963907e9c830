//! The choice of an optimiser.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{LionConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};
use pyrogen_core::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adam::Adam;

/// The update rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
    #[default]
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
    /// Stochastic gradient descent; `beta1` is the momentum.
    Sgd,
    /// RMSProp (Tieleman and Hinton 2012), without momentum; `beta2` is the smoothing, and `beta1`
    /// means nothing.
    RmsProp,
    /// Lion (Chen et al. 2023).
    Lion,
}

/// An optimiser and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The update rule.
    pub method: Method,
    /// Base learning rate; the schedule multiplies it.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Whether vectors (biases, scales of normalisations) decay too; without, only parameters of two
    /// axes or more do, as language models are trained. Adam and AdamW can.
    pub decay_vectors: bool,
}

impl Default for OptimizerConfig {
    /// Adam with the numbers of its paper.
    fn default() -> Self {
        Self {
            method: Method::Adam,
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decay_vectors: true,
        }
    }
}

impl OptimizerConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// A rate or epsilon that is not positive, a decay outside [0, 1).
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_as("optimizer")
    }

    /// The same for an optimiser that a config holds under another name.
    pub(crate) fn validate_as(&self, at: &str) -> Result<(), ConfigError> {
        let wrong =
            |name, expected, v: f64| Err(ConfigError::value(format!("{at}.{name}"), expected, v));
        for (name, v) in [("learning_rate", self.learning_rate), ("epsilon", self.epsilon)] {
            if !(v.is_finite() && v > 0.0) {
                return wrong(name, "above 0", v);
            }
        }
        for (name, v) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&v) {
                return wrong(name, "in [0, 1)", v);
            }
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return wrong("weight_decay", "at least 0", self.weight_decay);
        }
        if !self.decay_vectors && !matches!(self.method, Method::Adam | Method::AdamW) {
            let field = format!("{at}.decay_vectors");
            let expected = "true for a method other than adam and adam_w";
            return Err(ConfigError::value(field, expected, false));
        }
        Ok(())
    }

    /// An optimiser with these numbers: Burn's, but for Adam and AdamW, which are computed in one
    /// pass over memory and keep Burn's records.
    pub fn init(&self) -> ModuleOptimizer {
        let (b1, b2, eps) = (self.beta1 as f32, self.beta2 as f32, self.epsilon as f32);
        let decay =
            (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        match self.method {
            Method::Adam | Method::AdamW => ModuleOptimizer::from(Adam {
                beta1: self.beta1,
                beta2: self.beta2,
                epsilon: self.epsilon,
                weight_decay: self.weight_decay,
                decoupled: self.method == Method::AdamW,
                vectors: self.decay_vectors,
            }),
            Method::Sgd => {
                let momentum = (b1 > 0.0).then_some(MomentumConfig {
                    momentum: self.beta1,
                    dampening: 0.0,
                    nesterov: false,
                });
                SgdConfig::new().with_weight_decay(decay).with_momentum(momentum).init()
            }
            Method::RmsProp => RmsPropConfig::new()
                .with_alpha(b2)
                .with_momentum(0.0)
                .with_epsilon(eps)
                .with_weight_decay(decay)
                .init(),
            Method::Lion => LionConfig::new()
                .with_beta_1(b1)
                .with_beta_2(b2)
                .with_weight_decay(self.weight_decay as f32)
                .init(),
        }
    }
}
