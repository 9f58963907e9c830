//! Attention of Burn's operations, whose gradient makes the weights again.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation};

use crate::AttentionHeads;
use crate::device::{DeviceOp, apply};

impl AttentionHeads {
    /// Attention of queries to keys and values, each `[batch, places, heads d]`.
    pub(crate) fn on_device(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let ([batch, queries, _], [_, keys, _]) = (q.dims(), k.dims());
        let hidden = self.hidden([batch, queries, keys], &q.device().without_autodiff());
        apply(Apart { heads: self.clone(), hidden }, [q, k, v]).0
    }

    /// Attention of queries, keys and values that stand side by side.
    pub(crate) fn packed_on_device(&self, qkv: Tensor<3>) -> Tensor<3> {
        let [batch, places, _] = qkv.dims();
        let hidden = self.hidden([batch, places, places], &qkv.device().without_autodiff());
        apply(Packed(Apart { heads: self.clone(), hidden }), [qkv]).0
    }

    /// Queries, keys and values.
    fn parts(&self, qkv: Tensor<3>) -> [Tensor<3>; 3] {
        let d = qkv.dims()[2] / (self.heads + 2 * self.key_heads());
        let (q, rest) = (self.heads * d, self.key_heads() * d);
        let [k, v] = [0, 1].map(|i| qkv.clone().narrow(2, q + i * rest, rest));
        [qkv.narrow(2, 0, q), k, v]
    }

    /// `[batch, places, heads d]` to `[batch, heads, places, d]`; keys and values as often as queries
    /// share them.
    fn split(&self, x: Tensor<3>, heads: usize) -> Tensor<4> {
        let [batch, places, width] = x.dims();
        let x = x.reshape([batch, places, heads, width / heads]).swap_dims(1, 2);
        match self.heads / heads {
            1 => x,
            shared => {
                let d = width / heads;
                let x = x.reshape([batch, heads, 1, places, d]);
                let x: Tensor<5> = x.expand([batch, heads, shared, places, d]);
                x.reshape([batch, self.heads, places, d])
            }
        }
    }

    /// Undoes [`split`](Self::split) of a gradient: what shares keys adds up.
    fn join(&self, x: Tensor<4>, heads: usize) -> Tensor<3> {
        let [batch, _, places, d] = x.dims();
        let x = match self.heads / heads {
            1 => x,
            shared => {
                let x = x.reshape([batch, heads, shared, places * d]).sum_dim(2);
                x.reshape([batch, heads, places, d])
            }
        };
        x.swap_dims(1, 2).reshape([batch, places, heads * d])
    }

    /// Which keys a query does not see: `[batch or 1, 1, queries, keys]`, made on the device; None where
    /// each sees all.
    fn hidden(
        &self,
        [batch, queries, keys]: [usize; 3],
        device: &Device,
    ) -> Option<Tensor<4, Bool>> {
        let behind = self.causal.then(|| {
            let offset = keys as i64 - queries as i64;
            let mask = Tensor::<2, Bool>::tril_mask([queries, keys], offset, device);
            mask.reshape([1, 1, queries, keys])
        });
        let Some(first) = &self.first else { return behind };
        let first: Vec<i32> = first.iter().map(|&first| first as i32).collect();
        let first = TensorData::new(first, [batch, 1, queries, 1]);
        let first = Tensor::<4, Int>::from_data(first, device);
        let keys_at = Tensor::<1, Int>::arange(0..keys as i64, device).reshape([1, 1, 1, keys]);
        let shape = [batch, 1, queries, keys];
        let before = keys_at.expand(shape).lower(first.expand(shape));
        Some(match behind {
            Some(behind) => before.bool_or(behind.expand(shape)),
            None => before,
        })
    }
}

/// Queries, keys and values apart.
#[derive(Debug, Clone)]
struct Apart {
    heads: AttentionHeads,
    /// Which keys a query does not see, made once for both directions.
    hidden: Option<Tensor<4, Bool>>,
}

/// Queries, keys and values side by side.
#[derive(Debug, Clone)]
struct Packed(Apart);

impl Apart {
    /// `softmax(q k^T)` of split heads; the queries are scaled.
    fn weights(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let scores = q.matmul(k.swap_dims(2, 3));
        let scores = match &self.hidden {
            Some(hidden) => scores.mask_fill(hidden.clone(), f32::NEG_INFINITY),
            None => scores,
        };
        activation::softmax(scores, 3)
    }
}

