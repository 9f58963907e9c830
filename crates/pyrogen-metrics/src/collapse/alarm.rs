//! When a reading is a reason to speak up.

use std::fmt;

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{Reach, Reading};

/// What a collapse shows itself by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sign {
    /// Real examples are out of reach of the generated ones.
    Recall,
    /// Real examples have no generated ones around them.
    Coverage,
    /// Generated examples are alike.
    Diversity,
    /// Classes are missing.
    Modes,
    /// The discriminator separates every generated example from the real ones.
    Separation,
    /// The discriminator separates training examples from other real ones.
    Memory,
}

impl Sign {
    /// All of them, in the order in which alarms are given.
    pub const ALL: [Self; 6] = [
        Self::Recall,
        Self::Coverage,
        Self::Diversity,
        Self::Modes,
        Self::Separation,
        Self::Memory,
    ];

    /// Its name in tables: `recall`, `coverage`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Coverage => "coverage",
            Self::Diversity => "diversity",
            Self::Modes => "modes",
            Self::Separation => "separation",
            Self::Memory => "memory",
        }
    }

    /// Its number in a reading; none where the reading has none.
    pub fn of(self, reading: &Reading) -> Option<f64> {
        match self {
            Self::Recall => Some(reading.recall),
            Self::Coverage => Some(reading.coverage),
            Self::Diversity => Some(reading.diversity),
            Self::Modes => reading.modes,
            Self::Separation => Some(reading.separation),
            Self::Memory => Some(reading.memory),
        }
    }

    /// Whether the number is bad above the threshold, and not below it.
    fn high_is_bad(self) -> bool {
        matches!(self, Self::Separation | Self::Memory)
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Recall | Self::Coverage => "the generator leaves out parts of the data",
            Self::Diversity => "generated examples are nearly all alike",
            Self::Modes => "whole classes are no longer made",
            Self::Separation => {
                "the discriminator recognises every generated example, and the generator learns nothing"
            }
            Self::Memory => "the discriminator knows the training examples by heart",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Recall | Self::Coverage | Self::Diversity | Self::Modes => {
                "lower the generator's learning rate, take more discriminator steps, or regularise \
                 the discriminator (spectral norm, R1)"
            }
            Self::Separation => {
                "lower the discriminator's learning rate or regularise it (spectral norm, R1)"
            }
            Self::Memory => "augment the data, regularise the discriminator or make it smaller",
        }
    }
}

/// From where on a sign is bad.
///
/// The defaults were chosen on runs that are none of those that `docs/RESULTS.md` shows them on.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Recall below this share of what training examples reach.
    pub recall: f64,
    /// Coverage below this share of what training examples reach.
    pub coverage: f64,
    /// Diversity below this.
    pub diversity: f64,
    /// Share of classes made below this.
    pub modes: f64,
    /// Separation above this.
    pub separation: f64,
    /// Memory above this.
    pub memory: f64,
    /// Steps before which there is no alarm: a generator that has just begun is bad in every way.
    pub settle: u64,
    /// Readings in a row that must be bad.
    pub readings: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            recall: 0.1,
            coverage: 0.01,
            diversity: 0.5,
            modes: 0.6,
            separation: 0.995,
            memory: 0.8,
            settle: 1000,
            readings: 2,
        }
    }
}

impl Thresholds {
    /// Checks every field of the thresholds that a config holds under the name `at`.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn validate(&self, at: &str) -> Result<(), ConfigError> {
        let wrong =
            |name, expected, v: f64| Err(ConfigError::value(format!("{at}.{name}"), expected, v));
        let shares = [
            ("recall", self.recall),
            ("coverage", self.coverage),
            ("modes", self.modes),
            ("separation", self.separation),
            ("memory", self.memory),
        ];
        for (name, v) in shares {
            if !(0.0..=1.0).contains(&v) {
                return wrong(name, "in [0, 1]", v);
            }
        }
        if !(self.diversity.is_finite() && self.diversity >= 0.0) {
            return wrong("diversity", "at least 0", self.diversity);
        }
        match self.readings {
            0 => wrong("readings", "at least 1", 0.0),
            _ => Ok(()),
        }
    }

    /// The number itself, given what real examples reach.
    fn of(&self, sign: Sign, reach: &Reach) -> f64 {
        match sign {
            Sign::Recall => self.recall * reach.recall,
            Sign::Coverage => self.coverage * reach.coverage,
            Sign::Diversity => self.diversity,
            Sign::Modes => self.modes,
            Sign::Separation => self.separation,
            Sign::Memory => self.memory,
        }
    }
}

/// A sign that has been bad for some readings.
///
/// Its text is one line: what happened, what it means, what to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The sign.
    pub sign: Sign,
    /// The step of the last reading.
    pub step: u64,
    /// The sign's number.
    pub value: f64,
    /// What it would have to stay above, or below.
    pub threshold: f64,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.sign.high_is_bad() { "above" } else { "below" };
        write!(
            f,
            "step {}: {} is {:.3}, {side} {:.3}: {}; {}",
            self.step,
            self.sign.name(),
            self.value,
            self.threshold,
            self.sign.meaning(),
            self.sign.advice()
        )
    }
}

/// Turns readings into alarms.
///
/// A sign gives one alarm when it has been bad for [`Thresholds::readings`] readings and
/// [`Thresholds::settle`] steps are over, and may give another after it has been good again. The
/// state is a function of the readings alone.
#[derive(Debug, Clone)]
pub struct Alertness {
    thresholds: Thresholds,
    reach: Reach,
    /// Bad readings in a row of each sign, and whether it has given its alarm.
    signs: [(u64, bool); Sign::ALL.len()],
}

