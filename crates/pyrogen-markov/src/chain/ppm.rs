//! [`Ppm`]: prediction by partial matching, a chain of variable order.

use std::ops::Range;

use pyrogen_core::{Draws, Noise};
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::counts::Counts;
use super::ngram::TokenModel;
use super::smoothing::distinct_before;
use super::walk::Walk;
use crate::MarkovError;

/// How much a context leaves to what it was never followed by.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// `T / (n + T)`, where `T` different symbols were seen in `n` (Moffat 1990): PPMC.
    C,
    /// `T / (2 n)` (Howard 1993): PPMD.
    #[default]
    D,
}

/// Options of a [`Ppm`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpmConfig {
    /// How much a context leaves to what it was never followed by.
    pub escape: Escape,
    /// Whether shorter contexts count different symbols before a run, and not how often it was seen:
    /// a run is counted in a shorter context only where the longer one was new (update exclusion).
    pub update_exclusion: bool,
}

impl Default for PpmConfig {
    fn default() -> Self {
        Self { escape: Escape::D, update_exclusion: true }
    }
}

/// Prediction by partial matching with exclusion: the longest context that was seen predicts, and what
/// it escapes with goes to the next shorter one, without the symbols that the longer one knows.
///
/// ```text
/// p(w | h) = (c(h w) - 1/2) / n(h)          where w was seen after h     (escape D)
///          = T(h) / (2 n(h)) p(w | h')      where not, h' one symbol shorter
/// ```
///
/// `n` and `T` count what the longer context does not know. A context after which everything was seen
/// escapes with 0, the empty one to a uniform distribution over what was never seen. So probabilities
/// add up to 1 exactly.
///
/// # References
/// Cleary and Witten (1984); Moffat (1990), update exclusion and escape C; Howard (1993), escape D.
///
/// # Examples
/// ```
/// use pyrogen_markov::chain::{Counts, Ppm, PpmConfig, TokenModel};
///
/// // a b r a c a d a b r a
/// let text = [0, 1, 2, 0, 3, 0, 4, 0, 1, 2, 0];
/// let model = Ppm::new(Counts::new(&text, &[11], 5, 3)?, PpmConfig::default());
/// let next = model.next(&[3, 0, 1])?;
/// assert!(next.iter().all(|p| *p <= next[2])); // `r` follows `ab` both times
/// assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ppm {
    counts: Counts,
    config: PpmConfig,
    /// Numbers of different symbols before the runs of all levels but the highest, added up.
    distinct: Vec<Vec<u32>>,
}

/// One context on the way down.
struct Level {
    n: usize,
    range: Range<usize>,
    /// Count of what the longer context does not know.
    total: f64,
    /// The part that goes to shorter contexts.
    escape: f64,
}

impl Ppm {
    /// A model of contexts up to the order of the counts.
    pub fn new(counts: Counts, config: PpmConfig) -> Self {
        let distinct = match config.update_exclusion {
            true => distinct_before(&counts),
            false => Vec::new(),
        };
        Self { counts, config, distinct }
    }

