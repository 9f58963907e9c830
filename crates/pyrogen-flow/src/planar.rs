//! Layers that move examples along a direction, or to and from a centre.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;
use pyrogen_ops::{softplus, tanh};

use crate::NormalizingFlowConfig;
use crate::amortised::Amortised;
use crate::layer::Mapped;
use crate::root::root;

/// The least slope of a map along its direction: what is less cannot be undone in f32.
const LEAST: f64 = 1e-3;

/// Added to squared lengths before a division.
const TINY: f64 = 1e-20;

/// `z = x + u tanh(w . x + b)` with `w . u > -1`.
///
/// # References
/// Rezende and Mohamed (2015), "Variational Inference with Normalizing Flows", equations 10 to 12 and
/// appendix A.1.
#[derive(Module, Debug)]
pub(crate) struct PlanarLayer {
    /// `u`, `w`, `b`.
    parameters: Amortised,
}

/// The parameters in use.
struct Plane {
    /// `[rows, features]`, with the part along `w` that the condition asks for.
    u: Tensor<2>,
    w: Tensor<2>,
    /// `[rows, 1]`
    b: Tensor<2>,
    /// `1 + w . u`, the slope at `w . x + b = 0`; `[rows, 1]`.
    slope: Tensor<2>,
}

impl PlanarLayer {
    pub fn new(config: &NormalizingFlowConfig, noise: &mut Noise, device: &Device) -> Self {
        let features = config.features();
        let bound = 1.0 / (features as f64).sqrt();
        let start = (noise.uniform([2 * features + 1], device) * 2.0 - 1.0) * bound;
        Self { parameters: Amortised::new(config, vec![start], noise, device) }
    }

    /// How many parameters an example has.
    pub fn width(features: usize) -> usize {
        features.saturating_mul(2).saturating_add(1)
    }

    fn plane(&self, features: usize, condition: Option<&Tensor<2>>) -> Plane {
        let all = self.parameters.of(condition);
        let part = |from: usize, n: usize| all.clone().narrow(1, from, n);
        let (u, w, b) = (part(0, features), part(features, features), part(2 * features, 1));
        let along = (u.clone() * w.clone()).sum_dim(1);
        let slope = softplus(along.clone()).clamp_min(LEAST);
        let square = w.clone().square().sum_dim(1) + TINY;
        let u = u + w.clone() * ((slope.clone() - 1.0 - along) / square);
        Plane { u, w, b, slope }
    }

    pub fn forward(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let plane = self.plane(x.dims()[1], condition);
        let at = (x.clone() * plane.w.clone()).sum_dim(1) + plane.b.clone();
        let bend = tanh(at);
        (x + plane.u.clone() * bend.clone(), plane.log_slope(bend))
    }

    pub fn inverse(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let plane = self.plane(y.dims()[1], condition);
        let target = (y.clone() * plane.w.clone()).sum_dim(1) + plane.b.clone();
        let at = along(plane.slope.clone() - 1.0, target);
        let bend = tanh(at);
        (y - plane.u.clone() * bend.clone(), plane.log_slope(bend).neg())
    }
}

impl Plane {
    /// `ln (1 + (w . u) (1 - bend^2))`, without a difference.
    fn log_slope(&self, bend: Tensor<2>) -> Tensor<1> {
        let square = bend.square();
        let rest = square.clone().neg() + 1.0;
        (square + rest * self.slope.clone()).log().squeeze_dim(1)
    }
}

/// The `a` of `a + c tanh(a) = target`, where `c > -1`.
fn along(c: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
    let reach = c.clone().detach().abs();
    let (low, high) = (target.clone() - reach.clone(), target.clone() + reach);
    let rising = |a: Tensor<2>, free: bool| {
        let c = if free { c.clone().detach() } else { c.clone() };
        let bend = tanh(a.clone());
        (a + c.clone() * bend.clone(), (bend.square().neg() + 1.0) * c + 1.0)
    };
    root(rising, target, low, high)
}

/// `z = x + beta (x - c) / (alpha + |x - c|)` with `alpha > 0` and `beta > -alpha`.
///
/// # References
/// Rezende and Mohamed (2015), equation 14 and appendix A.2.
#[derive(Module, Debug)]
pub(crate) struct RadialLayer {
    /// The centre, and what `alpha` and `alpha + beta` are the softplus of.
    parameters: Amortised,
}

/// The parameters in use.
struct Centre {
    /// `[rows, features]`
    centre: Tensor<2>,
    /// `[rows, 1]`
    alpha: Tensor<2>,
    /// `alpha + beta`, `[rows, 1]`.
    sum: Tensor<2>,
}

impl RadialLayer {
    pub fn new(config: &NormalizingFlowConfig, noise: &mut Noise, device: &Device) -> Self {
        let centre = noise.normal([config.features()], device);
        let rest = noise.uniform([2], device) * 2.0 - 1.0;
        Self { parameters: Amortised::new(config, vec![centre, rest], noise, device) }
    }

    /// How many parameters an example has.
    pub fn width(features: usize) -> usize {
        features.saturating_add(2)
    }

    fn centre(&self, features: usize, condition: Option<&Tensor<2>>) -> Centre {
        let all = self.parameters.of(condition);
        let positive = |i: usize| softplus(all.clone().narrow(1, i, 1)).clamp_min(LEAST);
        Centre {
            centre: all.clone().narrow(1, 0, features),
            alpha: positive(features),
            sum: positive(features + 1),
        }
    }

    pub fn forward(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let features = x.dims()[1];
        let at = self.centre(features, condition);
        let away = x - at.centre.clone();
        let r = length(&away);
        let stretch = (r.clone() + at.sum.clone()) / (r.clone() + at.alpha.clone());
        (at.centre.clone() + away * stretch, at.log_det(r, features))
    }

    /// From `rho = r (r + sum) / (r + alpha)`, which is `r^2 + (sum - rho) r - rho alpha = 0`.
    pub fn inverse(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let features = y.dims()[1];
        let at = self.centre(features, condition);
        let away = y - at.centre.clone();
        let rho = length(&away);
        let k = at.sum.clone() - rho.clone();
        let product = rho * at.alpha.clone() * 4.0;
        // The sum of two positive numbers: the root is this half, or the product over it.
        let q = (k.clone().square() + product.clone()).sqrt() + k.clone().abs();
        let r = (q.clone() * 0.5).mask_where(k.greater_scalar(0), product * 0.5 / q);
        let shrink = (r.clone() + at.alpha.clone()) / (r.clone() + at.sum.clone());
        (at.centre.clone() + away * shrink, at.log_det(r, features).neg())
    }
}

impl Centre {
    /// `(d - 1) ln (1 + beta h) + ln (1 + beta alpha h^2)` with `h = 1 / (alpha + r)`, without differences.
    fn log_det(&self, r: Tensor<2>, features: usize) -> Tensor<1> {
        let (alpha, sum) = (self.alpha.clone(), self.sum.clone());
        let h = (r.clone() + alpha.clone()).log();
        let around = (r.clone() + sum.clone()).log() - h.clone();
        let out = (r.clone() * (r + alpha.clone() * 2.0) + alpha * sum).log() - h * 2.0;
        (around * (features as f64 - 1.0) + out).squeeze_dim(1)
    }
}

/// The length of each row, `[rows, 1]`; its slope at zero is finite.
fn length(x: &Tensor<2>) -> Tensor<2> {
    (x.clone().square().sum_dim(1) + TINY).sqrt()
}
