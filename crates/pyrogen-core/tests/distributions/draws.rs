//! Draws follow their distribution, belong to their rows, and carry the pathwise gradient.
//!
//! Each test of draws has a false-alarm rate of 1e-4, and there are some 150 of them. The seed is fixed, so that
//! a test passes or fails for ever.

use burn::tensor::{DType, Tensor};
use pyrogen_core::{Noise, Seed};

use crate::case::Case;
use crate::table::{F64, assert_close, column, host, leaf};

const DRAWS: usize = 2000;
/// Kolmogorov's distribution exceeds it with probability 1e-4.
const KOLMOGOROV: f64 = 2.2252;
/// A normal number exceeds it with probability 1e-4.
const NORMAL: f64 = 3.719;

fn noise(label: &str) -> Noise {
    Noise::new(Seed(11)).fork(label)
}

impl Case {
    /// A window of the noise draws the rows that the whole would draw; a graph changes no draw, and none is
    /// left.
    pub fn rows(&self) {
        let columns = self.columns();
        let rows = columns[0].len();
        let part: Vec<Vec<f64>> = columns.iter().map(|c| c[1..rows - 1].to_vec()).collect();
        for dtype in [DType::F64, DType::F32] {
            let whole = host(self.of(&columns, dtype).sample(&mut noise(self.name())));
            let mut window = noise(self.name()).rows(1..rows - 1, rows);
            let got = host(self.of(&part, dtype).sample(&mut window));
            assert_eq!(got, whole[1..rows - 1], "{}", self.name());
            let tracked = self.tracked(&columns, dtype).0.sample(&mut noise(self.name()));
            assert!(!tracked.is_tracked(), "{}", self.name());
            assert_eq!(host(tracked), whole, "{}", self.name());
        }
    }

    /// The distribution function of the draws is uniform, by Kolmogorov and Smirnov. Draws that came out as an
    /// end of the support (they under- or overflow, or are rounded) are somewhere beyond the others.
    pub fn draws(&self) {
        for p in self.distinct() {
            let of = self.one(&p, DRAWS, DType::F64);
            let x = of.sample(&mut noise(self.name()));
            let inside = of.support().contains(x.clone());
            // Below the normal range a number may be flushed to 0.
            let at_end = |x: f64| x.is_subnormal() || self.ends(&p).contains(&x);
            let values = host(x.clone());
            for (inside, &x) in inside.into_data().iter::<bool>().zip(&values) {
                assert!(inside || at_end(x), "{} {p:?}: {x:e}", self.name());
            }
            let mut u: Vec<(f64, bool)> =
                host(of.cdf(x)).into_iter().zip(values.iter().map(|&x| at_end(x))).collect();
            u.sort_by(|a, b| a.0.total_cmp(&b.0));
            let n = u.len() as f64;
            let distance = u
                .iter()
                .enumerate()
                .filter(|(_, (_, end))| !end)
                .map(|(i, (u, _))| (u - i as f64 / n).max((i + 1) as f64 / n - u))
                .fold(0.0, f64::max);
            assert!(distance < KOLMOGOROV / n.sqrt(), "{} {p:?}: distance {distance}", self.name());
        }
    }

    /// Pearson's test of counts against masses, in classes of at least 10 expected draws, by Wilson and
    /// Hilferty's approximation.
    pub fn counts(&self) {
        for p in self.distinct() {
            let draws = host(self.one(&p, DRAWS, DType::F64).sample(&mut noise(self.name())));
            let top = draws.iter().fold(0.0, |m: f64, &x| m.max(x)) as usize;
            let values: Vec<f64> = (0..=top + 1).map(|k| k as f64).collect();
            let one = self.one(&p, 1, DType::F64);
            let masses = host(one.log_prob(column(&values, DType::F64)));
            let mut observed = vec![0.0; values.len()];
            for x in &draws {
                assert!(*x >= 0.0 && x.fract() == 0.0, "{}: {x}", self.name());
                observed[*x as usize] += 1.0;
            }
            let n = draws.len() as f64;
            let (mut statistic, mut df) = (0.0, 0.0_f64);
            let (mut seen, mut mass, mut all) = (0.0, 0.0, 0.0);
            for (o, m) in observed.iter().zip(masses.iter().map(|l| l.exp())) {
                (seen, mass, all) = (seen + o, mass + m, all + m);
                if mass * n >= 10.0 && (1.0 - all) * n >= 10.0 {
                    statistic += (seen - mass * n).powi(2) / (mass * n);
                    df += 1.0;
                    (seen, mass) = (0.0, 0.0);
                }
            }
            // What is left, with the tail beyond the largest draw.
            let rest = mass + (1.0 - all).max(0.0);
            statistic += (seen - rest * n).powi(2) / (rest * n);
            // One class is all draws, whatever they are: then few are rare.
            if df == 0.0 {
                let common = observed.iter().copied().fold(0.0, f64::max);
                assert!(n - common < 40.0, "{} {p:?}: {} rare draws", self.name(), n - common);
                continue;
            }
            let spread = 2.0 / (9.0 * df);
            let critical = df * (1.0 - spread + NORMAL * spread.sqrt()).powi(3);
            let what = format!("{} {p:?}: chi-square {statistic}, df {df}", self.name());
            assert!(statistic < critical, "{what}, critical {critical}");
        }
    }

