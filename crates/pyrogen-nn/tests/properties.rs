//! Shapes, seeds, gradients and errors.

use burn::module::Module;
use burn::nn::conv::{Conv2dConfig, ConvTranspose2dConfig};
use burn::tensor::{Distribution, Int, Tensor};
use pyrogen_core::folder::to_bytes;
use pyrogen_core::{Noise, Seed};
use pyrogen_nn::{
    Activation, ConvConfig, MlpConfig, Network, conv_transpose2d, conv2d, one_hot, soft_bound,
};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::gradients;

fn conv() -> Network {
    Network::Conv(ConvConfig {
        channels: vec![3, 4],
        hidden: vec![6],
        activation: Activation::Silu,
    })
}

fn mlp() -> Network {
    Network::Mlp(MlpConfig { hidden: vec![6, 5], activation: Activation::Tanh })
}

#[test]
fn every_size_is_restored() {
    let device = device();
    for network in [mlp(), conv()] {
        for event in [[1, 8, 8], [1, 28, 28], [3, 7, 5], [2, 1, 9], [1, 3, 2]] {
            network.validate("network", &event).unwrap();
            let features = event.iter().product();
            let noise = &mut Noise::new(Seed(3));
            let encoder = network.encoder(&event, 0, 4, noise, &device);
            let z = encoder.forward(noise.normal([2, features], &device), None);
            assert_eq!(z.dims(), [2, 4]);
            assert_eq!(network.encoder_params(&event, 0, 4), encoder.num_params());
            for context in [None, Some([3, event[1], event[2]])] {
                let shape = context.as_ref().map(|c| c.as_slice());
                let decoder = network.decoder(4, &event, 2, shape, noise, &device);
                let seen = context.map(|c| noise.normal([2, c.iter().product()], &device));
                let drawn = decoder.forward(z.clone(), seen);
                assert_eq!(drawn.dims(), [2, 2 * features], "{event:?}");
                assert_eq!(network.decoder_params(4, &event, 2, shape), decoder.num_params());
            }
        }
    }
}

#[test]
fn one_seed_gives_the_same_bytes_whatever_else_draws() {
    let device = device();
    let build = || {
        let noise = Noise::new(Seed(5)).fork("weights");
        let (mut a, mut b) = (noise.fork("a"), noise.fork("b"));
        let encoder = conv().encoder(&[1, 8, 8], 1, 4, &mut a, &device);
        let decoder = conv().decoder(4, &[1, 8, 8], 1, Some(&[2, 8, 8]), &mut b, &device);
        (to_bytes(&encoder), to_bytes(&decoder))
    };
    let first = build();
    let _ = Tensor::<1>::random([7], Distribution::Default, &device).into_data();
    assert_eq!(build(), first);
    let other = conv().encoder(&[1, 8, 8], 1, 4, &mut Noise::new(Seed(6)), &device);
    assert_ne!(to_bytes(&other), first.0);
}

#[test]
fn initial_weights_fill_their_range() {
    let device = device();
    let mut noise = Noise::new(Seed(9));
    let conv = conv2d(&Conv2dConfig::new([8, 32], [3, 3]).with_groups(2), &mut noise, &device);
    let up = conv_transpose2d(&ConvTranspose2dConfig::new([32, 4], [3, 3]), &mut noise, &device);
    // Both see a fan-in of 36: uniform on ±1/6, whose variance is 1/108.
    for weight in [conv.weight.val(), up.weight.val()] {
        assert!(weight.clone().abs().max().into_scalar::<f32>() < 1.0 / 6.0);
        let n = weight.shape().num_elements() as f64;
        let variance = f64::from(weight.square().mean().into_scalar::<f32>());
        // The standard deviation of u^2 for uniform u on ±1/6 is 1/36 * sqrt(4/45); five of them.
        let tolerance = 5.0 / 36.0 * (4.0f64 / 45.0).sqrt() / n.sqrt();
        assert!((variance - 1.0 / 108.0).abs() < tolerance, "{variance}");
    }
    let without = Conv2dConfig::new([1, 1], [3, 3]).with_bias(false);
    assert!(conv2d(&without, &mut noise, &device).bias.is_none());
}

#[test]
fn gradients_reach_every_parameter() {
    let device = device().autodiff();
    for network in [mlp(), conv()] {
        let noise = &mut Noise::new(Seed(3));
        let event = [2, 7, 5];
        let encoder = network.encoder(&event, 3, 4, noise, &device);
        let decoder = network.decoder(4, &event, 1, Some(&[1, 7, 5]), noise, &device);
        let extra = noise.normal([2, 3], &device);
        let z = encoder.forward(noise.normal([2, 70], &device), Some(extra));
        let context = Some(noise.normal([2, 35], &device));
        let grads = decoder.forward(z, context).square().sum().backward();
        let both = [gradients(&encoder, &grads), gradients(&decoder, &grads)];
        for (name, grad) in both.iter().flatten() {
            assert!(grad.values.iter().any(|&g| g != 0.0), "{name} has a gradient of zero");
        }
    }
}

