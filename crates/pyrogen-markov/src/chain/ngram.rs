//! [`NGram`]: a Markov chain of fixed order.

use rayon::prelude::*;

use pyrogen_core::{Draws, Noise};

use super::context::Context;
use super::counts::Counts;
use super::smoothing::{Continuations, Discounts, Smoothing};
use super::walk::Walk;
use crate::MarkovError;

/// A distribution over the next symbol given those before it.
pub trait TokenModel: Sync {
    /// Number of symbols that can follow: with the end of a sequence, where that is modelled.
    fn outcomes(&self) -> usize;

    /// The symbol that ends a sequence, where that is modelled.
    fn end(&self) -> Option<u32>;

    /// The logarithm of the probability of each symbol of a sequence given those before it, in nats,
    /// and of its end where that is modelled. Minus infinity for what is impossible.
    ///
    /// # Errors
    /// A symbol that the model does not have.
    fn log_probabilities(&self, sequence: &[u32]) -> Result<Vec<f64>, MarkovError>;

    /// The probability of every outcome after these symbols.
    ///
    /// # Errors
    /// A symbol that the model does not have.
    fn next(&self, before: &[u32]) -> Result<Vec<f64>, MarkovError>;
}

/// How well a model predicts a text.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Perplexity {
    /// Symbols that were predicted, ends with them where they are modelled.
    pub tokens: usize,
    /// Minus the log-likelihood of all of them, in nats.
    pub nats: f64,
}

impl Perplexity {
    /// Of sequences under a model; sequences are scored side by side.
    ///
    /// # Errors
    /// A symbol that the model does not have, or no symbols.
    pub fn of(model: &dyn TokenModel, sequences: &[&[u32]]) -> Result<Self, MarkovError> {
        let scores: Vec<_> = sequences.par_iter().map(|s| model.log_probabilities(s)).collect();
        let (mut tokens, mut nats) = (0, 0.0);
        for logs in scores {
            let logs = logs?;
            tokens += logs.len();
            nats -= logs.iter().sum::<f64>();
        }
        if tokens == 0 {
            return Err(MarkovError::Empty { what: "symbols" });
        }
        Ok(Self { tokens, nats })
    }

    /// Nats a symbol.
    pub fn per_token(&self) -> f64 {
        self.nats / self.tokens as f64
    }

    /// Bits a byte of a text of so many bytes.
    pub fn bits_per_byte(&self, bytes: usize) -> f64 {
        self.nats / std::f64::consts::LN_2 / bytes as f64
    }

    /// `exp(nats per token)`.
    pub fn perplexity(&self) -> f64 {
        self.per_token().exp()
    }
}

/// A Markov chain of fixed order with smoothing.
///
/// # Examples
/// ```
/// use pyrogen_markov::chain::{Counts, NGram, Smoothing, TokenModel};
///
/// // a b r a c a d a b r a
/// let text = [0, 1, 2, 0, 3, 0, 4, 0, 1, 2, 0];
/// let chain = NGram::new(Counts::new(&text, &[11], 5, 2)?, Smoothing::WittenBell)?;
/// let next = chain.next(&[0, 1])?;
/// assert!(next[2] > 0.7 && (next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NGram {
    counts: Counts,
    smoothing: Smoothing,
    continuations: Option<Continuations>,
}

impl NGram {
    /// A chain of the order of the counts.
    ///
    /// # Errors
    /// A discount outside its range.
    pub fn new(counts: Counts, smoothing: Smoothing) -> Result<Self, MarkovError> {
        smoothing.validate()?;
        let continuations = match smoothing {
            Smoothing::LongestContext | Smoothing::WittenBell => None,
            Smoothing::KneserNey { discount } => Some(Continuations::new(&counts, Some(discount))),
            Smoothing::ModifiedKneserNey => Some(Continuations::new(&counts, None)),
        };
        Ok(Self { counts, smoothing, continuations })
    }

