//! One flow over the patches of a picture: a causal transformer gives shift and scale of each from those
//! before it.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, init};
use pyrogen_nn::{KeyValueCache, LayerNorm, forward, linear};
use pyrogen_ops::{self as ops, AttentionHeads, Elementwise};

use super::TarFlowConfig;
use crate::numbers::{LOG_SCALE, bounded};

/// What a block gives: patches, and `ln |det|` of each picture.
pub(super) type Mapped = (Tensor<3>, Tensor<1>);

/// Standard deviation of the first places and starts.
const STD: f64 = 0.02;

/// What the last layer's first weights are divided by.
const SMALL: f64 = 1e-3;

/// `y_i = (x_i - shift_i) exp(-log_scale_i)`, with `shift_i` and `log_scale_i` functions of the patches
/// before `i` and of the class.
#[derive(Module, Debug)]
pub(super) struct FlowBlock {
    enter: Linear,
    /// What stands before the first patch, a row for each class.
    start: Param<Tensor<2>>,
    places: Param<Tensor<2>>,
    layers: Vec<CausalLayer>,
    norm: LayerNorm,
    leave: Linear,
    #[module(skip)]
    heads: usize,
}

/// Causal attention and dense layers, each with a normalisation before it.
#[derive(Module, Debug)]
struct CausalLayer {
    attention_norm: LayerNorm,
    /// Queries, keys and values side by side.
    qkv: Linear,
    projection: Linear,
    feed_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
}

impl CausalLayer {
    fn new(config: &TarFlowConfig, noise: &mut Noise, device: &Device) -> Self {
        let w = config.width;
        let hidden = w * config.expansion;
        Self {
            attention_norm: LayerNorm::new(w, device),
            qkv: linear(w, 3 * w, noise, device),
            projection: linear(w, w, noise, device),
            feed_norm: LayerNorm::new(w, device),
            wide: linear(w, hidden, noise, device),
            narrow: linear(hidden, w, noise, device),
        }
    }

    fn forward(&self, x: Tensor<3>, heads: &AttentionHeads) -> Tensor<3> {
        let qkv = self.attention_norm.then(&self.qkv).apply(x.clone());
        self.finish(x, heads.self_attention(qkv))
    }

    /// The same of the next places, whose predecessors are in the cache.
    fn read(&self, x: Tensor<3>, heads: &AttentionHeads, cache: &mut KeyValueCache) -> Tensor<3> {
        let qkv = self.attention_norm.then(&self.qkv).apply(x.clone());
        let w = x.dims()[2];
        let [q, k, v] = [0, 1, 2].map(|i| qkv.clone().narrow(2, i * w, w));
        let attended = cache.attend_shared(q, k, v, heads);
        self.finish(x, attended)
    }

    fn finish(&self, x: Tensor<3>, attended: Tensor<3>) -> Tensor<3> {
        let x = forward::linear_map(&self.projection).plus(x).apply(attended);
        let hidden = self.feed_norm.then(&self.wide).apply(x.clone());
        forward::linear_map(&self.narrow).after(Elementwise::Gelu).plus(x).apply(hidden)
    }
}

impl FlowBlock {
    pub fn new(config: &TarFlowConfig, noise: &mut Noise, device: &Device) -> Self {
        let (w, d) = (config.width, config.token());
        let enter = linear(d, w, noise, device);
        let start = init::normal([config.classes.unwrap_or(1), w], STD, noise, device);
        let places = init::normal([config.tokens(), w], STD, noise, device);
        let layers = (0..config.layers).map(|_| CausalLayer::new(config, noise, device)).collect();
        let mut leave = linear(w, 2 * d, noise, device);
        leave.weight = Param::from_tensor((leave.weight.val() * SMALL).detach());
        leave.bias = leave.bias.map(|bias| Param::from_tensor((bias.val() * SMALL).detach()));
        let norm = LayerNorm::new(w, device);
        Self { enter, start, places, layers, norm, leave, heads: config.heads }
    }

    fn causal(&self) -> AttentionHeads {
        AttentionHeads { heads: self.heads, shared: 1, causal: true, first: None }
    }

    /// What stands before the first patch of each picture.
    fn first(&self, class: &Tensor<2>) -> Tensor<3> {
        class.clone().matmul(self.start.val()).unsqueeze_dim(1)
    }

    /// Shifts and logarithms of scales of the patches behind `before`, one more than these.
    fn parameters(&self, before: Option<Tensor<3>>, class: &Tensor<2>) -> [Tensor<3>; 2] {
        let first = self.first(class);
        let x = match before {
            Some(before) => Tensor::cat(vec![first, forward::linear(&self.enter, before)], 1),
            None => first,
        };
        let places: Tensor<3> = self.places.val().narrow(0, 0, x.dims()[1]).unsqueeze();
        let (x, heads) = (x + places, self.causal());
        self.shifts(self.layers.iter().fold(x, |x, layer| layer.forward(x, &heads)))
    }

