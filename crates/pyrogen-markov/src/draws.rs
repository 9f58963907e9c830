//! Draws of scalars, one after the other, from one stream.

use pyrogen_core::{Noise, normal_quantile};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A stream of draws. Item `i` of a request has its own, so it does not depend on other items.
#[derive(Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn new(noise: &Noise, label: &str) -> Self {
        Self(noise.rng(label))
    }

    /// The stream of item `i`.
    pub(crate) fn item(noise: &Noise, i: usize) -> Self {
        Self(noise.fork_index(i as u64).rng("item"))
    }

    /// Uniform on (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on `0..n`; the bias is below `n / 2^64`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    pub(crate) fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    pub(crate) fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.uniform().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    pub(crate) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
    }

    /// Poisson: halves a large mean by gamma and binomial draws (Ahrens and Dieter 1974), and counts
    /// exponential gaps of a small one.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            let m = (mean * 7.0 / 8.0).floor();
            let x = self.gamma(m);
            return if x > mean {
                self.binomial(m as u64 - 1, mean / x)
            } else {
                m as u64 + self.poisson(mean - x)
            };
        }
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// Binomial: splits a large count at its median order statistic, a beta draw.
    pub(crate) fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if n > 40 {
            let a = 1 + n / 2;
            let b = n + 1 - a;
            let x = self.beta(a as f64, b as f64);
            return if x >= p {
                self.binomial(a - 1, p / x)
            } else {
                a + self.binomial(b - 1, (p - x) / (1.0 - x))
            };
        }
        (0..n).filter(|_| self.uniform() < p).count() as u64
    }

    /// A place, with probability in proportion to its weight.
    ///
    /// # Panics
    /// If no weight is above 0.
    pub(crate) fn place(&mut self, weights: &[f64]) -> usize {
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

    /// Dirichlet; parameters of 0 give 0.
    pub(crate) fn dirichlet(&mut self, parameters: &[f64]) -> Vec<f64> {
        let draws: Vec<f64> = parameters
            .iter()
            .map(|a| if *a > 0.0 { self.gamma(*a).max(1e-300) } else { 0.0 })
            .collect();
        let total: f64 = draws.iter().sum();
        draws.into_iter().map(|v| v / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::Seed;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut draws = Draws::new(&Noise::new(Seed(3)), "moments");
        const N: usize = 40_000;
        // Five standard errors of the mean: a false alarm once in a million, for each of these.
        let mut check = |name: &str, mean: f64, sd: f64, f: &mut dyn FnMut(&mut Draws) -> f64| {
            let found = (0..N).map(|_| f(&mut draws)).sum::<f64>() / N as f64;
            assert!((found - mean).abs() < 5.0 * sd / (N as f64).sqrt(), "{name}: {found} {mean}");
        };
        check("gamma 0.3", 0.3, 0.3f64.sqrt(), &mut |d| d.gamma(0.3));
        check("gamma 7", 7.0, 7f64.sqrt(), &mut |d| d.gamma(7.0));
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
    }
}
