//! Numbers of any distribution to normal ones.

use pyrogen_core::{Noise, normal_quantile};
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::{DataError, Dataset};

/// Takes numbers of any distribution to the standard normal one, element by element, through the
/// distribution function `F` of the training data:
///
/// ```text
/// u = F(x)                                    between the data's values, F linear
/// u = F(x-) + r (F(x) - F(x-)), r uniform     where many examples share the value x
/// y = Phi^-1(u)
/// ```
///
/// So a column of whole numbers becomes as smooth as any other, and comes back whole: the inverse
/// takes every `y` whose `u` lies within a jump of `F` to the value of the jump. Values beyond those
/// of the training data are taken to the nearest of them.
///
/// A value that very many examples share, a spike, can be told apart instead: of such an element two
/// are made, the number of the spike (counted from 0; the number of spikes where it is none) and `y`,
/// which is 0 at a spike and by the distribution function of the other examples elsewhere. A model
/// then sees whether it is a spike, and does not have to model the draw within it. Elements without
/// a distribution stay as they are.
///
/// # Numerics
/// `u` is kept within `[1e-6, 1 - 1e-6]`, so `|y| < 4.8`. The log-determinant is
/// `ln F'(x) - ln phi(y)` between values and `ln P(x) - ln phi(y)` at jumps, where a density of `y`
/// bounds the probability of `x`, as for [`Dequantise`](super::Dequantise); it is 0 at a spike. Up to 1e5 training
/// examples, rounding `y` to f32 leaves it within its jump.
///
/// # References
/// L. Rüschendorf (2009), "On the distributional transform, Sklar's theorem, and the empirical
/// copula process", section 1. A. Kotelnikov et al. (2023), "TabDDPM", section 3.2, prepare numbers
/// by quantiles too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// The distribution of each element; none for an element that stays.
    pub elements: Vec<Option<SpikedDistribution>>,
}

/// How the values of one element are distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpikedDistribution {
    /// The values that are told apart, ascending.
    pub spikes: Vec<f32>,
    /// The distribution of the other values.
    pub rest: DistributionFunction,
}

/// A distribution function as counts of training examples: at each value, how many are below it and
/// how many are at or below it. Linear from one value to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistributionFunction {
    /// Ascending.
    pub values: Vec<f32>,
    /// Examples below each value; 0 at the first.
    pub below: Vec<u64>,
    /// Examples up to each value; all of them at the last.
    pub upto: Vec<u64>,
}

/// A column with more values than this is continuous between those that are frequent.
const MOST_VALUES: usize = 1000;

/// How near `u` comes to 0 and 1.
const EDGE: f64 = 1e-6;

/// A draw within a jump keeps this share of its width from the ends, so that rounding stays inside.
const MARGIN: f64 = 1e-3;

impl Quantiles {
    /// The distributions of the elements for which `is_number` holds; a value that at least the
    /// share `spike` of the examples have is told apart (none for a share above 1).
    pub fn fit(data: &Dataset, spike: f64, is_number: impl Fn(usize) -> bool) -> Self {
        let width = data.width();
        let column = |j: usize| data.values().iter().skip(j).step_by(width).copied().collect();
        let fit = |j: usize| is_number(j).then(|| SpikedDistribution::fit(column(j), spike));
        Self { elements: (0..width).map(fit).collect() }
    }

    /// Elements that are made of each element.
    fn widths(&self) -> impl Iterator<Item = usize> {
        self.elements.iter().map(|e| e.as_ref().map_or(1, |e| 1 + usize::from(e.has_spikes())))
    }
}

impl SpikedDistribution {
    /// The distribution of some finite numbers.
    ///
    /// # Panics
    /// If there are no numbers, or one is NaN.
    pub fn fit(mut numbers: Vec<f32>, spike: f64) -> Self {
        numbers.sort_by(|a, b| a.partial_cmp(b).expect("SpikedDistribution::fit: NaN"));
        let least = spike * numbers.len() as f64;
        let groups = numbers.chunk_by(|a, b| a == b);
        let spikes: Vec<f32> =
            groups.filter(|g| g.len() as f64 >= least).map(|group| group[0]).collect();
        let rest: Vec<f32> = numbers.iter().filter(|v| !spikes.contains(v)).copied().collect();
        // Where every value is a spike, another one is still a number.
        let rest = if rest.is_empty() { numbers } else { rest };
        Self { spikes, rest: DistributionFunction::fit(rest) }
    }

