//! A data set as a trainer reads it.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::{Batch, Examples, Noise, Seed, Unreadable, unflatten};

use crate::{Augment, Data, DataError, Dataset, PictureContext, Preparation, RawRows, Standardise};

/// Rows of numbers with their [`Preparation`], read in batches.
///
/// `D = 2` gives rows of features, `[batch, features]`; `D` one above the rank of the prepared
/// event gives its shape, `[batch, channels, height, width]` for pictures. Where the preparation
/// is not random, prepared values are kept as long as they take less than 64 MiB; others are made
/// for each batch. Cloning shares the data.
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
    data: Arc<dyn RawRows>,
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
        Self::of_rows(Arc::new(data), preparation)
    }

    /// The same of data of any modality that is rows of numbers. The data is shared, and read as it is
    /// needed.
    ///
    /// # Errors
    /// As [`new`](Self::new), and data of another modality.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn of(data: &Data, preparation: Preparation) -> Result<Self, DataError> {
        let rows: Arc<dyn RawRows> = match data.clone() {
            Data::Pictures(items) => Arc::new(items),
            Data::Table(items) => Arc::new(items),
            Data::Points(items) => Arc::new(items),
            other => {
                let expected = "pictures, a table or points";
                return Err(DataError::part("data", expected, other.modality()));
            }
        };
        Self::of_rows(rows, preparation)
    }

    fn of_rows(data: Arc<dyn RawRows>, preparation: Preparation) -> Result<Self, DataError> {
        let event = preparation.event_shape();
        assert!(
            D == 2 || D == event.len() + 1,
            "Prepared: examples of shape {event:?} make batches of rank 2 or {}, not {D}",
            event.len() + 1
        );
        let data: Arc<dyn RawRows> = if data.layout() == preparation.layout() {
            data
        } else {
            Arc::new(data.to_dataset()?.conform_to(preparation.layout())?)
        };
        let values = data.len() * event.iter().product::<usize>();
        let keep = !preparation.is_random() && values <= KEPT;
        let cached = check_or_keep(data.as_ref(), &preparation, keep)?;
        Ok(Self {
            data,
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
        let fits = augment.check(self.data.layout());
        fits.map_err(|e| DataError::part("augment", "changes that the data has", e))?;
        let pictures = self.data.layout().is_picture();
        let spread = if pictures || augment.noise == 0.0 {
            Vec::new()
        } else {
            Standardise::fit(self.data.as_ref())?.std
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
            context.check(self.data.as_ref())?;
        }
        self.context = context;
        Ok(self)
    }

    /// The raw data, in the terms of the preparation's layout.
    pub fn data(&self) -> &dyn RawRows {
        self.data.as_ref()
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
    /// # Errors
    /// A file that cannot be read any more.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn values(&self, rows: &[usize], noise: &mut Noise) -> Result<Vec<f32>, DataError> {
        match self.kept() {
            Some(values) => Ok(gather(values, rows, self.event.iter().product())),
            None => Ok(self.preparation.apply(&self.raw(rows, noise)?, noise)),
        }
    }

    /// Prepared values that are kept, where no reading changes them.
    fn kept(&self) -> Option<&[f32]> {
        self.cached.as_deref().filter(|_| self.augment.is_none())
    }

    /// The raw values of the examples `rows`, changed where examples are; the noise stays where it is.
    fn raw(&self, rows: &[usize], noise: &Noise) -> Result<Vec<f32>, DataError> {
        let mut raw = Vec::new();
        self.data.read(rows, &mut raw)?;
        if let Some((augment, spread)) = &self.augment {
            augment.apply(&mut raw, self.data.layout(), spread, &mut noise.fork("augment"));
        }
        Ok(raw)
    }

    fn make(
        &self,
        rows: &[usize],
        noise: &mut Noise,
        device: &Device,
    ) -> Result<Batch<D>, DataError> {
        let width: usize = self.event.iter().product();
        // A context is made of the picture as it is read, changed as it may be.
        let raw = match (self.context, self.kept()) {
            (None, Some(_)) => Vec::new(),
            _ => self.raw(rows, noise)?,
        };
        let context = self.context.map(|c| self.contexts(c, &raw, device));
        let values = match self.kept() {
            Some(values) => gather(values, rows, width),
            None => self.preparation.apply(&raw, noise),
        };
        let flat: Tensor<2> =
            Tensor::from_data(TensorData::new(values, [rows.len(), width]), device);
        let labels = self.data.labels().map(|labels| {
            let picked: Vec<i32> = rows.iter().map(|&r| labels[r] as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(picked, [rows.len()]), device)
        });
        let batch = Batch::new(unflatten(flat, &self.event)).with_labels(labels);
        Ok(batch.with_context(context))
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
        let read = self.make(rows, noise, device);
        read.unwrap_or_else(|e| panic!("examples that were read before cannot be read: {e}"))
    }

    fn try_batch(
        &self,
        rows: &[usize],
        noise: &mut Noise,
        device: &Device,
    ) -> Result<Batch<D>, Unreadable> {
        Ok(self.make(rows, noise, device)?)
    }
}

/// Prepared values that are kept at most: 64 MiB.
const KEPT: usize = 1 << 24;

/// Checks that all values are prepared to finite numbers; gives them where they are to be kept.
fn check_or_keep(
    data: &dyn RawRows,
    preparation: &Preparation,
    keep: bool,
) -> Result<Option<Arc<[f32]>>, DataError> {
    // A stream that is not used where it matters: for the check, and for steps without draws.
    let mut noise = Noise::new(Seed(0));
    if let (Some([low, high]), false) = (data.span(), keep) {
        let ends = [vec![low; data.width()], vec![high; data.width()]].concat();
        check_finite(&preparation.apply(&ends, &mut noise))?;
        return Ok(None);
    }
    if preparation.is_random() {
        check_finite(&preparation.apply(&extremes(data)?, &mut noise))?;
        return Ok(None);
    }
    let (mut kept, mut found) = (Vec::new(), Ok(()));
    data.each(&mut |values| {
        // One data set in memory comes whole: its prepared values may be too many at a time.
        for part in values.chunks(data.width() * ROWS) {
            let prepared = preparation.apply(part, &mut noise);
            if found.is_ok() {
                found = check_finite(&prepared);
            }
            if keep {
                kept.extend_from_slice(&prepared);
            }
        }
    })?;
    found?;
    Ok(keep.then(|| kept.into()))
}

/// Rows that are prepared at a time.
const ROWS: usize = 4096;

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
fn extremes(data: &dyn RawRows) -> Result<Vec<f32>, DataError> {
    let mut low = vec![f32::NAN; data.width()];
    let mut high = low.clone();
    data.each(&mut |values| {
        for row in values.chunks_exact(data.width()) {
            for ((low, high), &v) in low.iter_mut().zip(&mut high).zip(row) {
                *low = low.min(v);
                *high = high.max(v);
            }
        }
    })?;
    Ok([low, high].concat())
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
