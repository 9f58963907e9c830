//! Special functions against mpmath: the arrays of `scripts/reference_special.py`.

use burn::tensor::{DType, Tensor};
use pyrogen_core::special::{self, host};
use serde_json::Value;

use crate::table::{F64, Tolerance, assert_close, both, host as values, leaf};

/// What `special`'s table states, with a margin of two.
const STATED: f64 = 2e-12;
/// Derivatives by a shape: sums of a series' derivatives.
const SLOPE: f64 = 1e-8;

fn rows(name: &str) -> Vec<Vec<f64>> {
    let all: Value = serde_json::from_str(include_str!("../fixtures/special.json")).unwrap();
    let rows = all[name].as_array().unwrap();
    let numbers = |r: &Value| r.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    rows.iter().map(numbers).collect()
}

/// Compares `f` of the first arguments of each row with the number at `result`.
fn check(name: &str, result: usize, t: Tolerance, f: impl Fn(&[f64]) -> f64) {
    let rows = rows(name);
    let got: Vec<f64> = rows.iter().map(|r| f(r)).collect();
    let expected: Vec<f64> = rows.iter().map(|r| r[result]).collect();
    assert_close(&format!("{name} {result}"), &got, &expected, t);
}

fn near(relative: f64) -> Tolerance {
    F64.relative(relative)
}

#[test]
fn gamma_functions() {
    check("lgamma", 1, near(1e-14), |r| host::lgamma(r[0]));
    check("lgamma", 2, near(1e-14).absolute(2e-16), |r| host::digamma(r[0]));
    check("lgamma", 3, near(1e-14), |r| host::trigamma(r[0]));
    check("lbeta", 2, near(1e-14), |r| host::lbeta(r[0], r[1]));
    check("deviance", 2, near(1e-14), |r| host::deviance(r[0], r[1]));
}

#[test]
fn error_functions() {
    check("log_ndtr", 1, near(1e-13), |r| host::log_ndtr(r[0]));
    check("log_ndtr", 2, near(1e-12), |r| host::log_ndtr_slope(r[0]));
    check("erfcx", 1, near(1e-14), |r| host::erfcx(r[0]));
    check("erfinv", 1, near(1e-14), |r| host::erfinv(r[0]));
    check("log1mexp", 1, near(1e-14), |r| host::log1mexp(r[0]));
    for x in [-1e5, -50.0, -38.0, -34.0, -5.0, 0.0, 3.0] {
        let back = host::log_ndtri(host::log_ndtr(x));
        assert!((back - x).abs() < 1e-12 * (1.0 + f64::abs(x)), "{x}: {back}");
    }
}

#[test]
fn incomplete_functions() {
    check("gammainc", 2, near(STATED), |r| host::gammainc(r[0], r[1]).0);
    check("gammainc", 3, near(STATED), |r| host::gammainc(r[0], r[1]).1);
    check("gammainc", 4, near(1e-10), |r| host::gammainc_slope(r[0], r[1]));
    check("gammainc", 5, near(STATED), |r| host::gamma_density(r[0], r[1]));
    check("betainc", 3, near(STATED), |r| host::betainc(r[0], r[1], r[2], 1.0 - r[2]).0);
    check("betainc", 4, near(STATED), |r| host::betainc(r[0], r[1], r[2], 1.0 - r[2]).1);
    for k in 0..3 {
        let slope = |r: &[f64]| host::betainc_slopes(r[0], r[1], r[2], 1.0 - r[2])[k];
        check("betainc", 5 + k, near(1e-10), slope);
    }
    check("student", 2, near(STATED), |r| host::student_t_survival(r[0], r[1]));
    for k in 0..2 {
        let slope = |r: &[f64]| host::student_t_survival_slopes(r[0], r[1])[k];
        check("student", 3 + k, near(SLOPE), slope);
    }
}

#[test]
fn inverses_of_incomplete_functions() {
    let inside = |p: f64, q: f64| p.min(q) > 1e-300;
    for r in rows("gammainc") {
        if inside(r[2], r[3]) {
            let z = host::gammainc_inverse(r[0], r[2], r[3]);
            assert!((z - r[1].ln()).abs() < STATED * (1.0 + r[1].ln().abs()), "{r:?}: {z}");
        }
    }
    for r in rows("betainc") {
        if inside(r[3], r[4]) {
            let (z, expected) =
                (host::betainc_inverse(r[0], r[1], r[3], r[4]), (r[2] / (1.0 - r[2])).ln());
            assert!(
                (z - expected).abs() < STATED * (1.0 + expected.abs()),
                "{r:?}: {z} {expected}"
            );
        }
    }
    for r in rows("von_mises") {
        let x = host::von_mises_quantile(r[0], r[2], r[3]);
        assert!((x - r[1]).abs() < STATED * (1.0 + r[1].abs()), "{r:?}: {x}");
    }
}