impl Alertness {
    /// No reading yet.
    pub fn new(thresholds: Thresholds, reach: Reach) -> Self {
        Self { thresholds, reach, signs: Default::default() }
    }

    /// The signs that are bad in a reading, whether or not they are a reason for an alarm.
    pub fn bad(&self, reading: &Reading) -> Vec<Sign> {
        Sign::ALL.into_iter().filter(|s| self.is_bad(*s, reading)).collect()
    }

    fn is_bad(&self, sign: Sign, reading: &Reading) -> bool {
        let Some(value) = sign.of(reading) else { return false };
        let threshold = self.thresholds.of(sign, &self.reach);
        if sign.high_is_bad() { value > threshold } else { value < threshold }
    }

    /// The next reading.
    pub fn push(&mut self, reading: &Reading) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        for (i, sign) in Sign::ALL.into_iter().enumerate() {
            if !self.is_bad(sign, reading) {
                self.signs[i] = (0, false);
                continue;
            }
            let (count, given) = &mut self.signs[i];
            *count += 1;
            let late = reading.step >= self.thresholds.settle;
            if late && *count >= self.thresholds.readings && !*given {
                *given = true;
                alarms.push(Alarm {
                    sign,
                    step: reading.step,
                    value: sign.of(reading).expect("a bad sign has a number"),
                    threshold: self.thresholds.of(sign, &self.reach),
                });
            }
        }
        alarms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACH: Reach = Reach { recall: 0.8, coverage: 1.0 };

    fn good(step: u64) -> Reading {
        Reading {
            step,
            recall: 0.7,
            coverage: 0.9,
            diversity: 1.0,
            modes: Some(1.0),
            margin: 0.5,
            gap: 0.1,
            separation: 0.8,
            memory: 0.6,
        }
    }

    fn alertness() -> Alertness {
        let thresholds = Thresholds { settle: 100, readings: 2, ..Thresholds::default() };
        Alertness::new(thresholds, REACH)
    }

    #[test]
    fn an_alarm_takes_several_readings_and_comes_once() {
        let mut alertness = alertness();
        let bad = |step| Reading { diversity: 0.1, ..good(step) };
        assert!(alertness.push(&good(110)).is_empty());
        assert_eq!(alertness.bad(&bad(120)), [Sign::Diversity]);
        assert!(alertness.push(&bad(120)).is_empty());
        let alarms = alertness.push(&bad(130));
        assert_eq!(
            alarms,
            [Alarm { sign: Sign::Diversity, step: 130, value: 0.1, threshold: 0.5 }]
        );
        assert!(alertness.push(&bad(140)).is_empty());
        // After a good reading it may come again.
        alertness.push(&good(150));
        alertness.push(&bad(160));
        assert_eq!(alertness.push(&bad(170)).len(), 1);
    }

    #[test]
    fn what_has_just_begun_is_let_be() {
        let mut alertness = alertness();
        let bad = |step| Reading { recall: 0.0, coverage: 0.0, ..good(step) };
        assert!(alertness.push(&bad(50)).is_empty());
        assert!(alertness.push(&bad(99)).is_empty());
        // It was never good: the alarm is due as soon as there may be one.
        let signs: Vec<Sign> = alertness.push(&bad(100)).iter().map(|a| a.sign).collect();
        assert_eq!(signs, [Sign::Recall, Sign::Coverage]);
    }

    #[test]
    fn thresholds_follow_what_real_examples_reach() {
        let thresholds = Thresholds { recall: 0.5, settle: 0, readings: 1, ..Default::default() };
        let mut alertness = Alertness::new(thresholds, REACH);
        assert!(alertness.push(&Reading { recall: 0.41, ..good(1) }).is_empty());
        let alarm = &alertness.push(&Reading { recall: 0.39, ..good(2) })[0];
        assert_eq!((alarm.sign, alarm.threshold), (Sign::Recall, 0.4));
    }

    #[test]
    fn an_alarm_is_one_line_that_says_what_to_change() {
        let alarm = Alarm { sign: Sign::Memory, step: 400, value: 0.912, threshold: 0.8 };
        assert_eq!(
            alarm.to_string(),
            "step 400: memory is 0.912, above 0.800: the discriminator knows the training examples \
             by heart; augment the data, regularise the discriminator or make it smaller"
        );
        let alarm = Alarm { sign: Sign::Modes, step: 400, value: 0.4, threshold: 0.6 };
        assert!(alarm.to_string().starts_with("step 400: modes is 0.400, below 0.600: whole"));
    }

    #[test]
    fn a_missing_number_is_no_sign() {
        let reading = Reading { modes: None, ..good(200) };
        assert!(alertness().bad(&reading).is_empty());
    }

    #[test]
    fn thresholds_are_checked() {
        assert!(Thresholds::default().validate("t").is_ok());
        let wrong = Thresholds { coverage: 1.5, ..Default::default() };
        assert_eq!(
            wrong.validate("monitor").unwrap_err().to_string(),
            "config: field `monitor.coverage` must be in [0, 1], got 1.5"
        );
        let wrong = Thresholds { readings: 0, ..Default::default() };
        assert!(wrong.validate("t").unwrap_err().to_string().contains("`t.readings`"));
    }
}
