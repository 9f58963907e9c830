#![doc = include_str!("../README.md")]

mod auroc;
pub mod collapse;
mod digits;
mod error;
mod extractor;
mod features;
mod frechet;
mod kid;
mod likelihood;
mod linear;
mod metric;
mod mmd;
mod nearest;
mod pairwise;
mod prdc;
mod registers;
mod report;
mod resize;
mod signature;
mod table;

pub use auroc::auroc;
pub use digits::DigitsClassifier;
pub use error::MetricError;
pub use extractor::{FeatureExtractor, RawPixels};
pub use features::Features;
pub use frechet::{Frechet, Gaussian, frechet};
pub use kid::{Kid, KidOptions, kid, polynomial_mmd};
pub use likelihood::{LikelihoodReport, bits_per_dim, nats_from_bits_per_dim, rescaled_nats};
pub use metric::Metric;
pub use mmd::{Bandwidth, Mmd, MmdEstimator, MmdOptions, median_distance, mmd};
pub use nearest::closest_distances;
pub use prdc::{Prdc, prdc};
pub use report::MetricReport;
pub use signature::{Incomparable, Signature, SignatureError};
pub use table::{ColumnValues, association_difference, kolmogorov_smirnov, total_variation};
