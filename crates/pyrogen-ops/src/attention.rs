//! Scaled dot-product attention over several heads.

use burn::tensor::Tensor;

use crate::AttentionHeads;
#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// Attention of each head: `softmax(q k^T / sqrt(d)) v`, with `d` features a head.
///
/// With `causal` the query at place `i`, counted from the end, sees no key behind its own place:
/// the last query sees all keys, so that queries may be fewer than keys (a cache).
///
/// # Shapes
/// `q` is `[batch, queries, heads * d]`, `k` and `v` are `[batch, keys, heads * d]`; the result has
/// the shape of `q`. The features of head `h` are `h * d .. (h + 1) * d`.
///
/// # Numerics
/// On the host the weights are never held for more than a few rows; the gradient computes them
/// again from the logarithm of each row's sum. A GPU makes the weights of one call at a time, and the
/// gradient makes them again.
///
/// # Panics
/// If the sizes do not fit, or with `causal` there are more queries than keys.
///
/// # References
/// Vaswani et al. 2017, eq. 1; the gradient without the weights: Dao et al. 2022, appendix B.
pub fn attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    heads: usize,
    causal: bool,
) -> Tensor<3> {
    let ([batch, queries, width], [_, keys, _]) = (q.dims(), k.dims());
    assert!(
        k.dims() == [batch, keys, width] && v.dims() == k.dims(),
        "attention: q {:?} does not fit k {:?} and v {:?}",
        q.dims(),
        k.dims(),
        v.dims()
    );
    assert!(
        heads > 0 && width.is_multiple_of(heads),
        "attention: {width} features cannot be shared by {heads} heads"
    );
    assert!(
        !causal || queries <= keys,
        "attention: causal, with {queries} queries and only {keys} keys"
    );
    #[cfg(feature = "flex")]
    if on_host(&q) {
        let op = host::Attention::new(heads, causal, false);
        return apply(op, [q.into(), k.into(), v.into()]);
    }
    heads_apart(heads, causal).on_device(q, k, v)
}

/// [`attention`] of a sequence to itself: `qkv` holds queries, keys and values side by side.
///
/// # Shapes
/// `[batch, places, 3 * heads * d]` to `[batch, places, heads * d]`.
///
/// # Panics
/// As [`attention`].
pub fn self_attention(qkv: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [_, _, width] = qkv.dims();
    assert!(
        heads > 0 && width.is_multiple_of(3 * heads),
        "self_attention: {width} is not three times a multiple of {heads} heads"
    );
    #[cfg(feature = "flex")]
    if on_host(&qkv) {
        return apply(host::Packed(host::Attention::new(heads, causal, false)), [qkv.into()]);
    }
    heads_apart(heads, causal).packed_on_device(qkv)
}

/// Causal attention of the last places to a cache of all places, without gradients.
///
/// # Shapes
/// `q` is `[batch, queries, heads * d]`, `k` and `v` are `[keys, batch, heads * d]`: a cache grows at
/// the end of its memory.
///
/// # Panics
/// As [`attention`], and on a device that tracks gradients.
pub fn cached_attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
    let ([batch, queries, width], [keys, ..]) = (q.dims(), k.dims());
    assert!(
        k.dims() == [keys, batch, width] && v.dims() == k.dims() && queries <= keys,
        "cached_attention: q {:?} does not fit k {:?} and v {:?}",
        q.dims(),
        k.dims(),
        v.dims()
    );
    assert!(
        heads > 0 && width.is_multiple_of(heads),
        "cached_attention: {width} features cannot be shared by {heads} heads"
    );
    assert!(!q.device().is_autodiff(), "cached_attention: has no gradient; use `attention`");
    #[cfg(feature = "flex")]
    if on_host(&q) {
        let op = host::Attention::new(heads, true, true);
        return apply(op, [q.into(), k.into(), v.into()]);
    }
    heads_apart(heads, true).on_device(q, k.swap_dims(0, 1), v.swap_dims(0, 1))
}

/// Heads that each have keys and values of their own.
fn heads_apart(heads: usize, causal: bool) -> AttentionHeads {
    AttentionHeads { heads, shared: 1, causal, first: None }
}

#[cfg(feature = "flex")]
#[path = "attention_host.rs"]
pub(crate) mod host;
