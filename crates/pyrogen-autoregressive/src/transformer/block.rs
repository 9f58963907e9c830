//! A block of a transformer: attention, then dense layers.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;
use pyrogen_nn::KeyValueCache;
use pyrogen_nn::ops::{self, AttentionHeads, Elementwise, Rotation};

use super::config::{Feed, GptConfig, Norm};
use super::norm::Normalisation;
use crate::language::Dropout;
use crate::lora::{Adapter, Dense, LoraConfig};

/// Attention and dense layers, each with a normalisation before it.
#[derive(Module, Debug)]
pub struct Block {
    /// Before the attention.
    pub attention_norm: Normalisation,
    /// Queries, keys and values side by side.
    pub qkv: Dense,
    /// Of each head's queries, where they are normalised.
    pub query_norm: Option<Normalisation>,
    /// Of each head's keys.
    pub key_norm: Option<Normalisation>,
    /// Behind the attention.
    pub projection: Dense,
    /// Before the dense layers.
    pub feed_norm: Normalisation,
    /// To the hidden features; of SwiGLU the gate and the others side by side.
    pub wide: Dense,
    /// Back from them.
    pub narrow: Dense,
    #[module(skip)]
    feed: Feed,
}

/// What all blocks see alike.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) rotation: Option<&'a Rotation>,
    pub(crate) heads: &'a AttentionHeads,
}

impl GptConfig {
    pub(crate) fn attention_heads(
        &self,
        causal: bool,
        first: Option<Arc<[u32]>>,
    ) -> AttentionHeads {
        AttentionHeads { heads: self.heads, shared: self.heads / self.key_heads(), causal, first }
    }
}

impl Block {
    pub(crate) fn new(
        config: &GptConfig,
        [std, last]: [f64; 2],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let (width, d, hidden) = (config.width, config.head_width(), config.hidden());
        let (inner, keys) = (config.heads * d, config.key_heads() * d);
        let layer = |name: &str, sizes, bias, std| {
            Dense::new(sizes, bias, std, &mut noise.fork(name), device)
        };
        let parts = if config.feed == Feed::Swiglu { 2 } else { 1 };
        let (attention, feed) = (config.attention_bias, config.feed_bias);
        let qkv = layer("qkv", [width, inner + 2 * keys], attention, std);
        let projection = layer("projection", [inner, width], attention, last);
        let wide = layer("wide", [width, parts * hidden], feed, std);
        let narrow = layer("narrow", [hidden, width], feed, last);
        let epsilon = config.norm_epsilon;
        let norm = || Normalisation::new(config.norm, width, epsilon, device);
        let of_head = || Normalisation::new(Norm::Rms, d, epsilon, device);
        Self {
            attention_norm: norm(),
            qkv,
            query_norm: config.qk_norm.then(of_head),
            key_norm: config.qk_norm.then(of_head),
            projection,
            feed_norm: norm(),
            wide,
            narrow,
            feed: config.feed,
        }
    }

    pub(super) fn adapted(self, lora: LoraConfig, noise: &mut Noise) -> Self {
        let mut layer = |layer: Dense| layer.adapted(lora, noise);
        Self {
            qkv: layer(self.qkv),
            projection: layer(self.projection),
            wide: layer(self.wide),
            narrow: layer(self.narrow),
            ..self
        }
    }

    /// With the adapters of its layers, by their names.
    pub(super) fn with_given(self, mut adapter: impl FnMut(&str) -> Option<Adapter>) -> Self {
        Self {
            qkv: self.qkv.with(adapter("qkv")),
            projection: self.projection.with(adapter("projection")),
            wide: self.wide.with(adapter("wide")),
            narrow: self.narrow.with(adapter("narrow")),
            ..self
        }
    }

    /// A dense layer by its name.
    pub(crate) fn layer(&self, name: &str) -> &Dense {
        match name {
            "qkv" => &self.qkv,
            "projection" => &self.projection,
            "wide" => &self.wide,
            _ => &self.narrow,
        }
    }

