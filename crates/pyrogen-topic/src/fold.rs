//! Documents against fixed topics: the variational distribution of each document's shares of topics.

use pulp::{Arch, NullaryFnOnce};
use pyrogen_core::special::host::{digamma, lgamma};
use rayon::prelude::*;

use crate::corpus::{Corpus, Document};
use crate::special::exp_digamma;

/// Numbers that are worked on side by side. Rows are padded to a multiple of it with zeros.
pub(crate) const LANES: usize = 8;

/// Documents of a piece of work.
const BLOCK: usize = 64;

/// A number for each word and topic, word by word, padded with zeros.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    pub(crate) topics: usize,
    /// Topics with the padding.
    pub(crate) width: usize,
    pub(crate) values: Vec<f64>,
}

impl Weights {
    /// Weights of which `fill` writes the row of each word.
    pub(crate) fn new(
        topics: usize,
        words: usize,
        fill: impl Fn(usize, &mut [f64]) + Sync,
    ) -> Self {
        let width = topics.next_multiple_of(LANES);
        let mut values = vec![0.0; words * width];
        let rows = values.par_chunks_mut(width).with_min_len(BLOCK).enumerate();
        rows.for_each(|(word, row)| fill(word, &mut row[..topics]));
        Self { topics, width, values }
    }

    pub(crate) fn row(&self, word: usize) -> &[f64] {
        &self.values[word * self.width..][..self.width]
    }
}

/// When the updates of a document end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) steps: usize,
    /// The mean change of a parameter.
    pub(crate) tolerance: f64,
}

/// The variational distributions of documents, Dirichlet with parameters `gamma`.
#[derive(Debug, Clone)]
pub(crate) struct Folded {
    pub(crate) width: usize,
    /// `[documents, width]`.
    pub(crate) gamma: Vec<f64>,
    /// `exp(ψ(gamma))`, the same form.
    pub(crate) shares: Vec<f64>,
    /// For each pair of a document and a word, `count / Σ_k shares_k weight_wk`.
    pub(crate) ratios: Vec<f64>,
    /// For each document `Σ_w count_w ln Σ_k shares_k weight_wk`.
    pub(crate) logs: Vec<f64>,
}

impl Folded {
    pub(crate) fn gamma(&self, document: usize) -> &[f64] {
        &self.gamma[document * self.width..][..self.width]
    }

    pub(crate) fn shares(&self, document: usize) -> &[f64] {
        &self.shares[document * self.width..][..self.width]
    }
}

/// A piece of work: some documents and where their numbers go.
struct Piece<'a> {
    first: usize,
    gamma: &'a mut [f64],
    shares: &'a mut [f64],
    ratios: &'a mut [f64],
    logs: &'a mut [f64],
}

/// Maximises the bound over the distribution of each document, from `start` (`[documents, topics]`),
/// or from ones:
///
/// ```text
/// gamma_k = alpha_k + Σ_w count_w phi_wk,    phi_wk ∝ exp(ψ(gamma_k)) weight_wk
/// ```
pub(crate) fn fold(
    corpus: &Corpus,
    weights: &Weights,
    alpha: &[f64],
    start: Option<&[f64]>,
    limits: Limits,
) -> Folded {
    let (n, width, topics) = (corpus.len(), weights.width, weights.topics);
    let mut padded = vec![0.0; width];
    padded[..topics].copy_from_slice(alpha);
    let mut out = Folded {
        width,
        gamma: vec![0.0; n * width],
        shares: vec![0.0; n * width],
        ratios: vec![0.0; corpus.pairs()],
        logs: vec![0.0; n],
    };
    let work = |piece: Piece| {
        let rows = piece.gamma.chunks_mut(width).zip(piece.shares.chunks_mut(width));
        let mut ratios = piece.ratios;
        for (i, ((gamma, shares), log)) in rows.zip(piece.logs).enumerate() {
            let document = corpus.document(piece.first + i);
            let (own, rest) = ratios.split_at_mut(document.words.len());
            ratios = rest;
            match start {
                Some(all) => {
                    let row = &all[(piece.first + i) * topics..][..topics];
                    gamma[..topics].copy_from_slice(row);
                }
                None => gamma[..topics].fill(1.0),
            }
            let alpha = &padded[..];
            let one = One { document, weights, alpha, gamma, shares, ratios: own, limits };
            *log = Arch::new().dispatch(one);
        }
    };
    pieces(corpus, &mut out).into_par_iter().for_each(work);
    out
}

