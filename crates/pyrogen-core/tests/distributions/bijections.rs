//! Bijections: the inverse leads back, log-determinants are those of Jacobians by autodiff, densities
//! integrate to one.

use burn::tensor::{DType, Tensor, activation::softmax};
use pyrogen_core::bijection::*;
use pyrogen_core::distribution::*;
use pyrogen_core::{Noise, Seed};

use crate::table::{F64, Tolerance, assert_close, column, full, host};

/// There and back: roundings of both ways, which steep maps make larger.
const BACK: Tolerance = F64.relative(1e-9).absolute(1e-9);

fn rows<const D: usize>(values: &[f64], shape: [usize; D]) -> Tensor<D> {
    full(values, shape, DType::F64)
}

/// Normal numbers, the same in each precision to its rounding.
fn numbers<const D: usize>(label: &str, shape: [usize; D], dtype: DType) -> Tensor<D> {
    let values = Noise::new(Seed(5)).fork(label).normal_vec(shape.iter().product());
    full(&values, shape, dtype)
}

fn normal<const D: usize>(label: &str, shape: [usize; D]) -> Tensor<D> {
    numbers(label, shape, DType::F64)
}

/// A map of numbers: back to where it came from, and the logarithm of the slope.
fn check_numbers(name: &str, map: &dyn Bijection<1, 1, 1>, at: &[f64]) {
    let x = column(at, DType::F64).require_grad();
    let (y, log_det) = map.forward(x.clone());
    let values = host(y.clone());
    let slopes = host(x.grad(&y.sum().backward()).expect("a gradient"));
    let logs: Vec<f64> = slopes.iter().map(|s| s.abs().ln()).collect();
    assert_close(&format!("{name} log_det"), &host(log_det.clone()), &logs, BACK);
    let (back, inverse) = map.inverse(column(&values, DType::F64));
    assert_close(&format!("{name} back"), &host(back), at, BACK);
    let sum: Vec<f64> = host(log_det).iter().map(|l| -l).collect();
    assert_close(&format!("{name} inverse log_det"), &host(inverse), &sum, BACK);
}

