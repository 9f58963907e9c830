//! One product of square matrices.

use burn::tensor::Tensor;

use crate::blocks;
use crate::workload::{Plan, Workload, first, noise, plain};

struct Matmul {
    a: Tensor<2>,
    b: Tensor<2>,
}

/// `[n, n] [n, n]`, with `n` of 1024.
pub fn build(plan: Plan) -> Box<dyn Workload> {
    grown(plan.pick(1024, 16))
}

/// The product of larger matrices.
pub fn grown(n: usize) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("matmul"), plain());
    Box::new(Matmul { a: noise.normal([n, n], &device), b: noise.normal([n, n], &device) })
}

impl Workload for Matmul {
    fn run(&mut self) -> f64 {
        first(blocks::matmul(self.a.clone(), self.b.clone()))
    }
}
