//! Draws from a mixture.

use std::ops::Range;

use pyrogen_core::Noise;

use crate::factors::Covariance;
use crate::matrix::{at, root};
use crate::{Mixture, MixtureError, Table};

/// Rows drawn from a mixture.
#[derive(Debug, Clone)]
pub struct Draws {
    /// The rows.
    pub table: Table,
    /// The component of each row.
    pub components: Vec<usize>,
}

/// `mean + root z`, for a covariance's lower triangular root or its standard deviations.
pub(crate) enum Spread {
    Dense(Vec<f64>),
    Diagonal(Vec<f64>),
}

impl Spread {
    pub fn of(covariance: Covariance, d: usize) -> Self {
        match covariance {
            Covariance::Dense(a) => Self::Dense(root(a, d)),
            Covariance::Diagonal(a) => {
                Self::Diagonal(a.iter().map(|v| v.max(0.0).sqrt()).collect())
            }
        }
    }

    /// Adds one draw, made of standard normal numbers.
    pub fn add(&self, z: &[f64], to: &mut [f64]) {
        match self {
            Self::Diagonal(sd) => {
                to.iter_mut().zip(sd).zip(z).for_each(|((to, sd), z)| *to += sd * z);
            }
            Self::Dense(l) => {
                for (i, to) in to.iter_mut().enumerate() {
                    *to += l[at(i, 0)..][..=i].iter().zip(z).map(|(l, z)| l * z).sum::<f64>();
                }
            }
        }
    }
}

/// The place at which the running sum of probabilities passes `u`.
pub(crate) fn pick(p: impl Iterator<Item = f64>, u: f64) -> usize {
    let (mut sum, mut last) = (0.0, 0);
    for (i, p) in p.enumerate() {
        sum += p;
        if p > 0.0 {
            last = i;
        }
        if sum > u {
            return i;
        }
    }
    last
}

impl Mixture {
    /// Rows `rows` of an endless stream of draws: row `i` depends on the noise and on `i` alone.
    ///
    /// # Errors
    /// An empty range.
    ///
    /// ```
    /// use pyrogen_core::{Noise, Seed};
    /// use pyrogen_mixture::{Covariances, Mixture};
    ///
    /// let tied = Covariances::Tied(vec![1.0, 0.8, 0.8, 1.0]);
    /// let mixture = Mixture::gaussian(vec![0.3, 0.7], vec![0.0, 0.0, 9.0, 9.0], tied)?;
    /// let noise = Noise::new(Seed(1));
    /// let draws = mixture.sample(0..1000, &noise)?;
    /// let part = mixture.sample(600..610, &noise)?;
    /// assert_eq!(part.table.numbers(3), draws.table.numbers(603));
    /// let second = draws.components.iter().filter(|c| **c == 1).count();
    /// assert!((650..750).contains(&second));
    /// # Ok::<(), pyrogen_mixture::MixtureError>(())
    /// ```
    pub fn sample(&self, rows: Range<usize>, noise: &Noise) -> Result<Draws, MixtureError> {
        let (d, count) = (self.columns(), rows.len());
        let columns = self.levels().len();
        let stream = |label: &str, each: usize| {
            let mut stream = noise.fork(label);
            stream.seek((rows.start * each) as u64);
            stream
        };
        let which = stream("component", 1).uniform_vec(count);
        let components: Vec<usize> =
            which.iter().map(|u| pick(self.weights().iter().copied(), *u)).collect();
        let spread = |c: usize| Spread::of(self.components.covariance(c), d);
        let spreads: Vec<Spread> = (0..self.components()).map(spread).collect();
        let z = stream("numbers", d).normal_vec(count * d);
        let mut numbers = Vec::with_capacity(count * d);
        for (i, c) in components.iter().enumerate() {
            numbers.extend_from_slice(self.mean(*c));
            spreads[*c].add(&z[i * d..][..d], &mut numbers[i * d..]);
        }
        let u = stream("categories", columns).uniform_vec(count * columns);
        let code = |e: usize| {
            let p = self.probabilities(components[e / columns], e % columns);
            pick(p.iter().copied(), u[e]) as u32
        };
        let codes: Vec<u32> = (0..count * columns).map(code).collect();
        let table = match d {
            0 => Table::categorical(codes, self.levels().to_vec())?,
            _ => Table::numeric(numbers, d)?.with_categories(codes, self.levels().to_vec())?,
        };
        Ok(Draws { table, components })
    }
}
