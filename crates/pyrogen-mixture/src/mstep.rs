//! The covariances of an M-step under each of the fourteen models.
//!
//! All maximise
//!
//! ```text
//! Q = -1/2 sum_k (n_k log |covariance_k| + trace(covariance_k^-1 W_k))
//! ```
//!
//! over what the model allows, for scatter matrices `W_k` and weights `n_k`. Nothing else is asked
//! of `W_k` and `n_k`, so that missing cells, weights and priors enter through them.
//!
//! # References
//! Celeux and Govaert (1995), sections 3 and 4. The common axes of EVE and VVE by pairwise
//! rotations, as Flury and Gautschi (1986) find common principal components.

use serde::{Deserialize, Serialize};

use crate::CovarianceModel;
use crate::matrix::{
    BadPivot, cholesky, eigen, from_axes, invert_lower, packed, rotated, trace_of_product,
    transposed_square, turn_both, turn_columns,
};

/// What the iterative M-steps start from: where the last one ended. So `Q` never falls.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Memory {
    volumes: Vec<f64>,
    /// Common axes, columns of a row-major matrix.
    axes: Vec<f64>,
}

/// Rounds of an M-step without a closed form; it ends earlier where `Q` stands still.
const ROUNDS: usize = 2000;

/// `Q` stands still when a round raises `sum_k n_k log |covariance_k|` by less than this a row.
const STILL: f64 = 1e-14;

/// A component whose scatter has no inverse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flat {
    /// None where it is that of all components together.
    pub component: Option<usize>,
    pub bad: BadPivot,
}

/// Weights and scatter matrices.
pub(crate) struct Scatter<'a> {
    pub n: &'a [f64],
    /// `[k, d]` diagonals, or `[k, d (d + 1) / 2]` lower triangles where the model is dense.
    pub w: &'a [f64],
    pub d: usize,
}

impl Scatter<'_> {
    fn part(&self, c: usize) -> &[f64] {
        let size = self.w.len() / self.n.len();
        &self.w[c * size..][..size]
    }

    fn total(&self) -> f64 {
        self.n.iter().sum()
    }

    /// `sum_k factor_k W_k`.
    fn pooled(&self, factor: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sum = vec![0.0; self.w.len() / self.n.len()];
        for c in 0..self.n.len() {
            let factor = factor(c);
            sum.iter_mut().zip(self.part(c)).for_each(|(s, w)| *s += factor * w);
        }
        sum
    }
}

/// The covariances, laid out as the scatter matrices are.
pub(crate) fn covariances(
    model: CovarianceModel,
    scatter: &Scatter,
    memory: &mut Memory,
) -> Result<Vec<f64>, Flat> {
    use CovarianceModel::{EEE, EEV, EVE, EVV, VEE, VEV, VVE, VVV};
    let (k, total) = (scatter.n.len(), scatter.total());
    match model {
        EEE => Ok(scatter.pooled(|_| 1.0 / total).repeat(k)),
        VVV => Ok(own(scatter)),
        VEE => common_matrix(scatter, memory),
        EVV => one_determinant(scatter),
        EEV | VEV => own_axes(model, scatter, memory),
        EVE | VVE => common_axes(model, scatter, memory),
        _ => diagonals(model, scatter, memory),
    }
}

fn own(scatter: &Scatter) -> Vec<f64> {
    let part = |c: usize| scatter.part(c).iter().map(move |w| w / scatter.n[c]);
    (0..scatter.n.len()).flat_map(part).collect()
}

/// The models whose axes are the columns, for diagonals `W_k`.
fn diagonals(
    model: CovarianceModel,
    scatter: &Scatter,
    memory: &mut Memory,
) -> Result<Vec<f64>, Flat> {
    use CovarianceModel::{EEI, EII, EVI, VEI, VII};
    let (k, d, total) = (scatter.n.len(), scatter.d, scatter.total());
    Ok(match model {
        EII => vec![scatter.w.iter().sum::<f64>() / (total * d as f64); k * d],
        VII => {
            let volume = |c: usize| scatter.part(c).iter().sum::<f64>() / (scatter.n[c] * d as f64);
            (0..k * d).map(|e| volume(e / d)).collect()
        }
        EEI => scatter.pooled(|_| 1.0 / total).repeat(k),
        VEI => {
            let (volumes, shape) = one_shape(scatter, memory)?;
            volumes.iter().flat_map(|v| shape.iter().map(move |s| v * s)).collect()
        }
        EVI => {
            let mut shapes = Vec::with_capacity(k * d);
            let mut volume = 0.0;
            for c in 0..k {
                let (size, shape) = unit(scatter.part(c)).map_err(|bad| at(c, bad))?;
                volume += size / total;
                shapes.extend(shape);
            }
            shapes.iter().map(|s| volume * s).collect()
        }
        _ => own(scatter),
    })
}

