//! Draws follow their distribution, belong to their rows, and carry the pathwise gradient.

use burn::tensor::{DType, Tensor};
use pyrogen_core::distribution::*;
use pyrogen_core::{Noise, Seed};

use crate::table::{F64, assert_close, column, host, leaf};

const DRAWS: usize = 4000;

fn noise(label: &str) -> Noise {
    Noise::new(Seed(11)).fork(label)
}

fn full(x: f64) -> Tensor<1> {
    column(&[x; DRAWS], DType::F64)
}

/// Kolmogorov-Smirnov at a false-alarm rate of 0.001: the distribution function of the draws is
/// uniform. The seed is fixed, so a test passes or fails for ever.
fn follows<P: Distribution<1, 1> + Cdf<1> + HasSupport<1>>(name: &str, p: &P) {
    let x = p.sample(&mut noise(name));
    let inside = p.support().contains(x.clone());
    assert!(inside.into_data().iter::<bool>().all(|b| b), "{name}: a draw outside the support");
    let mut u = host(p.cdf(x));
    u.sort_by(f64::total_cmp);
    let n = DRAWS as f64;
    let distance = u
        .iter()
        .enumerate()
        .map(|(i, u)| (u - i as f64 / n).max((i + 1) as f64 / n - u))
        .fold(0.0, f64::max);
    assert!(distance < 1.949 / n.sqrt(), "{name}: distance {distance}");
}

#[test]
fn continuous_draws_follow_the_distribution_function() {
    for (m, s) in [(0.5, 2.0), (-3.0, 0.1)] {
        follows("laplace", &Laplace::new(full(m), full(s)).unwrap());
        follows("logistic", &Logistic::new(full(m), full(s)).unwrap());
        follows("gumbel", &Gumbel::new(full(m), full(s)).unwrap());
        follows("cauchy", &Cauchy::new(full(m), full(s)).unwrap());
        follows("log_normal", &LogNormal::new(full(m), full(s)).unwrap());
        follows("uniform", &Uniform::new(full(m), full(m + s)).unwrap());
        follows("half_normal", &HalfNormal::new(full(s)).unwrap());
        follows("half_cauchy", &HalfCauchy::new(full(s)).unwrap());
        follows("exponential", &Exponential::new(full(s)).unwrap());
        follows("kumaraswamy", &Kumaraswamy::new(full(s), full(3.0 - s)).unwrap());
        follows("weibull", &Weibull::new(full(s), full(1.5)).unwrap());
        follows("pareto", &Pareto::new(full(s), full(1.5)).unwrap());
        follows("relaxed", &RelaxedBernoulli::new(full(s), full(m)).unwrap());
        follows(
            "truncated",
            &TruncatedNormal::new(full(m), full(s), full(0.0), full(1.0)).unwrap(),
        );
    }
    for a in [0.05, 0.7, 1.0, 3.5, 200.0, 1e5] {
        follows("gamma", &Gamma::new(full(a), full(2.0)).unwrap());
        follows("inverse_gamma", &InverseGamma::new(full(a), full(2.0)).unwrap());
        follows("chi_squared", &ChiSquared::new(full(a)).unwrap());
        // Below, draws overflow.
        follows("student_t", &StudentT::new(full(a.max(0.7)), full(1.0), full(2.0)).unwrap());
        follows("beta", &Beta::new(full(a), full(0.8)).unwrap());
    }
    for kappa in [1e-9, 0.3, 4.0, 1e4] {
        follows("von_mises", &VonMises::new(full(0.0), full(kappa)).unwrap());
    }
}

/// Pearson's test of counts against masses, in classes of at least 10 expected draws, at a rate of
/// 0.001 by Wilson and Hilferty's approximation.
fn counts_follow<P: Distribution<1, 1>>(name: &str, p: &P, one: impl Fn(&[f64]) -> Tensor<1>) {
    let draws = host(p.sample(&mut noise(name)));
    let top = draws.iter().fold(0.0, |m: f64, &x| m.max(x)) as usize;
    let values: Vec<f64> = (0..=top + 1).map(|k| k as f64).collect();
    let masses: Vec<f64> = host(one(&values)).iter().map(|l| l.exp()).collect();
    let mut observed = vec![0.0; values.len()];
    for x in &draws {
        assert!(*x >= 0.0 && x.fract() == 0.0, "{name}: {x}");
        observed[*x as usize] += 1.0;
    }
    let n = draws.len() as f64;
    let (mut statistic, mut classes) = (0.0, 0.0);
    let (mut seen, mut mass, mut all) = (0.0, 0.0, 0.0);
    for (o, m) in observed.iter().zip(&masses) {
        (seen, mass, all) = (seen + o, mass + m, all + m);
        if mass * n >= 10.0 && (1.0 - all) * n >= 10.0 {
            statistic += (seen - mass * n).powi(2) / (mass * n);
            classes += 1.0;
            (seen, mass) = (0.0, 0.0);
        }
    }
    // What is left, with the tail beyond the largest draw.
    let rest = mass + (1.0 - all).max(0.0);
    statistic += (seen - rest * n).powi(2) / (rest * n);
    let df: f64 = classes;
    assert!(df >= 1.0, "{name}: one class");
    let critical = df * (1.0 - 2.0 / (9.0 * df) + 3.09 * (2.0 / (9.0 * df)).sqrt()).powi(3);
    assert!(statistic < critical, "{name}: chi-square {statistic}, df {df}, critical {critical}");
}

