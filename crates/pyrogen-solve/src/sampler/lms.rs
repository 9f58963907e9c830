//! Linear multistep: Adams and Bashforth's method on a grid of any distances.

use burn::tensor::Tensor;

use super::walk::{Walk, slope};
use crate::SolveError;

/// The slopes of the last steps as a polynomial of the noise level, integrated exactly over the
/// next step.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    order: usize,
) -> Result<Tensor<D>, SolveError> {
    let levels = walk.levels.values();
    let mut slopes: Vec<Tensor<D>> = Vec::with_capacity(order + 1); // newest first
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        slopes.insert(0, slope(&x, denoised, sigma));
        slopes.truncate(order);
        let nodes: Vec<f64> = (0..slopes.len()).map(|k| levels[i - k]).collect();
        for (j, slope) in slopes.iter().enumerate() {
            x = x + slope.clone() * weight(&nodes, j, sigma, next);
        }
    }
    Ok(x)
}

/// Gauss and Legendre's three points on [-1, 1] and their weights: exact up to degree five, and
/// the polynomials here have degree three at most.
const GAUSS: [(f64, f64); 3] =
    [(-0.774_596_669_241_483_4, 5.0 / 9.0), (0.0, 8.0 / 9.0), (0.774_596_669_241_483_4, 5.0 / 9.0)];

/// The integral from `from` to `to` of the polynomial that is 1 at node `j` and 0 at the others.
fn weight(nodes: &[f64], j: usize, from: f64, to: f64) -> f64 {
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    let basis = |at: f64| -> f64 {
        let others = nodes.iter().enumerate().filter(|&(k, _)| k != j);
        others.map(|(_, node)| (at - node) / (nodes[j] - node)).product()
    };
    half * GAUSS.iter().map(|(at, share)| share * basis(middle + half * at)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn weights_of_equal_distances_are_adams_and_bashforths() {
        // Rounding of a few f64 operations.
        const TOLERANCE: f64 = 1e-14;
        let nodes = [0.0, -1.0, -2.0, -3.0];
        for (j, expected) in [55.0, -59.0, 37.0, -9.0].iter().enumerate() {
            assert!((weight(&nodes, j, 0.0, 1.0) - expected / 24.0).abs() < TOLERANCE);
        }
        assert!((weight(&nodes[..1], 0, 0.0, 1.0) - 1.0).abs() < TOLERANCE);
    }
}
