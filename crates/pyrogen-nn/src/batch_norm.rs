//! Batch normalisation, with a scale and a shift for each class where it is conditioned on the class.

use burn::module::{Flag, Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use pyrogen_core::init;
use pyrogen_ops as ops;

/// PyTorch's values.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Normalises each channel over the batch and its positions, then scales and shifts it:
/// `(x - mean) / sqrt(var + 1e-5) * gamma + beta`.
///
/// With classes, `gamma` and `beta` are those of the example's class: conditional batch
/// normalisation.
///
/// On an autodiff device `mean` and `var` are those of the batch (`var` divided by the count), and the
/// running statistics move by a tenth towards them (there `var` is divided by the count less one);
/// elsewhere, and in a frozen module (`Module::freeze`), the running statistics are used. Where a batch is shared by workers each normalises by
/// its own rows.
///
/// # References
/// Ioffe and Szegedy 2015, algorithms 1 and 2; de Vries et al. 2017, eq. 5, for classes.
#[derive(Module, Debug)]
pub struct BatchNorm {
    gamma: Param<Tensor<2>>,
    beta: Param<Tensor<2>>,
    training: Param<Flag>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
}

impl BatchNorm {
    /// Scales of one and shifts of zero. `classes` is 0 for a layer without classes.
    pub fn new(channels: usize, classes: usize, device: &Device) -> Self {
        let rows = classes.max(1);
        Self {
            gamma: init::constant([rows, channels], 1.0, device),
            beta: init::constant([rows, channels], 0.0, device),
            training: Param::from_bool(true),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
        }
    }

    /// Numbers that a layer holds, running statistics among them; `usize::MAX` where it does not
    /// fit.
    pub fn num_params(channels: usize, classes: usize) -> usize {
        channels.saturating_mul(classes.max(1).saturating_mul(2).saturating_add(2))
    }

    /// Normalises.
    ///
    /// # Shapes
    /// `x` is `[batch, channels, ..]`, `classes` one-hot, `[batch, classes]`.
    ///
    /// # Panics
    /// If a shape is another, if classes are missing or not expected, or, where the batch's own
    /// statistics are used, if it has one number a channel.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, classes: Option<Tensor<2>>) -> Tensor<D> {
        self.forward_leaky(x, classes, 1.0)
    }

    /// [`forward`](Self::forward), then the leaky rectifier of a slope (0 is the rectifier), in one
    /// pass.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_leaky<const D: usize>(
        &self,
        x: Tensor<D>,
        classes: Option<Tensor<2>>,
        slope: f64,
    ) -> Tensor<D> {
        let dims = x.dims();
        let [rows, channels] = self.gamma.dims();
        assert!(
            D >= 2 && dims[1] == channels,
            "BatchNorm: expected [batch, {channels}, ..], got {dims:?}"
        );
        let [gamma, beta] = [&self.gamma, &self.beta].map(|p| match (rows, &classes) {
            (1, None) => p.val(),
            (_, Some(classes)) => {
                let got = classes.dims();
                assert_eq!(got, [dims[0], rows], "BatchNorm: expected classes [batch, {rows}]");
                classes.clone().matmul(p.val())
            }
            (_, None) => panic!("BatchNorm: the layer needs the class (of {rows}) of each row"),
        });
        if !(x.device().is_autodiff() && self.training.is_enabled()) {
            let moments = [self.running_mean.value(), self.running_var.value()];
            return ops::batch_norm_by(x, moments, gamma, beta, EPSILON, slope);
        }
        let count = dims.iter().product::<usize>() / channels;
        assert!(
            count > 1,
            "BatchNorm: a batch of one number a channel has no spread: give two examples or more"
        );
        let result = ops::batch_norm(x, gamma, beta, EPSILON, slope);
        let unbiased = count as f64 / (count - 1) as f64;
        follow(&self.running_mean, result.mean);
        follow(&self.running_var, result.variance * unbiased);
        result.output
    }
}

/// Moves a running statistic towards a batch's.
fn follow(state: &RunningState<Tensor<1>>, batch: Tensor<1>) {
    let moved = state.value_sync() * (1.0 - MOMENTUM) + batch.detach() * MOMENTUM;
    state.update(moved);
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    #[test]
    fn running_statistics_follow_and_are_used_without_a_graph() {
        // One product and one sum of f32 numbers near 1.
        const ROUNDING: f64 = 1e-6;
        let autodiff = device().autodiff();
        let layer = BatchNorm::new(1, 0, &autodiff);
        let x = Tensor::<2>::from_floats([[1.0], [3.0]], &autodiff);
        let y = host(layer.forward(x, None));
        assert!((y[1] - 1.0 / (1.0 + EPSILON).sqrt()).abs() < ROUNDING, "{y:?}");
        // mean 0.9 * 0 + 0.1 * 2, var 0.9 * 1 + 0.1 * 2
        let still = layer.valid();
        let frozen = layer.freeze();
        for (layer, device) in [(&still, device()), (&frozen, autodiff)] {
            let y = host(layer.forward(Tensor::<2>::from_floats([[2.2]], &device), None));
            assert!((y[0] - 2.0 / (1.1 + EPSILON).sqrt()).abs() < ROUNDING, "{y:?}");
        }
    }

    #[test]
    #[should_panic(expected = "give two examples or more")]
    fn one_number_a_channel_has_no_spread() {
        let autodiff = device().autodiff();
        BatchNorm::new(2, 0, &autodiff).forward(Tensor::<2>::zeros([1, 2], &autodiff), None);
    }

    #[test]
    #[should_panic(expected = "needs the class (of 3)")]
    fn classes_are_not_forgotten() {
        BatchNorm::new(2, 3, &device()).forward(Tensor::<2>::zeros([2, 2], &device()), None);
    }

    #[test]
    fn the_numbers_are_counted() {
        for classes in [0, 3] {
            let layer = BatchNorm::new(4, classes, &device());
            assert_eq!(layer.num_params(), BatchNorm::num_params(4, classes));
        }
    }
}
