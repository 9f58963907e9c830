//! What a chain of states does in the long run.

mod continuous;
mod discrete;

pub use continuous::{ContinuousChain, Stay};
pub use discrete::{Absorption, Chain, Class};
