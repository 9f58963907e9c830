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
    Lines {
        total: Option<u64>,
        limit: Option<Duration>,
        started: Instant,
        first: u64,
        next: Duration,
    },
}

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
            return Self(Kind::Lines { total, limit, started, first: done, next: Duration::ZERO });
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
            Kind::Lines { total, limit, started, first, next } => {
                let elapsed = started.elapsed();
                if elapsed < *next && *total != Some(step) {
                    return;
                }
                *next = elapsed + LINE_EVERY;
                let rate = (step - *first) as f64 / elapsed.as_secs_f64().max(1e-9);
                let (of, left) = match total {
                    Some(t) => {
                        (format!("/{t}"), format!(", {:.0} s left", (*t - step) as f64 / rate))
                    }
                    None => {
                        let left = limit.map(|l| l.saturating_sub(elapsed).as_secs());
                        let left = left.map_or(String::new(), |s| format!(", {s} s left"));
                        (String::new(), left)
                    }
                };
                // Nobody may be listening any more: that is no reason to stop.
                let _ = writeln!(
                    std::io::stderr(),
                    "step {step}{of}, epoch {epoch}, loss {loss:.4}, {rate:.1} steps/s{left}"
                );
            }
        }
    }

    /// The run is over.
    pub fn finish(self) {
        if let Kind::Bar(bar) = self.0 {
            bar.finish();
        }
    }
}
