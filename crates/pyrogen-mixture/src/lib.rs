#![doc = include_str!("../README.md")]

mod blocks;
mod complete;
mod condition;
mod config;
mod covariance;
mod criteria;
mod em;
mod error;
mod events;
mod factors;
#[cfg(feature = "model")]
pub mod family;
mod fit;
mod kernels;
mod matrix;
mod mixture;
mod moments;
mod mstep;
mod online;
mod pass;
mod posterior;
mod sample;
mod select;
mod split;
mod start;
mod statistics;
mod table;
mod variational;

pub use complete::Fill;
pub use condition::Conditional;
pub use config::{MixtureConfig, Regularisation, Start};
pub use covariance::{CovarianceModel, Covariances};
pub use criteria::Criteria;
pub use em::{Em, Progress, Status};
pub use error::MixtureError;
pub use events::{CollapseReason, Event};
pub use fit::{Fit, fit};
pub use mixture::Mixture;
pub use online::{MinibatchConfig, MinibatchEm};
pub use sample::Draws;
pub use select::{Candidate, Criterion, Selection, select};
pub use table::{MISSING, Table};
pub use variational::{Precision, Variational, VariationalConfig, WeightPrior};

/// The book's chapter, so that its code is tested.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/mixtures.md")]
struct Chapter;
