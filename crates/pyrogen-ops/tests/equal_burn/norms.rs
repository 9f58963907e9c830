//! Normalisations.

use super::*;

fn group_norm(x: Tensor<4>, groups: usize, gamma: Tensor<1>, beta: Tensor<1>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let x = x.reshape([n * groups, c / groups * h * w]);
    let mean = x.clone().mean_dim(1);
    let var = (x.clone() - mean.clone()).powi_scalar(2).mean_dim(1);
    let x = ((x - mean) / (var + 1e-5).sqrt()).reshape([n, c, h, w]);
    x * gamma.reshape([1, c, 1, 1]) + beta.reshape([1, c, 1, 1])
}

#[test]
fn group_normalisation() {
    let mut source = Source::new();
    for (dims, groups) in [([2, 6, 5, 3], 3), ([3, 8, 16, 16], 1), ([1, 4, 1, 1], 2)] {
        let x = &(source.leaf(dims) * 2.0 + 5.0).detach().require_grad();
        let (gamma, beta) = (&source.leaf([dims[1]]), &source.leaf([dims[1]]));
        let theirs = || group_norm(x.clone(), groups, gamma.clone(), beta.clone());
        let ours = ops::group_norm(x.clone(), groups, gamma.clone(), beta.clone(), 1e-5);
        assert_equal!("group_norm", ours, theirs(), x, gamma, beta);
        let ours = ops::group_norm_silu(x.clone(), groups, gamma.clone(), beta.clone(), 1e-5);
        assert_equal!("group_norm_silu", ours, activation::silu(theirs()), x, gamma, beta);
    }
}

/// Rounded numbers around a mean that is thousands of deviations away, against f64.
#[test]
fn group_normalisation_far_from_zero() {
    let device = device();
    let (n, c, size, groups) = (2, 4, 35, 2);
    for mean in [0.0, 1e2, -1e3, 1e4, 1e5f32] {
        let value = |i: usize| mean + ((i * 7919 % 101) as f32 - 50.0) / 30.0;
        let x: Vec<f32> = (0..n * c * size).map(value).collect();
        let line = |scale: f32| (0..c).map(|i| 0.5 + scale * i as f32).collect::<Vec<f32>>();
        let (gamma, beta) = (line(0.3), line(-0.2));
        let tensor = |v: &[f32]| Tensor::<1>::from_floats(v, &device);
        let ours = ops::group_norm(
            tensor(&x).reshape([n, c, 5, 7]),
            groups,
            tensor(&gamma),
            tensor(&beta),
            1e-5,
        );
        let got = host(ours);
        let group = c / groups * size;
        for (g, x) in x.chunks(group).enumerate() {
            let sum = |f: &dyn Fn(f64) -> f64| x.iter().map(|&v| f(f64::from(v))).sum::<f64>();
            let m = sum(&|v| v) / group as f64;
            let deviation = (sum(&|v| (v - m).powi(2)) / group as f64 + 1e-5).sqrt();
            // The mean, its product and the sum are rounded to f32, each by half a unit of the mean.
            let rounding = 1e-6 + 2.0 * f64::from(f32::EPSILON) * m.abs() / deviation;
            for (i, &v) in x.iter().enumerate() {
                let channel = g % groups * (c / groups) + i / size;
                let (gamma, beta) = (f64::from(gamma[channel]), f64::from(beta[channel]));
                let expected = (f64::from(v) - m) / deviation * gamma + beta;
                let got = got[g * group + i];
                assert!((got - expected).abs() <= rounding * 2.0, "{mean}: {got} {expected}");
            }
        }
    }
}

