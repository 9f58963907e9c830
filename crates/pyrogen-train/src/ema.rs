//! Exponential moving average of weights.

use std::collections::VecDeque;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::passes;
use crate::values::Values;

/// `average + (1 - decay) * (model - average)`, parameter by parameter.
///
/// Both must be the same architecture, and off the autodiff graph. Running statistics are averaged
/// as parameters are.
pub fn blend<M: Module>(average: M, model: &M, decay: f64) -> M {
    let mut collect = Collect::default();
    model.visit(&mut collect);
    average.map(&mut Blend { values: collect.values, decay })
}

/// The decay of an average that has seen so many updates: young averages follow the model faster, or
/// they would remember the start.
pub fn young(decay: f64, updates: u64) -> f64 {
    decay.min((1.0 + updates as f64) / (10.0 + updates as f64))
}

#[derive(Default)]
struct Collect {
    values: VecDeque<Tensor<1>>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
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
        let share = (1.0 - self.decay) as f32;
        param.map(|old| match Values::of(old) {
            Ok(average) => {
                moved(average, Values::of(new).expect("both models are on one device"), share)
            }
            Err(old) => {
                let new = new.reshape(old.shape());
                old.clone() + (new - old) * share
            }
        })
    }
}

/// Moves an average by a share of the way to new values.
fn moved<const D: usize>(mut average: Values, new: Values, share: f32) -> Tensor<D> {
    passes::blend(average.slice_mut(), new.slice(), share);
    average.into_tensor()
}
