//! A mixture of Gaussians, whose denoiser, velocity and density at every noise level are formulas.

use std::f64::consts::{PI, TAU};

use burn::tensor::{Device, Tensor, TensorData, activation};
use pyrogen_core::Noise;

/// Isotropic Gaussians with weights: a data distribution for which the perfect model is known.
///
/// Under `x = a clean + b noise` component `k` is `N(a m_k, v_k)` with `v_k = a^2 s_k^2 + b^2`. Given
/// `x` it has the responsibility `r_k(x)`, and
/// `E[clean | x] = sum_k r_k (m_k + (a s_k^2 / v_k) (x - a m_k))`,
/// `E[noise | x] = sum_k r_k (b / v_k) (x - a m_k)`.
/// [`denoise`](Self::denoise) is the first with `a = 1, b = sigma`; [`velocity`](Self::velocity) is
/// the difference of the two with `a = 1 - t, b = t`.
///
/// For teaching, for two-dimensional toys and for tests: what a sampler does wrong here is its
/// own fault.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_solve::GaussianMixture;
///
/// let two = GaussianMixture::new(vec![1.0, 1.0], vec![vec![-1.0], vec![1.0]], vec![0.1, 0.1]);
/// let x = Tensor::<2>::from_data([[0.9]], &Device::flex());
/// let clean = two.denoise(x, 0.3).into_scalar::<f32>();
/// assert!((clean - 0.99).abs() < 1e-3);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianMixture {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    stds: Vec<f64>,
}

impl GaussianMixture {
    /// Components with `weights` (scaled to sum to one), `means` and standard deviations `stds`.
    ///
    /// # Panics
    /// Without components, if the lists differ in length, the means in size, or a weight or
    /// standard deviation is not above 0.
    pub fn new(weights: Vec<f64>, means: Vec<Vec<f64>>, stds: Vec<f64>) -> Self {
        let n = weights.len();
        assert!(
            n > 0 && means.len() == n && stds.len() == n,
            "GaussianMixture: {n} weights, {} means and {} standard deviations",
            means.len(),
            stds.len()
        );
        assert!(
            means.iter().all(|m| m.len() == means[0].len() && !m.is_empty()),
            "GaussianMixture: means of one size"
        );
        assert!(
            weights.iter().chain(&stds).all(|&v| v > 0.0 && v.is_finite()),
            "GaussianMixture: weights and standard deviations above 0"
        );
        let total: f64 = weights.iter().sum();
        Self { weights: weights.iter().map(|w| w / total).collect(), means, stds }
    }

    /// `n` equal components on a circle around the origin in two dimensions, the first at angle 0.
    pub fn ring(n: usize, radius: f64, std: f64) -> Self {
        let at = |k: usize| TAU * k as f64 / n as f64;
        let means = (0..n).map(|k| vec![radius * at(k).cos(), radius * at(k).sin()]).collect();
        Self::new(vec![1.0; n], means, vec![std; n])
    }

