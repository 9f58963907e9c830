//! Points in the plane whose density is known.

use std::f64::consts::{PI, TAU};
use std::fmt;
use std::str::FromStr;

use pyrogen_core::{Noise, Seed};

use crate::{DataError, Dataset};

/// Two-dimensional data with a known density: for pictures of what a model learned, and for the gap
/// between its likelihood and the best that is possible.
///
/// | toy | what | labels |
/// |---|---|---|
/// | `moons` | two half circles of radius 1, around (0, 0) and (1, 1/2), with noise of 0.1 | which moon |
/// | `eight-gaussians` | on a circle of radius 2, standard deviation 0.2 | which Gaussian |
/// | `gaussian-grid` | 5 by 5 at distances of 2, standard deviation 0.05 | which Gaussian |
/// | `checkerboard` | uniform on 8 of the 16 unit squares of `[-2, 2]^2` | which square |
/// | `rings` | four circles of radius 3/4, 3/2, 9/4 and 3, with noise of 0.08 | which circle |
///
/// The best mean log-likelihood of any model on fresh points is `-entropy`.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_data::Toy;
///
/// let data = Toy::Checkerboard.dataset(500, &mut Noise::new(Seed(1)));
/// assert_eq!((data.len(), data.event_shape()), (500, &[2][..]));
/// assert_eq!(Toy::Checkerboard.entropy(), 8f64.ln());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Toy {
    /// Two interleaved half circles.
    Moons,
    /// Eight Gaussians on a circle.
    EightGaussians,
    /// Twenty-five Gaussians on a grid.
    GaussianGrid,
    /// Squares of one colour.
    Checkerboard,
    /// Four circles around one centre.
    Rings,
}

const ALL: [(&str, Toy); 5] = [
    ("moons", Toy::Moons),
    ("eight-gaussians", Toy::EightGaussians),
    ("gaussian-grid", Toy::GaussianGrid),
    ("checkerboard", Toy::Checkerboard),
    ("rings", Toy::Rings),
];

const MOON_STD: f64 = 0.1;
/// Simpson's rule over a moon's angle: an interval is a thirteenth of the noise's width.
const MOON_INTERVALS: usize = 400;

const RINGS: [f64; 4] = [0.75, 1.5, 2.25, 3.0];
const RING_STD: f64 = 0.08;
/// The trapezoid rule over half of a circle: on a whole one an interval is less than the noise's width, and
/// the rule's error for a smooth function on a circle is below 1e-8.
const RING_INTERVALS: usize = 128;

impl Toy {
    /// The names that `FromStr` knows.
    pub const NAMES: &'static str = "moons, eight-gaussians, gaussian-grid, checkerboard, rings";

