#![doc = include_str!("../README.md")]

pub use pyrogen_core as core;
#[cfg(feature = "data")]
pub use pyrogen_data as data;
#[cfg(feature = "diffusion")]
pub use pyrogen_diffusion as diffusion;
#[cfg(feature = "gan")]
pub use pyrogen_gan as gan;
#[cfg(feature = "markov")]
pub use pyrogen_markov as markov;
#[cfg(feature = "metrics")]
pub use pyrogen_metrics as metrics;
pub use pyrogen_nn as nn;
pub use pyrogen_solve as solve;
#[cfg(feature = "train")]
pub use pyrogen_train as train;
#[cfg(feature = "vae")]
pub use pyrogen_vae as vae;

/// What most programs import.
pub mod prelude {
    pub use burn::tensor::{Device, Tensor};
    pub use pyrogen_core::{
        Condition, Decode, Describe, Encode, Likelihood, LikelihoodKind, Noise, Sample,
        SampleOptions, Score, ScoreMethod, ScoreOptions, Seed,
    };
    #[cfg(feature = "gan")]
    pub use pyrogen_gan::{Gan, GanConfig};
    #[cfg(feature = "vae")]
    pub use pyrogen_vae::{Vae, VaeConfig};
}
