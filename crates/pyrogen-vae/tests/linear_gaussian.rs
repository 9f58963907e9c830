//! A model whose likelihood is known: a linear decoder with Gaussian noise is probabilistic
//! principal component analysis (Tipping and Bishop 1999), `x ~ N(b, W W^T + sigma^2 I)`.

use burn::tensor::{Device, Tensor};
use pyrogen_core::{Condition, Likelihood, Noise, Score, ScoreMethod, ScoreOptions, Seed};
use pyrogen_nn::{Activation, MlpConfig, Network};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, with_weights};
use pyrogen_vae::{Decoder, Scale, Vae, VaeConfig};

const SIGMA: f64 = 0.6;
/// Orthogonal columns, so that the exact posterior is diagonal as the encoder's is.
const W: [[f64; 2]; 3] = [[1.0, 0.5], [1.0, -0.5], [0.5, 0.0]];
const B: [f64; 3] = [0.3, -0.2, 0.1];

/// Log-weights near -5 in f32.
const ROUNDING: f64 = 1e-5;
/// Monte Carlo error of 20,000 draws with a posterior that is too wide; the standard error is
/// asserted to be a fifth of it.
const SAMPLED: f64 = 1e-2;

fn array(shape: &[usize], values: impl IntoIterator<Item = f64>) -> Array {
    Array { shape: shape.to_vec(), values: values.into_iter().map(|v| v as f32).collect() }
}

/// The model with the exact posterior, its standard deviations times `widen`.
fn model(widen: f64, device: &Device) -> Vae {
    let config = VaeConfig {
        event: vec![3],
        latents: 2,
        network: Network::Mlp(MlpConfig { hidden: vec![], activation: Activation::Relu }),
        decoder: Decoder::Gaussian { scale: Scale::Fixed(SIGMA) },
        ..VaeConfig::default()
    };
    // variance_j = 1 / (1 + |w_j|^2 / sigma^2), mean_j = variance_j w_j . (x - b) / sigma^2
    let column = |j: usize| W.map(|row| row[j]);
    let square = |j| column(j).iter().map(|v| v * v).sum::<f64>();
    let variance = [0, 1].map(|j| 1.0 / (1.0 + square(j) / SIGMA.powi(2)));
    let gain = |i: usize, j: usize| variance[j] * W[i][j] / SIGMA.powi(2);
    let weight = (0..3).flat_map(|i| [gain(i, 0), gain(i, 1), 0.0, 0.0]);
    let offset = [0, 1].map(|j| -(0..3).map(|i| gain(i, j) * B[i]).sum::<f64>());
    // The log-variance passes through 15 tanh(raw / 15).
    let raw = variance.map(|v| 15.0 * ((v * widen * widen).ln() / 15.0).atanh());
    let arrays = Arrays::from([
        ("encoder.layers.0.weight".to_string(), array(&[3, 4], weight)),
        ("encoder.layers.0.bias".to_string(), array(&[4], [offset, raw].concat())),
        (
            "decoder.layers.0.weight".to_string(),
            array(&[2, 3], [0, 1].into_iter().flat_map(column)),
        ),
        ("decoder.layers.0.bias".to_string(), array(&[3], B)),
    ]);
    with_weights(config.init(Seed(0), device).unwrap(), &arrays)
}

/// `ln N(x; b, W W^T + sigma^2 I)` by Gaussian elimination.
fn closed_form(x: &[f64; 3]) -> f64 {
    let mut a = [[0.0; 4]; 3];
    for (i, row) in a.iter_mut().enumerate() {
        for j in 0..3 {
            row[j] = W[i][0] * W[j][0] + W[i][1] * W[j][1];
        }
        row[i] += SIGMA.powi(2);
        row[3] = x[i] - B[i];
    }
    let (mut log_det, mut distance) = (0.0, 0.0);
    for k in 0..3 {
        // The covariance is positive definite: pivots are positive, and the squared distance is
        // the sum of squared eliminated residuals over their pivots.
        let pivot = a[k];
        log_det += pivot[k].ln();
        distance += pivot[3].powi(2) / pivot[k];
        for row in a.iter_mut().skip(k + 1) {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(pivot).for_each(|(r, p)| *r -= factor * p);
        }
    }
    -0.5 * (3.0 * (2.0 * std::f64::consts::PI).ln() + log_det + distance)
}

const X: [[f64; 3]; 4] = [[0.5, 0.1, -0.3], [2.0, -1.0, 0.4], [-1.5, -1.8, 0.0], [0.3, -0.2, 0.1]];

fn score(vae: &Vae, rows: &[[f64; 3]], draws: usize, method: ScoreMethod) -> Likelihood {
    let x: Tensor<2> = array(&[rows.len(), 3], rows.concat()).tensor(&device());
    let options = ScoreOptions { draws, method };
    vae.log_likelihood(x, &Condition::none(), &options, &mut Noise::new(Seed(1))).unwrap()
}

#[test]
fn with_the_exact_posterior_every_draw_gives_the_likelihood() {
    let vae = model(1.0, &device());
    let estimate = score(&vae, &X, 3, ScoreMethod::Estimate);
    for (x, (got, error)) in
        X.iter().zip(estimate.nats().iter().zip(estimate.example_std_err().unwrap()))
    {
        assert!((got - closed_form(x)).abs() < ROUNDING, "{got} for {}", closed_form(x));
        assert!(*error < ROUNDING);
    }
}

#[test]
fn permuting_the_batch_permutes_the_score() {
    let vae = model(1.0, &device());
    let order = [2, 0, 3, 1];
    let forward = score(&vae, &X, 3, ScoreMethod::Estimate);
    let permuted = score(&vae, &order.map(|i| X[i]), 3, ScoreMethod::Estimate);
    for (got, i) in permuted.nats().iter().zip(order) {
        assert!((got - forward.nats()[i]).abs() < ROUNDING);
    }
}

#[test]
fn with_a_wide_posterior_the_estimate_is_within_its_error() {
    let vae = model(1.3, &device());
    let estimate = score(&vae, &X, 20_000, ScoreMethod::Estimate);
    let errors = estimate.example_std_err().unwrap();
    for (x, (got, error)) in X.iter().zip(estimate.nats().iter().zip(errors)) {
        assert!((got - closed_form(x)).abs() < SAMPLED, "{got} for {}", closed_form(x));
        assert!((1e-4..SAMPLED / 5.0 * 2.0).contains(error), "{error}");
    }
    // The bound is lower by the divergence of the posteriors, which is the same for every x:
    // ln 1/widen + (widen^2 - 1) / 2 for each latent.
    let gap = 2.0 * ((1.3f64 * 1.3 - 1.0) / 2.0 - 1.3f64.ln());
    let bound = score(&vae, &X, 20_000, ScoreMethod::LowerBound);
    let errors = bound.example_std_err().unwrap();
    for (x, (got, error)) in X.iter().zip(bound.nats().iter().zip(errors)) {
        assert!((got + gap - closed_form(x)).abs() < 5.0 * error, "{got}, error {error}");
    }
}
