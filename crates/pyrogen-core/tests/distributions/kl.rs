//! Divergences against integrals and sums of `scripts/reference_divergences.py`, and estimates.

use burn::tensor::{DType, Tensor};
use pyrogen_core::distribution::*;
use pyrogen_core::{Noise, Seed};
use serde_json::Value;

use crate::table::{F64, assert_close, column, host, leaf, single};

struct Pair {
    name: String,
    p: Vec<Vec<f64>>,
    q: Vec<Vec<f64>>,
    kl: Vec<f64>,
}

fn pair(name: &str) -> Pair {
    let all: Value = serde_json::from_str(include_str!("../fixtures/divergences.json")).unwrap();
    let table = &all[name];
    assert!(table.is_object(), "the fixture has no {name}");
    let number = |v: &Value| v.as_f64().unwrap_or(f64::INFINITY);
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(number).collect::<Vec<f64>>();
    let columns = |key: &str| {
        let rows: Vec<Vec<f64>> = table[key].as_array().unwrap().iter().map(numbers).collect();
        (0..rows[0].len()).map(|k| rows.iter().map(|r| r[k]).collect()).collect()
    };
    Pair { name: name.to_string(), p: columns("p"), q: columns("q"), kl: numbers(&table["kl"]) }
}

/// The divergence, and its gradient against central differences of itself in double precision.
fn check<P, Q>(pair: &Pair, p: impl Fn(&[Tensor<1>]) -> P, q: impl Fn(&[Tensor<1>]) -> Q)
where
    P: KlDivergence<Q, 1>,
{
    // Divergences near zero are differences of terms of size 1.
    const NEAR: f64 = 1e-12;
    const DIFFERENCE: f64 = 1e-6;
    let small = single().absolute(single().absolute.max(1e-6));
    for (dtype, t) in [(DType::F64, F64.absolute(NEAR)), (DType::F32, small)] {
        let tensors = |c: &[Vec<f64>]| c.iter().map(|v| column(v, dtype)).collect::<Vec<_>>();
        let got = host(p(&tensors(&pair.p)).kl_divergence(&q(&tensors(&pair.q))));
        assert_close(&pair.name, &got, &pair.kl, t);
    }
    let all: Vec<Vec<f64>> = pair.p.iter().chain(&pair.q).cloned().collect();
    let split = pair.p.len();
    let of = |c: &[Vec<f64>]| {
        let c: Vec<_> = c.iter().map(|v| column(v, DType::F64)).collect();
        host(p(&c[..split]).kl_divergence(&q(&c[split..])))
    };
    let leaves: Vec<_> = all.iter().map(|v| leaf(v, DType::F64)).collect();
    let grads = p(&leaves[..split]).kl_divergence(&q(&leaves[split..])).sum().backward();
    for (k, x) in leaves.iter().enumerate() {
        // Numbers of trials are integers, and equal ones.
        if pair.name.starts_with("Binomial") && k % 2 == 0 {
            continue;
        }
        let moved = |by: f64| {
            let mut c = all.clone();
            c[k].iter_mut().for_each(|v| *v += by * v.abs().max(0.1));
            of(&c)
        };
        let (up, down) = (moved(1e-5), moved(-1e-5));
        let got = host(x.grad(&grads).expect("a gradient"));
        for (i, g) in got.iter().enumerate() {
            if pair.kl[i].is_infinite() {
                assert!(g.is_finite(), "{} by {k}[{i}]: {g}", pair.name);
                continue;
            }
            let slope = (up[i] - down[i]) / (2e-5 * all[k][i].abs().max(0.1));
            let bound = DIFFERENCE * (1.0 + slope.abs() + pair.kl[i].abs());
            if slope.is_infinite() {
                // On the border beyond which the divergence is infinite.
                assert!(g.is_finite(), "{} by {k}[{i}]: {g}", pair.name);
                continue;
            }
            assert!((g - slope).abs() < bound, "{} by {k}[{i}]: {g} {slope}", pair.name);
        }
    }
}

macro_rules! pairs {
    ($($p:ident[$($i:literal),*] $q:ident[$($j:literal),*];)*) => {
        #[test]
        fn closed_forms_are_the_integrals() {
            $({
                let p = |x: &[Tensor<1>]| pairs!(@ $p, $(x[$i].clone()),*);
                let q = |x: &[Tensor<1>]| pairs!(@ $q, $(x[$j].clone()),*);
                check(&pair(concat!(stringify!($p), " ", stringify!($q))), p, q);
            })*
        }
    };
    (@ Normal, $($x:expr),*) => { Normal::new($($x),*) };
    (@ Bernoulli, $($x:expr),*) => { Bernoulli::new($($x),*) };
    (@ $name:ident, $($x:expr),*) => { $name::new_unchecked($($x),*) };
}

