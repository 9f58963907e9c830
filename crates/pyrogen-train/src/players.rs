//! How two players are trained.

use std::fmt;
use std::str::FromStr;

use pyrogen_core::ConfigError;
use pyrogen_core::config::check;
use pyrogen_metrics::collapse::Thresholds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::optimizer::OptimizerConfig;

/// How two players take turns, and what watches them. The generator's optimiser is the training
/// config's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlayersConfig {
    /// Steps of the discriminator (each a step of the run) before the generator's turn: `n_critic`
    /// of Arjovsky et al. 2017, algorithm 1.
    pub discriminator_steps: u64,
    /// Steps of the generator in its turn.
    pub generator_steps: u64,
    /// The discriminator's optimiser. With another learning rate than the generator's, these are
    /// the two time-scales of Heusel et al. 2017.
    pub discriminator: OptimizerConfig,
    /// The collapse monitor.
    pub monitor: MonitorConfig,
}

impl Default for PlayersConfig {
    fn default() -> Self {
        Self {
            discriminator_steps: 1,
            generator_steps: 1,
            discriminator: OptimizerConfig::default(),
            monitor: MonitorConfig::default(),
        }
    }
}

/// More steps of one player before the other's turn are a mistake, and one step of a run would not end.
const MOST_TURNS: usize = 10_000;

impl PlayersConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let turns = [
            ("discriminator_steps", self.discriminator_steps),
            ("generator_steps", self.generator_steps),
        ];
        for (name, v) in turns {
            let v = usize::try_from(v).unwrap_or(usize::MAX);
            check::within(&format!("players.{name}"), v, MOST_TURNS)?;
        }
        self.discriminator.validate_as("players.discriminator")?;
        self.monitor.validate()
    }

    /// Turns that the generator has had after a step.
    pub(crate) fn turns(&self, step: u64) -> u64 {
        (step / self.discriminator_steps).saturating_mul(self.generator_steps)
    }
}

/// What a collapse monitor looks at, and what it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorConfig {
    /// Steps between two readings; 0 for no monitor.
    pub every: u64,
    /// Generated, held-out and training examples of a reading, as far as there are so many.
    pub samples: usize,
    /// Neighbours that recall and coverage look at.
    pub neighbours: usize,
    /// What an alarm does.
    pub on_collapse: OnCollapse,
    /// How often a run may be taken back; the next alarm stops it.
    pub rollbacks: u64,
    /// From where on a sign is bad.
    pub thresholds: Thresholds,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            every: 250,
            samples: 500,
            neighbours: 5,
            on_collapse: OnCollapse::Warn,
            rollbacks: 3,
            thresholds: Thresholds::default(),
        }
    }
}

impl MonitorConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.neighbours == 0 {
            return Err(ConfigError::value("players.monitor.neighbours", "at least 1", 0));
        }
        check::at_least_one("players.monitor.samples", self.samples)?;
        if self.samples <= self.neighbours {
            let expected = format!("above monitor.neighbours ({})", self.neighbours);
            return Err(ConfigError::value("players.monitor.samples", expected, self.samples));
        }
        self.thresholds.validate("players.monitor.thresholds")
    }
}

/// What an alarm does to the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnCollapse {
    /// Writes it down and shows it; the run goes on.
    #[default]
    Warn,
    /// Ends the run as a limit would: the state is saved.
    Stop,
    /// Takes the run back to its last good reading, with other random numbers and half the learning
    /// rates; see [`Control::Rollback`](crate::Control::Rollback).
    Rollback,
}

impl OnCollapse {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Warn, Self::Stop, Self::Rollback];

    /// `warn`, `stop`, `rollback`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Stop => "stop",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for OnCollapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OnCollapse {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|o| o.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            ConfigError::value("players.monitor.on_collapse", format!("one of {names}"), text)
        })
    }
}
