//! Products of many rows with one matrix.

use burn::tensor::Tensor;

use crate::Elementwise;
#[cfg(feature = "flex")]
use crate::host::on_host;

/// `x W + b` along the last axis.
///
/// # Shapes
/// `x` is `[.., d_in]`, `weight` `[d_in, d_out]`, `bias` `[d_out]`; the result is `[.., d_out]`.
///
/// # Numerics
/// On the host sums are in another order than Burn's own.
///
/// # Panics
/// If the sizes do not fit.
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    LinearMap::new(weight, bias).apply(x)
}

/// The product of two matrices.
///
/// # Shapes
/// `[m, k]` and `[k, n]` to `[m, n]`.
///
/// # Panics
/// If the sizes do not fit.
pub fn matmul(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    linear(a, b, None)
}

/// `f(x) W + b + y` along the last axis: a [`linear`] map with what often stands before and after it.
///
/// On the host a few rows at a time go all the way, so that `f(x)` is never held as a whole, and not
/// kept for the gradient either: the backward pass works it out again with its slopes. On other
/// devices the operations follow each other.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_ops::{Elementwise, LinearMap, gelu, linear};
///
/// let device = Device::flex();
/// let [x, y] = [(); 2].map(|()| Tensor::<2>::ones([4, 6], &device));
/// let weight = || Tensor::<2>::ones([6, 6], &device) * 0.1;
/// let fused = LinearMap::new(weight(), None).after(Elementwise::Gelu).plus(y.clone());
/// let apart = linear(gelu(x.clone()), weight(), None) + y;
/// assert!((fused.apply(x) - apart).abs().max().into_scalar::<f32>() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct LinearMap<const D: usize> {
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    before: Before,
    residual: Option<Tensor<D>>,
}

/// What happens to the rows before the product.
#[derive(Debug, Clone)]
enum Before {
    Nothing,
    Elementwise(Elementwise),
    LayerNorm { scale_and_shift: Box<[Tensor<1>; 2]>, epsilon: f64 },
}

impl<const D: usize> LinearMap<D> {
    /// `x W + b`: `weight` is `[d_in, d_out]`, `bias` `[d_out]`.
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        Self { weight, bias, before: Before::Nothing, residual: None }
    }

    /// Of a function of the inputs, in place of what was set to come before.
    pub fn after(self, function: Elementwise) -> Self {
        Self { before: Before::Elementwise(function), ..self }
    }

    /// Of the inputs as [`layer_norm`](crate::layer_norm) leaves them, in place of what was set to
    /// come before: `gamma` and `beta` are `[d_in]`.
    pub fn after_layer_norm(self, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> Self {
        let scale_and_shift = Box::new([gamma, beta]);
        Self { before: Before::LayerNorm { scale_and_shift, epsilon }, ..self }
    }

    /// Added to the result: `[.., d_out]`.
    pub fn plus(self, residual: Tensor<D>) -> Self {
        Self { residual: Some(residual), ..self }
    }

    /// `[.., d_in]` to `[.., d_out]`.
    ///
    /// # Panics
    /// If the sizes do not fit.
    pub fn apply(self, x: Tensor<D>) -> Tensor<D> {
        self.check(&x);
        #[cfg(feature = "flex")]
        if on_host(&x) && self.weight.dims()[0] > 0 {
            return self.apply_on_host(x);
        }
        let x = match self.before {
            Before::Nothing => x,
            Before::Elementwise(function) => function.apply(x),
            Before::LayerNorm { scale_and_shift, epsilon } => {
                let [gamma, beta] = *scale_and_shift;
                crate::layer_norm(x, gamma, beta, epsilon)
            }
        };
        let product = burn::tensor::module::linear(x, self.weight, self.bias);
        match self.residual {
            Some(residual) => residual + product,
            None => product,
        }
    }

    fn check(&self, x: &Tensor<D>) {
        let [d_in, d_out] = self.weight.dims();
        let mut dims = x.dims();
        let fits = dims[D - 1] == d_in && self.bias.as_ref().is_none_or(|b| b.dims() == [d_out]);
        dims[D - 1] = d_out;
        assert!(
            fits && self.residual.as_ref().is_none_or(|residual| residual.dims() == dims),
            "linear: weight {:?} does not fit inputs {:?}, the bias or what is added",
            self.weight.dims(),
            x.dims()
        );
        if let Before::LayerNorm { scale_and_shift, .. } = &self.before {
            let [gamma, beta] = &**scale_and_shift;
            crate::layer_norm::check(d_in, gamma, beta);
        }
    }

    #[cfg(feature = "flex")]
    fn apply_on_host(self, x: Tensor<D>) -> Tensor<D> {
        let mut inputs = vec![x.into(), self.weight.into()];
        let before = match self.before {
            Before::Nothing => host::Before::Nothing,
            Before::Elementwise(function) => host::Before::Elementwise(function),
            Before::LayerNorm { scale_and_shift, epsilon } => {
                inputs.extend(scale_and_shift.map(Into::into));
                host::Before::LayerNorm { epsilon }
            }
        };
        let (bias, residual) = (self.bias.is_some(), self.residual.is_some());
        inputs.extend(self.bias.map(Into::into));
        inputs.extend(self.residual.map(Into::into));
        host::Linear { before, bias, residual }.apply(inputs)
    }
}

#[cfg(feature = "flex")]
#[path = "linear_host.rs"]
mod host;
