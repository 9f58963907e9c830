//! Log-densities in one pass.

use super::*;
use burn::tensor::Int;

#[test]
fn normal_densities() {
    let mut source = Source::new();
    for dims in [[3, 5], [173, 211]] {
        let [x, m, v] = [0, 1, 2].map(|_| source.leaf(dims));
        let (x, m, v) = (&x, &m, &v);
        let square = (x.clone() - m.clone()).square();
        let ln_2pi = (2.0 * std::f64::consts::PI).ln();
        let theirs = (square * v.clone().neg().exp() + v.clone() + ln_2pi) * -0.5;
        let ours = ops::normal_log_density(x.clone(), m.clone(), v.clone());
        assert_equal!("normal", ours, theirs, x, m, v);
        // Shapes that broadcast.
        let one = &m.clone().slice(0..1).detach().require_grad();
        let square = (x.clone() - one.clone()).square();
        let theirs = (square * v.clone().neg().exp() + v.clone() + ln_2pi) * -0.5;
        let ours = ops::normal_log_density(x.clone(), one.clone(), v.clone());
        assert_equal!("normal", ours, theirs, x, one, v);
    }
}

/// Shapes 1 and 2 have no gamma function: `ln rate - rate x`, and that with `ln(rate x)`.
#[test]
fn gamma_densities() {
    let device = device();
    let n = 20_001;
    let x: Vec<f32> = (0..n).map(|i| 1e-3 * (i as f32 - 2.0)).collect();
    let of = |v: Vec<f32>| Tensor::<1>::from_floats(v.as_slice(), &device);
    let rate = of((0..n).map(|i| 0.5 + (i % 7) as f32).collect());
    let x = of(x);
    let product = host(x.clone() * rate.clone());
    for shape in [1.0, 2.0] {
        let a = of(vec![shape; n]);
        // What the vector form does not reach is marked.
        let got = ops::gamma_log_density(&x, &a, &rate, |x, _, _| 1e6 + x.signum());
        let Some(got) = got else { continue };
        for (i, got) in host(got).into_iter().enumerate() {
            let (y, r) = (product[i], (0.5 + (i % 7) as f64).ln());
            let expected = match i {
                0 | 1 => 1e6 - 1.0,
                2 => 1e6 + 1.0,
                _ => r - y + (shape as f64 - 1.0) * y.ln(),
            };
            assert!(
                (got - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{i}: {got} {expected}"
            );
        }
    }
    let tracked = x.clone().detach();
    assert!(ops::gamma_log_density(&tracked, &of(vec![1.0; 3]), &rate, |_, _, _| 0.0).is_none());
}

#[test]
fn one_place_of_a_softmax() {
    let mut source = Source::new();
    for [n, k] in [[3, 5], [700, 16], [300, 45]] {
        let x: Tensor<2> = source.leaf([n, k]).detach() * 5.0;
        let index: Vec<i32> = (0..n).map(|i| ((i * 7 + 1) % k) as i32).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [n]), &x.device());
        let all = activation::log_softmax(x.clone(), 1);
        let theirs: Tensor<1> = all.gather(1, index.clone().unsqueeze_dim(1)).squeeze_dim(1);
        if let Some(ours) = ops::log_softmax_at(&x, &index) {
            let d = difference(&ours, &theirs);
            assert!(d < TOLERANCE, "{n} {k}: {d}");
        }
    }
}

#[test]
fn squares_of_whitened_rows() {
    let mut source = Source::new();
    for [n, d] in [[3, 5], [700, 64], [257, 3]] {
        let (x, inverse) = (source.leaf([n, d]).detach(), source.leaf([d, d]).detach());
        for rows in [1, n] {
            let mean = source.leaf([rows, d]).detach();
            let difference_of = x.clone() - mean.clone();
            let white = difference_of.matmul(inverse.clone().transpose());
            let theirs: Tensor<1> = white.square().sum_dim(1).squeeze_dim(1);
            if let Some(ours) = ops::whitened_square(&x, &mean, &inverse) {
                let d = difference(&ours, &theirs);
                assert!(d < TOLERANCE, "{n} {rows}: {d}");
            }
        }
    }
}

#[test]
fn splines() {
    // Both sides round: quotients of quotients in single precision, each within 2e-5 of double precision
    // (seen in NumPy for ours); the largest difference seen is 3.1e-5.
    const SPLINES: f64 = 6e-5;
    use pyrogen_core::bijection::{Bijection, RationalQuadratic, SplineEnds};
    let mut source = Source::new();
    // More than one piece, and a length that no vector divides.
    for (n, bins, ends) in
        [(5, 2, SplineEnds::Linear), (601, 6, SplineEnds::Linear), (40, 5, SplineEnds::Circular)]
    {
        let circular = ends == SplineEnds::Circular;
        let shape =
            ops::SplineShape { bins, bound: 3.0, circular, most_size: 7.0, most_slope: 50.0 };
        let x = source.leaf([n, 2]) * 1.2;
        let x = if circular { x.clamp(-2.9, 2.9) } else { x };
        let x = &x.detach().require_grad();
        let p = &source.leaf([n, 2, shape.parameters()]);
        let part = |from: usize, to: usize, most: f64| {
            let p = p.clone().narrow(2, from, to - from);
            p.clone() / (p.abs() / most + 1.0)
        };
        // Anew for each pass backward, which uses up what went before it.
        let composed = |inverse: bool| -> [Tensor<2>; 2] {
            let spline = RationalQuadratic::new(
                part(0, bins, 7.0),
                part(bins, 2 * bins, 7.0),
                part(2 * bins, shape.parameters(), 50.0),
                3.0,
                ends,
            );
            let (y, log_slope) =
                if inverse { spline.inverse(x.clone()) } else { spline.forward(x.clone()) };
            [y, log_slope]
        };
        for (inverse, which) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            let Some(ours) = ops::spline(x, p, shape, inverse) else { continue };
            let (ours, theirs) = (ours[which].clone(), composed(inverse)[which].clone());
            let name = ["spline", "slope of a spline"][which];
            assert_equal!(within SPLINES; name, ours, theirs, x, p);
        }
    }
}