#[test]
fn batch_normalisation() {
    let mut source = Source::new();
    for (dims, slope) in [([3, 4, 5, 3], 0.2), ([5, 2, 16, 16], 1.0), ([7, 3, 1, 1], 0.0)] {
        let [n, c, ..] = dims;
        let x = &(source.leaf(dims) * 2.0 + 5.0).detach().require_grad();
        for rows in [1, n] {
            let (gamma, beta) = (&source.leaf([rows, c]), &source.leaf([rows, c]));
            let over = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
            let centred = x.clone() - over(x.clone());
            let var = over(centred.clone().square());
            let each = |p: &Tensor<2>| p.clone().reshape([rows, c, 1, 1]);
            let theirs = centred / (var.clone() + 1e-5).sqrt() * each(gamma) + each(beta);
            let theirs = activation::leaky_relu(theirs, slope);
            let ours = ops::batch_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5, slope);
            let mean = over(x.clone()).detach().reshape([c]);
            assert!(difference(&ours.mean, &mean) < TOLERANCE);
            assert!(difference(&ours.variance, &var.detach().reshape([c])) < TOLERANCE);
            assert_equal!("batch_norm", ours.output, theirs, x, gamma, beta);
            let [mean, var] = [ours.mean + 0.5, ours.variance * 2.0];
            let shaped = |t: &Tensor<1>| t.clone().reshape([1, c, 1, 1]);
            let theirs = (x.clone() - shaped(&mean)) / (shaped(&var) + 1e-5).sqrt();
            let theirs = activation::leaky_relu(theirs * each(gamma) + each(beta), slope);
            let (gamma_, beta_) = (gamma.clone(), beta.clone());
            let ours = ops::batch_norm_by(x.clone(), [mean, var], gamma_, beta_, 1e-5, slope);
            assert_equal!("batch_norm_by", ours, theirs, x, gamma, beta);
        }
    }
}

#[test]
fn layer_normalisation() {
    let mut source = Source::new();
    for dims in [[2, 3, 5], [3, 67, 96]] {
        let x = &(source.leaf(dims) * 2.0 - 3.0).detach().require_grad();
        let (gamma, beta) = (&source.leaf([dims[2]]), &source.leaf([dims[2]]));
        let centred = x.clone() - x.clone().mean_dim(2);
        let var = centred.clone().powi_scalar(2).mean_dim(2);
        let theirs =
            centred / (var + 1e-5).sqrt() * gamma.clone().unsqueeze() + beta.clone().unsqueeze();
        let ours = ops::layer_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5);
        assert_equal!("layer_norm", ours, theirs, x, gamma, beta);
    }
}

#[test]
fn rms_norms() {
    let mut source = Source::new();
    for dims in [[2, 3, 5], [3, 70, 33]] {
        let x = &source.leaf(dims);
        let gamma = &source.leaf([dims[2]]);
        let mean = (x.clone() * x.clone()).mean_dim(2);
        let theirs = x.clone() / (mean + 1e-5).sqrt() * gamma.clone().unsqueeze();
        assert_equal!("rms_norm", ops::rms_norm(x.clone(), gamma.clone(), 1e-5), theirs, x, gamma);
    }
}

#[test]
fn query_key_norms() {
    let mut source = Source::new();
    // With and without something behind the keys; one and several pieces.
    for ([batch, places], heads, d, behind) in
        [([2, 3], [2, 1], 5, 4), ([3, 37], [4, 4], 32, 128), ([1, 70], [3, 1], 17, 0)]
    {
        let width = (heads[0] + heads[1]) * d + behind;
        let x = &source.leaf([batch, places, width]);
        let (query, key) = (&source.leaf([d]), &source.leaf([d]));
        let part = |gamma: &Tensor<1>, from: usize, count: usize| {
            let x = x.clone().narrow(2, from * d, count * d).reshape([batch, places, count, d]);
            let mean = (x.clone() * x.clone()).mean_dim(3);
            let y = x / (mean + 1e-5).sqrt() * gamma.clone().unsqueeze();
            y.reshape([batch, places, count * d])
        };
        let mut parts = vec![part(query, 0, heads[0]), part(key, heads[0], heads[1])];
        if behind > 0 {
            parts.push(x.clone().narrow(2, width - behind, behind));
        }
        let theirs = Tensor::cat(parts, 2);
        let scales = [query.clone(), key.clone()];
        let ours = ops::query_key_norm(x.clone(), scales, heads, 1e-5);
        assert_equal!("query_key_norm", ours, theirs, x, query, key);
    }
}