fn at(component: usize, bad: BadPivot) -> Flat {
    Flat { component: Some(component), bad }
}

fn all(bad: BadPivot) -> Flat {
    Flat { component: None, bad }
}

/// A diagonal as its volume (the geometric mean) and a shape whose product is 1.
fn unit(diagonal: &[f64]) -> Result<(f64, Vec<f64>), BadPivot> {
    if let Some(column) = diagonal.iter().position(|v| !(*v > 0.0 && v.is_finite())) {
        return Err(BadPivot { column, pivot: diagonal[column] });
    }
    let log: f64 = diagonal.iter().map(|v| v.ln()).sum();
    let volume = (log / diagonal.len() as f64).exp();
    Ok((volume, diagonal.iter().map(|v| v / volume).collect()))
}

/// Volumes to start from: the last ones, or those of spheres.
fn volumes_before(scatter: &Scatter, memory: &Memory, trace: impl Fn(usize) -> f64) -> Vec<f64> {
    if memory.volumes.len() == scatter.n.len() {
        return memory.volumes.clone();
    }
    (0..scatter.n.len()).map(|c| trace(c) / (scatter.n[c] * scatter.d as f64)).collect()
}

/// Volumes and one shape for diagonals `W_k` (VEI; in their own axes, VEV).
fn one_shape(scatter: &Scatter, memory: &mut Memory) -> Result<(Vec<f64>, Vec<f64>), Flat> {
    let d = scatter.d;
    let mut volumes = volumes_before(scatter, memory, |c| scatter.part(c).iter().sum());
    let mut shape = Vec::new();
    let mut before = f64::INFINITY;
    for _ in 0..ROUNDS {
        shape = unit(&scatter.pooled(|c| 1.0 / volumes[c])).map_err(all)?.1;
        for (c, volume) in volumes.iter_mut().enumerate() {
            let trace: f64 = scatter.part(c).iter().zip(&shape).map(|(w, s)| w / s).sum();
            *volume = trace / (d as f64 * scatter.n[c]);
        }
        if stands_still(scatter, &volumes, &mut before) {
            break;
        }
    }
    memory.volumes.clone_from(&volumes);
    Ok((volumes, shape))
}

/// With shapes of determinant 1 and fitted volumes `Q` is `-d/2 sum_k n_k log v_k` and a constant.
fn stands_still(scatter: &Scatter, volumes: &[f64], before: &mut f64) -> bool {
    let now: f64 = scatter.n.iter().zip(volumes).map(|(n, v)| n * v.ln()).sum();
    let gain = *before - now;
    *before = now;
    gain.is_nan() || gain <= STILL * scatter.total()
}

/// `v_k C` (VEE).
fn common_matrix(scatter: &Scatter, memory: &mut Memory) -> Result<Vec<f64>, Flat> {
    let d = scatter.d;
    let trace = |c: usize| (0..d).map(|i| scatter.part(c)[packed(i + 1) - 1]).sum();
    let mut volumes = volumes_before(scatter, memory, trace);
    let mut matrix = Vec::new();
    let mut before = f64::INFINITY;
    for _ in 0..ROUNDS {
        matrix = scatter.pooled(|c| 1.0 / volumes[c]);
        let l = cholesky(&matrix, d).map_err(all)?;
        let log_det: f64 = (0..d).map(|i| 2.0 * l[packed(i + 1) - 1].ln()).sum();
        let scale = (-log_det / d as f64).exp();
        let inverse = transposed_square(&invert_lower(&l, d), d);
        matrix.iter_mut().for_each(|m| *m *= scale);
        for (c, volume) in volumes.iter_mut().enumerate() {
            let trace = trace_of_product(scatter.part(c), &inverse, d) / scale;
            *volume = trace / (d as f64 * scatter.n[c]);
        }
        if stands_still(scatter, &volumes, &mut before) {
            break;
        }
    }
    memory.volumes.clone_from(&volumes);
    Ok(volumes.iter().flat_map(|v| matrix.iter().map(move |m| v * m)).collect())
}

