//! Clean examples within their range.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::SolveError;

/// Dynamic thresholding: each clean example is clipped at a quantile of its own absolute values,
/// and divided by it.
///
/// `s = min(max(quantile(|x|, ratio), 1), largest)` for each example; `clamp(x, -s, s) / s`. With
/// guidance of large weights it keeps pictures, whose range is `[-1, 1]`, from saturating.
///
/// # Numerics
/// The quantile is linear between two order statistics.
///
/// # References
/// Saharia et al. 2022 (Imagen), section 2.3.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DynamicThreshold {
    /// The quantile: 0.995 in most uses.
    pub ratio: f64,
    /// The largest threshold.
    pub largest: f64,
}

impl Default for DynamicThreshold {
    fn default() -> Self {
        Self { ratio: 0.995, largest: f64::from(f32::MAX) }
    }
}

impl DynamicThreshold {
    /// Checks the numbers.
    ///
    /// # Errors
    /// A ratio outside `(0, 1]`, or a largest threshold below 1.
    pub fn validate(&self) -> Result<(), SolveError> {
        let ok = self.ratio > 0.0 && self.ratio <= 1.0;
        SolveError::check("ratio", self.ratio, ok, "above 0 and at most 1")?;
        SolveError::check("largest", self.largest, self.largest >= 1.0, "at least 1")
    }

    /// The denoiser whose clean examples are clipped so.
    pub fn denoiser<const D: usize>(
        self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
    ) -> impl Fn(Tensor<D>, f64) -> Tensor<D> {
        move |x, sigma| self.clip(denoiser(x, sigma))
    }

    /// Clips a batch of clean examples.
    pub fn clip<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let shape = x.dims();
        let (batch, features) = (shape[0], shape[1..].iter().product::<usize>());
        let flat = x.reshape([batch, features]);
        let sorted = flat.clone().abs().sort(1);
        let place = self.ratio * (features - 1) as f64;
        let low = place.floor() as usize;
        let high = (low + 1).min(features - 1);
        let share = place - low as f64;
        let at = |i: usize| sorted.clone().slice([0..batch, i..i + 1]);
        let threshold = at(low) * (1.0 - share) + at(high) * share;
        let threshold = threshold.clamp(1.0, self.largest);
        let clipped = flat.min_pair(threshold.clone()).max_pair(-threshold.clone());
        (clipped / threshold).reshape(shape)
    }
}