    /// Whether an element is made of two.
    pub fn has_spikes(&self) -> bool {
        !self.spikes.is_empty()
    }

    fn is_valid(&self) -> bool {
        let finite = self.spikes.iter().all(|v| v.is_finite());
        finite && self.spikes.windows(2).all(|w| w[0] < w[1]) && self.rest.is_valid()
    }

    fn forward(&self, x: f64, r: f64, out: &mut Vec<f64>) {
        let normal = || normal_quantile(self.rest.place(x, r).clamp(EDGE, 1.0 - EDGE));
        match self.spikes.iter().position(|&spike| f64::from(spike) == x) {
            Some(spike) => out.extend([spike as f64, 0.0]),
            None if self.has_spikes() => out.extend([self.spikes.len() as f64, normal()]),
            None => out.push(normal()),
        }
    }

    /// The value that became `y`, and `ln |dy/dx|`.
    fn backward(&self, y: &[f64]) -> (f64, f64) {
        if self.has_spikes()
            && let Some(&spike) = self.spikes.get(y[0].round().max(0.0) as usize)
        {
            return (f64::from(spike), 0.0);
        }
        let y = y[y.len() - 1];
        let (x, log_mass) = self.rest.value(normal_cdf(y));
        (x, log_mass + 0.5 * (y * y + std::f64::consts::TAU.ln()))
    }
}

impl DistributionFunction {
    /// The distribution function of some finite numbers, with at most about 1,000 values.
    ///
    /// # Panics
    /// If there are no numbers, or one is NaN.
    pub fn fit(mut numbers: Vec<f32>) -> Self {
        assert!(!numbers.is_empty(), "DistributionFunction::fit: no numbers");
        numbers.sort_by(|a, b| a.partial_cmp(b).expect("DistributionFunction::fit: NaN"));
        let n = numbers.len() as u64;
        let groups: Vec<&[f32]> = numbers.chunk_by(|a, b| a == b).collect();
        let frequent = match groups.len() <= MOST_VALUES {
            true => 1,
            false => n.div_ceil(MOST_VALUES as u64),
        };
        let mut out = Self { values: Vec::new(), below: Vec::new(), upto: Vec::new() };
        let (mut before, mut passed) = (0, 0);
        for (i, group) in groups.iter().enumerate() {
            let after = before + group.len() as u64;
            let point = match (i, after) {
                _ if after - before >= frequent => Some((before, after)),
                (0, _) => Some((0, 0)),
                (_, after) if after == n => Some((n, n)),
                _ => (after - passed >= frequent).then_some((after, after)),
            };
            if let Some((below, upto)) = point {
                out.values.push(group[0]);
                out.below.push(below);
                out.upto.push(upto);
                passed = upto;
            }
            before = after;
        }
        out
    }

    fn is_valid(&self) -> bool {
        let n = self.values.len();
        let ascending = |values: &[f32]| values.windows(2).all(|w| w[0] < w[1]);
        let counts: Vec<u64> =
            self.below.iter().zip(&self.upto).flat_map(|(b, u)| [*b, *u]).collect();
        n > 0
            && self.below.len() == n
            && self.upto.len() == n
            && self.values.iter().all(|v| v.is_finite())
            && ascending(&self.values)
            && counts.is_sorted()
            && counts[0] == 0
            && self.total() > 0.0
    }

    fn total(&self) -> f64 {
        self.upto.last().map_or(0.0, |&n| n as f64)
    }

    /// The place of `x` in `[0, 1]`; `r` chooses one within a jump.
    fn place(&self, x: f64, r: f64) -> f64 {
        let last = self.values.len() - 1;
        let next = self.values.partition_point(|&v| f64::from(v) < x);
        let count = match next {
            k if k > last => self.upto[last] as f64,
            k if f64::from(self.values[k]) == x || k == 0 => {
                let r = MARGIN + (1.0 - 2.0 * MARGIN) * r;
                let (below, upto) = (self.below[k] as f64, self.upto[k] as f64);
                below + r * (upto - below)
            }
            k => {
                let (low, high) = (f64::from(self.values[k - 1]), f64::from(self.values[k]));
                let (from, to) = (self.upto[k - 1] as f64, self.below[k] as f64);
                from + (x - low) / (high - low) * (to - from)
            }
        };
        count / self.total()
    }