impl DeviceOp<3, 3, 3> for Apart {
    fn forward(&self, [q, k, v]: [Tensor<3>; 3]) -> (Tensor<3>, Vec<Tensor<3>>) {
        let (heads, key_heads) = (self.heads.heads, self.heads.key_heads());
        let scale = root(&q, heads);
        let saved = [q.clone(), k.clone(), v.clone()];
        let weights =
            self.weights(self.heads.split(q / scale, heads), self.heads.split(k, key_heads));
        let out = weights.matmul(self.heads.split(v, key_heads));
        let out = self.heads.join(out, heads);
        let saved = saved.into_iter().chain([out.clone()]).collect();
        (out, saved)
    }

    /// With weights `P` and the gradient `G` of the result `O`: `dV = P^T G`,
    /// `dS = P (G V^T - rows of G O)`, `dQ = dS K / sqrt(d)`, `dK = dS^T Q / sqrt(d)`.
    fn backward(&self, saved: Vec<Tensor<3>>, grad: Tensor<3>) -> [Tensor<3>; 3] {
        let (heads, key_heads) = (self.heads.heads, self.heads.key_heads());
        let [q, k, v, out] = saved.try_into().expect("queries, keys, values and the result");
        let scale = root(&q, heads);
        let (q, k) = (self.heads.split(q / scale, heads), self.heads.split(k, key_heads));
        let [v, out, grad] = [(v, key_heads), (out, heads), (grad, heads)]
            .map(|(x, heads)| self.heads.split(x, heads));
        let weights = self.weights(q.clone(), k.clone());
        let of_values = weights.clone().swap_dims(2, 3).matmul(grad.clone());
        let mean = (grad.clone() * out).sum_dim(3);
        let of_scores = weights * (grad.matmul(v.swap_dims(2, 3)) - mean);
        let of_queries = of_scores.clone().matmul(k) / scale;
        let of_keys = of_scores.swap_dims(2, 3).matmul(q);
        [(of_queries, heads), (of_keys, key_heads), (of_values, key_heads)]
            .map(|(x, heads)| self.heads.join(x, heads))
    }
}

impl DeviceOp<1, 3, 3> for Packed {
    fn forward(&self, [qkv]: [Tensor<3>; 1]) -> (Tensor<3>, Vec<Tensor<3>>) {
        let (out, _) = self.0.forward(self.0.heads.parts(qkv.clone()));
        (out.clone(), vec![qkv, out])
    }

    fn backward(&self, saved: Vec<Tensor<3>>, grad: Tensor<3>) -> [Tensor<3>; 1] {
        let [qkv, out] = saved.try_into().expect("all parts and the result");
        let saved = self.0.heads.parts(qkv).into_iter().chain([out]).collect();
        let parts = self.0.backward(saved, grad);
        [Tensor::cat(parts.into(), 2)]
    }
}

/// The root of a head's features.
fn root(q: &Tensor<3>, heads: usize) -> f64 {
    ((q.dims()[2] / heads) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use pyrogen_testkit::device;

    use super::*;
    use crate::device::tests::{assert_gradients, leaf};

    #[test]
    fn gradients_without_the_weights() {
        let (batch, queries, keys, d) = (2, 5, 7, 3);
        for (heads, shared, causal, first) in [
            (2, 1, false, None),
            (2, 1, true, None),
            (4, 2, true, None),
            (6, 3, false, Some([0, 2, 1, 4, 3, 0, 6, 1, 2, 3])),
            (2, 2, true, Some([0, 1, 2, 3, 4, 2, 0, 4, 1, 5])),
        ] {
            let first = first.map(|first| first.as_slice().into());
            let op = AttentionHeads { heads, shared, causal, first };
            let width = heads / shared * d;
            let q = leaf([batch, queries, heads * d], 1);
            let (k, v) = (leaf([batch, keys, width], 2), leaf([batch, keys, width], 3));
            let hidden = op.hidden([batch, queries, keys], &device());
            assert_gradients(&Apart { heads: op.clone(), hidden }, [q, k, v]);
            let qkv = leaf([batch, queries, heads * d + 2 * width], 4);
            let first = op.first.is_some().then(|| vec![0; batch * queries].into());
            let heads = AttentionHeads { first, ..op };
            let hidden = heads.hidden([batch, queries, queries], &device());
            assert_gradients(&Packed(Apart { heads, hidden }), [qkv]);
        }
    }
}
