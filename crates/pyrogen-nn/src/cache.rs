//! Keys and values of the places that a sequence already has.

use burn::tensor::{Device, Int, Tensor};
use pyrogen_ops::AttentionHeads;

/// Keys and values of one attention layer, for generation place by place.
///
/// The memory for the longest sequence is taken at once and filled in place.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_nn::KeyValueCache;
///
/// let device = Device::flex();
/// let mut cache = KeyValueCache::new(2, 16, 8, &device);
/// let step = || Tensor::<3>::ones([2, 1, 8], &device);
/// let out = cache.attend(step(), step(), step(), 4);
/// assert_eq!((out.dims(), cache.len()), ([2, 1, 8], 1));
/// ```
#[derive(Debug, Clone)]
pub struct KeyValueCache {
    /// `[longest, batch, width]`.
    keys: Tensor<3>,
    values: Tensor<3>,
    length: usize,
}

impl KeyValueCache {
    /// An empty cache for `batch` sequences of at most `longest` places.
    pub fn new(batch: usize, longest: usize, width: usize, device: &Device) -> Self {
        let memory = || Tensor::zeros([longest, batch, width], device);
        Self { keys: memory(), values: memory(), length: 0 }
    }

    /// Places so far.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no place yet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets the places behind the first `places`.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn truncate(&mut self, places: usize) {
        let length = self.length;
        assert!(places <= length, "KeyValueCache: {places} places of {length}");
        self.length = places;
    }

    /// Adds places and returns their attention to all places up to their own.
    ///
    /// # Shapes
    /// All are `[batch, places, width]`.
    ///
    /// # Panics
    /// If a size does not fit, the cache is full, or the device tracks gradients.
    pub fn attend(&mut self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
        self.attend_shared(q, k, v, &AttentionHeads { heads, shared: 1, causal: true, first: None })
    }

    /// As [`attend`](Self::attend), for queries that share keys; what the queries see first is counted
    /// from the first place.
    ///
    /// # Shapes
    /// `q` is `[batch, places, heads d]`, `k` and `v` are `[batch, places, width]`.
    ///
    /// # Panics
    /// As [`attend`](Self::attend).
    pub fn attend_shared(
        &mut self,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
        heads: &AttentionHeads,
    ) -> Tensor<3> {
        let [longest, batch, width] = self.keys.dims();
        let [_, places, _] = k.dims();
        let end = self.length + places;
        assert!(end <= longest, "KeyValueCache: {end} places in a cache for {longest}");
        let range = [self.length..end, 0..batch, 0..width];
        let put = |memory: &mut Tensor<3>, x: Tensor<3>| {
            memory.inplace(|memory| memory.slice_assign(range.clone(), x.swap_dims(0, 1)));
            memory.clone().narrow(0, 0, end)
        };
        let (k, v) = (put(&mut self.keys, k), put(&mut self.values, v));
        self.length = end;
        heads.cached_attention(q, k, v)
    }

    /// Goes on with some of the sequences, in this order; one may come several times.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn select(&mut self, rows: &Tensor<1, Int>) {
        for memory in [&mut self.keys, &mut self.values] {
            memory.inplace(|memory| memory.select(1, rows.clone()));
        }
    }
}
