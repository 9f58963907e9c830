//! Progress on the terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProgressMode {
    /// A bar with rate and time left on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// Nothing.
    Hidden,
}

/// Shows how far a run is, on standard error.
pub struct Progress(Kind);

enum Kind {
    Hidden,
    Bar(ProgressBar),
    Lines(Lines),
}

/// Plain lines, one in ten seconds, and one for the first and the last step.
struct Lines {
    total: Option<u64>,
    limit: Option<Duration>,
    started: Instant,
    first: u64,
    next: Duration,
    /// The last step, where it was not said.
    unsaid: Option<(u64, u64, f64)>,
}

impl Lines {
    fn step(&mut self, step: u64, epoch: u64, loss: f64) {
        let elapsed = self.started.elapsed();
        if elapsed < self.next && self.total != Some(step) {
            self.unsaid = Some((step, epoch, loss));
            return;
        }
        self.next = elapsed + LINE_EVERY;
        self.say(step, epoch, loss);
    }

    fn say(&mut self, step: u64, epoch: u64, loss: f64) {
        self.unsaid = None;
        let elapsed = self.started.elapsed();
        let seconds = elapsed.as_secs_f64();
        let rate = (step - self.first) as f64 / seconds;
        let of = self.total.map_or(String::new(), |t| format!("/{t}"));
        let left = match (self.total, self.limit) {
            (Some(t), _) => Some((t - step) as f64 / rate),
            (None, Some(limit)) => Some((limit.as_secs_f64() - seconds).max(0.0)),
            (None, None) => None,
        };
        let left = left.map_or(String::new(), |s| format!(", {s:.0} s left"));
        // The first step has taken no time yet that a rate could be taken from.
        let speed = match elapsed < SOON {
            true => String::new(),
            false => format!(", {rate:.1} steps/s{left}"),
        };
        // Nobody may be listening any more: that is no reason to stop.
        let line = format!("step {step}{of}, epoch {epoch}, loss {loss:.4}{speed}");
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// Time after which a rate is said.
const SOON: Duration = Duration::from_millis(20);

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// Progress towards `total` steps, of which `done` are done.
    pub fn new(mode: ProgressMode, total: Option<u64>, done: u64) -> Self {
        Self::until(mode, total, None, done)
    }

    /// The same for a run that also ends after so many minutes.
    pub fn until(mode: ProgressMode, total: Option<u64>, minutes: Option<f64>, done: u64) -> Self {
        let limit = minutes.and_then(|m| Duration::try_from_secs_f64(m * 60.0).ok());
        if mode == ProgressMode::Hidden {
            return Self(Kind::Hidden);
        }
        if !std::io::stderr().is_terminal() {
            let started = Instant::now();
            let next = Duration::ZERO;
            return Self(Kind::Lines(Lines {
                total,
                limit,
                started,
                first: done,
                next,
                unsaid: None,
            }));
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match total {
            Some(_) => "{bar:30} {pos}/{len} steps, {per_sec}, {eta} left {msg}",
            None => "{spinner} {pos} steps, {per_sec}, {elapsed} {msg}",
        };
        let template = match limit {
            Some(limit) if total.is_none() => {
                format!(
                    "{{spinner}} {{pos}} steps, {{per_sec}}, {{elapsed}} of {} s {{msg}}",
                    limit.as_secs()
                )
            }
            _ => template.to_string(),
        };
        bar.set_style(ProgressStyle::with_template(&template).expect("a valid template"));
        bar.set_position(done);
        bar.reset_eta();
        Self(Kind::Bar(bar))
    }

    /// One more step is done.
    pub fn step(&mut self, step: u64, epoch: u64, loss: f64) {
        match &mut self.0 {
            Kind::Hidden => {}
            Kind::Bar(bar) => {
                bar.set_position(step);
                bar.set_message(format!("epoch {epoch} loss {loss:.4}"));
            }
            Kind::Lines(lines) => lines.step(step, epoch, loss),
        }
    }

    /// The run is over.
    pub fn finish(self) {
        match self.0 {
            Kind::Hidden => {}
            Kind::Bar(bar) => bar.finish(),
            // A run may end before its limit: a fit that has converged.
            Kind::Lines(mut lines) => {
                if let Some((step, epoch, loss)) = lines.unsaid {
                    lines.total = None;
                    lines.limit = None;
                    lines.say(step, epoch, loss);
                }
            }
        }
    }
}