type Map = (&'static str, Box<dyn Bijection<1, 1, 1>>, Vec<f64>);

/// Maps of numbers, each with places to look at.
fn maps(dtype: DType) -> Vec<Map> {
    let real = [-9.0, -2.0, -0.3, 0.0, 0.7, 3.0, 9.0];
    let positive = [1e-6, 0.3, 1.0, 4.0, 50.0];
    let unit = [1e-6, 0.2, 0.5, 0.999];
    let one = |x: f64| column(&[x], dtype);
    let chain = Chain::<1, 1>::new(vec![Box::new(Sigmoid), Box::new(Inverse(Tanh))]);
    let spline = |ends, slopes| {
        let [w, h, s] = [("widths", 6), ("heights", 6), ("slopes", slopes)]
            .map(|(label, n)| numbers(label, [1, n], dtype) * 2.0);
        RationalQuadratic::new(w, h, s, 3.0, ends)
    };
    vec![
        ("identity", Box::new(Identity), real.to_vec()),
        ("affine", Box::new(Affine { shift: one(2.0), scale: one(-3.0) }), real.to_vec()),
        ("exp", Box::new(Exp), real.to_vec()),
        ("log", Box::new(Log), positive.to_vec()),
        ("softplus", Box::new(Softplus), real.to_vec()),
        ("sigmoid", Box::new(Sigmoid), real.to_vec()),
        ("logit", Box::new(Logit), unit.to_vec()),
        ("tanh", Box::new(Tanh), real[1..6].to_vec()),
        ("power", Box::new(Power { exponent: -0.7 }), positive.to_vec()),
        ("between", Box::new(Between { low: one(-2.0), high: one(7.0) }), real.to_vec()),
        ("inverse", Box::new(Inverse(Exp)), positive.to_vec()),
        ("compose", Box::new(Compose::<_, _, 1>::new(Exp, Softplus)), real[..6].to_vec()),
        ("chain", Box::new(chain), real[1..6].to_vec()),
        (
            "spline",
            Box::new(spline(SplineEnds::Linear, 5)),
            vec![-7.0, -2.99, -1.0, 0.1, 2.5, 2.99, 8.0],
        ),
        ("circle", Box::new(spline(SplineEnds::Circular, 6)), vec![-2.99, -1.0, 0.1, 2.5, 2.99]),
    ]
}

#[test]
fn maps_of_numbers() {
    for (name, map, at) in maps(DType::F64) {
        check_numbers(name, &*map, &at);
    }
}

/// Roundings of an input of up to 50 and of the parameters.
const SINGLE: Tolerance = F64.relative(2e-5).absolute(2e-5);

#[test]
fn maps_in_single_precision_are_near_those_in_double() {
    for ((name, single, at), (_, double, _)) in maps(DType::F32).into_iter().zip(maps(DType::F64)) {
        let (y, log_det) = single.forward(column(&at, DType::F32));
        let (expected, expected_log_det) = double.forward(column(&at, DType::F64));
        assert_close(name, &host(y), &host(expected), SINGLE);
        assert_close(name, &host(log_det), &host(expected_log_det), SINGLE);
    }
}

/// Far away the determinant's logarithm is right where the slope has vanished.
#[test]
fn log_determinants_do_not_underflow() {
    let x = column(&[-800.0, 800.0], DType::F64);
    assert_close("sigmoid", &host(Sigmoid.forward(x.clone()).1), &[-800.0; 2], F64);
    let tanh = 4f64.ln() - 1600.0;
    assert_close("tanh", &host(Tanh.forward(x).1), &[tanh; 2], F64);
}

/// The circle's ends are one point of one slope.
#[test]
fn a_circular_spline_is_smooth_across_its_ends() {
    let p = |label: &str| normal(label, [1, 5]);
    let spline = RationalQuadratic::new(p("w"), p("h"), p("s"), 3.0, SplineEnds::Circular);
    let (y, log_det) = spline.forward(column(&[-3.0, 3.0], DType::F64));
    assert_close("ends", &host(y), &[-3.0, 3.0], BACK);
    let log_det = host(log_det);
    assert!((log_det[0] - log_det[1]).abs() < 1e-9, "{log_det:?}");
}

/// At its ends and knots rounding has a number a little outside of its bin; one beyond the ends of a bin with
/// steep and flat slopes would have no logarithm.
#[test]
fn splines_have_a_slope_at_every_knot() {
    let (device, rows, bins) = (pyrogen_testkit::device(), 500, 4);
    let draw = |columns: usize, seed: u64| -> Tensor<2> {
        let normal: Tensor<2> = Noise::new(Seed(seed)).normal([rows, columns], &device);
        normal * 20.0
    };
    let (widths, heights) = (draw(bins, 1), draw(bins, 2));
    let spline = RationalQuadratic::new(
        widths.clone(),
        heights.clone(),
        draw(bins - 1, 3),
        3.0,
        SplineEnds::Linear,
    );
    let ends = |sizes: Tensor<2>| {
        let shares = softmax(sizes, 1) * (1.0 - 1e-3 * bins as f64) + 1e-3;
        shares.cumsum(1) * 6.0 - 3.0
    };
    let edge = |sign: f64| Tensor::<1>::full([rows], 3.0 * sign, &device);
    let knots = |sizes: Tensor<2>, k: usize| ends(sizes).narrow(1, k, 1).reshape([rows]);
    for (inverse, sizes) in [(false, widths), (true, heights)] {
        let inner = (0..bins - 1).map(|k| knots(sizes.clone(), k));
        for at in inner.chain([edge(-1.0), edge(1.0)]) {
            let (to, log_det) = if inverse { spline.inverse(at) } else { spline.forward(at) };
            assert!(host(log_det).into_iter().all(f64::is_finite), "{inverse}");
            assert!(host(to).into_iter().all(|v| v.abs() <= 3.0 + 1e-5), "{inverse}");
        }
    }
}

/// The logarithm of the determinant's size, by elimination.
fn log_det(mut a: Vec<f64>, n: usize) -> f64 {
    let mut sum = 0.0;
    for k in 0..n {
        let pivot =
            (k..n).max_by(|&i, &j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs())).unwrap();
        for j in 0..n {
            a.swap(k * n + j, pivot * n + j);
        }
        sum += a[k * n + k].abs().ln();
        for i in k + 1..n {
            let factor = a[i * n + k] / a[k * n + k];
            for j in k..n {
                a[i * n + j] -= factor * a[k * n + j];
            }
        }
    }
    sum
}

