//! Labels and contexts: what may be a condition, and what may not.

use burn::tensor::Tensor;
use pyrogen_core::{Batch, Condition, Decode, Describe, Noise, Objective, RequestError, Seed};
use pyrogen_testkit::device;
use pyrogen_vae::{Vae, VaeConfig};

use super::{small, values};

#[test]
fn a_condition_changes_what_is_drawn() {
    let device = device();
    let config = VaeConfig { classes: Some(2), ..small() };
    let vae = config.init(Seed(4), &device).unwrap();
    let z = Noise::new(Seed(1)).normal([1, 3], &device);
    let of = |class| {
        let x: Tensor<2> = vae.decode(z.clone(), &Condition::class(class, 1, &device)).unwrap();
        values(x)
    };
    assert_ne!(of(0), of(1));
    assert_eq!(vae.check_classes(None), Err(RequestError::MissingLabels { classes: 2 }));
    assert_eq!(
        vae.check_classes(Some(&[0, 2])),
        Err(RequestError::ClassOutOfRange { got: 2, classes: 2 })
    );
}

#[test]
#[should_panic(expected = "Vae: the model is conditional: give one label (of 2) an example")]
fn missing_labels_panic() {
    let vae = VaeConfig { classes: Some(2), ..small() }.init(Seed(4), &device()).unwrap();
    let batch = Batch::new(Tensor::zeros([1, 64], &device()));
    let draws = vae.draw(&batch, &mut Noise::new(Seed(0)));
    vae.loss(batch, draws);
}

fn with_a_context() -> Vae {
    VaeConfig { context: Some(vec![2, 8, 8]), ..small() }.init(Seed(4), &device()).unwrap()
}

fn refused(vae: &Vae, given: Condition) -> String {
    let decoded = Decode::<2>::decode(vae, Tensor::zeros([1, 3], &device()), &given);
    let error = decoded.unwrap_err();
    assert!(error.is_request());
    error.to_string()
}

#[test]
fn conditions_that_do_not_fit_are_errors() {
    let (with, without) = (with_a_context(), small().init(Seed(4), &device()).unwrap());
    let context = Condition::context(Tensor::<4>::zeros([1, 1, 8, 8], &device()));
    assert_eq!(
        refused(&with, Condition::none()),
        "the model needs a context of shape [2, 8, 8] with each example: give one"
    );
    assert_eq!(
        refused(&with, context.clone()),
        "the model takes contexts of shape [2, 8, 8], got [64]"
    );
    assert_eq!(refused(&without, context), "a context was given, but the model takes none");
    let class = Condition::class(0, 1, &device());
    assert_eq!(
        refused(&without, class),
        "a class was given, but the model was trained without labels"
    );
}

#[test]
fn contexts_are_checked_before_any_computing() {
    use pyrogen_core::Describe;
    let (with, without) = (with_a_context(), small().init(Seed(4), &device()).unwrap());
    assert!(
        with.check_context(Some(&[2, 8, 8])).is_ok() && with.check_context(Some(&[128])).is_ok()
    );
    assert!(without.check_context(None).is_ok());
    let message = |result: Result<(), RequestError>| result.unwrap_err().to_string();
    assert_eq!(
        message(with.check_context(None)),
        "the model needs a context of shape [2, 8, 8] with each example: give one"
    );
    assert_eq!(
        message(with.check_context(Some(&[1, 8, 8]))),
        "the model takes contexts of shape [2, 8, 8], got [1, 8, 8]"
    );
    assert_eq!(
        message(without.check_context(Some(&[1]))),
        "a context was given, but the model takes none"
    );
}

#[test]
#[should_panic(expected = "Vae: expected draws [2, 1, 3], got [2, 1, 4]")]
fn draws_of_another_shape_panic() {
    let vae = small().init(Seed(4), &device()).unwrap();
    vae.loss(Batch::new(Tensor::zeros([2, 64], &device())), Tensor::zeros([2, 1, 4], &device()));
}
