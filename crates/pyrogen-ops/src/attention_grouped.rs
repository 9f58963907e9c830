//! Attention whose queries may share keys, and may see only the latest of them.

use std::sync::Arc;

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// Attention of several heads of queries, of which `shared` at a time have one head of keys and values
/// (Ainslie et al. 2023, "GQA").
///
/// With `causal` a query sees no key behind its own place, counted from the end: the last query sees
/// the last key. `first` is the first key that a query sees, one for each query of each example:
/// documents that stand one after the other in a row, a window that slides, or padding before a
/// sequence. None: every query sees the keys from the first on.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_ops::AttentionHeads;
///
/// // Four heads of two features; two heads of keys and as many of values.
/// let heads = AttentionHeads { heads: 4, shared: 2, causal: true, first: None };
/// let qkv = Tensor::<3>::ones([1, 3, 16], &Device::flex());
/// assert_eq!(heads.self_attention(qkv).dims(), [1, 3, 8]);
/// ```
#[derive(Debug, Clone)]
pub struct AttentionHeads {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of queries that have one head of keys and values.
    pub shared: usize,
    /// Whether a query sees no key behind its own place.
    pub causal: bool,
    /// The first key that each query sees: `batch * queries` numbers.
    pub first: Option<Arc<[u32]>>,
}

impl AttentionHeads {
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
        assert!(width.is_multiple_of(parts), "AttentionHeads: {width} features in {parts} parts");
        #[cfg(feature = "flex")]
        if on_host(&qkv) {
            return apply(crate::attention::host::Packed(self.op(false)), [qkv.into()]);
        }
        self.packed_on_device(qkv)
    }

    /// Attention of queries to the keys and values of another sequence.
    ///
    /// # Shapes
    /// `q` is `[batch, queries, heads d]`, `k` and `v` are `[batch, keys, key_heads d]`; the result has
    /// the shape of `q`.
    ///
    /// # Panics
    /// If the sizes do not fit, or a query would see no key.
    pub fn attention(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let ([batch, queries, width], [_, keys, _]) = (q.dims(), k.dims());
        self.check(batch, queries, keys);
        self.check_keys(&q, [batch, keys, width / self.shared], [&k, &v]);
        #[cfg(feature = "flex")]
        if on_host(&q) {
            return apply(self.op(false), [q.into(), k.into(), v.into()]);
        }
        self.on_device(q, k, v)
    }

    /// Attention to a cache of keys and values, without gradients: of the last places to all, or of any
    /// queries to those of another sequence.
    ///
    /// # Shapes
    /// `q` is `[batch, queries, heads d]`, `k` and `v` are `[keys, batch, key_heads d]`.
    ///
    /// # Panics
    /// If the sizes do not fit, a query would see no key, or the device tracks gradients.
    pub fn cached_attention(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let ([batch, queries, width], [keys, ..]) = (q.dims(), k.dims());
        self.check(batch, queries, keys);
        self.check_keys(&q, [keys, batch, width / self.shared], [&k, &v]);
        assert!(!q.device().is_autodiff(), "cached attention has no gradient");
        #[cfg(feature = "flex")]
        if on_host(&q) {
            return apply(self.op(true), [q.into(), k.into(), v.into()]);
        }
        self.on_device(q, k.swap_dims(0, 1), v.swap_dims(0, 1))
    }

    fn check(&self, batch: usize, queries: usize, keys: usize) {
        assert!(
            self.shared > 0 && self.heads.is_multiple_of(self.shared) && self.heads > 0,
            "AttentionHeads: {} heads in groups of {}",
            self.heads,
            self.shared
        );
        assert!(
            queries <= keys || !self.causal,
            "AttentionHeads: causal, with {queries} queries and only {keys} keys"
        );
        let Some(first) = &self.first else { return };
        assert_eq!(first.len(), batch * queries, "AttentionHeads: one first key a query");
        let last = |i: usize| if self.causal { keys - queries + i % queries } else { keys - 1 };
        let sees = |(i, first): (usize, &u32)| *first as usize <= last(i);
        assert!(first.iter().enumerate().all(sees), "AttentionHeads: a query that sees no key");
    }

    fn check_keys(&self, q: &Tensor<3>, shape: [usize; 3], keys: [&Tensor<3>; 2]) {
        let [k, v] = keys.map(Tensor::dims);
        let q = q.dims();
        let fits = k == shape && v == shape && q[2].is_multiple_of(self.heads);
        assert!(fits, "AttentionHeads: q {q:?} does not fit k {k:?} and v {v:?}");
    }

    #[cfg(feature = "flex")]
    fn op(&self, places_first: bool) -> crate::attention::host::Attention {
        let Self { heads, shared, causal, first } = self.clone();
        crate::attention::host::Attention { heads, shared, first, causal, places_first }
    }
}