#[test]
fn counts_follow_the_masses() {
    for rate in [0.3, 4.0, 9.99, 10.0, 40.0, 700.0] {
        let p = Poisson::new(full(rate)).unwrap();
        counts_follow("poisson", &p, |k| {
            Poisson::new(column(&[rate], DType::F64)).unwrap().log_prob(column(k, DType::F64))
        });
        let one = |x: f64| column(&[x], DType::F64);
        let p = ZeroInflatedPoisson::new(full(0.3), full(rate)).unwrap();
        counts_follow("zip", &p, |k| {
            let p = ZeroInflatedPoisson::new(one(0.3), one(rate)).unwrap();
            p.log_prob(column(k, DType::F64))
        });
    }
    let one = |x: f64| column(&[x], DType::F64);
    for (n, l) in
        [(5.0, 0.3), (40.0, -1.0), (40.0, 2.0), (300.0, 0.0), (300.0, -4.0), (3000.0, 1.0)]
    {
        let p = Binomial::new(full(n), full(l)).unwrap();
        counts_follow("binomial", &p, |k| {
            Binomial::new(one(n), one(l)).unwrap().log_prob(column(k, DType::F64))
        });
    }
    for l in [-2.0, 0.0, 1.0] {
        let p = Geometric::new(full(l)).unwrap();
        counts_follow("geometric", &p, |k| {
            Geometric::new(one(l)).unwrap().log_prob(column(k, DType::F64))
        });
        let p = NegativeBinomial::new(full(2.5), full(l)).unwrap();
        counts_follow("negative_binomial", &p, |k| {
            NegativeBinomial::new(one(2.5), one(l)).unwrap().log_prob(column(k, DType::F64))
        });
    }
}

/// A window of the noise draws the rows that the whole would draw; a graph changes no draw.
#[test]
fn draws_belong_to_their_rows() {
    fn check<P: Distribution<1, 1>>(name: &str, make: impl Fn(Tensor<1>) -> P) {
        let parameters: Vec<f64> = (0..40).map(|i| 0.2 + 0.3 * f64::from(i)).collect();
        let whole = host(make(column(&parameters, DType::F64)).sample(&mut noise(name)));
        let part = make(column(&parameters[7..19], DType::F64));
        let part = host(part.sample(&mut noise(name).rows(7..19, 40)));
        assert_eq!(part, whole[7..19], "{name}");
        let tracked = make(leaf(&parameters, DType::F64)).sample(&mut noise(name));
        assert!(!tracked.is_tracked());
        assert_eq!(host(tracked), whole, "{name}");
    }
    check("gamma", |a| Gamma::new_unchecked(a.clone(), a));
    check("beta", |a| Beta::new_unchecked(a.clone(), a));
    check("poisson", Poisson::new_unchecked);
    check("von_mises", |a| VonMises::new_unchecked(a.clone() * 0.0, a));
    check("student_t", |a| StudentT::new_unchecked(a.clone(), a.clone(), a));
    check("laplace", |a| Laplace::new_unchecked(a.clone(), a));
    check("negative_binomial", |a| NegativeBinomial::new_unchecked(a.clone(), a * -0.1));
}

/// `rsample` is `sample`, and its gradient moves the draw along its distribution function:
/// `dx/dp = -(dF/dp) / f`.
fn moves_along<P>(name: &str, at: &[f64], make: impl Fn(&[Tensor<1>]) -> P)
where
    P: Distribution<1, 1> + Cdf<1> + Pathwise<1>,
{
    const ROWS: usize = 60;
    let leaves: Vec<_> = at.iter().map(|&v| leaf(&[v; ROWS], DType::F64)).collect();
    let p = make(&leaves);
    let x = p.rsample(&mut noise(name));
    assert_eq!(host(x.clone()), host(p.sample(&mut noise(name))), "{name}");
    let drawn = Tensor::from_inner(x.clone().inner());
    let grads = x.sum().backward();
    let density = host(p.log_prob(drawn.clone()).exp());
    // The smaller of the two functions has the digits.
    let by_cdf = p.cdf(drawn.clone()).sum().backward();
    let by_survival = p.survival(drawn.clone()).sum().backward();
    let lower: Vec<bool> = host(p.cdf(drawn)).iter().map(|&u| u < 0.5).collect();
    for (k, l) in leaves.iter().enumerate() {
        let Some(got) = l.grad(&grads) else { panic!("{name}: no gradient by {k}") };
        let (down, up) = (host(l.grad(&by_cdf).unwrap()), host(l.grad(&by_survival).unwrap()));
        let expected: Vec<f64> = (0..ROWS)
            .map(|i| if lower[i] { -down[i] / density[i] } else { up[i] / density[i] })
            .collect();
        assert_close(
            &format!("{name} by {k}"),
            &host(got),
            &expected,
            F64.relative(1e-6).absolute(1e-9),
        );
    }
}