    /// `rsample` is `sample`, and its gradient moves the draw along its distribution function:
    /// `dx/dp = -(dF/dp) / f`.
    pub fn pathwise(&self) {
        // The distribution function's own error in the densest place, over the density.
        const DIFFERENCE: f64 = 1e-6;
        const ROWS: usize = 40;
        for at in self.distinct() {
            let columns: Vec<_> = at.iter().map(|&v| vec![v; ROWS]).collect();
            let leaves: Vec<_> = columns.iter().map(|c| leaf(c, DType::F64)).collect();
            // Anew for each backward pass, which consumes the graph of a constructor, too.
            let of = || (self.make)(&leaves).expect("in the domain");
            let x = of().rsample(&mut noise(self.name()));
            assert_eq!(
                host(x.clone()),
                host(of().sample(&mut noise(self.name()))),
                "{}",
                self.name()
            );
            let drawn = Tensor::from_inner(x.clone().inner());
            let grads = x.sum().backward();
            let density = host(of().log_prob(drawn.clone()).exp());
            // The smaller of the two functions has the digits.
            let by_cdf = of().cdf(drawn.clone()).sum().backward();
            let by_survival = of().survival(drawn.clone()).sum().backward();
            let lower: Vec<bool> = host(of().cdf(drawn.clone())).iter().map(|&u| u < 0.5).collect();
            // Of a draw that under- or overflowed, or was rounded to an end, nothing can be said.
            let whole: Vec<bool> = host(drawn)
                .iter()
                .map(|x| !self.ends(&at).contains(x) && x.abs() > 1e-290)
                .collect();
            for (k, l) in leaves.iter().enumerate() {
                let got = l.grad(&grads).unwrap_or_else(|| panic!("{}: no gradient", self.name()));
                let slope = |g| l.grad(g).map_or(vec![0.0; ROWS], host);
                let (down, up) = (slope(&by_cdf), slope(&by_survival));
                let expected: Vec<f64> = (0..ROWS)
                    .map(|i| if lower[i] { -down[i] / density[i] } else { up[i] / density[i] })
                    .collect();
                let keep = |v: &[f64]| -> Vec<f64> {
                    v.iter().zip(&whole).filter(|(_, w)| **w).map(|(v, _)| *v).collect()
                };
                assert_close(
                    &format!("{} {at:?} by {}", self.name(), self.names[k]),
                    &keep(&host(got)),
                    &keep(&expected),
                    F64.relative(DIFFERENCE).absolute(1e-9),
                );
            }
        }
    }

    /// Draws of two numbers are not moved along their distribution function one by one; on the average their
    /// gradient is that of the mean and of the variance, where the gradients themselves have a variance.
    pub fn pathwise_on_average(&self) {
        const ROWS: usize = 4000;
        let finite = |p: &&Vec<f64>| self.name() != "StudentT" || p[0] > 8.0;
        for at in self.distinct().iter().filter(finite) {
            let one: Vec<_> = at.iter().map(|&v| vec![v]).collect();
            let centre = host(self.of(&one, DType::F64).mean())[0];
            for squared in [false, true] {
                let columns: Vec<_> = at.iter().map(|&v| vec![v; ROWS]).collect();
                let (p, leaves) = self.tracked(&columns, DType::F64);
                let x = p.rsample(&mut noise(self.name()));
                assert_eq!(host(x.clone()), host(p.sample(&mut noise(self.name()))));
                let of = |x: Tensor<1>| if squared { (x - centre).square() } else { x };
                let grads = of(x).sum().backward();
                let (p, truths) = self.tracked(&one, DType::F64);
                let truth = if squared { p.variance() } else { p.mean() }.sum().backward();
                for (k, (l, t)) in leaves.iter().zip(&truths).enumerate() {
                    let each = host(l.grad(&grads).expect("a gradient"));
                    let n = each.len() as f64;
                    let mean = each.iter().sum::<f64>() / n;
                    let error = each.iter().map(|g| (g - mean).powi(2)).sum::<f64>().sqrt() / n;
                    let truth = t.grad(&truth).map_or(0.0, |g| host(g)[0]);
                    assert!(
                        (mean - truth).abs() < NORMAL * error + 1e-12,
                        "{} {at:?} by {}: {mean} {truth} {error}",
                        self.name(),
                        self.names[k]
                    );
                }
            }
        }
    }
}
