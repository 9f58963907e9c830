//! Distributions of vectors and matrices against the arrays of `scripts/reference_vectors.py`.

use burn::tensor::{DType, Tensor};
use pyrogen_core::distribution::*;
use pyrogen_core::{Noise, Seed};
use serde_json::Value;

use crate::table::{self, F64, Tolerance, assert_close, host};

/// A fixture's arrays, in one precision.
struct Arrays(Value, DType);

impl Arrays {
    /// In double precision, and in single on the device under test.
    fn both(name: &str) -> [Self; 2] {
        let mut all: Value =
            serde_json::from_str(include_str!("../fixtures/vectors.json")).unwrap();
        let all = all[name].take();
        [DType::F64, DType::F32].map(|dtype| Self(all.clone(), dtype))
    }

    /// What products of four numbers leave: 1e-9, as torch's own solve, and roundings of single precision.
    fn products(&self) -> Tolerance {
        match self.1 {
            DType::F64 => F64.relative(1e-9).absolute(1e-12),
            _ => F64.relative(2e-5).absolute(1e-5),
        }
    }

    /// Of gradients, which divide by pivots once more.
    fn slopes(&self) -> Tolerance {
        match self.1 {
            DType::F64 => F64.relative(1e-8).absolute(1e-10),
            _ => F64.relative(2e-4).absolute(1e-4),
        }
    }

    fn values(&self, name: &str) -> Vec<f64> {
        let values = self.0[name]["values"].as_array();
        values.unwrap_or_else(|| panic!("no {name}")).iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let shape = self.0[name]["shape"].as_array().unwrap();
        let shape: Vec<usize> = shape.iter().map(|v| v.as_u64().unwrap() as usize).collect();
        let shape = shape.try_into().expect("as many axes as the fixture has");
        table::full(&self.values(name), shape, self.1)
    }

    fn leaf<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.tensor(name).require_grad()
    }

    fn check<const D: usize>(&self, name: &str, got: Tensor<D>) {
        assert_close(name, &host(got), &self.values(name), self.products());
    }

    /// The gradients of what was computed, by the leaves.
    fn check_grads<const D: usize>(&self, name: &str, y: Tensor<D>, leaves: &[(&str, &dyn Leaf)]) {
        let grads = y.sum().backward();
        for (leaf_name, leaf) in leaves {
            let key = format!("d_{name}.{leaf_name}");
            if self.0.get(&key).is_some() {
                let got = leaf.gradient(&grads).unwrap_or_else(|| panic!("{key}: no gradient"));
                assert_close(&key, &got, &self.values(&key), self.slopes());
            }
        }
    }
}

trait Leaf {
    fn gradient(&self, grads: &burn::tensor::Gradients) -> Option<Vec<f64>>;
}

impl<const D: usize> Leaf for Tensor<D> {
    fn gradient(&self, grads: &burn::tensor::Gradients) -> Option<Vec<f64>> {
        self.grad(grads).map(host)
    }
}

#[test]
fn dirichlet_equals_torch() {
    Arrays::both("dirichlet").iter().for_each(dirichlet);
}

fn dirichlet(f: &Arrays) {
    let [a, b, x] = ["concentration", "other", "value"].map(|n| f.leaf::<2>(n));
    let (p, q) = (Dirichlet::new(a.clone()).unwrap(), Dirichlet::new(b.clone()).unwrap());
    let leaves: [(&str, &dyn Leaf); 3] = [("concentration", &a), ("other", &b), ("value", &x)];
    f.check("log_prob", p.log_prob(x.clone()));
    f.check("entropy", p.entropy());
    f.check("kl", p.kl_divergence(&q));
    f.check("mean", p.mean());
    f.check("variance", p.variance());
    f.check_grads("log_prob", p.log_prob(x.clone()), &leaves);
    f.check_grads("entropy", p.entropy(), &leaves);
    f.check_grads("kl", p.kl_divergence(&q), &leaves);
}

#[test]
fn normals_of_every_covariance_equal_torch() {
    Arrays::both("normals").iter().for_each(normals);
}

