//! Scores and posteriors.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::distribution::Moments;
use pyrogen_core::latent::{LatentReport, LatentStatistics};
use pyrogen_core::{
    Condition, Encode, Likelihood, LikelihoodKind, ModelError, Noise, Posterior, Score,
    ScoreMethod, ScoreOptions, Seed,
};
use pyrogen_testkit::device;
use pyrogen_vae::{Vae, VaeConfig, VaeObjective, Wae};

use super::{ROUNDING, assert_close, digits_like, every_kind, labels, mlp, score, small, values};

/// Six rows are decoded in another number of chunks than one row.
#[test]
fn scores_of_a_row_do_not_depend_on_its_batch() {
    let device = device();
    for config in every_kind() {
        let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        let x = digits_like(6, &mut Noise::new(Seed(1)), &device);
        let noise = Noise::new(Seed(2));
        let draws = 400;
        let given = labels(&config, 6, &device);
        let all = score(&vae, x.clone(), &given, draws, &mut noise.items(0..6));
        assert_eq!((all.kind(), all.dims()), (LikelihoodKind::Estimate, Some(64)));
        let (x, given) = (x.slice(4..5), given.rows(4..5));
        let one = score(&vae, x, &given, draws, &mut noise.items(4..5));
        assert_close(one.nats(), &all.nats()[4..5], ROUNDING);
        let errors = |l: &Likelihood| l.example_std_err().unwrap().to_vec();
        assert_close(&errors(&one), &errors(&all)[4..5], ROUNDING);
    }
}

#[test]
fn the_bound_lies_below_the_estimate_and_ignores_beta() {
    let device = device();
    let config = VaeConfig { network: mlp(&[8]), ..small() };
    let vae = config.init(Seed(4), &device).unwrap();
    let x = digits_like(4, &mut Noise::new(Seed(1)), &device);
    let bound = |vae: &Vae, draws| {
        let options = ScoreOptions { draws, method: ScoreMethod::LowerBound };
        let x = x.clone();
        vae.log_likelihood(x, &Condition::none(), &options, &mut Noise::new(Seed(2))).unwrap()
    };
    let lower = bound(&vae, 2000);
    assert_eq!(lower.kind(), LikelihoodKind::LowerBound);
    assert!(lower.std_err().unwrap() > 0.0);
    assert_eq!(bound(&vae, 1).std_err(), None);
    let estimate = score(&vae, x.clone(), &Condition::none(), 2000, &mut Noise::new(Seed(2)));
    for (l, e) in lower.nats().iter().zip(estimate.nats()) {
        assert!(l < e, "{l} is not below {e}");
    }
    let heavier = VaeConfig { beta: 4.0, ..config }.init(Seed(4), &device).unwrap();
    assert_eq!(bound(&heavier, 10), bound(&vae, 10));
}

#[test]
fn posteriors_of_shaped_and_flat_examples_agree() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let flat = digits_like(3, &mut Noise::new(Seed(1)), &device);
    let shaped: Tensor<4> = flat.clone().reshape([3, 1, 8, 8]);
    let given = Condition::none();
    let (a, b) = (vae.encode(flat, &given).unwrap(), vae.encode(shaped, &given).unwrap());
    assert_eq!(values(a.point()), values(b.point()));
    assert_eq!(a.gaussian().unwrap().base().mean().dims(), [3, 3]);
}

/// More examples than are encoded at once.
#[test]
fn the_latent_report_sees_every_example() {
    let device = device();
    let config = VaeConfig { network: mlp(&[8]), classes: Some(3), ..small() };
    let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
    let x = digits_like(700, &mut Noise::new(Seed(1)), &device);
    let given = labels(&config, 700, &device);
    let report = vae.latent_report(x.clone(), &given).unwrap();
    let mut whole = LatentStatistics::new(3);
    let posterior = vae.valid().encode(x.clone(), &given).unwrap();
    whole.add(posterior.gaussian().unwrap()).unwrap();
    let whole = whole.report().unwrap();
    assert_eq!(report.examples, 700);
    let kl = |r: &LatentReport| r.dimensions.iter().map(|d| d.kl).collect::<Vec<_>>();
    assert_close(&kl(&report), &kl(&whole), ROUNDING);
    assert!(vae.latent_report(x.slice(0..1), &given.rows(0..1)).is_err());
}

#[test]
fn a_deterministic_encoder_gives_points_and_has_no_score() {
    let config = VaeConfig { objective: VaeObjective::Wae(Wae::default()), ..small() };
    let vae = config.init(Seed(4), &device()).unwrap();
    let (x, none) = (digits_like(3, &mut Noise::new(Seed(1)), &device()), Condition::none());
    let posterior = vae.encode(x.clone(), &none).unwrap();
    assert!(matches!(posterior, Posterior::Point(_)) && posterior.point().dims() == [3, 3]);
    let refused = |error: ModelError| {
        let expected = "the encoder gives one point an example, and not a normal distribution";
        assert!(error.is_request() && error.to_string() == expected, "{error}");
    };
    let options = ScoreOptions::default();
    let noise = &mut Noise::new(Seed(1));
    refused(vae.log_likelihood(x.clone(), &none, &options, noise).unwrap_err());
    refused(vae.latent_report(x, &none).unwrap_err());
}

#[test]
fn a_score_without_draws_is_refused() {
    let vae = small().init(Seed(4), &device()).unwrap();
    let x = digits_like(1, &mut Noise::new(Seed(1)), &device());
    let options = ScoreOptions { draws: 0, ..ScoreOptions::default() };
    let noise = &mut Noise::new(Seed(1));
    let error = vae.log_likelihood(x, &Condition::none(), &options, noise).unwrap_err();
    assert_eq!(error.to_string(), "`draws` must be at least 1, got 0");
}

#[test]
fn a_network_that_is_not_a_number_is_not_hidden() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let x = Tensor::full([1, 64], f32::NAN, &device);
    let noise = &mut Noise::new(Seed(0));
    assert!(score(&vae, x, &Condition::none(), 4, noise).mean_nats().is_nan());
}
