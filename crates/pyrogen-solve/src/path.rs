//! From data to noise: what a flow's network sees, and what it should answer.

use std::f64::consts::FRAC_PI_2;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// A path from data at `t = 0` to noise at `t = 1`: `x_t = a(t) data + b(t) noise`, with the
/// velocity `a'(t) data + b'(t) noise`.
///
/// | path | `a` | `b` | velocity |
/// |---|---|---|---|
/// | linear | `1 - t` | `t` | `noise - data` |
/// | variance-preserving | `cos(pi t / 2)` | `sin(pi t / 2)` | `pi / 2 (cos noise - sin data)` |
///
/// # References
/// Lipman et al. 2023; Liu, Gong and Liu 2023 (linear); Albergo and Vanden-Eijnden 2023
/// (variance-preserving, there "trigonometric").
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_solve::FlowPath;
///
/// let device = Device::flex();
/// let (data, noise) = (Tensor::<2>::ones([1, 2], &device), Tensor::zeros([1, 2], &device));
/// let t = Tensor::<1>::from_data([0.25], &device);
/// let (x, velocity) = FlowPath::Linear.at(data, noise, t);
/// assert_eq!(x.into_data().to_vec::<f32>().unwrap(), [0.75, 0.75]);
/// assert_eq!(velocity.into_data().to_vec::<f32>().unwrap(), [-1.0, -1.0]);
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FlowPath {
    /// Straight lines.
    #[default]
    Linear,
    /// Quarter circles: of unit variance in between, if data and noise are.
    VariancePreserving,
}

impl FlowPath {
    /// `(x_t, velocity)` of each pair.
    ///
    /// # Shapes
    /// `data` and `noise` are `[batch, ..]`, `t` is `[batch]`.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn at<const D: usize>(
        self,
        data: Tensor<D>,
        noise: Tensor<D>,
        t: Tensor<1>,
    ) -> (Tensor<D>, Tensor<D>) {
        let shape = data.dims();
        assert_eq!(shape, noise.dims(), "FlowPath: data and noise of one shape");
        assert_eq!(t.dims(), [shape[0]], "FlowPath: one time an example");
        let mut column = [1; D];
        column[0] = shape[0];
        let t = t.reshape(column);
        match self {
            Self::Linear => {
                let velocity = noise - data.clone();
                (data + velocity.clone() * t, velocity)
            }
            Self::VariancePreserving => {
                let angle = t * FRAC_PI_2;
                let (cos, sin) = (angle.clone().cos(), angle.sin());
                let x = data.clone() * cos.clone() + noise.clone() * sin.clone();
                (x, (noise * cos - data * sin) * FRAC_PI_2)
            }
        }
    }

    /// `(a, b)` at a time: `x_t = a data + b noise`.
    pub fn coefficients(self, t: f64) -> (f64, f64) {
        match self {
            Self::Linear => (1.0 - t, t),
            Self::VariancePreserving => ((FRAC_PI_2 * t).cos(), (FRAC_PI_2 * t).sin()),
        }
    }
}
