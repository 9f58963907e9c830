//! The promises that every flow of pictures makes. A new one is a line in [`every_flow`].

use std::fmt::Debug;

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::folder::{Card, ModelConfig};
use pyrogen_core::{
    Condition, Describe, ExactFlow, Examples, Noise, Sample, SampleOptions, ScoreOptions, Seed,
};
use pyrogen_flow::family::PictureFlow;
use pyrogen_flow::{GlowConfig, TarFlowConfig};
use pyrogen_testkit as kit;
use pyrogen_testkit::{condition_for, device, host, largest_difference};

use crate::conformance::{louder_by, rows};
use crate::properties::log_abs_det;

/// What is checked of each flow.
trait Check {
    fn of<C: PictureFlow + Debug>(&self, config: C);
}

/// Small models that between them use every part.
fn every_flow(check: &impl Check) {
    super::glow::configs().into_iter().for_each(|config: GlowConfig| check.of(config));
    super::tarflow::configs().into_iter().for_each(|config: TarFlowConfig| check.of(config));
}

fn loud<C: PictureFlow>(config: &C, device: &burn::tensor::Device) -> C::Model {
    louder_by(ModelConfig::init(config, Seed(1), device).unwrap(), 0.1)
}

struct Promises;

impl Check for Promises {
    fn of<C: PictureFlow + Debug>(&self, config: C) {
        let model = ModelConfig::init(&config, Seed(1), &device()).unwrap();
        assert_eq!(ModelConfig::num_params(&config).unwrap(), model.num_params(), "{config:?}");
        kit::samples_keep_every_promise(&model);
        kit::saves_and_loads(
            &model,
            |model, folder| {
                config.save(model, C::FAMILY, folder, &Card::new("any", Seed(1))).unwrap();
            },
            |folder, device| C::load(C::FAMILY, folder, device).unwrap(),
        );
        let autodiff = device().autodiff();
        let model = ModelConfig::init(&config, Seed(1), &autodiff).unwrap().train();
        let all: Vec<usize> = (0..6).collect();
        let batch = rows(6, &model).batch(&all, &mut Noise::new(Seed(0)), &autodiff);
        kit::every_parameter_gets_a_gradient(&model, batch);
    }
}

#[test]
fn promises() {
    every_flow(&Promises);
}

struct Scores;

impl Check for Scores {
    fn of<C: PictureFlow + Debug>(&self, config: C) {
        let model = loud(&config, &device());
        let other = ModelConfig::init(&config, Seed(2), &device()).unwrap();
        let condition = condition_for(&model, 400, &device());
        let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
        let x: Tensor<2> = model.sample(400, &options, &mut Noise::new(Seed(3))).unwrap();
        kit::score_agrees_with_samples(&model, &other, x.clone(), &condition, 3.0);
        let (x, condition) = (x.narrow(0, 0, 20), condition.rows(0..20));
        kit::scores_do_not_depend_on_each_other(&model, &x, &condition, &ScoreOptions::default());
    }
}

#[test]
fn scores_agree_with_samples() {
    every_flow(&Scores);
}

/// There and back, in both directions, and the determinant against autodiff's Jacobian.
struct Inverts;

impl Check for Inverts {
    fn of<C: PictureFlow + Debug>(&self, config: C) {
        let plain = device();
        let autodiff = plain.clone().autodiff();
        let model = loud(&config, &autodiff);
        let n: usize = model.event_shape().iter().product();
        let condition = condition_for(&model, 1, &autodiff);
        let follow = |x: Tensor<2>, inverse| model.follow(x, &condition, inverse).unwrap();
        let x = Noise::new(Seed(3)).uniform::<2>([1, n], &plain);
        let x = Tensor::<2>::from_data(x.into_data(), &autodiff);
        let (z, there) = follow(x.clone(), false);
        let (again, back) = follow(z.clone(), true);
        // Some twenty layers of sums of f32, with scales of a few.
        assert!(largest_difference(again, x.clone()) < 2e-5, "{config:?}");
        assert!(host((there + back).abs().max())[0] < 1e-4, "{config:?}");
        for inverse in [false, true] {
            let at = if inverse { z.clone() } else { x.clone() };
            let row = |i: usize| {
                let x = at.clone().detach().require_grad();
                let grads = follow(x.clone(), inverse).0.narrow(1, i, 1).sum().backward();
                host(x.grad(&grads).unwrap())
            };
            let expected = log_abs_det((0..n).map(row).collect());
            let got = host(follow(at.clone(), inverse).1.inner())[0];
            assert!((got - expected).abs() < 1e-3, "{config:?}, {inverse}: {got} {expected}");
        }
    }
}

#[test]
fn flows_of_pictures_invert() {
    every_flow(&Inverts);
}

/// The probabilities of a picture of one by two pixels: `exp(ln p)` over a fine grid of both.
struct Mass;

impl Check for Mass {
    fn of<C: PictureFlow + Debug>(&self, config: C) {
        const CELLS: usize = 300;
        let model = loud(&config, &device());
        let features: usize = model.event_shape().iter().product();
        if features > 2 {
            return;
        }
        let half = 7.0;
        let step = 2.0 * half / CELLS as f64;
        let at = |k: usize| ((k as f64 + 0.5) * step - half) as f32;
        let grid: Vec<f32> =
            (0..CELLS * CELLS).flat_map(|k| [at(k / CELLS), at(k % CELLS)]).collect();
        let count = CELLS * CELLS;
        let x = Tensor::<1>::from_floats(grid.as_slice(), &device()).reshape([count, 2]);
        let condition = condition_for(&model, count, &device());
        let (z, log_det) = model.follow(x, &condition, false).unwrap();
        let nats = host(model.base(z) + log_det);
        let mass = nats.iter().map(|v| v.exp()).sum::<f64>() * step * step;
        assert!((mass - 1.0).abs() < 1e-3, "{config:?}: {mass}");
    }
}

#[test]
fn densities_of_two_pixels_integrate_to_one() {
    every_flow(&Mass);
}

/// Errors in place of numbers for pictures of another shape or class.
struct Refusals;

impl Check for Refusals {
    fn of<C: PictureFlow + Debug>(&self, config: C) {
        let model = ModelConfig::init(&config, Seed(1), &device()).unwrap();
        let features: usize = model.event_shape().iter().product();
        let wrong = Condition::classes(&[9], &device());
        let x = Tensor::<2>::zeros([1, features], &device());
        let error = model.check_condition(&wrong, 1);
        assert!(error.is_err(), "{config:?}");
        let nan = model.follow(x * f32::NAN, &condition_for(&model, 1, &device()), false).unwrap();
        assert!(host(nan.0).iter().any(|v| v.is_nan()), "{config:?}");
    }
}

#[test]
fn wrong_classes_are_errors_and_nan_stays_nan() {
    every_flow(&Refusals);
}
