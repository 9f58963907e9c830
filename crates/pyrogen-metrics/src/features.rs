//! The matrix that every sample metric works on.

use burn::tensor::{Element, Tensor};
use faer::MatRef;

use crate::MetricError;
use crate::signature::is_value;

/// One row a sample, one column a feature: finite f64 values on the host, row after row.
///
/// The name says what the columns are (`digits-cnn-v1`, `pixels-8x8-v1`) and goes into every
/// signature; features with different names are not compared.
///
/// ```
/// use pyrogen_metrics::Features;
///
/// let features = Features::new(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 3, 2)?.named("demo-v1")?;
/// assert_eq!(features.row(1), [2.0, 3.0]);
/// let error = Features::new(vec![0.0, f64::NAN], 1, 2).unwrap_err();
/// assert!(error.to_string().contains("row 0, column 1 is NaN"));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    name: String,
    values: Vec<f64>,
    rows: usize,
    cols: usize,
}

/// The name of features that came without one.
const UNNAMED: &str = "given";

impl Features {
    /// A matrix from its rows, one after another; its name is `given`.
    ///
    /// # Errors
    /// No rows or no columns, another number of values than `rows * cols`, or a value that is not
    /// finite.
    pub fn new(values: Vec<f64>, rows: usize, cols: usize) -> Result<Self, MetricError> {
        if rows == 0 || cols == 0 {
            return Err(MetricError::Empty { rows, cols });
        }
        if rows.checked_mul(cols) != Some(values.len()) {
            let got = values.len();
            return Err(MetricError::Length { rows, cols, got });
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(MetricError::NotFinite {
                row: at / cols,
                col: at % cols,
                value: values[at],
            });
        }
        Ok(Self { name: UNNAMED.to_string(), values, rows, cols })
    }

    /// A matrix from a tensor on any device, widened to f64.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a device that fails.
    pub fn from_tensor(tensor: Tensor<2>) -> Result<Self, MetricError> {
        let [rows, cols] = tensor.dims();
        Self::new(read(tensor)?, rows, cols)
    }

    /// The same values under a name.
    ///
    /// # Errors
    /// An empty name, or one with a `|`, a space or a control character.
    pub fn named(self, name: impl Into<String>) -> Result<Self, MetricError> {
        let name = name.into();
        if !is_value(&name) {
            return Err(MetricError::Name { name });
        }
        Ok(Self { name, ..self })
    }

    /// What the columns are.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features of each sample.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One sample.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn row(&self, row: usize) -> &[f64] {
        assert!(row < self.rows, "Features::row: row {row} of {} rows", self.rows);
        &self.values[row * self.cols..(row + 1) * self.cols]
    }

    /// The samples `rows`, in that order.
    ///
    /// # Errors
    /// An empty list.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn select(&self, rows: &[usize]) -> Result<Self, MetricError> {
        let values = rows.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self::new(values, rows.len(), self.cols)?.named(self.name.clone())
    }

    /// The values as a faer matrix.
    pub(crate) fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.cols)
    }
}

/// Values that are widened at once, about: room for a whole set is needed only once.
const AT_ONCE: usize = 1 << 20;

/// A tensor's values on the host.
pub(crate) fn read<E: Element, const D: usize>(tensor: Tensor<D>) -> Result<Vec<E>, MetricError> {
    let (rows, total) = (tensor.dims()[0], tensor.shape().num_elements());
    let step = (AT_ONCE * rows / total.max(1)).max(1);
    let mut values = Vec::with_capacity(total);
    for first in (0..rows).step_by(step) {
        let part = tensor.clone().narrow(0, first, step.min(rows - first));
        let part = part.try_into_vec_as::<E>();
        let part = part.map_err(|e| e.to_string().replace('\n', " "));
        values.extend(part.map_err(|message| MetricError::Device { message })?);
    }
    Ok(values)
}

/// Checks that two sets can be compared and are large enough.
pub(crate) fn check_pair(
    metric: &'static str,
    real: &Features,
    generated: &Features,
    needed: usize,
) -> Result<(), MetricError> {
    if real.cols() != generated.cols() {
        return Err(MetricError::Width { real: real.cols(), generated: generated.cols() });
    }
    if real.name() != generated.name() {
        return Err(MetricError::DifferentFeatures {
            real: real.name().to_string(),
            generated: generated.name().to_string(),
        });
    }
    check_rows(metric, "real", real, needed)?;
    check_rows(metric, "generated", generated, needed)
}

/// Checks that a set is large enough.
pub(crate) fn check_rows(
    metric: &'static str,
    set: &'static str,
    features: &Features,
    needed: usize,
) -> Result<(), MetricError> {
    check_rows_of(metric, set, features.rows(), needed)
}

/// The same of a number of rows.
pub(crate) fn check_rows_of(
    metric: &'static str,
    set: &'static str,
    got: usize,
    needed: usize,
) -> Result<(), MetricError> {
    if got >= needed {
        return Ok(());
    }
    Err(MetricError::TooFewRows { metric, set, needed, got })
}

/// Refuses a result that overflowed.
pub(crate) fn finite(metric: &'static str, value: f64) -> Result<f64, MetricError> {
    if value.is_finite() { Ok(value) } else { Err(MetricError::Overflow { metric, value }) }
}
