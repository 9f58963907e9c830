//! Randomness as a value: [`Seed`] and [`Noise`].
//!
//! Burn's own generator is one state for the whole process: two threads that draw race. Here a
//! draw is a pure function of a key and a position, made on the host and uploaded, so that one
//! seed gives the same numbers on every device, with any number of threads, on every run.
//!
//! ```
//! use pyrogen_core::{Noise, Seed};
//!
//! let mut noise = Noise::new(Seed(7)).fork("latents");
//! let a = noise.normal_vec(4);
//! let b = noise.normal_vec(4); // the next four
//! assert_ne!(a, b);
//! assert_eq!(Noise::new(Seed(7)).fork("latents").normal_vec(4), a);
//! ```

mod quantile;
mod stream;

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use quantile::normal_quantile;
pub use stream::Stream;

/// Where all randomness of a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A stream of random numbers: a 256-bit key and a position.
///
/// Draw `i` of a stream depends on the key and on `i` alone (ChaCha with 8 rounds, Bernstein
/// 2008, in counter mode; each number takes one 64-bit draw), so large tensors are filled in
/// parallel and the result does not depend on the number of threads.
///
/// [`fork`](Self::fork) makes independent streams by label; forking does not move the position.
/// [`rows`](Self::rows) looks at a batch through a window: the rows of a shard get the numbers
/// they would have had in the whole batch, so that splitting a batch changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noise {
    key: [u8; 32],
    position: u64,
    window: Option<Window>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    rows: Range<usize>,
    total: usize,
}

/// Below this many numbers a draw stays on the calling thread.
const CHUNK: usize = 8192;

