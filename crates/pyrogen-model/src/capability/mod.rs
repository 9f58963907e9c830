//! What a loaded model can do: an object a capability. What a model can do is what is `Some` in
//! [`Capabilities`].
//!
//! Everything here is in the data's raw units. Item `i` of what is generated, completed or varied
//! is a function of the seed and of `i`: whatever else is drawn beside it, on any number of
//! threads, in any part.

mod assign;
mod complete;
mod generate;
mod inspect;
mod latent;
mod likely;
mod query;
mod rank;
mod stream;
mod vary;

use std::sync::Arc;

pub use assign::{Assign, Assignment};
pub use complete::{Complete, Given};
pub use generate::{Detailed, Generate};
pub use inspect::{Figure, Finding, Inspect};
pub use latent::{Latent, LatentKind, LatentSpace, Latents};
pub use likely::{Likely, Scored};
pub use query::{Marginal, Query};
pub use rank::{Rank, Ranking};
pub use stream::Stream;
pub use vary::Vary;

use crate::Ability;

/// What a model can do.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Draws new items.
    pub generate: Option<Arc<dyn Generate>>,
    /// Fills in the rest of items that are partly given.
    pub complete: Option<Arc<dyn Complete>>,
    /// Makes items like given ones.
    pub vary: Option<Arc<dyn Vary>>,
    /// Makes an item piece by piece.
    pub stream: Option<Arc<dyn Stream>>,
    /// Says how probable items are.
    pub score: Option<Arc<dyn Likely>>,
    /// Says how unusual items are, where there is no likelihood.
    pub rank: Option<Arc<dyn Rank>>,
    /// Encodes items and decodes latents.
    pub latent: Option<Arc<dyn Latent>>,
    /// Says which state, topic or component each item belongs to.
    pub assign: Option<Arc<dyn Assign>>,
    /// Answers questions on marginals, given evidence.
    pub query: Option<Arc<dyn Query>>,
    /// Says what the model has learnt.
    pub inspect: Option<Arc<dyn Inspect>>,
}

impl Capabilities {
    /// The abilities that are there.
    pub fn abilities(&self) -> Vec<Ability> {
        let has = |ability: &Ability| match ability {
            Ability::Generate => self.generate.is_some(),
            Ability::Complete => self.complete.is_some(),
            Ability::Vary => self.vary.is_some(),
            Ability::Stream => self.stream.is_some(),
            Ability::Score => self.score.is_some(),
            Ability::Rank => self.rank.is_some(),
            Ability::Latent => self.latent.is_some(),
            Ability::Assign => self.assign.is_some(),
            Ability::Query => self.query.is_some(),
            Ability::Inspect => self.inspect.is_some(),
        };
        Ability::ALL.into_iter().filter(has).collect()
    }
}

impl std::fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Capabilities").field(&self.abilities()).finish()
    }
}
