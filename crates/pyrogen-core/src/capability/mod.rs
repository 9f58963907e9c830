//! What a trained model can do: one small trait a capability.
//!
//! A family implements the ones that are true of it, and no more. A GAN draws samples and has no
//! likelihood; a mixture has an exact one; a VAE has a bound and an estimate.
//!
//! The rank `D` counts the batch axis: images are `D = 4`, `[batch, channels, height, width]`;
//! rows of a table are `D = 2`.
//!
//! Examples are in the units in which the model was trained: those of prepared data.
//!
//! A request that a model cannot serve, and a computation that fails, are a
//! [`ModelError`](crate::ModelError). A tensor of a wrong shape is a mistake in code, and panics.

mod denoise;
mod describe;
mod encode;
mod exact_flow;
mod posterior;
mod rank;
mod sample;
mod score;
mod vary;

pub use denoise::Denoise;
pub use describe::Describe;
pub use encode::{Decode, Encode, ScoreGiven};
pub use exact_flow::ExactFlow;
pub use posterior::Posterior;
pub use rank::Rank;
pub use sample::{DecoderOutput, Sample, SampleOptions};
pub use score::{Score, ScoreMethod, ScoreOptions};
pub use vary::{Inpaint, Vary};
