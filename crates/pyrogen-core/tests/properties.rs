//! What must hold of every distribution: masses sum to one, draws follow the density, rows of a
//! batch do not see each other, windows of the noise see their rows.

mod support;

use burn::tensor::kind::Basic;
use burn::tensor::{Int, Tensor, TensorData};
use pyrogen_core::distribution::{
    Bernoulli, Categorical, DiscretisedLogistic, Distribution, Entropy, Independent, KlDivergence,
    Mixture, Moments, Normal, Reparameterized,
};
use pyrogen_core::{Noise, Seed};
use support::{Tolerance, assert_close, device, host, host_int};

/// A sum of up to 256 probabilities in f32.
const MASS: f64 = 5e-6;

/// The same arithmetic on the same numbers, in another order of rows: vectorised kernels may
/// treat the last few elements of a buffer apart.
const SAME: Tolerance = Tolerance { absolute: 1e-6, relative: 1e-6 };

fn tensor<const D: usize>(values: &[f64], shape: [usize; D]) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

fn row(values: &[f64]) -> Tensor<1> {
    tensor(values, [values.len()])
}

fn noise() -> Noise {
    Noise::new(Seed(20))
}

/// `n` equally spaced numbers from `low` to `high`.
fn grid(low: f64, high: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| low + (high - low) * i as f64 / (n - 1) as f64).collect()
}

// ---- masses --------------------------------------------------------------------------------

#[test]
fn masses_of_levels_sum_to_one() {
    for levels in [2, 3, 17, 256] {
        let values = grid(0.0, 1.0, levels);
        for mean in [-2.0, 0.0, 0.3, 0.5, 1.0, 1.7] {
            for log_scale in [-8.0, -7.0, -3.0, -1.0, 0.5, 3.0, 8.0] {
                let p = DiscretisedLogistic::new(row(&[mean]), row(&[log_scale]), levels);
                let total: f64 = host(p.log_prob(row(&values)).exp()).iter().sum();
                // The levels themselves are rounded to f32, by up to 6e-8: a part of a narrow law.
                let bound = MASS + 6e-8 * f64::exp(-log_scale);
                assert!(
                    (total - 1.0).abs() < bound,
                    "{levels} levels, mean {mean}, log-scale {log_scale}: {total}"
                );
            }
        }
    }
}

#[test]
fn masses_of_coins_and_categories_sum_to_one() {
    let logits = row(&[-40.0, -3.0, 0.0, 0.5, 12.0]);
    let p = Bernoulli::new(logits);
    let zero = p.log_prob(Tensor::zeros([5], &device())).exp();
    let one = p.log_prob(Tensor::ones([5], &device())).exp();
    for total in host(zero + one) {
        assert!((total - 1.0).abs() < MASS, "{total}");
    }

    let p = Categorical::new(noise().normal([2, 3, 7], &device()) * 5.0);
    let total = (0..7)
        .map(|k| host(p.log_prob(Tensor::<2, Int>::full([2, 3], k, &device())).exp()))
        .reduce(|a, b| a.iter().zip(b).map(|(a, b)| a + b).collect())
        .unwrap();
    assert_eq!(total.len(), 6);
    for total in total {
        assert!((total - 1.0).abs() < MASS, "{total}");
    }
}

#[test]
fn masses_of_mixtures_sum_to_one() {
    let parts = DiscretisedLogistic::new(
        tensor(&[0.1, 0.8, 0.5], [1, 3]),
        tensor(&[-4.0, -7.0, 0.0], [1, 3]),
        64,
    );
    let p = Mixture::new(tensor(&[0.0, 1.0, -1.0], [1, 3]), parts);
    let total: f64 = host(p.log_prob(row(&grid(0.0, 1.0, 64))).exp()).iter().sum();
    assert!((total - 1.0).abs() < MASS, "{total}");
}

