//! Densities, entropies, divergences and gradients against scipy, PyTorch and mpmath: the arrays
//! of `scripts/reference_distributions.py`.

mod support;

use burn::tensor::Tensor;
use pyrogen_core::distribution::{
    Bernoulli, Categorical, DiscretisedLogistic, Distribution, Entropy, Independent, KlDivergence,
    Mixture, Moments, Normal,
};
use support::{Fixture, Tolerance, device, host};

const JSON: &str = include_str!("fixtures/distributions.json");

/// The inputs are exact in f32; the results carry a few roundings of f32 (6e-8 each) of terms up
/// to about 10, and of an exponential, whose relative error is that of its argument.
const F32: Tolerance = Tolerance { absolute: 2e-6, relative: 2e-6 };

#[test]
fn normal_equals_scipy_and_torch() {
    let f = Fixture::new(JSON, &["normal"]);
    let [mean, log_var, value, mean2, log_var2] =
        ["mean", "log_var", "value", "other_mean", "other_log_var"].map(|n| f.leaf::<2>(n));
    let p = Normal::new(mean.clone(), log_var.clone());
    let q = Normal::new(mean2.clone(), log_var2.clone());
    f.check("log_prob", p.log_prob(value.clone()), F32);
    f.check("entropy", p.entropy(), F32);
    f.check("kl", p.kl_divergence(&q), F32);
    f.check("variance", p.variance(), F32);
    f.check("mean", p.mean(), F32);
    f.check_grads(
        "log_prob",
        p.log_prob(value.clone()),
        &[("mean", &mean), ("log_var", &log_var), ("value", &value)],
        F32,
    );
    f.check_grads("entropy", p.entropy(), &[("log_var", &log_var)], F32);
    f.check_grads(
        "kl",
        p.kl_divergence(&q),
        &[
            ("mean", &mean),
            ("log_var", &log_var),
            ("other_mean", &mean2),
            ("other_log_var", &log_var2),
        ],
        F32,
    );
}

#[test]
fn bernoulli_equals_scipy_and_torch() {
    let f = Fixture::new(JSON, &["bernoulli"]);
    let [logits, other, value] = ["logits", "other_logits", "value"].map(|n| f.leaf::<2>(n));
    let p = Bernoulli::new(logits.clone());
    let q = Bernoulli::new(other.clone());
    f.check("log_prob", p.log_prob(value.clone()), F32);
    f.check("entropy", p.entropy(), F32);
    f.check("kl", p.kl_divergence(&q), F32);
    f.check("mean", p.mean(), F32);
    f.check("variance", p.variance(), F32);
    f.check_grads(
        "log_prob",
        p.log_prob(value.clone()),
        &[("logits", &logits), ("value", &value)],
        F32,
    );
    f.check_grads("entropy", p.entropy(), &[("logits", &logits)], F32);
    f.check_grads("kl", p.kl_divergence(&q), &[("logits", &logits), ("other_logits", &other)], F32);
}

#[test]
fn small_entropies_and_divergences_keep_their_digits() {
    /// No absolute part: entropies of 4e-8 and divergences of 3e-7 are right to five digits.
    const RELATIVE: Tolerance = Tolerance { absolute: 1e-37, relative: 1e-5 };
    /// Off the host `ln(1 + x)` is a shader's, which adds before it takes the logarithm: it is right
    /// to one rounding of a number near one, whatever the size of the result.
    const SHADER: Tolerance = Tolerance { absolute: 1.2e-7, relative: 1e-5 };
    let on_host = matches!(device().as_dispatch(), burn::backend::DispatchDevice::Flex(_));
    let tolerance = if on_host { RELATIVE } else { SHADER };
    let f = Fixture::new(JSON, &["bernoulli"]);
    let p = Bernoulli::new(f.leaf::<2>("logits"));
    f.check("entropy", p.entropy(), tolerance);
    let q = Bernoulli::new(f.leaf::<2>("other_logits"));
    f.check("kl", p.kl_divergence(&q), tolerance);
    f.check("mean", p.mean(), RELATIVE);
}

#[test]
fn categorical_equals_scipy_and_torch() {
    let f = Fixture::new(JSON, &["categorical"]);
    let [logits, other] = ["logits", "other_logits"].map(|n| f.leaf::<3>(n));
    let p = Categorical::new(logits.clone());
    let q = Categorical::new(other.clone());
    f.check("log_prob", p.log_prob(f.int("value")), F32);
    f.check("entropy", p.entropy(), F32);
    f.check("kl", p.kl_divergence(&q), F32);
    f.check("probs", p.probs(), F32);
    f.check_grads("log_prob", p.log_prob(f.int("value")), &[("logits", &logits)], F32);
    f.check_grads("entropy", p.entropy(), &[("logits", &logits)], F32);
    f.check_grads("kl", p.kl_divergence(&q), &[("logits", &logits), ("other_logits", &other)], F32);
}

/// The mass of a bin at small scales depends on `x - mean` divided by the scale, up to 400 here:
/// one rounding of the difference is that much larger in the result.
const DISCRETISED: Tolerance = Tolerance { absolute: 2e-5, relative: 2e-5 };