    /// Every toy.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter().map(|(_, toy)| toy)
    }

    /// `n` points, `[n, 2]` row-major, and their labels.
    pub fn sample(self, n: usize, noise: &mut Noise) -> (Vec<f32>, Vec<u32>) {
        let uniform = noise.uniform_vec(3 * n);
        let normal = noise.normal_vec(2 * n);
        let rows = uniform.chunks(3).zip(normal.chunks(2));
        let points = rows.map(|(u, z)| self.point([u[0], u[1], u[2]], [z[0], z[1]]));
        let (points, labels): (Vec<[f32; 2]>, Vec<u32>) = points.unzip();
        (points.concat(), labels)
    }

    /// `n` points as a data set with labels.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn dataset(self, n: usize, noise: &mut Noise) -> Dataset {
        assert!(n > 0, "Toy::dataset: at least one point");
        let (values, labels) = self.sample(n, noise);
        Dataset::from_parts(values, vec![2], Some(labels)).expect("finite points of two numbers")
    }

    /// The data set of a source text: it depends on the toy and `n` alone.
    pub(crate) fn load(self, n: usize) -> Dataset {
        self.dataset(n, &mut Noise::new(Seed(0)).fork("toy").fork(&self.to_string()))
    }

    /// One point from uniform and normal numbers.
    fn point(self, u: [f64; 3], z: [f64; 2]) -> ([f32; 2], u32) {
        let pick = |count: usize| ((u[0] * count as f64) as usize).min(count - 1);
        let (label, [x, y]) = match self {
            Self::Moons => {
                let moon = pick(2);
                let [x, y] = moon_at(moon, PI * u[1]);
                (moon, [x + MOON_STD * z[0], y + MOON_STD * z[1]])
            }
            Self::Checkerboard => {
                let square = pick(8);
                let [left, low] = corner(square);
                (square, [left + u[1], low + u[2]])
            }
            Self::Rings => {
                let ring = pick(RINGS.len());
                let (sin, cos) = (TAU * u[1]).sin_cos();
                let [x, y] = [cos, sin].map(|at| RINGS[ring] * at);
                (ring, [x + RING_STD * z[0], y + RING_STD * z[1]])
            }
            Self::EightGaussians | Self::GaussianGrid => {
                let (centres, std) = self.gaussians();
                let k = pick(centres.len());
                (k, [centres[k][0] + std * z[0], centres[k][1] + std * z[1]])
            }
        };
        ([x as f32, y as f32], label as u32)
    }

    /// Centres and standard deviation of the Gaussians; none for the others.
    fn gaussians(self) -> (Vec<[f64; 2]>, f64) {
        match self {
            Self::EightGaussians => {
                let at = |k: i32| TAU * f64::from(k) / 8.0;
                ((0..8).map(|k| [2.0 * at(k).cos(), 2.0 * at(k).sin()]).collect(), 0.2)
            }
            Self::GaussianGrid => {
                let at = |k: i32| f64::from(2 * k - 4);
                ((0..25).map(|k| [at(k % 5), at(k / 5)]).collect(), 0.05)
            }
            _ => (Vec::new(), 1.0),
        }
    }

    /// The logarithm of the density at a point, in nats; minus infinity where there is none.
    ///
    /// # Numerics
    /// In f64. The moons' and the rings' are integrals over the angle, by Simpson's rule with 400 intervals
    /// and by the trapezoid rule with 256.
    pub fn log_density(self, point: [f64; 2]) -> f64 {
        match self {
            Self::Moons => {
                let moon = |moon| log_mean_exp_of_moon(moon, point);
                log_sum_exp(&[moon(0), moon(1)]) - 2f64.ln() + log_gaussian(0.0, MOON_STD)
            }
            Self::Checkerboard => {
                let inside = |k: usize| {
                    let [left, low] = corner(k);
                    (left..left + 1.0).contains(&point[0]) && (low..low + 1.0).contains(&point[1])
                };
                if (0..8).any(inside) { -(8f64.ln()) } else { f64::NEG_INFINITY }
            }
            Self::Rings => log_density_of_rings(squared(point, [0.0; 2]).sqrt()),
            Self::EightGaussians | Self::GaussianGrid => {
                let (centres, std) = self.gaussians();
                let terms = centres.iter().map(|&c| log_gaussian(squared(point, c), std));
                log_sum_exp(&terms.collect::<Vec<_>>()) - (centres.len() as f64).ln()
            }
        }
    }

    /// The differential entropy, in nats: no model's mean negative log-likelihood is lower.
    ///
    /// # Numerics
    /// Exact for the checkerboard, and for the grid to the last digit, because its Gaussians are
    /// forty standard deviations apart. For the others the integral of `-p ln p` over a grid of
    /// half a standard deviation, whose error is below 1e-6; for the rings over a line of radii.
    pub fn entropy(self) -> f64 {
        match self {
            Self::Checkerboard => 8f64.ln(),
            Self::GaussianGrid => {
                let (centres, std) = self.gaussians();
                (centres.len() as f64).ln() + 1.0 - log_gaussian(0.0, std)
            }
            Self::EightGaussians => self.integral([-3.6, 3.6], [-3.6, 3.6], 0.1),
            Self::Moons => self.integral([-1.8, 2.8], [-1.3, 1.8], 0.05),
            Self::Rings => {
                let step = RING_STD / 4.0;
                let shell = |i: usize| {
                    let distance = step * i as f64;
                    let log_p = log_density_of_rings(distance);
                    -log_p.exp() * log_p * TAU * distance
                };
                (1..=(3.8 / step) as usize).map(shell).sum::<f64>() * step
            }
        }
    }

    /// The integral of `-p ln p` over a rectangle, on a grid with `step`.
    fn integral(self, [left, right]: [f64; 2], [low, high]: [f64; 2], step: f64) -> f64 {
        let places = |from: f64, to: f64| {
            let count = ((to - from) / step).round() as usize;
            (0..=count).map(move |i| from + step * i as f64)
        };
        let columns = places(left, right);
        let cell = |x: f64, y: f64| {
            let log_p = self.log_density([x, y]);
            -log_p.exp() * log_p
        };
        let total: f64 = columns.map(|x| places(low, high).map(|y| cell(x, y)).sum::<f64>()).sum();
        total * step * step
    }
}