#[test]
fn densities_integrate_to_one() {
    /// The trapezoidal rule on a smooth density that vanishes at both ends has no error of its
    /// own here; what is left are the roundings of 4000 terms in f32.
    const INTEGRAL: f64 = 2e-5;
    let x = grid(-20.0, 20.0, 4001);
    let mass = |log_prob: Tensor<1>| host(log_prob.exp()).iter().sum::<f64>() * 0.01;
    let p = Normal::new(row(&[1.3]), row(&[-1.0]));
    assert!((mass(p.log_prob(row(&x))) - 1.0).abs() < INTEGRAL);
    let mixture = three_normals();
    assert!((mass(mixture.log_prob(row(&x))) - 1.0).abs() < INTEGRAL);
}

fn three_normals() -> Mixture<Normal<2>, 2, 2> {
    let parts = Normal::new(tensor(&[-3.0, 0.0, 2.5], [1, 3]), tensor(&[-1.0, 0.0, 1.0], [1, 3]));
    Mixture::new(tensor(&[0.3, -0.5, 0.1], [1, 3]), parts)
}

// ---- draws ---------------------------------------------------------------------------------

const DRAWS: usize = 20_000;

/// Critical values at a false-alarm rate of 0.001: scipy 1.17.1, `chi2.ppf(0.999, df)`. With a
/// fixed seed a test passes or fails for ever.
const CHI2: [(usize, f64); 3] = [(1, 10.8276), (4, 18.4668), (16, 39.2524)];

/// Pearson's test of counts against probabilities.
fn assert_chi2(draws: &[usize], probs: &[f64]) {
    let n = draws.len() as f64;
    let mut counts = vec![0.0; probs.len()];
    draws.iter().for_each(|&k| counts[k] += 1.0);
    let statistic: f64 = counts
        .iter()
        .zip(probs)
        .map(|(c, p)| {
            assert!(n * p > 5.0, "too few draws for a class of probability {p}");
            (c - n * p).powi(2) / (n * p)
        })
        .sum();
    let df = probs.len() - 1;
    let (_, critical) = CHI2.iter().find(|(d, _)| *d == df).unwrap();
    assert!(statistic < *critical, "chi-square {statistic}, df {df}");
}

/// Kolmogorov-Smirnov, false-alarm rate 0.001, against the distribution function that the
/// density has by the trapezoidal rule on [-20, 20].
fn assert_ks(mut draws: Vec<f64>, log_prob: impl Fn(Tensor<1>) -> Tensor<1>) {
    let x = grid(-20.0, 20.0, 8001);
    let step = 0.005;
    let density = host(log_prob(row(&x)).exp());
    let mut cdf = vec![0.0; x.len()];
    for i in 1..x.len() {
        cdf[i] = cdf[i - 1] + 0.5 * step * (density[i - 1] + density[i]);
    }
    let at = |v: f64| {
        let place = (v + 20.0) / step;
        let i = place.floor() as usize;
        cdf[i] + (place - place.floor()) * (cdf[i + 1] - cdf[i])
    };
    let n = draws.len() as f64;
    draws.sort_by(f64::total_cmp);
    let distance = draws
        .iter()
        .enumerate()
        .map(|(i, &v)| {
            let f = at(v);
            (f - i as f64 / n).abs().max(((i + 1) as f64 / n - f).abs())
        })
        .fold(0.0, f64::max);
    assert!(distance < 1.949 / n.sqrt(), "KS distance {distance}");
}

#[test]
fn draws_of_numbers_follow_the_density() {
    let p = Normal::new(row(&[1.3]), row(&[-1.0]));
    let many = Normal::new(p.mean().expand([DRAWS]), p.log_var().expand([DRAWS]));
    let draws = host(many.sample(&mut noise()));
    assert_ks(draws, |x| p.log_prob(x));

    let mixture = three_normals();
    let wide = |x: Tensor<2>| x.expand([DRAWS, 3]);
    let parts = mixture.components();
    let many = Normal::new(wide(parts.mean()), wide(parts.log_var()));
    let many = Mixture::new(mixture.log_weights(), many);
    assert_ks(host(many.sample(&mut noise())), |x| mixture.log_prob(x));
}

