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
    /// equal = mean over the codes of count
    /// ```
    ///
    /// A code is dead where `count < restart equal`. `equal` is that of the averages and not of the
    /// batch: averages begin at one use a code, and compared with hundreds of uses in a batch all of them
    /// would be dead at the first step.
    pub fn follow(&self, x: Tensor<2>, index: Tensor<1, Int>, order: Tensor<1>, config: &VqConfig) {
        let (Some(counts), Some(sums), CodeLearning::Average { decay, restart }) =
            (&self.counts, &self.sums, config.learning)
        else {
            return;
        };
        let x = x.detach();
        let new = 1.0 - decay;
        let count = counts.value_sync() * decay + occurrences(index.clone(), config.codes) * new;
        let none = Tensor::zeros([config.codes, config.dim], &x.device());
        let each = none.select_assign(0, index, x.clone(), IndexingUpdateOp::Add);
        let sum = sums.value_sync() * decay + each * new;
        let equal = count.clone().mean().expand([config.codes]);
        let dead = count.clone().lower(equal.clone() * restart);
        let n = x.dims()[0];
        // As many vectors as codes, in random order; again from the first where there are fewer.
        let chosen = order.argsort(0).repeat_dim(0, config.codes.div_ceil(n));
        let fresh = x.select(0, chosen.slice(0..config.codes));
        let dim = config.dim;
        let rows = dead.clone().unsqueeze_dim::<2>(1).expand([config.codes, dim]);
        // A new code counts as one of equal use, or it would be dead again at once.
        sums.update(sum.mask_where(rows, fresh * equal.clone().unsqueeze_dim(1)));
        counts.update(count.mask_where(dead, equal));
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

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::Seed;
    use pyrogen_testkit::{device, host};

    /// Sums of a few hundred numbers in f32.
    const ROUNDING: f64 = 1e-4;

    /// A codebook after steps in which code `i` stands for `uses[i]` vectors, each near its own code.
    fn followed(uses: &[usize], steps: usize) -> (Vec<f64>, Vec<f64>) {
        let config = VqConfig { codes: uses.len(), dim: 1, ..Default::default() };
        let mut noise = Noise::new(Seed(1));
        let codebook = Codebook::new(&config, &mut noise, &device());
        let places: Vec<f32> = (0..uses.len()).map(|i| i as f32).collect();
        let codes = Tensor::<1>::from_floats(places.as_slice(), &device()).unsqueeze_dim(1);
        let codebook = codebook.with_vectors(codes);
        let each = |(i, &n): (usize, &usize)| vec![i as i32; n];
        let index: Vec<i32> = uses.iter().enumerate().flat_map(each).collect();
        let n = index.len();
        let index = Tensor::<1, Int>::from_ints(index.as_slice(), &device());
        let x = index.clone().float().unsqueeze_dim(1) + 0.25;
        for _ in 0..steps {
            let order = noise.normal([n], &device());
            codebook.follow(x.clone(), index.clone(), order, &config);
        }
        let counts = codebook.counts.as_ref().unwrap().value_sync();
        (host(codebook.vectors()), host(counts))
    }

    #[test]
    fn codes_in_use_live_however_large_the_batch() {
        // Hundreds of uses of a code: averages that begin at 1 are not compared with those.
        for uses in [[3, 3, 3, 3], [200, 200, 200, 200], [900, 400, 250, 50]] {
            let (codes, counts) = followed(&uses, 1);
            for (i, n) in uses.into_iter().enumerate() {
                let count = 0.99 + 0.01 * n as f64;
                let code = (0.99 * i as f64 + 0.01 * n as f64 * (i as f64 + 0.25)) / count;
                assert!((counts[i] - count).abs() < ROUNDING, "{uses:?}: {counts:?}");
                assert!((codes[i] - code).abs() < ROUNDING, "{uses:?}: {codes:?}");
            }
        }
    }

    #[test]
    fn codes_out_of_use_begin_anew() {
        // Code 3 stands for nothing. It is dead when its average is below 0.03 of the mean: at once it
        // is not, after some hundred steps it is, and then it stands in the midst of the vectors.
        for n in [4, 200] {
            let uses = [n, n, n, 0];
            assert!((followed(&uses, 1).0[3] - 3.0).abs() < ROUNDING);
            let (codes, counts) = followed(&uses, 600);
            assert!((codes[3] - 3.0).abs() > 0.5, "{n}: {codes:?}");
            assert!(counts[3] > 0.03 * n as f64 * 0.7, "{n}: {counts:?}");
        }
    }
}