/// A map of vectors: back, and the determinant of the Jacobian by autodiff, of the results at `free`.
fn check_vectors(name: &str, map: &dyn Bijection<2, 2, 1>, x: &Tensor<2>, free: &[usize]) {
    let [batch, n] = x.dims();
    assert_eq!(free.len(), n);
    let leaf = x.clone().require_grad();
    let (y, logs) = map.forward(leaf.clone());
    let width = y.dims()[1];
    let (back, inverse) = map.inverse(Tensor::from_inner(y.inner()));
    assert_close(&format!("{name} back"), &host(back), &host(x.clone()), BACK);
    let sum: Vec<f64> = host(logs.clone()).iter().map(|l| -l).collect();
    assert_close(&format!("{name} inverse"), &host(inverse), &sum, BACK);
    let mut jacobian = vec![vec![0.0; n * n]; batch];
    for (row, &k) in free.iter().enumerate() {
        assert!(k < width);
        // A graph for each result: a backward pass consumes it.
        let leaf = x.clone().require_grad();
        let y = map.forward(leaf.clone()).0.narrow(1, k, 1);
        let slopes = host(leaf.grad(&y.sum().backward()).expect("a gradient"));
        for (j, slope) in slopes.iter().enumerate() {
            jacobian[j / n][row * n + j % n] = *slope;
        }
    }
    let expected: Vec<f64> = jacobian.into_iter().map(|j| log_det(j, n)).collect();
    assert_close(&format!("{name} log_det"), &host(logs), &expected, BACK);
}

#[test]
fn maps_of_vectors() {
    let x = normal("x", [3, 4]);
    let all = [0, 1, 2, 3];
    check_vectors("independent", &Independent::<_, 1>::new(Tanh), &x, &all);
    check_vectors("permute", &Permute::new(vec![2, 0, 3, 1]), &x, &all);
    check_vectors("stick", &StickBreaking, &x, &all);
    check_vectors("stick far", &StickBreaking, &(x.clone() * 4.0), &all);
    // A conditioner that mixes what it sees.
    let weights = normal("weights", [2, 2]);
    let affine = Coupling::new(2, move |a: Tensor<2>| {
        let h = a.matmul(weights.clone()).tanh();
        Affine { shift: h.clone() * 2.0, scale: (h * 0.5).exp() }
    });
    check_vectors("coupling", &affine, &x, &all);
    let to_bins = normal("bins", [2, 2 * 14]);
    let spline = Coupling::new(2, move |a: Tensor<2>| {
        let rows = a.dims()[0];
        let p: Tensor<3> = a.tanh().matmul(to_bins.clone()).reshape([rows, 2, 14]);
        let part = |from, n| p.clone().narrow(2, from, n);
        RationalQuadratic::new(part(0, 5), part(5, 5), part(10, 4), 2.5, SplineEnds::Linear)
    });
    check_vectors("spline coupling", &spline, &x, &all);
    // Strictly lower weights: an element sees those before it.
    let mask = normal("mask", [4, 4]).triu(1);
    let masked = move |x: Tensor<2>| {
        let h = x.matmul(mask.clone());
        Affine { shift: h.clone().sin(), scale: (h.tanh() * 0.5).exp() }
    };
    check_vectors("autoregressive", &Autoregressive::new(masked.clone()), &x, &all);
    check_vectors("inverse autoregressive", &Inverse(Autoregressive::new(masked)), &x, &all);
    let flow = Chain::<2, 1>::new(vec![
        Box::new(Independent::<_, 1>::new(Softplus)),
        Box::new(Permute::reverse(4)),
        Box::new(Independent::<_, 1>::new(Log)),
    ]);
    check_vectors("flow", &flow, &x, &all);
}

#[test]
fn cholesky_factors() {
    let x = normal("x", [2, 6]);
    let map = CholeskyFactor { n: 3 };
    let (factor, log_det): (Tensor<3>, Tensor<1>) = map.forward(x.clone());
    let (values, logs) = (host(factor.clone()), host(x.clone()));
    for b in 0..2 {
        let at = |i: usize, j: usize| values[b * 9 + i * 3 + j];
        assert_eq!([at(0, 1), at(0, 2), at(1, 2)], [0.0; 3]);
        assert_eq!(
            [at(1, 0), at(2, 0), at(2, 1)],
            [logs[b * 6 + 1], logs[b * 6 + 3], logs[b * 6 + 4]]
        );
        let diagonal = logs[b * 6] + logs[b * 6 + 2] + logs[b * 6 + 5];
        assert!((host(log_det.clone())[b] - diagonal).abs() < 1e-12);
        assert!((at(2, 2) - logs[b * 6 + 5].exp()).abs() < 1e-12);
    }
    let (back, inverse): (Tensor<2>, Tensor<1>) = map.inverse(factor);
    assert_close("back", &host(back), &logs, BACK);
    assert_close("inverse", &host(inverse), &host(log_det.neg()), BACK);
    let shape = Reshape::new(vec![6], vec![2, 3]);
    let (y, zero): (Tensor<3>, Tensor<1>) = shape.forward(x.clone());
    assert_eq!((y.dims(), host(zero)), ([2, 2, 3], vec![0.0; 2]));
    let (back, _): (Tensor<2>, Tensor<1>) = shape.inverse(y);
    assert_eq!(host(back), host(x));
}

