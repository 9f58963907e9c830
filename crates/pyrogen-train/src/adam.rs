//! Adam in one pass over memory.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use crate::passes::{self, AdamStep};
use crate::values::Values;

/// Adam (Kingma and Ba 2015, algorithm 1 with the corrections moved into the rate, section 2), or
/// AdamW (Loshchilov and Hutter 2019, algorithm 2):
///
/// ```text
/// g = gradient + decay * p                     Adam; AdamW takes p (1 - rate decay) instead
/// m = beta_1 m + (1 - beta_1) g
/// v = beta_2 v + (1 - beta_2) g^2
/// p = p - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon sqrt(1 - beta_2^t))
/// ```
///
/// State and records are those of Burn's own Adam.
///
/// # Numerics
/// Coefficients are computed in f64 and rounded once (Burn takes `1 - beta_2` in f32, 5e-5 off).
/// On the CPU in f32 one pass over parameter, gradient and moments; elsewhere the same formula by
/// tensor operations, rounded in the same places.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    /// AdamW.
    pub decoupled: bool,
    /// Whether parameters of one axis decay.
    pub vectors: bool,
}

impl Adam {
    /// The coefficients of step `t`, counted from 1.
    fn coefficients(&self, rate: f64, t: usize, axes: usize) -> AdamStep {
        let t = t as f64;
        let root = (1.0 - self.beta2.powf(t)).sqrt();
        let weight_decay = if self.vectors || axes > 1 { self.weight_decay } else { 0.0 };
        let decay = if self.decoupled { 0.0 } else { weight_decay };
        let keep = if self.decoupled { 1.0 - rate * weight_decay } else { 1.0 };
        AdamStep {
            first: [self.beta1 as f32, (1.0 - self.beta1) as f32],
            second: [self.beta2 as f32, (1.0 - self.beta2) as f32],
            rate: (rate * root / (1.0 - self.beta1.powf(t))) as f32,
            epsilon: (self.epsilon * root) as f32,
            decay: decay as f32,
            keep: keep as f32,
        }
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let (time, first, second) = match state {
            Some(AdamState { momentum: m }) => (m.time, m.moment_1, m.moment_2),
            None => (0, tensor.zeros_like(), tensor.zeros_like()),
        };
        let step = self.coefficients(rate, time + 1, D);
        let (tensor, first, second) = match Values::of(tensor) {
            Ok(tensor) => in_place(step, tensor, grad, first, second),
            Err(tensor) => by_operations(step, tensor, grad, first, second),
        };
        let momentum = AdaptiveMomentumState::new(time + 1, first, second);
        (tensor, Some(AdamState::new(momentum)))
    }

    fn to_device<const D: usize>(mut state: AdamState<D>, device: &Device) -> AdamState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

fn in_place<const D: usize>(
    step: AdamStep,
    mut tensor: Values,
    grad: Tensor<D>,
    first: Tensor<D>,
    second: Tensor<D>,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let others = [grad, first, second].map(Values::of);
    let [Ok(grad), Ok(mut first), Ok(mut second)] = others else {
        panic!("Adam: gradient and moments must be on the parameter's device, of its type");
    };
    passes::adam(step, tensor.slice_mut(), grad.slice(), first.slice_mut(), second.slice_mut());
    (tensor.into_tensor(), first.into_tensor(), second.into_tensor())
}

fn by_operations<const D: usize>(
    step: AdamStep,
    tensor: Tensor<D>,
    grad: Tensor<D>,
    first: Tensor<D>,
    second: Tensor<D>,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let grad = if step.decay == 0.0 { grad } else { grad + tensor.clone() * step.decay };
    let first = first * step.first[0] + grad.clone() * step.first[1];
    let second = second * step.second[0] + grad.square() * step.second[1];
    let delta = first.clone() * step.rate / (second.clone().sqrt() + step.epsilon);
    let tensor = if step.keep == 1.0 { tensor } else { tensor * step.keep };
    (tensor - delta, first, second)
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::host;

    use super::*;

    #[test]
    #[cfg(feature = "flex")]
    fn one_pass_and_tensor_operations_give_the_same_bits() {
        let device = Device::flex();
        let mut noise = Noise::new(Seed(3));
        let mut draw = || noise.normal([300, 7], &device);
        for decoupled in [false, true] {
            let adam = Adam {
                beta1: 0.9,
                beta2: 0.99,
                epsilon: 1e-6,
                weight_decay: 0.1,
                decoupled,
                vectors: true,
            };
            let (p, g, m, v) = (draw(), draw(), draw(), draw().square());
            let step = adam.coefficients(0.05, 3, 2);
            let slices = Values::of(p.clone()).unwrap();
            let a = in_place(step, slices, g.clone(), m.clone(), v.clone());
            let b = by_operations(step, p.clone(), g, m, v);
            assert_eq!(host(a.0), host(b.0.clone()));
            assert_eq!((host(a.1), host(a.2)), (host(b.1), host(b.2)));
            assert_ne!(host(b.0), host(p));
        }
    }

    #[test]
    #[cfg(feature = "flex")]
    fn views_and_shared_tensors_are_left_alone() {
        let device = Device::flex();
        let mut noise = Noise::new(Seed(3));
        let base = noise.normal([4, 6], &device);
        let before = host(base.clone());
        let adam = Adam {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-6,
            weight_decay: 0.0,
            decoupled: false,
            vectors: true,
        };
        let view = base.clone().slice([1..3, 0..6]).transpose();
        let expected = by_operations(
            adam.coefficients(0.1, 1, 2),
            view.clone(),
            view.clone(),
            view.zeros_like(),
            view.zeros_like(),
        );
        let (got, state) = adam.step(0.1, view.clone(), view, None);
        assert_eq!(host(got), host(expected.0));
        assert_eq!(host(state.unwrap().momentum.moment_1), host(expected.1));
        assert_eq!(host(base), before);
    }
}
