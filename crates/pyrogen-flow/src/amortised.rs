//! Parameters that are learned numbers, or functions of a condition.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;
use pyrogen_nn::Mlp;

use crate::NormalizingFlowConfig;

/// The parameters of a layer: learned numbers, to which a network of the condition adds where there is one
/// (amortised parameters: Rezende and Mohamed 2015, section 4.2; van den Berg et al. 2018, section 5).
#[derive(Module, Debug)]
pub(crate) struct Amortised {
    values: Param<Tensor<1>>,
    network: Option<Mlp>,
}

impl Amortised {
    /// With these starting values.
    pub fn new(
        config: &NormalizingFlowConfig,
        start: Vec<Tensor<1>>,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let values = Tensor::cat(start, 0);
        let width = config.condition_width();
        let network = (width > 0).then(|| {
            config.network.init(width, values.dims()[0], &mut noise.fork("network"), device)
        });
        Self { values: Param::from_tensor(values.detach()), network }
    }

    /// Number of weights for so many parameters; `usize::MAX` where it does not fit.
    pub fn num_params(config: &NormalizingFlowConfig, parameters: usize) -> usize {
        match config.condition_width() {
            0 => parameters,
            width => config.network.num_params(width, parameters).saturating_add(parameters),
        }
    }

    /// The parameters: one row for all examples, or one an example, `[1 or rows, parameters]`.
    pub fn of(&self, condition: Option<&Tensor<2>>) -> Tensor<2> {
        let values: Tensor<2> = self.values.val().unsqueeze();
        match (&self.network, condition) {
            (Some(network), Some(condition)) => values + network.forward(condition.clone()),
            _ => values,
        }
    }
}
