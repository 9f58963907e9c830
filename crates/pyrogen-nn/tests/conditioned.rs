//! Networks that are conditioned on a time and a class. U-Nets are compared with those of diffusers in
//! `pyrogen-diffusion`, the diffusion transformer here; see `scripts/reference_dit.py`.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use pyrogen_core::{Noise, Seed};
use pyrogen_nn::unet::{Downsampling, Modulation, UNetConfig};
use pyrogen_nn::{DitConfig, TimeEncoding, TimeMlpConfig};
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, with_weights};
use pyrogen_testkit::{device, host};
use serde::Deserialize;

/// Sums of a few hundred products in f32 against f64, through two blocks.
const TOLERANCE: f64 = 3e-5;

#[derive(Deserialize)]
struct DitCase {
    x: Array,
    time: Array,
    labels: Vec<i32>,
    probe: Array,
    output: Array,
    weights: Arrays,
    gradients: Arrays,
}

fn labels(values: &[i32]) -> Option<Tensor<1, Int>> {
    Some(Tensor::from_data(values, &device()))
}

#[test]
fn the_transformer_is_that_of_its_paper() {
    let case: DitCase = serde_json::from_str(include_str!("fixtures/dit.json")).unwrap();
    let device = device().autodiff();
    let config = DitConfig { width: 8, blocks: 2, heads: 2, expansion: 2, ..DitConfig::default() };
    let model = config.init(2, 1, Some(3), &mut Noise::new(Seed(0)), &device);
    assert_eq!(model.num_params(), config.num_params(2, 1, Some(3)));
    let model = with_weights(model, &case.weights);
    let y = model.forward(case.x.tensor(&device), case.time.tensor(&device), labels(&case.labels));
    case.output.assert_close(y.clone().inner(), TOLERANCE, "output");
    let grads = (y * case.probe.tensor(&device)).sum().backward();
    assert_all_close(&case.gradients, &gradients(&model, &grads), TOLERANCE, &device.inner());
}

fn unets() -> Vec<UNetConfig> {
    let base = UNetConfig { channels: vec![4, 6, 8], groups: 2, ..UNetConfig::default() };
    vec![
        base.clone(),
        UNetConfig { channels: vec![4], blocks: 2, middle_attention: false, ..base.clone() },
        UNetConfig { attention: vec![0, 2], head_width: Some(4), ..base.clone() },
        UNetConfig {
            modulation: Modulation::ScaleShift,
            time: TimeEncoding::Fourier { scale: 2.0 },
            blocks: 2,
            ..base
        },
    ]
}

#[test]
fn unets_keep_every_size_and_give_every_parameter_a_gradient() {
    let device = device().autodiff();
    for config in unets() {
        for [height, width] in [[8, 8], [7, 5], [9, 4]] {
            config.validate("unet", [2, height, width]).unwrap();
            let mut noise = Noise::new(Seed(2));
            let model = config.init(2, 3, Some(4), &mut noise, &device);
            assert_eq!(model.num_params(), config.num_params(2, 3, Some(4)), "{config:?}");
            let x: Tensor<4> = noise.normal([2, 2, height, width], &device);
            let time = Tensor::<1>::from_floats([0.1, 0.9], &device) * 500.0;
            let y = model.forward(x, time, labels(&[0, 3]));
            assert_eq!(y.dims(), [2, 3, height, width]);
            // A new network says nearly zero.
            assert!(host(y.clone()).iter().all(|v| v.abs() < 0.01));
            let grads = (y + 1.0).square().sum().backward();
            for (name, grad) in gradients(&model, &grads) {
                assert!(grad.values.iter().any(|&g| g != 0.0), "{name} has a gradient of zero");
            }
        }
    }
}

#[test]
fn rows_of_a_batch_do_not_see_each_other() {
    let device = device();
    let mut noise = Noise::new(Seed(2));
    let config = UNetConfig { channels: vec![4, 8], groups: 2, ..UNetConfig::default() };
    let model = config.init(1, 1, None, &mut noise, &device);
    let x: Tensor<4> = noise.normal([2, 1, 8, 8], &device);
    let time = Tensor::<1>::from_floats([3.0, 700.0], &device);
    let both = model.forward(x.clone(), time.clone(), None);
    let second = model.forward(x.narrow(0, 1, 1), time.narrow(0, 1, 1), None);
    // The same numbers; products of other sizes may add in another order.
    assert!(pyrogen_testkit::largest_difference(both.narrow(0, 1, 1), second) < 1e-6);
}

