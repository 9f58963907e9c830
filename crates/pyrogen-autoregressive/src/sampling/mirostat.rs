//! A surprise that is held at a target.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::{OUT, probabilities};
use crate::DecodeError;

/// Leaves tokens whose surprise is below a limit, which moves so that the surprise of what is drawn
/// comes to the target (Basu et al. 2021; the second version, in bits). It should be the last step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mirostat {
    /// The target in bits.
    pub tau: f64,
    /// How fast the limit moves.
    pub eta: f64,
}

impl Default for Mirostat {
    fn default() -> Self {
        Self { tau: 5.0, eta: 0.1 }
    }
}

impl Mirostat {
    pub(super) fn validate(&self) -> Result<(), DecodeError> {
        for (name, value) in [("mirostat.tau", self.tau), ("mirostat.eta", self.eta)] {
            if !(value.is_finite() && value > 0.0) {
                let (expected, got) = ("above 0", value.to_string());
                return Err(DecodeError::Setting { name, expected, got });
            }
        }
        Ok(())
    }

    pub(super) fn apply(&self, logits: &mut [f32], limit: &mut Option<f64>) {
        let Some(probabilities) = probabilities(logits) else { return };
        let limit = *limit.get_or_insert(2.0 * self.tau);
        let most = probabilities.iter().copied().fold(0.0, f64::max);
        for (v, p) in logits.iter_mut().zip(probabilities) {
            if -p.log2() > limit && p < most {
                *v = OUT;
            }
        }
    }

    /// Moves the limit by the surprise of a token of this probability.
    pub(super) fn observe(&self, probability: f64, limit: &mut f64) {
        let surprise = -probability.ln() / LN_2;
        *limit -= self.eta * (surprise - self.tau);
    }
}
