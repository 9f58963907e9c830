//! The choice of an optimiser.

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{LionConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};
use pyrogen_core::{ConfigError, HiddenMatrix};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adam::Adam;
use crate::muon::Muon;

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
    /// Muon (Jordan et al. 2024) for the matrices that map features to features, with the numbers
    /// that begin with `muon_`, and AdamW for all other parameters, with the others. For one objective.
    Muon,
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
    /// axes or more do, as language models are trained. Adam, AdamW and Muon can.
    pub decay_vectors: bool,
    /// Base learning rate of the matrices that Muon takes; the schedule multiplies it. A matrix with
    /// more outputs than inputs learns faster by the root of their ratio.
    pub muon_learning_rate: f64,
    /// What Muon keeps of the moving average of gradients in a step; the average is Nesterov's.
    pub muon_momentum: f64,
    /// Decoupled weight decay of the matrices that Muon takes.
    pub muon_weight_decay: f64,
}

impl Default for OptimizerConfig {
    /// Adam with the numbers of its paper, and Muon's numbers of Jordan et al. (2024).
    fn default() -> Self {
        Self {
            method: Method::Adam,
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decay_vectors: true,
            muon_learning_rate: 0.02,
            muon_momentum: 0.95,
            muon_weight_decay: 0.0,
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
        let positive = [
            ("learning_rate", self.learning_rate),
            ("epsilon", self.epsilon),
            ("muon_learning_rate", self.muon_learning_rate),
        ];
        for (name, v) in positive {
            if !(v.is_finite() && v > 0.0) {
                return wrong(name, "above 0", v);
            }
        }
        let shares =
            [("beta1", self.beta1), ("beta2", self.beta2), ("muon_momentum", self.muon_momentum)];
        for (name, v) in shares {
            if !(0.0..1.0).contains(&v) {
                return wrong(name, "in [0, 1)", v);
            }
        }
        let decays =
            [("weight_decay", self.weight_decay), ("muon_weight_decay", self.muon_weight_decay)];
        for (name, v) in decays {
            if !(v.is_finite() && v >= 0.0) {
                return wrong(name, "at least 0", v);
            }
        }
        let can = matches!(self.method, Method::Adam | Method::AdamW | Method::Muon);
        if !self.decay_vectors && !can {
            let field = format!("{at}.decay_vectors");
            let expected = "true for a method other than adam, adam_w and muon";
            return Err(ConfigError::value(field, expected, false));
        }
        Ok(())
    }

    /// Refuses Muon for a model that has nothing for it.
    pub(crate) fn without_muon(&self, at: &str, model: &str) -> Result<(), ConfigError> {
        if self.method == Method::Muon {
            let expected = format!("other than muon for {model}");
            return Err(ConfigError::value(format!("{at}.method"), expected, "muon"));
        }
        Ok(())
    }

    /// An optimiser with these numbers: Burn's, but for Adam and AdamW, which are computed in one
    /// pass over memory and keep Burn's records, and Muon, which takes the matrices of `hidden` and
    /// leaves the other parameters to AdamW.
    pub fn init(&self, hidden: &[HiddenMatrix]) -> ModuleOptimizer {
        let (b1, b2, eps) = (self.beta1 as f32, self.beta2 as f32, self.epsilon as f32);
        let decay =
            (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        match self.method {
            Method::Adam | Method::AdamW => ModuleOptimizer::from(self.adam()),
            Method::Muon => {
                hidden.iter().fold(ModuleOptimizer::from(self.adam()), |all, matrix| {
                    let group = ParamGroup::from_path(matrix.path.as_str());
                    all.with_group(group, self.muon(&matrix.parts), None)
                })
            }
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

    fn adam(&self) -> Adam {
        Adam {
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            decoupled: self.method != Method::Adam,
            vectors: self.decay_vectors,
        }
    }

    fn muon(&self, parts: &[usize]) -> Muon {
        Muon {
            rate: self.muon_learning_rate / self.learning_rate,
            momentum: self.muon_momentum,
            weight_decay: self.muon_weight_decay,
            parts: parts.to_vec(),
        }
    }
}
