//! Muon: steps along nearly orthogonal matrices.

use burn::optim::{LearningRate, LionState, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_ops::orthogonalise;

/// Muon (Jordan et al. 2024) for one matrix `[d_in, d_out]`:
///
/// ```text
/// m = beta m + (1 - beta) g
/// u = beta m + (1 - beta) g                            Nesterov's look ahead
/// p = p (1 - rate decay) - rate sqrt(max(1, d_out / d_in)) orthogonalise(u)
/// ```
///
/// Matrices side by side in the parameter (`parts`) are taken one by one, as the authors recommend for
/// queries, keys and values, each with the factor of its own shape.
///
/// # Numerics
/// The iteration is in single precision; the authors' and PyTorch's is in bfloat16. Burn 0.22's own Muon
/// takes the factor from `d_in / d_out`, since it reads shapes as PyTorch stores them.
#[derive(Debug, Clone)]
pub(crate) struct Muon {
    /// Its learning rate over that of the other parameters, which the schedule hands in.
    pub rate: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    /// Columns of each matrix; empty for one matrix.
    pub parts: Vec<usize>,
}

impl Muon {
    /// The step of rate 1 along a direction.
    fn direction(&self, u: Tensor<2>) -> Tensor<2> {
        let ([rows, columns], device) = (u.dims(), u.device());
        let factor = |out: usize| (out as f64 / rows as f64).max(1.0).sqrt() as f32;
        let step = orthogonalise(u, &self.parts);
        let own: Vec<f32> = self.parts.iter().map(|&out| factor(out)).collect();
        match own[..] {
            [] => step * factor(columns),
            [first, ref rest @ ..] if rest.iter().all(|&other| other == first) => step * first,
            _ => {
                let each = self.parts.iter().zip(&own);
                let row: Vec<f32> =
                    each.flat_map(|(&out, &factor)| std::iter::repeat_n(factor, out)).collect();
                step * Tensor::<2>::from_data(TensorData::new(row, [1, columns]), &device)
            }
        }
    }
}

impl Optimizer for Muon {
    /// Burn's record of one moving average a parameter.
    type State<const D: usize> = LionState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<LionState<D>>,
    ) -> (Tensor<D>, Option<LionState<D>>) {
        let (shape, rate) = (tensor.shape(), rate * self.rate);
        let grad = grad * (1.0 - self.momentum);
        let average = match state {
            Some(state) => state.momentum * self.momentum + grad.clone(),
            None => grad.clone(),
        };
        let u = average.clone() * self.momentum + grad;
        let step: Tensor<D> = self.direction(u.reshape([shape[0], shape[1]])).reshape(shape);
        let keep = 1.0 - rate * self.weight_decay;
        let tensor = if keep == 1.0 { tensor } else { tensor * keep };
        (tensor - step * rate, Some(LionState::new(average)))
    }

    fn to_device<const D: usize>(mut state: LionState<D>, device: &Device) -> LionState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}
