//! Exponential moving average of weights.

use std::collections::VecDeque;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// `average + (1 - decay) * (model - average)`, parameter by parameter.
///
/// Both must be the same architecture. The result stays off the autodiff graph.
pub fn blend<M: Module>(average: M, model: &M, decay: f64) -> M {
    let mut collect = Collect::default();
    model.visit(&mut collect);
    average.map(&mut Blend { values: collect.values, decay })
}

#[derive(Default)]
struct Collect {
    values: VecDeque<Tensor<1>>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let value = if value.device().is_autodiff() { value.inner() } else { value };
        let count = value.shape().num_elements();
        self.values.push_back(value.reshape([count]));
    }
}

struct Blend {
    values: VecDeque<Tensor<1>>,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let new = self.values.pop_front().expect("both models have the same parameters");
        param.map(|old| {
            let new = new.reshape(old.shape());
            old.clone() + (new - old) * (1.0 - self.decay)
        })
    }
}
