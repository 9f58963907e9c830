//! A generator for one number that takes several draws.

use super::{normal_quantile, open_unit_f64};

/// The random numbers of one draw: SplitMix64, started from one word of a [`Noise`](super::Noise).
///
/// Rejection samplers take as many numbers as they need. Each element's sampler has a stream of its
/// own, so that every element takes one word of the noise, and is a function of that word and of its
/// parameters alone.
///
/// # References
/// Steele, Lea and Flood (2014), "Fast Splittable Pseudorandom Number Generators", fig. 16.
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// The stream of a word.
    pub(crate) fn new(word: u64) -> Self {
        Self(word)
    }
}

impl Words for Stream {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A generator of words of 64 random bits, and the standard numbers that are made of them.
pub trait Words {
    /// 64 random bits.
    fn word(&mut self) -> u64;

    /// Uniform on (0, 1).
    #[inline]
    fn uniform(&mut self) -> f64 {
        open_unit_f64(self.word())
    }

    /// Standard normal.
    fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// Exponential of mean 1.
    fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }
}

#[cfg(test)]
mod tests {
    use super::{Stream, Words};

    #[test]
    fn equals_the_published_numbers() {
        // The reference implementation (Vigna, splitmix64.c) from the state 1234567.
        let mut stream = Stream::new(1_234_567);
        let expected: [u64; 3] =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(expected.map(|_| stream.word()), expected);
    }
}
