//! Codebooks: nearest codes, and how codes follow what they stand for.

use burn::module::{Module, Param, RunningState};
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor};
use pyrogen_core::{Noise, init};
use pyrogen_nn::ops;

use super::config::{CodeLearning, VqConfig};

/// Averaged numbers of uses below this are taken for it: a code that is never used does not
/// become a quotient of nothing.
const FEWEST_USES: f64 = 1e-5;

/// Vectors of which the nearest stands for another.
#[derive(Module, Debug)]
pub(super) struct Codebook {
    /// The codes, where gradients move them.
    codes: Option<Param<Tensor<2>>>,
    /// Averaged numbers of uses, `[codes]`, and sums of the vectors, `[codes, dim]`.
    counts: Option<RunningState<Tensor<1>>>,
    sums: Option<RunningState<Tensor<2>>>,
}

/// What a codebook makes of vectors.
pub(super) struct Quantised {
    /// The codes, `[n, dim]`, with a gradient where gradients move them.
    pub codes: Tensor<2>,
    /// Their numbers.
    pub index: Tensor<1, Int>,
}

impl Codebook {
    pub fn new(config: &VqConfig, noise: &mut Noise, device: &Device) -> Self {
        let codes = init::normal([config.codes, config.dim], 0.1, noise, device);
        match config.learning {
            CodeLearning::Gradient => Self { codes: Some(codes), counts: None, sums: None },
            CodeLearning::Average { .. } => Self {
                codes: None,
                counts: Some(RunningState::new(Tensor::ones([config.codes], device))),
                sums: Some(RunningState::new(codes.val().set_require_grad(false))),
            },
        }
    }

    /// The codes, `[codes, dim]`.
    pub fn vectors(&self) -> Tensor<2> {
        match (&self.codes, &self.counts, &self.sums) {
            (Some(codes), ..) => codes.val(),
            (None, Some(counts), Some(sums)) => {
                let counts = counts.value_sync().clamp_min(FEWEST_USES);
                sums.value_sync() / counts.unsqueeze_dim(1)
            }
            _ => unreachable!("a codebook has codes, or averages of both kinds"),
        }
    }

    /// The same codebook with other codes, each used once.
    pub fn with_vectors(self, vectors: Tensor<2>) -> Self {
        match self.codes {
            Some(_) => Self { codes: Some(Param::from_tensor(vectors)), ..self },
            None => {
                let counts = Tensor::ones([vectors.dims()[0]], &vectors.device());
                let (counts, sums) = (RunningState::new(counts), RunningState::new(vectors));
                Self { codes: None, counts: Some(counts), sums: Some(sums) }
            }
        }
    }

    /// The nearest code of each row of `x`, `[n, dim]`; the first of equals.
    pub fn quantise(&self, x: Tensor<2>) -> Quantised {
        let codes = self.vectors();
        let index = ops::nearest(x, codes.clone());
        Quantised { codes: codes.select(0, index.clone()), index }
    }

    /// Moves averaged codes towards the vectors that they stand for; codes that gradients move are
    /// left alone. `order` is `[n]` random keys, by which codes that begin anew choose a vector.
    ///
    /// ```text
    /// count = decay count + (1 - decay) uses
    /// sum   = decay sum + (1 - decay) sum of the vectors
    /// ```
    pub fn follow(&self, x: Tensor<2>, index: Tensor<1, Int>, order: Tensor<1>, config: &VqConfig) {
        let (Some(counts), Some(sums), CodeLearning::Average { decay, restart }) =
            (&self.counts, &self.sums, config.learning)
        else {
            return;
        };
        let n = x.dims()[0];
        let x = x.detach();
        let new = 1.0 - decay;
        let count = counts.value_sync() * decay + occurrences(index.clone(), config.codes) * new;
        let none = Tensor::zeros([config.codes, config.dim], &x.device());
        let each = none.select_assign(0, index, x.clone(), IndexingUpdateOp::Add);
        let sum = sums.value_sync() * decay + each * new;
        let equal = n as f64 / config.codes as f64;
        let dead = count.clone().lower_elem(restart * equal);
        // As many vectors as codes, in random order; again from the first where there are fewer.
        let chosen = order.argsort(0).repeat_dim(0, config.codes.div_ceil(n));
        let fresh = x.select(0, chosen.slice(0..config.codes));
        let dim = config.dim;
        let rows = dead.clone().unsqueeze_dim::<2>(1).expand([config.codes, dim]);
        // A new code counts as one of equal use, or it would be dead again at once.
        sums.update(sum.mask_where(rows, fresh * equal));
        counts.update(count.mask_fill(dead, equal));
    }
}

/// How often each of `0..n` occurs, `[n]`.
pub(super) fn occurrences(index: Tensor<1, Int>, n: usize) -> Tensor<1> {
    let device = index.device();
    let ones = Tensor::ones(index.dims(), &device);
    Tensor::zeros([n], &device).select_assign(0, index, ones, IndexingUpdateOp::Add)
}

/// How often each slot has each code: equally often before training.
pub(super) fn usage(slots: usize, codes: usize, device: &Device) -> RunningState<Tensor<2>> {
    RunningState::new(Tensor::full([slots, codes], 1.0 / codes as f64, device))
}
