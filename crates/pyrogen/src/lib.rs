#![doc = include_str!("../README.md")]

#[cfg(feature = "autoregressive")]
pub use pyrogen_autoregressive as autoregressive;
pub use pyrogen_core as core;
pub use pyrogen_data as data;
#[cfg(feature = "diffusion")]
pub use pyrogen_diffusion as diffusion;
#[cfg(feature = "metrics")]
pub use pyrogen_evaluate as evaluation;
#[cfg(feature = "flow")]
pub use pyrogen_flow as flow;
#[cfg(feature = "gan")]
pub use pyrogen_gan as gan;
#[cfg(feature = "markov")]
pub use pyrogen_markov as markov;
#[cfg(feature = "metrics")]
pub use pyrogen_metrics as metrics;
#[cfg(feature = "mixture")]
pub use pyrogen_mixture as mixture;
pub use pyrogen_model as model;
pub use pyrogen_nn as nn;
pub use pyrogen_solve as solve;
#[cfg(feature = "topic")]
pub use pyrogen_topic as topic;
#[cfg(feature = "train")]
pub use pyrogen_train as train;
#[cfg(feature = "vae")]
pub use pyrogen_vae as vae;

mod door;

#[cfg(feature = "metrics")]
pub use door::evaluate;
pub use door::{open, read, registry};
#[cfg(feature = "train")]
pub use door::{plan, train};
pub use pyrogen_model::{Control, Error, ErrorKind, Model, Request};

/// What most programs import.
pub mod prelude {
    pub use burn::tensor::{Device, Tensor};
    pub use pyrogen_core::{
        Condition, Decode, Describe, Encode, Likelihood, LikelihoodKind, ModelError, Noise,
        Posterior, Sample, SampleOptions, Score, ScoreMethod, ScoreOptions, Seed,
    };
    pub use pyrogen_data::{Data, Loaded, Modality, Source};
    #[cfg(feature = "diffusion")]
    pub use pyrogen_diffusion::{Diffusion, DiffusionConfig, FlowConfig, FlowMatching};
    #[cfg(feature = "flow")]
    pub use pyrogen_flow::{FlowKind, NormalizingFlow, NormalizingFlowConfig};
    #[cfg(feature = "gan")]
    pub use pyrogen_gan::{Gan, GanConfig};
    #[cfg(feature = "train")]
    pub use pyrogen_model::train::{Event, Flow, Observer, Quiet, Wish};
    pub use pyrogen_model::{
        Ability, Control, Error, ErrorKind, Family, Given, Model, Registry, Request,
    };
    #[cfg(feature = "vae")]
    pub use pyrogen_vae::{Vae, VaeConfig};
}
