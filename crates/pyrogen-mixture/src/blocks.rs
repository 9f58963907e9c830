//! How the rows of a table are cut into pieces of work: the same for any number of threads.

/// Rows of a block: what is computed at a time, in the processor's own cache.
pub(crate) const BLOCK: usize = 128;

/// The most parts that sums are made in: each keeps sums of its own, which are added in order.
const LOTS: usize = 64;

/// A lot has this many rows at least.
const LOT_ROWS: usize = 1024;

/// Columns that are observed, and columns that are missing, both ascending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    pub observed: Vec<usize>,
    pub missing: Vec<usize>,
}

/// At most [`BLOCK`] rows with the same missing numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub pattern: usize,
    start: usize,
    pub len: usize,
}

/// The blocks of a table.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    pub patterns: Vec<Pattern>,
    /// Rows by pattern; none where no number is missing.
    order: Option<Vec<u32>>,
    blocks: Vec<Block>,
    rows: usize,
}

impl Blocks {
    pub fn new(numbers: &[f64], rows: usize, columns: usize) -> Self {
        let misses = numbers.iter().any(|v| v.is_nan());
        let mut order: Vec<u32> = Vec::new();
        if misses {
            assert!(u32::try_from(rows).is_ok(), "a table with missing cells has under 2^32 rows");
            order.extend(0..rows as u32);
            let row = |r: u32| &numbers[r as usize * columns..][..columns];
            let missing = |r: u32| row(r).iter().map(|v| v.is_nan());
            order.sort_by(|&a, &b| missing(a).cmp(missing(b)));
        }
        let pattern_of = |place: usize| {
            let row = order.get(place).map_or(place, |r| *r as usize);
            let cells = &numbers[row * columns..][..columns];
            let (missing, observed) = (0..columns).partition(|&j| cells[j].is_nan());
            Pattern { observed, missing }
        };
        let same = |pattern: &Pattern, place: usize| {
            let cells = &numbers[order[place] as usize * columns..][..columns];
            pattern.observed.iter().all(|&j| !cells[j].is_nan())
                && pattern.missing.iter().all(|&j| cells[j].is_nan())
        };
        let (mut patterns, mut blocks, mut start) = (Vec::new(), Vec::new(), 0);
        while start < rows {
            let pattern = pattern_of(start);
            let mut end = start + 1;
            if misses {
                while end < rows && same(&pattern, end) {
                    end += 1;
                }
            } else {
                end = rows;
            }
            for first in (start..end).step_by(BLOCK) {
                let len = BLOCK.min(end - first);
                blocks.push(Block { pattern: patterns.len(), start: first, len });
            }
            patterns.push(pattern);
            start = end;
        }
        Self { patterns, order: misses.then_some(order), blocks, rows }
    }

    /// Whether a number is missing.
    pub fn misses(&self) -> bool {
        self.order.is_some()
    }

    /// The blocks in consecutive parts that depend on the table alone.
    pub fn lots(&self) -> Vec<&[Block]> {
        let lots = (self.rows / LOT_ROWS).clamp(1, LOTS);
        let each = self.blocks.len().div_ceil(lots);
        self.blocks.chunks(each.max(1)).collect()
    }

    /// The row at a place of a block.
    #[inline]
    pub fn row(&self, block: &Block, place: usize) -> usize {
        let at = block.start + place;
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }
}
