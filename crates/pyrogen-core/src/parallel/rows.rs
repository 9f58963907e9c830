//! What a model can do, batch by batch on all cores.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::{batches, on_cpu};
use crate::{Condition, Likelihood, Noise, Sample, SampleOptions, Score, ScoreOptions};

/// Draws `n` samples in batches of `size`, on all cores: the rows that one call of
/// [`Sample::sample`] would give, up to the rounding of matrix products, and the same bytes for any
/// number of threads.
///
/// # Shapes
/// `[n, ..]`.
///
/// # Panics
/// As [`Sample::sample`]; if `n` or `size` is 0.
pub fn sample<const D: usize>(
    model: &(impl Sample<D> + Sync + ?Sized),
    n: usize,
    size: usize,
    options: &SampleOptions,
    noise: &Noise,
    device: &Device,
) -> Tensor<D> {
    let whole = Mutex::new(None);
    let in_place = on_cpu(device);
    let parts = batches(n, size, device, |rows| {
        let options =
            SampleOptions { condition: options.condition.rows(rows.clone()), ..options.clone() };
        let x = model.sample(rows.len(), &options, &mut noise.rows(rows.clone(), n));
        if !in_place || x.dtype() != DType::F32 {
            return Some(x);
        }
        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        write(whole.get_or_insert_with(|| Whole::new(n, &x)), rows, x);
        None
    });
    match whole.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(Whole { values, dims, device }) => {
            Tensor::from_data(TensorData::new(values, dims), &device)
        }
        None => Tensor::cat(parts.into_iter().flatten().collect(), 0),
    }
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

/// The log-likelihood of examples in batches of `size`, on all cores: the values that one call of
/// [`Score::log_likelihood`] would give, up to the rounding of matrix products, and the same bytes
/// for any number of threads.
///
/// # Panics
/// As [`Score::log_likelihood`]; if there are no examples, or `size` is 0.
pub fn log_likelihood<const D: usize>(
    model: &(impl Score<D> + Sync + ?Sized),
    x: &Tensor<D>,
    size: usize,
    condition: &Condition,
    options: &ScoreOptions,
    noise: &Noise,
) -> Likelihood {
    let n = x.dims()[0];
    batches(n, size, &x.device(), |rows| {
        let x = x.clone().slice([rows.clone()]);
        let condition = condition.rows(rows.clone());
        model.log_likelihood(x, &condition, options, &mut noise.rows(rows, n))
    })
    .into_iter()
    .reduce(|mut all, part| {
        all.extend(part);
        all
    })
    .expect("parallel::log_likelihood: no examples")
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
    }

    impl Sample<2> for Mixing {
        fn sample(&self, n: usize, options: &SampleOptions, noise: &mut Noise) -> Tensor<2> {
            let labels = options.condition.labels.clone().expect("given below").float();
            let z = noise.normal([n, 3], &self.0.device());
            z.matmul(self.0.clone()) * options.temperature + labels.unsqueeze_dim::<2>(1)
        }
    }

    impl Score<2> for Mixing {
        fn log_likelihood(
            &self,
            x: Tensor<2>,
            condition: &Condition,
            options: &ScoreOptions,
            noise: &mut Noise,
        ) -> Likelihood {
            let labels = condition.labels.clone().expect("given below").float();
            let draws = noise.normal([x.dims()[0], options.draws], &x.device());
            let values = x.square().sum_dim(1) + draws.mean_dim(1) + labels.unsqueeze_dim::<2>(1);
            let values = pyrogen_testkit::host(values);
            Likelihood::estimate(values.clone(), vec![0.5; values.len()], 3)
        }
    }

    #[test]
    fn threads_and_batches_change_nothing() {
        let device = pyrogen_testkit::device();
        let noise = Noise::new(crate::Seed(3));
        let model = Mixing(noise.fork("matrix").normal([3, 3], &device));
        let labels: Vec<usize> = (0..53).map(|i| i % 5).collect();
        let condition = Condition::classes(&labels, &device);
        let options = SampleOptions { condition: condition.clone(), temperature: 0.7 };
        let score = ScoreOptions { draws: 4, ..Default::default() };
        let whole = model.sample(53, &options, &mut noise.clone());
        let likelihood =
            model.log_likelihood(whole.clone(), &condition, &score, &mut noise.clone());
        for (threads, size) in [(1, 8), (3, 8), (3, 1), (2, 53), (2, 100)] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let x = sample(&model, 53, size, &options, &noise, &device);
                // Rows of three numbers: too few for a matrix product to round otherwise.
                assert_eq!(x.to_data(), whole.to_data(), "{threads} threads, {size} rows");
                let parts = log_likelihood(&model, &x, size, &condition, &score, &noise);
                assert_eq!(parts, likelihood, "{threads} threads, {size} rows");
            });
        }
    }
}
