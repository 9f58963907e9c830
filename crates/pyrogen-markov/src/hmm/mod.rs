//! Hidden Markov models.

mod block;
mod config;
mod emission;
mod engine;
mod fill;
mod fit;
mod gibbs;
mod kernels;
mod model;
mod pass;
mod sample;
mod score;
mod semi;
mod start;
mod viterbi;

pub use config::{EmissionConfig, HmmConfig, Method, Topology};
pub use emission::{
    Bernoulli, Categorical, Covariance, Emission, Gamma, Gaussian, GaussianMixture, Multinomial,
    Poisson, Regression, StudentT,
};
pub use fill::{Cell, MissingCell};
pub use fit::{EmStep, FitEnd, HmmFit};
pub use gibbs::{Gibbs, GibbsPriors};
pub use model::Hmm;
pub(crate) use model::probabilities;
pub use sample::{Forecast, Sampled, Start};
pub use score::Scored;
pub use semi::SemiMarkov;
#[cfg(feature = "train")]
pub(crate) use start::start as first_model;
pub use viterbi::Path;