#[test]
fn draws_of_levels_follow_the_masses() {
    let levels = 17;
    for (mean, log_scale) in [(0.5, -1.5), (0.05, -1.0)] {
        let p = DiscretisedLogistic::new(row(&[mean]), row(&[log_scale]), levels);
        let probs = host(p.log_prob(row(&grid(0.0, 1.0, levels))).exp());
        let many = DiscretisedLogistic::new(p.location().expand([DRAWS]), p.log_scale(), levels);
        let draws: Vec<usize> = host(many.sample(&mut noise()))
            .iter()
            .map(|v| {
                let k = v * (levels - 1) as f64;
                assert!((k - k.round()).abs() < 1e-5, "{v} is not a level");
                k.round() as usize
            })
            .collect();
        assert_chi2(&draws, &probs);
    }
}

#[test]
fn draws_of_coins_and_categories_follow_the_masses() {
    let p = Bernoulli::new(Tensor::<1>::full([DRAWS], -0.8, &device()));
    let draws: Vec<usize> = host(p.sample(&mut noise())).iter().map(|&v| v as usize).collect();
    let one = 1.0 / (1.0 + 0.8f64.exp());
    assert_chi2(&draws, &[1.0 - one, one]);

    let logits = [0.0, 1.0, -2.0, 0.5, -0.5];
    let total: f64 = logits.iter().map(|l: &f64| l.exp()).sum();
    let probs: Vec<f64> = logits.iter().map(|l| l.exp() / total).collect();
    let p = Categorical::new(tensor(&logits, [1, 1, 5]).expand([DRAWS / 4, 4, 5]));
    let draws = host_int(p.sample(&mut noise()));
    let draws: Vec<usize> = draws.iter().map(|&k| k as usize).collect();
    assert_chi2(&draws, &probs);
}

#[test]
fn draws_of_vectors_come_whole_from_one_component() {
    // Two clusters on a diagonal, 40 standard deviations apart: the signs of a draw agree.
    let mean = tensor(&[-20.0, -20.0, 20.0, 20.0], [1, 2, 2]).expand([DRAWS, 2, 2]);
    let parts = Normal::new(mean, Tensor::zeros([1, 1, 1], &device()));
    let weights = [0.3f64, 0.7];
    let logits = tensor(&weights.map(f64::ln), [1, 2]);
    let p = Mixture::new(logits, Independent::<_, 2>::with_batch_rank(parts));
    let draws = host(p.sample(&mut noise()));
    let clusters: Vec<usize> = draws
        .chunks(2)
        .map(|v| {
            assert_eq!(v[0] > 0.0, v[1] > 0.0, "{v:?}");
            usize::from(v[0] > 0.0)
        })
        .collect();
    assert_chi2(&clusters, &weights);
    let first = draws.chunks(2).map(|v| v[0] - 20.0 * v[0].signum()).collect();
    assert_ks(first, |x| Normal::standard([1], &device()).log_prob(x));
}

#[test]
fn closed_form_divergences_equal_their_monte_carlo_estimates() {
    let n = [DRAWS, 1];
    fn check<P, const B: usize, K: Basic>(p: P, q: P, closed: Tensor<B>)
    where
        P: Distribution<B, B, K>,
    {
        let x = p.sample(&mut noise());
        let ratio = host(p.log_prob(x.clone()) - q.log_prob(x));
        let mean = ratio.iter().sum::<f64>() / DRAWS as f64;
        let var = ratio.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / DRAWS as f64;
        let closed = host(closed)[0];
        // Four standard errors: false-alarm rate 6e-5.
        let bound = 4.0 * (var / DRAWS as f64).sqrt();
        assert!((mean - closed).abs() < bound, "{mean} {closed} {bound}");
        assert!(closed > bound, "the divergence is lost in the noise");
    }
    let full = |v: f64| Tensor::<2>::full(n, v, &device());
    let (p, q) = (Normal::new(full(0.5), full(-0.5)), Normal::new(full(0.0), full(0.5)));
    check(p.clone(), q.clone(), p.kl_divergence(&q));
    let (p, q) = (Bernoulli::new(full(0.5)), Bernoulli::new(full(-1.0)));
    check(p.clone(), q.clone(), p.kl_divergence(&q));
    let logits = |v: &[f64]| tensor(v, [1, 1, 3]).expand([DRAWS, 1, 3]);
    let (p, q) =
        (Categorical::new(logits(&[0.0, 1.0, 2.0])), Categorical::new(logits(&[1.0, 1.0, 0.0])));
    check::<_, 2, Int>(p.clone(), q.clone(), p.kl_divergence(&q));
}

