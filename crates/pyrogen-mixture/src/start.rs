//! The first components: seeds, k-means, and an M-step.

use pyrogen_core::Noise;
use rayon::prelude::*;

use crate::factors::Covariance;
use crate::matrix::packed;
use crate::moments::Moments;
use crate::mstep::Memory;
use crate::pass::{self, Components};
use crate::statistics::{Failure, Rules, Statistics};
use crate::{MISSING, Mixture, MixtureConfig, MixtureError, Start, Table};

/// A start looks at no more rows than this; EM then sees all.
const ROWS: usize = 20_000;

/// Rows that each level has in each first component beside its own.
const COUNT: f64 = 0.1;

/// The most rounds of k-means.
const ROUNDS: usize = 50;

/// A first mixture.
pub(crate) fn start(
    config: &MixtureConfig,
    moments: &Moments,
    table: &Table,
    noise: &Noise,
) -> Result<Mixture, MixtureError> {
    let (picked, shares) = nearest_shares(config, moments, table, noise)?;
    from_shares(config, moments, picked.as_ref().unwrap_or(table), &shares)
}

/// Each row's nearest seed or cluster as shares, `[rows, k]`, of the table or of rows picked from it.
pub(crate) fn nearest_shares(
    config: &MixtureConfig,
    moments: &Moments,
    table: &Table,
    noise: &Noise,
) -> Result<(Option<Table>, Vec<f64>), MixtureError> {
    let picked = pick(config, table, noise)?;
    let table = picked.as_ref().unwrap_or(table);
    let points = Points::new(table, moments);
    let rows = (0..table.rows()).filter(|r| table.weight(*r) > 0.0 && table.observes(*r));
    let rows: Vec<usize> = rows.collect();
    if rows.len() < config.components {
        let components = config.components;
        return Err(MixtureError::FewRows { rows: rows.len(), components });
    }
    let mut centres = seeds(config, &points, table, &rows, noise);
    let mut nearest = points.assign(&centres).0;
    if config.start == Start::KMeans {
        for _ in 0..ROUNDS {
            points.move_centres(&mut centres, &nearest, table);
            let next = points.assign(&centres).0;
            if next == nearest {
                break;
            }
            nearest = next;
        }
    }
    let k = config.components;
    let mut shares = vec![0.0; table.rows() * k];
    for (row, c) in nearest.iter().enumerate() {
        shares[row * k + *c as usize] = 1.0;
    }
    Ok((picked, shares))
}

/// Random rows of a long table; none where all are looked at.
fn pick(
    config: &MixtureConfig,
    table: &Table,
    noise: &Noise,
) -> Result<Option<Table>, MixtureError> {
    let most = ROWS.max(100 * config.components);
    if table.rows() <= most {
        return Ok(None);
    }
    let mut rows = noise.fork("rows").permutation(table.rows());
    rows.retain(|r| table.weight(*r) > 0.0 && table.observes(*r));
    rows.truncate(most);
    rows.sort_unstable();
    table.select(&rows).map(Some)
}

/// The M-step of given shares, `[rows, k]`. Each component starts with one row of the columns' spread
/// beside its own, so that few rows give no singular covariance.
fn from_shares(
    config: &MixtureConfig,
    moments: &Moments,
    table: &Table,
    shares: &[f64],
) -> Result<Mixture, MixtureError> {
    let mut statistics = statistics(config, moments, table, shares);
    let one = spread(config, moments);
    for part in statistics.scatter.chunks_mut(one.len().max(1)) {
        part.iter_mut().zip(&one).for_each(|(w, v)| *w += v);
    }
    // A level that no row of the start shows would keep probability zero for ever.
    statistics.counts.iter_mut().for_each(|n| *n += COUNT);
    m_step(config, moments, table, statistics)
}

/// The M-step of given shares and of nothing beside them.
pub(crate) fn exactly_from_shares(
    config: &MixtureConfig,
    moments: &Moments,
    table: &Table,
    shares: &[f64],
) -> Result<Mixture, MixtureError> {
    m_step(config, moments, table, statistics(config, moments, table, shares))
}

fn m_step(
    config: &MixtureConfig,
    moments: &Moments,
    table: &Table,
    statistics: Statistics,
) -> Result<Mixture, MixtureError> {
    let rules = Rules { config, moments, levels: table.levels() };
    rules.m_step(statistics, &mut Memory::default()).map_err(|failure| match failure {
        Failure::Error(error) => error,
        Failure::Collapse(component, reason) => {
            MixtureError::Collapsed { step: 0, component, splits: 0, reason }
        }
    })
}

