//! Detectors of anomalies without a network.

use std::error::Error;

use extended_isolation_forest::{Forest, ForestOptions};
use faer::{Mat, Side};

/// The principal components of some rows: the directions of largest variance.
#[derive(Debug)]
pub struct Components {
    mean: Vec<f64>,
    /// One column a component.
    basis: Mat<f64>,
}

impl Components {
    /// The first `count` components of rows of `width` values.
    ///
    /// # Errors
    /// When the eigenvalue iteration does not converge.
    pub fn fit(values: &[f32], width: usize, count: usize) -> Result<Self, Box<dyn Error>> {
        let rows = values.len() / width;
        let mut mean = vec![0.0; width];
        for row in values.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(m, &v)| *m += f64::from(v) / rows as f64);
        }
        let centred = centred(values, &mean);
        let covariance = centred.transpose() * &centred;
        let eigen = covariance
            .self_adjoint_eigen(Side::Lower)
            .map_err(|e| format!("the principal components did not converge: {e:?}"))?;
        // The eigenvalues ascend.
        let first = width - count.min(width);
        Ok(Self { mean, basis: eigen.U().subcols(first, width - first).to_owned() })
    }

    /// The squared distance of each row from what the components keep of it.
    pub fn errors(&self, values: &[f32]) -> Vec<f64> {
        let centred = centred(values, &self.mean);
        let codes = &centred * &self.basis;
        let residual = &centred - &codes * self.basis.transpose();
        residual.row_iter().map(|row| row.squared_norm_l2()).collect()
    }
}

fn centred(values: &[f32], mean: &[f64]) -> Mat<f64> {
    let width = mean.len();
    Mat::from_fn(values.len() / width, width, |i, j| f64::from(values[i * width + j]) - mean[j])
}

/// Trees of a forest, and rows that each grows from (the values of Liu et al. 2008).
const TREES: usize = 100;
const ROWS: usize = 256;

/// The scores of an extended isolation forest (Hariri et al. 2019): how few random cuts by planes
/// separate a row from the others. Cuts by single pixels are of little use here, since most pixels
/// at the border do not vary. The forest's crate draws from a generator of its own, without a seed.
///
/// # Errors
/// Rows that are no pictures of 8x8 or 28x28 pixels (the crate wants their width at compile time),
/// or fewer than 256 of them.
pub fn forest_scores(
    train: &[f32],
    test: &[f32],
    width: usize,
) -> Result<Vec<f64>, Box<dyn Error>> {
    match width {
        64 => scores::<64>(train, test),
        784 => scores::<784>(train, test),
        _ => Err(format!("the forest takes 64 or 784 pixels, not {width}").into()),
    }
}

fn scores<const N: usize>(train: &[f32], test: &[f32]) -> Result<Vec<f64>, Box<dyn Error>> {
    let options = ForestOptions {
        n_trees: TREES,
        sample_size: ROWS,
        max_tree_depth: None,
        extension_level: N - 1,
    };
    let forest = Forest::from_slice(train.as_chunks::<N>().0, &options)?;
    Ok(test.as_chunks::<N>().0.iter().map(|row| forest.score(row)).collect())
}