/// Every element of a decoded picture sees the whole context, by way of the dense layers.
#[test]
fn a_context_reaches_every_element() {
    let device = device();
    let shape = [1, 8, 8];
    for network in [mlp(), conv()] {
        let noise = &mut Noise::new(Seed(3));
        let decoder = network.decoder(2, &shape, 1, Some(&shape), noise, &device);
        let z = noise.normal([1, 2], &device);
        let context = noise.normal([1, 64], &device);
        let before = decoder.forward(z.clone(), Some(context.clone()));
        let corner = context.clone().slice([0..1, 0..1]) + 3.0;
        let other = Tensor::cat(vec![corner, context.slice([0..1, 1..64])], 1);
        let moved = (decoder.forward(z, Some(other)) - before).abs().min();
        assert!(moved.into_scalar::<f32>() > 0.0);
    }
}

#[test]
fn contexts_that_do_not_fit_are_errors() {
    let event = [1, 8, 8];
    assert!(conv().validate_context("context", &event, &[3, 8, 8]).is_ok());
    assert!(mlp().validate_context("context", &event, &[5]).is_ok());
    let error = conv().validate_context("context", &event, &[1, 4, 4]).unwrap_err().to_string();
    assert_eq!(
        error,
        "config: field `context` must be [channels, 8, 8] with `conv`, as the examples are (resize \
         the contexts, or use `mlp`), got [1, 4, 4]"
    );
    for wrong in [[].as_slice(), &[0, 8, 8]] {
        assert!(mlp().validate_context("context", &event, wrong).is_err());
    }
}

#[test]
#[should_panic(expected = "a context is given exactly where the network was made for one")]
fn a_missing_context_panics() {
    let noise = &mut Noise::new(Seed(3));
    let decoder = conv().decoder(2, &[1, 8, 8], 1, Some(&[1, 8, 8]), noise, &device());
    decoder.forward(Tensor::zeros([1, 2], &device()), None);
}

#[test]
fn elu_has_finite_gradients_everywhere() {
    let device = device().autodiff();
    let x = Tensor::<1>::from_floats([1e4, -1e4, 0.0], &device).require_grad();
    let grads = Activation::Elu { alpha: 2.0 }.forward(x.clone()).sum().backward();
    let dx: Vec<f32> = x.grad(&grads).unwrap().into_data().try_to_vec().unwrap();
    assert_eq!(dx, [1.0, 0.0, 2.0]);
}

#[test]
fn soft_bound_keeps_nan() {
    let x = Tensor::<1>::from_floats([f32::NAN, f32::INFINITY], &device());
    let y: Vec<f32> = soft_bound(x, 3.0).into_data().try_to_vec().unwrap();
    assert!(y[0].is_nan());
    assert_eq!(y[1], 3.0);
}

#[test]
#[should_panic(expected = "one_hot: label 3 is not within 0..3")]
fn a_label_out_of_range_panics() {
    one_hot(Tensor::<1, Int>::from_ints([0, 3], &device()), 3);
}

#[test]
#[should_panic(expected = "ConvEncoder: expected pictures [batch, [1, 8, 8]], got [1, 1, 8, 9]")]
fn pictures_of_another_size_panic() {
    let noise = &mut Noise::new(Seed(0));
    let encoder = ConvConfig::default().encoder([1, 8, 8], 0, 2, noise, &device());
    encoder.forward(Tensor::zeros([1, 1, 8, 9], &device()), None);
}

#[test]
#[should_panic(expected = "Mlp: expected an input [batch, 3], got [2, 4]")]
fn an_input_of_another_width_panics() {
    let mlp = MlpConfig::default().init(3, 1, &mut Noise::new(Seed(0)), &device());
    mlp.forward(Tensor::zeros([2, 4], &device()));
}

#[test]
fn bad_configs_are_named() {
    let conv =
        |channels: Vec<usize>| Network::Conv(ConvConfig { channels, ..ConvConfig::default() });
    let mlp = |hidden, activation| Network::Mlp(MlpConfig { hidden, activation });
    let nan = Activation::LeakyRelu { slope: f64::NAN };
    let infinite = Activation::Elu { alpha: f64::INFINITY };
    let cases = [
        (
            mlp(vec![4, 0], Activation::Relu),
            "config: field `net.mlp.hidden` must be a list of widths, each at least 1, got [4, 0]",
        ),
        (
            mlp(vec![], nan),
            "config: field `net.mlp.activation.leaky_relu.slope` must be a finite number, got NaN",
        ),
        (
            mlp(vec![], infinite),
            "config: field `net.mlp.activation.elu.alpha` must be a finite number, got inf",
        ),
        (
            conv(vec![0]),
            "config: field `net.conv.channels` must be a list of widths, each at least 1, got [0]",
        ),
        (
            conv(vec![]),
            "config: field `net.conv.channels` must be a list of 1 to 3 stages for pictures of \
             8x8, got 0 stages",
        ),
        (
            conv(vec![1; 4]),
            "config: field `net.conv.channels` must be a list of 1 to 3 stages for pictures of \
             8x8, got 4 stages",
        ),
    ];
    for (network, message) in cases {
        let error = network.validate("net", &[1, 8, 8]).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let error = conv(vec![2]).validate("net", &[64]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "config: field `net` must be `mlp` for examples of shape [64] (`conv` takes [channels, \
         height, width]), got conv"
    );
    let unknown = serde_json::from_str::<Network>(r#"{"mlp": {"hiden": [3]}}"#);
    assert!(unknown.unwrap_err().to_string().contains("hiden"));
}
