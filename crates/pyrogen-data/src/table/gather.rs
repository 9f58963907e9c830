//! Cells of rows into columns, by all threads.

use rayon::prelude::*;

use super::rows::Rows;
use super::strings::Strings;

/// Cells of a column in the making.
#[derive(Debug)]
pub(super) struct Gathered {
    pub strings: Strings,
    /// Bytes that all cells would take in memory.
    pub size: usize,
    /// Whether the cells are kept.
    pub keep: bool,
    /// Whether there was no room for a cell.
    pub full: bool,
}

impl Gathered {
    /// A column whose cells are kept.
    pub fn kept(strings: Strings) -> Self {
        Self { strings, size: 0, keep: true, full: false }
    }

    fn push(&mut self, cell: &str) {
        self.size += cell.len() + Strings::END;
        if self.keep && !self.full {
            self.full = !self.strings.push(cell);
        }
    }
}

/// Columns that a thread fills at a time.
const ABREAST: usize = 4;

/// Fills columns with the cells of rows, by all threads; `places` are the columns of the file that they
/// are.
pub(super) fn gather(columns: &mut [Gathered], places: &[usize], blocks: &[Rows], skip: usize) {
    columns.par_chunks_mut(ABREAST).zip(places.par_chunks(ABREAST)).for_each(
        |(columns, places)| {
            let mut skip = skip;
            for rows in blocks {
                for i in skip.min(rows.len())..rows.len() {
                    for (column, &j) in columns.iter_mut().zip(places) {
                        column.push(rows.cell(i, j));
                    }
                }
                skip -= skip.min(rows.len());
            }
        },
    );
}
