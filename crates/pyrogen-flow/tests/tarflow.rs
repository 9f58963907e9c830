//! Flows of pictures by transformers: PyTorch's numbers, and errors.

use burn::tensor::Tensor;
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{Condition, Describe, Encode, Noise, Sample, SampleOptions, Seed};
use pyrogen_flow::{Pixels, TarFlowConfig};
use pyrogen_testkit as kit;
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{assert_all_close, gradients, with_weights};

use crate::reference::{Case, Fixture, TOLERANCE};

/// Small models that between them use every part.
pub fn configs() -> Vec<TarFlowConfig> {
    let base = TarFlowConfig {
        event: vec![1, 4, 6],
        patch: 2,
        blocks: 2,
        layers: 1,
        width: 16,
        heads: 2,
        expansion: 2,
        ..TarFlowConfig::default()
    };
    vec![
        base.clone(),
        TarFlowConfig { event: vec![1, 4, 4], blocks: 3, classes: Some(3), ..base.clone() },
        TarFlowConfig { event: vec![2, 2, 2], patch: 1, layers: 2, ..base.clone() },
        TarFlowConfig { event: vec![1, 1, 2], patch: 1, pixels: Pixels::Normal, ..base },
    ]
}

#[test]
fn densities_and_gradients_are_those_of_pytorch() {
    let fixture: Fixture<TarFlowConfig> =
        serde_json::from_str(include_str!("fixtures/tarflow.json")).unwrap();
    assert_eq!(fixture.cases.len(), 3);
    let device = device().autodiff();
    for case in &fixture.cases {
        println!("{}", case.name);
        let Case { name, x, z, log_prob, slope, .. } = case;
        let flow = with_weights(case.config.init(Seed(0), &device).unwrap(), &case.weights);
        let rows: Tensor<2> = x.tensor(&device).require_grad();
        let given = flow.given(&case.condition(&device), rows.dims()[0]);
        let (noise, _) = given.forward(rows.clone());
        z.assert_close(noise.clone().inner(), TOLERANCE, name);
        x.assert_close(given.inverse(noise).0.inner(), TOLERANCE, name);
        let got = given.log_prob(rows.clone());
        log_prob.assert_close(got.clone().inner(), TOLERANCE, name);
        let grads = got.mean().neg().backward();
        let inner = kit::device();
        assert_all_close(&case.gradients, &gradients(&flow, &grads), TOLERANCE, &inner);
        slope.assert_close(rows.grad(&grads).unwrap(), TOLERANCE, name);
    }
}

#[test]
fn initial_weights_come_from_the_seed() {
    for config in configs() {
        kit::init_depends_on_the_seed_alone(|seed| config.init(seed, &device()).unwrap());
    }
}

#[test]
fn pictures_that_patches_cannot_divide_are_an_error() {
    let of = |event: Vec<usize>, patch| {
        let config = TarFlowConfig { event, patch, ..TarFlowConfig::default() };
        config.init(Seed(1), &device()).unwrap_err().to_string()
    };
    assert!(of(vec![1, 28, 27], 2).contains("a divisor of 28 and 27"));
    assert!(of(vec![1, 28, 28], 0).contains("patch"));
    assert!(of(vec![1, 1, 1], 1).contains("two patches at least"));
    assert!(of(vec![3, 4, 4], 4).contains("two patches at least"));
    assert!(of(vec![64], 1).contains("[channels, height, width]"));
    let config = TarFlowConfig { heads: 3, ..TarFlowConfig::default() };
    assert!(config.validate().unwrap_err().to_string().contains("a divisor of the width, 64"));
    let config = TarFlowConfig { classes: Some(0), ..TarFlowConfig::default() };
    assert!(config.validate().unwrap_err().to_string().contains("classes"));
    let model = configs()[1].init(Seed(1), &device()).unwrap();
    assert_eq!((model.event_shape(), model.classes()), (vec![1, 4, 4], Some(3)));
}

#[test]
#[should_panic(expected = "expected examples of shape")]
fn pictures_of_other_channels_panic() {
    let model = configs()[0].init(Seed(1), &device()).unwrap();
    let x = Tensor::<4>::zeros([2, 3, 4, 6], &device());
    let _ = model.inverse_report(x, &Condition::none());
}

#[test]
fn temperature_scales_the_noise() {
    let model = configs()[0].init(Seed(1), &device()).unwrap();
    let latents = |temperature: f64| {
        let options = SampleOptions { temperature, ..SampleOptions::default() };
        let x: Tensor<2> = model.sample(50, &options, &mut Noise::new(Seed(4))).unwrap();
        model.encode(x, &Condition::none()).unwrap().point()
    };
    let [cold, warm] = [0.5, 1.0].map(latents);
    // The same noise, to what the inverse loses.
    assert!(kit::largest_difference(cold, warm * 0.5) < 1e-5);
}
