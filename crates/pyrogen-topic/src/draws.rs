//! Draws of scalars, one after the other, from one stream.

use pyrogen_core::{Noise, normal_quantile};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A stream of draws.
#[derive(Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn new(noise: &Noise, label: &str) -> Self {
        Self(noise.rng(label))
    }

    /// The stream of item `i`.
    pub(crate) fn item(noise: &Noise, i: u64) -> Self {
        Self(noise.fork_index(i).rng("item"))
    }

    /// Uniform on (0, 1).
    #[inline]
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on `0..n`; the bias is below `n / 2^64`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000); below shape 1 by
    /// `Gamma(shape + 1) U^(1 / shape)`.
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let log = self.uniform().ln() / shape;
            // What would be lost beside any other draw needs no second factor.
            let boost = if log > -700.0 { log.exp() } else { return 0.0 };
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = normal_quantile(self.uniform());
            let v = 1.0 + c * x;
            let v = v * v * v;
            let u = self.uniform();
            let near = u < 1.0 - 0.0331 * (x * x) * (x * x);
            if v > 0.0 && (near || u.ln() < 0.5 * x * x + d - d * v + d * v.ln()) {
                return d * v;
            }
        }
    }

    pub(crate) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
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

    /// Dirichlet; parameters of 0 give 0. Where every draw underflows, one place gets all.
    pub(crate) fn dirichlet(&mut self, parameters: &[f64]) -> Vec<f64> {
        let draw = |draws: &mut Self, a: f64| if a > 0.0 { draws.gamma(a) } else { 0.0 };
        let mut out: Vec<f64> = parameters.iter().map(|a| draw(self, *a)).collect();
        let total: f64 = out.iter().sum();
        if total > 0.0 {
            out.iter_mut().for_each(|v| *v /= total);
        } else {
            out[self.place(parameters)] = 1.0;
        }
        out
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
        check("gamma 0.05", 0.05, 0.05f64.sqrt(), &mut |d| d.gamma(0.05));
        check("gamma 0.3", 0.3, 0.3f64.sqrt(), &mut |d| d.gamma(0.3));
        check("gamma 7", 7.0, 7f64.sqrt(), &mut |d| d.gamma(7.0));
        check("gamma 7, variance", 7.0, 13.0, &mut |d| (d.gamma(7.0) - 7.0).powi(2));
        check("beta", 0.25, 0.2, &mut |d| d.beta(1.0, 3.0));
        check("place", 1.0 / 3.0, 0.5, &mut |d| d.place(&[0.0, 2.0, 1.0, 0.0]) as f64 - 1.0);
        check("below", 4.5, 2.9, &mut |d| d.below(10) as f64);
        check("dirichlet", 0.25, 0.31, &mut |d| d.dirichlet(&[0.25, 0.0, 0.75])[0]);
        assert_eq!(draws.dirichlet(&[1e-9, 0.0])[1], 0.0);
    }
}