#[test]
fn gradients_of_draws_are_pathwise() {
    moves_along("laplace", &[0.5, 2.0], |p| Laplace::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("logistic", &[0.5, 2.0], |p| Logistic::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("gumbel", &[0.5, 2.0], |p| Gumbel::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("cauchy", &[0.5, 2.0], |p| Cauchy::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("log_normal", &[0.5, 0.7], |p| {
        LogNormal::new_unchecked(p[0].clone(), p[1].clone())
    });
    moves_along("uniform", &[0.5, 2.0], |p| Uniform::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("half_normal", &[0.5], |p| HalfNormal::new_unchecked(p[0].clone()));
    moves_along("half_cauchy", &[0.5], |p| HalfCauchy::new_unchecked(p[0].clone()));
    moves_along("exponential", &[0.5], |p| Exponential::new_unchecked(p[0].clone()));
    moves_along("kumaraswamy", &[0.5, 2.0], |p| {
        Kumaraswamy::new_unchecked(p[0].clone(), p[1].clone())
    });
    moves_along("weibull", &[0.5, 2.0], |p| Weibull::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("pareto", &[0.5, 2.0], |p| Pareto::new_unchecked(p[0].clone(), p[1].clone()));
    moves_along("relaxed", &[0.5, 2.0], |p| {
        RelaxedBernoulli::new_unchecked(p[0].clone(), p[1].clone())
    });
    for a in [0.3, 2.0, 500.0] {
        moves_along("gamma", &[a, 2.0], |p| Gamma::new_unchecked(p[0].clone(), p[1].clone()));
        moves_along("inverse_gamma", &[a, 2.0], |p| {
            InverseGamma::new_unchecked(p[0].clone(), p[1].clone())
        });
        moves_along("chi_squared", &[a], |p| ChiSquared::new_unchecked(p[0].clone()));
        moves_along("von_mises", &[0.0, a], |p| {
            VonMises::new_unchecked(p[0].clone(), p[1].clone())
        });
    }
    moves_along("truncated", &[0.5, 2.0, -1.0, 3.0], |p| {
        TruncatedNormal::new_unchecked(p[0].clone(), p[1].clone(), p[2].clone(), p[3].clone())
    });
}

/// Draws of two numbers are not moved along their distribution function one by one, and their gradient is
/// that of the mean on the average: within four standard errors (false-alarm rate 6e-5 each).
#[test]
fn gradients_of_draws_are_those_of_expectations() {
    fn check<P: Pathwise<1>>(
        name: &str,
        at: &[f64],
        make: impl Fn(&[Tensor<1>]) -> P,
        of: impl Fn(Tensor<1>) -> Tensor<1>,
        expected: impl Fn(&[Tensor<1>]) -> Tensor<1>,
    ) {
        let leaves: Vec<_> = at.iter().map(|&v| leaf(&[v; DRAWS], DType::F64)).collect();
        let grads = of(make(&leaves).rsample(&mut noise(name))).sum().backward();
        let one: Vec<_> = at.iter().map(|&v| leaf(&[v], DType::F64)).collect();
        let truth = expected(&one).sum().backward();
        for (k, (l, o)) in leaves.iter().zip(&one).enumerate() {
            let each = host(l.grad(&grads).unwrap());
            let n = each.len() as f64;
            let mean = each.iter().sum::<f64>() / n;
            let error = (each.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n / n).sqrt();
            let truth = o.grad(&truth).map_or(0.0, |g| host(g)[0]);
            assert!(
                (mean - truth).abs() < 4.0 * error + 1e-12,
                "{name} by {k}: {mean} {truth} {error}"
            );
        }
    }
    for (a, b) in [(0.5, 0.7), (3.0, 2.0), (200.0, 100.0)] {
        let make = |p: &[Tensor<1>]| Beta::new_unchecked(p[0].clone(), p[1].clone());
        check("beta", &[a, b], make, |x| x, |p| make(p).mean());
    }
    for df in [5.0, 40.0] {
        let make =
            |p: &[Tensor<1>]| StudentT::new_unchecked(p[0].clone(), p[1].clone(), p[2].clone());
        check(
            "student_t",
            &[df, 0.5, 2.0],
            make,
            |x| (x - 0.5).square(),
            |p| make(p).variance() + (p[1].clone() - 0.5).square(),
        );
    }
}
