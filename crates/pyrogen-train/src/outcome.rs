//! What is left of a run that has ended.

use crate::checkpoint::{self, BEST, LoopState};
use crate::error::TrainError;
use crate::learner::Learner;
use crate::run::RunFolder;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The epochs or steps are done.
    Limit,
    /// The minutes are over.
    Time,
    /// Validation has not improved for `validation.patience` rounds.
    EarlyStopping,
    /// A callback asked for it.
    Callback,
}

/// A run that has ended.
pub struct Outcome<L> {
    /// The learner in its last state.
    pub learner: L,
    /// What the loop remembers: steps, best validation loss.
    pub state: LoopState,
    /// Why it ended.
    pub reason: StopReason,
    /// The run folder.
    pub folder: RunFolder,
}

impl<L: Learner> Outcome<L> {
    /// Takes the learner back to its best validation loss; false where there was no validation.
    ///
    /// # Errors
    /// When the checkpoint cannot be read.
    pub fn restore_best(&mut self) -> Result<bool, TrainError> {
        Ok(checkpoint::load(&self.folder, BEST, &mut self.learner)?.is_some())
    }
}
