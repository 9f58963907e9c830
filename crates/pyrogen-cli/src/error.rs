//! Errors of the command line: one line, and an exit code by the error's kind.

use pyrogen::core::{ConfigError, FolderError, RequestError};
use pyrogen::data::DataError;
use pyrogen::metrics::MetricError;
use pyrogen::train::TrainError;
use pyrogen::{Error, ErrorKind};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command was asked for something that makes no sense: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The command could not be carried out: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// What happened behind the door: the exit code is the kind's.
    #[error(transparent)]
    Door(#[from] Error),
    /// The command was cancelled by a signal: exit code 130, as shells have it.
    #[error("{0}")]
    Cancelled(String),
}

impl CliError {
    /// The process's exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Cancelled(_) => 130,
            Self::Door(e) => match e.kind() {
                ErrorKind::Request | ErrorKind::Config => 2,
                ErrorKind::Cancelled => 130,
                _ => 1,
            },
        }
    }
}

macro_rules! through_the_door {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(e: $error) -> Self {
                Self::Door(e.into())
            }
        }
    )*};
}

through_the_door!(ConfigError, RequestError, FolderError, DataError, TrainError);

macro_rules! failed {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(e: $error) -> Self {
                Self::Failed(e.to_string())
            }
        }
    )*};
}

failed!(MetricError, std::io::Error);
