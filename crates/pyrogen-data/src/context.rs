//! Examples with a context that is made from them.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use pyrogen_core::{Batch, Examples, Noise, Unreadable};

/// Examples with a context (see [`Condition`](pyrogen_core::Condition)) that is made from each
/// example: a picture with noise or a hole for restoration, a small one for super-resolution, its
/// edges for pictures from sketches.
///
/// The context is a function of the examples and of a noise stream of its own, so that an example
/// has other noise and another hole in each epoch, the same in each run, and the same whatever
/// number of workers shares the batch.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{Examples, Noise, Seed};
/// use pyrogen_data::{Prepared, Preparation, Recipe, WithContext, digits};
///
/// let digits = digits();
/// let preparation = Preparation::fit(&Recipe::Unit, &digits)?;
/// let clean: Prepared<4> = Prepared::new(digits, preparation)?;
/// let noisy = WithContext::new(clean, |x: &Tensor<4>, noise: &mut Noise| {
///     let more = noise.normal(x.dims(), &x.device()) * 0.3;
///     (x.clone() + more).flatten(1, 3)
/// });
/// let batch = noisy.batch(&[7, 1], &mut Noise::new(Seed(0)), &Device::flex());
/// assert_eq!(batch.context.unwrap().dims(), [2, 64]);
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
pub struct WithContext<E, const D: usize> {
    examples: E,
    make: Arc<Make<D>>,
}

/// Makes `[batch, features]` of `[batch, ..]`.
type Make<const D: usize> = dyn Fn(&Tensor<D>, &mut Noise) -> Tensor<2> + Send + Sync;

impl<E, const D: usize> WithContext<E, D>
where
    E: Examples<Batch = Batch<D>>,
{
    /// Examples and how a context is made from a batch of them: `[batch, ..]` to
    /// `[batch, features]`. What is drawn has the batch as its first axis.
    pub fn new(
        examples: E,
        make: impl Fn(&Tensor<D>, &mut Noise) -> Tensor<2> + Send + Sync + 'static,
    ) -> Self {
        Self { examples, make: Arc::new(make) }
    }

    /// The examples.
    pub fn examples(&self) -> &E {
        &self.examples
    }
}

impl<E, const D: usize> Examples for WithContext<E, D>
where
    E: Examples<Batch = Batch<D>>,
{
    type Batch = Batch<D>;

    fn len(&self) -> usize {
        self.examples.len()
    }

    fn weights(&self) -> Option<&[f64]> {
        self.examples.weights()
    }

    fn classes(&self) -> Option<&[u32]> {
        self.examples.classes()
    }

    fn is_augmented(&self) -> bool {
        self.examples.is_augmented()
    }

    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Batch<D> {
        let mut own = noise.fork("context");
        let batch = self.examples.batch(rows, noise, device);
        let context = (self.make)(&batch.x, &mut own);
        batch.with_context(Some(context))
    }

    fn try_batch(
        &self,
        rows: &[usize],
        noise: &mut Noise,
        device: &Device,
    ) -> Result<Batch<D>, Unreadable> {
        let mut own = noise.fork("context");
        let batch = self.examples.try_batch(rows, noise, device)?;
        let context = (self.make)(&batch.x, &mut own);
        Ok(batch.with_context(Some(context)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preparation, Prepared, Recipe, digits};
    use pyrogen_core::Seed;
    use pyrogen_testkit::{device, host};

    #[test]
    fn pieces_of_a_batch_get_the_contexts_of_the_whole() {
        let preparation = Preparation::fit(&Recipe::Unit, &digits()).unwrap();
        let clean = Prepared::<2>::new(digits(), preparation).unwrap();
        let noisy = WithContext::new(clean, |x: &Tensor<2>, noise: &mut Noise| {
            x.clone() + noise.normal(x.dims(), &x.device())
        });
        let read = |rows: &[usize], noise: Noise| {
            let batch = noisy.batch(rows, &mut noise.clone(), &device());
            host(batch.context.unwrap())
        };
        let noise = Noise::new(Seed(4));
        let whole = read(&[5, 6, 7], noise.clone());
        assert_eq!(read(&[6, 7], noise.rows(1..3, 3)), whole[64..]);
        assert_ne!(read(&[5, 6, 7], Noise::new(Seed(5))), whole);
    }
}