#[test]
fn supports_have_maps_that_reach_them() {
    let t = |x: &[f64]| column(x, DType::F64);
    let x = t(&[-30.0, -1.0, 0.0, 2.0, 30.0]);
    let supports = [
        Support::Real,
        Support::Positive,
        Support::NonNegative,
        Support::UnitInterval,
        Support::Interval { low: t(&[-2.0]), high: t(&[5.0]) },
        Support::AtLeast { low: t(&[3.0]) },
        Support::Circle,
    ];
    for support in supports {
        let map = to_support::<1, 1>(&support).unwrap();
        let (y, _) = map.forward(x.clone());
        let inside = support.contains(y.clone()).into_data();
        assert!(inside.iter::<bool>().all(|b| b), "{support:?}: {y}");
        // Within the type's resolution of the ends.
        let (back, _) = map.inverse(y.narrow(0, 1, 3));
        assert_close("back", &host(back), &[-1.0, 0.0, 2.0], BACK);
    }
    let map = to_support::<2, 1>(&Support::Simplex).unwrap();
    let (y, log_det) = map.forward(normal("simplex", [4, 3]));
    assert_eq!((y.dims(), log_det.dims()), ([4, 4], [4]));
    assert!(Support::Simplex.contains(y).into_data().iter::<bool>().all(|b| b));
    let error = to_support::<1, 1>(&Support::Binary).err().unwrap();
    assert_eq!(
        error.to_string(),
        "no bijection leads from real numbers to the discrete support Binary"
    );
    assert!(to_support::<3, 1>(&Support::PositiveDefinite).is_err());
    assert!(to_support::<2, 2>(&Support::Simplex).is_err());
}

/// The density of a transformed variable sums to one over a fine grid.
#[test]
fn densities_of_transformed_variables_integrate_to_one() {
    let p = |label: &str, n: usize| normal(label, [1, n]);
    let spline = RationalQuadratic::new(p("w", 6), p("h", 6), p("s", 5), 3.0, SplineEnds::Linear);
    let base = Normal::new(rows(&[0.0], [1]), rows(&[0.0], [1]));
    let flow = Transformed::<_, _, 1>::new(base, spline);
    let grid: Vec<f64> = (-90_000..=90_000).map(|i| f64::from(i) * 1e-4).collect();
    let log_prob: Tensor<1> = flow.log_prob(column(&grid, DType::F64));
    let total: f64 = host(log_prob.exp()).iter().sum::<f64>() * 1e-4;
    // The slope has corners at the knots, where the rule is of first order.
    assert!((total - 1.0).abs() < 1e-6, "{total}");
    let base = Normal::new(rows(&[0.5], [1]), rows(&[-1.0], [1]));
    let cut = Truncated::new(base, rows(&[0.0], [1]), rows(&[2.0], [1])).unwrap();
    let grid: Vec<f64> = (0..20_000).map(|i| (f64::from(i) + 0.5) * 1e-4).collect();
    let total: f64 = host(cut.log_prob(column(&grid, DType::F64)).exp()).iter().sum::<f64>() * 1e-4;
    assert!((total - 1.0).abs() < 1e-7, "{total}");
}

/// A truncated normal variable is the same from the combinator and from its own file.
#[test]
fn truncation_is_that_of_the_normal_distribution() {
    let t = |x: f64| rows(&[x], [1]);
    for (low, high) in [(-1.0, 2.0), (3.0, 4.0), (-8.0, -7.0)] {
        let cut = Truncated::new(Normal::new(t(0.0), t(0.0)), t(low), t(high)).unwrap();
        let own = TruncatedNormal::new(t(0.0), t(1.0), t(low), t(high)).unwrap();
        let x = column(&[low - 0.1, low + 0.01, 0.5 * (low + high), high - 0.01], DType::F64);
        assert_close(
            "log_prob",
            &host(cut.log_prob(x.clone())),
            &host(own.log_prob(x.clone())),
            BACK,
        );
        assert_close("cdf", &host(cut.cdf(x.clone())), &host(own.cdf(x)), BACK);
        let q = column(&[0.01, 0.5, 0.99], DType::F64);
        assert_close("icdf", &host(cut.icdf(q.clone())), &host(own.icdf(q)), BACK);
    }
}
