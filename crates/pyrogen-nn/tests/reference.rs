//! Values and gradients against PyTorch on the same weights; see `scripts/reference_nn.py`.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{Noise, Seed};
use pyrogen_nn::{Activation, ConvConfig, MlpConfig};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, with_weights};
use serde::Deserialize;

/// Sums of fewer than a hundred products in f32, in another order than PyTorch's.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture {
    activations: Vec<ActivationCase>,
    mlp: Case,
    encoders: Vec<ConvCase>,
    decoders: Vec<ConvCase>,
}

#[derive(Deserialize)]
struct ActivationCase {
    config: Activation,
    x: Array,
    y: Array,
    dx: Array,
}

#[derive(Deserialize)]
struct Case {
    inputs: Vec<Array>,
    probe: Array,
    output: Array,
    weights: Arrays,
    gradients: Arrays,
}

#[derive(Deserialize)]
struct ConvCase {
    image: [usize; 3],
    channels: Vec<usize>,
    #[serde(flatten)]
    case: Case,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/nn.json")).unwrap()
}

impl Case {
    fn check<M: Module, const D: usize>(&self, model: M, forward: impl Fn(&M) -> Tensor<D>) {
        let device = device().autodiff();
        let model = with_weights(model, &self.weights);
        let output = forward(&model);
        self.output.assert_close(output.clone().inner(), TOLERANCE, "output");
        let grads = (output * self.probe.tensor(&device)).sum().backward();
        let got = gradients(&model, &grads);
        assert_all_close(&self.gradients, &got, TOLERANCE, &device.inner());
    }
}

#[test]
fn activations() {
    let device = device().autodiff();
    for case in fixture().activations {
        let what = format!("{:?}", case.config);
        let x = case.x.tensor::<1>(&device).require_grad();
        let y = case.config.forward(x.clone());
        case.y.assert_close(y.clone().inner(), TOLERANCE, &what);
        let grads = y.sum().backward();
        case.dx.assert_close(x.grad(&grads).unwrap(), TOLERANCE, &what);
    }
}

#[test]
fn mlp() {
    let device = device().autodiff();
    let case = fixture().mlp;
    let config = MlpConfig { hidden: vec![5, 4], activation: Activation::Tanh };
    let model = config.init(3, 2, &mut Noise::new(Seed(0)), &device);
    case.check(model, |m| m.forward(case.inputs[0].tensor(&device)));
}

fn conv(channels: &[usize]) -> ConvConfig {
    let channels = channels.to_vec();
    ConvConfig { channels, hidden: vec![5], activation: Activation::Silu }
}

#[test]
fn conv_encoder() {
    let device = device().autodiff();
    for ConvCase { image, channels, case } in fixture().encoders {
        let noise = &mut Noise::new(Seed(0));
        let model = conv(&channels).encoder(image, 2, 3, noise, &device);
        let extra = || Some(case.inputs[1].tensor(&device));
        case.check(model, |m| m.forward(case.inputs[0].tensor(&device), extra()));
    }
}

#[test]
fn conv_decoder() {
    let device = device().autodiff();
    for ConvCase { image, channels, case } in fixture().decoders {
        let noise = &mut Noise::new(Seed(0));
        let model = conv(&channels).decoder(3, image, 0, noise, &device);
        case.check(model, |m| m.forward(case.inputs[0].tensor(&device), None));
    }
}
