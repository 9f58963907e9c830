//! Loss terms, every gradient and running statistics against PyTorch on the same weights, examples and
//! draws; see `scripts/reference_gan.py`.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::{Adversarial, Batch, Noise, Player, Seed};
use pyrogen_gan::{GanConfig, GanDraws, SpectralNorm};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, values, with_weights};
use serde::Deserialize;

/// Relative above 1, absolute below. The reference computes in f64, we in f32: sums of at most a few
/// hundred products.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture<C> {
    cases: Vec<C>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: GanConfig,
    x: Array,
    labels: Option<Vec<i32>>,
    context: Option<Array>,
    draws: Draws,
    weights: Arrays,
    discriminator: Step,
    generator: Step,
}

#[derive(Deserialize)]
struct Draws {
    latents: Array,
    between: Option<Array>,
    apart: Option<Array>,
    noise: Option<[Array; 2]>,
    changes: Option<[Array; 2]>,
}

#[derive(Deserialize)]
struct Step {
    terms: BTreeMap<String, f64>,
    total: f64,
    gradients: Arrays,
    averages: Arrays,
}

impl Draws {
    fn on(&self, device: &Device) -> GanDraws {
        let pair = |pair: &Option<[Array; 2]>| {
            pair.as_ref().map(|pair| pair.each_ref().map(|a| a.tensor(device)))
        };
        GanDraws {
            latents: self.latents.tensor(device),
            between: self.between.as_ref().map(|t| t.tensor(device)),
            apart: self.apart.as_ref().map(|t| t.tensor(device)),
            noise: pair(&self.noise),
            changes: pair(&self.changes),
        }
    }
}

fn close(got: f64, expected: f64, what: &str) {
    let error = (got - expected).abs() / expected.abs().max(1.0);
    assert!(error <= TOLERANCE, "{what}: got {got}, expected {expected}");
}

/// A step of one player: terms, total and running statistics are compared, the gradients given back.
fn step(case: &Case, player: Player, expected: &Step) -> Arrays {
    let device = device().autodiff();
    // On the plain device first: what has no gradient keeps none.
    let model = with_weights(case.config.init(Seed(0), &device).unwrap(), &case.weights);
    let labels = |l: &Vec<i32>| Tensor::<1, Int>::from_data(l.as_slice(), &device);
    let batch = Batch::new(case.x.tensor(&device))
        .with_labels(case.labels.as_ref().map(labels))
        .with_context(case.context.as_ref().map(|c| c.tensor(&device)));
    let loss = model.loss(player, batch, case.draws.on(&device));
    let what = format!("{}, {player:?}", case.name);
    let terms: BTreeMap<_, _> = loss.values().into_iter().collect();
    let names = |terms: Vec<&str>| terms.into_iter().map(String::from).collect::<Vec<_>>();
    assert_eq!(
        names(terms.keys().copied().collect()),
        expected.terms.keys().cloned().collect::<Vec<_>>(),
        "{what}"
    );
    for (term, value) in &expected.terms {
        close(terms[term.as_str()], *value, &format!("{what}: {term}"));
    }
    let total = loss.total();
    let value = f64::from(total.clone().into_scalar::<f32>());
    close(value, expected.total, &format!("{what}: total"));
    let grads = total.backward();
    let mut kept = values(&model.valid());
    kept.retain(|name, _| name.contains("running"));
    assert_all_close(&expected.averages, &kept, TOLERANCE, &pyrogen_testkit::device());
    match player {
        Player::Discriminator => gradients(model.discriminator(), &grads),
        Player::Generator => gradients(model.generator(), &grads),
    }
}

#[test]
fn losses_gradients_and_running_statistics_are_those_of_pytorch() {
    let fixture: Fixture<Case> = serde_json::from_str(include_str!("fixtures/gan.json")).unwrap();
    assert_eq!(fixture.cases.len(), 14);
    for case in &fixture.cases {
        for (player, expected) in
            [(Player::Discriminator, &case.discriminator), (Player::Generator, &case.generator)]
        {
            println!("{}, {player:?}", case.name);
            let got = step(case, player, expected);
            assert_all_close(&expected.gradients, &got, TOLERANCE, &device());
        }
    }
}

/// There by differentiating twice.
#[test]
fn penalties_have_the_values_and_gradients_of_pytorch() {
    let fixture: Fixture<Case> =
        serde_json::from_str(include_str!("fixtures/penalties.json")).unwrap();
    assert_eq!(fixture.cases.len(), 6);
    for case in &fixture.cases {
        let got = step(case, Player::Discriminator, &case.discriminator);
        println!("{}", case.name);
        assert_all_close(&case.discriminator.gradients, &got, TOLERANCE, &device());
    }
}

#[derive(Deserialize)]
struct Spectral {
    name: String,
    weight: Array,
    first: Arrays,
    vectors: Arrays,
    normalised: Array,
    factor: Array,
    gradient: Array,
}

#[test]
fn a_step_of_spectral_normalisation_is_that_of_pytorch() {
    let fixture: Fixture<Spectral> =
        serde_json::from_str(include_str!("fixtures/spectral.json")).unwrap();
    let device = device().autodiff();
    for case in fixture.cases {
        let weight = case.weight.tensor::<2>(&device).require_grad();
        let mut noise = Noise::new(Seed(0));
        let norm = SpectralNorm::new(weight.clone().inner(), &mut noise, &device.clone().inner());
        let norm = with_weights(norm, &case.first).train().iterate(weight.clone());
        let inner = pyrogen_testkit::device();
        assert_all_close(&case.vectors, &values(&norm.valid()), TOLERANCE, &inner);
        let normalised = weight.clone() / norm.sigma(weight.clone());
        case.normalised.assert_close(normalised.clone().inner(), TOLERANCE, &case.name);
        let grads = (normalised * case.factor.tensor(&device)).sum().backward();
        let gradient = weight.grad(&grads).unwrap();
        case.gradient.assert_close(gradient, TOLERANCE, &case.name);
    }
}