// ---- rows ----------------------------------------------------------------------------------

const ROWS: usize = 6;

/// Parameters of one row each: `[rows, ..]`.
fn params<const D: usize>(label: &str, shape: [usize; D]) -> Tensor<D> {
    noise().fork(label).normal(shape, &device())
}

fn take<const D: usize, K: Basic>(x: Tensor<D, K>, rows: &[i32]) -> Tensor<D, K> {
    x.select(0, Tensor::<1, Int>::from_data(rows, &device()))
}

/// Rows do not see each other: a permuted batch gives permuted densities, one row alone gives its
/// density, and a window of the noise draws the rows that the whole batch would draw.
fn check_rows<P, const X: usize, const B: usize, K>(name: &str, make: impl Fn(&[i32]) -> P)
where
    P: Distribution<X, B, K>,
    K: Basic,
    Tensor<X, K>: Values,
{
    let all: Vec<i32> = (0..ROWS as i32).collect();
    let whole = make(&all);
    let value = whole.sample(&mut noise());
    let log_prob = whole.log_prob(value.clone());
    for rows in [&[3, 0, 5, 1, 4, 2][..], &[4]] {
        let got = make(rows).log_prob(take(value.clone(), rows));
        let expected = take(log_prob.clone(), rows);
        assert_eq!(got.dims(), expected.dims(), "{name}");
        assert_close(name, &host(got), &host(expected), SAME);
    }
    let part = make(&[2, 3, 4]).sample(&mut noise().rows(2..5, ROWS));
    let expected = take(value, &[2, 3, 4]);
    assert_eq!(part.dims(), expected.dims(), "{name}");
    assert_close(name, &part.values(), &expected.values(), SAME);
}

/// Numbers of either kind on the host.
trait Values {
    fn values(self) -> Vec<f64>;
}

impl<const D: usize> Values for Tensor<D> {
    fn values(self) -> Vec<f64> {
        host(self)
    }
}

impl<const D: usize> Values for Tensor<D, Int> {
    fn values(self) -> Vec<f64> {
        host_int(self).iter().map(|&v| v as f64).collect()
    }
}

#[test]
fn rows_do_not_see_each_other() {
    let two = |label, rows: &[i32]| take(params(label, [ROWS, 3]), rows);
    let three = |label, rows: &[i32]| take(params(label, [ROWS, 3, 4]), rows);
    let normal = |r: &[i32]| Normal::new(three("mean", r), three("log_var", r));
    let pixels = |r: &[i32]| DiscretisedLogistic::new(three("mean", r), three("log_scale", r), 17);
    check_rows("normal", normal);
    check_rows("bernoulli", |r| Bernoulli::new(three("logits", r)));
    check_rows("categorical", |r| Categorical::new(three("logits", r)));
    check_rows("discretised logistic", pixels);
    check_rows("independent", |r| Independent::new(normal(r)));
    check_rows("mixture of numbers", |r| Mixture::new(three("weights", r), normal(r)));
    check_rows("mixture of pixels", |r| Mixture::new(three("weights", r), pixels(r)));
    check_rows("mixture of coins", |r| {
        Mixture::new(three("weights", r), Bernoulli::new(three("logits", r)))
    });
    check_rows("mixture of categories", |r| {
        Mixture::new(two("weights", r), Categorical::new(three("logits", r)))
    });
    check_rows("mixture of vectors", |r| {
        let parts = Independent::<_, 2>::with_batch_rank(normal(r));
        Mixture::new(two("weights", r), parts)
    });
    check_rows("mixture of images", |r| {
        let image = |label| take(params(label, [ROWS, 3, 1, 4, 2]), r);
        let parts = Bernoulli::new(image("logits"));
        Mixture::new(two("weights", r), Independent::<_, 2>::with_batch_rank(parts))
    });
}

