//! Spectral normalisation.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;

/// Steps of the power iteration that a new layer starts from.
const FIRST_STEPS: usize = 15;

/// Norms below this are taken for it: a weight of zeros stays one.
const SMALLEST: f64 = 1e-12;

/// Divides a layer's weight by its largest singular value, so that the layer stretches no
/// difference.
///
/// ```text
/// v = W^T u / |W^T u|,  u = W v / |W v|      one step of the power iteration
/// sigma = u^T W v
/// W / sigma                                  what the layer uses
/// ```
///
/// `W` is the weight as a matrix `[out, everything else]`. The vectors are part of the model: they are
/// saved with it, and [`iterate`](Self::iterate) moves them, once before a step of the discriminator.
/// Gradients flow through `W` and through `sigma`, in which `u` and `v` count as constants.
///
/// # Numerics
/// A new layer starts from 15 iterations. After that one a step follows the weights, because they move
/// little in a step.
///
/// # References
/// Miyato et al. 2018, algorithm 1.
#[derive(Module, Debug)]
pub struct SpectralNorm {
    u: Param<Tensor<1>>,
    v: Param<Tensor<1>>,
}

impl SpectralNorm {
    /// Vectors for a weight `[out, rest]`.
    pub fn new(weight: Tensor<2>, noise: &mut Noise, device: &Device) -> Self {
        let [out, rest] = weight.dims();
        let state = |x: Tensor<1>| Param::from_tensor(x).no_grad();
        let new =
            Self { u: state(noise.normal([out], device)), v: state(noise.normal([rest], device)) };
        (0..FIRST_STEPS).fold(new, |norm, _| norm.iterate(weight.clone()))
    }

    /// Numbers that the vectors have; `usize::MAX` where it does not fit.
    pub(crate) fn num_params(out: usize, rest: usize) -> usize {
        out.saturating_add(rest)
    }

    /// The vectors after one more step of the power iteration.
    ///
    /// # Panics
    /// If the weight has another shape.
    pub fn iterate(self, weight: Tensor<2>) -> Self {
        self.check(&weight);
        let weight = weight.set_require_grad(false);
        let (u, v) = (column(self.u.val()), column(self.v.val()));
        let v = unit(weight.clone().transpose().matmul(u.clone()), v);
        let u = unit(weight.matmul(v.clone()), u);
        let set = |param: Param<Tensor<1>>, x: Tensor<2>| {
            param.map(|old| x.reshape(old.dims()).set_require_grad(false))
        };
        Self { u: set(self.u, u), v: set(self.v, v) }
    }

    /// The largest singular value of a weight `[out, rest]`, as the vectors have it: `[1, 1]`; not
    /// smaller than 1e-12, so that a weight of zero divided by it stays zero.
    ///
    /// # Panics
    /// If the weight has another shape.
    pub fn sigma(&self, weight: Tensor<2>) -> Tensor<2> {
        self.check(&weight);
        let sigma = column(self.u.val()).transpose().matmul(weight).matmul(column(self.v.val()));
        let zero = sigma.clone().detach().abs().lower_elem(SMALLEST);
        sigma.mask_fill(zero, SMALLEST)
    }

    fn check(&self, weight: &Tensor<2>) {
        let expected = [self.u.dims()[0], self.v.dims()[0]];
        assert_eq!(weight.dims(), expected, "SpectralNorm: a weight of another shape");
    }
}

fn column(x: Tensor<1>) -> Tensor<2> {
    x.unsqueeze_dim(1)
}

/// The vector at length one.
/// `x` at length 1; `old` where there is no length, as of the products with a weight that is zero: from a
/// vector of zeros the power iteration would never come back.
fn unit(x: Tensor<2>, old: Tensor<2>) -> Tensor<2> {
    let length = x.clone().square().sum_dim(0).sqrt();
    let none = length.clone().lower_elem(SMALLEST).expand(x.dims());
    (x / length.clamp_min(SMALLEST)).mask_where(none, old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::Seed;
    use pyrogen_testkit::{device, host};

    #[test]
    fn a_weight_of_zero_stays_zero_and_can_leave() {
        let device = device();
        let zero = Tensor::<2>::zeros([3, 4], &device);
        let norm = SpectralNorm::new(zero.clone(), &mut Noise::new(Seed(1)), &device);
        for _ in 0..3 {
            let norm = norm.clone().iterate(zero.clone());
            let divided = host(zero.clone() / norm.sigma(zero.clone()));
            assert!(divided.iter().all(|&v| v == 0.0), "{divided:?}");
        }
        // Once it is another, the iteration finds its largest singular value: of diag(3, 2, 1), 3.
        let weight = Tensor::<2>::from_floats(
            [[3.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
            &device,
        );
        let norm = (0..60).fold(norm.iterate(zero), |norm, _| norm.iterate(weight.clone()));
        let sigma = host(norm.sigma(weight))[0];
        // (2/3)^60 of a starting angle, in f32.
        assert!((sigma - 3.0).abs() < 1e-5, "{sigma}");
    }
}
