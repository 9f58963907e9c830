//! [`Control`]: how others watch long work and end it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Error;

/// How far a piece of work is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is done: "drawn", "scored", "encoded".
    pub what: &'static str,
    /// Items that are done.
    pub done: u64,
    /// Items in all.
    pub total: u64,
}

type Watcher = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Watches long work and ends it from another thread. Clones share the one state.
///
/// ```
/// use pyrogen_model::Control;
///
/// let control = Control::new().on_progress(|p| eprintln!("{} of {} {}", p.done, p.total, p.what));
/// let other = control.clone(); // for another thread, or a signal
/// other.cancel();
/// assert!(control.check().is_err());
/// ```
#[derive(Clone, Default)]
pub struct Control {
    cancelled: Arc<AtomicBool>,
    watcher: Option<Watcher>,
}

impl Control {
    /// Nobody watches, nothing is cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// A control that a flag of somebody else's cancels, that of a signal handler for instance.
    pub fn with_flag(cancelled: Arc<AtomicBool>) -> Self {
        Self { cancelled, watcher: None }
    }

    /// Calls `watcher` as work goes on, from whichever thread did the work.
    pub fn on_progress(mut self, watcher: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Arc::new(watcher));
        self
    }

    /// Ends what runs under this control, within one batch or step.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Goes on, or gives [`Error::Cancelled`].
    ///
    /// # Errors
    /// When it was cancelled.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Counts items that are done and says so to the watcher.
    pub fn meter(&self, what: &'static str, total: u64) -> Meter {
        Meter { control: self.clone(), what, total, done: AtomicU64::new(0) }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// Counts what is done of one piece of work; threads share it.
#[derive(Debug)]
pub struct Meter {
    control: Control,
    what: &'static str,
    total: u64,
    done: AtomicU64,
}

impl Meter {
    /// So many more are done.
    pub fn add(&self, items: u64) {
        let done = self.done.fetch_add(items, Ordering::Relaxed) + items;
        if let Some(watcher) = &self.control.watcher {
            watcher(&Progress { what: self.what, done, total: self.total });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_watcher_sees_what_is_done() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mine = seen.clone();
        let control = Control::new().on_progress(move |p| mine.lock().unwrap().push(p.done));
        let meter = control.meter("drawn", 5);
        meter.add(2);
        meter.add(3);
        assert_eq!(*seen.lock().unwrap(), [2, 5]);
        let flag = Arc::new(AtomicBool::new(true));
        assert!(Control::with_flag(flag).is_cancelled());
    }
}
