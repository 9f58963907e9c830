//! A number (a time, a noise level) as a vector that a network reads.

use std::f64::consts::PI;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{ConfigError, Noise, normal_quantile};
use pyrogen_ops as ops;
use serde::{Deserialize, Serialize};

use crate::{forward, linear};

/// How a time becomes a vector of sines and cosines.
///
/// In JSON `{"sinusoidal": {..}}` or `{"fourier": {"scale": 16.0}}`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_nn::TimeEncoding;
///
/// let time = Tensor::<1>::from_floats([0.0, 500.0], &Device::flex());
/// let rows = TimeEncoding::default().forward(time, 8);
/// assert_eq!(rows.dims(), [2, 8]);
/// let first: Vec<f32> = rows.slice([0..1]).into_data().try_to_vec().unwrap();
/// assert_eq!(first, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]); // cosines, then sines
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TimeEncoding {
    /// Frequencies `period^(-i / (half - shift))`, `i` from 0 to `half - 1`, for times of about 0 to
    /// 1000 (Vaswani et al. 2017, section 3.5; Ho et al. 2020).
    Sinusoidal {
        /// The longest period, divided by `2 pi`.
        period: f64,
        /// 0, or 1 where the lowest frequency is to be `1 / period` exactly.
        shift: f64,
        /// Cosines before sines.
        cosines_first: bool,
    },
    /// Frequencies of normal distribution, `2 pi scale |n|`, for times of about -1 to 1 (Tancik et
    /// al. 2020; Song et al. 2021). They are the quantiles of `|n|` and not draws, so that they need
    /// not be saved.
    Fourier {
        /// Standard deviation of the frequencies, in periods.
        scale: f64,
    },
}

impl Default for TimeEncoding {
    fn default() -> Self {
        Self::Sinusoidal { period: 10_000.0, shift: 0.0, cosines_first: true }
    }
}

impl TimeEncoding {
    /// Checks the parameters; `field` is the path that an error names.
    ///
    /// # Errors
    /// A period not above 1, a shift outside 0 to 1, or a scale that is not positive.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        let (name, good, expected, got) = match *self {
            Self::Sinusoidal { shift, .. } if !(0.0..=1.0).contains(&shift) => {
                ("sinusoidal.shift", false, "between 0 and 1", shift)
            }
            Self::Sinusoidal { period, .. } => {
                let good = period.is_finite() && period > 1.0;
                ("sinusoidal.period", good, "a number above 1", period)
            }
            Self::Fourier { scale } => {
                let good = scale.is_finite() && scale > 0.0;
                ("fourier.scale", good, "a positive number", scale)
            }
        };
        if good {
            return Ok(());
        }
        Err(ConfigError::value(format!("{field}.{name}"), expected, got))
    }

    /// The frequencies, `width / 2` of them.
    pub fn frequencies(&self, width: usize) -> Vec<f64> {
        let half = width / 2;
        let place = |i: usize| i as f64;
        match *self {
            Self::Sinusoidal { period, shift, .. } => {
                let last = (half as f64 - shift).max(1.0);
                (0..half).map(|i| (-period.ln() * place(i) / last).exp()).collect()
            }
            Self::Fourier { scale } => (0..half)
                .map(|i| {
                    let quantile = 0.5 + (place(i) + 0.5) / (2.0 * half as f64);
                    2.0 * PI * scale * normal_quantile(quantile)
                })
                .collect(),
        }
    }

    /// Sines and cosines of the products of time and frequency; a last zero where `width` is odd.
    ///
    /// # Shapes
    /// `time` is `[batch]`, the result `[batch, width]`.
    ///
    /// # Numerics
    /// Single precision: the phase of a time of 1000 has an error of up to 6e-5.
    pub fn forward(&self, time: Tensor<1>, width: usize) -> Tensor<2> {
        let ([batch], device) = (time.dims(), time.device());
        let frequencies: Vec<f32> = self.frequencies(width).iter().map(|&f| f as f32).collect();
        let half = frequencies.len();
        let row = Tensor::<2>::from_data(TensorData::new(frequencies, [1, half]), &device);
        let phase = time.reshape([batch, 1]) * row;
        let (sines, cosines) = (phase.clone().sin(), phase.cos());
        let mut parts = match self {
            Self::Sinusoidal { cosines_first: true, .. } => vec![cosines, sines],
            _ => vec![sines, cosines],
        };
        if width % 2 == 1 {
            parts.push(Tensor::zeros([batch, 1], &device));
        }
        Tensor::cat(parts, 1)
    }
}

/// A time's vector through two layers, and what is added to it for a class.
///
/// The result has been through SiLU: that is how every block reads it.
#[derive(Module, Debug)]
pub struct TimeEmbedding {
    /// `[width, hidden]`.
    pub first: Linear,
    /// `[hidden, hidden]`.
    pub second: Linear,
    /// One row a class, `[classes, hidden]`.
    pub classes: Option<burn::module::Param<Tensor<2>>>,
    #[module(skip)]
    encoding: TimeEncoding,
}

impl TimeEmbedding {
    /// From `width` sines and cosines to `hidden` numbers, with a row for each class.
    pub fn new(
        encoding: TimeEncoding,
        width: usize,
        hidden: usize,
        classes: Option<usize>,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        Self {
            first: linear(width, hidden, noise, device),
            second: linear(hidden, hidden, noise, device),
            classes: classes
                .map(|classes| pyrogen_core::init::normal([classes, hidden], 1.0, noise, device)),
            encoding,
        }
    }

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub fn num_params_of(width: usize, hidden: usize, classes: Option<usize>) -> usize {
        let rows = width.saturating_add(hidden).saturating_add(2);
        rows.saturating_add(classes.unwrap_or(0)).saturating_mul(hidden)
    }

    /// `silu(second(silu(first(encode(time)))) + row of the class)`.
    ///
    /// # Shapes
    /// `time` and `labels` are `[batch]`, the result `[batch, hidden]`.
    ///
    /// # Panics
    /// If labels are given to an embedding without classes or the other way round, or one is out of
    /// range.
    pub fn forward(
        &self,
        time: Tensor<1>,
        labels: Option<Tensor<1, burn::tensor::Int>>,
    ) -> Tensor<2> {
        let [width, _] = self.first.weight.dims();
        let x = self.encoding.forward(time, width);
        let x = forward::linear(&self.second, ops::silu(forward::linear(&self.first, x)));
        let x = match (&self.classes, labels) {
            (None, None) => x,
            (Some(rows), Some(labels)) => {
                let [classes, _] = rows.dims();
                x + ops::matmul(crate::one_hot(labels, classes), rows.val())
            }
            (None, Some(_)) => panic!("TimeEmbedding: labels for a network without classes"),
            (Some(rows), None) => {
                panic!("TimeEmbedding: give one label (of {}) an example", rows.dims()[0])
            }
        };
        ops::silu(x)
    }
}
