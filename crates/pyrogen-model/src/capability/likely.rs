//! How probable items are.

use pyrogen_core::Likelihood;
use pyrogen_data::Data;

use serde_json::{Map, Value};

use crate::{Ability, Control, Error, OptionSpec, Options, Request};

/// The likelihood of items, and what is known of each beside it.
#[derive(Debug, Clone)]
pub struct Scored {
    /// The log-likelihood of each item.
    pub likelihood: Likelihood,
    /// Named facts of each item, such as `tokens` (its parts, and the nats of each); empty where
    /// nothing is known of any.
    pub details: Vec<Map<String, Value>>,
}

/// Says how probable items are.
pub trait Likely: Send + Sync {
    /// The options that a request may set: `method` and `draws` where the likelihood is not
    /// tractable.
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// The log-likelihood of each item, in nats, of raw data: a density is that of raw values. Its
    /// kind and unit say what it is. Items of a conditional model are scored under their own labels
    /// and contexts, and the likelihood then says that it is `log p(x | condition)`.
    ///
    /// # Errors
    /// Data or a request that does not fit the model, numbers that are not finite, or a control
    /// that was cancelled.
    fn score(&self, data: &Data, request: &Request, control: &Control)
    -> Result<Likelihood, Error>;

    /// The same likelihood, with what is known of each item beside it.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn detailed(&self, data: &Data, request: &Request, control: &Control) -> Result<Scored, Error> {
        Ok(Scored { likelihood: self.score(data, request, control)?, details: Vec::new() })
    }

    /// The options of the scores that an evaluation computes, of so many draws at most. Scores that
    /// cost too much for an evaluation are left out.
    fn evaluated(&self, _draws: usize) -> Vec<Options> {
        // One number, where there are no options to choose by.
        Options::resolve(Ability::Score, &[], &Map::new()).into_iter().collect()
    }
}
