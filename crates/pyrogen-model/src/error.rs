//! [`Error`]: everything that can go wrong behind the door, with a kind.

use std::fmt;
use std::path::PathBuf;

use pyrogen_core::{ConfigError, FolderError, ModelError, NumericalError, RequestError};
use pyrogen_data::{DataError, Modality};

use crate::Ability;

/// What an error is about: what a program decides by. The command line maps it to an exit code, a
/// server would map it to an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense, or does not fit the model: change it.
    Request,
    /// A setting of a model or of its training cannot be used: change it.
    Config,
    /// The data cannot be read, or is not what the model takes.
    Data,
    /// A model or run folder is missing, damaged, or somebody else's.
    Folder,
    /// The model has no such ability.
    Unsupported,
    /// A computation left the range of finite numbers, or did not converge.
    Numerics,
    /// Another process works in the folder.
    Busy,
    /// The work was cancelled.
    Cancelled,
    /// The system refused: disk, memory, a device.
    System,
}

/// Why something behind the door failed.
///
/// `Display` is one line with the advice; `Debug` prints the same line, so that a program whose
/// `main` returns this error shows it to people.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request that the model cannot serve.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A setting that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Data that cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A folder that cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A number that is not finite.
    #[error(transparent)]
    Numerical(#[from] NumericalError),
    /// A family that does not exist.
    #[error("unknown family `{got}`; known: {known}")]
    UnknownFamily {
        /// The name.
        got: String,
        /// The families of this build.
        known: String,
    },
    /// A model folder of a family that this build does not have.
    #[error(
        "{}: holds a model of family `{family}`, which this build does not have (it has {known}): \
         build with the family's feature", path.display()
    )]
    FamilyNotBuilt {
        /// The folder.
        path: PathBuf,
        /// The family of the folder.
        family: String,
        /// The families of this build.
        known: String,
    },
    /// Data of a modality that the family does not take.
    #[error("family `{family}` takes {takes}, and the data is {got}")]
    Modality {
        /// The family.
        family: String,
        /// What the data is.
        got: Modality,
        /// What the family takes.
        takes: String,
    },
    /// An option that the capability does not have.
    #[error("`{ability}` has no option `{got}`; known: {known}")]
    UnknownOption {
        /// The capability.
        ability: Ability,
        /// The option.
        got: String,
        /// The options that it has.
        known: String,
    },
    /// An option whose value cannot be used.
    #[error("option `{name}` must be {expected}, got {got}")]
    Option {
        /// The option.
        name: String,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A class that the model does not know.
    #[error("class `{got}` is unknown; the model knows {known}")]
    UnknownClass {
        /// The class.
        got: String,
        /// The classes of the model.
        known: String,
    },
    /// A wish for a training that does not fit the family or the data.
    #[error("{0}")]
    Wish(String),
    /// An ability that the model does not have.
    #[error("a model of family `{family}` cannot {ability}: {why}")]
    Unsupported {
        /// The family, or the method.
        family: String,
        /// What was asked for.
        ability: Ability,
        /// Why not, and what to do instead.
        why: String,
    },
    /// A part of a model folder that contradicts another.
    #[error("{}: {message}", path.display())]
    Contradiction {
        /// The folder.
        path: PathBuf,
        /// What contradicts what.
        message: String,
    },
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Memory that the system does not give.
    #[error("{0}")]
    Memory(String),
    /// Training that cannot start or go on.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Train(#[from] pyrogen_train::TrainError),
    /// An error of a family's own.
    #[error("{source}")]
    Other {
        /// What it is about.
        kind: ErrorKind,
        /// The error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// An error of a family's own.
    pub fn other(
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Other { kind, source: source.into() }
    }

    /// An option whose value cannot be used.
    pub fn option(name: &str, expected: impl Into<String>, got: impl fmt::Display) -> Self {
        Self::Option { name: name.to_string(), expected: expected.into(), got: got.to_string() }
    }

    /// What the error is about.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Request(RequestError::EventShape { .. }) => ErrorKind::Data,
            Self::Request(_)
            | Self::UnknownFamily { .. }
            | Self::UnknownOption { .. }
            | Self::Option { .. }
            | Self::UnknownClass { .. }
            | Self::Wish(_) => ErrorKind::Request,
            Self::Config(_) => ErrorKind::Config,
            Self::Data(_) | Self::Modality { .. } => ErrorKind::Data,
            Self::Folder(_) | Self::FamilyNotBuilt { .. } | Self::Contradiction { .. } => {
                ErrorKind::Folder
            }
            Self::Numerical(_) => ErrorKind::Numerics,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Memory(_) => ErrorKind::System,
            #[cfg(feature = "train")]
            Self::Train(e) => of_training(e),
            Self::Other { kind, .. } => *kind,
        }
    }
}

#[cfg(feature = "train")]
fn of_training(error: &pyrogen_train::TrainError) -> ErrorKind {
    use pyrogen_train::TrainError as E;
    match error {
        E::Config(_) => ErrorKind::Config,
        E::Data(_) | E::NoData => ErrorKind::Data,
        E::Numerical(_) => ErrorKind::Numerics,
        E::InUse { .. } => ErrorKind::Busy,
        E::Device(_) => ErrorKind::System,
        _ => ErrorKind::Folder,
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Request(e) => e.into(),
            ModelError::Config(e) => e.into(),
            ModelError::Numerical(e) => e.into(),
            ModelError::Invalid(e) => Self::other(ErrorKind::Request, e),
            ModelError::Failed(e) => Self::other(ErrorKind::Numerics, e),
            e => Self::other(ErrorKind::Numerics, e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_what_people_read() {
        let error = Error::option("steps", "at least 1", 0);
        assert_eq!(format!("{error:?}"), "option `steps` must be at least 1, got 0");
        assert_eq!(error.kind(), ErrorKind::Request);
        assert_eq!(Error::Cancelled.kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn an_error_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
    }
}