#[test]
fn bessel_functions_and_von_mises() {
    check("bessel", 2, near(1e-13), |r| host::log_bessel_i(r[0], r[1]));
    check("bessel", 3, near(1e-14), |r| host::bessel_ratio(r[0], r[1]));
    check("von_mises", 2, near(STATED), |r| host::von_mises_cdf(r[0], r[1]).0);
    check("von_mises", 3, near(STATED), |r| host::von_mises_cdf(r[0], r[1]).1);
    // At 0 the slope is 0, where half the circle's parts cancel.
    let t = near(1e-10).absolute(1e-15);
    check("von_mises", 4, t, |r| host::von_mises_cdf_slope(r[0], r[1]));
}

/// A tensor function against the host's, with its gradient against central differences.
fn check_tensor<const K: usize>(
    name: &str,
    points: &[[f64; K]],
    f: impl Fn([Tensor<1>; K]) -> Tensor<1>,
    reference: impl Fn([f64; K]) -> f64,
) {
    /// A central difference of step 1e-5 loses ten digits of the function's sixteen, and its own error is
    /// of order 1e-10.
    const DIFFERENCE: Tolerance = F64.relative(2e-6).absolute(1e-8);
    let columns: [Vec<f64>; K] = std::array::from_fn(|k| points.iter().map(|p| p[k]).collect());
    for (dtype, t) in both() {
        let args = columns.each_ref().map(|c| leaf(c, dtype));
        let y = f(args.clone());
        let inputs: Vec<[f64; K]> = (0..points.len())
            .map(|i| std::array::from_fn(|k| values(args[k].clone())[i]))
            .collect();
        let exact: Vec<f64> = inputs.iter().map(|&p| reference(p)).collect();
        assert_close(name, &values(y.clone()), &exact, t);
        let grads = y.sum().backward();
        for k in 0..K {
            let slope = |p: [f64; K]| {
                let h = 1e-5 * p[k].abs().max(1e-3);
                let at = |d: f64| {
                    reference(std::array::from_fn(|j| p[j] + if j == k { d } else { 0.0 }))
                };
                (at(h) - at(-h)) / (2.0 * h)
            };
            let slopes: Vec<f64> = inputs.iter().map(|&p| slope(p)).collect();
            let t = if dtype == DType::F64 { DIFFERENCE } else { DIFFERENCE.relative(1e-5) };
            let got = values(args[k].grad(&grads).expect("a gradient"));
            assert_close(&format!("{name} by {k}"), &got, &slopes, t);
        }
    }
}

#[test]
fn functions_of_tensors_have_their_gradients() {
    let line: Vec<[f64; 1]> = [0.03, 0.7, 1.0, 3.5, 40.0].map(|x| [x]).to_vec();
    check_tensor("lgamma", &line, |[x]| special::lgamma(x), |[x]| host::lgamma(x));
    check_tensor("digamma", &line, |[x]| special::digamma(x), |[x]| host::digamma(x));
    check_tensor("log1mexp", &line, |[x]| special::log1mexp(x), |[x]| host::log1mexp(x));
    check_tensor(
        "bessel",
        &line,
        |[x]| special::log_bessel_i0(x),
        |[x]| host::log_bessel_i(0.0, x),
    );
    check_tensor("ratio", &line, |[x]| special::bessel_ratio(x), |[x]| host::bessel_ratio(0.0, x));
    let signed: Vec<[f64; 1]> = [-3.0, -0.5, 0.01, 0.7, 2.5].map(|x| [x]).to_vec();
    check_tensor("erf", &signed, |[x]| special::erf(x), |[x]| host::erf(x));
    check_tensor("erfc", &signed, |[x]| special::erfc(x), |[x]| host::erfc(x));
    check_tensor("ndtr", &signed, |[x]| special::ndtr(x), |[x]| host::ndtr(x));
    check_tensor("log_ndtr", &signed, |[x]| special::log_ndtr(x), |[x]| host::log_ndtr(x));
    let unit: Vec<[f64; 1]> = [0.01, 0.3, 0.5, 0.9].map(|x| [x]).to_vec();
    check_tensor("erfinv", &unit, |[x]| special::erfinv(x), |[x]| host::erfinv(x));
    check_tensor("ndtri", &unit, |[x]| special::ndtri(x), |[x]| host::ndtri(x));
    let pairs = [[0.1, 0.4], [2.0, 3.0], [5.0, 1.0], [30.0, 25.0]];
    check_tensor("lbeta", &pairs, |[a, b]| special::lbeta(a, b), |[a, b]| host::lbeta(a, b));
    check_tensor(
        "gammainc",
        &pairs,
        |[a, x]| special::gammainc(a, x),
        |[a, x]| host::gammainc(a, x).0,
    );
    check_tensor(
        "gammaincc",
        &pairs,
        |[a, x]| special::gammaincc(a, x),
        |[a, x]| host::gammainc(a, x).1,
    );
    let triples = [[0.5, 0.7, 0.25], [2.0, 3.0, 0.5], [30.0, 20.0, 0.625]];
    check_tensor(
        "betainc",
        &triples,
        |[a, b, x]| special::betainc(a, b, x),
        |[a, b, x]| host::betainc(a, b, x, 1.0 - x).0,
    );
}
