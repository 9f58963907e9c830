//! What scoring promises.

use burn::tensor::Tensor;
use pyrogen_core::parallel::{log_likelihood, on_cpu};
use pyrogen_core::{Condition, Likelihood, Noise, Score, ScoreMethod, ScoreOptions, Seed};

/// The score belongs to the distribution that is sampled: draws `x` of a model are, in the mean, at
/// least as probable under it as under another one (Gibbs' inequality), by a margin of `sigmas`
/// standard errors. A score is a function of its arguments, and permuting the batch permutes it.
///
/// `x` are draws of `model` from its data distribution (not means), with their condition; `other`
/// is a model of the same family with other parameters.
///
/// # Panics
/// If that does not hold.
pub fn score_agrees_with_samples<const D: usize, M: Score<D>>(
    model: &M,
    other: &M,
    x: Tensor<D>,
    condition: &Condition,
    sigmas: f64,
) {
    let options = ScoreOptions { draws: 256, method: ScoreMethod::Estimate };
    let score = |m: &M, x: Tensor<D>, condition: &Condition| {
        let score = m.log_likelihood(x, condition, &options, &mut Noise::new(Seed(5)));
        score.unwrap_or_else(|e| panic!("score: {e}"))
    };
    let own = score(model, x.clone(), condition);
    assert!(own.nats().iter().all(|v| v.is_finite()), "scores of own samples are finite");
    assert_eq!(own, score(model, x.clone(), condition), "a score repeats with its seed");

    let theirs = score(other, x, condition);
    let n = own.nats().len() as f64;
    let gaps: Vec<f64> = own.nats().iter().zip(theirs.nats()).map(|(a, b)| a - b).collect();
    let mean = gaps.iter().sum::<f64>() / n;
    let var = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let std_err = (var / n).sqrt();
    assert!(
        mean > sigmas * std_err,
        "samples of a model must be more probable under it than under another one: \
         the mean gap is {mean} ± {std_err} nats"
    );
}

/// On a GPU, sums of another number of rows may be added in another order, in f32: relative to the
/// value.
const SPLIT: f64 = 1e-4;

/// The score of example `i` is a function of the example, of the seed and of `i`: alone, among others,
/// and in batches of any size it is the same to the last bit where the CPU computes.
///
/// # Panics
/// If that does not hold.
pub fn scores_do_not_depend_on_each_other<const D: usize>(
    model: &(impl Score<D> + Sync),
    x: &Tensor<D>,
    condition: &Condition,
    options: &ScoreOptions,
) {
    let (n, noise) = (x.dims()[0], Noise::new(Seed(5)));
    let unwrap = |score: Result<Likelihood, _>| -> Likelihood {
        score.unwrap_or_else(|e: pyrogen_core::ModelError| panic!("score: {e}"))
    };
    let whole = unwrap(log_likelihood(model, x, 64, condition, options, &noise));
    let values = |l: &Likelihood| [l.nats(), l.example_std_err().unwrap_or(&[])].concat();
    let same = |a: &[f64], b: &[f64], what: &str| {
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            // A single draw has no standard error: NaN on both sides.
            let equal = a.to_bits() == b.to_bits()
                || !on_cpu(&x.device()) && (a - b).abs() <= SPLIT * b.abs().max(1.0);
            assert!(equal, "{what}: value {i} is {a:e}, among all it is {b:e}");
        }
    };
    for size in [1, 16] {
        let parts = unwrap(log_likelihood(model, x, size, condition, options, &noise));
        same(&values(&parts), &values(&whole), &format!("batches of {size}"));
    }
    let few = n.min(3);
    let part = x.clone().narrow(0, 0, few);
    let part = log_likelihood(model, &part, 16, &condition.rows(0..few), options, &noise);
    same(unwrap(part).nats(), &whole.nats()[..few], "few examples");
}
