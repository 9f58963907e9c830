//! Learning rates and annealing: pure functions of the step, in f64.

use pyrogen_core::{ConfigError, TermFactors};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the learning rate changes over the run, as a factor on the base rate.
///
/// `t` is the share of the run that is done, in [0, 1]: of its steps where their number is known, of its
/// minutes where only these end it. A [`warm-up`](ScheduleConfig::warmup_steps) multiplies it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decay {
    /// `1`.
    #[default]
    Constant,
    /// `1 - t * (1 - last)`.
    Linear,
    /// `last + (1 - last) * (1 + cos(pi * t)) / 2` (Loshchilov and Hutter 2017, eq. 5).
    Cosine,
    /// `last^t`.
    Exponential,
    /// `1 / sqrt(max(step, warmup_steps) / warmup_steps)` (Vaswani et al. 2017, section 5.3, with
    /// its peak scaled to the base rate); needs no end.
    InverseSqrt,
}

/// The learning-rate schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The shape of the decay.
    pub decay: Decay,
    /// The factor at the end of the run.
    pub last: f64,
    /// Steps over which the rate rises linearly from 0.
    pub warmup_steps: u64,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { decay: Decay::Constant, last: 0.01, warmup_steps: 0 }
    }
}

impl ScheduleConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// `last` outside (0, 1].
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.last > 0.0 && self.last <= 1.0 {
            return Ok(());
        }
        Err(ConfigError::value("schedule.last", "in (0, 1]", self.last))
    }

    /// The factor at `step` (counted from 1) of `total` steps (0 when the end is not known).
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        let done = step.saturating_sub(1) as f64;
        self.factor_at(step, if total > 1 { done / (total - 1) as f64 } else { 0.0 })
    }

    /// The factor at `step` (counted from 1), at the share `t` of the run; beyond 1 it is that at 1.
    pub fn factor_at(&self, step: u64, t: f64) -> f64 {
        let t = t.min(1.0);
        let decay = match self.decay {
            Decay::Constant => 1.0,
            Decay::Linear => 1.0 - t * (1.0 - self.last),
            Decay::Cosine => {
                self.last + (1.0 - self.last) * (1.0 + (std::f64::consts::PI * t).cos()) / 2.0
            }
            Decay::Exponential => self.last.powf(t),
            Decay::InverseSqrt => {
                let warm = self.warmup_steps.max(1) as f64;
                (warm / (step as f64).max(warm)).sqrt()
            }
        };
        decay * self.warmup(step)
    }

    fn warmup(&self, step: u64) -> f64 {
        if self.warmup_steps == 0 {
            return 1.0;
        }
        (step as f64 / self.warmup_steps as f64).min(1.0)
    }
}

/// Changes the weight of one loss term over the run, or the target that it is drawn to, by the
/// term's name.
///
/// With `term: "kl"` this is KL warm-up (Bowman et al. 2016; Sønderby et al. 2016); with `cycles`
/// above 1 it is cyclical annealing (Fu et al. 2019, eq. 6). With `term: "capacity"` and
/// `of: "target"` a VAE's capacity rises linearly (Burgess et al. 2018, eq. 8).
///
/// The factor is a function of the step alone, so that a run that is resumed goes on where it was.
/// Validation measures the loss without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Anneal {
    /// The loss term's name.
    pub term: String,
    /// What of the term is changed.
    pub of: Annealed,
    /// The factor at the start.
    pub from: f64,
    /// The factor after the ramp.
    pub to: f64,
    /// Steps of one cycle: the ramp and the time at `to`.
    pub steps: u64,
    /// The share of a cycle that the ramp takes.
    pub ramp: f64,
    /// How many cycles; after the last the factor stays at `to`.
    pub cycles: u64,
}

/// What of a loss term an [`Anneal`] changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Annealed {
    /// The weight in the total.
    #[default]
    Weight,
    /// The target, for a term that has one.
    Target,
}

impl Default for Anneal {
    fn default() -> Self {
        Self {
            term: "kl".into(),
            of: Annealed::Weight,
            from: 0.0,
            to: 1.0,
            steps: 1000,
            ramp: 1.0,
            cycles: 1,
        }
    }
}

