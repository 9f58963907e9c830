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

mod draws;
mod items;
mod quantile;
mod stream;

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use draws::Draws;
pub use quantile::normal_quantile;
pub use stream::{Stream, Words};

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
///
/// Two windows give a batch its numbers row by row. [`items`](Self::items) gives every item a
/// stream of its own: what is drawn for item `i` is a function of the key and of `i`, however many
/// items there are. [`rows`](Self::rows) is for the shards of a training batch: their rows get the
/// numbers that they would have had in the whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noise {
    key: [u8; 32],
    position: u64,
    window: Option<Window>,
}

/// What the first axis of every draw is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Window {
    /// Rows of a batch, which share one stream.
    Rows { rows: Range<usize>, total: usize },
    /// Items, each with a stream of its own.
    Items(Range<u64>),
}

impl Window {
    fn len(&self) -> u64 {
        match self {
            Self::Rows { rows, .. } => rows.len() as u64,
            Self::Items(items) => items.end - items.start,
        }
    }
}

/// Below this many numbers a draw stays on the calling thread.
const CHUNK: usize = 8192;

/// From this many numbers an item on, a generator for each item is faster than several items at
/// once.
const WIDE: usize = 48;

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
        Self { window: Some(Window::Rows { rows, total }), ..self.clone() }
    }

    /// The same key, seen by items: the first axis of every draw is the items, and item `i` takes
    /// its numbers from a stream of its own (ChaCha's stream `i + 1`; without a window it is 0).
    ///
    /// A draw of shape `[items, ..]` moves the position by the numbers of one item. So the numbers
    /// of item `i` depend on the key, on `i` and on the shapes that were drawn before, and not on
    /// how many items are drawn or in which parts. Forks keep the window.
    ///
    /// ```
    /// use pyrogen_core::{Noise, Seed};
    ///
    /// let noise = Noise::new(Seed(7));
    /// let all = noise.items(0..100).uniform_rows(&[100, 2]);
    /// let some = noise.items(41..43).uniform_rows(&[2, 2]);
    /// assert_eq!(some, all[82..86]);
    /// ```
    ///
    /// # Panics
    /// If the range runs backwards, or if the stream has a window already.
    pub fn items(&self, items: Range<u64>) -> Self {
        assert!(self.window.is_none(), "Noise::items: the stream has a window already");
        assert!(items.start <= items.end, "Noise::items: {items:?} runs backwards");
        Self { window: Some(Window::Items(items)), ..self.clone() }
    }

    /// How many numbers have been drawn from this stream; in a window of items, by each of them.
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
        self.fill_by(shape, &Each(f))
    }

    /// The same by a rule for many draws at once.
    fn fill_by<T: Send + Clone + Default>(
        &mut self,
        shape: &[usize],
        f: &impl OfBits<T>,
    ) -> Vec<T> {
        let count: usize = shape.iter().product();
        let row = shape.get(1..).map_or(1, |rest| rest.iter().product());
        if let Some(window) = &self.window {
            let rows = shape.first().copied().unwrap_or(0);
            assert_eq!(
                rows as u64,
                window.len(),
                "Noise: in a window of {} rows the first axis of a draw must have that length, got \
                 shape {shape:?}",
                window.len()
            );
        }
        let (skip, whole) = match &self.window {
            None => (0, count),
            Some(Window::Rows { rows, total }) => (rows.start * row, total * row),
            Some(Window::Items(items)) => {
                let first = items.start;
                let out = self.of_items(first, row, count, f);
                self.position += row as u64;
                return out;
            }
        };
        let start = self.position + skip as u64;
        self.position += whole as u64;
        let mut out = vec![T::default(); count];
        fill_stream(&mut out, f, |number| self.rng_at(0, start + number as u64));
        out
    }

    /// `count` numbers of items from `first` on, `row` of each.
    fn of_items<T: Send + Clone + Default>(
        &self,
        first: u64,
        row: usize,
        count: usize,
        f: &impl OfBits<T>,
    ) -> Vec<T> {
        let mut out = vec![T::default(); count];
        if count == 0 {
            return out;
        }
        if row >= WIDE {
            let fill = |(i, item): (usize, &mut [T])| {
                let rng_at =
                    |number| self.rng_at(first + i as u64 + 1, self.position + number as u64);
                fill_stream(item, f, rng_at);
            };
            match count <= CHUNK {
                true => out.chunks_mut(row).enumerate().for_each(fill),
                false => out.par_chunks_mut(row).enumerate().for_each(fill),
            }
            return out;
        }
        let items = (CHUNK / row).next_multiple_of(8);
        let fill = |(i, part): (usize, &mut [T])| {
            let first = first + (i * items) as u64;
            items::fill_rows(&self.key, first, self.position, row, part, &|bits| f.one(bits));
        };
        match count <= CHUNK {
            true => fill((0, &mut out)),
            false => out.par_chunks_mut(items * row).enumerate().for_each(fill),
        }
        out
    }

    fn rng_at(&self, stream: u64, position: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(stream);
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
        let values = self.fill_by(&shape, &Normal);
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

/// What is made of raw draws.
trait OfBits<T>: Sync {
    /// Of one.
    fn one(&self, bits: u64) -> T;

    /// Of those that follow.
    fn fill(&self, rng: &mut ChaCha8Rng, out: &mut [T]) {
        out.iter_mut().for_each(|v| *v = self.one(rng.next_u64()));
    }
}

/// A function of each.
struct Each<F>(F);

impl<T, F: Fn(u64) -> T + Sync> OfBits<T> for Each<F> {
    fn one(&self, bits: u64) -> T {
        self.0(bits)
    }
}

/// Standard normal numbers in single precision.
struct Normal;

impl OfBits<f32> for Normal {
    fn one(&self, bits: u64) -> f32 {
        normal_quantile(open_unit_f64(bits)) as f32
    }

    fn fill(&self, rng: &mut ChaCha8Rng, out: &mut [f32]) {
        quantile::fill_normal(out, || rng.next_u64());
    }
}

/// Numbers that follow each other, in parallel where they are many; `rng_at` gives a generator at a
/// number.
fn fill_stream<T: Send>(
    out: &mut [T],
    f: &impl OfBits<T>,
    rng_at: impl Fn(usize) -> ChaCha8Rng + Sync,
) {
    let fill = |(i, chunk): (usize, &mut [T])| f.fill(&mut rng_at(i * CHUNK), chunk);
    match out.len() <= CHUNK {
        true => fill((0, out)),
        false => out.par_chunks_mut(CHUNK).enumerate().for_each(fill),
    }
}

/// 53 bits, centred: in (0, 1).
fn open_unit_f64(bits: u64) -> f64 {
    // The last of the 2^53 centres is no number of f64 and would round to 1.
    (((bits >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)).min(1.0 - 0.5 * f64::EPSILON)
}

/// 23 bits, centred: exact in f32, in (0, 1).
fn open_unit_f32(bits: u64) -> f32 {
    ((bits >> 41) as f32 + 0.5) * (1.0 / (1u32 << 23) as f32)
}

#[cfg(test)]
mod tests;
