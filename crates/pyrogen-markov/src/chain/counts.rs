//! [`Counts`]: how often every context and every symbol after it was seen.

use rayon::prelude::*;

use crate::MarkovError;

/// Counts of all runs of up to `order + 1` symbols: a tree of sorted levels, in which the children of a
/// run are the symbols that follow it.
///
/// Sequences do not flow into each other. With [`ends`](Self::ends), one more symbol stands for the
/// end of a sequence and is predicted, and one for its beginning, which is only a context.
///
/// # Memory
/// 12 bytes a distinct run; while counting 8 or 16 bytes a symbol more.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    pub(super) order: usize,
    pub(super) symbols: u32,
    pub(super) ends: bool,
    /// `levels[n]` holds the runs of `n + 1` symbols.
    pub(super) levels: Vec<Level>,
    total: u64,
}

/// Runs of one length, sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Level {
    /// The last symbol of each run.
    pub(super) symbols: Vec<u32>,
    /// Counts added up: the count of run `i` is `sums[i + 1] - sums[i]`.
    pub(super) sums: Vec<u32>,
    /// Where the children of each run start on the next level; empty on the last level.
    pub(super) children: Vec<u32>,
}

impl Level {
    pub(super) fn count(&self, i: usize) -> u32 {
        self.sums[i + 1] - self.sums[i]
    }

    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }
}

impl Counts {
    /// Counts runs of `order + 1` symbols below `symbols`, and all shorter ones, in sequences of these
    /// lengths.
    ///
    /// # Errors
    /// No symbols, lengths that do not add up, a symbol that is out of range, or more than 2^32 - 1
    /// symbols.
    pub fn new(
        text: &[u32],
        lengths: &[usize],
        symbols: u32,
        order: usize,
    ) -> Result<Self, MarkovError> {
        Self::of(text, lengths, symbols, order, false)
    }

    /// The same where the ends of sequences are part of what is modelled: sentences, names, visits.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn ends(
        text: &[u32],
        lengths: &[usize],
        symbols: u32,
        order: usize,
    ) -> Result<Self, MarkovError> {
        Self::of(text, lengths, symbols, order, true)
    }

    fn of(
        text: &[u32],
        lengths: &[usize],
        symbols: u32,
        order: usize,
        ends: bool,
    ) -> Result<Self, MarkovError> {
        let sum: usize = lengths.iter().sum();
        if sum != text.len() {
            return Err(MarkovError::Lengths { lengths: sum, values: text.len() });
        }
        if let Some(place) = text.iter().position(|s| *s >= symbols) {
            let mut step = place;
            let sequence = lengths.iter().position(|n| {
                if step < *n {
                    true
                } else {
                    step -= n;
                    false
                }
            });
            let (symbol, symbols) = (text[place], symbols as usize);
            return Err(MarkovError::Symbol {
                sequence: sequence.unwrap_or(0),
                step,
                symbol,
                symbols,
            });
        }
        if order > 64 || symbols > u32::MAX - 3 {
            return Err(MarkovError::request("order", "at most 64", order));
        }
        let total = text.len() + if ends { 2 * lengths.len() } else { 0 };
        if total == 0 || u32::try_from(total).is_err() {
            return match total {
                0 => Err(MarkovError::Empty { what: "symbols" }),
                _ => Err(MarkovError::request("text", "at most 2^32 - 1 symbols", total)),
            };
        }
        let alphabet = u64::from(symbols) + if ends { 2 } else { 0 };
        // 0 stands for "past the end of the sequence".
        let bits = 64 - alphabet.leading_zeros();
        let levels = match bits as usize * (order + 1) {
            0..=64 => tree(packed::<u64>(text, lengths, symbols, order, ends, bits), order, bits),
            65..=128 => {
                tree(packed::<u128>(text, lengths, symbols, order, ends, bits), order, bits)
            }
            _ => sorted_tree(text, lengths, symbols, order, ends),
        };
        let predicted = levels[0].len() - usize::from(ends);
        let total = u64::from(levels[0].sums[predicted]);
        Ok(Self { order, symbols, ends, levels, total })
    }

    /// Symbols of context.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Number of symbols, without those for beginning and end.
    pub fn symbols(&self) -> u32 {
        self.symbols
    }

    /// Number of symbols that can be predicted: with the end, where ends are modelled.
    pub fn outcomes(&self) -> usize {
        self.symbols as usize + usize::from(self.ends)
    }

    /// The symbol that stands for the end of a sequence.
    pub fn end(&self) -> Option<u32> {
        self.ends.then_some(self.symbols)
    }

    /// The symbol that stands for the beginning of a sequence.
    pub(super) fn begin(&self) -> Option<u32> {
        self.ends.then_some(self.symbols + 1)
    }

    /// Number of distinct runs of `length` symbols.
    pub fn runs(&self, length: usize) -> usize {
        length.checked_sub(1).and_then(|n| self.levels.get(n)).map_or(0, Level::len)
    }

    /// Symbols that were counted, ends with them.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let of = |l: &Level| 4 * (l.symbols.capacity() + l.sums.capacity() + l.children.capacity());
        self.levels.iter().map(of).sum()
    }

    /// How often a run was seen.
    pub fn count(&self, run: &[u32]) -> u64 {
        match (run.len(), self.find(run)) {
            (0, _) => self.total,
            (n, Some(i)) => u64::from(self.levels[n - 1].count(i)),
            (_, None) => 0,
        }
    }

    /// The place of a run on its level.
    pub(super) fn find(&self, run: &[u32]) -> Option<usize> {
        let mut range = 0..self.levels[0].len();
        let mut place = None;
        for (n, symbol) in run.iter().enumerate() {
            let level = self.levels.get(n)?;
            let i = range.start + level.symbols[range.clone()].binary_search(symbol).ok()?;
            place = Some(i);
            if n + 1 < run.len() {
                range = self.children(n, i)?;
            }
        }
        place
    }

    /// The children of run `i` of level `n`, on level `n + 1`.
    pub(super) fn children(&self, n: usize, i: usize) -> Option<std::ops::Range<usize>> {
        let starts = &self.levels.get(n)?.children;
        let (from, to) = (*starts.get(i)?, *starts.get(i + 1)?);
        Some(from as usize..to as usize)
    }

    /// Single symbols that can be predicted: the beginning is the last of level 0, and only a context.
    pub(super) fn first(&self) -> std::ops::Range<usize> {
        0..self.levels[0].len() - usize::from(self.ends)
    }

    /// The place of `symbol` among runs of a level.
    pub(super) fn among(
        &self,
        n: usize,
        range: std::ops::Range<usize>,
        symbol: u32,
    ) -> Option<usize> {
        let start = range.start;
        self.levels[n].symbols[range].binary_search(&symbol).ok().map(|i| start + i)
    }
}