fn normals(f: &Arrays) {
    let [m1, v1, m2, v2, x] =
        ["mean", "variance", "other_mean", "other_variance", "value"].map(|n| f.leaf::<2>(n));
    let [l1, w1, l2, w2] = ["tril", "factor", "other_tril", "other_factor"].map(|n| f.leaf::<3>(n));
    let make = |m: &Tensor<2>, v: &Tensor<2>, l: &Tensor<3>, w: &Tensor<3>| {
        [
            ("diagonal", MultivariateNormal::diagonal(m.clone(), v.clone()).unwrap()),
            ("cholesky", MultivariateNormal::cholesky(m.clone(), l.clone()).unwrap()),
            ("low_rank", MultivariateNormal::low_rank(m.clone(), w.clone(), v.clone()).unwrap()),
        ]
    };
    let leaves: [(&str, &dyn Leaf); 9] = [
        ("mean", &m1),
        ("variance", &v1),
        ("tril", &l1),
        ("factor", &w1),
        ("other_mean", &m2),
        ("other_variance", &v2),
        ("other_tril", &l2),
        ("other_factor", &w2),
        ("value", &x),
    ];
    // Anew for each backward pass, which consumes the graph of the constructor, too.
    let p = |i: usize| make(&m1, &v1, &l1, &w1)[i].clone();
    let q = |j: usize| make(&m2, &v2, &l2, &w2)[j].clone();
    for i in 0..3 {
        let (name, _) = p(i);
        let key = |what: &str| format!("{name}.{what}");
        f.check(&key("log_prob"), p(i).1.log_prob(x.clone()));
        f.check(&key("entropy"), p(i).1.entropy());
        f.check(&key("variance"), p(i).1.variance());
        f.check(&key("covariance"), p(i).1.covariance::<3>());
        f.check_grads(&key("log_prob"), p(i).1.log_prob(x.clone()), &leaves);
        f.check_grads(&key("entropy"), p(i).1.entropy(), &leaves);
        for j in 0..3 {
            let key = format!("{name}.{}.kl", q(j).0);
            f.check(&key, p(i).1.kl_divergence(&q(j).1));
            f.check_grads(&key, p(i).1.kl_divergence(&q(j).1), &leaves);
        }
    }
}

#[test]
fn one_covariance_serves_all_rows() {
    Arrays::both("normals").iter().for_each(one_covariance);
}

fn one_covariance(f: &Arrays) {
    let (mean, x, factor) = (f.tensor::<2>("mean"), f.tensor::<2>("value"), f.tensor::<3>("tril"));
    let one = factor.clone().slice(0..1);
    let shared = MultivariateNormal::cholesky(mean.clone(), one.clone()).unwrap();
    let each = MultivariateNormal::cholesky(mean, one.expand([3, 4, 4])).unwrap();
    let (a, b) = (shared.log_prob(x.clone()), each.log_prob(x));
    assert_close("log_prob", &host(a), &host(b), f.products());
    let (a, b) = (shared.kl_divergence(&each), each.kl_divergence(&shared));
    assert_close("kl", &host::<1>(a), &[0.0; 3], f.products());
    assert_close("kl", &host::<1>(b), &[0.0; 3], f.products());
    let draw = |p: &MultivariateNormal<2>| host(p.sample(&mut Noise::new(Seed(1))));
    assert_close("draws", &draw(&shared), &draw(&each), f.products());
}

#[test]
fn categories_equal_torch() {
    Arrays::both("categories").iter().for_each(categories);
}

fn categories(f: &Arrays) {
    let [logits, other, t, y] =
        ["logits", "other", "temperature", "relaxed_value"].map(|n| f.leaf::<2>(n));
    let leaves: [(&str, &dyn Leaf); 4] =
        [("logits", &logits), ("other", &other), ("temperature", &t), ("relaxed_value", &y)];
    let (p, q) = (OneHotCategorical::new(logits.clone()), OneHotCategorical::new(other.clone()));
    f.check("log_prob", p.log_prob(f.tensor("value")));
    f.check("entropy", p.entropy());
    f.check("kl", p.kl_divergence(&q));
    f.check_grads("log_prob", p.log_prob(f.tensor("value")), &leaves);
    f.check_grads("kl", p.kl_divergence(&q), &leaves);
    let m = Multinomial::new(10, logits.clone());
    f.check("multinomial", m.log_prob(f.tensor("counts")));
    f.check("mean", m.mean());
    f.check("variance", m.variance());
    f.check_grads("multinomial", m.log_prob(f.tensor("counts")), &leaves);
    let relaxed = RelaxedOneHot::new(t.clone(), logits.clone()).unwrap();
    f.check("relaxed", relaxed.log_prob(y.clone()));
    f.check_grads("relaxed", relaxed.log_prob(y.clone()), &leaves);
}

