//! The conditions of items: from a request to tensors.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{Condition, RequestError};
use pyrogen_data::{Data, Layout, PictureContext};

use super::Frame;
use super::given::{GivenColumns, GivenRows};
use crate::{Error, Request};

/// Conditions of an endless sequence of items: classes and contexts, in turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    classes: Option<Vec<u32>>,
    contexts: Option<Vec<f32>>,
    /// Numbers of one context.
    width: usize,
    /// Raw rows that hold the columns that are the condition.
    given: Option<GivenRows>,
}

impl Conditions {
    /// The classes of some items.
    pub fn labels(&self, items: Range<u64>) -> Option<Vec<u32>> {
        let classes = self.classes.as_ref()?;
        Some(items.map(|i| classes[(i % classes.len() as u64) as usize]).collect())
    }

    /// The contexts of some items, flat.
    pub fn contexts(&self, items: Range<u64>) -> Option<Vec<f32>> {
        let (all, width) = (self.contexts.as_ref()?, self.width);
        let n = (all.len() / width) as u64;
        let row = |i: u64| &all[(i % n) as usize * width..][..width];
        Some(items.flat_map(row).copied().collect())
    }

    /// Puts the cells that were given into raw rows of these items, as they were given.
    pub(super) fn keep(&self, items: Range<u64>, raw: &mut [f32]) {
        if let Some(given) = &self.given {
            given.keep(items, raw);
        }
    }

    /// The condition of some items.
    pub fn of(&self, items: Range<u64>, device: &Device) -> Condition {
        let count = (items.end - items.start) as usize;
        let labels = self.labels(items.clone());
        let labels = labels.map(|l| l.iter().map(|&l| l as usize).collect::<Vec<_>>());
        let context = self
            .contexts(items)
            .map(|values| Tensor::from_data(TensorData::new(values, [count, self.width]), device));
        let condition = match labels {
            Some(labels) => Condition::classes(&labels, device),
            None => Condition::none(),
        };
        Condition { context, ..condition }
    }
}

impl Frame {
    /// The conditions that a request asks for: its class, else those of the items it names, else
    /// every class in turn.
    ///
    /// # Errors
    /// A class or context that the model does not take, or a context that is missing.
    pub fn conditions(&self, request: &Request) -> Result<Conditions, Error> {
        if let Some(given) = self.given() {
            return self.given_conditions(given, request);
        }
        let like = match &request.like {
            Some(items) => Some(self.conditions_like(items)?),
            None => None,
        };
        let (labels, made) = like.unwrap_or_default();
        let classes = match (&request.class, self.classes()) {
            (Some(_), None) => return Err(RequestError::Unconditional.into()),
            (Some(class), Some(_)) => Some(vec![self.class(class)?]),
            (None, None) => None,
            (None, Some(known)) => Some(labels.unwrap_or_else(|| (0..known as u32).collect())),
        };
        let given = match &request.context {
            Some(contexts) => Some(self.given_contexts(contexts)?),
            None => None,
        };
        let contexts = given.or(made);
        let width = self.context_width()?;
        if let (Some(expected), None) = (self.context_shape()?, &contexts) {
            return Err(RequestError::MissingContext { expected }.into());
        }
        Ok(Conditions { classes, contexts, width, given: None })
    }

    /// The conditions of rows whose other columns are learnt given some: those of the rows that the request
    /// names.
    fn given_conditions(
        &self,
        given: &GivenColumns,
        request: &Request,
    ) -> Result<Conditions, Error> {
        let rows = request.like.as_ref().or(request.context.as_ref());
        let rows = rows.ok_or_else(|| given.missing())?;
        let full = given.full_rows(rows, self.layout())?;
        let classes = match (&request.class, self.classes()) {
            (Some(_), None) => return Err(RequestError::Unconditional.into()),
            (Some(class), Some(_)) => Some(vec![self.class(class)?]),
            (None, None) => None,
            (None, Some(known)) => {
                let labels = full.labels().map(<[u32]>::to_vec);
                Some(labels.unwrap_or_else(|| (0..known as u32).collect()))
            }
        };
        let contexts = given.contexts(&full, self.preparation())?;
        let given_rows = given.rows(&full);
        Ok(Conditions {
            classes,
            contexts: Some(contexts),
            width: given.features().len(),
            given: Some(given_rows),
        })
    }