    /// The counts.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Discounts of each length of context, from none on; none but for Kneser-Ney smoothing.
    pub fn discounts(&self) -> Option<&[Discounts]> {
        self.continuations.as_ref().map(|c| c.discounts.as_slice())
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let own = self.continuations.as_ref().map_or(0, |c| {
            c.sums.iter().map(|s| 4 * s.len()).sum::<usize>()
                + c.left.iter().map(|l| 8 * l.len()).sum::<usize>()
        });
        self.counts.bytes() + own
    }

    /// The context at the beginning of a sequence.
    pub fn start(&self) -> Context {
        self.counts.start()
    }

    /// Moves a context on by one symbol.
    pub fn advance(&self, context: &mut Context, symbol: u32) {
        self.counts.advance(context, symbol);
    }

    /// The context after these symbols at the beginning of a sequence.
    ///
    /// # Errors
    /// A symbol that the model does not have.
    pub fn context(&self, before: &[u32]) -> Result<Context, MarkovError> {
        self.counts.context(before)
    }

    /// What followed the last `n` symbols, on level `n`.
    fn range(&self, context: &Context, n: usize) -> Option<std::ops::Range<usize>> {
        self.counts.followers(context, n)
    }

    /// Count of a run, count of its context, and what the context leaves to shorter ones: as the
    /// smoothing sees them.
    fn level(&self, context: &Context, n: usize) -> Option<(std::ops::Range<usize>, f64, f64)> {
        let range = self.range(context, n)?;
        match &self.continuations {
            None => {
                let sums = &self.counts.levels[n].sums;
                let total = f64::from(sums[range.end] - sums[range.start]);
                let types = range.len() as f64;
                Some((range, total, types / (total + types)))
            }
            Some(own) => {
                let total = f64::from(own.total(&self.counts, n, &range));
                let left = match n {
                    0 => own.left_of_nothing,
                    n => own.left[n - 1][context.places[n - 1]? as usize],
                };
                (total > 0.0).then_some((range, total, left))
            }
        }
    }

    /// The probability that run `i` adds to the context's own part.
    fn own_part(&self, n: usize, i: usize, total: f64, left: f64) -> f64 {
        match &self.continuations {
            None => f64::from(self.counts.levels[n].count(i)) / total * (1.0 - left),
            Some(own) => {
                let count = own.count(&self.counts, n, i);
                (f64::from(count) - own.discounts[n].of(count)) / total
            }
        }
    }

    /// The probability of a symbol in a context.
    pub fn probability(&self, context: &Context, symbol: u32) -> f64 {
        if self.smoothing == Smoothing::LongestContext {
            let Some((n, range)) = self.longest(context) else { return 0.0 };
            let sums = &self.counts.levels[n].sums;
            let total = f64::from(sums[range.end] - sums[range.start]);
            let place = self.counts.among(n, range, symbol);
            return place.map_or(0.0, |i| f64::from(self.counts.levels[n].count(i)) / total);
        }
        let mut p = 1.0 / self.counts.outcomes() as f64;
        for n in 0..=self.counts.order {
            let Some((range, total, left)) = self.level(context, n) else {
                // Without a context of this length there is none that is longer; a context whose runs
                // all begin sequences has no continuations and is passed over.
                if self.range(context, n).is_none() { break } else { continue }
            };
            p *= left;
            if let Some(i) = self.counts.among(n, range, symbol) {
                p += self.own_part(n, i, total, left);
            }
        }
        p
    }

    fn longest(&self, context: &Context) -> Option<(usize, std::ops::Range<usize>)> {
        (0..=self.counts.order).rev().find_map(|n| Some((n, self.range(context, n)?)))
    }