#[test]
fn matrices_equal_torch_and_scipy() {
    Arrays::both("wishart").iter().for_each(wishart);
}

fn wishart(f: &Arrays) {
    let (df, tril, x) = (f.leaf::<1>("df"), f.leaf::<3>("tril"), f.leaf::<3>("value"));
    let leaves: [(&str, &dyn Leaf); 2] = [("df", &df), ("tril", &tril)];
    // Anew for each backward pass, which consumes the graph of the constructor, too.
    let p = || Wishart::new(df.clone().reshape([2, 1, 1]), tril.clone()).unwrap();
    let log_prob: Tensor<1> = p().log_prob(x.clone());
    f.check("log_prob", log_prob.clone());
    f.check("entropy", Entropy::<1>::entropy(&p()));
    f.check("mean", p().mean());
    f.check("variance", p().variance());
    f.check_grads("log_prob", log_prob, &leaves);
    f.check_grads("entropy", Entropy::<1>::entropy(&p()), &leaves);
    // The gradient by a symmetric matrix: torch gives the lower triangle's share otherwise, and their
    // symmetric parts agree.
    let grads = Distribution::<3, 1>::log_prob(&p(), x.clone()).sum().backward();
    let symmetric = |v: Vec<f64>| -> Vec<f64> {
        (0..18).map(|k| v[k] + v[k / 9 * 9 + k % 3 * 3 + k / 3 % 3]).collect()
    };
    let got = symmetric(host(x.grad(&grads).unwrap()));
    assert_close("value", &got, &symmetric(f.values("d_log_prob.value")), f.slopes());
}

#[test]
fn correlations_equal_torch() {
    Arrays::both("lkj").iter().for_each(lkj);
}

fn lkj(f: &Arrays) {
    let (c, x) = (f.leaf::<1>("concentration"), f.tensor::<3>("value"));
    let p = Lkj::new(3, c.clone().reshape([3, 1, 1])).unwrap();
    let log_prob: Tensor<1> = p.log_prob(x);
    f.check("log_prob", log_prob.clone());
    f.check_grads("log_prob", log_prob, &[("concentration", &c)]);
}

// ---- draws ---------------------------------------------------------------------------------

const DRAWS: usize = 3000;

/// Kolmogorov-Smirnov at a rate of 0.001.
fn uniform(name: &str, mut u: Vec<f64>) {
    u.sort_by(f64::total_cmp);
    let n = u.len() as f64;
    let distance = u
        .iter()
        .enumerate()
        .map(|(i, u)| (u - i as f64 / n).max((i + 1) as f64 / n - u))
        .fold(0.0, f64::max);
    assert!(distance < 1.949 / n.sqrt(), "{name}: distance {distance}");
}

fn full<const D: usize>(values: &[f64], shape: [usize; D]) -> Tensor<D> {
    table::full(values, shape, DType::F64)
}

fn all_inside<const X: usize>(support: Support<X>, x: &Tensor<X>) {
    assert!(support.contains(x.clone()).into_data().iter::<bool>().all(|b| b));
}

/// Each element of a Dirichlet vector is a beta variable.
#[test]
fn parts_of_vectors_on_the_simplex_are_beta_variables() {
    let a = [0.3, 2.0, 5.0];
    let p = Dirichlet::new(full(&a, [1, 3]).expand([DRAWS, 3])).unwrap();
    let x = p.sample(&mut Noise::new(Seed(2)));
    all_inside(p.support(), &x);
    let x = host(x);
    for k in 0..3 {
        let part = full(&x.iter().skip(k).step_by(3).copied().collect::<Vec<_>>(), [DRAWS]);
        let total: f64 = a.iter().sum();
        let beta = Beta::new(full(&[a[k]], [1]), full(&[total - a[k]], [1])).unwrap();
        uniform("dirichlet", host(beta.cdf(part)));
    }
}

/// Each correlation of an LKJ matrix is a beta variable on [-1, 1], of both parameters
/// `concentration - 1 + d / 2` (Lewandowski et al. 2009, section 2).
#[test]
fn correlations_are_beta_variables() {
    for concentration in [0.5, 1.0, 4.0] {
        let d = 4;
        let p = Lkj::new(d, full(&[concentration], [1, 1, 1]).expand([DRAWS, 1, 1])).unwrap();
        let factor = p.sample(&mut Noise::new(Seed(3)));
        all_inside(p.support(), &factor);
        let matrix = host(factor.clone().matmul(factor.swap_dims(1, 2)));
        let a = concentration - 1.0 + d as f64 / 2.0;
        let beta = Beta::new(full(&[a], [1]), full(&[a], [1])).unwrap();
        for (i, j) in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)] {
            let r: Vec<f64> =
                (0..DRAWS).map(|n| 0.5 + 0.5 * matrix[n * d * d + i * d + j]).collect();
            uniform("lkj", host(beta.cdf(full(&r, [DRAWS]))));
        }
    }
}

