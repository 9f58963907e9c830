#![doc = include_str!("../README.md")]

mod adversarial;
mod augment;
mod capability;
mod check;
mod config;
mod folder;
mod gan;
mod given;
mod head;
mod layers;
mod loss;
mod minibatch;
mod networks;
mod penalty;
mod regularise;
mod spectral;
mod watch;

pub use adversarial::GanDraws;
pub use augment::{Augment, augment};
pub use config::{Conditioning, GanConfig, Output};
pub use folder::FAMILY;
pub use gan::Gan;
pub use loss::{GanLoss, Relativistic, feature_matching};
pub use minibatch::minibatch_deviation;
pub use networks::{DcganConfig, Discriminator, Generator, MlpPair, Networks};
pub use regularise::{Penalty, Regularisers};
pub use spectral::SpectralNorm;
