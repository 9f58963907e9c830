//! How far long work is: a bar on a terminal, plain lines on a pipe.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pyrogen::Control;
use pyrogen::model::Progress;
use pyrogen::model::train::{Event, Flow, Observer};
use pyrogen::train::{Limits, Progress as Steps, ProgressMode};

use crate::output::note;
use crate::signals;

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A control that a signal cancels and that shows how far the work is.
pub fn control() -> Control {
    let control = Control::with_flag(signals::cancelled());
    if std::io::stderr().is_terminal() {
        let bar = Mutex::new(None::<(&'static str, ProgressBar)>);
        return control.on_progress(move |p| show_bar(&mut lock(&bar), p));
    }
    let started = Instant::now();
    let next = Mutex::new(LINE_EVERY);
    control.on_progress(move |p| show_line(&mut lock(&next), started, p))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn show_bar(shown: &mut Option<(&'static str, ProgressBar)>, p: &Progress) {
    if shown.as_ref().is_none_or(|(what, _)| *what != p.what) {
        let bar = ProgressBar::new(p.total).with_message(p.what);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left");
        bar.set_style(style.expect("a valid template"));
        *shown = Some((p.what, bar));
    }
    let Some((_, bar)) = shown else { return };
    bar.set_length(p.total);
    bar.set_position(p.done);
    if p.done >= p.total {
        bar.finish_and_clear();
        *shown = None;
    }
}

fn show_line(next: &mut Duration, started: Instant, p: &Progress) {
    let elapsed = started.elapsed();
    if elapsed >= *next {
        *next = elapsed + LINE_EVERY;
        note(&format!("{} of {} {}, {:.0} s", p.done, p.total, p.what, elapsed.as_secs_f64()));
    }
}

/// Shows the steps of a training.
pub struct Training {
    limits: Limits,
    steps: Option<Steps>,
    done: u64,
    hidden: bool,
    /// The last step.
    pub last: u64,
}

impl Training {
    /// Nothing is shown where a dashboard is.
    pub fn new(limits: Limits, hidden: bool) -> Self {
        Self { limits, steps: None, done: 0, hidden, last: 0 }
    }
}

impl Observer for Training {
    fn on(&mut self, event: &Event) -> Flow {
        match *event {
            Event::Started { step } => self.done = step,
            Event::Step { step, total, epoch, values } => {
                self.last = step;
                let (limits, done) = (self.limits, self.done);
                let mode = if self.hidden { ProgressMode::Hidden } else { ProgressMode::Auto };
                let steps = self
                    .steps
                    .get_or_insert_with(|| Steps::until(mode, total, limits.minutes, done));
                steps.step(step, epoch, values.first().map_or(f64::NAN, |(_, v)| *v));
            }
            Event::Ended { .. } => {
                if let Some(steps) = self.steps.take() {
                    steps.finish();
                }
            }
            _ => {}
        }
        Flow::Continue
    }
}
