#![doc = include_str!("../README.md")]

mod adversarial;
mod augment;
mod capability;
mod config;
mod dual;
#[cfg(feature = "model")]
pub mod family;
mod folder;
mod gan;
mod given;
mod head;
mod invert;
mod layers;
mod loss;
mod minibatch;
mod networks;
mod penalty;
mod pool;
mod regularise;
mod spectral;
mod watch;

pub use adversarial::GanDraws;
pub use augment::{Augment, augment};
pub use config::GanConfig;
pub use folder::FAMILY;
pub use gan::Gan;
pub use head::Conditioning;
pub use invert::{Inversion, InvertOptions};
pub use loss::{GanLoss, Relativistic, feature_matching};
pub use minibatch::minibatch_deviation;
pub use networks::{
    DcganConfig, Discriminator, Generator, MlpPair, Networks, Output, ResnetConfig, UnetConfig,
};
pub use regularise::{Penalty, Regularisers};
pub use spectral::SpectralNorm;
