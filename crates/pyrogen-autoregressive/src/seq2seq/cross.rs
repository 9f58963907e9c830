//! A decoder's attention to the source.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;
use pyrogen_nn::ops::{self, AttentionHeads};

use crate::language::Dropout;
use crate::lora::Dense;
use crate::transformer::{GptConfig, Norm, Normalisation, added};

/// Attention of the places of a target to those of its source, with a normalisation before it.
#[derive(Module, Debug)]
pub struct Cross {
    /// Of the target's places, before the queries.
    pub norm: Normalisation,
    /// Queries, of the target.
    pub query: Dense,
    /// Keys and values side by side, of the source.
    pub source: Dense,
    /// Of each head's queries, where they are normalised.
    pub query_norm: Option<Normalisation>,
    /// Of each head's keys.
    pub key_norm: Option<Normalisation>,
    /// Behind the attention.
    pub projection: Dense,
}

impl Cross {
    pub(super) fn new(
        config: &GptConfig,
        [std, last]: [f64; 2],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let (width, d, bias) = (config.width, config.head_width(), config.attention_bias);
        let (inner, keys) = (config.heads * d, config.key_heads() * d);
        let layer =
            |name: &str, sizes, std| Dense::new(sizes, bias, std, &mut noise.fork(name), device);
        let (query, source) =
            (layer("query", [width, inner], std), layer("source", [width, 2 * keys], std));
        let projection = layer("projection", [inner, width], last);
        let epsilon = config.norm_epsilon;
        let of_head = || Normalisation::new(Norm::Rms, d, epsilon, device);
        Self {
            norm: Normalisation::new(config.norm, width, epsilon, device),
            query,
            source,
            query_norm: config.qk_norm.then(of_head),
            key_norm: config.qk_norm.then(of_head),
            projection,
        }
    }

    /// Keys and values of a source's features: `[rows, keys, key_heads d]` each.
    pub(super) fn keys(&self, features: Tensor<3>, heads: &AttentionHeads) -> [Tensor<3>; 2] {
        let both = self.source.forward(features);
        let width = both.dims()[2] / 2;
        let [k, v] = [0, 1].map(|i| both.clone().narrow(2, i * width, width));
        match &self.key_norm {
            Some(norm) => [norm.of_heads(k, heads.key_heads()), v],
            None => [k, v],
        }
    }

    fn queries(&self, x: Tensor<3>, heads: &AttentionHeads) -> Tensor<3> {
        let q = self.norm.then(&self.query, x);
        match &self.query_norm {
            Some(norm) => norm.of_heads(q, heads.heads),
            None => q,
        }
    }

    /// What the places see of the source, added to them.
    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        features: Tensor<3>,
        heads: &AttentionHeads,
        dropout: &Dropout,
        site: usize,
    ) -> Tensor<3> {
        let [k, v] = self.keys(features, heads);
        let attended = heads.attention(self.queries(x.clone(), heads), k, v);
        added(&self.projection, x, attended, dropout, site)
    }

    /// The same of keys and values that are at hand: `[keys, rows, key_heads d]` each.
    pub(super) fn read(
        &self,
        x: Tensor<3>,
        [k, v]: &[Tensor<3>; 2],
        heads: &AttentionHeads,
    ) -> Tensor<3> {
        let q = self.queries(x.clone(), heads);
        let attended = heads.cached_attention(q, k.clone(), v.clone());
        added(&self.projection, x, attended, &Dropout::default(), 0)
    }

    /// How much each place of a target looks at each place of its source, as a mean over the heads:
    /// `[places, keys]`, of one row without padding.
    pub(super) fn weights(
        &self,
        x: Tensor<3>,
        features: Tensor<3>,
        heads: &AttentionHeads,
    ) -> Tensor<2> {
        let ([_, places, _], [_, keys, _]) = (x.dims(), features.dims());
        let q = self.queries(x, heads);
        let [k, _] = self.keys(features, heads);
        let d = q.dims()[2] / heads.heads;
        let q = q.reshape([places, heads.heads, d]).swap_dims(0, 1);
        let k = k.reshape([keys, heads.key_heads(), 1, d]);
        let k = k.repeat_dim(2, heads.shared).reshape([keys, heads.heads, d]).swap_dims(0, 1);
        let scores = q.matmul(k.swap_dims(1, 2)) / (d as f64).sqrt();
        ops::softmax(scores).mean_dim(0).reshape([places, keys])
    }
}
