//! Loss terms and every gradient against PyTorch on the same weights, examples and noise; see
//! `scripts/reference_vae.py`, `reference_ladder.py` and `reference_vq.py`.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use pyrogen_core::folder::to_bytes;
use pyrogen_core::parallel::on_cpu;
use pyrogen_core::{Batch, Objective, Seed};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, with_weights};
use pyrogen_vae::{LadderConfig, VaeConfig, VqConfig};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Relative above 1, absolute below. The reference computes in f64, we in f32: sums of at most a
/// few hundred products. A shader's exponentials and logarithms are less exact than the CPU's.
fn tolerance() -> f64 {
    if on_cpu(&device()) { 1e-5 } else { 2e-5 }
}

#[derive(Deserialize)]
struct Fixture<C> {
    cases: Vec<Case<C>>,
}

#[derive(Deserialize)]
struct Case<C> {
    name: String,
    config: C,
    x: Array,
    labels: Option<Vec<i32>>,
    #[serde(default)]
    context: Option<Array>,
    draws: Array,
    /// What the model keeps beside its weights, after the step.
    #[serde(default)]
    averages: Arrays,
    weights: Arrays,
    terms: BTreeMap<String, f64>,
    total: f64,
    gradients: Arrays,
}

fn assert_close(got: f64, expected: f64, what: &str) {
    let error = (got - expected).abs() / expected.abs().max(1.0);
    assert!(error <= tolerance(), "{what}: got {got}, expected {expected}");
}

fn check<C, O, const D: usize>(json: &str, cases: usize, init: impl Fn(&C) -> O)
where
    C: DeserializeOwned,
    O: Objective<Batch = Batch<2>, Draws = Tensor<D>>,
{
    let fixture: Fixture<C> = serde_json::from_str(json).unwrap();
    assert_eq!(fixture.cases.len(), cases);
    let inner = device();
    for case in fixture.cases {
        let name = &case.name;
        let model = with_weights(init(&case.config), &case.weights);
        let labels = |l: Vec<i32>| Tensor::<1, Int>::from_data(l.as_slice(), &inner);
        let batch = Batch::new(case.x.tensor(&inner))
            .with_labels(case.labels.map(labels))
            .with_context(case.context.as_ref().map(|c| c.tensor(&inner)));
        let loss = model.loss(batch, case.draws.tensor(&inner));
        let values: BTreeMap<_, _> =
            loss.values().into_iter().map(|(term, v)| (term.to_string(), v)).collect();
        assert_eq!(
            values.keys().collect::<Vec<_>>(),
            case.terms.keys().collect::<Vec<_>>(),
            "{name}"
        );
        for (term, expected) in &case.terms {
            assert_close(values[term], *expected, &format!("{name}: {term}"));
        }
        let total = loss.total();
        let value = f64::from(total.clone().into_scalar::<f32>());
        assert_close(value, case.total, &format!("{name}: total"));
        let got = gradients(&model, &total.backward());
        assert_all_close(&case.gradients, &got, tolerance(), &inner);
        let mut kept = arrays(&model.valid());
        kept.retain(|name, _| !got.contains_key(name));
        assert_all_close(&case.averages, &kept, tolerance(), &inner);
    }
}

/// Every tensor of a model, by name.
fn arrays<M: Module>(model: &M) -> Arrays {
    let bytes = to_bytes(model);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let array = |view: TensorView| {
        let number = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
        Array { shape: view.shape().to_vec(), values: view.data().chunks(4).map(number).collect() }
    };
    file.tensors().into_iter().map(|(name, view)| (name, array(view))).collect()
}

#[test]
fn quantisation_is_that_of_pytorch() {
    let device = device().autodiff();
    check(include_str!("fixtures/vq.json"), 4, |config: &VqConfig| {
        config.init(Seed(0), &device).unwrap()
    });
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let device = device().autodiff();
    check(include_str!("fixtures/vae.json"), 31, |config: &VaeConfig| {
        config.init(Seed(0), &device).unwrap()
    });
}

#[test]
fn coupled_colours_are_those_of_pytorch() {
    let device = device().autodiff();
    check(include_str!("fixtures/colours.json"), 2, |config: &VaeConfig| {
        config.init(Seed(0), &device).unwrap()
    });
}

#[test]
fn the_ladders_are_those_of_pytorch() {
    let device = device().autodiff();
    check(include_str!("fixtures/ladder.json"), 4, |config: &LadderConfig| {
        config.init(Seed(0), &device).unwrap()
    });
}