fn check_discretised(part: &str) -> (Vec<f64>, Vec<f64>) {
    let f = Fixture::new(JSON, &["discretised_logistic", part]);
    let [mean, log_scale, value] = ["mean", "log_scale", "value"].map(|n| f.leaf::<1>(n));
    let levels = f.number("levels");
    let p = DiscretisedLogistic::new(mean.clone(), log_scale.clone(), levels);
    let log_prob = p.log_prob(value.clone());
    f.check("log_prob", log_prob.clone(), DISCRETISED);
    let grads = log_prob.clone().sum().backward();
    f.check_grads(
        "log_prob",
        p.log_prob(value.clone()),
        &[("mean", &mean), ("log_scale", &log_scale), ("value", &value)],
        DISCRETISED,
    );
    (host(log_prob), host(mean.grad(&grads).unwrap()))
}

#[test]
fn discretised_logistic_equals_mpmath() {
    for part in ["levels_256", "levels_17", "levels_2"] {
        check_discretised(part);
    }
}

#[test]
fn discretised_logistic_far_in_the_tail_is_finite_and_has_a_gradient() {
    let (log_prob, d_mean) = check_discretised("extreme");
    // The first eight have log-scale -7; six of them lie 0.9 or more, 980 scales, from their mean.
    let tails = log_prob.iter().filter(|&&l| l < -900.0).count();
    assert_eq!(tails, 7, "{log_prob:?}");
    for (l, d) in log_prob.iter().zip(&d_mean) {
        assert!(l.is_finite() && d.is_finite());
        assert!(*l > -900.0 || d.abs() > 1000.0, "no gradient at {l}");
    }
}

#[test]
fn discretised_logistic_moments_equal_mpmath() {
    /// A sum over 16 levels of numbers below 1, and a difference of two such sums.
    const SUM: Tolerance = Tolerance { absolute: 2e-6, relative: 1e-5 };
    let f = Fixture::new(JSON, &["discretised_logistic", "moments"]);
    let levels = f.number("levels");
    let p = DiscretisedLogistic::new(f.leaf::<1>("mean"), f.leaf("log_scale"), levels);
    f.check("clipped_mean", p.mean(), SUM);
    f.check("variance", p.variance(), SUM);
    // The documented distance between the two means.
    let half_bin = 0.5 / (levels - 1) as f64;
    for (a, b) in host(p.mean()).iter().zip(f.values("level_mean")) {
        assert!((a - b).abs() <= half_bin, "{a} {b}");
    }
}

#[test]
fn mixture_of_normals_equals_torch() {
    let f = Fixture::new(JSON, &["mixture", "normals"]);
    let [logits, mean, log_var] = ["logits", "mean", "log_var"].map(|n| f.leaf::<2>(n));
    let value = f.leaf::<1>("value");
    let make = || Mixture::new(logits.clone(), Normal::new(mean.clone(), log_var.clone()));
    f.check("log_prob", make().log_prob(value.clone()), F32);
    f.check("mix_mean", make().mean(), F32);
    f.check("mix_variance", make().variance(), F32);
    f.check_grads(
        "log_prob",
        make().log_prob(value.clone()),
        &[("logits", &logits), ("mean", &mean), ("log_var", &log_var), ("value", &value)],
        F32,
    );
}

#[test]
fn mixture_of_bernoullis_equals_torch() {
    let f = Fixture::new(JSON, &["mixture", "coins"]);
    let [logits, parts] = ["logits", "component_logits"].map(|n| f.leaf::<2>(n));
    let make = || Mixture::new(logits.clone(), Bernoulli::new(parts.clone()));
    let value = f.leaf::<1>("value");
    f.check("log_prob", make().log_prob(value.clone()), F32);
    f.check("mix_mean", make().mean(), F32);
    f.check("mix_variance", make().variance(), F32);
    f.check_grads(
        "log_prob",
        make().log_prob(value),
        &[("logits", &logits), ("component_logits", &parts)],
        F32,
    );
}

#[test]
fn mixture_of_vectors_equals_torch() {
    let f = Fixture::new(JSON, &["mixture", "vectors"]);
    let logits = f.leaf::<2>("logits");
    let [mean, log_var] = ["mean", "log_var"].map(|n| f.leaf::<3>(n));
    let value = f.leaf::<2>("value");
    let make = || {
        let parts = Normal::new(mean.clone(), log_var.clone());
        Mixture::new(logits.clone(), Independent::<_, 2>::with_batch_rank(parts))
    };
    f.check("log_prob", make().log_prob(value.clone()), F32);
    f.check("posterior", make().posterior(value.clone()), F32);
    f.check("mix_mean", make().mean(), F32);
    f.check("mix_variance", make().variance(), F32);
    f.check_grads(
        "log_prob",
        make().log_prob(value.clone()),
        &[("logits", &logits), ("mean", &mean), ("log_var", &log_var), ("value", &value)],
        F32,
    );
}

#[test]
fn mixture_of_discretised_logistics_equals_mpmath() {
    let f = Fixture::new(JSON, &["mixture", "pixels"]);
    let [logits, mean, log_scale] = ["logits", "mean", "log_scale"].map(|n| f.leaf::<2>(n));
    let levels = f.number("levels");
    let parts = DiscretisedLogistic::new(mean.clone(), log_scale.clone(), levels);
    let log_prob: Tensor<1> = Mixture::new(logits.clone(), parts).log_prob(f.leaf("value"));
    f.check("log_prob", log_prob.clone(), DISCRETISED);
    f.check_grads(
        "log_prob",
        log_prob,
        &[("logits", &logits), ("mean", &mean), ("log_scale", &log_scale)],
        DISCRETISED,
    );
}
