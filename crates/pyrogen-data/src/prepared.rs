//! A data set as a trainer reads it.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::{Batch, Examples, Noise, Seed, unflatten};

use crate::{Augment, DataError, Dataset, PictureContext, Preparation, Standardise};

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
    /// How examples are changed each time that they are read, with the standard deviation of each
    /// element for the noise of points.
    augment: Option<(Augment, Arc<[f32]>)>,
    /// How often training should draw each example.
    weights: Option<Arc<[f64]>>,
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
            augment: None,
            weights: None,
        })
    }

    /// The same examples, changed at random each time that they are read.
    ///
    /// # Errors
    /// Changes that the data does not have.
    pub fn with_augment(mut self, augment: Augment) -> Result<Self, DataError> {
        self.augment = None;
        if augment.is_none() {
            return Ok(self);
        }
        augment.check(self.data.layout())?;
        let pictures = self.data.layout().is_picture();
        let spread = if pictures || augment.noise == 0.0 {
            Vec::new()
        } else {
            Standardise::fit(&self.data).std
        };
        self.augment = Some((augment, spread.into()));
        Ok(self)
    }

    /// The same examples with how often training should draw each, up to a factor.
    ///
    /// # Errors
    /// Another number of weights than examples.
    pub fn with_weights(mut self, weights: Option<Vec<f64>>) -> Result<Self, DataError> {
        if let Some(weights) = weights.as_ref().filter(|w| w.len() != self.data.len()) {
            let expected = format!("one an example ({})", self.data.len());
            return Err(DataError::part("weights", expected, weights.len()));
        }
        self.weights = weights.map(Into::into);
        Ok(self)
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
        match self.kept() {
            Some(values) => gather(values, rows, self.event.iter().product()),
            None => self.preparation.apply(&self.raw(rows, noise), noise),
        }
    }

    /// Prepared values that are kept, where no reading changes them.
    fn kept(&self) -> Option<&[f32]> {
        self.cached.as_deref().filter(|_| self.augment.is_none())
    }

    /// The raw values of the examples `rows`, changed where examples are; the noise stays where it is.
    fn raw(&self, rows: &[usize], noise: &Noise) -> Vec<f32> {
        let mut raw = gather(self.data.values(), rows, self.data.width());
        if let Some((augment, spread)) = &self.augment {
            augment.apply(&mut raw, self.data.layout(), spread, &mut noise.fork("augment"));
        }
        raw
    }

    /// The contexts of examples with these raw values, flat.
    fn contexts(&self, context: PictureContext, raw: &[f32], device: &Device) -> Tensor<2> {
        let layout = self.data.layout();
        let rows = raw.len() / layout.width();
        let unit = layout.to_unit(raw);
        let values = context.of_pictures(&unit, &layout.event).expect("checked by with_context");
        let width = values.len() / rows.max(1);
        Tensor::from_data(TensorData::new(values, [rows, width]), device)
    }
}

impl<const D: usize> Examples for Prepared<D> {
    type Batch = Batch<D>;

    fn len(&self) -> usize {
        self.data.len()
    }

    fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    fn classes(&self) -> Option<&[u32]> {
        self.data.labels()
    }

    fn is_augmented(&self) -> bool {
        self.augment.is_some()
    }

    fn batch(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Batch<D> {
        let width: usize = self.event.iter().product();
        // A context is made of the picture as it is read, changed as it may be.
        let context = self.context.map(|c| self.contexts(c, &self.raw(rows, noise), device));
        let values = self.values(rows, noise);
        let flat: Tensor<2> =
            Tensor::from_data(TensorData::new(values, [rows.len(), width]), device);
        let labels = self.data.labels().map(|labels| {
            let picked: Vec<i32> = rows.iter().map(|&r| labels[r] as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(picked, [rows.len()]), device)
        });
        let batch = Batch::new(unflatten(flat, &self.event)).with_labels(labels);
        batch.with_context(context)
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
