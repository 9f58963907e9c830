//! A data set as a trainer reads it.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::{Batch, Examples, Noise, Seed, unflatten};

use crate::{DataError, Dataset, PictureContext, Preparation};

/// A [`Dataset`] with its [`Preparation`], read in batches.
///
/// `D = 2` gives rows of features, `[batch, features]`; `D` one above the rank of the prepared
/// event gives its shape, `[batch, channels, height, width]` for pictures. Where the preparation
/// is not random, the prepared values are kept. Cloning shares the data.
///
/// ```
/// use burn::tensor::Device;
/// use pyrogen_core::{Examples, Noise, Seed};
/// use pyrogen_data::{Prepared, Preparation, Recipe, digits};
///
/// let digits = digits();
/// let preparation = Preparation::fit(&Recipe::Unit, &digits)?;
/// let examples: Prepared<4> = Prepared::new(digits, preparation)?;
/// let batch = examples.batch(&[7, 1], &mut Noise::new(Seed(0)), &Device::flex());
/// assert_eq!(batch.x.dims(), [2, 1, 8, 8]);
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prepared<const D: usize> {
    data: Arc<Dataset>,
    preparation: Arc<Preparation>,
    event: Vec<usize>,
    /// The prepared values, where they do not depend on noise.
    cached: Option<Arc<[f32]>>,
    /// What batches tell of each picture.
    context: Option<PictureContext>,
}

impl<const D: usize> Prepared<D> {
    /// Puts data and preparation together. Data of another file is read in the terms of the
    /// preparation's layout (see [`Dataset::conform_to`]).
    ///
    /// # Errors
    /// Data that does not conform, or that a step cannot map to finite numbers.
    ///
    /// # Panics
    /// If `D` is neither 2 nor one more than the rank of the prepared event.
    pub fn new(data: Dataset, preparation: Preparation) -> Result<Self, DataError> {
        let event = preparation.event_shape();
        assert!(
            D == 2 || D == event.len() + 1,
            "Prepared: examples of shape {event:?} make batches of rank 2 or {}, not {D}",
            event.len() + 1
        );
        let data = if data.layout() == preparation.layout() {
            data
        } else {
            data.conform_to(preparation.layout())?
        };
        // A stream that is not used where it matters: for the check, and for steps without draws.
        let mut noise = Noise::new(Seed(0));
        let cached = if preparation.is_random() {
            check_finite(&preparation.apply(&extremes(&data), &mut noise))?;
            None
        } else {
            let values = preparation.apply(data.values(), &mut noise);
            check_finite(&values)?;
            Some(values.into())
        };
        Ok(Self {
            data: Arc::new(data),
            preparation: Arc::new(preparation),
            event,
            cached,
            context: None,
        })
    }

    /// The same examples, with a context that is made from each; without one where that is `None`.
    ///
    /// # Errors
    /// Examples that the context cannot be made from.
    pub fn with_context(mut self, context: Option<PictureContext>) -> Result<Self, DataError> {
        if let Some(context) = &context {
            context.check(self.data.layout(), self.data.values())?;
        }
        self.context = context;
        Ok(self)
    }

    /// The raw data, in the terms of the preparation's layout.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// How raw values are prepared.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// Shape of one prepared example.
    pub fn event_shape(&self) -> &[usize] {
        &self.event
    }

    /// The prepared values of the examples `rows`, row-major.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn values(&self, rows: &[usize], noise: &mut Noise) -> Vec<f32> {
        let width: usize = self.event.iter().product();
        match &self.cached {
            Some(values) => gather(values, rows, width),
            None => {
                let raw = gather(self.data.values(), rows, self.data.width());
                self.preparation.apply(&raw, noise)
            }
        }
    }
}

impl<const D: usize> Prepared<D> {
    /// The contexts of the examples `rows`, flat.
    fn contexts(&self, rows: &[usize], device: &Device) -> Option<Tensor<2>> {
        let context = self.context?;
        let layout = self.data.layout();
        let unit = layout.to_unit(&gather(self.data.values(), rows, self.data.width()));
        let values = context.of_pictures(&unit, &layout.event).expect("checked by with_context");
        let width = values.len() / rows.len().max(1);
        Some(Tensor::from_data(TensorData::new(values, [rows.len(), width]), device))
    }
}

impl<const D: usize> Examples for Prepared<D> {
    type Batch = Batch<D>;

    fn len(&self) -> usize {
        self.data.len()
    }

    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Batch<D> {
        let width: usize = self.event.iter().product();
        let values = self.values(rows, noise);
        let flat: Tensor<2> =
            Tensor::from_data(TensorData::new(values, [rows.len(), width]), device);
        let labels = self.data.labels().map(|labels| {
            let picked: Vec<i32> = rows.iter().map(|&r| labels[r] as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(picked, [rows.len()]), device)
        });
        let batch = Batch::new(unflatten(flat, &self.event)).with_labels(labels);
        batch.with_context(self.contexts(rows, device))
    }
}

fn gather(values: &[f32], rows: &[usize], width: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len() * width);
    for &row in rows {
        let end = (row + 1) * width;
        assert!(end <= values.len(), "Prepared: row {row} of {} examples", values.len() / width);
        out.extend_from_slice(&values[end - width..end]);
    }
    out
}

/// Two rows: the smallest and the largest value of each element. The steps are monotone, so what
/// is finite there is finite between.
fn extremes(data: &Dataset) -> Vec<f32> {
    let mut low = data.row(0).to_vec();
    let mut high = low.clone();
    for row in data.values().chunks_exact(data.width()) {
        for ((low, high), &v) in low.iter_mut().zip(&mut high).zip(row) {
            *low = low.min(v);
            *high = high.max(v);
        }
    }
    [low, high].concat()
}

fn check_finite(values: &[f32]) -> Result<(), DataError> {
    match values.iter().find(|v| !v.is_finite()) {
        None => Ok(()),
        Some(v) => Err(DataError::part(
            "preparation",
            "steps that map every value of the data to a finite number (a logit needs values in \
             [0, 1])",
            v,
        )),
    }
}

#[cfg(test)]
mod tests;
