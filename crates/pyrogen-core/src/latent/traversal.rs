//! Varying one latent dimension at a time.

use burn::tensor::{Bool, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::{spaced, upload};
use crate::RequestError;

/// Moves one latent dimension over a range and leaves the others where they are.
///
/// Decoded, a traversal shows what a dimension means. The values replace the coordinate; they are
/// not added to it.
///
/// # Units
/// `low` and `high` are latent coordinates: standard deviations of a standard normal prior. The
/// default, -3 to 3 in 7 steps, covers 99.7 % of it.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::latent::Traversal;
///
/// let base = Tensor::<1>::from_floats([0.5, 0.5, 0.5], &Device::flex());
/// let traversal = Traversal { low: -2.0, high: 2.0, steps: 3 };
/// let points = traversal.along(base, 1)?;
/// let expected = [[0.5, -2.0, 0.5], [0.5, 0.0, 0.5], [0.5, 2.0, 0.5]];
/// assert!(points.all_close(Tensor::from_floats(expected, &Device::flex()), None, None));
/// # Ok::<(), pyrogen_core::RequestError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traversal {
    /// The first value.
    pub low: f64,
    /// The last value.
    pub high: f64,
    /// How many values, both ends included.
    pub steps: usize,
}

impl Default for Traversal {
    fn default() -> Self {
        Self { low: -3.0, high: 3.0, steps: 7 }
    }
}

impl Traversal {
    /// The values that a dimension takes, equally spaced.
    ///
    /// # Errors
    /// Fewer than two steps, or an end that is not a finite number.
    pub fn values(&self) -> Result<Vec<f64>, RequestError> {
        for (name, end) in [("low", self.low), ("high", self.high)] {
            if !end.is_finite() {
                return Err(RequestError::Value {
                    name,
                    expected: "a finite number",
                    got: end.to_string(),
                });
            }
        }
        spaced(self.low, self.high, self.steps)
    }

    /// The points of one dimension around `base`: `[steps, latents]`.
    ///
    /// # Errors
    /// As [`values`](Self::values), or a dimension that `base` does not have.
    pub fn along(&self, base: Tensor<1>, dim: usize) -> Result<Tensor<2>, RequestError> {
        Ok(self.grid(base, &[dim])?.squeeze_dim(0))
    }

    /// The points of several dimensions around `base`: `[dims.len(), steps, latents]`, one row of
    /// pictures a dimension when decoded.
    ///
    /// # Errors
    /// As [`values`](Self::values), or a dimension that `base` does not have.
    pub fn grid(&self, base: Tensor<1>, dims: &[usize]) -> Result<Tensor<3>, RequestError> {
        let [latents] = base.dims();
        check(dims, latents)?;
        let values = self.values()?;
        let device = base.device();
        let shape = [dims.len(), self.steps, latents];
        let mut moved = vec![false; dims.len() * latents];
        for (row, &dim) in dims.iter().enumerate() {
            moved[row * latents + dim] = true;
        }
        let moved = TensorData::new(moved, [dims.len(), 1, latents]);
        let moved = Tensor::<3, Bool>::from_data(moved, &device);
        let values: Tensor<3> = upload(values.into_iter(), [1, self.steps, 1], &device);
        let base: Tensor<3> = base.reshape([1, 1, latents]).expand(shape);
        Ok(base.mask_where(moved.expand(shape), values.expand(shape)))
    }

    /// [`grid`](Self::grid) on the host: `dims.len() * steps` rows of `base.len()` numbers.
    ///
    /// # Errors
    /// As [`grid`](Self::grid).
    pub fn rows(&self, base: &[f32], dims: &[usize]) -> Result<Vec<f32>, RequestError> {
        check(dims, base.len())?;
        let values = self.values()?;
        let mut out = Vec::with_capacity(dims.len() * values.len() * base.len());
        for &dim in dims {
            for &value in &values {
                out.extend_from_slice(base);
                let row = out.len() - base.len();
                out[row + dim] = value as f32;
            }
        }
        Ok(out)
    }
}

fn check(dims: &[usize], latents: usize) -> Result<(), RequestError> {
    match dims.iter().find(|&&dim| dim >= latents) {
        None => Ok(()),
        Some(dim) => Err(RequestError::Value {
            name: "dimension",
            expected: "one of the latent dimensions, counted from 0",
            got: format!("{dim} where there are {latents}"),
        }),
    }
}