fn safe_variances(moments: &Moments) -> Vec<f64> {
    moments.variances.iter().map(|v| if *v > 0.0 { *v } else { 1.0 }).collect()
}

/// The columns' variances as a covariance of the configured form.
fn spread(config: &MixtureConfig, moments: &Moments) -> Vec<f64> {
    let variances = safe_variances(moments);
    if !config.covariance.is_dense() {
        return variances;
    }
    let mut matrix = vec![0.0; packed(variances.len())];
    variances.iter().enumerate().for_each(|(j, v)| matrix[packed(j + 1) - 1] = *v);
    matrix
}

/// Sums by given shares, `[rows, k]`. Missing cells of a component's rows count as the component's
/// mean of the observed ones, with the columns' variances around it.
pub(crate) fn statistics(
    config: &MixtureConfig,
    moments: &Moments,
    table: &Table,
    shares: &[f64],
) -> Statistics {
    let (k, d) = (config.components, table.columns());
    let means = observed_means(table, shares, k, &moments.means);
    let variances = safe_variances(moments);
    let factor = |c: usize| {
        let factor = Covariance::Diagonal(&variances).factor(&means[c * d..][..d], 0.0);
        factor.expect("positive variances")
    };
    let components = Components {
        d,
        dense: config.covariance.is_dense(),
        levels: table.levels().to_vec(),
        log_weights: vec![0.0; k],
        covariances: spread(config, moments).repeat(k),
        factors: (0..k).map(factor).collect(),
        log_probabilities: Vec::new(),
    };
    Statistics::new(&pass::sums_of_shares(&components, table, shares), &means)
}

/// Means of the observed cells by share; the column's where a component observes none.
fn observed_means(table: &Table, shares: &[f64], k: usize, otherwise: &[f64]) -> Vec<f64> {
    let d = table.columns();
    let (mut sums, mut weights) = (vec![0.0; k * d], vec![0.0; k * d]);
    for row in 0..table.rows() {
        for (c, share) in shares[row * k..][..k].iter().enumerate() {
            let share = share * table.weight(row);
            if share == 0.0 {
                continue;
            }
            for (j, value) in table.numbers(row).iter().enumerate() {
                if !value.is_nan() {
                    sums[c * d + j] += share * (value - otherwise[j]);
                    weights[c * d + j] += share;
                }
            }
        }
    }
    let mean = |e: usize| match weights[e] > 0.0 {
        true => otherwise[e % d] + sums[e] / weights[e],
        false => otherwise[e % d],
    };
    (0..k * d).map(mean).collect()
}

/// Rows as points of one space: standardised numbers, and a column a level.
struct Points {
    values: Vec<f64>,
    width: usize,
    misses: bool,
}

impl Points {
    fn new(table: &Table, moments: &Moments) -> Self {
        let levels: usize = table.levels().iter().map(|l| *l as usize).sum();
        let width = table.columns() + levels;
        let mut values = Vec::with_capacity(table.rows() * width);
        let scale: Vec<f64> =
            moments.variances.iter().map(|v| if *v > 0.0 { 1.0 / v.sqrt() } else { 1.0 }).collect();
        // Two rows with other categories are as far apart as numbers one and a half deviations.
        let one = std::f64::consts::FRAC_1_SQRT_2 * 1.5;
        for row in 0..table.rows() {
            let cells = table.numbers(row).iter().zip(&moments.means).zip(&scale);
            values.extend(cells.map(|((v, mean), scale)| (v - mean) * scale));
            for (code, levels) in table.codes(row).iter().zip(table.levels()) {
                let cell = |l: u32| match *code {
                    MISSING => f64::NAN,
                    code if code == l => one,
                    _ => 0.0,
                };
                values.extend((0..*levels).map(cell));
            }
        }
        let misses = values.iter().any(|v| v.is_nan());
        Self { values, width, misses }
    }

