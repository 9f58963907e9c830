//! Normalisations of Burn's operations, whose gradients keep the input and its moments.

use burn::tensor::{Tensor, activation};

use crate::device::DeviceOp;
use crate::elementwise::sigmoid_and_silu_slope;

/// `(x - mean) / sqrt(var + epsilon) * gamma + beta` of `[batch, channels, size]`, and a function of it.
///
/// `gamma` and `beta` have the axes of `x`; where one of them is of length 1, all share its number.
#[derive(Debug, Clone)]
pub(crate) struct Normalise {
    pub(crate) over: Over,
    pub(crate) epsilon: f64,
    pub(crate) after: After,
}

/// `x / sqrt(mean(x^2) + epsilon) * gamma`, over the last axis.
#[derive(Debug, Clone)]
pub(crate) struct NormaliseRootMeanSquare {
    pub(crate) epsilon: f64,
}

/// What shares a mean and a variance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over {
    /// The last axis.
    Last,
    /// Each of so many groups of an example's channels.
    Groups(usize),
    /// A channel of all examples.
    Batch,
}

/// The function that follows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After {
    Nothing,
    Silu,
    LeakyRelu(f64),
}

impl Over {
    /// The axes that [`mean`](Self::mean) works on.
    fn shaped(self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Groups(groups) => {
                let [batch, channels, size] = x.dims();
                x.reshape([batch, groups, channels / groups * size])
            }
            Self::Last | Self::Batch => x,
        }
    }

    fn mean(self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Last | Self::Groups(_) => x.mean_dim(2),
            Self::Batch => x.mean_dim(2).mean_dim(0),
        }
    }
}

impl After {
    fn apply(self, z: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Nothing => z,
            Self::Silu => activation::silu(z),
            Self::LeakyRelu(slope) => activation::leaky_relu(z, slope),
        }
    }

    /// The gradient of what comes in from that of what goes out; `z` is made where it is needed.
    fn backward(self, z: impl FnOnce() -> Tensor<3>, grad: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Nothing => grad,
            Self::Silu => {
                let [_, slope] = sigmoid_and_silu_slope(z());
                grad * slope
            }
            Self::LeakyRelu(slope) => {
                let below = z().lower_elem(0.0);
                grad.clone().mask_where(below, grad * slope)
            }
        }
    }
}

impl Normalise {
    /// The normalised numbers, with the axes of the input.
    fn normal(&self, x: &Tensor<3>, mean: Tensor<3>, variance: Tensor<3>) -> Tensor<3> {
        let centred = self.over.shaped(x.clone()) - mean;
        (centred / (variance + self.epsilon).sqrt()).reshape(x.dims())
    }
}

impl DeviceOp<3, 3, 3> for Normalise {
    /// The result; the inputs, the mean and the variance.
    fn forward(&self, [x, gamma, beta]: [Tensor<3>; 3]) -> (Tensor<3>, Vec<Tensor<3>>) {
        let shaped = self.over.shaped(x.clone());
        let mean = self.over.mean(shaped.clone());
        let centred = shaped - mean.clone();
        let variance = self.over.mean(centred.clone() * centred.clone());
        let normal = (centred / (variance.clone() + self.epsilon).sqrt()).reshape(x.dims());
        let out = self.after.apply(normal * gamma.clone() + beta.clone());
        (out, vec![x, gamma, beta, mean, variance])
    }

    /// With normalised `n` and its gradient `g`: `(g - mean(g) - n mean(g n)) / sqrt(var + epsilon)`.
    fn backward(&self, saved: Vec<Tensor<3>>, grad: Tensor<3>) -> [Tensor<3>; 3] {
        let [x, gamma, beta, mean, variance] = saved.try_into().expect("inputs and moments");
        let normal = self.normal(&x, mean, variance.clone());
        let moved = || normal.clone() * gamma.clone() + beta.clone();
        let grad = self.after.backward(moved, grad);
        let of_gamma = shared(grad.clone() * normal.clone(), gamma.dims());
        let of_beta = shared(grad.clone(), beta.dims());
        let (normal, grad) = (self.over.shaped(normal), self.over.shaped(grad * gamma));
        let along = self.over.mean(grad.clone() * normal.clone());
        let level = self.over.mean(grad.clone());
        let of_x = (grad - level - normal * along) / (variance + self.epsilon).sqrt();
        [of_x.reshape(x.dims()), of_gamma, of_beta]
    }
}

impl DeviceOp<2, 3, 3> for NormaliseRootMeanSquare {
    fn forward(&self, [x, gamma]: [Tensor<3>; 2]) -> (Tensor<3>, Vec<Tensor<3>>) {
        let root = ((x.clone() * x.clone()).mean_dim(2) + self.epsilon).sqrt();
        (x.clone() / root.clone() * gamma.clone(), vec![x, gamma, root])
    }

    /// With normalised `n` and its gradient `g`: `(g - n mean(g n)) / root`.
    fn backward(&self, saved: Vec<Tensor<3>>, grad: Tensor<3>) -> [Tensor<3>; 2] {
        let [x, gamma, root] = saved.try_into().expect("inputs and the root");
        let normal = x / root.clone();
        let of_gamma = shared(grad.clone() * normal.clone(), gamma.dims());
        let grad = grad * gamma;
        let along = (grad.clone() * normal.clone()).mean_dim(2);
        [(grad - normal * along) / root, of_gamma]
    }
}

/// The sum of a gradient over what shares a number.
fn shared(grad: Tensor<3>, dims: [usize; 3]) -> Tensor<3> {
    let axes = grad.dims();
    let sum = |grad: Tensor<3>, axis: usize| match dims[axis] == axes[axis] {
        true => grad,
        false => grad.sum_dim(axis),
    };
    [2, 1, 0].into_iter().fold(grad, sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::{assert_gradients, leaf};

    #[test]
    fn gradients_of_the_input_and_its_moments() {
        let dims = [3, 6, 5];
        for (over, of_scale) in [
            (Over::Last, [1, 1, 5]),
            (Over::Groups(2), [1, 6, 1]),
            (Over::Groups(6), [1, 6, 1]),
            (Over::Batch, [1, 6, 1]),
            (Over::Batch, [3, 6, 1]),
        ] {
            for after in [After::Nothing, After::Silu, After::LeakyRelu(0.2)] {
                let x = (leaf(dims, 1) * 2.0 + 5.0).detach().require_grad();
                let op = Normalise { over, epsilon: 1e-5, after };
                assert_gradients(&op, [x, leaf(of_scale, 2), leaf(of_scale, 3)]);
            }
        }
        let op = NormaliseRootMeanSquare { epsilon: 1e-5 };
        assert_gradients(&op, [leaf([7, 1, 9], 1), leaf([1, 1, 9], 2)]);
    }
}