    fn shifts(&self, x: Tensor<3>) -> [Tensor<3>; 2] {
        let given = self.norm.then(&self.leave).apply(x);
        let d = given.dims()[2] / 2;
        let raw = given.clone().narrow(2, d, d);
        [given.narrow(2, 0, d), bounded(raw, LOG_SCALE)]
    }

    /// All patches at once.
    pub fn forward(&self, x: Tensor<3>, class: &Tensor<2>) -> Mapped {
        let before = x.clone().narrow(1, 0, x.dims()[1] - 1);
        let [shift, log_scale] = self.parameters(Some(before), class);
        let y = (x - shift) * ops::exp(log_scale.clone().neg());
        (y, each(log_scale).neg())
    }

    /// Patch after patch: with the keys and values of those before kept, or, where gradients are tracked,
    /// with the whole network for each.
    pub fn inverse(&self, y: Tensor<3>, class: &Tensor<2>) -> Mapped {
        match y.device().is_autodiff() {
            true => self.inverse_anew(y, class),
            false => self.inverse_by_cache(y, class),
        }
    }

    fn inverse_anew(&self, y: Tensor<3>, class: &Tensor<2>) -> Mapped {
        in_order(y, |found| {
            let before = (!found.is_empty()).then(|| Tensor::cat(found.to_vec(), 1));
            self.parameters(before, class).map(|given| given.narrow(1, found.len(), 1))
        })
    }

    fn inverse_by_cache(&self, y: Tensor<3>, class: &Tensor<2>) -> Mapped {
        let ([rows, tokens, _], heads) = (y.dims(), self.causal());
        let width = self.places.dims()[1];
        let cache = |_: &CausalLayer| KeyValueCache::new(rows, tokens, width, &y.device());
        let mut caches: Vec<KeyValueCache> = self.layers.iter().map(cache).collect();
        in_order(y, |found| {
            let entered = match found.last() {
                None => self.first(class),
                Some(last) => forward::linear(&self.enter, last.clone()),
            };
            let place: Tensor<3> = self.places.val().narrow(0, found.len(), 1).unsqueeze();
            let x = entered + place;
            let layers = self.layers.iter().zip(&mut caches);
            self.shifts(layers.fold(x, |x, (layer, cache)| layer.read(x, &heads, cache)))
        })
    }
}

/// The inverse, patch after patch: `next` gives shift and logarithm of the scale of the patch behind those
/// that it gets.
fn in_order(y: Tensor<3>, mut next: impl FnMut(&[Tensor<3>]) -> [Tensor<3>; 2]) -> Mapped {
    let tokens = y.dims()[1];
    let mut found = Vec::with_capacity(tokens);
    let mut log_scales = Vec::with_capacity(tokens);
    for i in 0..tokens {
        let [shift, log_scale] = next(&found);
        found.push(y.clone().narrow(1, i, 1) * ops::exp(log_scale.clone()) + shift);
        log_scales.push(log_scale);
    }
    (Tensor::cat(found, 1), each(Tensor::cat(log_scales, 1)))
}

/// The sum over each picture.
fn each(x: Tensor<3>) -> Tensor<1> {
    let rows: Tensor<2> = x.flatten(1, 2);
    rows.sum_dim(1).squeeze_dim(1)
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;
    use pyrogen_testkit::{device, largest_difference};

    use super::*;

    /// Keys and values that are kept give what the whole network gives for each patch anew.
    #[test]
    fn a_cache_changes_nothing() {
        let config = TarFlowConfig { width: 8, heads: 2, classes: Some(2), ..Default::default() };
        let config = TarFlowConfig { event: vec![1, 4, 6], ..config };
        let mut noise = Noise::new(Seed(3));
        let mut block = FlowBlock::new(&config, &mut noise, &device());
        // Shifts and scales of about 1.
        block.leave = linear(8, 8, &mut noise, &device());
        let y: Tensor<3> = noise.normal([3, 6, 4], &device());
        let class = Tensor::from_floats([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], &device());
        let (anew, first) = block.inverse_anew(y.clone(), &class);
        let (cached, second) = block.inverse_by_cache(y.clone(), &class);
        // Sums of eight numbers in another order, six times over.
        assert!(largest_difference(anew, cached.clone()) < 1e-5);
        assert!(largest_difference(first, second.clone()) < 1e-5);
        let (again, third) = block.forward(cached, &class);
        assert!(largest_difference(again, y) < 1e-5);
        assert!(largest_difference(third, second.neg()) < 1e-5);
    }
}
