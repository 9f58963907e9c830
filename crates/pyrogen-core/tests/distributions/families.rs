//! The conformance list: every distribution of numbers and the properties that it has.
//!
//! A line makes a test of the rows of its name in `scripts/reference_families.py`'s fixture: the log-density with
//! its gradients in both precisions, everything in [`Case::always`], and what the line names. Each property is a
//! method of [`Case`], in `properties.rs` and `draws.rs`.

use std::rc::Rc;

use burn::tensor::{DType, Tensor};
use pyrogen_core::distribution::*;

use crate::case::{Case, Subject};
use crate::table::{F64, Table, both, column, host};

/// Which trait a property needs.
macro_rules! has {
    (cdf, $subject:ident, $p:ident) => {
        $subject.cdf = Some($p.clone())
    };
    (quantile, $subject:ident, $p:ident) => {
        $subject.quantile = Some($p.clone())
    };
    (count_quantile, $subject:ident, $p:ident) => {
        $subject.quantile = Some($p.clone())
    };
    (moments, $subject:ident, $p:ident) => {
        $subject.moments = Some($p.clone())
    };
    (entropy, $subject:ident, $p:ident) => {
        $subject.entropy = Some($p.clone())
    };
    (mode, $subject:ident, $p:ident) => {
        $subject.mode = Some($p.clone())
    };
    (pathwise, $subject:ident, $p:ident) => {
        $subject.pathwise = Some($p.clone())
    };
    (pathwise_on_average, $subject:ident, $p:ident) => {
        $subject.pathwise = Some($p.clone())
    };
    (draws, $subject:ident, $p:ident) => {};
    (counts, $subject:ident, $p:ident) => {};
}

macro_rules! conformance {
    ($($test:ident: $name:ident($($parameter:ident),*) $($property:ident)*;)*) => {$(
        #[test]
        fn $test() {
            let case = Case {
                table: Table::new(stringify!($name)),
                names: &[$(stringify!($parameter)),*],
                make: |p| {
                    let mut p = p.iter().cloned();
                    $(let $parameter = p.next().expect("as many columns as parameters");)*
                    let p = Rc::new($name::new($($parameter),*)?);
                    let mut subject = Subject::new(&p);
                    $(has!($property, subject, p);)*
                    Ok(subject)
                },
            };
            case.always();
            $(case.$property();)*
        }
    )*};
}

conformance! {
    laplace: Laplace(loc, scale) cdf quantile moments entropy mode draws pathwise;
    logistic: Logistic(loc, scale) cdf quantile moments entropy mode draws pathwise;
    gumbel: Gumbel(loc, scale) cdf quantile moments entropy mode draws pathwise;
    cauchy: Cauchy(loc, scale) cdf quantile entropy mode draws pathwise;
    student_t: StudentT(df, loc, scale) cdf quantile moments entropy mode draws pathwise_on_average;
    half_cauchy: HalfCauchy(scale) cdf quantile entropy mode draws pathwise;
    half_normal: HalfNormal(scale) cdf quantile moments entropy mode draws pathwise;
    log_normal: LogNormal(loc, scale) cdf quantile moments entropy mode draws pathwise;
    exponential: Exponential(rate) cdf quantile moments entropy mode draws pathwise;
    uniform: Uniform(low, high) cdf quantile moments entropy draws pathwise;
    gamma: Gamma(concentration, rate) cdf quantile moments entropy mode draws pathwise;
    inverse_gamma: InverseGamma(concentration, scale) cdf quantile moments entropy mode draws pathwise;
    chi_squared: ChiSquared(df) cdf quantile moments entropy mode draws pathwise;
    beta: Beta(alpha, beta) cdf quantile moments entropy mode draws pathwise_on_average;
    kumaraswamy: Kumaraswamy(a, b) cdf quantile moments entropy draws pathwise;
    weibull: Weibull(scale, concentration) cdf quantile moments entropy mode draws pathwise;
    pareto: Pareto(scale, alpha) cdf quantile moments entropy mode draws pathwise;
    von_mises: VonMises(loc, concentration) cdf quantile moments entropy mode draws pathwise;
    relaxed_bernoulli: RelaxedBernoulli(temperature, logits) cdf quantile draws pathwise;
    truncated_normal: TruncatedNormal(loc, scale, low, high)
        cdf quantile moments entropy mode draws pathwise;
    poisson: Poisson(rate) cdf count_quantile moments entropy mode counts;
    zero_inflated_poisson: ZeroInflatedPoisson(gate, rate) cdf count_quantile moments mode counts;
    binomial: Binomial(total_count, logits) cdf count_quantile moments entropy mode counts;
    geometric: Geometric(logits) cdf count_quantile moments entropy mode counts;
    negative_binomial: NegativeBinomial(total_count, logits)
        cdf count_quantile moments entropy mode counts;
}

