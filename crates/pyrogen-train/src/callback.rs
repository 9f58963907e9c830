//! What others may do at the events of a run.

use crate::learner::{Learner, Values};

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop as if a limit had been reached: the state is saved.
    Stop,
}

/// An error of a callback.
pub type CallbackError = Box<dyn std::error::Error + Send + Sync>;

/// An event: where the run is, and its latest numbers.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The step that has just been done, counted from 1.
    pub step: u64,
    /// Its epoch, counted from 1.
    pub epoch: u64,
    /// The numbers of this event.
    pub values: &'a Values,
}

/// Acts at the events of a run: draws samples, watches for collapse, stops.
///
/// A callback must not change what is learnt, or a resumed run would differ.
pub trait Callback<L: Learner> {
    /// After each step.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_step(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        let _ = (event, learner);
        Ok(Control::Continue)
    }

    /// After each validation; the values are means over the validation data.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_validation(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        let _ = (event, learner);
        Ok(Control::Continue)
    }

    /// After a checkpoint has been written.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_checkpoint(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        let _ = (event, learner);
        Ok(Control::Continue)
    }
}