/// A key that several symbols are packed into, the first in the highest bits.
pub(super) trait Key: Copy + Ord + Send + Sync {
    fn push(self, bits: u32, symbol: u32) -> Self;
    /// The symbol at `place` of `length`.
    fn get(self, bits: u32, length: usize, place: usize) -> u32;
    fn zero() -> Self;
    /// The last `length` symbols.
    fn keep(self, bits: u32, length: usize) -> Self;
    /// The highest place at which two keys differ.
    fn first_difference(self, other: Self, bits: u32, length: usize) -> usize;
}

macro_rules! key {
    ($t:ty) => {
        impl Key for $t {
            #[inline]
            fn push(self, bits: u32, symbol: u32) -> Self {
                // A shift by all bits clears.
                self.checked_shl(bits).unwrap_or(0) | Self::from(symbol)
            }

            #[inline]
            fn get(self, bits: u32, length: usize, place: usize) -> u32 {
                let shift = bits * (length - 1 - place) as u32;
                ((self >> shift) & ((1 << bits) - 1)) as u32
            }

            fn zero() -> Self {
                0
            }

            #[inline]
            fn keep(self, bits: u32, length: usize) -> Self {
                self & (<$t>::MAX >> (<$t>::BITS - bits * length as u32))
            }

            #[inline]
            fn first_difference(self, other: Self, bits: u32, length: usize) -> usize {
                let unused = <$t>::BITS - bits * length as u32;
                (((self ^ other).leading_zeros() - unused) / bits) as usize
            }
        }
    };
}

key!(u64);
key!(u128);

/// The symbols of a sequence with its beginning and end, moved up by 1.
fn marked(sequence: &[u32], symbols: u32, ends: bool) -> impl DoubleEndedIterator<Item = u32> + '_ {
    let begin = ends.then_some(symbols + 2);
    let end = ends.then_some(symbols + 1);
    begin.into_iter().chain(sequence.iter().map(|s| s + 1)).chain(end)
}

