//! What stands between raw and prepared units.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use pyrogen_core::folder::ModelFolder;
use pyrogen_core::{Condition, Describe, Examples, Noise, RequestError};
use pyrogen_data::{Data, Dataset, Layout, PictureContext, Preparation, Prepared, RawRows};

use super::given::GivenColumns;
use crate::{Error, ErrorKind};

/// Items that a core works on at once.
pub(crate) const CHUNK: usize = 64;

/// What stands between raw and prepared units of a model: preparation, classes, context, device.
#[derive(Debug, Clone)]
pub struct Frame {
    preparation: Arc<Preparation>,
    context: Option<PictureContext>,
    given: Option<Arc<GivenColumns>>,
    classes: Option<usize>,
    event: Vec<usize>,
    device: Device,
    density: bool,
}

impl Frame {
    pub(super) fn open(
        model: &impl Describe,
        density: bool,
        folder: &ModelFolder,
        device: &Device,
    ) -> Result<Self, Error> {
        let contradiction =
            |message: String| Error::Contradiction { path: folder.path().to_path_buf(), message };
        let preparation = Preparation::from_card(&folder.card().data)
            .map_err(|e| contradiction(format!("card.json: {e}")))?;
        let (event, made) = (model.event_shape(), preparation.event_shape());
        if event.iter().product::<usize>() != made.iter().product::<usize>() {
            return Err(contradiction(format!(
                "card.json: the preparation makes examples of shape {made:?}, and the model of \
                 config.json takes {event:?}"
            )));
        }
        let context = context_of(model, folder, &preparation).map_err(contradiction)?;
        Ok(Self {
            given: GivenColumns::of(&preparation).map(Arc::new),
            preparation: Arc::new(preparation),
            context,
            classes: model.classes(),
            event,
            device: device.clone(),
            density,
        })
    }

    /// What raw values mean.
    pub fn layout(&self) -> &Layout {
        self.preparation.layout()
    }

    /// How raw values become what the model sees.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// What contexts are made of, for models that take them.
    pub fn context(&self) -> Option<PictureContext> {
        self.context
    }

    /// The columns that are the condition of the others, where the model is of such.
    pub fn given(&self) -> Option<&GivenColumns> {
        self.given.as_deref()
    }

    /// Columns or numbers of an item that the model says something of.
    pub(super) fn learnt(&self) -> usize {
        let given = self.given().map_or(0, |given| given.columns().len());
        self.layout().width() - given
    }

    /// Where the model computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Numbers of one prepared item.
    pub fn width(&self) -> usize {
        self.event.iter().product()
    }

    /// How many rows a batch of so many is worked on as, so that a row comes out the same, to the last
    /// bit, whatever stands beside it. One row has a matrix product of its own, which adds in another
    /// order; and the last numbers of an array that does not fill the processor's vectors are worked
    /// on one by one, with functions that round otherwise. An even number of rows does where a row
    /// fills the vectors, a multiple of sixteen everywhere.
    pub(super) fn padded(&self, rows: usize) -> usize {
        const VECTOR: usize = 16;
        let unit = if self.width().is_multiple_of(VECTOR) { 2 } else { VECTOR };
        rows.next_multiple_of(unit)
    }

    /// Whether likelihoods are densities of prepared values.
    pub(super) fn is_density(&self) -> bool {
        self.density
    }

    /// Number of classes that a condition may name.
    pub(super) fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// Names of the classes, numbers where they have none; empty for a model without classes.
    pub fn class_names(&self) -> Vec<String> {
        let name = |c: usize| match self.layout().class_names.get(c) {
            Some(name) => name.clone(),
            None => c.to_string(),
        };
        (0..self.classes.unwrap_or(0)).map(name).collect()
    }