/// A quadratic form of a Wishart matrix is a chi-squared variable: `a^T X a / a^T V a`.
#[test]
fn quadratic_forms_are_chi_squared_variables() {
    let factor = full(&[1.0, 0.0, 0.5, 2.0], [1, 2, 2]);
    let df = 3.5;
    let p = Wishart::new(full(&[df], [1, 1, 1]).expand([DRAWS, 1, 1]), factor.clone()).unwrap();
    let x = p.sample(&mut Noise::new(Seed(4)));
    all_inside(p.support(), &x);
    let a = full(&[0.3, -1.2], [1, 2, 1]);
    let of = |m: Tensor<3>| m.matmul(a.clone()).mul(a.clone()).sum_dim(1);
    let scale = of(factor.clone().matmul(factor.swap_dims(1, 2)));
    let ratio = (of(x) / scale).reshape([DRAWS]);
    let chi2 = ChiSquared::new(full(&[df], [1])).unwrap();
    uniform("wishart", host(chi2.cdf(ratio)));
}

/// A projection of a normal vector is a normal number.
#[test]
fn projections_of_normal_vectors_are_normal_numbers() {
    let mean = full(&[1.0, -2.0, 0.5], [1, 3]).expand([DRAWS, 3]);
    let factor = full(&[1.0, 0.0, 0.0, 0.5, 2.0, 0.0, -1.0, 0.3, 0.7], [1, 3, 3]);
    let thin = full(&[1.0, -0.5, 2.0], [1, 3, 1]);
    let variance = full(&[0.5, 1.0, 2.0], [1, 3]);
    let all = [
        MultivariateNormal::diagonal(mean.clone(), variance.clone()).unwrap(),
        MultivariateNormal::cholesky(mean.clone(), factor).unwrap(),
        MultivariateNormal::low_rank(mean, thin, variance).unwrap(),
    ];
    let a = full(&[0.3, -1.2, 0.8], [3, 1]);
    for p in all {
        let x = p.sample(&mut Noise::new(Seed(5)));
        let covariance: Tensor<2> = p.covariance::<3>().squeeze_dim(0);
        let variance = a.clone().transpose().matmul(covariance).matmul(a.clone());
        let centre = p.mean().slice(0..1).matmul(a.clone());
        let normal = Normal::new(centre.reshape([1]), variance.log().reshape([1]));
        uniform("normal", host(normal.cdf(x.matmul(a.clone()).reshape([DRAWS]))));
    }
}

/// Counts of one category are binomial, and rows belong to their place.
#[test]
fn counts_are_binomial_and_belong_to_their_rows() {
    let logits = full(&[0.0, 1.0, -2.0, 0.5], [1, 4]).expand([DRAWS, 4]);
    let p = Multinomial::new(30, logits.clone());
    let x = p.sample(&mut Noise::new(Seed(6)));
    all_inside(p.support(), &x);
    let counts = host(x.clone());
    let probs = host(p.probs().slice(0..1));
    for (k, p) in probs.iter().enumerate() {
        let mean = counts.iter().skip(k).step_by(4).sum::<f64>() / DRAWS as f64;
        let error = (30.0 * p * (1.0 - p) / DRAWS as f64).sqrt();
        assert!((mean - 30.0 * p).abs() < 4.0 * error, "{k}: {mean}");
    }
    let part = Multinomial::new(30, logits.slice(0..5));
    let part = part.sample(&mut Noise::new(Seed(6)).rows(10..15, DRAWS));
    assert_eq!(host(part), host(x.slice(10..15)));
}

#[test]
fn relaxed_draws_choose_as_the_categories_do() {
    let logits = full(&[0.0, 1.0, -2.0, 0.5], [1, 4]).expand([DRAWS, 4]);
    let relaxed = RelaxedOneHot::new(full(&[0.3], [1, 1]), logits.clone()).unwrap();
    let x = relaxed.sample(&mut Noise::new(Seed(7)));
    all_inside(relaxed.support(), &x);
    let chosen: Vec<i64> = x.argmax(1).into_data().iter().collect();
    let same = Categorical::new(logits).sample(&mut Noise::new(Seed(7)));
    assert_eq!(chosen, same.into_data().iter::<i64>().collect::<Vec<_>>());
}