fn pieces<'a>(corpus: &Corpus, out: &'a mut Folded) -> Vec<Piece<'a>> {
    let (n, width) = (corpus.len(), out.width);
    let mut ratios = &mut out.ratios[..];
    let mut pieces = Vec::with_capacity(n.div_ceil(BLOCK));
    let rows = out.gamma.chunks_mut(BLOCK * width).zip(out.shares.chunks_mut(BLOCK * width));
    for (i, ((gamma, shares), logs)) in rows.zip(out.logs.chunks_mut(BLOCK)).enumerate() {
        let first = i * BLOCK;
        let pairs = corpus.start((first + BLOCK).min(n)) - corpus.start(first);
        let (own, rest) = std::mem::take(&mut ratios).split_at_mut(pairs);
        ratios = rest;
        pieces.push(Piece { first, gamma, shares, ratios: own, logs });
    }
    pieces
}

/// One document.
struct One<'a> {
    document: Document<'a>,
    weights: &'a Weights,
    alpha: &'a [f64],
    gamma: &'a mut [f64],
    shares: &'a mut [f64],
    ratios: &'a mut [f64],
    limits: Limits,
}

impl NullaryFnOnce for One<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let Self { document, weights, alpha, gamma, shares, ratios, limits } = self;
        let topics = weights.topics as f64;
        let mut next = [0.0; 64];
        let mut heap = vec![0.0; if gamma.len() > 64 { gamma.len() } else { 0 }];
        let next = if heap.is_empty() { &mut next[..gamma.len()] } else { &mut heap[..] };
        shares.iter_mut().zip(gamma.iter()).for_each(|(s, g)| *s = exp_digamma(*g));
        for _ in 0..limits.steps {
            next.fill(0.0);
            for (&word, &count) in document.words.iter().zip(document.counts) {
                let row = weights.row(word as usize);
                let ratio = f64::from(count) / dot(shares, row).max(f64::MIN_POSITIVE);
                next.iter_mut().zip(row).for_each(|(n, w)| *n += ratio * w);
            }
            let mut change = 0.0;
            for (((g, s), a), n) in
                gamma.iter_mut().zip(shares.iter_mut()).zip(alpha).zip(next.iter())
            {
                let new = a + *s * n;
                change += (new - *g).abs();
                *g = new;
            }
            shares.iter_mut().zip(gamma.iter()).for_each(|(s, g)| *s = exp_digamma(*g));
            if change < limits.tolerance * topics {
                break;
            }
        }
        let mut log = 0.0;
        for ((&word, &count), ratio) in
            document.words.iter().zip(document.counts).zip(ratios.iter_mut())
        {
            let sum = dot(shares, weights.row(word as usize)).max(f64::MIN_POSITIVE);
            *ratio = f64::from(count) / sum;
            log += f64::from(count) * sum.ln();
        }
        log
    }
}

/// `Σ a b`, in lanes: the same bytes on every processor.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The bound of one document, of the topics' part apart:
/// `E[ln p(words | θ, z) + ln p(θ | alpha) - ln q]` for `q(θ) = Dirichlet(gamma)` and the best `q(z)`.
/// `log` and `tokens` are what [`fold`] gives of its words, and their number.
///
/// # References
/// Hoffman, Blei and Bach (2010), equation 3.
pub(crate) fn document_bound(alpha: &[f64], gamma: &[f64], log: f64, tokens: u64) -> f64 {
    if tokens == 0 {
        return 0.0;
    }
    let (sum_gamma, sum_alpha): (f64, f64) = (gamma.iter().sum(), alpha.iter().sum());
    let base = digamma(sum_gamma);
    let part = |(a, g): (&f64, &f64)| match *a > 0.0 {
        true => (a - g) * (digamma(*g) - base) + lgamma(*g) - lgamma(*a),
        false => 0.0,
    };
    let kl: f64 = alpha.iter().zip(gamma).map(part).sum();
    log - tokens as f64 * base + kl + lgamma(sum_alpha) - lgamma(sum_gamma)
}
