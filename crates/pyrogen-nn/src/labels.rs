//! Class labels as numbers that a network reads.

use burn::tensor::{Int, Tensor};

/// One-hot vectors: 1 at the label, 0 elsewhere.
///
/// # Shapes
/// `labels` is `[batch]`, the result `[batch, classes]`, on the labels' device.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
///
/// let labels = Tensor::<1, Int>::from_ints([2, 0], &Device::flex());
/// let rows: Vec<f32> = pyrogen_nn::one_hot(labels, 3).into_data().try_to_vec().unwrap();
/// assert_eq!(rows, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
/// ```
///
/// # Panics
/// If a label is not within `0..classes`. The labels are read back from the device for that:
/// a wrong one would otherwise be a row of zeros, which no network complains about.
pub fn one_hot(labels: Tensor<1, Int>, classes: usize) -> Tensor<2> {
    let [batch] = labels.dims();
    if let Some(wrong) = labels.to_data().iter::<i64>().find(|&l| l < 0 || l >= classes as i64) {
        panic!("one_hot: label {wrong} is not within 0..{classes}");
    }
    let device = labels.device();
    let columns = Tensor::<1, Int>::arange(0..classes as i64, &device);
    let columns = columns.reshape([1, classes]).expand([batch, classes]);
    let labels = labels.reshape([batch, 1]).expand([batch, classes]);
    labels.equal(columns).float()
}
