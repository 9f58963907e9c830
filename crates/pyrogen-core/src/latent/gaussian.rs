//! A normal distribution fitted to the latents of a data set.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{host, upload};
use crate::distribution::Moments;
use crate::{Noise, Posterior, RequestError};

/// Draws latents: what may stand in for a model's own prior when samples are made.
///
/// [`LatentGaussian`] is one; a mixture or an autoregressive model of latents can be another. The
/// draws are decoded with [`Decode`](crate::Decode).
pub trait SampleLatents {
    /// `n` latents, `[n, latents]`. Through [`Noise::items`] each is a function of the
    /// noise and of its number.
    fn sample_latents(&self, n: usize, noise: &mut Noise, device: &Device) -> Tensor<2>;
}

/// The normal distribution with the mean and the covariance of the latents of a data set, all
/// posteriors together (the aggregate posterior).
///
/// ```text
/// mean       = 1/N sum_n m_n
/// covariance = 1/N sum_n ((m_n - mean) (m_n - mean)^T + diag(v_n))
/// ```
///
/// with `m_n` and `v_n` the mean and the variances of the posterior of example `n`; a posterior that
/// is a point has variances of 0. Where the
/// aggregate posterior has left the prior, samples from it are better than samples from the prior
/// (Ghosh et al. 2020, section 4, for deterministic encoders).
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Independent, Normal};
/// use pyrogen_core::latent::{LatentGaussian, SampleLatents};
/// use pyrogen_core::{Noise, Posterior, Seed};
///
/// let device = Device::flex();
/// let means = Tensor::<2>::from_floats([[0.0, 4.0], [2.0, 8.0], [4.0, 12.0]], &device);
/// let posterior = Independent::new(Normal::new(means, Tensor::full([3, 2], -9.0, &device)));
/// let fitted = LatentGaussian::fit(&[Posterior::Gaussian(posterior)])?;
/// assert_eq!(fitted.mean(), [2.0, 8.0]);
/// let z = fitted.sample_latents(100, &mut Noise::new(Seed(1)), &device);
/// assert_eq!(z.dims(), [100, 2]); // to be decoded
/// # Ok::<(), pyrogen_core::RequestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatentGaussian {
    mean: Vec<f64>,
    /// Lower triangle of the Cholesky factor, row by row.
    factor: Vec<f64>,
}

impl LatentGaussian {
    /// Fits to the posteriors of examples, batch by batch.
    ///
    /// # Errors
    /// Without examples, or with a posterior that is not finite.
    ///
    /// # Panics
    /// If the batches have other numbers of latents.
    pub fn fit(posteriors: &[Posterior]) -> Result<Self, RequestError> {
        let (mut means, mut variances, mut latents) = (Vec::new(), Vec::new(), 0);
        for posterior in posteriors {
            let mean = posterior.point();
            assert!(
                latents == 0 || mean.dims()[1] == latents,
                "LatentGaussian::fit: batches of {latents} and {} latents",
                mean.dims()[1]
            );
            latents = mean.dims()[1];
            variances.extend(match posterior.gaussian() {
                Some(normal) => host(normal.base().variance()),
                None => vec![0.0; mean.dims().iter().product()],
            });
            means.extend(host(mean));
        }
        let wrong = |got: String| RequestError::Value {
            name: "posteriors",
            expected: "of one example or more, finite in mean and variance",
            got,
        };
        if means.is_empty() {
            return Err(wrong("none".into()));
        }
        if let Some(bad) = means.iter().chain(&variances).find(|v| !v.is_finite()) {
            return Err(wrong(bad.to_string()));
        }
        let mean = column_means(&means, latents);
        let mut covariance = vec![0.0; latents * latents];
        let n = (means.len() / latents) as f64;
        for row in means.chunks_exact(latents) {
            for i in 0..latents {
                for j in 0..=i {
                    covariance[i * latents + j] += (row[i] - mean[i]) * (row[j] - mean[j]) / n;
                }
            }
        }
        for (i, variance) in column_means(&variances, latents).into_iter().enumerate() {
            covariance[i * latents + i] += variance;
        }
        Ok(Self { factor: cholesky(&covariance, latents), mean })
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance of two dimensions.
    ///
    /// # Panics
    /// If a dimension is out of range.
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        let d = self.mean.len();
        let row = |i: usize| &self.factor[i * d..(i + 1) * d];
        row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum()
    }
}

impl SampleLatents for LatentGaussian {
    fn sample_latents(&self, n: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
        let d = self.mean.len();
        let epsilon = noise.normal([n, d], device);
        let factor: Tensor<2> = upload(self.factor.iter().copied(), [d, d], device);
        let mean: Tensor<2> = upload(self.mean.iter().copied(), [1, d], device);
        epsilon.matmul(factor.transpose()) + mean
    }
}

