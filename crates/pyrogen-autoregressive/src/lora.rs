//! Adapters of low rank, and the dense layer that may have one.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::config::check;
use pyrogen_core::{ConfigError, Noise, init};
use pyrogen_nn::ops::{Elementwise, Int8Matrix, LinearMap};
use serde::{Deserialize, Serialize};

/// Adapters of low rank (Hu et al. 2022, "LoRA", eq. 3): each dense layer adds
/// `alpha / rank * x A B`, with `B` zero at first, and only `A` and `B` are trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LoraConfig {
    /// Columns of `A`.
    pub rank: usize,
    /// The scale, before it is divided by the rank.
    pub alpha: f64,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0 }
    }
}

impl LoraConfig {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        check::at_least_one("lora.rank", self.rank)?;
        check::positive("lora.alpha", self.alpha)
    }
}

/// A dense layer `x W + b`, with an adapter where there is one.
#[derive(Module, Debug)]
pub struct Dense {
    /// `[d_in, d_out]`.
    pub weight: Param<Tensor<2>>,
    /// `[d_out]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// What is trained in its place.
    pub adapter: Option<Adapter>,
    /// The weight in whole numbers of eight bits, in the place of `weight`.
    #[module(skip)]
    int8: Option<Int8Matrix>,
}

/// What stands where a weight was.
pub(crate) fn nothing(device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(Tensor::zeros([1, 1], device))
}

/// The two matrices of an adapter.
#[derive(Module, Debug)]
pub struct Adapter {
    /// `[d_in, rank]`.
    pub a: Param<Tensor<2>>,
    /// `[rank, d_out]`, at first zeros.
    pub b: Param<Tensor<2>>,
    #[module(skip)]
    scale: f64,
}

impl Adapter {
    /// From `A` `[d_in, rank]` and `B` `[rank, d_out]`.
    pub(crate) fn new(a: Tensor<2>, b: Tensor<2>, scale: f64) -> Self {
        Self { a: Param::from_tensor(a), b: Param::from_tensor(b), scale }
    }

    /// The factor of `x A B`.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

impl Dense {
    /// A layer whose weights are normal with this standard deviation, and whose bias is zero.
    pub(crate) fn new(
        [into, out]: [usize; 2],
        bias: bool,
        std: f64,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        Self {
            weight: init::normal([into, out], std, noise, device),
            bias: bias.then(|| init::constant([out], 0.0, device)),
            adapter: None,
            int8: None,
        }
    }

    /// The layer with its adapter added, in whole numbers of eight bits.
    pub(crate) fn in_int8(self) -> Self {
        let layer = self.merged();
        let int8 = Some(Int8Matrix::of_columns(layer.weight.val().detach()));
        Self { weight: nothing(&layer.weight.device()), int8, ..layer }
    }

    /// Whether it has its weight in single precision.
    pub(crate) fn has_weight(&self) -> bool {
        self.int8.is_none()
    }

    /// Whether it is a weight and a bias, and nothing else.
    pub(crate) fn is_plain(&self) -> bool {
        self.adapter.is_none() && self.int8.is_none()
    }

    /// The product with whole numbers, where the layer has them.
    fn by_int8(&self, x: &Tensor<3>) -> Option<Tensor<3>> {
        let out = self.int8.as_ref()?.apply(x.clone());
        let bias = self.bias.as_ref().map(|bias| bias.val().reshape([1, 1, out.dims()[2]]));
        Some(match bias {
            Some(bias) => out + bias,
            None => out,
        })
    }

    /// Bytes of the weight.
    pub(crate) fn bytes(&self) -> usize {
        self.int8.as_ref().map_or(4 * self.weight.shape().num_elements(), Int8Matrix::bytes)
    }

    /// The same layer at rest, with an adapter.
    pub(crate) fn adapted(self, config: LoraConfig, noise: &mut Noise) -> Self {
        let ([into, out], device) = (self.weight.dims(), self.weight.device());
        let adapter = Adapter {
            a: init::fan_in([into, config.rank], into, noise, &device),
            b: init::constant([config.rank, out], 0.0, &device),
            scale: config.alpha / config.rank as f64,
        };
        Self { adapter: Some(adapter), ..self.no_grad() }
    }

    /// The same layer at rest, with a given adapter or none.
    pub(crate) fn with(self, adapter: Option<Adapter>) -> Self {
        Self { adapter, ..self.no_grad() }
    }

    /// The layer with the adapter added to its weight.
    pub(crate) fn merged(self) -> Self {
        let Some(adapter) = self.adapter else { return self };
        let added = adapter.a.val().matmul(adapter.b.val()) * adapter.scale;
        let weight = Param::from_tensor((self.weight.val() + added).detach());
        Self { weight, bias: self.bias, adapter: None, int8: None }
    }

    /// `[.., d_in]` to `[.., d_out]`.
    pub(crate) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        if let Some(out) = self.by_int8(&x) {
            return out;
        }
        self.finish(x.clone(), self.linear(), x)
    }

    /// Of a function of the inputs, added to `residual`.
    pub(crate) fn after(&self, function: Elementwise, x: Tensor<3>) -> Tensor<3> {
        if !self.is_plain() {
            return self.forward(function.apply(x));
        }
        self.linear().after(function).apply(x)
    }

    pub(crate) fn linear(&self) -> LinearMap<3> {
        LinearMap::new(self.weight.val(), self.bias.as_ref().map(|bias| bias.val()))
    }

    /// A map of `x`, with the adapter of the same inputs where there is one.
    pub(crate) fn finish(&self, x: Tensor<3>, map: LinearMap<3>, inputs: Tensor<3>) -> Tensor<3> {
        let out = map.apply(x);
        let Some(adapter) = &self.adapter else { return out };
        let low = LinearMap::new(adapter.a.val(), None).apply(inputs);
        out + LinearMap::new(adapter.b.val(), None).apply(low) * adapter.scale
    }
}