    fn point(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..][..self.width]
    }

    /// The squared distance over the observed columns, as if there were all.
    fn distance(&self, point: &[f64], centre: &[f64]) -> f64 {
        if !self.misses {
            return squared_distance(point, centre);
        }
        let squares = |(x, y): (&f64, &f64)| (x - y) * (x - y);
        let (mut sum, mut seen) = (0.0, 0);
        for square in point.iter().zip(centre).map(squares).filter(|s| !s.is_nan()) {
            sum += square;
            seen += 1;
        }
        if seen == 0 { 0.0 } else { sum * self.width as f64 / f64::from(seen) }
    }

    /// The nearest centre of each row, the first of equals, and its distance.
    fn assign(&self, centres: &[Vec<f64>]) -> (Vec<u32>, Vec<f64>) {
        let nearest = |point: &[f64]| {
            let mut best = (0, f64::INFINITY);
            for (c, centre) in centres.iter().enumerate() {
                let distance = self.distance(point, centre);
                if distance < best.1 {
                    best = (c as u32, distance);
                }
            }
            best
        };
        self.values.par_chunks(self.width).map(nearest).unzip()
    }

    /// Each centre becomes the mean of its rows; one without rows stays.
    fn move_centres(&self, centres: &mut [Vec<f64>], nearest: &[u32], table: &Table) {
        let mut sums = vec![vec![(0.0, 0.0); self.width]; centres.len()];
        for (row, c) in nearest.iter().enumerate() {
            let weight = table.weight(row);
            for (sum, value) in sums[*c as usize].iter_mut().zip(self.point(row)) {
                if !value.is_nan() {
                    *sum = (sum.0 + weight * value, sum.1 + weight);
                }
            }
        }
        for (centre, sums) in centres.iter_mut().zip(sums) {
            for (to, (sum, weight)) in centre.iter_mut().zip(sums) {
                if weight > 0.0 {
                    *to = sum / weight;
                }
            }
        }
    }
}

/// In four sums, so that none waits for the one before it.
fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    let (head, tail) = x.as_chunks::<4>();
    let (head_y, tail_y) = y.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (x, y) in head.iter().zip(head_y) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += (x - y) * (x - y);
        }
    }
    let rest: f64 = tail.iter().zip(tail_y).map(|(x, y)| (x - y) * (x - y)).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Seeds among these rows; missing cells get the middle.
fn seeds(
    config: &MixtureConfig,
    points: &Points,
    table: &Table,
    rows: &[usize],
    noise: &Noise,
) -> Vec<Vec<f64>> {
    let seed = |row: usize| -> Vec<f64> {
        points.point(row).iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect()
    };
    let k = config.components;
    if config.start == Start::RandomRows {
        let order = noise.fork("seeds").permutation(rows.len());
        return order.into_iter().take(k).map(|i| seed(rows[i])).collect();
    }
    // Some candidates for each seed, of which the best is taken: fewer bad starts, as in
    // scikit-learn.
    let trials = 2 + (k as f64).ln() as usize;
    let mut noise = noise.fork("seeds");
    let weights: Vec<f64> = rows.iter().map(|r| table.weight(*r)).collect();
    let mut centres = vec![seed(rows[draw(&weights, noise.uniform_vec(1)[0])])];
    let to = |centre: &[f64]| -> Vec<f64> {
        rows.par_iter().map(|r| points.distance(points.point(*r), centre)).collect()
    };
    let mut closest = to(&centres[0]);
    while centres.len() < k {
        let chances: Vec<f64> = closest.iter().zip(&weights).map(|(d, w)| d * w).collect();
        let mut best: Option<(f64, Vec<f64>, Vec<f64>)> = None;
        for u in noise.uniform_vec(trials) {
            let centre = seed(rows[draw(&chances, u)]);
            let next: Vec<f64> = to(&centre).iter().zip(&closest).map(|(a, b)| a.min(*b)).collect();
            let sum = next.iter().zip(&weights).map(|(d, w)| d * w).sum();
            if best.as_ref().is_none_or(|(least, ..)| sum < *least) {
                best = Some((sum, centre, next));
            }
        }
        let (_, centre, next) = best.expect("at least two trials");
        centres.push(centre);
        closest = next;
    }
    centres
}

/// The place at which the running sum of the chances passes `u` of their sum.
fn draw(chances: &[f64], u: f64) -> usize {
    let total: f64 = chances.iter().sum();
    let mut sum = 0.0;
    for (i, chance) in chances.iter().enumerate() {
        sum += chance;
        if sum > u * total {
            return i;
        }
    }
    // All rows are equal to seeds: any will do.
    ((u * chances.len() as f64) as usize).min(chances.len() - 1)
}
