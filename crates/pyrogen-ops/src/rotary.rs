//! Rotary position embedding.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use crate::device::{self, DeviceOp};
#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// The angles of rotary position embedding at some places: cosines and sines, computed once for all
/// layers.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// `[rows, d / 2]` cosines, then as many sines.
    angles: Arc<[f32]>,
    half: usize,
}

impl Rotation {
    /// The angles of `positions`, one a row, with one frequency a pair of features. `scale`
    /// multiplies what is rotated (1 for none).
    ///
    /// # Numerics
    /// Angles are computed in f64 and their cosines and sines rounded once.
    pub fn new(positions: impl IntoIterator<Item = f64>, frequencies: &[f64], scale: f64) -> Self {
        let half = frequencies.len();
        let mut angles = Vec::new();
        for position in positions {
            let at = |f: &f64| position * f;
            angles.extend(frequencies.iter().map(|f| (at(f).cos() * scale) as f32));
            angles.extend(frequencies.iter().map(|f| (at(f).sin() * scale) as f32));
        }
        Self { angles: angles.into(), half }
    }

    /// The angles of some of the rows, in this order: those of a batch, out of those of the places.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn select(&self, rows: impl IntoIterator<Item = usize>) -> Self {
        let width = 2 * self.half;
        let row = |row: usize| self.angles[row * width..][..width].iter().copied();
        Self { angles: rows.into_iter().flat_map(row).collect(), half: self.half }
    }

    /// Rows that it has angles for.
    pub fn rows(&self) -> usize {
        self.angles.len() / (2 * self.half).max(1)
    }

    /// Rotates the first `heads` heads of each row, which stand one after the other; what follows
    /// them stays. In a head the pairs are element `i` and element `i + d / 2`:
    ///
    /// ```text
    /// y[i] = x[i] cos - x[i + d/2] sin
    /// y[i + d/2] = x[i + d/2] cos + x[i] sin
    /// ```
    ///
    /// # Shapes
    /// `[batch, places, features]` to the same, with `batch * places` rows.
    ///
    /// # Panics
    /// If the sizes do not fit.
    ///
    /// # References
    /// Su et al. 2021, "RoFormer", eq. 34, with the pairs of GPT-NeoX.
    pub fn apply(&self, x: Tensor<3>, heads: usize) -> Tensor<3> {
        let [batch, places, width] = x.dims();
        assert!(
            batch * places == self.rows() && heads * 2 * self.half <= width,
            "Rotation: {} rows and {heads} heads of {} do not fit {:?}",
            self.rows(),
            2 * self.half,
            x.dims()
        );
        #[cfg(feature = "flex")]
        if on_host(&x) {
            return apply(host::Rotate { rotation: self.clone(), heads }, [x.into()]);
        }
        let angles = TensorData::new(self.angles.to_vec(), [batch, places, 1, 2 * self.half]);
        let angles = Tensor::from_data(angles, &x.device().without_autodiff());
        device::apply(Rotate { angles, heads }, [x]).0
    }
}

/// The rotation of Burn's operations; its gradient is the rotation back, which keeps nothing.
#[derive(Debug, Clone)]
struct Rotate {
    /// `[batch, places, 1, d]`: cosines, then sines.
    angles: Tensor<4>,
    heads: usize,
}

impl Rotate {
    /// Turns by the angles, or back.
    fn turn(&self, x: Tensor<3>, back: bool) -> Tensor<3> {
        let (angles, heads) = (self.angles.clone(), self.heads);
        let ([batch, places, width], d) = (x.dims(), angles.dims()[3]);
        let half = d / 2;
        let [cos, sin] = [0, 1].map(|i| angles.clone().narrow(3, i * half, half));
        let sin = if back { sin.neg() } else { sin };
        let turned = x.clone().narrow(2, 0, heads * d).reshape([batch, places, heads, d]);
        let [a, b] = [0, 1].map(|i| turned.clone().narrow(3, i * half, half));
        let first = a.clone() * cos.clone() - b.clone() * sin.clone();
        let second = b * cos + a * sin;
        let turned = Tensor::cat(vec![first, second], 3).reshape([batch, places, heads * d]);
        if heads * d == width {
            return turned;
        }
        Tensor::cat(vec![turned, x.narrow(2, heads * d, width - heads * d)], 2)
    }
}

impl DeviceOp<1, 3, 3> for Rotate {
    fn forward(&self, [x]: [Tensor<3>; 1]) -> (Tensor<3>, Vec<Tensor<3>>) {
        (self.turn(x, false), vec![])
    }

    fn backward(&self, _saved: Vec<Tensor<3>>, grad: Tensor<3>) -> [Tensor<3>; 1] {
        [self.turn(grad, true)]
    }
}

#[cfg(feature = "flex")]
mod host {
    use super::Rotation;
    use crate::host::{Array, HostOp};
    use crate::parallel;

    #[derive(Debug, Clone)]
    pub(super) struct Rotate {
        pub(super) rotation: Rotation,
        pub(super) heads: usize,
    }

    impl Rotate {
        fn turn(&self, x: Array, back: bool) -> Array {
            let width = x.rows()[1];
            let mut x = x.own();
            let args = (&self.rotation.angles[..], self.rotation.half, self.heads, width, back);
            parallel::rows::<Turn, _>(x.owned(), width, args);
            x
        }
    }

    impl HostOp<1> for Rotate {
        type Saved = ();

        fn forward(&self, [x]: [Array; 1], _: bool) -> (Array, ()) {
            (self.turn(x, false), ())
        }

        /// Turned the other way.
        fn backward(&self, (): (), grad: Array, _: [bool; 1]) -> [Option<Array>; 1] {
            [Some(self.turn(grad, true))]
        }
    }

    struct Turn;

    type Args<'a, 'b> = ((&'a [f32], usize, usize, usize, bool), usize, &'b mut [f32]);

    impl parallel::Kernel<Args<'_, '_>> for Turn {
        type Output = ();

        #[inline(always)]
        fn run(args: Args) {
            turn(args);
        }
    }

    #[inline(always)]
    fn turn(((angles, half, heads, width, back), first, out): Args) {
        let sign = if back { -1.0 } else { 1.0 };
        for (i, row) in out.chunks_mut(width).enumerate() {
            let angles = &angles[(first + i) * 2 * half..][..2 * half];
            let (cos, sin) = angles.split_at(half);
            for head in row[..heads * 2 * half].chunks_exact_mut(2 * half) {
                let (a, b) = head.split_at_mut(half);
                for j in 0..half {
                    let (x, y) = (a[j], b[j]);
                    a[j] = x * cos[j] - y * (sign * sin[j]);
                    b[j] = y * cos[j] + x * (sign * sin[j]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::{assert_gradients, leaf};

    #[test]
    fn the_gradient_turns_back() {
        let rotation = Rotation::new((0..6).map(f64::from), &[1.0, 0.3], 1.5);
        let angles = TensorData::new(rotation.angles.to_vec(), [2, 3, 1, 4]);
        let angles = Tensor::from_data(angles, &pyrogen_testkit::device());
        for width in [8, 11] {
            let op = Rotate { angles: angles.clone(), heads: 2 };
            assert_gradients(&op, [leaf([2, 3, width], 1)]);
        }
    }
}