/// `v C_k` with determinants of 1 (EVV).
fn one_determinant(scatter: &Scatter) -> Result<Vec<f64>, Flat> {
    let (k, d, total) = (scatter.n.len(), scatter.d, scatter.total());
    let mut volume = 0.0;
    let mut matrices = Vec::with_capacity(scatter.w.len());
    for c in 0..k {
        let l = cholesky(scatter.part(c), d).map_err(|bad| at(c, bad))?;
        let log_det: f64 = (0..d).map(|i| 2.0 * l[packed(i + 1) - 1].ln()).sum();
        let size = (log_det / d as f64).exp();
        volume += size / total;
        matrices.extend(scatter.part(c).iter().map(|w| w / size));
    }
    Ok(matrices.iter().map(|m| volume * m).collect())
}

/// Each component in the axes of its own scatter, with one shape (EEV, VEV).
fn own_axes(
    model: CovarianceModel,
    scatter: &Scatter,
    memory: &mut Memory,
) -> Result<Vec<f64>, Flat> {
    let (k, d) = (scatter.n.len(), scatter.d);
    let parts: Vec<_> = (0..k).map(|c| eigen(scatter.part(c), d)).collect();
    let along: Vec<f64> = parts.iter().flat_map(|(values, _)| values.clone()).collect();
    let inner = Scatter { n: scatter.n, w: &along, d };
    let inner_model = match model {
        CovarianceModel::EEV => CovarianceModel::EEI,
        _ => CovarianceModel::VEI,
    };
    let values = diagonals(inner_model, &inner, memory)?;
    let matrix = |c: usize| from_axes(&parts[c].1, &values[c * d..][..d]);
    Ok((0..k).flat_map(matrix).collect())
}

/// Common axes (EVE, VVE).
fn common_axes(
    model: CovarianceModel,
    scatter: &Scatter,
    memory: &mut Memory,
) -> Result<Vec<f64>, Flat> {
    let (k, d, total) = (scatter.n.len(), scatter.d, scatter.total());
    let mut axes = match memory.axes.len() == d * d {
        true => memory.axes.clone(),
        false => eigen(&scatter.pooled(|_| 1.0 / total), d).1,
    };
    let mut turned: Vec<Vec<f64>> = (0..k).map(|c| rotated(scatter.part(c), &axes, d)).collect();
    let inner_model = match model {
        CovarianceModel::EVE => CovarianceModel::EVI,
        _ => CovarianceModel::VVI,
    };
    let (mut values, mut before) = (Vec::new(), f64::INFINITY);
    for _ in 0..ROUNDS {
        let along: Vec<f64> =
            turned.iter().flat_map(|w| (0..d).map(move |i| w[i * d + i])).collect();
        values = diagonals(inner_model, &Scatter { n: scatter.n, w: &along, d }, memory)?;
        let logs = values.iter().enumerate().map(|(e, v)| scatter.n[e / d] * v.ln());
        let now: f64 = logs.sum();
        let gain = before - now;
        before = now;
        if gain.is_nan() || gain <= STILL * total {
            break;
        }
        for l in 0..d {
            for m in l + 1..d {
                turn_pair(&mut turned, &mut axes, &values, d, [l, m]);
            }
        }
    }
    memory.axes.clone_from(&axes);
    Ok((0..k).flat_map(|c| from_axes(&axes, &values[c * d..][..d])).collect())
}

/// Turns axes `l` and `m` to where `sum_k trace(covariance_k^-1 W_k)` is least, the variances
/// along them as they are.
fn turn_pair(
    turned: &mut [Vec<f64>],
    axes: &mut [f64],
    values: &[f64],
    d: usize,
    [l, m]: [usize; 2],
) {
    // The sum is u^T M u and a constant, for the new direction u of axis l in the plane of both.
    let (mut difference, mut both) = (0.0, 0.0);
    for (c, w) in turned.iter().enumerate() {
        let factor = 1.0 / values[c * d + l] - 1.0 / values[c * d + m];
        difference += factor * 0.5 * (w[l * d + l] - w[m * d + m]);
        both += factor * w[l * d + m];
    }
    if difference == 0.0 && both == 0.0 {
        return;
    }
    let angle = 0.5 * (-both).atan2(-difference);
    let (s, c) = angle.sin_cos();
    turned.iter_mut().for_each(|w| turn_both(w, d, l, m, c, s));
    turn_columns(axes, d, l, m, c, s);
}