// ---- gradients and numbers -----------------------------------------------------------------

#[test]
fn draws_cut_the_graph_and_reparameterised_draws_do_not() {
    let leaf = |label| params(label, [ROWS, 3]).require_grad();
    let (mean, log_var) = (leaf("mean"), leaf("log_var"));
    let normal = Normal::new(mean.clone(), log_var.clone());
    assert!(!normal.sample(&mut noise()).is_tracked());
    assert!(!Bernoulli::new(mean.clone()).sample(&mut noise()).is_tracked());
    let pixels = DiscretisedLogistic::new(mean.clone(), log_var.clone(), 17);
    assert!(!pixels.sample(&mut noise()).is_tracked());
    let mixture = Mixture::new(mean.clone(), normal.clone());
    assert!(!mixture.sample(&mut noise()).is_tracked());

    let epsilon = params("epsilon", [ROWS, 3]);
    let draw = Independent::new(normal.clone()).reparameterize(epsilon.clone());
    assert_close(
        "the same noise",
        &host(draw.clone()),
        &host(normal.sample(&mut noise().fork("epsilon"))),
        SAME,
    );
    let grads = draw.sum().backward();
    assert_eq!(host(mean.grad(&grads).unwrap()), vec![1.0; ROWS * 3]);
    let expected = host(normal.std() * epsilon * 0.5);
    assert_close("log_var", &host(log_var.grad(&grads).unwrap()), &expected, SAME);
}

#[test]
fn zero_logits_have_the_gradient_of_a_fair_coin() {
    // Networks whose last layer starts at zero start here.
    let logits = Tensor::<1>::zeros([2], &device()).require_grad();
    let value = row(&[0.0, 1.0]);
    let grads = Bernoulli::new(logits.clone()).log_prob(value).sum().backward();
    assert_eq!(host(logits.grad(&grads).unwrap()), [-0.5, 0.5]);
}

#[test]
fn impossible_categories_add_nothing() {
    let never = f64::NEG_INFINITY;
    let logits = tensor(&[0.0, 0.0, never, 0.0, 1.0, never], [2, 3]).require_grad();
    let p = Categorical::new(logits.clone());
    let entropy = p.entropy();
    let fair = std::f64::consts::LN_2;
    assert_close("entropy", &host(entropy.clone())[..1], &[fair], SAME);
    let grads = entropy.sum().backward();
    assert!(host(logits.grad(&grads).unwrap()).iter().all(|g| g.is_finite()));

    let p = Categorical::new(logits);
    let q = Categorical::new(Tensor::<2>::zeros([2, 3], &device()));
    let kl = host(p.kl_divergence(&q));
    assert_close("kl", &kl[..1], &[(3.0f64 / 2.0).ln()], SAME);
    assert_eq!(host(p.kl_divergence(&p)), [0.0, 0.0]);
    assert_eq!(host(q.kl_divergence(&p)), [f64::INFINITY; 2]);
    let draws = Categorical::new(p.log_probs().slice(0..1).expand([1000, 3]));
    assert!(host_int(draws.sample(&mut noise())).iter().all(|&k| k < 2));
}

#[test]
fn a_mixture_of_equal_components_is_that_component() {
    let (mean, log_var) = (params("mean", [ROWS]), params("log_var", [ROWS]));
    let alone = Normal::new(mean.clone(), log_var.clone());
    let wide = |x: Tensor<1>| x.unsqueeze_dim::<2>(1).expand([ROWS, 5]);
    let parts = Normal::new(wide(mean), wide(log_var));
    let mixture = Mixture::new(params("weights", [ROWS, 5]), parts);
    let value = params("value", [ROWS]);
    let expected = host(alone.log_prob(value.clone()));
    assert_close("log_prob", &host(mixture.log_prob(value)), &expected, SAME);
    assert_close("mean", &host(mixture.mean()), &host(alone.mean()), SAME);
    assert_close("variance", &host(mixture.variance()), &host(alone.variance()), SAME);
}

