//! Draws of numbers on the host, one after the other, from one stream.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Noise, Words};
use crate::distribution::draws;

/// A stream of draws of numbers on the host, for models that draw one number after the other.
///
/// Item `i` of a request has a stream of its own ([`item`](Self::item)), so it does not depend on other items.
///
/// ```
/// use pyrogen_core::{Draws, Noise, Seed};
///
/// let noise = Noise::new(Seed(3));
/// let mut draws = Draws::item(&noise, 7);
/// let shares = draws.dirichlet(&[1.0, 2.0, 0.0]);
/// assert_eq!(shares[2], 0.0);
/// assert_eq!(Draws::item(&noise, 7).dirichlet(&[1.0, 2.0, 0.0]), shares);
/// ```
#[derive(Debug)]
pub struct Draws(ChaCha8Rng);

impl Words for Draws {
    #[inline]
    fn word(&mut self) -> u64 {
        self.0.next_u64()
    }
}

impl Draws {
    /// The stream of a label.
    pub fn new(noise: &Noise, label: &str) -> Self {
        Self(noise.rng(label))
    }

    /// The stream of item `i`.
    pub fn item(noise: &Noise, i: u64) -> Self {
        Self(noise.fork_index(i).rng("item"))
    }

    /// Uniform on (0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        Words::uniform(self)
    }

    /// Uniform on `0..n`; the bias is below `n / 2^64`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.word()) * n as u128) >> 64) as usize
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        Words::normal(self)
    }

    /// Exponential of mean 1.
    pub fn exponential(&mut self) -> f64 {
        Words::exponential(self)
    }

    /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        draws::log_gamma(self, shape).exp()
    }

    /// Beta with these parameters; 0.5 where both of its gamma draws underflow.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
    }

    /// Poisson, of a mean of at least 0 (Hörmann 1993).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        draws::poisson(self, mean) as u64
    }

    /// Binomial, of `n` trials of probability `p` (Hörmann 1993).
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        draws::binomial(self, n as f64, p) as u64
    }

    /// A place, with probability in proportion to its weight.
    ///
    /// # Panics
    /// If no weight is above 0.
    pub fn place(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        assert!(total > 0.0, "Draws::place: all weights are 0");
        let mut left = self.uniform() * total;
        let mut last = 0;
        for (i, weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            last = i;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }

    /// Dirichlet. Parameters of 0 give 0, and others at least the least normal number; where every draw
    /// underflows, one place gets the rest.
    pub fn dirichlet(&mut self, parameters: &[f64]) -> Vec<f64> {
        let draw = |draws: &mut Self, a: f64| if a > 0.0 { draws.gamma(a) } else { 0.0 };
        let mut out: Vec<f64> = parameters.iter().map(|a| draw(self, *a)).collect();
        let total: f64 = out.iter().sum();
        if total > 0.0 {
            out.iter_mut().for_each(|v| *v /= total);
        } else {
            out[self.place(parameters)] = 1.0;
        }
        let known = out.iter_mut().zip(parameters).filter(|(_, a)| **a > 0.0);
        known.for_each(|(v, _)| *v = v.max(f64::MIN_POSITIVE));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut draws = Draws::new(&Noise::new(Seed(3)), "moments");
        const N: usize = 40_000;
        // Five standard errors of the mean: a false alarm once in a million, for each of these.
        let mut check = |name: &str, mean: f64, sd: f64, f: &mut dyn FnMut(&mut Draws) -> f64| {
            let found = (0..N).map(|_| f(&mut draws)).sum::<f64>() / N as f64;
            assert!((found - mean).abs() < 5.0 * sd / (N as f64).sqrt(), "{name}: {found} {mean}");
        };
        check("gamma 0.05", 0.05, 0.05f64.sqrt(), &mut |d| d.gamma(0.05));
        check("gamma 0.3", 0.3, 0.3f64.sqrt(), &mut |d| d.gamma(0.3));
        check("gamma 7", 7.0, 7f64.sqrt(), &mut |d| d.gamma(7.0));
        check("gamma 7, variance", 7.0, 13.0, &mut |d| (d.gamma(7.0) - 7.0).powi(2));
        check("poisson 3", 3.0, 3f64.sqrt(), &mut |d| d.poisson(3.0) as f64);
        check("poisson 250", 250.0, 250f64.sqrt(), &mut |d| d.poisson(250.0) as f64);
        check("poisson 250, variance", 250.0, 360.0, &mut |d| {
            (d.poisson(250.0) as f64 - 250.0).powi(2)
        });
        check("binomial", 300.0, 210f64.sqrt(), &mut |d| d.binomial(1000, 0.3) as f64);
        check("binomial, variance", 210.0, 300.0, &mut |d| {
            (d.binomial(1000, 0.3) as f64 - 300.0).powi(2)
        });
        check("beta", 0.25, 0.2, &mut |d| d.beta(1.0, 3.0));
        check("place", 1.0 / 3.0, 0.5, &mut |d| d.place(&[0.0, 2.0, 1.0, 0.0]) as f64 - 1.0);
        check("below", 4.5, 2.9, &mut |d| d.below(10) as f64);
        check("dirichlet", 0.25, 0.31, &mut |d| d.dirichlet(&[0.25, 0.0, 0.75])[0]);
        assert_eq!(draws.dirichlet(&[1e-9, 0.0])[1], 0.0);
    }
}
