//! Latents of items, and items of latents.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::Posterior;
use pyrogen_core::distribution::{Independent, Normal};
use pyrogen_data::Data;

use crate::{Control, Error, Request};

/// What latents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LatentKind {
    /// A normal distribution for each item, with a standard normal prior.
    Gaussian,
    /// A point for each item, with a standard normal prior.
    Point,
    /// Codes out of a codebook: their vectors have no directions of their own.
    Codes,
    /// The noise that the model makes the item of.
    Noise,
}

/// The space of latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentSpace {
    /// What latents are.
    pub kind: LatentKind,
    /// Numbers of one.
    pub dims: usize,
}

impl LatentSpace {
    /// Whether one dimension after the other can be varied around the prior's mean.
    pub fn has_axes(&self) -> bool {
        matches!(self.kind, LatentKind::Gaussian | LatentKind::Point)
    }
}

/// Latents of some items, with the conditions that belong to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Latents {
    /// Points, row-major: means of distributions, vectors of codes.
    pub values: Vec<f32>,
    /// Numbers of one.
    pub dims: usize,
    /// Log-variances, row-major, where latents are distributions.
    pub log_var: Option<Vec<f32>>,
    /// The codes of each item, where latents are codes.
    pub codes: Option<Vec<Vec<u32>>>,
    /// The class of each item, for models with classes.
    pub classes: Option<Vec<u32>>,
    /// The context of each item, flat, for models that take contexts.
    pub contexts: Option<Vec<f32>>,
}

impl Latents {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dims).unwrap_or(0)
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The posteriors on a device: normal distributions where there are log-variances, else points.
    pub fn posterior(&self, device: &Device) -> Posterior {
        let shape = [self.len(), self.dims];
        let tensor = |values: &[f32]| -> Tensor<2> {
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        match &self.log_var {
            None => Posterior::Point(tensor(&self.values)),
            Some(log_var) => {
                let normal = Normal::new(tensor(&self.values), tensor(log_var));
                Posterior::Gaussian(Independent::new(normal))
            }
        }
    }

    /// The point of one item.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dims..(i + 1) * self.dims]
    }

    /// Points with the condition of item `of` of these latents, all of them.
    ///
    /// # Panics
    /// If `of` is out of range where there are conditions.
    pub fn points_like(&self, of: usize, values: Vec<f32>) -> Self {
        let n = values.len().checked_div(self.dims).unwrap_or(0);
        let context = self.contexts.as_ref().map(|all| {
            let width = all.len() / self.len().max(1);
            all[of * width..(of + 1) * width].repeat(n)
        });
        Self {
            values,
            dims: self.dims,
            log_var: None,
            codes: None,
            classes: self.classes.as_ref().map(|c| vec![c[of]; n]),
            contexts: context,
        }
    }

    /// The rows `rows`.
    ///
    /// # Panics
    /// If they are out of range.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let n = self.len();
        let part = |all: &Vec<f32>| {
            let width = all.len() / n.max(1);
            all[rows.start * width..rows.end * width].to_vec()
        };
        Self {
            values: part(&self.values),
            dims: self.dims,
            log_var: self.log_var.as_ref().map(part),
            codes: self.codes.as_ref().map(|c| c[rows.clone()].to_vec()),
            classes: self.classes.as_ref().map(|c| c[rows.clone()].to_vec()),
            contexts: self.contexts.as_ref().map(part),
        }
    }
}

/// Encodes items and decodes latents.
pub trait Latent: Send + Sync {
    /// The space of latents.
    fn space(&self) -> LatentSpace;

    /// The latents of each item, with its condition. The request's seed is that of draws that the
    /// preparation of the data makes.
    ///
    /// # Errors
    /// Data that does not fit the model, numbers that are not finite, or a control that was
    /// cancelled.
    fn encode(&self, data: &Data, request: &Request, control: &Control) -> Result<Latents, Error>;

    /// The expected item of each latent point, in raw units.
    ///
    /// # Errors
    /// Latents of another width, conditions that do not fit, numbers that are not finite, or a
    /// control that was cancelled.
    fn decode(&self, latents: &Latents, control: &Control) -> Result<Data, Error>;

    /// The item of each latent point as the model draws it, in raw units: where the decoder gives a
    /// distribution, a mean or a draw, as [`Generate`](crate::Generate) does and by the same option
    /// `output`. The random numbers are those of `items`, one a point.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and an option that does not exist.
    fn draw(
        &self,
        latents: &Latents,
        _items: Range<u64>,
        _request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        self.decode(latents, control)
    }

    /// `n` points of zeros, the mean of the prior, with the condition of a request: its class, else
    /// the first class, and the first of its contexts.
    ///
    /// # Errors
    /// A condition that does not fit the model.
    fn origin(&self, n: usize, request: &Request) -> Result<Latents, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_stay_with_their_latents() {
        let latents = Latents {
            values: vec![1.0, 2.0, 3.0, 4.0],
            dims: 2,
            classes: Some(vec![5, 6]),
            contexts: Some(vec![0.1, 0.2]),
            ..Latents::default()
        };
        let walk = latents.points_like(1, vec![0.0; 6]);
        assert_eq!((walk.len(), walk.classes.clone()), (3, Some(vec![6, 6, 6])));
        assert_eq!(walk.contexts, Some(vec![0.2, 0.2, 0.2]));
        let last = latents.rows(1..2);
        assert_eq!(last.row(0), [3.0, 4.0]);
        assert_eq!(last.classes, Some(vec![6]));
    }
}