/// `Normal` computes its density by tensor operations in its own type, from a log-variance; its distribution
/// function and its quantiles are the host's.
#[test]
fn normal() {
    let case = Case {
        table: Table::new("Normal"),
        names: &["mean", "std"],
        make: |p| {
            let p = Rc::new(Normal::from_std(p[0].clone(), p[1].clone())?);
            let mut subject = Subject::new(&p);
            subject.cdf = Some(p.clone());
            subject.quantile = Some(p.clone());
            subject.moments = Some(p.clone());
            subject.entropy = Some(p.clone());
            subject.mode = Some(p.clone());
            subject.pathwise = Some(p);
            Ok(subject)
        },
    };
    let table = &case.table;
    for (dtype, t) in both() {
        let (p, x) = (case.of(&case.columns(), dtype), column(&table.values("x"), dtype));
        // The log-variance is rounded, and so is its exponential: 2 or 3 units of the tensor's type, in
        // which the density of 30 standard deviations has 450 nats.
        let rounded = t.relative(if dtype == DType::F64 { 2e-15 } else { 1e-6 } * 10.0);
        table.check("log_prob", p.log_prob(x.clone()), t);
        table.check("mean", p.mean(), t);
        table.check("variance", p.variance(), rounded);
        table.check("mode", p.mode(), t);
        table.check("entropy", p.entropy(), t);
        // A relative error of z moves the tail by z^2 of it.
        let tail = t.relative(if dtype == DType::F64 { 1e-10 } else { 1e-3 });
        table.check("cdf", p.cdf(x.clone()), tail);
        table.check("survival", p.survival(x), tail);
    }
    case.domain();
    case.shapes();
    case.rows();
    case.quantile();
    case.draws();
    case.pathwise();
}

/// The distribution function of values on levels is the sum of their masses, and the quantile the first level
/// that reaches a probability.
fn sums_of_masses<P: Distribution<1, 1> + Cdf<1> + Quantile<1>>(p: &P, levels: &[f64]) {
    let x = column(levels, DType::F64);
    let masses = host(p.log_prob(x.clone()).exp());
    let (lower, upper) = (host(p.cdf(x.clone())), host(p.survival(x)));
    let mut sum = 0.0;
    for (i, mass) in masses.iter().enumerate() {
        sum += mass;
        assert!((lower[i] - sum).abs() < 1e-7, "{i}: {} {sum}", lower[i]);
        assert!((upper[i] + lower[i] - 1.0).abs() < 1e-12, "{i}");
    }
    for (i, level) in levels.iter().enumerate() {
        let below = if i == 0 { 0.0 } else { lower[i - 1] };
        let q = column(&[0.5 * (below + lower[i])], DType::F64);
        assert!((host(p.icdf(q.clone()))[0] - level).abs() < 1e-12, "{level}");
        assert!((host(p.isf(-q + 1.0))[0] - level).abs() < 1e-12, "{level}");
    }
    let out = |x: Tensor<1>| host(x);
    let at = |v: f64| column(&[v], DType::F64);
    assert_eq!(out(p.cdf(at(-0.1))), [0.0]);
    assert_eq!(out(p.survival(at(1.5))), [0.0]);
    assert_eq!([out(p.icdf(at(0.0))), out(p.icdf(at(1.0)))].concat(), [0.0, 1.0]);
    assert!(out(p.icdf(at(-0.1)))[0].is_nan() && out(p.isf(at(1.1)))[0].is_nan());
}

