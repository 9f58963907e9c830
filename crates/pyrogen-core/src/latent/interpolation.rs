//! Paths between latent points.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{host, spaced, upload};
use crate::RequestError;

/// How to walk from one latent point to another.
///
/// ```text
/// linear     (1 - t) a + t b
/// spherical  sin((1 - t) o) / sin(o) a + sin(t o) / sin(o) b    o: the angle between a and b
/// ```
///
/// Draws from a normal prior in many dimensions lie near a sphere. The straight line between
/// two of them leaves it: half-way between independent draws its length is 0.7 of theirs, which
/// no draw of the prior has. The spherical path keeps the length where both ends have the same,
/// so the decoder sees points like those it was trained on.
///
/// # Numerics
/// Angles are taken in f64 from both half-angles, which is exact for small and large ones
/// alike. Where the sine of the angle is below 1e-3 the spherical path is the linear one: for
/// nearly parallel points the two differ by less than 1e-6 of the length, and between opposite
/// points no great circle is the shortest (that path passes near the origin). So it is where an end is
/// the origin. Both ends of a path are the points themselves, bit for bit.
///
/// Gradients flow to the ends; the angle counts as a constant.
///
/// # References
/// Shoemake (1985), "Animating Rotation with Quaternion Curves"; White (2016), "Sampling
/// Generative Networks", for latent spaces.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::latent::Interpolation;
///
/// let device = Device::flex();
/// let east = Tensor::<1>::from_floats([1.0, 0.0], &device);
/// let north = Tensor::<1>::from_floats([0.0, 1.0], &device);
/// let half = 0.5f32.sqrt();
/// for (method, middle) in [(Interpolation::Linear, 0.5), (Interpolation::Spherical, half)] {
///     let path = method.path(east.clone(), north.clone(), 3)?;
///     let expected =
///         Tensor::<2>::from_floats([[1.0, 0.0], [middle, middle], [0.0, 1.0]], &device);
///     assert!(path.all_close(expected, None, None));
/// }
/// # Ok::<(), pyrogen_core::RequestError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interpolation {
    /// Along the straight line.
    Linear,
    /// Along the great circle.
    #[default]
    Spherical,
}

/// Below this sine of the angle, the spherical path is the linear one.
const SMALL_SINE: f64 = 1e-3;

impl Interpolation {
    /// `steps` points from `from` to `to`, both included: `[steps, latents]`.
    ///
    /// # Errors
    /// Fewer than two steps.
    ///
    /// # Panics
    /// If the points have different widths.
    pub fn path(
        self,
        from: Tensor<1>,
        to: Tensor<1>,
        steps: usize,
    ) -> Result<Tensor<2>, RequestError> {
        let path = self.paths(from.unsqueeze_dim(0), to.unsqueeze_dim(0), steps)?;
        Ok(path.squeeze_dim(0))
    }

    /// A path for each pair of rows of `[n, latents]`: `[n, steps, latents]`.
    ///
    /// # Errors
    /// Fewer than two steps.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn paths(
        self,
        from: Tensor<2>,
        to: Tensor<2>,
        steps: usize,
    ) -> Result<Tensor<3>, RequestError> {
        let [pairs, latents] = from.dims();
        assert_eq!(from.dims(), to.dims(), "Interpolation: points of different shapes");
        let times = spaced(0.0, 1.0, steps)?;
        let angles = match self {
            Self::Linear => vec![0.0; pairs],
            Self::Spherical => angles(&host(from.clone()), &host(to.clone()), latents),
        };
        let weights: Vec<(f64, f64)> = angles
            .iter()
            .flat_map(|&angle| times.iter().map(move |&t| weights(t, angle)))
            .collect();
        let device = from.device();
        let shape = [pairs, steps, 1];
        let near: Tensor<3> = upload(weights.iter().map(|w| w.0), shape, &device);
        let far: Tensor<3> = upload(weights.iter().map(|w| w.1), shape, &device);
        Ok(from.unsqueeze_dim::<3>(1) * near + to.unsqueeze_dim::<3>(1) * far)
    }
}

/// What the two ends weigh at time `t`. An angle of 0 stands for the straight line.
fn weights(t: f64, angle: f64) -> (f64, f64) {
    let sine = angle.sin();
    if sine < SMALL_SINE {
        return (1.0 - t, t);
    }
    (((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine)
}

/// The angle between each pair of rows, `2 atan2(|u - v|, |u + v|)` for the unit vectors `u` and
/// `v` (Kahan 2006, "How Futile are Mindless Assessments of Roundoff", on angles); 0 where a row is
/// all zeros.
fn angles(a: &[f64], b: &[f64], latents: usize) -> Vec<f64> {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let rows = a.chunks_exact(latents.max(1)).zip(b.chunks_exact(latents.max(1)));
    rows.map(|(a, b)| {
        let (na, nb) = (norm(&mut a.iter().copied()), norm(&mut b.iter().copied()));
        if na == 0.0 || nb == 0.0 {
            return 0.0;
        }
        let unit = || a.iter().zip(b).map(|(x, y)| (x / na, y / nb));
        let apart = norm(&mut unit().map(|(u, v)| u - v));
        let together = norm(&mut unit().map(|(u, v)| u + v));
        2.0 * apart.atan2(together)
    })
    .collect()
}
