//! Invertible mixing of channels.

use burn::module::{Module, Param};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::Noise;
use pyrogen_ops as ops;

use super::layers::{ActNorm, Mapped};

/// `y = W x` at each pixel, behind the normalisation of each channel, with `W = P L (U + diag(sign exp(s)))`: a fixed permutation, a lower and an upper
/// triangular matrix with ones and with `sign exp(s)` on their diagonals. The determinant is `exp(sum s)`.
///
/// It starts at a random rotation, which a label and a number choose and no seed: `P` and the signs are
/// part of the model's definition and in no file.
///
/// # References
/// Kingma and Dhariwal (2018), "Glow", equations 9 to 11.
#[derive(Module, Debug)]
pub(super) struct Mixing {
    lower: Param<Tensor<2>>,
    upper: Param<Tensor<2>>,
    log_scale: Param<Tensor<1>>,
    #[module(skip)]
    fixed: Fixed,
}

/// What no training changes.
#[derive(Debug, Clone)]
struct Fixed {
    /// The row of `L U` that each row of `W` is.
    rows: Vec<i32>,
    signs: Vec<f32>,
}

impl Mixing {
    /// Number `index` of the mixings of this many channels.
    pub fn new(channels: usize, index: usize, device: &Device) -> Self {
        let noise = Noise::new(pyrogen_core::Seed(0)).fork("glow").fork_index(channels as u64);
        let rotation = rotation(channels, &mut noise.fork_index(index as u64));
        let (rows, lu) = factors(rotation);
        let n = channels;
        let cells = |inside: fn(usize, usize) -> bool| {
            let cells =
                (0..n * n).map(|k| if inside(k / n, k % n) { lu[k / n][k % n] } else { 0.0 });
            matrix(cells.collect(), n, device)
        };
        let diagonal: Vec<f64> = (0..n).map(|i| lu[i][i]).collect();
        let logs: Vec<f32> = diagonal.iter().map(|d| d.abs().ln() as f32).collect();
        Self {
            lower: Param::from_tensor(cells(|i, j| i > j)),
            upper: Param::from_tensor(cells(|i, j| i < j)),
            log_scale: Param::from_tensor(Tensor::from_data(TensorData::new(logs, [n]), device)),
            fixed: Fixed {
                rows,
                signs: diagonal.iter().map(|d| if *d < 0.0 { -1.0 } else { 1.0 }).collect(),
            },
        }
    }

    /// `W`, `[channels, channels]`.
    fn weight(&self) -> Tensor<2> {
        let n = self.fixed.signs.len();
        let log_scale = self.log_scale.val();
        let device = log_scale.device();
        let mask = |inside: fn(usize, usize) -> bool| {
            let cells = (0..n * n).map(|k| f64::from(u8::from(inside(k / n, k % n))));
            matrix(cells.collect(), n, &device)
        };
        let eye = mask(|i, j| i == j);
        let signs = Tensor::<1>::from_data(TensorData::new(self.fixed.signs.clone(), [n]), &device);
        let diagonal: Tensor<2> = (log_scale.exp() * signs).unsqueeze();
        let lower = self.lower.val() * mask(|i, j| i > j) + eye.clone();
        let upper = self.upper.val() * mask(|i, j| i < j) + eye * diagonal;
        let rows = TensorData::new(self.fixed.rows.clone(), [n]);
        lower.matmul(upper).select(0, Tensor::<1, Int>::from_data(rows, &device))
    }

    /// `W (x - mean) / std` in one pass: `norm` gives means and logarithms of standard deviations.
    pub fn forward(&self, norm: &ActNorm, x: Tensor<4>) -> Mapped {
        let [mean, log_std] = norm.columns();
        let log_det = self.log_det(&log_std, &x);
        let weight = self.weight() * log_std.neg().exp().transpose();
        let bias = weight.clone().matmul(mean).neg();
        (each_pixel(weight, bias, x), log_det)
    }

    pub fn inverse(&self, norm: &ActNorm, y: Tensor<4>) -> Mapped {
        let [mean, log_std] = norm.columns();
        let log_det = self.log_det(&log_std, &y).neg();
        let weight = inverted(self.weight()) * log_std.exp();
        (each_pixel(weight, mean, y), log_det)
    }

    fn log_det(&self, log_std: &Tensor<2>, x: &Tensor<4>) -> Tensor<1> {
        let [_, _, height, width] = x.dims();
        (ops::sum(self.log_scale.val()) - ops::sum(log_std.clone())) * (height * width) as f64
    }
}

/// A matrix times the channels of each pixel, and a number more for each.
fn each_pixel(weight: Tensor<2>, bias: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
    let n = weight.dims()[0];
    let options = ConvOptions { stride: [1; 2], padding: [(0, 0); 2], dilation: [1; 2], groups: 1 };
    ops::conv2d(x, weight.reshape([n, n, 1, 1]), Some(bias.reshape([n])), options)
}

/// The inverse, with the derivatives of one: a step of Newton's method, `X (2 - W X)`, from the inverse that
/// the host finds in f64.
fn inverted(weight: Tensor<2>) -> Tensor<2> {
    let n = weight.dims()[0];
    let device = weight.device();
    let values: Vec<f64> = weight.clone().detach().into_data().iter::<f64>().collect();
    let rows = values.chunks(n).map(<[f64]>::to_vec).collect();
    let start = matrix(inverse_of(rows).concat(), n, &device);
    let twice = Tensor::<2>::eye(n, &device) * 2.0;
    start.clone().matmul(twice - weight.matmul(start))
}