    /// The counts.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.counts.bytes() + self.distinct.iter().map(|s| 4 * s.len()).sum::<usize>()
    }

    /// The context at the beginning of a sequence.
    pub fn start(&self) -> Context {
        self.counts.start()
    }

    /// Moves a context on by one symbol.
    pub fn advance(&self, context: &mut Context, symbol: u32) {
        self.counts.advance(context, symbol);
    }

    /// Counts of a level, added up.
    fn sums(&self, n: usize) -> &[u32] {
        self.distinct.get(n).unwrap_or(&self.counts.levels[n].sums)
    }

    fn count(&self, n: usize, i: usize) -> u32 {
        let sums = self.sums(n);
        sums[i + 1] - sums[i]
    }

    fn total(&self, n: usize, range: &Range<usize>) -> u32 {
        let sums = self.sums(n);
        sums[range.end] - sums[range.start]
    }

    /// The symbols of a run of places.
    fn symbols(&self, n: usize, range: &Range<usize>) -> &[u32] {
        &self.counts.levels[n].symbols[range.clone()]
    }

    /// The contexts from the longest down that say something new; `see` ends the way by true. What a
    /// longer context knows, every shorter one knows, too.
    fn down(
        &self,
        context: &Context,
        mut see: impl FnMut(&Level, &[u32]) -> bool,
    ) -> Option<Level> {
        let mut longer: &[u32] = &[];
        for n in (0..=self.counts.order).rev() {
            let Some(range) = self.counts.followers(context, n) else { continue };
            let known = |s: &u32| self.counts.among(n, range.clone(), *s);
            let excluded: u32 = longer.iter().filter_map(known).map(|i| self.count(n, i)).sum();
            let types = range.len() - longer.len();
            let total = f64::from(self.total(n, &range) - excluded);
            // Runs that all begin sequences have no symbols before them.
            if types == 0 || total <= 0.0 {
                continue;
            }
            let all = range.len() == self.counts.outcomes();
            let types = types as f64;
            let escape = match (all, self.config.escape) {
                (true, _) => 0.0,
                (false, Escape::C) => types / (total + types),
                (false, Escape::D) => types / (2.0 * total),
            };
            let level = Level { n, range, total, escape };
            if see(&level, longer) {
                return Some(level);
            }
            longer = self.symbols(n, &level.range);
        }
        None
    }

    /// The probability of a run in its level, where it is not excluded.
    fn own(&self, level: &Level, i: usize) -> f64 {
        let count = f64::from(self.count(level.n, i));
        match (level.escape == 0.0, self.config.escape) {
            (true, _) => count / level.total,
            (false, Escape::C) => count / level.total * (1.0 - level.escape),
            (false, Escape::D) => (count - 0.5) / level.total,
        }
    }

    /// The probability of a symbol in a context.
    pub fn probability(&self, context: &Context, symbol: u32) -> f64 {
        let (mut left, mut found, mut known) = (1.0, None, 0);
        self.down(context, |level, longer| {
            known = level.range.len();
            if let Some(i) = self.counts.among(level.n, level.range.clone(), symbol)
                && longer.binary_search(&symbol).is_err()
            {
                found = Some(left * self.own(level, i));
                return true;
            }
            left *= level.escape;
            false
        });
        found.unwrap_or_else(|| left / (self.counts.outcomes() - known).max(1) as f64)
    }

    /// The probabilities of all outcomes in a context.
    pub fn distribution(&self, context: &Context) -> Vec<f64> {
        let outcomes = self.counts.outcomes();
        let mut p = vec![0.0; outcomes];
        let (mut left, mut last) = (1.0, None);
        self.down(context, |level, longer| {
            for (i, symbol) in level.range.clone().zip(self.symbols(level.n, &level.range)) {
                if longer.binary_search(symbol).is_err() {
                    p[*symbol as usize] = left * self.own(level, i);
                }
            }
            left *= level.escape;
            last = Some((level.n, level.range.clone()));
            false
        });
        let known = last.as_ref().map_or(&[][..], |(n, range)| self.symbols(*n, range));
        let share = left / (outcomes - known.len()).max(1) as f64;
        for symbol in (0..outcomes as u32).filter(|s| known.binary_search(s).is_err()) {
            p[symbol as usize] = share;
        }
        p
    }

    /// A symbol drawn in a context: each context gives a symbol or escapes to the next shorter one.
    pub(crate) fn draw(&self, context: &Context, draws: &mut Draws) -> u32 {
        let (mut drawn, mut known) = (None, None);
        self.down(context, |level, longer| {
            let mut u = draws.uniform();
            for (i, symbol) in level.range.clone().zip(self.symbols(level.n, &level.range)) {
                if longer.binary_search(symbol).is_err() {
                    u -= self.own(level, i);
                    drawn = Some(*symbol).filter(|_| u < 0.0);
                    if drawn.is_some() {
                        return true;
                    }
                }
            }
            known = Some((level.n, level.range.clone()));
            false
        });
        drawn.unwrap_or_else(|| {
            let known = known.as_ref().map_or(&[][..], |(n, range)| self.symbols(*n, range));
            let unseen = (self.counts.outcomes() - known.len()).max(1);
            let place = draws.below(unseen);
            let outcomes = 0..self.counts.outcomes() as u32;
            let unseen = outcomes.filter(|s| known.binary_search(s).is_err()).nth(place);
            unseen.unwrap_or(0)
        })
    }

    /// Item `item` of the sequences that the model makes: at most `longest` symbols after `start`, until
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

impl Walk for Ppm {
    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn of(&self, context: &Context, symbol: u32) -> f64 {
        self.probability(context, symbol)
    }

    fn one(&self, context: &Context, draws: &mut Draws) -> Option<u32> {
        Some(self.draw(context, draws))
    }
}

impl TokenModel for Ppm {
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
        Ok(self.distribution(&self.counts.context(before)?))
    }
}
