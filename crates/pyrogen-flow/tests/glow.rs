//! Flows of pictures: the promises of every family, normflows' numbers, inverses, determinants, starting
//! values from data, and errors.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::bijection::Bijection;
use pyrogen_core::folder::Card;
use pyrogen_core::{
    Condition, Describe, Examples, Noise, Sample, SampleOptions, ScoreOptions, Seed,
};
use pyrogen_flow::{Glow, GlowConfig};
use pyrogen_testkit as kit;
use pyrogen_testkit::fixtures::{assert_all_close, gradients, with_weights};
use pyrogen_testkit::{condition_for, device, host, largest_difference};

use crate::conformance::{louder_by, rows};
use crate::properties::log_abs_det;
use crate::reference::{Case, Fixture, TOLERANCE};

/// Small models that between them use every part.
fn configs() -> Vec<GlowConfig> {
    let base = GlowConfig { event: vec![1, 4, 4], levels: 1, steps: 2, width: 5, classes: None };
    vec![
        base.clone(),
        GlowConfig { levels: 2, classes: Some(3), ..base.clone() },
        GlowConfig { event: vec![2, 2, 4], steps: 1, ..base },
    ]
}

fn loud(model: Glow) -> Glow {
    louder_by(model, 0.1)
}

#[test]
fn families_promises() {
    for config in configs() {
        let model = config.init(Seed(1), &device()).unwrap();
        assert_eq!(config.num_params().unwrap(), model.num_params(), "{config:?}");
        kit::samples_keep_every_promise(&model);
        kit::saves_and_loads(
            &model,
            |model, folder| model.save(folder, &Card::new("any", Seed(1))).unwrap(),
            |folder, device| Glow::load(folder, device).unwrap(),
        );
        let autodiff = device().autodiff();
        let model = config.init(Seed(1), &autodiff).unwrap().train();
        let all: Vec<usize> = (0..6).collect();
        let batch = rows(6, &model).batch(&all, &mut Noise::new(Seed(0)), &autodiff);
        kit::every_parameter_gets_a_gradient(&model, batch);
    }
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
fn scores_agree_with_samples() {
    let config = &configs()[1];
    let model = loud(config.init(Seed(1), &device()).unwrap());
    let other = config.init(Seed(2), &device()).unwrap();
    let condition = condition_for(&model, 400, &device());
    let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
    let x: Tensor<2> = model.sample(400, &options, &mut Noise::new(Seed(3))).unwrap();
    kit::score_agrees_with_samples(&model, &other, x.clone(), &condition, 3.0);
    let (x, condition) = (x.narrow(0, 0, 20), condition.rows(0..20));
    kit::scores_do_not_depend_on_each_other(&model, &x, &condition, &ScoreOptions::default());
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

/// There and back, in both directions, and the determinant against autodiff's Jacobian.
#[test]
fn flows_of_pictures_invert() {
    for config in configs() {
        let plain = device();
        let model = loud(config.init(Seed(1), &plain.clone().autodiff()).unwrap());
        let n = config.features();
        let condition = condition_for(&model, 1, &plain.clone().autodiff());
        let given = model.given(&condition, 1);
        let x = Noise::new(Seed(3)).uniform::<2>([1, n], &plain);
        let x = Tensor::<2>::from_data(x.into_data(), &plain.autodiff());
        let (z, there) = given.forward(x.clone());
        let (again, back) = given.inverse(z.clone());
        // Some twenty layers of sums of f32, with scales of a few.
        assert!(largest_difference(again, x.clone()) < 2e-5, "{config:?}");
        assert!(host((there + back).abs().max())[0] < 1e-4, "{config:?}");
        for inverse in [false, true] {
            let apply = |x: Tensor<2>| if inverse { given.inverse(x) } else { given.forward(x) };
            let at = if inverse { z.clone() } else { x.clone() };
            let row = |i: usize| {
                let x = at.clone().detach().require_grad();
                let grads = apply(x.clone()).0.narrow(1, i, 1).sum().backward();
                host(x.grad(&grads).unwrap())
            };
            let expected = log_abs_det((0..n).map(row).collect());
            let got = host(apply(at.clone()).1.inner())[0];
            assert!((got - expected).abs() < 1e-3, "{config:?}, {inverse}: {got} {expected}");
        }
    }
}

/// Behind each normalisation the examples have mean 0 and standard deviation 1, so that the noise of an
/// untrained flow is about as large as it should be.
#[test]
fn normalisations_start_at_the_data() {
    let config = GlowConfig { event: vec![1, 8, 8], levels: 2, steps: 3, width: 8, classes: None };
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
