//! Densities, distribution functions, moments and entropies against the arrays of
//! `scripts/reference_families.py`, in both precisions; quantiles against distribution functions.

use burn::tensor::{DType, Tensor};
use pyrogen_core::distribution::*;

use crate::table::{F32, F64, Table, Tolerance, assert_close, column, host, leaf};

/// A derivative is a sum of terms of the size of a logarithm or of `x / scale`, which may cancel.
const SLOPES_F64: Tolerance = F64.relative(1e-9).absolute(1e-11);
const SLOPES_F32: Tolerance = F32.absolute(1e-6);

/// Tensor operations in double precision, as on other devices: the same formulas without the fused
/// host functions' care for `exp(x) - 1`.
const TENSORS: Tolerance = F64.relative(1e-9).absolute(1e-11);

/// A moment far in a truncated tail is the difference of numbers about 900 times as large, in which
/// the mass between the bounds has 1e-13.
const DIFFERENCE: Tolerance = F64.relative(1e-9);

fn check_log_prob<P: Distribution<1, 1>>(
    table: &Table,
    names: &[&str],
    dtype: DType,
    make: impl Fn(&[Tensor<1>]) -> P,
) {
    let (tolerance, slopes) =
        if dtype == DType::F64 { (F64, SLOPES_F64) } else { (F32, SLOPES_F32) };
    let parameters: Vec<_> = (0..names.len()).map(|i| leaf(&table.parameter(i), dtype)).collect();
    let value = leaf(&table.values("x"), dtype);
    let p = make(&parameters);
    let log_prob = p.log_prob(value.clone());
    table.check("log_prob", log_prob.clone(), tolerance);
    let grads = log_prob.sum().backward();
    for (name, x) in names.iter().zip(&parameters).chain([(&"value", &value)]) {
        let key = format!("d_{name}");
        if table.has(&key) {
            table.check(&key, x.grad(&grads).expect("a gradient"), slopes);
        }
    }
    // Without a graph the values are the same.
    let plain: Vec<_> = (0..names.len()).map(|i| column(&table.parameter(i), dtype)).collect();
    let again = make(&plain).log_prob(column(&table.values("x"), dtype));
    table.check("log_prob", again, tolerance);
}

fn check_tensor_operations<P: Distribution<1, 1>>(
    table: &Table,
    names: &[&str],
    make: impl Fn(&[Tensor<1>]) -> P,
) {
    let dtype = DType::F64;
    let parameters: Vec<_> = (0..names.len()).map(|i| leaf(&table.parameter(i), dtype)).collect();
    let value = leaf(&table.values("x"), dtype);
    let log_prob = pyrogen_core::in_tensor_arithmetic(|| make(&parameters).log_prob(value.clone()));
    table.check("log_prob", log_prob.clone(), TENSORS);
    let grads = log_prob.sum().backward();
    for (name, x) in names.iter().zip(&parameters).chain([(&"value", &value)]) {
        let key = format!("d_{name}");
        if let (true, Some(grad)) = (table.has(&key), x.grad(&grads)) {
            table.check(&key, grad, TENSORS);
        }
    }
}

/// The quantile is where the distribution function passes the probability.
fn check_quantile<P: Cdf<1> + Quantile<1>>(name: &str, p: &P, rows: usize) {
    const STEP: f64 = 1e-11;
    const SLACK: f64 = 1e-9;
    for q in [1e-30, 1e-10, 0.01, 0.3, 0.5, 0.9] {
        let at = column(&vec![q; rows], DType::F64);
        let (low, high) = (p.icdf(at.clone()), p.isf(at));
        for (what, x, sign) in [("icdf", low, 1.0), ("isf", high, -1.0)] {
            let x = host(x);
            let around = |by: f64| -> Vec<f64> {
                x.iter().map(|x| x + by * sign * (x.abs() * STEP + 1e-300)).collect()
            };
            let of = |x: Vec<f64>| {
                let x = column(&x, DType::F64);
                host(if sign > 0.0 { p.cdf(x) } else { p.survival(x) })
            };
            let (below, above) = (of(around(-1.0)), of(around(1.0)));
            for (i, x) in x.iter().enumerate() {
                assert!(!x.is_nan(), "{name} {what}({q})[{i}] is NaN");
                // A value that under- or overflows has no neighbours.
                if x.is_infinite() || (x.abs() < 1e-290) {
                    continue;
                }
                assert!(
                    below[i] <= q * (1.0 + SLACK) && above[i] >= q * (1.0 - SLACK),
                    "{name} {what}({q})[{i}] = {x}: {} .. {}",
                    below[i],
                    above[i]
                );
            }
        }
    }
}

