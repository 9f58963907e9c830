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
