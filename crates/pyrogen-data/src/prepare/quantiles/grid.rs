//! The grid that written numbers lie on.

use serde::{Deserialize, Serialize};

/// Evenly spaced numbers, `(offset + k * step) / 10^decimals` for whole `k`: what whole numbers, prices
/// to the cent and scales lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Digits behind the point.
    pub decimals: u32,
    /// Units of the last digit from one number to the next.
    pub step: u64,
    /// Units from 0 to the first number of the grid that is not below it.
    pub offset: u64,
    /// Whether most training examples share their value with another one. Then the column counts as
    /// discrete and scores are probabilities of its values; else they are densities.
    pub counted: bool,
}

/// More digits than this are not looked for.
const MAX_DECIMALS: u32 = 6;

/// Whole numbers beyond this are not exact in f64.
const MAX_UNITS: f64 = 9e15;

/// A grid is taken where numbers off it would lie on it with a probability below `e^-13.8`, a
/// millionth.
const EVIDENCE: f64 = 13.8;

impl Grid {
    /// The coarsest grid that all numbers lie on, as far as f32 shows; none where there is none, or
    /// where numbers of that precision lie on it anyway. `sorted` ascends.
    pub(super) fn find(sorted: &[f32]) -> Option<Self> {
        let distinct: Vec<f32> = sorted.chunk_by(|a, b| a == b).map(|g| g[0]).collect();
        let counted = {
            let shared = |g: &&[f32]| g.len() > 1;
            let rows: usize = sorted.chunk_by(|a, b| a == b).filter(shared).map(<[f32]>::len).sum();
            2 * rows >= sorted.len()
        };
        let (decimals, units) = (0..=MAX_DECIMALS)
            .find_map(|decimals| Some((decimals, units(&distinct, decimals)?)))?;
        // The chance that a number in f32 lies on the grid is its spacing over that of the grid.
        let cell = 10f64.powi(-(decimals as i32));
        let spacing = |v: f32| f64::from(v.abs().max(f32::MIN_POSITIVE)) * f64::from(f32::EPSILON);
        let evidence = |&v: &f32| if v == 0.0 { 0.0 } else { (cell / spacing(v)).ln().max(0.0) };
        if distinct.iter().map(evidence).sum::<f64>() < EVIDENCE {
            return None;
        }
        let between = units.windows(2).fold(0, |g, w| gcd(g, w[0].abs_diff(w[1])));
        // A common divisor of few numbers is chance.
        let evident =
            units.len().saturating_sub(2) as f64 * (between.max(1) as f64).ln() >= EVIDENCE;
        let step = if evident { between } else { 1 };
        let offset = units[0].rem_euclid(step as i64) as u64;
        Some(Self { decimals, step, offset, counted })
    }

    /// The distance from one number to the next.
    pub fn cell(&self) -> f64 {
        self.step as f64 / self.unit()
    }

    fn unit(&self) -> f64 {
        10f64.powi(self.decimals as i32)
    }

    /// The place of the nearest number of the grid.
    pub(super) fn place(&self, x: f64) -> f64 {
        ((x * self.unit() - self.offset as f64) / self.step as f64).round()
    }

    /// The number at a place.
    pub(super) fn value(&self, place: f64) -> f64 {
        (self.offset as f64 + place * self.step as f64) / self.unit()
    }

    pub(super) fn is_valid(&self) -> bool {
        self.decimals <= MAX_DECIMALS
            && self.step > 0
            && (self.step as f64) < MAX_UNITS
            && self.offset < self.step
    }
}

/// The numbers in units of the last of some digits, where they are whole numbers of them.
fn units(distinct: &[f32], decimals: u32) -> Option<Vec<i64>> {
    let unit = 10f64.powi(decimals as i32);
    let whole = |&v: &f32| {
        let units = (f64::from(v) * unit).round();
        (units.abs() < MAX_UNITS && (units / unit) as f32 == v).then_some(units as i64)
    };
    distinct.iter().map(whole).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(values: &[f32]) -> Option<Grid> {
        let mut values = values.to_vec();
        values.sort_by(f32::total_cmp);
        Grid::find(&values)
    }

    #[test]
    fn grids_are_those_of_the_numbers() {
        let found = |values: &[f32]| grid(values).map(|g| (g.decimals, g.step, g.offset));
        assert_eq!(found(&[3.0, 1.0, 2.0]), Some((0, 1, 0)));
        assert_eq!(found(&[0.1, 12.34, -7.0, 99.99]), Some((2, 1, 0)));
        // Three numbers have a common divisor by chance, forty have not.
        assert_eq!(found(&[20.0, 40.0, 60.0]), Some((0, 1, 0)));
        let halves: Vec<f32> = (0..40).map(|i| i as f32 * 0.5 + 0.25).collect();
        assert_eq!(found(&halves), Some((2, 50, 25)));
        let thousands: Vec<f32> = (-20..20).map(|i| i as f32 * 1000.0).collect();
        assert_eq!(found(&thousands), Some((0, 1000, 0)));
        // Sixths have no last digit; numbers beyond 2^24 are whole because f32 has no others.
        let sixths: Vec<f32> = (1..40).map(|i| i as f32 / 6.0 + 0.01).collect();
        assert_eq!(found(&sixths), None);
        let large: Vec<f32> = (1..40).map(|i| 3e9 + i as f32 * 1e6).collect();
        assert!(found(&large).is_none_or(|(decimals, step, _)| decimals == 0 && step >= 1000));
        assert_eq!(found(&[0.0, 0.0]), None);
    }

    #[test]
    fn places_and_values_go_there_and_back() {
        for grid in [
            Grid { decimals: 2, step: 25, offset: 5, counted: true },
            Grid { decimals: 0, step: 1, offset: 0, counted: false },
        ] {
            for k in [-1000.0, -1.0, 0.0, 7.0, 123_456.0] {
                assert_eq!(grid.place(grid.value(k)), k);
                assert_eq!(grid.place(f64::from(grid.value(k) as f32)), k);
                assert_eq!(grid.place(grid.value(k) + 0.4 * grid.cell()), k);
            }
        }
    }
}
