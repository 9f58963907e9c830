//! Missing cells filled in.

use pyrogen_core::Noise;
use rayon::prelude::*;

use crate::blocks::Block;
use crate::factors::Seen;
use crate::sample::{Spread, pick};
use crate::{MISSING, Mixture, MixtureError, Table};

/// How missing cells are filled in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill<'a> {
    /// With the expectation of a number, and the most probable level of a category, given the row's
    /// observed cells. It is the best single guess, and has too little spread.
    Expectation,
    /// With a draw from their distribution given the row's observed cells: completed rows are
    /// distributed as complete ones. Row `i` depends on the noise and on `i` alone; tables that are
    /// completed several times show how much is not known (multiple imputation, Rubin 1987).
    Draw(&'a Noise),
    /// The same where row `i` of the table is item `first + i`, and depends on the noise and on the
    /// item's number alone.
    Items {
        /// The noise.
        noise: &'a Noise,
        /// The number of the first row.
        first: u64,
    },
}

/// One row's filled cells.
type Filled = (usize, Vec<f64>, Vec<u32>);

impl Mixture {
    /// The same table with its missing cells filled in.
    ///
    /// # Errors
    /// A table of other columns, or a row that has probability zero.
    ///
    /// ```
    /// use pyrogen_mixture::{Covariances, Fill, Mixture, Table};
    ///
    /// let tied = Covariances::Tied(vec![1.0, 0.5, 0.5, 1.0]);
    /// let mixture = Mixture::gaussian(vec![1.0], vec![0.0, 0.0], tied)?;
    /// let table = Table::numeric(vec![2.0, f64::NAN, 1.0, 1.0], 2)?;
    /// let full = mixture.complete(&table, Fill::Expectation)?;
    /// assert_eq!(full.all_numbers(), [2.0, 1.0, 1.0, 1.0]);
    /// # Ok::<(), pyrogen_mixture::MixtureError>(())
    /// ```
    pub fn complete(&self, table: &Table, fill: Fill) -> Result<Table, MixtureError> {
        let shares = self.responsibilities(table)?;
        let lot = |blocks: &[Block]| {
            let (mut out, mut seen) = (Vec::new(), None);
            for block in blocks {
                self.fill_block(table, block, &shares, fill, &mut seen, &mut out);
            }
            out
        };
        let parts: Vec<Vec<Filled>> = table.blocks.lots().into_par_iter().map(lot).collect();
        let (mut numbers, mut codes) = (table.all_numbers().to_vec(), table.all_codes().to_vec());
        let (d, columns) = (self.columns(), self.levels().len());
        for (row, cells, levels) in parts.into_iter().flatten() {
            let old = numbers[row * d..][..d].iter_mut().filter(|v| v.is_nan());
            old.zip(cells).for_each(|(old, new)| *old = new);
            let old = codes[row * columns..][..columns].iter_mut().filter(|c| **c == MISSING);
            old.zip(levels).for_each(|(old, new)| *old = new);
        }
        Ok(table.with_cells(numbers, codes))
    }

    fn fill_block(
        &self,
        table: &Table,
        block: &Block,
        shares: &[f64],
        fill: Fill,
        cache: &mut Option<(usize, Vec<(Seen, Spread)>)>,
        out: &mut Vec<Filled>,
    ) {
        let missing = &table.blocks.patterns[block.pattern].missing;
        if cache.as_ref().is_none_or(|(pattern, _)| *pattern != block.pattern) {
            let with_spread = |seen: Seen| {
                let spread = Spread::of(seen.regression.covariance(), missing.len());
                (seen, spread)
            };
            let seen = match missing.is_empty() {
                true => Vec::new(),
                false => self.components.seen(table, block.pattern),
            };
            *cache = Some((block.pattern, seen.into_iter().map(with_spread).collect()));
        }
        let seen = cache.as_ref().map_or(&[][..], |(_, seen)| seen.as_slice());
        let k = self.components();
        for place in 0..block.len {
            let row = table.blocks.row(block, place);
            if missing.is_empty() && !table.codes(row).contains(&MISSING) {
                continue;
            }
            let r = &shares[row * k..][..k];
            let (numbers, codes) = match fill {
                Fill::Expectation => self.expectation(table, row, r, seen, missing),
                Fill::Draw(noise) => self.draw(table, row, r, seen, missing, noise, 0),
                Fill::Items { noise, first } => {
                    self.draw(table, row, r, seen, missing, noise, first)
                }
            };
            out.push((row, numbers, codes));
        }
    }

    /// Expected missing numbers of a row in one component.
    fn expected(
        &self,
        table: &Table,
        row: usize,
        c: usize,
        seen: &[(Seen, Spread)],
        missing: &[usize],
    ) -> Vec<f64> {
        let Some((seen, _)) = seen.get(c) else { return Vec::new() };
        let observed = table.numbers(row).iter().filter(|v| !v.is_nan());
        let diff: Vec<f64> = observed.zip(&seen.factor.mean).map(|(v, m)| v - m).collect();
        seen.regression.expected(self.mean(c), missing, &diff)
    }

    fn expectation(
        &self,
        table: &Table,
        row: usize,
        r: &[f64],
        seen: &[(Seen, Spread)],
        missing: &[usize],
    ) -> (Vec<f64>, Vec<u32>) {
        let mut numbers = vec![0.0; missing.len()];
        for (c, r) in r.iter().enumerate() {
            let expected = self.expected(table, row, c, seen, missing);
            numbers.iter_mut().zip(expected).for_each(|(n, e)| *n += r * e);
        }
        let columns = (0..self.levels().len()).filter(|j| table.codes(row)[*j] == MISSING);
        let likeliest = |j: usize| {
            let mut p = vec![0.0; self.levels()[j] as usize];
            for (c, r) in r.iter().enumerate() {
                p.iter_mut().zip(self.probabilities(c, j)).for_each(|(p, q)| *p += r * q);
            }
            crate::mixture::largest(&p) as u32
        };
        (numbers, columns.map(likeliest).collect())
    }

    #[allow(clippy::too_many_arguments)] // one row's place, shares and factors, and its noise
    fn draw(
        &self,
        table: &Table,
        row: usize,
        r: &[f64],
        seen: &[(Seen, Spread)],
        missing: &[usize],
        noise: &Noise,
        first: u64,
    ) -> (Vec<f64>, Vec<u32>) {
        let mut noise = noise.fork_index(first + row as u64);
        let c = pick(r.iter().copied(), noise.uniform_vec(1)[0]);
        let mut numbers = self.expected(table, row, c, seen, missing);
        if let Some((_, spread)) = seen.get(c) {
            spread.add(&noise.fork("numbers").normal_vec(missing.len()), &mut numbers);
        }
        let mut u = noise.fork("categories").uniform_vec(self.levels().len()).into_iter();
        let columns = (0..self.levels().len()).filter(|j| table.codes(row)[*j] == MISSING);
        let level = |j: usize| {
            let u = u.next().expect("one number a column");
            pick(self.probabilities(c, j).iter().copied(), u) as u32
        };
        (numbers, columns.map(level).collect())
    }
}
