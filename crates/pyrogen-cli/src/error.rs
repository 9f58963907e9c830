//! Errors of the command line: one line, and an exit code.

use pyrogen::core::{ConfigError, FolderError, ModelError, RequestError};
use pyrogen::data::DataError;
use pyrogen::metrics::MetricError;
use pyrogen::solve::SolveError;
use pyrogen::train::TrainError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command was asked for something that makes no sense: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The command could not be carried out: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// The process's exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl From<ConfigError> for CliError {
    /// A config is part of what was asked for.
    fn from(e: ConfigError) -> Self {
        Self::Usage(e.to_string())
    }
}

impl From<RequestError> for CliError {
    fn from(e: RequestError) -> Self {
        match e {
            RequestError::EventShape { .. } => Self::Failed(e.to_string()),
            _ => Self::Usage(e.to_string()),
        }
    }
}

impl From<ModelError> for CliError {
    /// What a model was asked for is the command line's; what it computed is not.
    fn from(e: ModelError) -> Self {
        match e {
            ModelError::Request(e) => e.into(),
            e if e.is_request() => Self::Usage(e.to_string()),
            e => Self::Failed(e.to_string()),
        }
    }
}

macro_rules! failed {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(e: $error) -> Self {
                Self::Failed(e.to_string())
            }
        }
    )*};
}

failed!(FolderError, DataError, MetricError, std::io::Error);

impl From<SolveError> for CliError {
    /// What a network does is no fault of the command line; what it was asked for is.
    fn from(e: SolveError) -> Self {
        match e {
            SolveError::NotFinite { .. }
            | SolveError::NotFiniteVelocity { .. }
            | SolveError::StepTooSmall { .. }
            | SolveError::TooManyAdaptiveSteps { .. } => Self::Failed(e.to_string()),
            _ => Self::Usage(e.to_string()),
        }
    }
}

impl From<TrainError> for CliError {
    fn from(e: TrainError) -> Self {
        match e {
            TrainError::Config(e) => e.into(),
            e => Self::Failed(e.to_string()),
        }
    }
}
