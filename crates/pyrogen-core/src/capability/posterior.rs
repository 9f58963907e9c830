//! What an encoder says of the latents of examples.

use std::ops::Range;

use burn::tensor::{Int, Tensor};

use crate::distribution::{Independent, Moments, Normal};

/// What an encoder says of the latents of some examples.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::Posterior;
/// use pyrogen_core::distribution::{Independent, Normal};
///
/// let device = Device::flex();
/// let means = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0]], &device);
/// let normal = Independent::new(Normal::new(means.clone(), Tensor::zeros([2, 2], &device)));
/// let posterior = Posterior::Gaussian(normal);
/// assert_eq!(posterior.point().dims(), [2, 2]); // to be decoded
/// assert!(posterior.gaussian().is_some());
/// assert!(Posterior::Point(means).gaussian().is_none()); // a point has no spread
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Posterior {
    /// A normal distribution over `[batch, latents]`: the approximate posterior of a variational
    /// model.
    Gaussian(Independent<Normal<2>>),
    /// One point an example, `[batch, latents]`: a deterministic encoder, the noise that leads to
    /// an example, or latents that a search has found.
    Point(Tensor<2>),
    /// Vectors of an encoder whose latents are discrete, and the codes nearest to them.
    Codes {
        /// The encoder's vectors before they are quantised, those of all positions side by side,
        /// `[batch, latents]`. Decoding quantises them.
        vectors: Tensor<2>,
        /// The numbers of the codes, `[batch, slots]`.
        indices: Tensor<2, Int>,
    },
}

impl Posterior {
    /// The point that stands for each example, `[batch, latents]`: what [`Decode`](crate::Decode)
    /// takes. The mean of a normal distribution, the point, or the vectors of codes.
    pub fn point(&self) -> Tensor<2> {
        match self {
            Self::Gaussian(normal) => normal.mean(),
            Self::Point(point) => point.clone(),
            Self::Codes { vectors, .. } => vectors.clone(),
        }
    }

    /// The normal distribution, where the encoder gives one.
    pub fn gaussian(&self) -> Option<&Independent<Normal<2>>> {
        match self {
            Self::Gaussian(normal) => Some(normal),
            _ => None,
        }
    }

    /// The posterior of the examples `rows`.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        match self {
            Self::Gaussian(normal) => {
                let base = normal.base();
                let part = |t: Tensor<2>| t.slice([rows.clone()]);
                let log_var = base.log_var().expand(base.mean().dims());
                Self::Gaussian(Independent::new(Normal::new(part(base.mean()), part(log_var))))
            }
            Self::Point(point) => Self::Point(point.clone().slice([rows])),
            Self::Codes { vectors, indices } => Self::Codes {
                vectors: vectors.clone().slice([rows.clone()]),
                indices: indices.clone().slice([rows]),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    #[test]
    fn points_and_rows_of_each_kind() {
        let mean = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device());
        let shared = Tensor::full([1, 1], -2.0, &device());
        let normal = Independent::new(Normal::new(mean.clone(), shared));
        let indices = Tensor::from_data([[7], [8], [9]], &device());
        let all = [
            Posterior::Gaussian(normal),
            Posterior::Point(mean.clone()),
            Posterior::Codes { vectors: mean, indices },
        ];
        for posterior in &all {
            assert_eq!(host(posterior.point()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            assert_eq!(host(posterior.rows(1..2).point()), [3.0, 4.0]);
        }
        let part = all[0].rows(1..3);
        assert_eq!(host(part.gaussian().unwrap().base().log_var()), [-2.0; 4]);
        assert!(all[1].gaussian().is_none() && all[2].gaussian().is_none());
        let Posterior::Codes { indices, .. } = all[2].rows(2..3) else { panic!("codes") };
        assert_eq!(indices.into_data().iter::<i64>().collect::<Vec<_>>(), [9]);
    }
}