#[test]
fn frequencies() {
    let slow = TimeEncoding::Sinusoidal { period: 100.0, shift: 1.0, cosines_first: false };
    let got = slow.frequencies(6);
    for (got, expected) in got.iter().zip([1.0, 0.1, 0.01]) {
        assert!((got - expected).abs() < 1e-12);
    }
    // Quantiles of |n| at 1/4 and 3/4.
    let normal = TimeEncoding::Fourier { scale: 0.5 }.frequencies(4);
    for (got, expected) in normal.iter().zip([0.318_639_363_964_375, 1.150_349_380_376_008]) {
        assert!((got / std::f64::consts::PI - expected).abs() < 1e-9, "{got}");
    }
    let odd = slow.forward(Tensor::<1>::from_floats([0.0], &device()), 5);
    assert_eq!(host(odd), [0.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn bad_configs_are_named() {
    let base = UNetConfig { channels: vec![4, 8], groups: 2, ..UNetConfig::default() };
    let cases = [
        (
            UNetConfig { channels: vec![], ..base.clone() },
            "channels` must be a list of 1 to 4 levels",
        ),
        (UNetConfig { channels: vec![4; 5], ..base.clone() }, "got 5 levels"),
        (
            UNetConfig { channels: vec![4, 7], ..base.clone() },
            "multiples of `groups`, 2, got [4, 7]",
        ),
        (UNetConfig { groups: 0, ..base.clone() }, "groups` must be at least 1, got 0"),
        (UNetConfig { blocks: 0, ..base.clone() }, "blocks` must be at least 1, got 0"),
        (UNetConfig { attention: vec![2], ..base.clone() }, "a list of levels, 0 to 1, got 2"),
        (UNetConfig { head_width: Some(3), ..base.clone() }, "head_width` must be a divisor"),
        (UNetConfig { epsilon: 0.0, ..base.clone() }, "epsilon` must be a positive number, got 0"),
        (
            UNetConfig { downsampling: Downsampling::Corner, ..base.clone() },
            "downsampling` must be `centred` for pictures of 8x7, got corner",
        ),
        (
            UNetConfig { time: TimeEncoding::Fourier { scale: f64::NAN }, ..base },
            "time.fourier.scale` must be a positive number, got NaN",
        ),
    ];
    for (config, message) in cases {
        let error = config.validate("u", [1, 8, 7]).unwrap_err().to_string();
        assert!(error.starts_with("config: field `u.") && error.contains(message), "{error}");
    }
    let dits = [
        (
            DitConfig { patch: 3, ..DitConfig::default() },
            "patch` must be a divisor of 8 and 8, got 3",
        ),
        (DitConfig { width: 6, ..DitConfig::default() }, "width` must be a multiple of 4"),
        (
            DitConfig { heads: 3, ..DitConfig::default() },
            "heads` must be a divisor of the width, 128",
        ),
        (DitConfig { blocks: 0, ..DitConfig::default() }, "blocks` must be at least 1, got 0"),
    ];
    for (config, message) in dits {
        let error = config.validate("d", [1, 8, 8]).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let mlp = TimeMlpConfig { width: 0, ..TimeMlpConfig::default() };
    let error = mlp.validate("m").unwrap_err().to_string();
    assert_eq!(error, "config: field `m.width` must be at least 1, got 0");
}

#[test]
#[should_panic(expected = "TimeEmbedding: labels for a network without classes")]
fn labels_without_classes_panic() {
    let mlp = TimeMlpConfig { width: 4, blocks: 1, ..TimeMlpConfig::default() };
    let model = mlp.init(2, 2, None, &mut Noise::new(Seed(1)), &device());
    let zeros = Tensor::zeros([1, 2], &device());
    model.forward(zeros, Tensor::zeros([1], &device()), labels(&[0]));
}

#[test]
#[should_panic(expected = "UNet: expected pictures [batch, 1, height, width]")]
fn other_channels_panic() {
    let config = UNetConfig { channels: vec![2], groups: 1, ..UNetConfig::default() };
    let model = config.init(1, 1, None, &mut Noise::new(Seed(1)), &device());
    model.forward(Tensor::zeros([1, 3, 4, 4], &device()), Tensor::zeros([1], &device()), None);
}
