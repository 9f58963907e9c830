//! How a run is trained.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check;
use pyrogen_data::Augment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::balance::Balance;
use crate::optimizer::OptimizerConfig;
use crate::players::PlayersConfig;
use crate::schedule::{Anneal, ScheduleConfig};
use crate::workers::WorkerCount;

/// When a run ends: at the first of its limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Passes over the training data.
    pub epochs: Option<u64>,
    /// Optimiser steps.
    pub steps: Option<u64>,
    /// Minutes of wall-clock time of the run, over all processes that it went on in. Without epochs
    /// and steps the schedule of the learning rate goes by them
    /// ([`StepContext::time`](crate::StepContext::time)), so that such a run does not repeat.
    pub minutes: Option<f64>,
}

impl Limits {
    /// The number of steps where it is known before the start; more than there can be are as many as
    /// there can be.
    pub fn total_steps(&self, steps_per_epoch: u64) -> Option<u64> {
        let epochs = self.epochs.map(|e| e.saturating_mul(steps_per_epoch));
        match (epochs, self.steps) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// What happens to gradients and to the averages of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradientConfig {
    /// Scales the gradient of all parameters together down to this Euclidean norm (Pascanu et al.
    /// 2013, algorithm 1).
    pub clip_norm: Option<f64>,
    /// Pieces that a batch is worked through in, to save memory: the gradient is that of the
    /// whole batch.
    pub accumulation: usize,
    /// Decay of the exponential moving average of the weights; the average is what is saved as
    /// the model. None keeps no average.
    pub ema_decay: Option<f64>,
    /// Threads that share a batch, each with its own graph: `"auto"` (as many as there are cores
    /// where the CPU computes) or a number. The result repeats bit for bit for one number of
    /// workers; another number changes the rounding. A run folder's `config.json` has the number,
    /// and a run that goes on keeps it on any machine.
    pub workers: WorkerCount,
}

impl Default for GradientConfig {
    fn default() -> Self {
        Self { clip_norm: None, accumulation: 1, ema_decay: None, workers: WorkerCount::Auto }
    }
}

/// Validation and early stopping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Epochs between validations.
    pub every_epochs: u64,
    /// Stop after this many validations without a better loss. None never stops.
    pub patience: Option<u64>,
    /// An improvement smaller than this does not count.
    pub min_improvement: f64,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { every_epochs: 1, patience: None, min_improvement: 0.0 }
    }
}

/// How a run is trained; every family uses the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Examples a step.
    pub batch_size: usize,
    /// How often each row is drawn: auto, none, classes, weights, or a weight a class as
    /// {"class_weights": [1, 5]}.
    pub balance: Balance,
    /// Random changes of the training examples: flips, shifts, crops, noise.
    pub augment: Augment,
    /// When the run ends.
    pub limits: Limits,
    /// The optimiser; where there are two players, the generator's.
    pub optimizer: OptimizerConfig,
    /// The other player's optimiser, the turns and the monitor; None for one objective.
    pub players: Option<PlayersConfig>,
    /// The learning rate over time.
    pub schedule: ScheduleConfig,
    /// Clipping, accumulation, averaging, workers.
    pub gradient: GradientConfig,
    /// Loss terms whose weight changes over time.
    pub anneal: Vec<Anneal>,
    /// Validation and early stopping.
    pub validation: ValidationConfig,
    /// Steps between two rows of `metrics.csv`.
    pub log_every: u64,
    /// Steps between two checkpoints; 0 writes one at the end of each epoch.
    pub checkpoint_every: u64,
    /// Minutes after which a checkpoint is written in any case; null for none. When checkpoints are
    /// written changes nothing in the result.
    pub checkpoint_minutes: Option<f64>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            batch_size: 64,
            balance: Balance::Auto,
            augment: Augment::default(),
            limits: Limits { epochs: Some(20), steps: None, minutes: None },
            optimizer: OptimizerConfig::default(),
            players: None,
            schedule: ScheduleConfig::default(),
            gradient: GradientConfig::default(),
            anneal: Vec::new(),
            validation: ValidationConfig::default(),
            log_every: 10,
            checkpoint_every: 0,
            checkpoint_minutes: Some(1.0),
        }
    }
}

impl TrainConfig {
    /// What the settings mean, as a JSON schema with descriptions.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive = |name: &str, v: u64| match v {
            0 => Err(ConfigError::value(name, "at least 1", v)),
            _ => Ok(()),
        };
        // Any number: a batch has as many rows as there are at most, and a sweep over all asks for more.
        positive("batch_size", self.batch_size as u64)?;
        positive("log_every", self.log_every)?;
        check::at_least_one("gradient.accumulation", self.gradient.accumulation)?;
        if let WorkerCount::Exactly(workers) = self.gradient.workers {
            check::within("gradient.workers", workers, WorkerCount::MOST)?;
        }
        positive("validation.every_epochs", self.validation.every_epochs)?;
        if let Some(v) = self.gradient.clip_norm.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(ConfigError::value("gradient.clip_norm", "above 0", v));
        }
        if let Some(v) = self.gradient.ema_decay.filter(|v| !(0.0..1.0).contains(v)) {
            return Err(ConfigError::value("gradient.ema_decay", "in [0, 1)", v));
        }
        if let Some(v) = self.limits.minutes.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(ConfigError::value("limits.minutes", "above 0", v));
        }
        if let Some(v) = self.checkpoint_minutes.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(ConfigError::value("checkpoint_minutes", "above 0, or null", v));
        }
        let limits = &self.limits;
        if limits.epochs.is_none() && limits.steps.is_none() && limits.minutes.is_none() {
            return Err(ConfigError::value("limits", "epochs, steps or minutes", "none of them"));
        }
        self.balance.validate()?;
        self.augment.validate()?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        if let Some(players) = &self.players {
            players.validate()?;
            if let Some(patience) = self.validation.patience {
                let expected = "null for two players, whose losses do not say which state is best";
                return Err(ConfigError::value("validation.patience", expected, patience));
            }
        }
        self.anneal.iter().try_for_each(Anneal::validate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_asks_for_all_memory() {
        let refused = |json: &str, field: &str| {
            let config: TrainConfig = serde_json::from_str(json).unwrap();
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}` must be at most")), "{json}: {error}");
        };
        refused(r#"{"gradient": {"workers": 1000000}}"#, "gradient.workers");
        refused(r#"{"gradient": {"accumulation": 18446744073709551615}}"#, "gradient.accumulation");
        for name in ["generator_steps", "discriminator_steps"] {
            let json = format!(r#"{{"players": {{"{name}": 18446744073709551615}}}}"#);
            refused(&json, &format!("players.{name}"));
        }
        let samples = r#"{"players": {"monitor": {"samples": 1000000000000}}}"#;
        refused(samples, "players.monitor.samples");
        // Numbers of steps are counted and not held: all are good.
        let long = r#"{"limits": {"steps": 18446744073709551615}, "log_every": 18446744073709551615,
            "checkpoint_every": 18446744073709551615, "schedule": {"warmup_steps": 1000000000000}}"#;
        let config: TrainConfig = serde_json::from_str(long).unwrap();
        config.validate().unwrap();
    }
}
