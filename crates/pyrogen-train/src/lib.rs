#![doc = include_str!("../README.md")]

mod adam;
mod adversarial;
pub mod callback;
pub mod checkpoint;
mod config;
#[cfg(feature = "dashboard")]
pub mod dashboard;
mod descent;
mod ema;
mod error;
mod feed;
mod gradient;
pub mod gradients;
mod learner;
pub mod metrics_log;
mod monitor;
mod optimizer;
mod outcome;
mod passes;
mod players;
pub mod plot;
mod progress;
pub mod report;
mod run;
mod running;
mod schedule;
mod steps;
mod trainer;
mod values;
mod workers;

pub use adversarial::AdversarialLearner;
pub use callback::{Callback, Control, Event};
pub use checkpoint::LoopState;
pub use config::{GradientConfig, Limits, TrainConfig, ValidationConfig};
pub use error::TrainError;
pub use gradient::GradientLearner;
pub use learner::{Learner, Part, StepContext, Values};
pub use monitor::{CollapseMonitor, MonitorRow, Unwatched, read_monitor};
pub use optimizer::{Method, OptimizerConfig};
pub use outcome::{Outcome, StopReason};
pub use players::{MonitorConfig, OnCollapse, PlayersConfig};
pub use progress::{Progress, ProgressMode};
pub use run::{Existing, RunFolder};
pub use schedule::{Anneal, Annealed, Decay, ScheduleConfig};
pub use trainer::Trainer;
pub use workers::{Shards, WorkerCount};
