//! What a model can do, batch by batch on all cores.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::{batches, on_cpu};
use crate::{
    Condition, Likelihood, ModelError, Noise, RequestError, Sample, SampleOptions, Score,
    ScoreOptions,
};

/// Rows that a model works on at once, at least. Few rows round otherwise than many: the product of
/// one row with a matrix has a kernel of its own, and the last few numbers of an array are worked on
/// one by one and not in the processor's vectors. So few rows are worked on with others, which are
/// thrown away.
const FEWEST: usize = 16;

/// Rows that are scored at once are a multiple of this: the gradients of an ODE's divergence have
/// kernels of their own for up to sixteen rows.
const SCORED: usize = 32;

/// The condition of some rows, and of as many more as [`FEWEST`] takes.
fn filled(condition: Condition, rows: usize) -> Condition {
    condition.repeat(FEWEST.div_ceil(rows)).rows(0..FEWEST)
}

/// Draws the samples `items` in batches of `size`, on all cores.
///
/// Sample `i` is a function of the model, of its own condition, of the key of the noise and of `i`
/// ([`Noise::items`]): the same bytes for any number of threads and, on the CPU, for any other items
/// and any size of the batches.
///
/// # Shapes
/// The condition is one of as many examples as there are items; the result is `[items, ..]`.
///
/// # Errors
/// No items, and as [`Sample::sample`].
///
/// # Panics
/// If `size` is 0, or the noise has a window.
pub fn sample<const D: usize>(
    model: &(impl Sample<D> + Sync + ?Sized),
    items: Range<u64>,
    size: usize,
    options: &SampleOptions,
    noise: &Noise,
    device: &Device,
) -> Result<Tensor<D>, ModelError> {
    let n = usize::try_from(items.end.saturating_sub(items.start)).unwrap_or(usize::MAX);
    if n == 0 {
        let got = format!("{items:?}");
        return Err(RequestError::Value { name: "items", expected: "at least one", got }.into());
    }
    options.check(model, n)?;
    let whole = Mutex::new(None);
    let in_place = on_cpu(device);
    let parts = batches(n, size, device, |rows| {
        let (few, condition) = (rows.len() < FEWEST, options.condition.rows(rows.clone()));
        let (count, condition) = match few {
            true => (FEWEST, filled(condition, rows.len())),
            false => (rows.len(), condition),
        };
        let options = SampleOptions { condition, ..options.clone() };
        let first = items.start + rows.start as u64;
        let mut noise = noise.items(first..first + count as u64);
        let x = model.sample(count, &options, &mut noise)?;
        let x = if few { x.narrow(0, 0, rows.len()) } else { x };
        if !in_place || x.dtype() != DType::F32 {
            return Ok(Some(x));
        }
        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        write(whole.get_or_insert_with(|| Whole::new(n, &x)), rows, x);
        Ok(None)
    });
    let parts = parts.into_iter().collect::<Result<Vec<_>, ModelError>>()?;
    Ok(match whole.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(Whole { values, dims, device }) => {
            Tensor::from_data(TensorData::new(values, dims), &device)
        }
        None => Tensor::cat(parts.into_iter().flatten().collect(), 0),
    })
}

/// All samples in the host's memory, where runs are written as they are drawn: so none is held twice.
struct Whole<const D: usize> {
    values: Vec<f32>,
    dims: [usize; D],
    device: Device,
}

impl<const D: usize> Whole<D> {
    /// For `n` rows like those of a part.
    fn new(n: usize, part: &Tensor<D>) -> Self {
        let mut dims = part.dims();
        dims[0] = n;
        Self { values: vec![0.0; dims.iter().product()], dims, device: part.device() }
    }
}

fn write<const D: usize>(whole: &mut Whole<D>, rows: Range<usize>, part: Tensor<D>) {
    let width: usize = whole.dims[1..].iter().product();
    let values = part.into_data().try_into_vec::<f32>().expect("the type was asked");
    whole.values[rows.start * width..rows.end * width].copy_from_slice(&values);
}