    /// A class by its name or number.
    pub(super) fn class(&self, text: &str) -> Result<u32, Error> {
        let names = self.class_names();
        let number = || text.parse::<usize>().ok().filter(|&c| c < names.len());
        let found = names.iter().position(|n| n == text).or_else(number);
        found.map(|c| c as u32).ok_or_else(|| {
            let numbered = names.iter().enumerate().all(|(i, name)| *name == i.to_string());
            let known = match numbered {
                true => format!("classes 0 to {}", names.len().saturating_sub(1)),
                false => names.join(", "),
            };
            Error::UnknownClass { got: text.to_string(), known }
        })
    }

    /// The classes and contexts of items, as far as the model takes them.
    fn conditions_like(&self, items: &Data) -> Result<LikeItems, Error> {
        let prepared = self.prepare(items)?;
        let rows: Vec<usize> = (0..items.len()).collect();
        let has = self.classes().is_some() && prepared.data().labels().is_some();
        let labels = match has {
            true => self.labels_of(&prepared, &rows)?,
            false => None,
        };
        let layout = self.layout();
        let contexts = match self.context() {
            Some(context) => {
                let unit = layout.to_unit(prepared.data().to_dataset()?.values());
                Some(context.of_pictures(&unit, &layout.event)?)
            }
            None => None,
        };
        Ok((labels, contexts))
    }

    fn labels_of(
        &self,
        data: &pyrogen_data::Prepared<2>,
        rows: &[usize],
    ) -> Result<Option<Vec<u32>>, Error> {
        let classes = self.classes().unwrap_or(0);
        let labels = data.data().labels().unwrap_or_default();
        let picked: Vec<u32> = rows.iter().map(|&r| labels[r]).collect();
        match picked.iter().find(|l| **l as usize >= classes) {
            Some(&got) => Err(RequestError::ClassOutOfRange { got: got as usize, classes }.into()),
            None => Ok(Some(picked)),
        }
    }

    /// Contexts that are given themselves: small pictures, sketches.
    fn given_contexts(&self, contexts: &Data) -> Result<Vec<f32>, Error> {
        let context = self.context().ok_or(RequestError::NoContext)?;
        let event = &self.layout().event;
        let expected = context.given_shape(event)?;
        let rows = contexts.dataset().ok_or(RequestError::NoContext)?;
        if rows.event_shape() != expected {
            let got = rows.event_shape().to_vec();
            return Err(RequestError::ContextShape { expected, got }.into());
        }
        Ok(context.of_given(&rows.layout().to_unit(rows.values()), event)?)
    }

    /// The shape of one context that the model reads.
    pub(super) fn context_shape(&self) -> Result<Option<Vec<usize>>, Error> {
        let shape = |context: PictureContext, layout: &Layout| context.shape(&layout.event);
        Ok(self.context().map(|c| shape(c, self.layout())).transpose()?)
    }

    pub(super) fn context_width(&self) -> Result<usize, Error> {
        Ok(self.context_shape()?.map_or(0, |shape| shape.iter().product()))
    }
}

/// Classes and contexts.
type LikeItems = (Option<Vec<u32>>, Option<Vec<f32>>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_come_in_turn() {
        let conditions = Conditions {
            classes: Some(vec![7, 8]),
            contexts: Some(vec![1.0, 2.0, 3.0]),
            width: 1,
            given: None,
        };
        assert_eq!(conditions.labels(3..6), Some(vec![8, 7, 8]));
        assert_eq!(conditions.contexts(2..5), Some(vec![3.0, 1.0, 2.0]));
        assert_eq!(Conditions::default().labels(0..3), None);
    }
}
