//! How hidden Markov models and Markov chains join the one door.

pub mod hmm;
pub mod text;

use pyrogen_model::Registry;

/// The registry with the families of this crate.
pub fn register(registry: Registry) -> Registry {
    registry.with(hmm::HmmFamily).with(text::MarkovFamily)
}
