//! Drawing text from a transformer, token by token, with a cache of keys and values.

use burn::tensor::{Int, Tensor};
use pyrogen::core::Noise;

use crate::gpt::{Gpt, GptConfig};
use crate::workload::{Plan, Workload, first, noise, plain};

struct Decode {
    model: Gpt,
    batch: usize,
    length: usize,
    noise: Noise,
}

/// One sequence of 256 tokens.
pub fn one(plan: Plan) -> Box<dyn Workload> {
    build(plan, 1)
}

/// Sixteen sequences of 256 tokens together.
pub fn sixteen(plan: Plan) -> Box<dyn Workload> {
    build(plan, plan.pick(16, 3))
}

fn build(plan: Plan, batch: usize) -> Box<dyn Workload> {
    let (mut noise, config) = (noise("decode"), GptConfig::of(plan));
    let model = Gpt::new(config, &mut noise, &plain());
    Box::new(Decode { model, batch, length: config.context, noise })
}

impl Workload for Decode {
    fn run(&mut self) -> f64 {
        let mut caches = self.model.caches();
        let mut tokens = Tensor::<2, Int>::zeros([self.batch, 1], &plain());
        for position in 0..self.length {
            let logits = self.model.decode(tokens, position, &mut caches).squeeze_dim::<2>(1);
            tokens = self.noise.categorical(logits).reshape([self.batch, 1]);
        }
        first(tokens.float())
    }
}
