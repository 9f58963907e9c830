//! A penalty on tokens that go on with a repetition ("don't repeat yourself", as in llama.cpp).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::DecodeError;

/// Takes `multiplier * base^(n - allowed)` off the logit of a token that would make a run of `n + 1`
/// tokens come twice, where `n` is at least `allowed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dry {
    /// The penalty of a run of the allowed length.
    pub multiplier: f64,
    /// What each token more multiplies it with.
    pub base: f64,
    /// Runs shorter than this cost nothing.
    pub allowed: usize,
    /// Tokens that no run goes beyond.
    pub breakers: BTreeSet<u32>,
}

impl Default for Dry {
    fn default() -> Self {
        Self { multiplier: 0.8, base: 1.75, allowed: 2, breakers: BTreeSet::new() }
    }
}

/// Tokens of a run that are counted at most: the penalty is beyond any logit by then.
const LONGEST: usize = 64;

impl Dry {
    pub(super) fn validate(&self) -> Result<(), DecodeError> {
        let ranges = [
            ("dry.multiplier", self.multiplier, 0.0, "at least 0"),
            ("dry.base", self.base, 1.0, "at least 1"),
        ];
        for (name, value, least, expected) in ranges {
            if !(value.is_finite() && value >= least) {
                return Err(DecodeError::Setting { name, expected, got: value.to_string() });
            }
        }
        Ok(())
    }

    pub(super) fn apply(&self, logits: &mut [f32], before: &[u32]) {
        let n = before.len();
        // For each token the longest run that it would go on with.
        let mut runs = std::collections::BTreeMap::<u32, usize>::new();
        for end in 1..n {
            let next = before[end];
            if self.breakers.contains(&next) {
                continue;
            }
            let same = |i: &usize| {
                let (a, b) = (before[end - 1 - i], before[n - 1 - i]);
                a == b && !self.breakers.contains(&a)
            };
            let run = (0..end.min(LONGEST)).take_while(same).count();
            let longest = runs.entry(next).or_default();
            *longest = run.max(*longest);
        }
        for (token, run) in runs {
            if run > 0
                && run >= self.allowed
                && let Some(v) = logits.get_mut(token as usize)
            {
                *v -= (self.multiplier * self.base.powi((run - self.allowed) as i32)) as f32;
            }
        }
    }
}