fn column_means(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = (values.len() / columns) as f64;
    let column = |j: usize| values.iter().skip(j).step_by(columns).sum::<f64>() / rows;
    (0..columns).map(column).collect()
}

/// The lower factor of a positive semidefinite matrix whose lower triangle is given. Pivots that
/// rounding takes below 0 are 0, and their columns with them.
fn cholesky(matrix: &[f64], d: usize) -> Vec<f64> {
    let mut factor = vec![0.0; d * d];
    for j in 0..d {
        let known =
            |i: usize, f: &[f64]| -> f64 { (0..j).map(|k| f[i * d + k] * f[j * d + k]).sum() };
        let pivot = (matrix[j * d + j] - known(j, &factor)).max(0.0).sqrt();
        factor[j * d + j] = pivot;
        for i in j + 1..d {
            let rest = matrix[i * d + j] - known(i, &factor);
            factor[i * d + j] = if pivot > 0.0 { rest / pivot } else { 0.0 };
        }
    }
    factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::distribution::{Independent, Normal};

    fn posterior(means: &[[f32; 3]], variance: f32) -> Posterior {
        let device = pyrogen_testkit::device();
        let flat: Vec<f32> = means.iter().flatten().copied().collect();
        let mean = Tensor::<1>::from_floats(flat.as_slice(), &device).reshape([means.len(), 3]);
        let log_var = Tensor::full([1, 1], variance.ln(), &device);
        Posterior::Gaussian(Independent::new(Normal::new(mean, log_var)))
    }

    #[test]
    fn the_moments_are_those_of_all_posteriors_together() {
        // Means and variances are f32, from a logarithm.
        const ROUNDING: f64 = 1e-5;
        let parts = [
            posterior(&[[1.0, 0.0, 2.0], [3.0, 0.0, -2.0]], 0.5),
            posterior(&[[2.0, 0.0, 0.0]], 0.5),
        ];
        let fitted = LatentGaussian::fit(&parts).unwrap();
        assert_eq!(fitted.mean(), [2.0, 0.0, 0.0]);
        let third = 1.0 / 3.0;
        let expected = [
            [2.0 * third + 0.5, 0.0, -4.0 * third],
            [0.0, 0.5, 0.0],
            [-4.0 * third, 0.0, 8.0 * third + 0.5],
        ];
        for (i, row) in expected.iter().enumerate() {
            for (j, expected) in row.iter().enumerate() {
                assert!((fitted.covariance(i, j) - expected).abs() < ROUNDING, "{i} {j}");
            }
        }
    }

    #[test]
    fn draws_follow_it() {
        let fitted = LatentGaussian::fit(&[posterior(
            &[[1.0, 0.0, 2.0], [3.0, 0.0, -2.0], [2.0, 5.0, 0.0]],
            0.1,
        )])
        .unwrap();
        let n = 20_000;
        let device = pyrogen_testkit::device();
        let draws = host(fitted.sample_latents(n, &mut Noise::new(Seed(1)), &device));
        let mean = column_means(&draws, 3);
        for i in 0..3 {
            for j in 0..3 {
                let sum: f64 = draws.chunks(3).map(|z| (z[i] - mean[i]) * (z[j] - mean[j])).sum();
                let (got, expected) = (sum / n as f64, fitted.covariance(i, j));
                // Five standard errors of a covariance of normal numbers.
                let spread = fitted.covariance(i, i) * fitted.covariance(j, j) + expected.powi(2);
                let error = 5.0 * (spread / n as f64).sqrt();
                assert!((got - expected).abs() < error, "{i} {j}: {got} {expected}");
            }
        }
    }

    #[test]
    fn a_flat_cloud_has_a_factor_and_bad_posteriors_are_errors() {
        // Points, all on a line: the covariance has rank 1.
        let line = posterior(&[[1.0, 1.0, 2.0], [2.0, 2.0, 4.0]], 1.0).point();
        let line = Posterior::Point(line);
        let fitted = LatentGaussian::fit(&[line]).unwrap();
        assert!(fitted.factor.iter().all(|v| v.is_finite()));
        assert!((fitted.covariance(0, 2) - 0.5).abs() < 1e-6);
        assert!(LatentGaussian::fit(&[]).is_err());
        let nan = LatentGaussian::fit(&[posterior(&[[f32::NAN, 0.0, 0.0]], 1.0)]).unwrap_err();
        assert!(nan.to_string().contains("NaN"), "{nan}");
    }
}
