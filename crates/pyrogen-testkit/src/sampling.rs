//! What sampling promises.

use burn::tensor::{Device, Tensor};
use pyrogen_core::{Condition, Describe, Noise, Sample, SampleOptions, Seed};

use crate::{host, largest_difference};

/// Matrix products of another number of rows may add in another order, in f32.
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
    model.sample(n, &options(model, n, &device), &mut Noise::new(Seed(seed)))
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

/// Rows of a batch drawn through [`Noise::rows`] are the rows of the whole, to rounding.
///
/// # Panics
/// If that does not hold.
pub fn samples_do_not_depend_on_the_split<const D: usize>(model: &impl Sample<D>) {
    let device = crate::device();
    let n = 10;
    let whole = draw(model, n, 1);
    let all = options(model, n, &device);
    for rows in [0..4, 4..5, 5..10] {
        let options = SampleOptions { condition: all.condition.rows(rows.clone()), ..all.clone() };
        let mut noise = Noise::new(Seed(1)).rows(rows.clone(), n);
        let part = model.sample(rows.len(), &options, &mut noise);
        let difference = largest_difference(part, whole.clone().slice([rows.clone()]));
        assert!(difference < SPLIT, "rows {rows:?} differ by {difference} from those of the whole");
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
    M: Sample<2> + Sample<4> + Clone + Send,
{
    if model.event_shape().len() == 3 {
        samples_repeat::<4>(model);
        samples_do_not_depend_on_the_split::<4>(model);
    }
    samples_repeat::<2>(model);
    samples_do_not_depend_on_threads::<2, _>(model);
    samples_do_not_depend_on_the_split::<2>(model);
    serves_a_batch_of_one::<2>(model);
}
