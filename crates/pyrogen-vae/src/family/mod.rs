//! How variational autoencoders join the one door: their defaults for some data, preparation,
//! training and opening.

#[cfg(feature = "train")]
mod defaults;
mod findings;
mod ladder;
mod methods;
#[cfg(feature = "train")]
mod training;
mod vq;

use pyrogen_model::Registry;

pub use ladder::LadderFamily;
pub use methods::VaeFamily;
pub use vq::VqFamily;

/// The registry with every method of this crate.
pub fn register(registry: Registry) -> Registry {
    let flat = VaeFamily::all().into_iter().fold(registry, Registry::with);
    flat.with(LadderFamily).with(VqFamily)
}
