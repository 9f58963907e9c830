//! The draw of one assignment, compiled for the processor at hand.

use pulp::{Arch, NullaryFnOnce};

use crate::fold::{LANES, Weights};

/// The topic `k` with `Σ_{j<k} p_j <= u Σ p < Σ_{j<=k} p_j` for `p = a b`, in an order of the topics
/// in which the places of one lane follow each other: a draw from `p` for a uniform `u`.
///
/// `sums` is room for as many numbers as topics. None where every product is 0.
#[inline(always)]
pub(crate) fn draw(a: &[f64], b: &[f64], u: f64, sums: &mut [f64]) -> Option<usize> {
    // Running sums of each lane.
    let mut lanes = [0.0; LANES];
    let rows = a.chunks_exact(LANES).zip(b.chunks_exact(LANES)).zip(sums.chunks_exact_mut(LANES));
    for ((a, b), sums) in rows {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
        sums.copy_from_slice(&lanes);
    }
    let mut ends = [0.0; LANES];
    let mut total = 0.0;
    for lane in 0..LANES {
        total += lanes[lane];
        ends[lane] = total;
    }
    if total <= 0.0 {
        return None;
    }
    let at = u * total;
    // The first lane whose end lies beyond; rounding may leave none.
    let mut lane = 0;
    for end in ends {
        lane += usize::from(end <= at);
    }
    if lane == LANES {
        lane = (0..LANES).rev().find(|&l| lanes[l] > 0.0)?;
    }
    let left = if lane == 0 { at } else { at - ends[lane - 1] };
    let mut row = 0;
    for sums in sums.chunks_exact(LANES) {
        row += usize::from(sums[lane] <= left);
    }
    let rows = sums.len() / LANES;
    if row == rows {
        // The last place of the lane that has a weight.
        row = (0..rows).rev().find(|&r| a[r * LANES + lane] * b[r * LANES + lane] > 0.0)?;
    }
    Some(row * LANES + lane)
}

/// New assignments of one document given the topics, its shares integrated out.
pub(super) struct GivenTopics<'a> {
    pub(super) weights: &'a Weights,
    pub(super) words: &'a [u32],
    pub(super) counts: &'a [u32],
    pub(super) uniforms: &'a [f64],
    /// The prior with the document's counts: what is drawn from beside the topics.
    pub(super) shares: &'a mut [f64],
    pub(super) room: &'a mut [f64],
    pub(super) assigned: &'a mut [u16],
}

impl NullaryFnOnce for GivenTopics<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let tokens = self.words.iter().zip(self.counts);
        let mut at = 0;
        for (&word, &count) in tokens {
            let row = self.weights.row(word as usize);
            for _ in 0..count {
                let old = self.assigned[at] as usize;
                self.shares[old] -= 1.0;
                let new = draw(self.shares, row, self.uniforms[at], self.room).unwrap_or(old);
                self.shares[new] += 1.0;
                self.assigned[at] = new as u16;
                at += 1;
            }
        }
    }
}

impl GivenTopics<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

/// New assignments of one document, with the topics integrated out as well.
pub(super) struct Collapsed<'a> {
    /// Counts of words in topics with the prior: `[words, width]`.
    pub(super) weights: &'a mut Weights,
    /// For each topic `1 / (its count + the sum of its prior)`.
    pub(super) inverses: &'a mut [f64],
    pub(super) totals: &'a mut [f64],
    pub(super) words: &'a [u32],
    pub(super) counts: &'a [u32],
    pub(super) uniforms: &'a [f64],
    pub(super) shares: &'a mut [f64],
    /// `shares * inverses`.
    pub(super) scaled: &'a mut [f64],
    pub(super) room: &'a mut [f64],
    pub(super) assigned: &'a mut [u16],
}

impl NullaryFnOnce for Collapsed<'_> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        for ((s, a), i) in self.scaled.iter_mut().zip(&*self.shares).zip(&*self.inverses) {
            *s = a * i;
        }
        let mut at = 0;
        let (words, counts) = (self.words, self.counts);
        for (&word, &count) in words.iter().zip(counts) {
            for _ in 0..count {
                let old = self.assigned[at] as usize;
                self.shift(old, word, -1.0);
                let row = self.weights.row(word as usize);
                let new = draw(self.scaled, row, self.uniforms[at], self.room).unwrap_or(old);
                self.shift(new, word, 1.0);
                self.assigned[at] = new as u16;
                at += 1;
            }
        }
    }
}

impl Collapsed<'_> {
    #[inline(always)]
    fn shift(&mut self, k: usize, word: u32, by: f64) {
        self.weights.values[word as usize * self.weights.width + k] += by;
        self.shares[k] += by;
        self.totals[k] += by;
        self.inverses[k] = 1.0 / self.totals[k];
        self.scaled[k] = self.shares[k] * self.inverses[k];
    }

    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_products() {
        // 11 topics, padded to 16, two of which cannot be drawn.
        let a: Vec<f64> = (0..16).map(|k| if k < 11 { 1.0 + k as f64 } else { 0.0 }).collect();
        let b: Vec<f64> = (0..16).map(|k| if k % 5 == 2 { 0.0 } else { 0.5 }).collect();
        let total: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        let mut room = vec![0.0; 16];
        const N: usize = 200_000;
        let mut seen = [0usize; 16];
        for i in 0..N {
            let u = (i as f64 + 0.5) / N as f64;
            seen[draw(&a, &b, u, &mut room).unwrap()] += 1;
        }
        for k in 0..16 {
            let expected = a[k] * b[k] / total * N as f64;
            assert!((seen[k] as f64 - expected).abs() <= 1.5, "{k}: {} {expected}", seen[k]);
        }
        assert_eq!(draw(&a, &[0.0; 16], 0.3, &mut room), None);
        // Ends of the range stay within what can be drawn.
        for u in [f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0, 1.0] {
            let k = draw(&a, &b, u, &mut room).unwrap();
            assert!(a[k] * b[k] > 0.0);
        }
    }
}
