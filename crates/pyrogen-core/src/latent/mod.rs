//! Working in a latent space: paths, traversals, attributes, and whether it is used at all.
//!
//! | question | tool |
//! |---|---|
//! | What lies between two examples? | [`Interpolation`] |
//! | What does one dimension do? | [`Traversal`] |
//! | Where does "smiling" point? | [`AttributeVector`], [`class_means`] |
//! | Which dimensions carry information? Did the posterior collapse? | [`LatentStatistics`], [`LatentReport`] |
//! | What to sample from where latents have left the prior? | [`LatentGaussian`], [`SampleLatents`] |
//!
//! Latent points are rows: `[n, latents]`, as [`Encode`](crate::Encode) gives and
//! [`Decode`](crate::Decode) takes them. Statistics are computed on the host in f64.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use pyrogen_core::distribution::{Independent, Normal};
//! use pyrogen_core::latent::{Interpolation, LatentStatistics, Traversal};
//!
//! let device = Device::flex();
//! let means = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.5]], &device);
//!
//! // Five points from the first example to the second, to be decoded as [5, 2].
//! let path = Interpolation::Spherical.path(
//!     means.clone().slice(0..1).reshape([2]),
//!     means.clone().slice(1..2).reshape([2]),
//!     5,
//! )?;
//! assert_eq!(path.dims(), [5, 2]);
//!
//! // Both dimensions from -3 to 3, around the prior's mean: [2, 7, 2].
//! let grid = Traversal::default().grid(Tensor::zeros([2], &device), &[0, 1])?;
//! let to_decode: Tensor<2> = grid.flatten(0, 1);
//! assert_eq!(to_decode.dims(), [14, 2]);
//!
//! // What the encoder makes of the latent space.
//! let mut statistics = LatentStatistics::new(2);
//! let posterior = Independent::new(Normal::new(means, Tensor::full([3, 2], -4.0, &device)));
//! statistics.add(&posterior)?;
//! let report = statistics.report()?;
//! assert_eq!(report.active(), 2);
//! println!("{report}");
//! # Ok::<(), pyrogen_core::RequestError>(())
//! ```

mod activity;
mod attribute;
mod gaussian;
mod interpolation;
mod traversal;

pub use activity::{Collapse, CollapseCriteria, LatentDimension, LatentReport, LatentStatistics};
pub use attribute::{AttributeVector, class_means};
pub use gaussian::{LatentGaussian, SampleLatents};
pub use interpolation::Interpolation;
pub use traversal::Traversal;

use burn::tensor::{Device, Tensor, TensorData};

use crate::RequestError;

/// Row-major values on the host, in f64.
fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

/// Values of the host as a tensor, rounded once.
fn upload<const D: usize>(
    values: impl Iterator<Item = f64>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let values: Vec<f32> = values.map(|v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Equally spaced from `low` to `high`, both included.
fn spaced(low: f64, high: f64, steps: usize) -> Result<Vec<f64>, RequestError> {
    if steps < 2 {
        return Err(RequestError::Value {
            name: "steps",
            expected: "at least 2 (both ends)",
            got: steps.to_string(),
        });
    }
    let last = (steps - 1) as f64;
    // Weighing both ends, and not adding to one, makes the last value exactly `high`.
    let at = |i: f64| low * ((last - i) / last) + high * (i / last);
    Ok((0..steps).map(|i| at(i as f64)).collect())
}