#[test]
fn a_component_without_weight_does_not_count() {
    let parts = Normal::new(tensor(&[0.0, 50.0], [1, 2]), Tensor::zeros([1, 2], &device()));
    let mixture = Mixture::new(tensor(&[0.0, f64::NEG_INFINITY], [1, 2]), parts);
    let value = row(&[0.5]);
    let alone = Normal::standard([1], &device()).log_prob(value.clone());
    assert_close("log_prob", &host(mixture.log_prob(value)), &host(alone), SAME);
}

// ---- shapes --------------------------------------------------------------------------------

#[test]
fn parameters_broadcast() {
    let (mean, log_var) = (params("mean", [ROWS, 1]), params("log_var", [1, 3]));
    let normal = Normal::new(mean.clone(), log_var.clone());
    let all = [ROWS, 3];
    assert_eq!(normal.sample(&mut noise()).dims(), all);
    assert_eq!(normal.log_prob(Tensor::zeros(all, &device())).dims(), all);
    for x in [normal.mean(), normal.variance(), normal.std(), normal.log_var(), normal.entropy()] {
        assert_eq!(x.dims(), all);
    }
    let pixels = DiscretisedLogistic::new(mean, log_var, 17);
    assert_eq!(pixels.sample(&mut noise()).dims(), all);
    assert_eq!(pixels.log_prob(Tensor::zeros([1, 1], &device())).dims(), all);
    for x in [pixels.mean(), pixels.variance(), pixels.location(), pixels.log_scale()] {
        assert_eq!(x.dims(), all);
    }
}

#[test]
fn independent_sums_what_is_not_batch() {
    let shape = [2, 3, 4];
    let (p, q) = (
        Normal::new(params("mean", shape), params("log_var", shape)),
        Normal::standard(shape, &device()),
    );
    let sums = |x: Tensor<3>, size: usize| -> Vec<f64> {
        host(x).chunks(size).map(|c| c.iter().sum()).collect()
    };
    let value = params("value", shape);
    let one = Independent::new(p.clone());
    let two = Independent::<_, 2>::with_batch_rank(p.clone());
    let three = Independent::<_, 3>::with_batch_rank(p.clone());
    let elements = p.log_prob(value.clone());
    assert_close("1", &host(one.log_prob(value.clone())), &sums(elements.clone(), 12), SAME);
    assert_close("2", &host(two.log_prob(value.clone())), &sums(elements.clone(), 4), SAME);
    assert_close("3", &host(three.log_prob(value)), &host(elements), SAME);
    assert_close("entropy", &host(two.entropy()), &sums(p.entropy(), 4), SAME);
    let kl = one.kl_divergence(&Independent::new(q.clone()));
    assert_close("kl", &host(kl), &sums(p.kl_divergence(&q), 12), SAME);
    // Categories have one axis more than their density; the event is what the density has.
    let tokens = Independent::new(Categorical::new(params("logits", [2, 3, 4])));
    let drawn = tokens.sample(&mut noise());
    assert_eq!(drawn.dims(), [2, 3]);
    assert_eq!(tokens.log_prob(drawn).dims(), [2]);
    assert_eq!(tokens.entropy().dims(), [2]);
}

#[test]
#[should_panic(expected = "Normal: shapes [2, 3] and [2, 4] do not broadcast")]
fn normal_refuses_shapes_that_do_not_fit() {
    Normal::new(params("a", [2, 3]), params("b", [2, 4]));
}

#[test]
#[should_panic(expected = "at least two levels are needed, got 1")]
fn discretised_logistic_refuses_one_level() {
    DiscretisedLogistic::new(row(&[0.0]), row(&[0.0]), 1);
}

#[test]
#[should_panic(expected = "Categorical::log_prob: shapes [2, 1] and [3, 1] do not broadcast")]
fn categorical_refuses_another_batch() {
    let value = Tensor::<1, Int>::zeros([3], &device());
    Categorical::new(params("logits", [2, 4])).log_prob(value);
}

#[test]
#[should_panic(expected = "expand the components")]
fn mixture_refuses_to_share_draws_between_rows() {
    let parts = Normal::standard([1, 4], &device());
    Mixture::new(params("weights", [2, 4]), parts).sample(&mut noise());
}
