//! Hidden Markov models.

mod config;
mod emission;
mod fit;
mod kernels;
mod model;
mod pass;
mod score;
mod start;
mod viterbi;

pub use config::{EmissionConfig, HmmConfig, Method, Topology};
pub use emission::{
    Bernoulli, Categorical, Covariance, Emission, Gamma, Gaussian, GaussianMixture, Multinomial,
    Poisson, Regression, StudentT,
};
pub use fit::{EmStep, FitEnd, HmmFit};
pub use model::Hmm;
pub use score::Scored;
pub use viterbi::Path;
