//! What a program sees of a training.

use pyrogen_train::callback::CallbackError;
use pyrogen_train::{Callback, Control as Answer, Learner, StopReason};

use crate::Control;

/// Something that happened in a training.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on after `step`.
    Started {
        /// Steps that are done.
        step: u64,
    },
    /// A step is done.
    Step {
        /// The step, counted from 1.
        step: u64,
        /// Steps of the whole run, where they are known.
        total: Option<u64>,
        /// The epoch, counted from 1.
        epoch: u64,
        /// The loss and what else was measured, by name.
        values: &'a [(String, f64)],
    },
    /// The validation data was looked at.
    Validation {
        /// The step, counted from 1.
        step: u64,
        /// The epoch, counted from 1.
        epoch: u64,
        /// Means over the validation data, by name.
        values: &'a [(String, f64)],
    },
    /// A checkpoint was written: a run that is killed goes on from here.
    Checkpoint {
        /// The step.
        step: u64,
    },
    /// The run has ended.
    Ended {
        /// The last step.
        step: u64,
        /// Why.
        reason: StopReason,
    },
}

/// What an observer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End the run as if a limit had been reached: the state is saved, the model is written.
    Stop,
}

/// Sees the events of a training. Closures `FnMut(&Event) -> Flow` are observers.
pub trait Observer {
    /// Called at each event, on the thread that trains.
    fn on(&mut self, event: &Event) -> Flow;
}

impl<F: FnMut(&Event) -> Flow> Observer for F {
    fn on(&mut self, event: &Event) -> Flow {
        self(event)
    }
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn on(&mut self, _: &Event) -> Flow {
        Flow::Continue
    }
}

/// Tells an observer of the events of a trainer, and ends the run where the control was cancelled.
pub(super) struct Watch<'a> {
    pub observer: &'a mut dyn Observer,
    pub control: Control,
}

impl Watch<'_> {
    fn answer(&mut self, event: &Event) -> Answer {
        let flow = self.observer.on(event);
        match flow == Flow::Stop || self.control.is_cancelled() {
            true => Answer::Stop,
            false => Answer::Continue,
        }
    }
}

impl<L: Learner> Callback<L> for Watch<'_> {
    fn on_start(
        &mut self,
        _: &pyrogen_train::RunFolder,
        state: &pyrogen_train::LoopState,
        _: &L,
    ) -> Result<Answer, CallbackError> {
        Ok(self.answer(&Event::Started { step: state.step }))
    }

    fn on_step(&mut self, e: &pyrogen_train::Event, _: &L) -> Result<Answer, CallbackError> {
        let (step, total, epoch) = (e.step, e.total_steps, e.epoch);
        Ok(self.answer(&Event::Step { step, total, epoch, values: e.values }))
    }

    fn on_validation(&mut self, e: &pyrogen_train::Event, _: &L) -> Result<Answer, CallbackError> {
        Ok(self.answer(&Event::Validation { step: e.step, epoch: e.epoch, values: e.values }))
    }

    fn on_checkpoint(&mut self, e: &pyrogen_train::Event, _: &L) -> Result<Answer, CallbackError> {
        Ok(self.answer(&Event::Checkpoint { step: e.step }))
    }
}