/// The lower left corner of the `k`-th dark square.
fn corner(k: usize) -> [f64; 2] {
    let (row, column) = (k / 2, 2 * (k % 2) + (k / 2) % 2);
    [column as f64 - 2.0, row as f64 - 2.0]
}

/// The point of a moon at an angle from 0 to pi.
fn moon_at(moon: usize, angle: f64) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    if moon == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
}

/// `ln (1/pi) integral of exp(-distance^2 / (2 std^2))` over a moon.
fn log_mean_exp_of_moon(moon: usize, point: [f64; 2]) -> f64 {
    let terms: Vec<f64> = (0..=MOON_INTERVALS)
        .map(|i| {
            let angle = PI * i as f64 / MOON_INTERVALS as f64;
            let weight = match i {
                0 | MOON_INTERVALS => 1.0,
                _ if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let distance = squared(point, moon_at(moon, angle));
            f64::ln(weight) - 0.5 * distance / (MOON_STD * MOON_STD)
        })
        .collect();
    log_sum_exp(&terms) - (3.0 * MOON_INTERVALS as f64).ln()
}

/// The logarithm of the rings' density at a distance from their centre.
fn log_density_of_rings(distance: f64) -> f64 {
    let ring = |radius: f64| {
        let term = |i: usize| {
            let weight = if i == 0 || i == RING_INTERVALS { 0.5f64 } else { 1.0 };
            let angle = PI * i as f64 / RING_INTERVALS as f64;
            let apart = squared([distance, 0.0], [radius * angle.cos(), radius * angle.sin()]);
            weight.ln() - 0.5 * apart / (RING_STD * RING_STD)
        };
        let terms: Vec<f64> = (0..=RING_INTERVALS).map(term).collect();
        log_sum_exp(&terms) - (RING_INTERVALS as f64).ln()
    };
    log_sum_exp(&RINGS.map(ring)) - (RINGS.len() as f64).ln() + log_gaussian(0.0, RING_STD)
}

/// The logarithm of the density of a Gaussian in the plane at a squared distance from its centre.
fn log_gaussian(distance: f64, std: f64) -> f64 {
    -0.5 * distance / (std * std) - (TAU * std * std).ln()
}

fn squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.iter().map(|t| (t - largest).exp()).sum::<f64>().ln()
}

impl fmt::Display for Toy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ALL.iter().find(|(_, toy)| toy == self).map(|(name, _)| *name);
        f.write_str(name.expect("every toy has a name"))
    }
}

