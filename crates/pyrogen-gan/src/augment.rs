//! Differentiable changes of pictures, for few data.

use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

/// Uniform numbers that the changes of one picture take.
pub(crate) const NUMBERS: usize = 7;

/// The largest shift, as a part of the picture's height and width.
const SHIFT: f64 = 0.125;

/// The side of what is cut out, as a part of the picture's.
const CUT: f64 = 0.5;

/// A random change of pictures that gradients flow through.
///
/// Every picture that the discriminator sees is changed, real and generated ones alike, in its steps
/// and in the generator's, each by random numbers of its own. So the generator learns the pictures and
/// not their changes (Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN
/// training", eq. 4 to 6).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Augment {
    /// Brightness, saturation and contrast, in this order, with uniform `u` for each picture.
    ///
    /// ```text
    /// x + u - 0.5                              u in (0, 1)
    /// (x - mean of the pixel) 2 u + mean       the mean over the channels
    /// (x - mean) (u + 0.5) + mean              the mean over the picture
    /// ```
    Colour,
    /// A shift by whole pixels, up to an eighth of height and of width each way; zeros come in.
    Translation,
    /// A square of half the height and half the width is set to zero; its middle is anywhere.
    Cutout,
}

/// Changes pictures in [-1, 1], in the order of the list.
///
/// # Shapes
/// `x` is `[batch, channels, height, width]`; `uniform` holds the numbers in (0, 1) of each picture,
/// `[batch, 7]`: brightness, saturation, contrast, shift down and right, middle of the cut down and
/// right.
///
/// # Panics
/// If `uniform` has another shape.
pub fn augment(x: Tensor<4>, changes: &[Augment], uniform: Tensor<2>) -> Tensor<4> {
    let batch = x.dims()[0];
    assert_eq!(uniform.dims(), [batch, NUMBERS], "augment: the numbers of {batch} pictures");
    let number = |i: usize| uniform.clone().slice([0..batch, i..i + 1]);
    changes.iter().fold(x, |x, change| match change {
        Augment::Colour => colour(x, [number(0), number(1), number(2)]),
        Augment::Translation => translation(x, number(3), number(4)),
        Augment::Cutout => cutout(x, number(5), number(6)),
    })
}

fn colour(x: Tensor<4>, numbers: [Tensor<2>; 3]) -> Tensor<4> {
    let [batch, ..] = x.dims();
    let [brightness, saturation, contrast] = numbers.map(|u| u.reshape([batch, 1, 1, 1]));
    let x = x + (brightness - 0.5);
    let mean = x.clone().mean_dim(1);
    let x = (x - mean.clone()) * (saturation * 2.0) + mean;
    let mean = x.clone().mean_dim(1).mean_dim(2).mean_dim(3);
    (x - mean.clone()) * (contrast + 0.5) + mean
}

/// Products with matrices of zeros and ones, `S x T^T`, shift rows and columns.
fn translation(x: Tensor<4>, down: Tensor<2>, right: Tensor<2>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let rows = shifts(down, height).unsqueeze_dim::<4>(1);
    let columns = shifts(right, width).unsqueeze_dim::<4>(1);
    rows.matmul(x).matmul(columns.swap_dims(2, 3))
}

/// `[batch, size, size]`: one where the column is the row less the shift.
fn shifts(uniform: Tensor<2>, size: usize) -> Tensor<3> {
    let [batch, _] = uniform.dims();
    let most = (size as f64 * SHIFT + 0.5).floor();
    // One of the 2 most + 1 whole numbers from -most to most.
    let shift = (uniform * (2.0 * most + 1.0)).floor() - most;
    let places = places(size, &shift.device());
    let expected = places.clone().reshape([1, size, 1]) - shift.reshape([batch, 1, 1]);
    let apart = expected - places.reshape([1, 1, size]);
    apart.abs().lower_elem(0.5).float()
}

fn cutout(x: Tensor<4>, down: Tensor<2>, right: Tensor<2>) -> Tensor<4> {
    let [batch, _, height, width] = x.dims();
    let rows = covered(down, height).reshape([batch, 1, height, 1]);
    let columns = covered(right, width).reshape([batch, 1, 1, width]);
    x * (rows * columns).neg().add_scalar(1.0)
}

/// `[batch, size]`: one for the places that are cut out.
fn covered(uniform: Tensor<2>, size: usize) -> Tensor<2> {
    let cut = (size as f64 * CUT + 0.5).floor();
    // An even cut has its middle between two places: one more of them.
    let middles = size as f64 + 1.0 - cut % 2.0;
    let first = (uniform * middles).floor() - (cut / 2.0).floor();
    let from_first = places(size, &first.device()).reshape([1, size]) - first;
    let inside = (from_first.clone() + 0.5).greater_elem(0.0).float();
    inside * (from_first + 0.5).lower_elem(cut).float()
}

fn places(size: usize, device: &Device) -> Tensor<1> {
    Tensor::<1, Int>::arange(0..size as i64, device).float()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    /// A sum and a product of numbers below 20.
    const ROUNDING: f64 = 1e-5;

    fn picture() -> Tensor<4> {
        Tensor::<1, Int>::arange(1..17, &device()).float().reshape([1, 1, 4, 4])
    }

    fn numbers(values: [f32; NUMBERS]) -> Tensor<2> {
        Tensor::<1>::from_floats(values, &device()).reshape([1, NUMBERS])
    }

    #[test]
    fn shifts_bring_zeros_in() {
        // One down, one to the left.
        let at = numbers([0.5, 0.5, 0.5, 0.99, 0.01, 0.5, 0.5]);
        let moved = host(augment(picture(), &[Augment::Translation], at));
        let rows = [[0.0; 4], [2.0, 3.0, 4.0, 0.0], [6.0, 7.0, 8.0, 0.0], [10.0, 11.0, 12.0, 0.0]];
        assert_eq!(moved, rows.concat());
    }

    #[test]
    fn cuts_are_squares_of_half_the_side_and_may_leave_the_picture() {
        let cut = |down, right| {
            let at = numbers([0.5, 0.5, 0.5, 0.5, 0.5, down, right]);
            host(augment(picture(), &[Augment::Cutout], at))
        };
        let zeros = |x: Vec<f64>| -> Vec<usize> { (0..16).filter(|&i| x[i] == 0.0).collect() };
        assert_eq!(zeros(cut(0.5, 0.5)), [5, 6, 9, 10]);
        assert_eq!(zeros(cut(0.01, 0.99)), [3]);
    }

    #[test]
    fn colours_in_the_middle_stay() {
        let all = [Augment::Colour, Augment::Translation];
        let same = host(augment(picture(), &all, numbers([0.5; NUMBERS])));
        let expected = host(picture());
        assert!(same.iter().zip(&expected).all(|(a, b)| (a - b).abs() < ROUNDING), "{same:?}");
        let brighter = numbers([0.75, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
        let brighter = host(augment(picture(), &[Augment::Colour], brighter));
        assert!(brighter.iter().zip(&expected).all(|(a, b)| (a - b - 0.25).abs() < ROUNDING));
    }
}