impl Anneal {
    /// Checks the ranges.
    ///
    /// # Errors
    /// A zero length, a ramp outside (0, 1], or a negative factor.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.steps == 0 {
            return Err(ConfigError::value("anneal.steps", "at least 1", self.steps));
        }
        if self.cycles == 0 {
            return Err(ConfigError::value("anneal.cycles", "at least 1", self.cycles));
        }
        if !(self.ramp > 0.0 && self.ramp <= 1.0) {
            return Err(ConfigError::value("anneal.ramp", "in (0, 1]", self.ramp));
        }
        for (name, v) in [("anneal.from", self.from), ("anneal.to", self.to)] {
            if !(v.is_finite() && v >= 0.0) {
                return Err(ConfigError::value(name, "finite and at least 0", v));
            }
        }
        Ok(())
    }

    /// The factor at `step`, counted from 1.
    pub fn factor(&self, step: u64) -> f64 {
        let done = step.saturating_sub(1);
        if done >= self.steps.saturating_mul(self.cycles) {
            return self.to;
        }
        let within = (done % self.steps) as f64 / self.steps as f64;
        self.from + (self.to - self.from) * (within / self.ramp).min(1.0)
    }
}

/// What several schedules together multiply a term with at a step.
pub(crate) fn factors(anneal: &[Anneal], term: &str, step: u64) -> TermFactors {
    let product = |of: Annealed| {
        let matching = anneal.iter().filter(|a| a.term == term && a.of == of);
        matching.map(|a| a.factor(step)).product()
    };
    TermFactors { weight: product(Annealed::Weight), target: product(Annealed::Target) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
    use burn::lr_scheduler::linear::LinearLrSchedulerConfig;

    /// Both sides are f64 formulas in another order of operations.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn equals_burns_schedulers() {
        let total = 11;
        let base = 0.5;
        let schedule = |decay| ScheduleConfig { decay, last: 0.1, warmup_steps: 0 };
        let mut cosine =
            CosineAnnealingLrSchedulerConfig::new(base, 10).with_min_lr(base * 0.1).init().unwrap();
        let mut linear = LinearLrSchedulerConfig::new(base, base * 0.1, 10).init().unwrap();
        for step in 1..=total {
            let burns = cosine.step().base();
            assert!((schedule(Decay::Cosine).factor(step, total) * base - burns).abs() < ROUNDING);
            let burns = linear.step().base();
            assert!((schedule(Decay::Linear).factor(step, total) * base - burns).abs() < ROUNDING);
        }
    }

    #[test]
    fn ends_where_it_says() {
        for decay in [Decay::Linear, Decay::Cosine, Decay::Exponential] {
            let s = ScheduleConfig { decay, last: 0.01, warmup_steps: 0 };
            assert_eq!(s.factor(1, 100), 1.0);
            assert!((s.factor(100, 100) - 0.01).abs() < ROUNDING);
            assert!((s.factor(1000, 100) - 0.01).abs() < ROUNDING, "past the end it stays");
        }
        let s = ScheduleConfig { warmup_steps: 4, ..Default::default() };
        assert_eq!([1, 2, 4, 9].map(|i| s.factor(i, 0)), [0.25, 0.5, 1.0, 1.0]);
        let s = ScheduleConfig { decay: Decay::InverseSqrt, warmup_steps: 4, ..Default::default() };
        assert_eq!([2, 4, 16].map(|i| s.factor(i, 0)), [0.5, 1.0, 0.5]);
    }

    #[test]
    fn the_largest_numbers_do_not_wrap_around() {
        let a = Anneal { steps: u64::MAX, cycles: u64::MAX, ..Default::default() };
        assert!(a.factor(1) == 0.0 && a.factor(1000) < 1e-15);
        let a = Anneal { steps: 1 << 33, cycles: 1 << 33, ..Default::default() };
        assert!((a.factor(1 << 32) - 0.5).abs() < 1e-9);
        let limits = crate::Limits { epochs: Some(1 << 40), steps: None, minutes: None };
        assert_eq!(limits.total_steps(1 << 40), Some(u64::MAX));
        let s = ScheduleConfig { decay: Decay::Cosine, ..Default::default() };
        assert_eq!(s.factor(1, u64::MAX), 1.0);
        assert!((s.factor(u64::MAX, u64::MAX) - 0.01).abs() < ROUNDING);
    }

    #[test]
    fn annealing_ramps_and_cycles() {
        let a = Anneal { steps: 4, ramp: 0.5, cycles: 2, ..Default::default() };
        let got: Vec<f64> = (1..=10).map(|i| a.factor(i)).collect();
        assert_eq!(got, [0.0, 0.5, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0]);
    }
}