    /// The value at a place, and the logarithm of the probability or density there.
    fn value(&self, place: f64) -> (f64, f64) {
        let (n, count) = (self.total(), place * self.total());
        let last = self.values.len() - 1;
        // The last value that has no more than `count` examples below it.
        let k = self.below.partition_point(|&b| b as f64 <= count).max(1) - 1;
        let value = f64::from(self.values[k]);
        let (below, upto) = (self.below[k] as f64, self.upto[k] as f64);
        if k == last || count < upto {
            return (value, ((upto - below).max(1.0) / n).ln());
        }
        let (next, mass) = (f64::from(self.values[k + 1]), self.below[k + 1] as f64 - upto);
        let share = (count - upto) / mass;
        (value + share * (next - value), (mass / n / (next - value)).ln())
    }
}

impl Transform for Quantiles {
    fn name(&self) -> &'static str {
        "quantiles"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.elements.len() != width {
            let got = format!("{} entries", self.elements.len());
            return Err(step_error(self.name(), format!("one entry an element ({width})"), got));
        }
        match self.elements.iter().flatten().all(SpikedDistribution::is_valid) {
            true => Ok(self.widths().sum()),
            false => {
                let expected = "ascending values with counts that ascend from 0";
                Err(step_error(self.name(), expected, "others"))
            }
        }
    }

    fn is_random(&self) -> bool {
        true
    }

    fn forward(&self, x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64> {
        let draws = noise.uniform_rows(&[x.len() / width, width]);
        let mut out = Vec::with_capacity(x.len() / width * self.widths().sum::<usize>());
        for (row, draws) in x.chunks_exact(width).zip(draws.chunks_exact(width)) {
            for ((&x, &r), element) in row.iter().zip(draws).zip(&self.elements) {
                match element {
                    None => out.push(x),
                    Some(distribution) => distribution.forward(x, r, &mut out),
                }
            }
        }
        out
    }

    fn inverse(&self, y: Vec<f64>, _width: usize) -> Vec<f64> {
        self.each(&y, |y, element| element.map_or(y[0], |e| e.backward(y).0)).concat()
    }

    fn log_det(&self, y: &[f64], _width: usize) -> Vec<f64> {
        let terms = self.each(y, |y, element| element.map_or(0.0, |e| e.backward(y).1));
        terms.into_iter().map(|row| row.iter().sum()).collect()
    }
}

impl Quantiles {
    /// What `f` says of the part of each element, row by row.
    fn each(
        &self,
        y: &[f64],
        f: impl Fn(&[f64], Option<&SpikedDistribution>) -> f64,
    ) -> Vec<Vec<f64>> {
        let row = |mut row: &[f64]| {
            let parts = self.widths().zip(&self.elements).map(|(width, element)| {
                let (part, tail) = row.split_at(width);
                row = tail;
                f(part, element.as_ref())
            });
            parts.collect()
        };
        y.chunks_exact(self.widths().sum()).map(row).collect()
    }
}