    /// The probabilities of all outcomes in a context.
    pub(crate) fn distribution(&self, context: &Context) -> Vec<f64> {
        let outcomes = self.counts.outcomes();
        if self.smoothing == Smoothing::LongestContext {
            let mut p = vec![0.0; outcomes];
            if let Some((n, range)) = self.longest(context) {
                let level = &self.counts.levels[n];
                let total = f64::from(level.sums[range.end] - level.sums[range.start]);
                for i in range {
                    p[level.symbols[i] as usize] = f64::from(level.count(i)) / total;
                }
            }
            return p;
        }
        let mut p = vec![1.0 / outcomes as f64; outcomes];
        for n in 0..=self.counts.order {
            let Some((range, total, left)) = self.level(context, n) else {
                if self.range(context, n).is_none() { break } else { continue }
            };
            p.iter_mut().for_each(|p| *p *= left);
            for i in range {
                let symbol = self.counts.levels[n].symbols[i] as usize;
                p[symbol] += self.own_part(n, i, total, left);
            }
        }
        p
    }

    /// A symbol drawn in a context: from the longest context down, each either gives a symbol that was
    /// seen after it or leaves the choice to the next shorter one. This draws from exactly
    /// [`probability`](Self::probability), without making the whole distribution.
    pub(crate) fn draw(&self, context: &Context, draws: &mut Draws) -> Option<u32> {
        let mut n = self.longest(context)?.0;
        loop {
            if let Some(symbol) = self.draw_at(context, n, draws) {
                return Some(symbol);
            }
            if n == 0 {
                return Some(draws.below(self.counts.outcomes()) as u32);
            }
            n -= 1;
        }
    }

    fn draw_at(&self, context: &Context, n: usize, draws: &mut Draws) -> Option<u32> {
        let (range, total, left) = self.level(context, n)?;
        let level = &self.counts.levels[n];
        let none = self.smoothing == Smoothing::LongestContext;
        if !none && draws.uniform() < left {
            return None;
        }
        let Some(own) = &self.continuations else {
            // Counts are added up: one draw and a binary search.
            let at = level.sums[range.start] + draws.below(total as usize) as u32;
            let i = level.sums[range.start + 1..=range.end].partition_point(|sum| *sum <= at);
            return Some(level.symbols[range.start + i]);
        };
        // Discounted counts: the search takes a draw by counts, and a part of it is refused.
        let sums = own.sums.get(n).unwrap_or(&level.sums);
        loop {
            let at = sums[range.start] + draws.below(total as usize) as u32;
            let i =
                range.start + sums[range.start + 1..=range.end].partition_point(|sum| *sum <= at);
            let count = sums[i + 1] - sums[i];
            if draws.uniform() >= own.discounts[n].of(count) / f64::from(count) {
                return Some(level.symbols[i]);
            }
        }
    }

    /// Item `item` of the sequences that the chain makes: at most `longest` symbols after `start`, until
    /// a sequence ends. It depends on the noise and on `item` alone.
    ///
    /// # Errors
    /// A symbol of `start` that the model does not have.
    pub fn generate(
        &self,
        noise: &Noise,
        item: usize,
        start: &[u32],
        longest: usize,
    ) -> Result<Vec<u32>, MarkovError> {
        self.made(noise, item, start, longest)
    }
}

impl Walk for NGram {
    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn of(&self, context: &Context, symbol: u32) -> f64 {
        self.probability(context, symbol)
    }

    fn one(&self, context: &Context, draws: &mut Draws) -> Option<u32> {
        self.draw(context, draws)
    }
}

impl TokenModel for NGram {
    fn outcomes(&self) -> usize {
        self.counts.outcomes()
    }

    fn end(&self) -> Option<u32> {
        self.counts.end()
    }

    fn log_probabilities(&self, sequence: &[u32]) -> Result<Vec<f64>, MarkovError> {
        self.logs(sequence)
    }

    fn next(&self, before: &[u32]) -> Result<Vec<f64>, MarkovError> {
        Ok(self.distribution(&self.context(before)?))
    }
}
