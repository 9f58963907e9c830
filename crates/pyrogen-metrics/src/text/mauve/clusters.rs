//! The clusters of two samples together: principal components and k-means.

use faer::{Mat, MatRef};
use pyrogen_core::Noise;
use rayon::prelude::*;

use super::MauveOptions;
use crate::linear::{add_gram, product, symmetric_eigenvectors};
use crate::text::TextError;
use crate::{Features, MetricError};

/// The cluster of each row: those of the real sample, then those of the generated one.
pub(super) fn of(
    real: &Features,
    generated: &Features,
    clusters: usize,
    options: &MauveOptions,
    noise: &Noise,
) -> Result<Vec<usize>, TextError> {
    let data = components(&normalised(real, generated), options.explained_variance)?;
    let noise = noise.fork("mauve");
    let runs = (0..options.restarts as u64)
        .map(|run| kmeans(&data, clusters, options.rounds, &mut noise.fork_index(run)));
    let best = runs.min_by(|a, b| a.1.total_cmp(&b.1));
    Ok(best.expect("at least one restart").0)
}

/// All rows scaled to length 1; a row of zeros stays.
fn normalised(real: &Features, generated: &Features) -> Mat<f64> {
    let row = |i: usize| if i < real.rows() { real.row(i) } else { generated.row(i - real.rows()) };
    let rows = real.rows() + generated.rows();
    let length = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>().sqrt();
    let lengths: Vec<f64> = (0..rows)
        .map(|i| match length(row(i)) {
            0.0 => 1.0,
            length => length,
        })
        .collect();
    Mat::from_fn(rows, real.cols(), |i, j| row(i)[j] / lengths[i])
}

/// The rows in the coordinates of the largest principal components: as few as hold the share of the
/// variance.
fn components(rows: &Mat<f64>, share: f64) -> Result<Mat<f64>, TextError> {
    let (n, d) = (rows.nrows(), rows.ncols());
    let means: Vec<f64> = (0..d).map(|j| rows.col(j).iter().sum::<f64>() / n as f64).collect();
    let centred = Mat::from_fn(n, d, |i, j| rows[(i, j)] - means[j]);
    let mut gram = Mat::zeros(d, d);
    add_gram(&mut gram, centred.as_ref());
    let Some((values, vectors)) = symmetric_eigenvectors(gram.as_ref()) else {
        let decomposition = "eigenvalue decomposition of the covariance";
        return Err(MetricError::NotConverged { decomposition }.into());
    };
    // The largest value comes last.
    let total: f64 = values.iter().map(|v| v.max(0.0)).sum();
    let mut kept = 0;
    let mut sum = 0.0;
    while kept < d && (kept == 0 || sum < share * total) {
        kept += 1;
        sum += values[d - kept].max(0.0);
    }
    let mut projected = Mat::zeros(n, kept);
    product(projected.as_mut(), centred.as_ref(), vectors.get(.., d - kept..));
    Ok(projected)
}

/// The clusters of Lloyd's algorithm from centres drawn as in k-means++, and the sum of squared
/// distances.
fn kmeans(data: &Mat<f64>, k: usize, rounds: usize, noise: &mut Noise) -> (Vec<usize>, f64) {
    let mut centres = first_centres(data, k, noise);
    let mut labels = Vec::new();
    let mut distance = f64::INFINITY;
    for _ in 0..rounds {
        let nearest = assign(data, &centres);
        let now = nearest.iter().map(|(_, d)| d).sum();
        let next: Vec<usize> = nearest.iter().map(|(label, _)| *label).collect();
        let settled = next == labels;
        (labels, distance) = (next, now);
        if settled {
            break;
        }
        centres = means(data, &labels, &nearest, k);
    }
    (labels, distance)
}

/// Draws centres among the rows, each with a probability that is proportional to its squared distance
/// from the centres before (Arthur and Vassilvitskii 2007).
fn first_centres(data: &Mat<f64>, k: usize, noise: &mut Noise) -> Mat<f64> {
    let (n, d) = (data.nrows(), data.ncols());
    let mut chosen: Vec<usize> = Vec::with_capacity(k);
    let mut distances = vec![1.0; n];
    for (i, u) in noise.uniform_vec(k).into_iter().enumerate() {
        let total: f64 = distances.iter().sum();
        let mut left = u * total;
        let drawn = distances.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        // All rows are centres already, up to rounding: any will do.
        let row = drawn.unwrap_or(i % n);
        chosen.push(row);
        distances.par_iter_mut().enumerate().for_each(|(j, distance)| {
            let squared: f64 = (0..d).map(|c| (data[(j, c)] - data[(row, c)]).powi(2)).sum();
            *distance = if i == 0 { squared } else { distance.min(squared) };
        });
    }
    Mat::from_fn(k, d, |i, j| data[(chosen[i], j)])
}

/// Rows whose distances to all centres are held at a time.
const BLOCK: usize = 1024;

/// The nearest centre of each row and the squared distance; of equally near ones the first.
fn assign(data: &Mat<f64>, centres: &Mat<f64>) -> Vec<(usize, f64)> {
    let squares = |m: MatRef<f64>, i: usize| m.row(i).iter().map(|x| x * x).sum::<f64>();
    let norms: Vec<f64> = (0..centres.nrows()).map(|i| squares(centres.as_ref(), i)).collect();
    let mut nearest = Vec::with_capacity(data.nrows());
    for first in (0..data.nrows()).step_by(BLOCK) {
        let rows = data.get(first..data.nrows().min(first + BLOCK), ..);
        let mut products = Mat::zeros(centres.nrows(), rows.nrows());
        product(products.as_mut(), centres.as_ref(), rows.transpose());
        let of_row = |i: usize| {
            let mut best = (0, f64::INFINITY);
            for (label, (norm, product)) in norms.iter().zip(products.col(i).iter()).enumerate() {
                let distance = norm - 2.0 * product;
                if distance < best.1 {
                    best = (label, distance);
                }
            }
            (best.0, (best.1 + squares(rows, i)).max(0.0))
        };
        nearest.par_extend((0..rows.nrows()).into_par_iter().map(of_row));
    }
    nearest
}

/// The mean of each cluster; an empty cluster gets the row that is furthest from its centre.
fn means(data: &Mat<f64>, labels: &[usize], nearest: &[(usize, f64)], k: usize) -> Mat<f64> {
    let d = data.ncols();
    let mut sums = Mat::<f64>::zeros(k, d);
    let mut counts = vec![0.0_f64; k];
    for (i, &label) in labels.iter().enumerate() {
        counts[label] += 1.0;
        for j in 0..d {
            sums[(label, j)] += data[(i, j)];
        }
    }
    let mut furthest: Vec<usize> = (0..labels.len()).collect();
    furthest.sort_by(|&a, &b| nearest[b].1.total_cmp(&nearest[a].1));
    let mut furthest = furthest.into_iter();
    for label in 0..k {
        let row = if counts[label] == 0.0 { furthest.next() } else { None };
        for j in 0..d {
            sums[(label, j)] = match row {
                Some(row) => data[(row, j)],
                None => sums[(label, j)] / counts[label].max(1.0),
            };
        }
    }
    sums
}
