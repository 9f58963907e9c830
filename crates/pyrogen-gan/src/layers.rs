//! The discriminator's layers: with or without spectral normalisation.

use burn::module::{Module, Param};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, init};
use pyrogen_nn::ops;

use crate::dual::Dual;
use crate::spectral::SpectralNorm;
use pyrogen_core::config::count::{product, sum};

/// How weights start and are held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Whether weights are divided by their largest singular value.
    pub spectral: bool,
    /// Whether there is a bias.
    pub bias: bool,
}

/// A linear layer.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
    norm: Option<SpectralNorm>,
}

impl Dense {
    pub fn new([d_in, d_out]: [usize; 2], held: Held, noise: &mut Noise, device: &Device) -> Self {
        let weight = init::fan_in([d_in, d_out], d_in, noise, device);
        Self {
            bias: held.bias.then(|| init::fan_in([d_out], d_in, noise, device)),
            norm: held.spectral.then(|| SpectralNorm::new(weight.val().transpose(), noise, device)),
            weight,
        }
    }

    pub fn num_params([d_in, d_out]: [usize; 2], held: Held) -> usize {
        let bias = if held.bias { d_out } else { 0 };
        let norm = if held.spectral { SpectralNorm::num_params(d_out, d_in) } else { 0 };
        sum([product(&[d_in, d_out]), bias, norm])
    }

    /// `[batch, d_in]` to `[batch, d_out]`.
    pub fn forward(&self, x: Dual<2>) -> Dual<2> {
        let weight = self.weight.val();
        let weight = match &self.norm {
            Some(norm) => weight.clone() / norm.sigma(weight.transpose()),
            None => weight,
        };
        let bias = self.bias.as_ref().map(Param::val);
        Dual {
            tangent: x.tangent.map(|t| ops::linear(t, weight.clone(), None)),
            value: ops::linear(x.value, weight, bias),
        }
    }

    /// After one more step of the power iteration.
    pub fn iterate(mut self) -> Self {
        let weight = self.weight.val().transpose();
        self.norm = self.norm.map(|norm| norm.iterate(weight));
        self
    }
}

/// A convolution with a square kernel.
#[derive(Module, Debug)]
pub(crate) struct Conv {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    norm: Option<SpectralNorm>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
}

/// Kernel, stride and padding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape(pub usize, pub usize, pub usize);

impl Conv {
    pub fn new(
        [c_in, c_out]: [usize; 2],
        Shape(kernel, stride, padding): Shape,
        held: Held,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let fan_in = c_in * kernel * kernel;
        let weight = init::fan_in([c_out, c_in, kernel, kernel], fan_in, noise, device);
        Self {
            bias: held.bias.then(|| init::fan_in([c_out], fan_in, noise, device)),
            norm: held.spectral.then(|| SpectralNorm::new(matrix(weight.val()), noise, device)),
            weight,
            stride,
            padding,
        }
    }

    pub fn num_params([c_in, c_out]: [usize; 2], shape: Shape, held: Held) -> usize {
        let rest = product(&[c_in, shape.0, shape.0]);
        let bias = if held.bias { c_out } else { 0 };
        let norm = if held.spectral { SpectralNorm::num_params(c_out, rest) } else { 0 };
        sum([product(&[c_out, rest]), bias, norm])
    }

    /// `[batch, in, height, width]` to `[batch, out, ..]`.
    pub fn forward(&self, x: Dual<4>) -> Dual<4> {
        let weight = self.weight.val();
        let weight = match &self.norm {
            Some(norm) => {
                let sigma = norm.sigma(matrix(weight.clone()));
                weight / sigma.reshape([1, 1, 1, 1])
            }
            None => weight,
        };
        let options = ConvOptions {
            stride: [self.stride; 2],
            padding: [(self.padding, self.padding); 2],
            dilation: [1, 1],
            groups: 1,
        };
        let bias = self.bias.as_ref().map(Param::val);
        Dual {
            tangent: x.tangent.map(|t| ops::conv2d(t, weight.clone(), None, options.clone())),
            value: ops::conv2d(x.value, weight, bias, options),
        }
    }

    /// After one more step of the power iteration.
    pub fn iterate(mut self) -> Self {
        let weight = matrix(self.weight.val());
        self.norm = self.norm.map(|norm| norm.iterate(weight));
        self
    }
}

/// A convolution's weight as `[out, in * kernel area]`.
fn matrix(weight: Tensor<4>) -> Tensor<2> {
    weight.flatten(1, 3)
}