    /// With layers in whole numbers of eight bits.
    pub(super) fn in_int8(self) -> Self {
        Self {
            qkv: self.qkv.in_int8(),
            projection: self.projection.in_int8(),
            wide: self.wide.in_int8(),
            narrow: self.narrow.in_int8(),
            ..self
        }
    }

    pub(super) fn merged(self) -> Self {
        Self {
            qkv: self.qkv.merged(),
            projection: self.projection.merged(),
            wide: self.wide.merged(),
            narrow: self.narrow.merged(),
            ..self
        }
    }

    pub(crate) fn forward(
        &self,
        x: Tensor<3>,
        view: View,
        dropout: &Dropout,
        site: usize,
    ) -> Tensor<3> {
        let x = self.attended(x, view, dropout, site);
        self.fed(x, dropout, site + 1)
    }

    /// The first half: attention.
    pub(crate) fn attended(
        &self,
        x: Tensor<3>,
        view: View,
        dropout: &Dropout,
        site: usize,
    ) -> Tensor<3> {
        let qkv = self.turned(x.clone(), view);
        let attended = view.heads.self_attention(qkv);
        added(&self.projection, x, attended, dropout, site)
    }

    pub(super) fn read(&self, x: Tensor<3>, view: View, cache: &mut KeyValueCache) -> Tensor<3> {
        self.fed(self.attended_cached(x, view, cache), &Dropout::default(), 0)
    }

    /// The first half, of places that go on from a cache.
    pub(crate) fn attended_cached(
        &self,
        x: Tensor<3>,
        view: View,
        cache: &mut KeyValueCache,
    ) -> Tensor<3> {
        let qkv = self.turned(x.clone(), view);
        let (all, heads) = (qkv.dims()[2], view.heads);
        let d = all / (heads.heads + 2 * heads.key_heads());
        let (inner, keys) = (heads.heads * d, heads.key_heads() * d);
        let [k, v] = [0, 1].map(|i| qkv.clone().narrow(2, inner + i * keys, keys));
        let attended = cache.attend_shared(qkv.narrow(2, 0, inner), k, v, heads);
        added(&self.projection, x, attended, &Dropout::default(), 0)
    }

    /// Queries, keys and values, with places in them.
    fn turned(&self, x: Tensor<3>, view: View) -> Tensor<3> {
        let heads = view.heads;
        let turning = heads.heads + heads.key_heads();
        let qkv = self.attention_norm.then(&self.qkv, x);
        let qkv = match (&self.query_norm, &self.key_norm) {
            (Some(query), Some(key)) => {
                let scales = [query.gamma.val(), key.gamma.val()];
                let counts = [heads.heads, heads.key_heads()];
                ops::query_key_norm(qkv, scales, counts, query.epsilon)
            }
            _ => qkv,
        };
        match view.rotation {
            Some(rotation) => rotation.apply(qkv, turning),
            None => qkv,
        }
    }

    /// The second half: the dense layers.
    pub(crate) fn fed(&self, x: Tensor<3>, dropout: &Dropout, site: usize) -> Tensor<3> {
        let hidden = self.feed_norm.then(&self.wide, x.clone());
        let function = match self.feed {
            Feed::Gelu => Elementwise::Gelu,
            Feed::GeluTanh => Elementwise::GeluTanh,
            Feed::Relu => Elementwise::LeakyRelu(0.0),
            Feed::Swiglu => {
                let hidden = ops::gated_silu(hidden);
                return added(&self.narrow, x, hidden, dropout, site);
            }
        };
        if dropout.is_none() && self.narrow.is_plain() {
            return self.narrow.linear().after(function).plus(x).apply(hidden);
        }
        x + dropout.apply(site, self.narrow.after(function, hidden))
    }
}

/// What a layer adds to `x`.
pub(crate) fn added(
    layer: &Dense,
    x: Tensor<3>,
    inputs: Tensor<3>,
    dropout: &Dropout,
    site: usize,
) -> Tensor<3> {
    if dropout.is_none() && layer.has_weight() {
        return layer.finish(inputs.clone(), layer.linear().plus(x), inputs);
    }
    x + dropout.apply(site, layer.forward(inputs))
}
