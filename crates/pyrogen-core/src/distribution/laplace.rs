//! Laplace's distribution.

use super::family::prelude::*;

elementwise! {
    /// Laplace's distribution of each element.
    ///
    /// ```text
    /// p(x) = exp(-|x - loc| / scale) / (2 scale)
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Distribution, Laplace};
    ///
    /// let device = Device::flex();
    /// let loc = Tensor::<2>::zeros([3, 1], &device);
    /// let laplace = Laplace::new(loc, Tensor::ones([1, 2], &device))?;
    /// let log_prob = laplace.log_prob(Tensor::full([1, 1], -3.0, &device));
    /// assert!(log_prob.all_close(Tensor::full([3, 2], -3.0 - 2f32.ln(), &device), None, None));
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Laplace: LaplaceFamily, |_this| Support::Real => {
        /// The mean.
        loc: Domain::Real,
        /// The mean distance from it.
        scale: Domain::Positive,
    }
}

/// The formulas of [`Laplace`].
#[derive(Debug)]
pub struct LaplaceFamily;

fn lower<R: Real>(z: R) -> R {
    let below = z.under(0.0);
    let half = (-z.abs()).exp() * 0.5;
    R::select(below, half, half.under_from(1.0))
}

fn quantile<R: Real>(q: R) -> R {
    let below = q.under(0.5);
    let lower = (q.guard(below, 0.25) * 2.0).ln();
    let upper = -((-q.safe(below, 0.75)) * 2.0 + 2.0).ln();
    R::select(below, lower, upper)
}

impl Family for LaplaceFamily {
    const NAME: &'static str = "Laplace";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [loc, scale] = params(p);
        -((x - loc).abs() / scale) - (scale * 2.0).ln()
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        let size = stream.exponential();
        [if stream.uniform() < 0.5 { -size } else { size }, 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] + p[1] * e[0]
    }
}

impl FamilyPathwise for LaplaceFamily {}

impl FamilyMoments for LaplaceFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[1].square() * 2.0
    }
}

impl FamilyEntropy for LaplaceFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        (p[1] * 2.0).ln() + 1.0
    }
}

impl FamilyMode for LaplaceFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

impl FamilyCdf for LaplaceFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        lower((x - p[0]) / p[1])
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        lower((p[0] - x) / p[1])
    }
}

impl FamilyQuantile for LaplaceFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] + p[1] * quantile(q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] - p[1] * quantile(q)
    }
}
