//! Causal attention whose queries may share keys, and may see only the latest of them.

use std::sync::Arc;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation};

use crate::attention::repeated;
#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// Causal attention of several heads of queries, of which `shared` at a time have one head of keys
/// and values (Ainslie et al. 2023, "GQA").
///
/// `first` is the first key that a query sees, one for each query of each example: documents that
/// stand one after the other in a row, or a window that slides. None: every query sees all keys up
/// to its own place.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_ops::CausalHeads;
///
/// // Four heads of two features; two heads of keys and as many of values.
/// let heads = CausalHeads { heads: 4, shared: 2, first: None };
/// let qkv = Tensor::<3>::ones([1, 3, 16], &Device::flex());
/// assert_eq!(heads.self_attention(qkv).dims(), [1, 3, 8]);
/// ```
#[derive(Debug, Clone)]
pub struct CausalHeads {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of queries that have one head of keys and values.
    pub shared: usize,
    /// The first key that each query sees: `batch * queries` numbers.
    pub first: Option<Arc<[u32]>>,
}

impl CausalHeads {
    /// Heads of keys, and of values.
    pub fn key_heads(&self) -> usize {
        self.heads / self.shared.max(1)
    }

    /// Attention of a sequence to itself: `qkv` holds queries, keys and values side by side.
    ///
    /// # Shapes
    /// `[batch, places, (heads + 2 key_heads) d]` to `[batch, places, heads d]`.
    ///
    /// # Panics
    /// If the sizes do not fit, or a query would see no key.
    pub fn self_attention(&self, qkv: Tensor<3>) -> Tensor<3> {
        let [batch, places, width] = qkv.dims();
        let parts = self.heads + 2 * self.key_heads();
        self.check(batch, places, places);
        assert!(width.is_multiple_of(parts), "CausalHeads: {width} features in {parts} parts");
        #[cfg(feature = "flex")]
        if on_host(&qkv) {
            return apply(crate::attention::host::Packed(self.op(false)), [qkv.into()]);
        }
        let d = width / parts;
        let (q, rest) = (self.heads * d, self.key_heads() * d);
        let [k, v] = [0, 1].map(|i| qkv.clone().narrow(2, q + i * rest, rest));
        self.composed(qkv.narrow(2, 0, q), k, v)
    }

    /// Attention of the last places to a cache of all places, without gradients.
    ///
    /// # Shapes
    /// `q` is `[batch, queries, heads d]`, `k` and `v` are `[keys, batch, key_heads d]`.
    ///
    /// # Panics
    /// If the sizes do not fit, a query would see no key, or the device tracks gradients.
    pub fn cached_attention(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let ([batch, queries, width], [keys, ..]) = (q.dims(), k.dims());
        self.check(batch, queries, keys);
        assert!(
            k.dims() == [keys, batch, width / self.shared] && v.dims() == k.dims(),
            "CausalHeads: q {:?} does not fit k {:?} and v {:?}",
            q.dims(),
            k.dims(),
            v.dims()
        );
        assert!(!q.device().is_autodiff(), "cached attention has no gradient");
        #[cfg(feature = "flex")]
        if on_host(&q) {
            return apply(self.op(true), [q.into(), k.into(), v.into()]);
        }
        self.composed(q, k.swap_dims(0, 1), v.swap_dims(0, 1))
    }

    fn check(&self, batch: usize, queries: usize, keys: usize) {
        assert!(
            self.shared > 0 && self.heads.is_multiple_of(self.shared) && self.heads > 0,
            "CausalHeads: {} heads in groups of {}",
            self.heads,
            self.shared
        );
        assert!(queries <= keys, "CausalHeads: {queries} queries and only {keys} keys");
        let Some(first) = &self.first else { return };
        assert_eq!(first.len(), batch * queries, "CausalHeads: one first key a query");
        let sees = |(i, first): (usize, &u32)| *first as usize <= keys - queries + i % queries;
        assert!(first.iter().enumerate().all(sees), "CausalHeads: a query that sees no key");
    }

    #[cfg(feature = "flex")]
    fn op(&self, places_first: bool) -> crate::attention::host::Attention {
        let Self { heads, shared, first } = self.clone();
        crate::attention::host::Attention { heads, shared, first, causal: true, places_first }
    }

    /// The same by Burn's operations.
    fn composed(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let ([batch, queries, width], [_, keys, _]) = (q.dims(), k.dims());
        let (d, device) = (width / self.heads, q.device());
        let [k, v] = [k, v].map(|x| repeated(x, self.key_heads(), self.shared));
        let split =
            |x: Tensor<3>, places| x.reshape([batch, places, self.heads, d]).swap_dims(1, 2);
        let q = q / (d as f64).sqrt();
        let scores = split(q, queries).matmul(split(k, keys).swap_dims(2, 3));
        let hidden = self.hidden([batch, queries, keys], &device);
        let scores = scores.mask_fill(hidden, f32::NEG_INFINITY);
        let out = activation::softmax(scores, 3).matmul(split(v, keys));
        out.swap_dims(1, 2).reshape([batch, queries, width])
    }

    /// Which keys a query does not see: `[batch or 1, 1, queries, keys]`, made on the device.
    fn hidden(&self, [batch, queries, keys]: [usize; 3], device: &Device) -> Tensor<4, Bool> {
        let offset = keys - queries;
        let behind = Tensor::<2, Bool>::tril_mask([queries, keys], offset as i64, device);
        let behind = behind.reshape([1, 1, queries, keys]);
        let Some(first) = &self.first else { return behind };
        let first: Vec<i32> = first.iter().map(|&first| first as i32).collect();
        let first = TensorData::new(first, [batch, 1, queries, 1]);
        let first = Tensor::<4, Int>::from_data(first, device);
        let keys_at = Tensor::<1, Int>::arange(0..keys as i64, device).reshape([1, 1, 1, keys]);
        let shape = [batch, 1, queries, keys];
        keys_at.expand(shape).lower(first.expand(shape)).bool_or(behind.expand(shape))
    }
}