impl FromStr for Toy {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let found = ALL.iter().find(|(name, _)| *name == text).map(|&(_, toy)| toy);
        found.ok_or_else(|| DataError::option(text, format!("one of {}", Self::NAMES)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(toy: Toy, n: usize) -> Vec<[f64; 2]> {
        let (values, labels) = toy.sample(n, &mut Noise::new(Seed(3)));
        assert_eq!(labels.len(), n);
        values.chunks(2).map(|p| [f64::from(p[0]), f64::from(p[1])]).collect()
    }

    #[test]
    fn names_parse_and_are_listed() {
        let names: Vec<String> = Toy::all().map(|toy| toy.to_string()).collect();
        assert_eq!(names.join(", "), Toy::NAMES);
        for toy in Toy::all() {
            assert_eq!(toy.to_string().parse::<Toy>().unwrap(), toy);
        }
        assert!("moon".parse::<Toy>().unwrap_err().to_string().contains("eight-gaussians"));
    }

    #[test]
    fn the_mean_log_density_of_points_is_minus_the_entropy() {
        // 4000 points, at 4 standard errors: a false alarm in 16,000 seeds for each toy.
        for toy in Toy::all() {
            let logs: Vec<f64> = draws(toy, 4000).into_iter().map(|p| toy.log_density(p)).collect();
            let n = logs.len() as f64;
            let mean = logs.iter().sum::<f64>() / n;
            let var = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let gap = mean + toy.entropy();
            assert!(gap.abs() <= 4.0 * (var / n).sqrt() + 1e-12, "{toy}: {gap}");
        }
    }

    #[test]
    fn densities_integrate_to_one_and_entropies_are_right() {
        // The grid's error, and the tails outside of the rectangle: eight standard deviations.
        const TOLERANCE: f64 = 1e-6;
        let mass = |toy: Toy, [left, right]: [f64; 2], [low, high]: [f64; 2], step: f64| {
            let places = |from: f64, to: f64| {
                (0..=((to - from) / step).round() as usize).map(move |i| from + step * i as f64)
            };
            let column =
                |x| places(low, high).map(move |y| toy.log_density([x, y]).exp()).sum::<f64>();
            places(left, right).map(column).sum::<f64>() * step * step
        };
        let moons = mass(Toy::Moons, [-1.8, 2.8], [-1.3, 1.8], 0.05);
        assert!((moons - 1.0).abs() < TOLERANCE, "{moons}");
        let eight = mass(Toy::EightGaussians, [-3.6, 3.6], [-3.6, 3.6], 0.1);
        assert!((eight - 1.0).abs() < TOLERANCE, "{eight}");
        let halved = Toy::EightGaussians.integral([-3.6, 3.6], [-3.6, 3.6], 0.05);
        assert!((halved - Toy::EightGaussians.entropy()).abs() < TOLERANCE);
        // By Bessel functions, in Python: scipy 1.17's `ive` and `quad`.
        assert!((Toy::Rings.entropy() - 2.623_182_770_3).abs() < 1e-9);
        let log_densities = [(0.0, -42.118_026_64), (0.3, -16.688_258_69), (-2.2, -2.612_225_88)];
        for (x, expected) in log_densities {
            assert!((Toy::Rings.log_density([x, 0.0]) - expected).abs() < 1e-7, "{x}");
        }
        // Apart, the eight would have ln 8 + ln(2 pi e std^2); they overlap a little.
        let apart = 8f64.ln() + (TAU * 0.04).ln() + 1.0;
        assert!((0.0..1e-3).contains(&(apart - Toy::EightGaussians.entropy())));
    }

    #[test]
    fn points_lie_where_they_should_and_labels_say_where() {
        for toy in Toy::all() {
            let (_, labels) = toy.sample(2000, &mut Noise::new(Seed(3)));
            let classes = match toy {
                Toy::Moons => 2,
                Toy::GaussianGrid => 25,
                Toy::Rings => 4,
                _ => 8,
            };
            let mut counts = vec![0usize; classes];
            labels.iter().for_each(|&l| counts[l as usize] += 1);
            // 5 standard deviations of a count.
            let p = 1.0 / classes as f64;
            let room = 5.0 * (2000.0 * p * (1.0 - p)).sqrt();
            assert!(counts.iter().all(|&c| (c as f64 - 2000.0 * p).abs() < room), "{counts:?}");
        }
        for p in draws(Toy::Checkerboard, 500) {
            let parity = (p[0].floor() + p[1].floor()).rem_euclid(2.0);
            assert!(parity == 0.0 && p.iter().all(|v| v.abs() <= 2.0), "{p:?}");
        }
        assert_eq!(Toy::Checkerboard.log_density([-0.5, 0.5]), f64::NEG_INFINITY);
        let a = Toy::Moons.load(10);
        assert_eq!(a, Toy::Moons.load(10));
        assert_eq!(a.values(), &Toy::Moons.load(10).values()[..20]);
    }
}
