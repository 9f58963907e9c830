//! Truncation of a distribution with a distribution function.

use burn::tensor::{DType, Tensor, TensorData};

use super::domain::Domain;
use super::numerics::{broadcast_dims, expand_to};
use super::{Cdf, Distribution, HasSupport, Quantile, Support};
use crate::real::tensor;
use crate::{Noise, ParameterError};

/// A distribution of numbers between two bounds, with what it had there scaled up.
///
/// ```text
/// p(x) = base(x) / P(low < X <= high)    low <= x <= high
/// ```
///
/// Draws invert the distribution function, in the tail that is nearer. For normal variables
/// [`TruncatedNormal`](super::TruncatedNormal) reaches further into the tails and has moments.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, Exponential, Truncated};
///
/// let device = Device::flex();
/// let full = |v: f64| Tensor::<1>::full([1], v, &device);
/// let late = Truncated::new(Exponential::new(full(1.0))?, full(40.0), full(41.0))?;
/// // An exponential variable forgets: this is what it is between 0 and 1.
/// let expected = -0.5 - f64::ln(1.0 - (-1f64).exp());
/// assert!((late.log_prob(full(40.5)).into_scalar::<f32>() - expected as f32).abs() < 1e-5);
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Truncated<P, const D: usize> {
    base: P,
    low: Tensor<D>,
    high: Tensor<D>,
}

impl<P: Cdf<D>, const D: usize> Truncated<P, D> {
    /// Between two bounds, which may be infinite. Where the base has no mass between them, densities are
    /// NaN.
    ///
    /// # Errors
    /// A bound that is NaN, or an upper bound that is not above the lower one.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    pub fn new(base: P, low: Tensor<D>, high: Tensor<D>) -> Result<Self, ParameterError> {
        let dims = broadcast_dims("Truncated", low.dims(), high.dims());
        Domain::Number.check("Truncated", "low", &low)?;
        Domain::Number.check("Truncated", "high", &high)?;
        let above = expand_to(high.clone(), dims).greater(expand_to(low.clone(), dims));
        Domain::True.check("Truncated", "high > low", &above.float())?;
        Ok(Self { base, low, high })
    }

    /// The distribution without bounds.
    pub fn base(&self) -> &P {
        &self.base
    }

    /// What lies below and above the lower bound, between the bounds, and whether the upper tail is the
    /// smaller one.
    fn masses(&self) -> Masses<D> {
        let (below, above) =
            (self.base.cdf(self.low.clone()), self.base.survival(self.low.clone()));
        let lower = self.base.cdf(self.high.clone()) - below.clone();
        let upper = above.clone() - self.base.survival(self.high.clone());
        let dims = lower.dims();
        let is_upper = expand_to(below.clone().greater_elem(0.5), dims);
        let between = lower.mask_where(is_upper.clone(), upper);
        Masses { below, above, between, is_upper }
    }
}

struct Masses<const D: usize> {
    below: Tensor<D>,
    above: Tensor<D>,
    between: Tensor<D>,
    is_upper: Tensor<D, burn::tensor::Bool>,
}

impl<P: Cdf<D> + Quantile<D>, const D: usize> Quantile<D> for Truncated<P, D> {
    fn icdf(&self, probability: Tensor<D>) -> Tensor<D> {
        let m = self.masses();
        let part = probability * m.between;
        let dims = broadcast_dims("Truncated", part.dims(), m.below.dims());
        let lower = self.base.icdf(expand_to(m.below + part.clone(), dims));
        let upper = self.base.isf(expand_to(m.above - part, dims));
        lower.clone().mask_where(expand_to(m.is_upper, lower.dims()), upper)
    }

    fn isf(&self, probability: Tensor<D>) -> Tensor<D> {
        self.icdf(probability.neg() + 1.0)
    }
}

impl<P: Cdf<D>, const D: usize> Cdf<D> for Truncated<P, D> {
    fn cdf(&self, value: Tensor<D>) -> Tensor<D> {
        let m = self.masses();
        let lower = self.base.cdf(value.clone()) - m.below;
        let upper = m.above - self.base.survival(value);
        let part = lower.clone().mask_where(expand_to(m.is_upper, lower.dims()), upper);
        (part / m.between).clamp(0.0, 1.0)
    }

    fn survival(&self, value: Tensor<D>) -> Tensor<D> {
        self.cdf(value).neg() + 1.0
    }
}

impl<P: Distribution<D, D> + Cdf<D> + Quantile<D>, const D: usize> Distribution<D, D>
    for Truncated<P, D>
{
    fn log_prob(&self, value: Tensor<D>) -> Tensor<D> {
        let inside = self.support().contains(value.clone());
        let log_prob = self.base.log_prob(value) - self.masses().between.log();
        let dims = broadcast_dims("Truncated", log_prob.dims(), inside.dims());
        expand_to(log_prob, dims).mask_fill(expand_to(inside, dims).bool_not(), f64::NEG_INFINITY)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<D> {
        let between = self.masses().between;
        let (dims, device, dtype) = (between.dims(), between.device(), between.dtype());
        let data = TensorData::new(noise.uniform_rows(&dims), dims);
        let data = if dtype == DType::F64 { data } else { data.convert_dtype(dtype) };
        let x = self.icdf(tensor(data, &device));
        if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
    }
}

impl<P, const D: usize> HasSupport<D> for Truncated<P, D> {
    fn support(&self) -> Support<D> {
        Support::Interval { low: self.low.clone(), high: self.high.clone() }
    }
}