    /// Number of dimensions.
    pub fn dims(&self) -> usize {
        self.means[0].len()
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The component `k` alone: what a model conditioned on the class knows.
    ///
    /// # Panics
    /// If there is no such component.
    pub fn component(&self, k: usize) -> Self {
        Self::new(vec![1.0], vec![self.means[k].clone()], vec![self.stds[k]])
    }

    /// The expected clean point given `x = clean + sigma noise`.
    ///
    /// # Shapes
    /// `x` and the result are `[batch, dims]`, in the type and on the device of `x`; gradients flow.
    ///
    /// # Panics
    /// If `x` has another number of dimensions.
    pub fn denoise(&self, x: Tensor<2>, sigma: f64) -> Tensor<2> {
        self.expect(x, 1.0, sigma, |a, v, s| (1.0, a * s * s / v))
    }

    /// The expected velocity `noise - clean` given `x = (1 - t) clean + t noise`.
    ///
    /// # Shapes
    /// As [`denoise`](Self::denoise).
    ///
    /// # Panics
    /// If `x` has another number of dimensions.
    pub fn velocity(&self, x: Tensor<2>, t: f64) -> Tensor<2> {
        self.expect(x, 1.0 - t, t, |a, v, s| (-1.0, (t - a * s * s) / v))
    }

    /// `sum_k r_k (p m_k + q (x - a m_k))` with `(p, q) = share(a, v_k, s_k)`.
    fn expect(
        &self,
        x: Tensor<2>,
        a: f64,
        b: f64,
        share: impl Fn(f64, f64, f64) -> (f64, f64),
    ) -> Tensor<2> {
        let responsibilities = activation::softmax(self.log_joint(x.clone(), a, b), 1);
        let (of_mean, of_x): (Vec<f64>, Vec<f64>) = self
            .stds
            .iter()
            .map(|&s| {
                let (p, q) = share(a, a * a * s * s + b * b, s);
                (p - q * a, q)
            })
            .unzip();
        let scaled = self.means.iter().zip(of_mean).flat_map(|(m, p)| m.iter().map(move |v| p * v));
        let (k, d) = (self.components(), self.dims());
        let means = upload(scaled.collect(), [k, d], &x);
        let of_x = upload(of_x, [k, 1], &x);
        responsibilities.clone().matmul(means) + responsibilities.matmul(of_x) * x
    }

    /// The logarithm of the density of `x = a clean + b noise`, a value each row, in nats.
    ///
    /// # Shapes
    /// `x` is `[batch, dims]`, the result `[batch]`; gradients flow.
    ///
    /// # Panics
    /// If `x` has another number of dimensions.
    pub fn log_density(&self, x: Tensor<2>, a: f64, b: f64) -> Tensor<1> {
        let joint = self.log_joint(x, a, b);
        let batch = joint.dims()[0];
        let largest = joint.clone().detach().max_dim(1);
        ((joint - largest.clone()).exp().sum_dim(1).log() + largest).reshape([batch])
    }

    /// `ln w_k + ln N(x; a m_k, v_k)`, `[batch, components]`.
    fn log_joint(&self, x: Tensor<2>, a: f64, b: f64) -> Tensor<2> {
        let [batch, d] = x.dims();
        let (k, dims) = (self.components(), self.dims());
        assert_eq!(d, dims, "GaussianMixture: points of {d} dimensions, means of {dims}");
        let centres = self.means.iter().flatten().map(|m| a * m).collect();
        let centres = upload(centres, [k, dims], &x).reshape([1, k, dims]);
        let (mut scales, mut offsets) = (Vec::new(), Vec::new());
        for (w, s) in self.weights.iter().zip(&self.stds) {
            let v = a * a * s * s + b * b;
            scales.push(-0.5 / v);
            offsets.push(w.ln() - 0.5 * dims as f64 * (2.0 * PI * v).ln());
        }
        let (scales, offsets) = (upload(scales, [1, k], &x), upload(offsets, [1, k], &x));
        let from_centres = x.reshape([batch, 1, dims]) - centres;
        from_centres.square().sum_dim(2).reshape([batch, k]) * scales + offsets
    }

    /// `n` points, `[n, dims]`, and their components.
    pub fn sample(&self, n: usize, noise: &mut Noise, device: &Device) -> (Tensor<2>, Vec<usize>) {
        let d = self.dims();
        let mut ends = self.weights.clone();
        (1..ends.len()).for_each(|i| ends[i] += ends[i - 1]);
        let last = ends.len() - 1;
        let chosen = noise.uniform_rows(&[n]);
        let chosen: Vec<usize> =
            chosen.iter().map(|&u| ends.partition_point(|&end| end <= u).min(last)).collect();
        let spread = chosen.iter().flat_map(|&k| vec![self.stds[k]; d]).collect();
        let centres = chosen.iter().flat_map(|&k| self.means[k].clone()).collect();
        let drawn = noise.normal([n, d], device);
        let points =
            drawn.clone() * upload(spread, [n, d], &drawn) + upload(centres, [n, d], &drawn);
        (points, chosen)
    }
}

/// Values in the type and on the device of `like`.
fn upload(values: Vec<f64>, shape: [usize; 2], like: &Tensor<2>) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
}