/// The runs that start at each place, sorted; places near the end of a sequence are filled up with 0.
fn packed<K: Key>(
    text: &[u32],
    lengths: &[usize],
    symbols: u32,
    order: usize,
    ends: bool,
    bits: u32,
) -> Vec<K> {
    let mut keys = Vec::with_capacity(text.len() + 2 * lengths.len());
    let mut from = 0;
    for length in lengths {
        let sequence = &text[from..from + length];
        from += length;
        // A run is the last symbols of a moving window; the first windows are not full.
        let fill = std::iter::repeat_n(0, order);
        let mut window = K::zero();
        for (i, symbol) in marked(sequence, symbols, ends).chain(fill).enumerate() {
            window = window.push(bits, symbol).keep(bits, order + 1);
            if i >= order {
                keys.push(window);
            }
        }
    }
    keys.par_sort_unstable();
    keys
}

/// The levels of sorted keys.
fn tree<K: Key>(keys: Vec<K>, order: usize, bits: u32) -> Vec<Level> {
    let length = order + 1;
    let mut build = Builder::new(length);
    let mut last: Option<K> = None;
    for key in keys {
        let differs = last.map_or(0, |last| {
            if last == key { length } else { last.first_difference(key, bits, length) }
        });
        build.add(differs, |place| key.get(bits, length, place));
        last = Some(key);
    }
    build.end()
}

/// The levels where runs do not fit a key: places are sorted by what follows them.
fn sorted_tree(
    text: &[u32],
    lengths: &[usize],
    symbols: u32,
    order: usize,
    ends: bool,
) -> Vec<Level> {
    let mut all: Vec<u32> = Vec::with_capacity(text.len() + 3 * lengths.len());
    let mut from = 0;
    for length in lengths {
        all.extend(marked(&text[from..from + length], symbols, ends));
        all.push(0);
        from += length;
    }
    let length = order + 1;
    let run = |place: u32| {
        let from = place as usize;
        &all[from..(from + length).min(all.len())]
    };
    // What follows a 0 belongs to the next sequence and must not order runs.
    let order_of = |a: &u32, b: &u32| {
        let (a, b) = (run(*a), run(*b));
        let cut = |r: &[u32]| r.iter().position(|s| *s == 0).unwrap_or(r.len());
        a[..cut(a)].cmp(&b[..cut(b)])
    };
    let mut places: Vec<u32> = (0..all.len() as u32).filter(|p| all[*p as usize] != 0).collect();
    places.par_sort_unstable_by(order_of);
    let mut build = Builder::new(length);
    let mut last: &[u32] = &[];
    for place in places {
        let now = run(place);
        let now = &now[..now.iter().position(|s| *s == 0).unwrap_or(now.len())];
        let differs = last.iter().zip(now).take_while(|(a, b)| a == b).count();
        let differs = if differs == last.len() && differs == now.len() { length } else { differs };
        build.add(differs, |place| now.get(place).copied().unwrap_or(0));
        last = now;
    }
    build.end()
}

/// Adds sorted runs to the levels.
struct Builder {
    length: usize,
    levels: Vec<Level>,
}

impl Builder {
    fn new(length: usize) -> Self {
        let level = || Level { sums: vec![0], ..Level::default() };
        Self { length, levels: (0..length).map(|_| level()).collect() }
    }

    /// Counts a run that differs from the last one at `differs` first (`length`: not at all).
    fn add(&mut self, differs: usize, symbol: impl Fn(usize) -> u32) {
        for place in 0..self.length {
            let symbol = symbol(place);
            // 0 is past the end: no longer run is there.
            if symbol == 0 {
                break;
            }
            let below = self.levels.get(place + 1).map_or(0, Level::len) as u32;
            let level = &mut self.levels[place];
            if place >= differs {
                level.symbols.push(symbol - 1);
                let sum = *level.sums.last().expect("a first sum");
                level.sums.push(sum);
                level.children.push(below);
            }
            *level.sums.last_mut().expect("a sum") += 1;
        }
    }

    fn end(mut self) -> Vec<Level> {
        for n in 0..self.length {
            let below = self.levels.get(n + 1).map(|l| l.len() as u32);
            let level = &mut self.levels[n];
            match below {
                Some(below) => level.children.push(below),
                None => level.children = Vec::new(),
            }
            level.symbols.shrink_to_fit();
            level.sums.shrink_to_fit();
            level.children.shrink_to_fit();
        }
        self.levels
    }
}