macro_rules! family {
    ($test:ident, $name:ident[$($parameter:ident $i:literal),*] $($extra:ident)*) => {
        #[test]
        fn $test() {
            let table = Table::new(stringify!($name));
            let names = [$(stringify!($parameter)),*];
            let make = |p: &[Tensor<1>]| $name::new($(p[$i].clone()),*).expect("in the domain");
            for dtype in [DType::F64, DType::F32] {
                check_log_prob(&table, &names, dtype, make);
                let tolerance = if dtype == DType::F64 { F64 } else { F32 };
                let plain: Vec<_> =
                    (0..names.len()).map(|i| column(&table.parameter(i), dtype)).collect();
                let p = make(&plain);
                let _value = column(&table.values("x"), dtype);
                $(family!(@ $extra, table, p, _value, tolerance, names);)*
                let _ = (&p, tolerance);
            }
            check_tensor_operations(&table, &names, make);
        }
    };
    (@ cdf, $table:ident, $p:ident, $value:ident, $t:ident, $n:ident) => {
        $table.check("cdf", $p.cdf($value.clone()), $t);
        $table.check("survival", $p.survival($value.clone()), $t);
    };
    (@ moments, $table:ident, $p:ident, $value:ident, $t:ident, $n:ident) => {
        $table.check("mean", $p.mean(), $t);
        $table.check("variance", $p.variance(), $t);
    };
    (@ rough_moments, $table:ident, $p:ident, $value:ident, $t:ident, $n:ident) => {
        let rough = if $t.relative < 1e-6 { DIFFERENCE } else { $t };
        $table.check("mean", $p.mean(), rough);
        $table.check("variance", $p.variance(), rough);
        $table.check("entropy", $p.entropy(), rough);
    };
    (@ entropy, $table:ident, $p:ident, $value:ident, $t:ident, $n:ident) => {
        // A difference that may pass through zero.
        $table.check("entropy", $p.entropy(), $t.absolute(1e-3 * $t.relative));
    };
    (@ mode, $table:ident, $p:ident, $value:ident, $t:ident, $n:ident) => {
        $table.check("mode", $p.mode(), $t);
    };
    (@ quantile, $table:ident, $p:ident, $value:ident, $t:ident, $n:ident) => {
        if $t.relative < 1e-6 {
            check_quantile(&format!("{:?}", $n), &$p, $table.values("x").len());
        }
    };
}

