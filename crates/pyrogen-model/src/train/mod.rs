//! Training by name: what is wished, what a family makes of it, and the run.
//!
//! A family says its defaults for some data, turns settings into a [`Plan`], and runs it. What is
//! the same for all families is here: parts of the data, the record of the run, the card, events,
//! cancellation.

mod driver;
mod gradient;
mod job;
mod meaning;
mod observer;
mod settings;
mod sweeps;
mod trial;
mod wish;

pub use driver::{Trained, plan, train};
pub use gradient::{
    Save, check_data, examples, fit, fit_gradient, fits_memory, raw_rows, rows_of, start_batch,
    training_examples,
};
pub use job::{Defaults, Job, Plan, Train, Wanted};
pub use meaning::{Setting, settings};
pub use observer::{Event, Flow, Observer, Quiet};
pub use pyrogen_train::{Balance, Existing, Limits, StopReason, TrainConfig, WorkerCount};
pub use settings::{apply, read_config};
pub use sweeps::{Sweeps, fit_sweeps, sweeps};
pub use trial::try_untrained;
pub use wish::Wish;
