//! What a latent code costs and what it loses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in the rate-distortion plane: means over examples, in nats an example.
///
/// ```text
/// rate       = E_x KL(q(z | x) || p(z))          what it costs to send the latents
/// distortion = E_x E_{z ~ q(z | x)} [-ln p(x | z)]   what it then costs to send the example
/// ```
///
/// Minus their sum is the evidence lower bound. Models with one bound may sit far apart in the
/// plane: at a rate of 0 the latents say nothing, at a low distortion they say everything.
///
/// # References
/// Alemi, Poole, Fischer, Dillon, Saurous and Murphy (2018), "Fixing a Broken ELBO", section 2.
///
/// # Examples
/// ```
/// use pyrogen_core::RateDistortion;
///
/// let mut all = RateDistortion { examples: 30, rate: 10.0, distortion: 80.0 };
/// all.extend(&RateDistortion { examples: 10, rate: 14.0, distortion: 84.0 });
/// assert_eq!((all.examples, all.rate, all.distortion), (40, 11.0, 81.0));
/// assert_eq!(all.bound(), -92.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateDistortion {
    /// How many examples were seen.
    pub examples: usize,
    /// Mean divergence from the prior.
    pub rate: f64,
    /// Mean cost of an example given its latents.
    pub distortion: f64,
}

impl RateDistortion {
    /// The evidence lower bound, `-(rate + distortion)`.
    pub fn bound(&self) -> f64 {
        -(self.rate + self.distortion)
    }

    /// Joins the means over other examples.
    pub fn extend(&mut self, other: &Self) {
        let total = self.examples + other.examples;
        if total == 0 {
            return;
        }
        let mean =
            |a: f64, b: f64| (a * self.examples as f64 + b * other.examples as f64) / total as f64;
        *self = Self {
            examples: total,
            rate: mean(self.rate, other.rate),
            distortion: mean(self.distortion, other.distortion),
        };
    }
}

impl fmt::Display for RateDistortion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate {:.2} nats, distortion {:.2} nats", self.rate, self.distortion)
    }
}
