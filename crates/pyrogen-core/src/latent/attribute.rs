//! Directions in latent space that stand for an attribute.

use burn::tensor::Tensor;

use super::{host, upload};
use crate::RequestError;

/// A direction that adds an attribute: the mean of the latents that have it minus the mean of
/// those that do not.
///
/// # References
/// Larsen, Sønderby, Larochelle and Winther (2016), "Autoencoding beyond pixels using a learned
/// similarity metric", on visual attribute vectors.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::latent::AttributeVector;
///
/// let device = Device::flex();
/// let latents = Tensor::<2>::from_floats([[0.0, 1.0], [0.0, 3.0], [4.0, 2.0]], &device);
/// let attribute = AttributeVector::new(latents.clone(), &[false, false, true])?;
/// let changed = attribute.apply(latents.slice(0..1), 0.5);
/// let expected = Tensor::<2>::from_floats([[2.0, 1.0]], &device);
/// assert!(changed.all_close(expected, None, None));
/// # Ok::<(), pyrogen_core::RequestError>(())
/// ```
#[derive(Debug, Clone)]
pub struct AttributeVector {
    direction: Tensor<1>,
}

impl AttributeVector {
    /// From latents `[n, latents]` (posterior means, as a rule) and whether each has the attribute.
    ///
    /// # Errors
    /// When all have it, or none.
    ///
    /// # Panics
    /// If there is not one flag a row.
    pub fn new(latents: Tensor<2>, has: &[bool]) -> Result<Self, RequestError> {
        let labels: Vec<usize> = has.iter().map(|&h| usize::from(h)).collect();
        Self::between(latents, &labels, 0, 1).map_err(|_| RequestError::Value {
            name: "attribute",
            expected: "present in some examples and absent in others",
            got: match has.first() {
                Some(true) => "present in all".to_string(),
                Some(false) => "present in none".to_string(),
                None => "no examples".to_string(),
            },
        })
    }

    /// The way from one class to another: the difference of their means. Examples of further
    /// classes are left out.
    ///
    /// # Errors
    /// When a class has no examples.
    ///
    /// # Panics
    /// If there is not one label a row.
    pub fn between(
        latents: Tensor<2>,
        labels: &[usize],
        from: usize,
        to: usize,
    ) -> Result<Self, RequestError> {
        let [_, width] = latents.dims();
        let device = latents.device();
        let rows = rows_of(latents, labels);
        let from = mean_of(&rows, width, labels, from)?;
        let to = mean_of(&rows, width, labels, to)?;
        let direction = to.iter().zip(&from).map(|(t, f)| t - f);
        Ok(Self { direction: upload(direction, [width], &device) })
    }

    /// The direction, `[latents]`; its length is the distance between the two means.
    pub fn direction(&self) -> Tensor<1> {
        self.direction.clone()
    }

    /// Adds `strength` times the direction to each row of `[n, latents]`: 1 adds the attribute
    /// as an average example has it, -1 removes it.
    ///
    /// # Panics
    /// If the latents have another width.
    pub fn apply(&self, latents: Tensor<2>, strength: f64) -> Tensor<2> {
        let [width] = self.direction.dims();
        assert_eq!(
            latents.dims()[1],
            width,
            "AttributeVector::apply: latents of another width than the direction"
        );
        latents + self.direction.clone().unsqueeze_dim::<2>(0) * strength
    }
}

/// The mean latent of each class, `[classes, latents]`.
///
/// # Errors
/// A label that is not below `classes`, or a class without examples.
///
/// # Panics
/// If there is not one label a row.
pub fn class_means(
    latents: Tensor<2>,
    labels: &[usize],
    classes: usize,
) -> Result<Tensor<2>, RequestError> {
    let [_, width] = latents.dims();
    let device = latents.device();
    if let Some(&got) = labels.iter().find(|&&l| l >= classes) {
        return Err(RequestError::ClassOutOfRange { got, classes });
    }
    let rows = rows_of(latents, labels);
    let mut means = Vec::with_capacity(classes * width);
    for class in 0..classes {
        means.extend(mean_of(&rows, width, labels, class)?);
    }
    Ok(upload(means.into_iter(), [classes, width], &device))
}

fn rows_of(latents: Tensor<2>, labels: &[usize]) -> Vec<f64> {
    assert_eq!(latents.dims()[0], labels.len(), "latents and labels: one label a row is needed");
    host(latents)
}

fn mean_of(
    rows: &[f64],
    width: usize,
    labels: &[usize],
    class: usize,
) -> Result<Vec<f64>, RequestError> {
    let mut sum = vec![0.0; width];
    let mut count = 0usize;
    for (row, _) in
        rows.chunks_exact(width.max(1)).zip(labels).filter(|(_, label)| **label == class)
    {
        count += 1;
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
    if count == 0 {
        return Err(RequestError::Value {
            name: "labels",
            expected: "those of at least one example of each class",
            got: format!("none of class {class}"),
        });
    }
    sum.iter_mut().for_each(|s| *s /= count as f64);
    Ok(sum)
}
