//! What scoring promises.

use burn::tensor::Tensor;
use pyrogen_core::{Condition, Noise, Score, ScoreMethod, ScoreOptions, Seed};

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
        m.log_likelihood(x, condition, &options, &mut Noise::new(Seed(5)))
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
