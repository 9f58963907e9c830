//! UniPC: a predictor and a corrector that share their denoisings.

use burn::tensor::Tensor;

use super::walk::{Walk, toward};
use crate::SolveError;

/// The point at which a prediction started: the example, its level, and how many clean examples
/// the prediction used.
struct Start<const D: usize> {
    x: Tensor<D>,
    sigma: f64,
    order: usize,
}

/// The clean example of a prediction corrects the step that led to it, and then predicts the next:
/// one denoising a step, order `order + 1` (Zhao et al. 2023, algorithms 5 to 8, with
/// `B(h) = e^h - 1`). Orders are lower in the first steps, where there is no history, and in the
/// last ones.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    order: usize,
) -> Result<Tensor<D>, SolveError> {
    let steps = walk.levels.steps();
    let mut past: Vec<(f64, Tensor<D>)> = Vec::with_capacity(order + 1); // newest first
    let mut start: Option<Start<D>> = None;
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        if next == 0.0 {
            return Ok(denoised);
        }
        if let Some(start) = start.take() {
            let used = &past[..start.order];
            x = advance(&start.x, start.sigma, sigma, used, Some(&denoised));
        }
        past.insert(0, (sigma, denoised));
        past.truncate(order);
        let order = past.len().min(steps - i);
        start = Some(Start { x: x.clone(), sigma, order });
        x = advance(&x, sigma, next, &past[..order], None);
    }
    Ok(x)
}

/// From `sigma` to `next`: `e^-h x + (1 - e^-h) (m + sum_k rho_k (m_k - m) / r_k)`, with `m` the
/// newest of `past`, `r_k` the place of the others in `ln sigma` relative to the step, and `end` as
/// one more with `r = 1`.
fn advance<const D: usize>(
    x: &Tensor<D>,
    sigma: f64,
    next: f64,
    past: &[(f64, Tensor<D>)],
    end: Option<&Tensor<D>>,
) -> Tensor<D> {
    let h = (sigma / next).ln();
    let mut nodes: Vec<(f64, &Tensor<D>)> =
        past[1..].iter().map(|(level, m)| ((sigma / level).ln() / h, m)).collect();
    nodes.extend(end.map(|m| (1.0, m)));
    let places: Vec<f64> = nodes.iter().map(|&(r, _)| r).collect();
    let newest = &past[0].1;
    let mut ahead = newest.clone();
    for ((r, m), rho) in nodes.into_iter().zip(rhos(&places, h)) {
        ahead = ahead + (m.clone() - newest.clone()) * (rho / r);
    }
    toward(x, ahead, next / sigma)
}

/// Weights with which the differences at `places` give the integral's terms of increasing order:
/// `sum_k r_k^(n - 1) rho_k = n! phi_{n+1} / B`. One node takes 1/2, as in the paper's code.
fn rhos(places: &[f64], h: f64) -> Vec<f64> {
    match places.len() {
        0 => return Vec::new(),
        1 => return vec![0.5],
        _ => {}
    }
    let first = (-h).exp_m1();
    let mut phi = first / -h - 1.0;
    let mut factorial = 1.0;
    let mut rows = Vec::with_capacity(places.len());
    for n in 1..=places.len() {
        let powers = places.iter().map(|r| r.powi(n as i32 - 1));
        rows.push(powers.chain([phi * factorial / first]).collect());
        factorial *= (n + 1) as f64;
        phi = phi / -h - 1.0 / factorial;
    }
    solve(rows)
}

/// Gauss's elimination with pivots; each row ends with its right-hand side.
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for column in 0..n {
        let size = |row: &Vec<f64>| row[column].abs();
        let pivot = (column..n).max_by(|&a, &b| size(&rows[a]).total_cmp(&size(&rows[b])));
        rows.swap(column, pivot.expect("not empty"));
        let pivot = rows[column].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|&(i, _)| i != column) {
            let factor = row[column] / pivot[column];
            row.iter_mut().zip(&pivot).for_each(|(a, b)| *a -= factor * b);
        }
    }
    rows.iter().enumerate().map(|(i, row)| row[n] / row[i]).collect()
}