/// The most probable category, by the logits.
#[test]
fn the_mode_of_categories_has_the_largest_logit() {
    let p = Categorical::new(full(&[0.0, 3.0, 1.0, 2.0, 2.0, -1.0], [2, 3]));
    assert_eq!(p.mode().into_data().iter::<i64>().collect::<Vec<_>>(), [1, 0]);
}

/// A covariance gives the distribution of its factor, with gradients; one that is none says which pivot.
#[test]
fn covariances_are_factorised_or_refused_by_pivot() {
    Arrays::both("normals").iter().for_each(covariances_are_factorised_or_refused_by_pivot_in);
}

fn covariances_are_factorised_or_refused_by_pivot_in(f: &Arrays) {
    let (mean, x, tril) = (f.tensor::<2>("mean"), f.tensor::<2>("value"), f.tensor::<3>("tril"));
    let leaf = tril.clone().matmul(tril.clone().swap_dims(1, 2)).detach().require_grad();
    let p = MultivariateNormal::from_covariance(mean.clone(), leaf.clone()).unwrap();
    let log_prob: Tensor<1> = p.log_prob(x);
    f.check("cholesky.log_prob", log_prob.clone());
    assert!(leaf.grad(&log_prob.sum().backward()).is_some());

    let mean = full(&[0.0; 6], [2, 3]);
    let good = [2.0, 0.5, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0];
    // Its factor is exact, and the second pivot is 0.
    let singular = [4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let of = |second: [f64; 9]| {
        let both = full(&[good, second].concat(), [2, 3, 3]);
        MultivariateNormal::from_covariance(mean.clone(), both).unwrap_err()
    };
    let error = of(singular);
    assert_eq!((error.parameter, error.index, error.got), ("pivot of covariance", 3 + 1, 0.0));
    let text = "MultivariateNormal: `pivot of covariance` must be positive (a positive-definite \
                matrix), got 0 at element 4";
    assert_eq!(error.to_string(), text);
    let mut askew = good;
    askew[2] = 0.3;
    assert_eq!(of(askew).expected, "symmetric");
    let mut none = good;
    none[8] = f64::NAN;
    assert_eq!((of(none).expected, of(none).index), ("finite", 9 + 8));

    let df = full(&[5.0], [1, 1, 1]);
    let error = Wishart::from_scale(df.clone(), full(&singular, [1, 3, 3])).unwrap_err();
    assert_eq!((error.parameter, error.index), ("pivot of scale", 1));
    let mean = Wishart::from_scale(df, full(&good, [1, 3, 3])).unwrap().mean();
    assert_close("mean", &host(mean), &good.map(|v| 5.0 * v), F64);
}

/// Shapes that do not broadcast are named, both of them.
#[test]
#[should_panic(expected = "MultivariateNormal: shapes [2, 3] and [2, 4] do not broadcast")]
fn vectors_of_another_length_panic() {
    let p = MultivariateNormal::diagonal(full(&[0.0; 6], [2, 3]), full(&[1.0; 6], [2, 3])).unwrap();
    let _: Tensor<1> = p.log_prob(full(&[0.0; 8], [2, 4]));
}

#[test]
fn divergences_of_wishart_matrices_equal_torch() {
    Arrays::both("wishart").iter().for_each(divergences_of_wishart_matrices_equal_torch_in);
}

fn divergences_of_wishart_matrices_equal_torch_in(f: &Arrays) {
    let ([n1, n2], [l1, l2]) = (
        ["df", "other_df"].map(|n| f.leaf::<1>(n)),
        ["tril", "other_tril"].map(|n| f.leaf::<3>(n)),
    );
    let of = |n: &Tensor<1>, l: &Tensor<3>| {
        Wishart::new(n.clone().reshape([2, 1, 1]), l.clone()).unwrap()
    };
    let kl: Tensor<1> = of(&n1, &l1).kl_divergence(&of(&n2, &l2));
    f.check("kl", kl.clone());
    let leaves: [(&str, &dyn Leaf); 4] =
        [("df", &n1), ("tril", &l1), ("other_df", &n2), ("other_tril", &l2)];
    f.check_grads("kl", kl, &leaves);
}
