//! What sampling promises.

use burn::tensor::{Device, Tensor};
use pyrogen_core::parallel::{on_cpu, sample};
use pyrogen_core::{Condition, Describe, Noise, Sample, SampleOptions, Seed};

use crate::{host, largest_difference};

/// On a GPU, matrix products of another number of rows may add in another order, in f32.
const SPLIT: f64 = 1e-4;

/// A condition for `n` examples of a model: every class in turn where it knows classes, and
/// uniform numbers in [0, 1] where it takes contexts.
pub fn condition_for(model: &impl Describe, n: usize, device: &Device) -> Condition {
    let labels = model.classes().and_then(|classes| {
        let labels: Vec<usize> = (0..n).map(|i| i % classes).collect();
        Condition::classes(&labels, device).labels
    });
    let context = model.context_shape().map(|shape| {
        let features = shape.iter().product();
        Noise::new(Seed(21)).fork("context").uniform([n, features], device)
    });
    Condition { labels, context }
}

/// Options for `n` samples of a model.
fn options<const D: usize>(model: &impl Sample<D>, n: usize, device: &Device) -> SampleOptions {
    SampleOptions { condition: condition_for(model, n, device), ..SampleOptions::default() }
}

fn draw<const D: usize>(model: &impl Sample<D>, n: usize, seed: u64) -> Tensor<D> {
    let device = crate::device();
    let drawn = model.sample(n, &options(model, n, &device), &mut Noise::new(Seed(seed)));
    drawn.unwrap_or_else(|e| panic!("{n} samples: {e}"))
}

/// One seed gives the same samples, another gives others, and all are finite and of the event's
/// shape.
///
/// # Panics
/// If that does not hold.
pub fn samples_repeat<const D: usize>(model: &impl Sample<D>) {
    let a = draw(model, 6, 1);
    let features: usize = model.event_shape().iter().product();
    assert_eq!(a.dims()[0], 6, "the first axis of samples counts them");
    assert_eq!(a.dims().iter().product::<usize>(), 6 * features, "samples have the event's size");
    // Each is read before the next is drawn: see `Sample::sample`.
    let (a, b, c) = (host(a), host(draw(model, 6, 1)), host(draw(model, 6, 2)));
    assert!(a.iter().all(|v| v.is_finite()), "samples are finite");
    assert_eq!(a, b, "one seed gives the same samples");
    assert_ne!(a, c, "another seed gives other samples");
}

/// Samples are the same, bit for bit, for any number of threads.
///
/// # Panics
/// If that does not hold.
pub fn samples_do_not_depend_on_threads<const D: usize, M>(model: &M)
where
    M: Sample<D> + Clone + Send,
{
    let with = |threads| {
        let model = model.clone();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(move || host(draw(&model, 33, 1)))
    };
    let one = with(1);
    assert_eq!(one, with(2), "two threads change the samples");
    assert_eq!(one, with(5), "five threads change the samples");
}

/// Sample `i` is a function of the seed and of `i`: alone, among others, and in batches of any size,
/// it is the same byte for byte where the CPU computes.
///
/// # Panics
/// If that does not hold.
pub fn samples_do_not_depend_on_each_other<const D: usize>(model: &(impl Sample<D> + Sync)) {
    const MOST: usize = 70;
    let device = crate::device();
    let all = options(model, MOST, &device);
    let draw = |items: std::ops::Range<usize>, size: usize| {
        let condition = all.condition.rows(items.clone());
        let options = SampleOptions { condition, ..all.clone() };
        let items = items.start as u64..items.end as u64;
        let drawn = sample(model, items, size, &options, &Noise::new(Seed(1)), &device);
        drawn.unwrap_or_else(|e| panic!("samples: {e}"))
    };
    let whole = draw(0..MOST, 64);
    // Alone, few, a whole batch, and batches with a rest.
    for (items, size) in [
        (0..1, 16),
        (41..42, 64),
        (0..3, 64),
        (0..17, 64),
        (67..70, 16),
        (0..64, 16),
        (6..70, 64),
        (0..MOST, 16),
    ] {
        let (part, same) = (draw(items.clone(), size), whole.clone().slice([items.clone()]));
        if on_cpu(&device) {
            let equal = part.to_data() == same.to_data();
            let difference = largest_difference(part, same);
            assert!(equal, "items {items:?} in batches of {size} differ by {difference:e}");
        } else {
            let difference = largest_difference(part, same);
            assert!(difference < SPLIT, "items {items:?} in batches of {size}: {difference}");
        }
    }
}

/// Wrong requests are errors and no panics: a temperature that is negative or NaN, and a condition
/// that does not fit.
///
/// # Panics
/// If that does not hold.
pub fn wrong_requests_are_errors<const D: usize>(model: &impl Sample<D>) {
    let device = crate::device();
    let fits = options(model, 2, &device);
    let check = |options: SampleOptions, what: &str| {
        let error = match model.sample(2, &options, &mut Noise::new(Seed(1))) {
            Ok(_) => panic!("{what} is served"),
            Err(error) => error,
        };
        assert!(error.is_request(), "{what} is called a failure: {error}");
    };
    for temperature in [-0.5, f64::NAN, f64::INFINITY] {
        check(SampleOptions { temperature, ..fits.clone() }, &format!("temperature {temperature}"));
    }
    let with = |condition| SampleOptions { condition, ..fits.clone() };
    let labels = |classes: &[usize]| Condition::classes(classes, &device).labels;
    match model.classes() {
        None => check(with(fits.condition.clone().with_labels(labels(&[0, 0]))), "a class"),
        Some(classes) => {
            let wrong = fits.condition.clone().with_labels(labels(&[0, classes]));
            check(with(wrong), "a class out of range");
            check(with(fits.condition.clone().with_labels(labels(&[0]))), "one class of two");
            if !model.classes_are_optional() {
                check(with(fits.condition.clone().with_labels(None)), "no class");
            }
        }
    }
    let context = |context: Option<Tensor<2>>| Condition { context, ..fits.condition.clone() };
    match model.context_shape() {
        None => check(with(context(Some(Tensor::zeros([2, 3], &device)))), "a context"),
        Some(shape) => {
            let features: usize = shape.iter().product();
            let zeros = |n, features| Some(Tensor::zeros([n, features], &device));
            check(with(context(None)), "no context");
            check(with(context(zeros(2, features + 1))), "a context of another shape");
            check(with(context(zeros(1, features))), "one context of two");
        }
    }
}

/// One sample can be drawn, and is finite.
///
/// # Panics
/// If that does not hold.
pub fn serves_a_batch_of_one<const D: usize>(model: &impl Sample<D>) {
    let one = draw(model, 1, 3);
    assert_eq!(one.dims()[0], 1);
    assert!(host(one).iter().all(|v| v.is_finite()), "the sample is finite");
}

/// All of the above on flat examples, and as pictures where the events are some.
///
/// # Panics
/// If one does not hold.
pub fn samples_keep_every_promise<M>(model: &M)
where
    M: Sample<2> + Sample<4> + Clone + Send + Sync,
{
    if model.event_shape().len() == 3 {
        samples_repeat::<4>(model);
    }
    samples_repeat::<2>(model);
    samples_do_not_depend_on_threads::<2, _>(model);
    samples_do_not_depend_on_each_other::<2>(model);
    wrong_requests_are_errors::<2>(model);
    serves_a_batch_of_one::<2>(model);
}