fn normal_cdf(y: f64) -> f64 {
    0.5 * libm::erfc(-y * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;

    /// A share that no value has.
    const NEVER: f64 = 2.0;

    /// Values become f32 and back.
    const F32: f64 = 1e-6;

    fn spiky(n: usize) -> Vec<f32> {
        let mut noise = Noise::new(Seed(2));
        let (kind, size) = (noise.uniform_vec(n), noise.normal_vec(n));
        let value = |(k, s): (f64, f64)| if k < 0.9 { 0.0 } else { (5.0 + s).exp() as f32 };
        kind.into_iter().zip(size).map(value).collect()
    }

    #[test]
    fn few_values_have_their_counts() {
        let function = DistributionFunction::fit(vec![2.0, -1.0, 2.0, 7.0, 2.0]);
        assert_eq!(function.values, [-1.0, 2.0, 7.0]);
        assert_eq!(function.below, [0, 1, 4]);
        assert_eq!(function.upto, [1, 4, 5]);
        // Within a jump, its value; the probability is that of the value.
        for (place, value, share) in [(0.1, -1.0, 0.2), (0.5, 2.0, 0.6), (0.999, 7.0, 0.2)] {
            let (got, log_mass) = function.value(place);
            assert_eq!(got, value);
            assert!((log_mass - f64::ln(share)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_spike_among_many_values_stays_one() {
        let numbers = spiky(40_000);
        let function = DistributionFunction::fit(numbers.clone());
        assert!(function.is_valid() && function.values.len() <= 2 * MOST_VALUES);
        let zeros = numbers.iter().filter(|v| **v == 0.0).count() as f64 / 40_000.0;
        assert_eq!(function.value(zeros / 2.0), (0.0, zeros.ln()));
        let largest = numbers.iter().copied().fold(0.0, f32::max);
        assert_eq!(function.value(1.0).0, f64::from(largest));
        // Beyond the data is the nearest value.
        assert!((function.place(-3.0, 0.5) * 2.0 - zeros).abs() < 1e-9);
        assert_eq!(function.place(1e9, 0.5), 1.0);
    }

    #[test]
    fn the_result_is_normal_and_comes_back() {
        let numbers = spiky(20_000);
        let data = Dataset::from_parts(numbers.clone(), vec![1], None).unwrap();
        let step = Quantiles::fit(&data, NEVER, |_| true);
        let x: Vec<f64> = numbers.iter().map(|&v| f64::from(v)).collect();
        let y = step.forward(x.clone(), 1, &mut Noise::new(Seed(3)));
        let n = y.len() as f64;
        let (mean, square) = (y.iter().sum::<f64>() / n, y.iter().map(|y| y * y).sum::<f64>() / n);
        // Standard errors are 0.007 and 0.01; four of them.
        assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.04, "{mean} {square}");
        let single: Vec<f64> = y.iter().map(|&y| f64::from(y as f32)).collect();
        for (x, back) in x.iter().zip(step.inverse(single, 1)) {
            // The steepest part of the distribution function spreads the rounding of `y`.
            assert!((x - back).abs() <= 1e3 * F32 * (1.0 + x.abs()), "{x} {back}");
            assert!(*x != 0.0 || back == 0.0, "a zero comes back as {back}");
        }
    }

    #[test]
    fn the_bound_of_a_normal_density_is_the_distribution() {
        // Where a model is the standard normal one, log p(y) + log_det is that of the data.
        let rest = DistributionFunction {
            values: vec![0.0, 1.0, 3.0],
            below: vec![0, 5, 10],
            upto: vec![5, 5, 10],
        };
        let step = Quantiles { elements: vec![Some(SpikedDistribution { spikes: vec![], rest })] };
        for (x, expected) in [(0.0, 0.5f64.ln()), (2.0, f64::ln(0.5 / 2.0))] {
            let y = step.forward(vec![x], 1, &mut Noise::new(Seed(1)));
            let log_normal = -0.5 * (y[0] * y[0] + std::f64::consts::TAU.ln());
            let got = log_normal + step.log_det(&y, 1)[0];
            assert!((got - expected).abs() < 1e-9, "{x}: {got}, {expected}");
        }
    }

    #[test]
    fn spikes_are_told_apart() {
        // Column 0 has the spikes 0 and 5, column 1 is left alone.
        let rows = [[0.0, 7.0], [5.0, 8.0], [0.0, 9.0], [5.0, 7.0], [2.0, 7.0], [3.0, 7.0]];
        let data = Dataset::from_parts(rows.concat(), vec![2], None).unwrap();
        let step = Quantiles::fit(&data, 0.3, |j| j == 0);
        let function = step.elements[0].as_ref().unwrap();
        assert_eq!(
            (&function.spikes[..], &function.rest.values[..]),
            (&[0.0, 5.0][..], &[2.0, 3.0][..])
        );
        assert_eq!(step.output_width(2).unwrap(), 3);
        let x: Vec<f64> = rows.concat().iter().map(|&v| f64::from(v)).collect();
        let y = step.forward(x.clone(), 2, &mut Noise::new(Seed(4)));
        let codes: Vec<f64> = y.iter().step_by(3).copied().collect();
        assert_eq!(codes, [0.0, 1.0, 0.0, 1.0, 2.0, 2.0]);
        assert!(y.chunks(3).all(|row| (row[1] == 0.0) == (row[0] < 2.0)));
        assert_eq!(step.inverse(y.clone(), 2), x);
        // The probability of a spike is the model's; of 2 it is a half of what is left.
        let log_det = step.log_det(&y, 2);
        assert_eq!(log_det[0], 0.0);
        let log_normal = -0.5 * (y[13] * y[13] + std::f64::consts::TAU.ln());
        assert!((log_det[4] + log_normal - 0.5f64.ln()).abs() < 1e-9);
        // A column of spikes alone takes other values too.
        let function = SpikedDistribution::fit(vec![1.0, 1.0, 4.0], 0.1);
        assert_eq!(function.spikes, [1.0, 4.0]);
        let mut out = Vec::new();
        function.forward(2.0, 0.5, &mut out);
        assert_eq!(out[0], 2.0);
    }
}
