//! Errors of training.

use std::path::PathBuf;

use pyrogen_core::{ConfigError, FolderError, NumericalError};

/// Why a run could not start or go on. The last good checkpoint is always left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A configuration value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Data that cannot be used.
    #[error(transparent)]
    Data(#[from] pyrogen_data::DataError),
    /// Examples that cannot be read any more.
    #[error("training stopped: {0}; the last good checkpoint is kept: resume from it")]
    Unreadable(pyrogen_core::Unreadable),
    /// A file or folder that cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A number that is not finite.
    #[error(
        "training stopped: {0}; the last good checkpoint is kept: lower optimizer.learning_rate or set gradient.clip_norm, and resume"
    )]
    Numerical(#[from] NumericalError),
    /// The device that computes has failed.
    #[error(
        "training stopped: the device failed: {0}; the last good checkpoint is kept: resume from it"
    )]
    Device(String),
    /// No examples.
    #[error("the training data is empty: there is nothing to learn from")]
    NoData,
    /// The folder holds a run already.
    #[error(
        "{}: holds a run already: give --resume to go on with it, --overwrite to train anew, or another folder",
        path.display()
    )]
    RunExists {
        /// The run folder.
        path: PathBuf,
    },
    /// The folder holds a model of a run, and nothing to go on from.
    #[error(
        "{}: holds a finished model and no checkpoint to go on from: give --overwrite to train anew, or another folder",
        path.display()
    )]
    Finished {
        /// The run folder.
        path: PathBuf,
    },
    /// The run folder is not there any more, or another one stands in its place.
    #[error(
        "{}: the run folder was removed or replaced while the run wrote into it: the run ends, and writes nothing more",
        path.display()
    )]
    Gone {
        /// The run folder.
        path: PathBuf,
    },
    /// The folder holds no run, and something where a run would write.
    #[error("{}: {} is there and is not a run's: give an empty or a new folder", path.display(), occupied.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// What is in the way.
        occupied: PathBuf,
    },
    /// Another run has the folder open.
    #[error("{}: another run writes into this folder: wait for its end, or give another folder", path.display())]
    InUse {
        /// The run folder.
        path: PathBuf,
    },
    /// The run was started with another configuration.
    #[error("{}: the run was started with another configuration: `{field}` was {was}, now {now}", path.display())]
    OtherRun {
        /// The run folder.
        path: PathBuf,
        /// The first field that differs.
        field: String,
        /// Its value in the folder.
        was: String,
        /// Its value now.
        now: String,
    },
    /// A checkpoint that does not fit or is damaged.
    #[error("{}: cannot resume from this checkpoint: {message}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A plot or picture that could not be made.
    #[error("cannot draw {what}: {message}")]
    Draw {
        /// What was to be drawn.
        what: String,
        /// What the drawing library said.
        message: String,
    },
    /// A metric that cannot be computed.
    #[error(transparent)]
    Metric(#[from] pyrogen_metrics::MetricError),
    /// A run that is to be taken back has no state to be taken back to.
    #[error(
        "step {step}: the run is to be taken back, and no state was kept: answer Control::Keep at a good one"
    )]
    NothingKept {
        /// The step.
        step: u64,
    },
    /// A callback stopped the run with an error.
    #[error("{0}")]
    Callback(Box<dyn std::error::Error + Send + Sync>),
}
