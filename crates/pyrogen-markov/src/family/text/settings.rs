//! Settings of the family.

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::tokens::Tokens;
use crate::chain::Smoothing;

/// Settings of a chain of text that is trained through the door.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarkovSettings {
    /// Tokens of context; the longest context of `ppm`.
    pub order: usize,
    /// How the next token's probabilities are made of counts.
    pub smoothing: SmoothingKind,
    /// What a token is.
    pub tokens: Tokens,
    /// The discount of `kneser-ney`, within 0 and 1; null takes three an order from the data (modified
    /// Kneser-Ney).
    pub discount: Option<f64>,
    /// Whether the ends of documents are modelled; null models them where there are several.
    pub ends: Option<bool>,
}

impl Default for MarkovSettings {
    fn default() -> Self {
        Self {
            order: 6,
            smoothing: SmoothingKind::KneserNey,
            tokens: Tokens::Characters,
            discount: None,
            ends: None,
        }
    }
}

/// How the next token's probabilities are made of counts.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmoothingKind {
    /// The counts of the longest context that was seen, alone.
    None,
    /// Witten and Bell's.
    #[serde(alias = "witten_bell")]
    WittenBell,
    /// Kneser and Ney's.
    #[default]
    #[serde(alias = "kneser_ney")]
    KneserNey,
    /// Prediction by partial matching.
    Ppm,
}

/// The longest context.
const LONGEST: usize = 64;

impl MarkovSettings {
    /// The smoothing of a chain; none for prediction by partial matching.
    pub fn smoothing(&self) -> Option<Smoothing> {
        match self.smoothing {
            SmoothingKind::None => Some(Smoothing::LongestContext),
            SmoothingKind::WittenBell => Some(Smoothing::WittenBell),
            SmoothingKind::KneserNey => Some(match self.discount {
                Some(discount) => Smoothing::KneserNey { discount },
                None => Smoothing::ModifiedKneserNey,
            }),
            SmoothingKind::Ppm => None,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.order > LONGEST {
            return Err(ConfigError::value("order", format!("at most {LONGEST}"), self.order));
        }
        match self.discount {
            None => Ok(()),
            Some(_) if self.smoothing != SmoothingKind::KneserNey => {
                let expected = "null, unless smoothing=kneser-ney";
                Err(ConfigError::value("discount", expected, "a number"))
            }
            Some(discount) if (0.0..=1.0).contains(&discount) => Ok(()),
            Some(discount) => Err(ConfigError::value("discount", "within 0 and 1", discount)),
        }
    }
}
