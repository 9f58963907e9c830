//! Examples for training in tests.

use burn::tensor::kind::Basic;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{Batch, Condition, Examples, Noise};

/// Rows on the host, with their conditions.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Row-major.
    pub values: Vec<f32>,
    /// Numbers of a row.
    pub width: usize,
    /// The condition of each row.
    pub condition: Condition,
}

impl Examples for Rows {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.values.len() / self.width
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, device: &Device) -> Batch<2> {
        let w = self.width;
        let x: Vec<f32> =
            rows.iter().flat_map(|&r| &self.values[r * w..(r + 1) * w]).copied().collect();
        let index: Vec<i32> = rows.iter().map(|&r| r as i32).collect();
        let index = Tensor::from_data(TensorData::new(index, [rows.len()]), device);
        let Condition { labels, context } = self.condition.clone();
        Batch::new(Tensor::from_data(TensorData::new(x, [rows.len(), w]), device))
            .with_labels(labels.map(|l| to(l, device).select(0, index.clone())))
            .with_context(context.map(|c| to(c, device).select(0, index)))
    }
}

fn to<const D: usize, K: Basic>(x: Tensor<D, K>, device: &Device) -> Tensor<D, K> {
    Tensor::from_data(x.into_data(), device)
}