pairs! {
    Beta[0, 1] Beta[0, 1];
    Binomial[0, 1] Binomial[0, 1];
    Cauchy[0, 1] Cauchy[0, 1];
    ChiSquared[0] ChiSquared[0];
    Exponential[0] Exponential[0];
    Gamma[0, 1] Gamma[0, 1];
    Geometric[0] Geometric[0];
    Gumbel[0, 1] Gumbel[0, 1];
    HalfNormal[0] HalfNormal[0];
    InverseGamma[0, 1] InverseGamma[0, 1];
    Laplace[0, 1] Laplace[0, 1];
    LogNormal[0, 1] LogNormal[0, 1];
    Pareto[0, 1] Pareto[0, 1];
    Poisson[0] Poisson[0];
    Uniform[0, 1] Uniform[0, 1];
    VonMises[0, 1] VonMises[0, 1];
    Weibull[0, 1] Weibull[0, 1];
    Bernoulli[0] Poisson[0];
    Beta[0, 1] Exponential[0];
    Beta[0, 1] Gamma[0, 1];
    Beta[0, 1] Normal[0, 1];
    Beta[0, 1] Uniform[0, 1];
    Exponential[0] Gamma[0, 1];
    Exponential[0] Gumbel[0, 1];
    Exponential[0] Normal[0, 1];
    Gamma[0, 1] Exponential[0];
    Gamma[0, 1] Gumbel[0, 1];
    Gamma[0, 1] Normal[0, 1];
    Gumbel[0, 1] Normal[0, 1];
    Laplace[0, 1] Normal[0, 1];
    Normal[0, 1] Gumbel[0, 1];
    Normal[0, 1] Laplace[0, 1];
    Pareto[0, 1] Exponential[0];
    Pareto[0, 1] Gamma[0, 1];
    Pareto[0, 1] Normal[0, 1];
    Uniform[0, 1] Beta[0, 1];
    Uniform[0, 1] Exponential[0];
    Uniform[0, 1] Gamma[0, 1];
    Uniform[0, 1] Gumbel[0, 1];
    Uniform[0, 1] Normal[0, 1];
    Uniform[0, 1] Pareto[0, 1];
}

#[test]
fn a_distribution_with_values_that_the_other_has_not_is_infinitely_far() {
    let one = || column(&[1.0, 2.0], DType::F32);
    let kl = Normal::new(one(), one()).kl_divergence(&Gamma::new_unchecked(one(), one()));
    assert_eq!(host(kl), [f64::INFINITY; 2]);
    let kl = Poisson::new_unchecked(one()).kl_divergence(&Bernoulli::new(one()));
    assert_eq!(host(kl), [f64::INFINITY; 2]);
}

#[test]
fn estimates_are_within_their_error() {
    let t = |x: &[f64]| column(x, DType::F64);
    let (p, q) = (
        Gamma::new_unchecked(t(&[0.5, 3.0, 20.0]), t(&[1.0, 2.0, 0.5])),
        Gamma::new_unchecked(t(&[1.0, 2.0, 18.0]), t(&[1.5, 2.0, 0.5])),
    );
    let exact = host(p.kl_divergence(&q));
    let estimate = kl_estimate(&p, &q, 3000, &mut Noise::new(Seed(4)));
    let (mean, error) = (host(estimate.mean), host(estimate.standard_error));
    for i in 0..3 {
        assert!(error[i] > 0.0 && error[i] < 0.1, "{}", error[i]);
        // Four standard errors: 6e-5.
        assert!(
            (mean[i] - exact[i]).abs() < 4.0 * error[i],
            "{} {} {}",
            mean[i],
            exact[i],
            error[i]
        );
    }
}

#[test]
fn chi_squared_variables_are_gamma_variables() {
    let t = |x: &[f64]| column(x, DType::F64);
    let (p, q) = (
        ChiSquared::new(t(&[0.5, 3.0, 20.0])).unwrap(),
        Gamma::new(t(&[1.0, 2.0, 18.0]), t(&[1.5, 2.0, 0.5])).unwrap(),
    );
    for (exact, estimate) in [
        (p.kl_divergence(&q), kl_estimate(&p, &q, 3000, &mut Noise::new(Seed(5)))),
        (q.kl_divergence(&p), kl_estimate(&q, &p, 3000, &mut Noise::new(Seed(6)))),
    ] {
        let off = host((estimate.mean - exact) / estimate.standard_error);
        assert!(off.iter().all(|off| off.abs() < 4.0), "{off:?}");
    }
    let none =
        Normal::new(t(&[0.0]), t(&[0.0])).kl_divergence(&ChiSquared::new(t(&[2.0])).unwrap());
    assert_eq!(host(none), [f64::INFINITY]);
}