#[test]
fn levels_and_coins_have_sums_of_masses() {
    for l in [-3.0, 0.0, 2.5] {
        sums_of_masses(&Bernoulli::new(column(&[l], DType::F64)), &[0.0, 1.0]);
    }
    let one = |v: f64| column(&[v], DType::F64);
    for (mean, log_scale) in [(0.3, -2.0), (1.2, -1.0), (-0.4, 0.5)] {
        let p = DiscretisedLogistic::new(one(mean), one(log_scale), 6);
        sums_of_masses(&p, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    }
}

#[test]
fn a_mixture_has_the_weighted_distribution_functions() {
    let row = |v: [f64; 2]| column(&v, DType::F64).reshape([1, 2]);
    let parts = Laplace::new(row([-1.0, 2.0]), row([0.5, 1.5])).unwrap();
    let mixture = Mixture::<_, 2, 2>::new(row([1.0, 3.0]).log(), parts);
    let x = column(&[-30.0, 0.0, 40.0], DType::F64);
    let laplace =
        |m: f64, s: f64| Laplace::new(column(&[m], DType::F64), column(&[s], DType::F64)).unwrap();
    let (a, b) = (laplace(-1.0, 0.5), laplace(2.0, 1.5));
    let lower = host(a.cdf(x.clone()) * 0.25 + b.cdf(x.clone()) * 0.75);
    let upper = host(a.survival(x.clone()) * 0.25 + b.survival(x.clone()) * 0.75);
    crate::table::assert_close("cdf", &host::<1>(mixture.cdf(x.clone())), &lower, F64);
    crate::table::assert_close("survival", &host::<1>(mixture.survival(x)), &upper, F64);
}

#[test]
fn outside_the_support_the_density_is_zero() {
    let one = || column(&[2.0], DType::F32);
    let at = |x: f64| column(&[x], DType::F32);
    let zero = |log_prob: Tensor<1>| assert_eq!(host(log_prob), [f64::NEG_INFINITY]);
    zero(Exponential::new(one()).unwrap().log_prob(at(-1.0)));
    zero(Gamma::new(one(), one()).unwrap().log_prob(at(-1.0)));
    zero(Beta::new(one(), one()).unwrap().log_prob(at(1.5)));
    zero(Uniform::new(at(0.0), one()).unwrap().log_prob(at(2.5)));
    zero(Poisson::new(one()).unwrap().log_prob(at(1.5)));
    zero(Binomial::new(one(), one()).unwrap().log_prob(at(3.0)));
    zero(Geometric::new(one()).unwrap().log_prob(at(-1.0)));
    zero(Pareto::new(one(), one()).unwrap().log_prob(at(1.0)));
    zero(TruncatedNormal::new(one(), one(), at(0.0), one()).unwrap().log_prob(at(3.0)));
    // A NaN is not hidden.
    assert!(host(Gamma::new(one(), one()).unwrap().log_prob(at(f64::NAN)))[0].is_nan());
}

#[test]
fn parameters_outside_their_domain_are_named_with_their_place() {
    let t = |x: &[f64]| column(x, DType::F32);
    let error = Beta::new(t(&[1.0, 2.0]), t(&[3.0, -0.5])).unwrap_err();
    assert_eq!((error.distribution, error.parameter, error.index), ("Beta", "beta", 1));
    assert_eq!(error.got, -0.5);
    let error = Binomial::new(t(&[2.5]), t(&[0.0])).unwrap_err();
    assert!(error.to_string().contains("an integer of at least 0, got 2.5"), "{error}");
    assert!(StudentT::new(t(&[1.0]), t(&[f64::INFINITY]), t(&[1.0])).is_err());
    assert!(TruncatedNormal::new(t(&[0.0]), t(&[1.0]), t(&[f64::NEG_INFINITY]), t(&[1.0])).is_ok());
    assert!(TruncatedNormal::new(t(&[0.0]), t(&[1.0]), t(&[1.0]), t(&[1.0])).is_err());
    assert!(Uniform::new(t(&[1.0]), t(&[1.0])).is_err());
}
