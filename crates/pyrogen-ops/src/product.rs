//! Products of many rows with one matrix, with what happens to the rows before and after it.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use rayon::prelude::*;

use crate::host::Array;

/// Rows that are worked out at once, at most. Burn 0.22's product clears and copies its result before
/// it writes it, which costs little in a core's cache and much in memory that is used for the first
/// time; more rows at once are hardly faster.
const ROWS: usize = 512;

/// What is done to a few rows, of which the first has this number.
pub(crate) type Rows<'a> = dyn Fn(usize, &mut [f32]) + Sync + 'a;

/// Rows at most of a product that is cut by columns, and columns that are then worked out at once.
const FEW: usize = 16;
const COLS: usize = 256;

/// Numbers of a weight's gradient below which it is worked out at once: it is memory of its own, which
/// Burn's product takes as it is.
const LARGE: usize = 1 << 20;

/// Numbers of the right matrix below which a product is not cut by columns.
const SMALL: usize = 1 << 19;

/// A product in parts of a few rows, or of a few columns where rows are few. Threads take whole parts,
/// so that what Burn does on one thread before and after a product is shared out too. Parts depend on
/// the sizes alone.
pub(crate) struct Product<'a> {
    /// All rows, whatever the number of axes; a matrix of them is transposed where asked.
    pub(crate) left: (&'a Array, bool),
    pub(crate) right: (&'a Array, bool),
    /// Fills the rows that are multiplied in place of the left array's own, as many and as wide.
    pub(crate) before: Option<&'a Rows<'a>>,
    /// Finishes rows of the result.
    pub(crate) after: &'a Rows<'a>,
}

impl<'a> Product<'a> {
    /// A product and nothing else.
    pub(crate) fn new(left: (&'a Array, bool), right: (&'a Array, bool)) -> Self {
        Self { left, right, before: None, after: &|_, _| () }
    }

    /// The product, of these lengths, in the memory of `room` where that is free; it has the same
    /// lengths.
    pub(crate) fn work_out(&self, dims: &[usize], room: Option<Array>) -> Array {
        let [a, b] = self.left.0.rows();
        let (rows, depth) = if self.left.1 { (b, a) } else { (a, b) };
        let large = !self.left.1 || dims.iter().product::<usize>() > LARGE;
        if rows > ROWS && large {
            return self.by_rows(rows, dims, room);
        }
        let cols = dims.last().copied().unwrap_or(1);
        let left = self.rows(0, rows);
        let right = self.right.0.matrix(self.right.1);
        let mut product = if rows <= FEW && cols > COLS && depth * cols >= SMALL {
            by_columns(&left, &right, cols, to_write(dims, room))
        } else {
            Array(Flex::float_matmul(left.0.clone(), right).reshape(dims.to_vec().into()))
        };
        if self.before.is_some() {
            left.leave();
        }
        (self.after)(0, product.owned());
        product
    }

    fn by_rows(&self, rows: usize, dims: &[usize], room: Option<Array>) -> Array {
        let mut product = to_write(dims, room);
        let out = product.owned();
        let count = rows.div_ceil(rows.div_ceil(ROWS));
        let length = (count * out.len() / rows).max(1);
        out.par_chunks_mut(length).enumerate().for_each(|(i, out)| {
            let first = i * count;
            let left = self.rows(first, count.min(rows - first));
            let part = Flex::float_matmul(left.0.clone(), self.right.0.matrix(self.right.1));
            if self.before.is_some() {
                left.leave();
            }
            out.copy_from_slice(part.storage());
            (self.after)(first, out);
        });
        product
    }

    /// Some rows of the left side.
    fn rows(&self, first: usize, count: usize) -> Array {
        let Some(before) = self.before else {
            return Array(self.left.0.matrix(self.left.1).narrow(0, first, count));
        };
        let mut left = Array::to_fill(&[count, self.left.0.rows()[1]]);
        before(first, left.owned());
        left
    }
}

/// Memory of these lengths, that of `room` where it is free.
fn to_write(dims: &[usize], room: Option<Array>) -> Array {
    room.map_or_else(|| Array::to_fill(dims), Array::refill)
}

fn by_columns(left: &Array, right: &FlexTensor, cols: usize, mut product: Array) -> Array {
    let parts: Vec<FlexTensor> = (0..cols.div_ceil(COLS))
        .into_par_iter()
        .map(|i| {
            let right = right.narrow(1, i * COLS, COLS.min(cols - i * COLS));
            Flex::float_matmul(left.0.clone(), right)
        })
        .collect();
    product.owned().par_chunks_mut(cols).enumerate().for_each(|(row, out)| {
        for (out, part) in out.chunks_mut(COLS).zip(&parts) {
            out.copy_from_slice(&part.storage()[row * out.len()..][..out.len()]);
        }
    });
    product
}
