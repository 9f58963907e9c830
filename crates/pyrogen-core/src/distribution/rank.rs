//! Ranks that differ by one, known to the compiler.

/// A tensor rank as a type, so that a bound can say how two ranks relate.
///
/// Some distributions have one axis more than their log-density: categories, or components of a
/// mixture. `Rank<L>: OneMoreThan<B>` says `L = B + 1`; it holds up to `L = 8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank<const D: usize>;

/// The rank is one more than `B`.
pub trait OneMoreThan<const B: usize> {}

/// The rank is two more than `B`: that of a matrix whose log-density has rank `B`.
pub trait TwoMoreThan<const B: usize> {}

macro_rules! two_more {
    ($($b:literal + 2 = $l:literal),*) => { $(impl TwoMoreThan<$b> for Rank<$l> {})* };
}

two_more!(1 + 2 = 3, 2 + 2 = 4, 3 + 2 = 5, 4 + 2 = 6, 5 + 2 = 7, 6 + 2 = 8);

macro_rules! one_more {
    ($($b:literal + 1 = $l:literal),*) => { $(impl OneMoreThan<$b> for Rank<$l> {})* };
}

one_more!(1 + 1 = 2, 2 + 1 = 3, 3 + 1 = 4, 4 + 1 = 5, 5 + 1 = 6, 6 + 1 = 7, 7 + 1 = 8);