impl Noise {
    /// The root stream of a seed.
    pub fn new(seed: Seed) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"pyrogen noise v1");
        hash.update(seed.0.to_le_bytes());
        Self::from_key(hash.finalize().into())
    }

    fn from_key(key: [u8; 32]) -> Self {
        Self { key, position: 0, window: None }
    }

    /// An independent stream with a name. Equal labels give equal streams, whatever was drawn
    /// before. The window is kept.
    pub fn fork(&self, label: &str) -> Self {
        self.derive(b"label", label.as_bytes())
    }

    /// An independent stream with a number, for steps, epochs and workers.
    pub fn fork_index(&self, index: u64) -> Self {
        self.derive(b"index", &index.to_le_bytes())
    }

    fn derive(&self, kind: &[u8], name: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(kind);
        hash.update(name);
        Self { window: self.window.clone(), ..Self::from_key(hash.finalize().into()) }
    }

    /// The same stream, seen by rows `rows` of a batch of `total` rows.
    ///
    /// A draw of shape `[rows.len(), ..]` then gives the rows `rows` of the draw of shape
    /// `[total, ..]`, and moves the position as the whole draw would.
    ///
    /// # Panics
    /// If `rows` does not lie within `0..total`, or if the stream has a window already.
    pub fn rows(&self, rows: Range<usize>, total: usize) -> Self {
        assert!(self.window.is_none(), "Noise::rows: the stream has a window already");
        assert!(
            rows.start <= rows.end && rows.end <= total,
            "Noise::rows: rows {rows:?} are not within 0..{total}"
        );
        Self { window: Some(Window { rows, total }), ..self.clone() }
    }

    /// How many numbers have been drawn from this stream.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Moves to a position that [`position`](Self::position) gave.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// A generator of the `rand` family, for code that wants one: an independent stream named
    /// `label` that starts at its beginning.
    pub fn rng(&self, label: &str) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.fork(label).key)
    }

    /// Draws `[shape]` numbers with `f` applied to each 64-bit draw.
    ///
    /// # Panics
    /// In a window, if the first axis of `shape` is not the window's rows.
    fn fill<T: Send + Clone + Default>(
        &mut self,
        shape: &[usize],
        f: impl Fn(u64) -> T + Sync,
    ) -> Vec<T> {
        let count: usize = shape.iter().product();
        let (skip, whole) = match &self.window {
            None => (0, count),
            Some(window) => {
                let rows = shape.first().copied().unwrap_or(0);
                assert_eq!(
                    rows,
                    window.rows.len(),
                    "Noise: in a window of {} rows the first axis of a draw must have that \
                     length, got shape {shape:?}",
                    window.rows.len()
                );
                let row: usize = shape[1..].iter().product();
                (window.rows.start * row, window.total * row)
            }
        };
        let start = self.position + skip as u64;
        self.position += whole as u64;
        let mut out = vec![T::default(); count];
        let fill_chunk = |(i, chunk): (usize, &mut [T])| {
            let mut rng = self.rng_at(start + (i * CHUNK) as u64);
            chunk.iter_mut().for_each(|v| *v = f(rng.next_u64()));
        };
        if count <= CHUNK {
            fill_chunk((0, &mut out));
        } else {
            out.par_chunks_mut(CHUNK).enumerate().for_each(fill_chunk);
        }
        out
    }

    fn rng_at(&self, position: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_word_pos(u128::from(position) * 2);
        rng
    }

    /// One word for each element of `shape`, for the [`Stream`]s of its elements.
    pub(crate) fn words(&mut self, shape: &[usize]) -> Vec<u64> {
        self.fill(shape, |bits| bits)
    }

    /// `n` raw 64-bit draws.
    pub fn bits_vec(&mut self, n: usize) -> Vec<u64> {
        self.fill(&[n], |bits| bits)
    }

    /// `n` draws from the uniform distribution on (0, 1), in f64.
    pub fn uniform_vec(&mut self, n: usize) -> Vec<f64> {
        self.fill(&[n], open_unit_f64)
    }

    /// Draws of `shape` from the uniform distribution on (0, 1), in f64, row-major; in a window
    /// the first axis is its rows.
    ///
    /// # Panics
    /// In a window, if the first axis of `shape` is not the window's rows.
    pub fn uniform_rows(&mut self, shape: &[usize]) -> Vec<f64> {
        self.fill(shape, open_unit_f64)
    }

    /// `n` draws from the standard normal distribution, in f64.
    pub fn normal_vec(&mut self, n: usize) -> Vec<f64> {
        self.fill(&[n], |bits| normal_quantile(open_unit_f64(bits)))
    }

    /// Standard normal numbers.
    ///
    /// # Numerics
    /// The quantile function (Wichura 1988, AS 241) of a 53-bit uniform number, computed in f64
    /// and rounded to f32: the tails end at 8.2 standard deviations.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let values = self.fill(&shape, |bits| normal_quantile(open_unit_f64(bits)) as f32);
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// Uniform numbers on the open interval (0, 1): never 0, never 1.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let values = self.fill(&shape, open_unit_f32);
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// Standard Gumbel numbers, `-ln(-ln(u))`.
    pub fn gumbel<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let values = self.fill(&shape, |bits| (-(-open_unit_f64(bits).ln()).ln()) as f32);
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// One category a row of `logits` (`[batch, categories]`), by the Gumbel-max trick
    /// (Gumbel 1954): `argmax_k(logits_k + g_k)`.
    pub fn categorical(&mut self, logits: Tensor<2>) -> Tensor<1, Int> {
        let [batch, _] = logits.dims();
        let gumbel = self.gumbel(logits.dims(), &logits.device().inner());
        let logits = if logits.device().is_autodiff() { logits.inner() } else { logits };
        (logits + gumbel).argmax(1).reshape([batch])
    }

    /// A permutation of `0..n`, uniform over all of them.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let keys = self.bits_vec(n);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&i| (keys[i], i));
        order
    }
}

/// 53 bits, centred: in (0, 1).
fn open_unit_f64(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// 23 bits, centred: exact in f32, in (0, 1).
fn open_unit_f32(bits: u64) -> f32 {
    ((bits >> 41) as f32 + 0.5) * (1.0 / (1u32 << 23) as f32)
}

#[cfg(test)]
mod tests;
