//! Glow: normflows' numbers, starting values, and errors.

use burn::tensor::Tensor;
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{Condition, Describe, Noise, Seed};
use pyrogen_flow::{Glow, GlowConfig};
use pyrogen_testkit as kit;
use pyrogen_testkit::fixtures::{assert_all_close, gradients, with_weights};
use pyrogen_testkit::{device, host};

use crate::reference::{Case, Fixture, TOLERANCE};

/// Small models that between them use every part.
pub fn configs() -> Vec<GlowConfig> {
    let base =
        GlowConfig { event: vec![1, 4, 4], levels: 1, steps: 2, width: 5, ..GlowConfig::default() };
    vec![
        base.clone(),
        GlowConfig { levels: 2, classes: Some(3), ..base.clone() },
        GlowConfig { event: vec![2, 2, 4], steps: 1, ..base },
    ]
}

#[test]
fn initial_networks_come_from_the_seed() {
    let config = &configs()[1];
    let weights = |seed| {
        let model = config.init(Seed(seed), &device()).unwrap();
        pyrogen_testkit::fixtures::values(&model)
    };
    let [one, again, other] = [1, 1, 2].map(weights);
    let differing = |a: &pyrogen_testkit::fixtures::Arrays,
                     b: &pyrogen_testkit::fixtures::Arrays| {
        let differs = |(name, array): (&String, &kit::fixtures::Array)| {
            (array.values != b[name].values).then(|| name.clone())
        };
        a.iter().filter_map(differs).collect::<Vec<_>>()
    };
    assert!(differing(&one, &again).is_empty());
    let names = differing(&one, &other);
    // Normalisations start at nothing, and mixings at rotations that are the model's own.
    let expected = one.keys().filter(|name| !name.contains("norm") && !name.contains("mixing"));
    assert_eq!(names, expected.cloned().collect::<Vec<_>>());
}

#[test]
fn densities_and_gradients_are_those_of_normflows() {
    let fixture: Fixture<GlowConfig> =
        serde_json::from_str(include_str!("fixtures/glow.json")).unwrap();
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

/// Behind each normalisation the examples have mean 0 and standard deviation 1, so that the noise of an
/// untrained flow is about as large as it should be.
#[test]
fn normalisations_start_at_the_data() {
    let config =
        GlowConfig { event: vec![1, 8, 8], levels: 2, steps: 3, width: 8, ..GlowConfig::default() };
    let model = config.init(Seed(1), &device()).unwrap();
    // Dark pictures of little contrast.
    let x = Noise::new(Seed(2)).uniform::<2>([200, 64], &device()) * 0.02 + 0.1;
    let square = |model: &Glow| {
        let z = model.given(&Condition::none(), 200).forward(x.clone()).0;
        host(z.square().mean())[0]
    };
    assert!(square(&model) < 0.5);
    let model = model.init_from_data(x.clone(), &Condition::none());
    let started = square(&model);
    assert!((started - 1.0).abs() < 0.35, "{started}");
    let report = model.inverse_report(x, &Condition::none()).unwrap();
    assert!(!report.is_faulty(), "{report}");
}

#[test]
fn pictures_that_levels_cannot_halve_are_an_error() {
    let of = |event: Vec<usize>, levels| {
        let config = GlowConfig { event, levels, ..GlowConfig::default() };
        config.init(Seed(1), &device()).unwrap_err().to_string()
    };
    let error = of(vec![1, 28, 30], 2);
    assert!(error.contains("multiples of 4") && error.contains("28 or 32"), "{error}");
    assert!(of(vec![3, 7, 8], 1).contains("6 or 8"));
    assert!(of(vec![1, 3, 3], 2).contains("a height of 4"));
    assert!(of(vec![64], 1).contains("[channels, height, width]"));
    assert!(of(vec![1, 8, 8], 0).contains("levels"));
    assert!(of(vec![1, 8, 8], 99).contains("levels"));
    assert_eq!(GlowConfig::levels_for(28, 28).unwrap(), 2);
    assert_eq!(GlowConfig::levels_for(64, 96).unwrap(), 3);
    assert!(GlowConfig::levels_for(28, 27).unwrap_err().to_string().contains("28 x 27"));
    let model = configs()[1].init(Seed(1), &device()).unwrap();
    assert_eq!((model.event_shape(), model.classes()), (vec![1, 4, 4], Some(3)));
}