    /// Raw items as the model sees them, in the terms of the training data.
    ///
    /// # Errors
    /// Items of another modality or shape, or of categories that training did not have.
    pub fn prepare(&self, data: &Data) -> Result<Prepared<2>, Error> {
        let layout = self.layout();
        let rows = data.raw_rows().ok_or_else(|| Error::Modality {
            family: "of this model".into(),
            got: data.modality(),
            takes: layout.modality().to_string(),
        })?;
        if rows.event_shape() != layout.event && layout.is_picture() {
            let (expected, got) = (layout.event.clone(), rows.event_shape().to_vec());
            return Err(RequestError::EventShape { expected, got }.into());
        }
        let prepared = Prepared::of(data, (*self.preparation).clone())?;
        Ok(prepared.with_context(self.context)?)
    }

    /// Prepared items with their own conditions. The random numbers of item `k` of `rows` are those
    /// of item `items.start + k` of the noise.
    ///
    /// # Errors
    /// Items without labels, or with a class that the model does not know.
    pub fn batch(
        &self,
        data: &Prepared<2>,
        rows: &[usize],
        items: Range<u64>,
        noise: &Noise,
    ) -> Result<(Tensor<2>, Condition), Error> {
        let labels = self.labels(data.data(), rows)?;
        let batch = data.batch(rows, &mut noise.items(items), &self.device);
        let condition = match labels {
            Some(labels) => Condition::classes(&labels, &self.device),
            None => Condition::none(),
        };
        Ok((batch.x, Condition { context: batch.context, ..condition }))
    }

    fn labels(&self, data: &dyn RawRows, rows: &[usize]) -> Result<Option<Vec<usize>>, Error> {
        let Some(classes) = self.classes else { return Ok(None) };
        let labels = data.labels().ok_or(RequestError::MissingLabels { classes })?;
        let picked: Vec<usize> = rows.iter().map(|&r| labels[r] as usize).collect();
        match picked.iter().find(|l| **l >= classes) {
            Some(&got) => Err(RequestError::ClassOutOfRange { got, classes }.into()),
            None => Ok(Some(picked)),
        }
    }

    /// Prepared numbers in raw units.
    ///
    /// # Errors
    /// A number that is not finite.
    pub fn raw(&self, prepared: &[f32], labels: Option<Vec<u32>>) -> Result<Data, Error> {
        self.raw_with(prepared, labels, |_| {})
    }

    /// The same, with what a function changes of the raw numbers.
    pub(super) fn raw_with(
        &self,
        prepared: &[f32],
        labels: Option<Vec<u32>>,
        change: impl FnOnce(&mut [f32]),
    ) -> Result<Data, Error> {
        if let Some(i) = prepared.iter().position(|v| !v.is_finite()) {
            let message = format!(
                "item {} holds {}: the model gives numbers that are not finite",
                i / self.width(),
                prepared[i]
            );
            return Err(Error::other(ErrorKind::Numerics, message));
        }
        let mut raw = self.preparation.inverse(prepared);
        change(&mut raw);
        Ok(Data::from_dataset(Dataset::from_rows(raw, labels, self.layout().clone())?))
    }
}

/// What a card says that contexts are made of, checked against the model.
fn context_of(
    model: &impl Describe,
    folder: &ModelFolder,
    preparation: &Preparation,
) -> Result<Option<PictureContext>, String> {
    let shape = model.context_shape();
    let Some(text) = &folder.card().data.context else {
        return match shape {
            None => Ok(None),
            Some(shape) => Err(format!(
                "the model takes a context of shape {shape:?} with each example, and card.json \
                 does not say how it is made: use the model's own type"
            )),
        };
    };
    let context: PictureContext = text.parse().map_err(|e| format!("card.json: {e}"))?;
    let made = context.shape(&preparation.layout().event).map_err(|e| format!("card.json: {e}"))?;
    if shape.as_ref() != Some(&made) {
        let takes = shape.map_or("none".into(), |shape| format!("one of shape {shape:?}"));
        return Err(format!(
            "card.json: the context `{context}` has shape {made:?}, but the model takes {takes}"
        ));
    }
    Ok(Some(context))
}

/// A tensor's numbers on the host.
pub(crate) fn host<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}