/// The log-likelihood of examples in batches of `size`, on all cores.
///
/// Example `i` has the draws of item `i` ([`Noise::items`]), so its value is a function of the model,
/// of the example, of the key of the noise and of `i`: the same bytes for any number of threads and,
/// on the CPU, for any other examples and any size of the batches.
///
/// # Errors
/// No examples, and as [`Score::log_likelihood`].
///
/// # Panics
/// If `x` is not a batch of events, `size` is 0, or the noise has a window.
pub fn log_likelihood<const D: usize>(
    model: &(impl Score<D> + Sync + ?Sized),
    x: &Tensor<D>,
    size: usize,
    condition: &Condition,
    options: &ScoreOptions,
    noise: &Noise,
) -> Result<Likelihood, ModelError> {
    let n = x.dims()[0];
    model.check_condition(condition, n)?;
    let parts = batches(n, size, &x.device(), |rows| {
        let x = x.clone().slice([rows.clone()]);
        let (first, condition) = (rows.start as u64, condition.rows(rows.clone()));
        let count = rows.len().next_multiple_of(SCORED);
        let times = count.div_ceil(rows.len());
        let x = x.repeat_dim(0, times).narrow(0, 0, count);
        let condition = condition.repeat(times).rows(0..count);
        let mut noise = noise.items(first..first + count as u64);
        let found = model.log_likelihood(x, &condition, options, &mut noise)?;
        Ok::<_, ModelError>(found.rows(0..rows.len()))
    });
    let mut parts = parts.into_iter();
    let none = || RequestError::Value { name: "examples", expected: "at least 1", got: "0".into() };
    let first = parts.next().ok_or_else(none)??;
    parts.try_fold(first, |mut all, part| {
        all.extend(part?);
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;

    /// Normal numbers through a fixed matrix, with the density of their sum.
    struct Mixing(Tensor<2>);

    impl crate::Describe for Mixing {
        fn event_shape(&self) -> Vec<usize> {
            vec![3]
        }

        fn classes(&self) -> Option<usize> {
            Some(5)
        }
    }

    impl Sample<2> for Mixing {
        fn sample(
            &self,
            n: usize,
            options: &SampleOptions,
            noise: &mut Noise,
        ) -> Result<Tensor<2>, ModelError> {
            let labels = options.condition.labels.clone().expect("given below").float();
            let z = noise.normal([n, 3], &self.0.device());
            Ok(z.matmul(self.0.clone()) * options.temperature + labels.unsqueeze_dim::<2>(1))
        }
    }

    impl Score<2> for Mixing {
        fn log_likelihood(
            &self,
            x: Tensor<2>,
            condition: &Condition,
            options: &ScoreOptions,
            noise: &mut Noise,
        ) -> Result<Likelihood, ModelError> {
            let labels = condition.labels.clone().expect("given below").float();
            let draws = noise.normal([x.dims()[0], options.draws], &x.device());
            let values = x.square().sum_dim(1) + draws.mean_dim(1) + labels.unsqueeze_dim::<2>(1);
            let values = pyrogen_testkit::host(values);
            Ok(Likelihood::estimate(values.clone(), vec![0.5; values.len()], 3))
        }
    }

    #[test]
    fn threads_and_batches_change_nothing() {
        let device = pyrogen_testkit::device();
        let noise = Noise::new(crate::Seed(3));
        let model = Mixing(noise.fork("matrix").normal([3, 3], &device));
        let labels: Vec<usize> = (0..53).map(|i| i % 5).collect();
        let condition = Condition::classes(&labels, &device);
        let options = SampleOptions {
            condition: condition.clone(),
            temperature: 0.7,
            ..SampleOptions::default()
        };
        let score = ScoreOptions { draws: 4, ..Default::default() };
        let whole = model.sample(53, &options, &mut noise.items(0..53)).unwrap();
        let likelihood = model
            .log_likelihood(whole.clone(), &condition, &score, &mut noise.items(0..53))
            .unwrap();
        for (threads, size) in [(1, 8), (3, 8), (3, 1), (2, 53), (2, 100)] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let x = sample(&model, 0..53, size, &options, &noise, &device).unwrap();
                // Rows of three numbers: too few for a matrix product to round otherwise.
                assert_eq!(x.to_data(), whole.to_data(), "{threads} threads, {size} rows");
                let parts = log_likelihood(&model, &x, size, &condition, &score, &noise).unwrap();
                assert_eq!(parts, likelihood, "{threads} threads, {size} rows");
            });
        }
        // A part, by itself.
        let part = SampleOptions { condition: condition.rows(20..31), ..options };
        let x = sample(&model, 20..31, 4, &part, &noise, &device).unwrap();
        assert_eq!(x.to_data(), whole.narrow(0, 20, 11).to_data());
    }

    #[test]
    fn wrong_requests_are_errors() {
        let device = pyrogen_testkit::device();
        let noise = Noise::new(crate::Seed(3));
        let model = Mixing(noise.fork("matrix").normal([3, 3], &device));
        let condition = Condition::class(1, 4, &device);
        let options = |temperature| {
            let condition = condition.clone();
            SampleOptions { condition, temperature, ..SampleOptions::default() }
        };
        let draw = |items, options: &SampleOptions| {
            let drawn = sample(&model, items, 2, options, &noise, &device);
            drawn.map(|x| x.dims()).map_err(|e| e.to_string())
        };
        assert_eq!(draw(0..4, &options(0.0)), Ok([4, 3]));
        assert!(draw(2..2, &options(1.0)).unwrap_err().contains("items"));
        assert!(draw(0..4, &options(-1.0)).unwrap_err().contains("temperature"));
        assert!(draw(0..4, &options(f64::NAN)).unwrap_err().contains("NaN"));
        assert!(draw(0..5, &options(1.0)).unwrap_err().contains("4 examples, expected 5"));
        assert!(draw(0..4, &SampleOptions::default()).unwrap_err().contains("conditional"));
        let none = Tensor::zeros([0, 3], &device);
        let score = ScoreOptions::default();
        let error =
            log_likelihood(&model, &none, 4, &condition.rows(0..0), &score, &noise).unwrap_err();
        assert!(error.is_request() && error.to_string().contains("examples"), "{error}");
    }
}
