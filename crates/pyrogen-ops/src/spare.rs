//! Memory of arrays that are no longer needed, for the next ones.
//!
//! A training step makes arrays of the same sizes again and again. Memory that goes back to the
//! allocator, and from there to the system, has to be found, mapped and cleared each time, which takes
//! longer than many an operation. So what an operation is done with stays with its thread, as far as
//! arrays of that length were asked for before.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

/// Arrays shorter than this are the allocator's: it keeps their memory itself.
const SHORT: usize = 1 << 14;

/// Numbers that a thread keeps at most, 256 MiB.
const MOST: usize = 1 << 26;

/// Lengths that a thread remembers at most.
const LENGTHS: usize = 1 << 10;

#[derive(Default)]
struct Spare {
    /// The latest at the end.
    kept: VecDeque<Vec<f32>>,
    total: usize,
    /// For each length the arrays that are out: asked for, and not given back yet. What is given
    /// beyond them, such as arrays that others made, would never be asked for.
    out: HashMap<usize, usize>,
}

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

impl Spare {
    /// The latest that is long enough and not much longer.
    fn take(&mut self, n: usize) -> Option<Vec<f32>> {
        let fits = |values: &Vec<f32>| (n..=n + n / 4).contains(&values.capacity());
        let found = self.kept.iter().rposition(fits).and_then(|place| self.kept.remove(place));
        let length = found.as_ref().map_or(n, Vec::capacity);
        if found.is_some() {
            self.total -= length;
        }
        if self.out.len() >= LENGTHS {
            self.out.clear();
        }
        *self.out.entry(length).or_default() += 1;
        found
    }

    fn give(&mut self, values: Vec<f32>) {
        let Some(out) = self.out.get_mut(&values.capacity()).filter(|out| **out > 0) else {
            return;
        };
        *out -= 1;
        self.total += values.capacity();
        self.kept.push_back(values);
        while self.total > MOST {
            self.total -= self.kept.pop_front().map_or(self.total, |oldest| oldest.capacity());
        }
    }
}

/// `n` numbers to be written, whatever they are now.
pub(crate) fn take(n: usize) -> Vec<f32> {
    let found = if n < SHORT { None } else { SPARE.with_borrow_mut(|spare| spare.take(n)) };
    match found {
        Some(mut values) => {
            values.resize(n, 0.0);
            values
        }
        None => vec![0.0; n],
    }
}

/// Keeps memory for the next [`take`], if as much was taken before.
pub(crate) fn give(values: Vec<f32>) {
    if values.capacity() >= SHORT {
        SPARE.with_borrow_mut(|spare| spare.give(values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_where_it_fits() {
        let n = 2 * SHORT;
        let given = take(n);
        let address = given.as_ptr();
        give(given);
        // Too long, and too short.
        let others = [take(n / 2), take(n + 1)];
        assert!(others.iter().all(|other| other.as_ptr() != address));
        let taken = take(n - 5);
        assert_eq!((taken.as_ptr(), taken.len()), (address, n - 5));
        give(taken);
        let taken = take(n);
        assert_eq!((taken.as_ptr(), taken.len()), (address, n));
    }

    #[test]
    fn no_more_is_kept_than_said() {
        let n = MOST / 4;
        SPARE.with_borrow_mut(|spare| spare.out.insert(n, 6));
        (0..6).for_each(|_| give(Vec::with_capacity(n)));
        SPARE.with_borrow(|spare| {
            assert!(spare.total <= MOST);
            assert_eq!(spare.kept.iter().map(Vec::capacity).sum::<usize>(), spare.total);
            assert!(!spare.kept.is_empty());
        });
    }

    #[test]
    fn what_was_never_asked_for_is_not_kept() {
        let kept = || SPARE.with_borrow(|spare| spare.kept.len());
        let own: Vec<_> = (0..3).map(|_| take(SHORT)).collect();
        for _ in 0..10 {
            give(vec![0.0; 3 * SHORT]);
        }
        assert_eq!(kept(), 0);
        // As many as were taken, whoever made them.
        own.into_iter().for_each(give);
        (0..10).for_each(|_| give(vec![0.0; SHORT]));
        assert_eq!(kept(), 3);
        drop(take(SHORT));
        (0..10).for_each(|_| give(vec![0.0; SHORT]));
        assert_eq!(kept(), 3);
    }
}