family!(laplace, Laplace[loc 0, scale 1] cdf moments entropy mode quantile);
family!(logistic, Logistic[loc 0, scale 1] cdf moments entropy mode quantile);
family!(gumbel, Gumbel[loc 0, scale 1] cdf moments entropy mode quantile);
family!(cauchy, Cauchy[loc 0, scale 1] cdf entropy mode quantile);
family!(student_t, StudentT[df 0, loc 1, scale 2] cdf moments entropy mode quantile);
family!(half_cauchy, HalfCauchy[scale 0] cdf entropy mode quantile);
family!(half_normal, HalfNormal[scale 0] cdf moments entropy mode quantile);
family!(log_normal, LogNormal[loc 0, scale 1] cdf moments entropy mode quantile);
family!(exponential, Exponential[rate 0] cdf moments entropy mode quantile);
family!(uniform, Uniform[low 0, high 1] cdf moments entropy quantile);
family!(gamma, Gamma[concentration 0, rate 1] cdf moments entropy mode quantile);
family!(inverse_gamma, InverseGamma[concentration 0, scale 1] cdf moments entropy mode quantile);
family!(chi_squared, ChiSquared[df 0] cdf moments entropy mode quantile);
family!(beta, Beta[alpha 0, beta 1] cdf moments entropy mode quantile);
family!(kumaraswamy, Kumaraswamy[a 0, b 1] cdf moments entropy quantile);
family!(weibull, Weibull[scale 0, concentration 1] cdf moments entropy mode quantile);
family!(pareto, Pareto[scale 0, alpha 1] cdf moments entropy mode quantile);
family!(von_mises, VonMises[loc 0, concentration 1] moments entropy mode quantile);
family!(poisson, Poisson[rate 0] cdf moments mode);
family!(zero_inflated_poisson, ZeroInflatedPoisson[gate 0, rate 1] cdf moments);
family!(binomial, Binomial[total_count 0, logits 1] cdf moments mode);
family!(geometric, Geometric[logits 0] cdf moments entropy mode);
family!(negative_binomial, NegativeBinomial[total_count 0, logits 1] cdf moments mode);
family!(relaxed_bernoulli, RelaxedBernoulli[temperature 0, logits 1] cdf quantile);
family!(truncated_normal, TruncatedNormal[loc 0, scale 1, low 2, high 3] cdf rough_moments mode quantile);

/// `Normal` computes its density by tensor operations in its own type; its distribution function and its
/// quantiles are the host's.
#[test]
fn normal() {
    let table = Table::new("Normal");
    for (dtype, t) in [(DType::F64, F64), (DType::F32, F32)] {
        let [mean, std, x] =
            [table.parameter(0), table.parameter(1), table.values("x")].map(|v| column(&v, dtype));
        let p = Normal::from_std(mean, std);
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
    let full = |v: f64| column(&[v; 3], DType::F64);
    check_quantile("Normal", &Normal::new(full(0.3), full(-1.0)), 3);
}

#[test]
fn geometric_quantiles_are_the_first_count_that_reaches_them() {
    let p = Geometric::new(column(&[0.0, -3.0], DType::F64)).unwrap();
    for k in [0.0, 1.0, 2.0, 7.0] {
        let at = column(&[k, k], DType::F64);
        // At the very mass, and a little above.
        let mass = p.cdf(at.clone());
        assert_close("at", &host(p.icdf(mass.clone())), &[k, k], F64);
        assert_close("above", &host(p.icdf(mass * (1.0 + 1e-9))), &[k + 1.0, k + 1.0], F64);
    }
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
fn parameters_outside_their_domain_are_named() {
    let t = |x: &[f64]| column(x, DType::F32);
    let error = Beta::new(t(&[1.0, 2.0]), t(&[3.0, -0.5])).unwrap_err();
    assert_eq!((error.distribution, error.parameter, error.index), ("Beta", "beta", 1));
    assert_eq!(error.got, -0.5);
    let error = Poisson::new(t(&[f64::NAN])).unwrap_err();
    assert!(error.got.is_nan());
    let error = Binomial::new(t(&[2.5]), t(&[0.0])).unwrap_err();
    assert!(error.to_string().contains("an integer of at least 0, got 2.5"), "{error}");
    assert!(StudentT::new(t(&[1.0]), t(&[f64::INFINITY]), t(&[1.0])).is_err());
    assert!(TruncatedNormal::new(t(&[0.0]), t(&[1.0]), t(&[f64::NEG_INFINITY]), t(&[1.0])).is_ok());
    assert!(TruncatedNormal::new(t(&[0.0]), t(&[1.0]), t(&[1.0]), t(&[1.0])).is_err());
}

#[test]
#[should_panic(expected = "Gamma: shapes [2] and [3] do not broadcast")]
fn shapes_that_do_not_broadcast_panic() {
    Gamma::new_unchecked(column(&[1.0, 1.0], DType::F32), column(&[1.0; 3], DType::F32));
}