fn matrix(cells: Vec<f64>, n: usize, device: &Device) -> Tensor<2> {
    let cells: Vec<f32> = cells.into_iter().map(|v| v as f32).collect();
    Tensor::from_data(TensorData::new(cells, [n, n]), device)
}

/// A random orthogonal matrix: normal rows made orthonormal one after another.
fn rotation(n: usize, noise: &mut Noise) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
    for _ in 0..n {
        let mut row = noise.normal_vec(n);
        // Twice, because once leaves what rounding did.
        for _ in 0..2 {
            for other in &rows {
                let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
        }
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter_mut().for_each(|v| *v /= length);
        rows.push(row);
    }
    rows
}

/// Elimination with pivots: for each row of the matrix the row of `L U` that it is, and `L` below and `U` on
/// and above the diagonal of one matrix.
fn factors(mut m: Vec<Vec<f64>>) -> (Vec<i32>, Vec<Vec<f64>>) {
    let n = m.len();
    let mut from: Vec<usize> = (0..n).collect();
    for k in 0..n {
        let pivot = (k..n).max_by(|&a, &b| m[a][k].abs().total_cmp(&m[b][k].abs())).unwrap_or(k);
        m.swap(k, pivot);
        from.swap(k, pivot);
        let (above, below) = m.split_at_mut(k + 1);
        for row in below {
            row[k] /= above[k][k];
            let factor = row[k];
            row.iter_mut().zip(&above[k]).skip(k + 1).for_each(|(v, p)| *v -= factor * p);
        }
    }
    let mut rows = vec![0; n];
    from.iter().enumerate().for_each(|(k, &row)| rows[row] = k as i32);
    (rows, m)
}

/// By Gauss and Jordan with pivots; infinities where the matrix has no inverse.
fn inverse_of(mut m: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = m.len();
    for (i, row) in m.iter_mut().enumerate() {
        row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
    }
    for k in 0..n {
        let pivot = (k..n).max_by(|&a, &b| m[a][k].abs().total_cmp(&m[b][k].abs())).unwrap_or(k);
        m.swap(k, pivot);
        let scale = 1.0 / m[k][k];
        m[k].iter_mut().for_each(|v| *v *= scale);
        let row = m[k].clone();
        for (_, other) in m.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = other[k];
            other.iter_mut().zip(&row).for_each(|(v, p)| *v -= factor * p);
        }
    }
    m.into_iter().map(|row| row[n..].to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host, largest_difference};

    #[test]
    fn mixings_start_at_rotations_and_differ() {
        let [one, other] = [0, 1].map(|index| Mixing::new(6, index, &device()).weight());
        let square = one.clone().matmul(one.clone().transpose());
        // Roundings of f32.
        assert!(largest_difference(square, Tensor::eye(6, &device())) < 1e-6);
        assert!(largest_difference(one, other) > 0.1);
    }

    /// Folders hold neither permutations nor signs: these must be the same for ever. The reference script
    /// has them, too.
    #[test]
    fn fixed_parts() {
        let got = [(4, 0), (4, 1), (8, 0), (16, 0)].map(|(channels, index)| {
            let Fixed { rows, signs } = Mixing::new(channels, index, &device()).fixed;
            (rows, signs.into_iter().map(|s| s as i32).collect::<Vec<_>>())
        });
        let expected: [(Vec<i32>, Vec<i32>); 4] = [
            (vec![0, 1, 3, 2], vec![-1, -1, 1, -1]),
            (vec![1, 3, 2, 0], vec![-1, -1, 1, 1]),
            (vec![5, 3, 6, 2, 0, 7, 4, 1], vec![-1, 1, -1, 1, 1, 1, 1, 1]),
            (
                vec![9, 12, 6, 8, 3, 0, 1, 4, 5, 13, 10, 2, 11, 14, 7, 15],
                vec![-1, -1, 1, -1, -1, -1, 1, 1, 1, -1, 1, -1, 1, -1, 1, -1],
            ),
        ];
        assert_eq!(got, expected);
    }

    /// The inverse's value, and its derivatives by small changes of the weights.
    #[test]
    fn inverses_and_their_derivatives() {
        let device = device().autodiff();
        let w = Tensor::<2>::from_floats([[2.0, 0.5], [-0.3, 0.8]], &device).require_grad();
        let x = inverted(w.clone());
        let unit = Tensor::<2>::eye(2, &device);
        assert!(largest_difference(w.clone().matmul(x.clone()), unit) < 1e-6);
        let weights = Tensor::<2>::from_floats([[1.0, -2.0], [0.5, 3.0]], &device);
        let grads = (x * weights).sum().backward();
        let got = host(w.grad(&grads).unwrap());
        let value = |k: usize, h: f64| {
            let mut m = [2.0, 0.5, -0.3, 0.8];
            m[k] += h;
            let x = inverse_of(vec![m[..2].to_vec(), m[2..].to_vec()]).concat();
            x[0] - 2.0 * x[1] + 0.5 * x[2] + 3.0 * x[3]
        };
        for (k, got) in got.iter().enumerate() {
            let expected = (value(k, 1e-4) - value(k, -1e-4)) / 2e-4;
            assert!((got - expected).abs() < 1e-4, "{k}: {got} {expected}");
        }
    }
}
