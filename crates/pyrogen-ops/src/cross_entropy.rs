//! Cross entropy of logits, one number a row.

use std::sync::Arc;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use crate::device::{self, DeviceOp};
#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// `-ln softmax(logits)[target]` of each row, in nats.
///
/// # Shapes
/// `logits` is `[rows, classes]`, `targets` has one class a row, the result is `[rows]`.
///
/// # Panics
/// If there is not one target a row, or a target is not within the classes.
pub fn cross_entropy(logits: Tensor<2>, targets: &Arc<[u32]>) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    assert_eq!(rows, targets.len(), "cross_entropy: one target a row");
    if let Some(target) = targets.iter().find(|&&t| t as usize >= classes) {
        panic!("cross_entropy: target {target} of {classes} classes");
    }
    #[cfg(feature = "flex")]
    if on_host(&logits) && rows > 0 {
        let op = host::CrossEntropy { targets: targets.clone() };
        return apply(op, [logits.into()]);
    }
    let targets: Vec<i32> = targets.iter().map(|&t| t as i32).collect();
    let targets = TensorData::new(targets, [rows, 1]);
    let targets = Tensor::from_data(targets, &logits.device().without_autodiff());
    device::apply(CrossEntropy { targets }, [logits]).0
}

/// The cross entropy of Burn's operations, whose gradient keeps the logits.
#[derive(Debug, Clone)]
struct CrossEntropy {
    targets: Tensor<2, Int>,
}

impl DeviceOp<1, 2, 1> for CrossEntropy {
    fn forward(&self, [logits]: [Tensor<2>; 1]) -> (Tensor<1>, Vec<Tensor<2>>) {
        let rows = logits.dims()[0];
        let most = logits.clone().detach().max_dim(1);
        let sums = (logits.clone() - most.clone()).exp().sum_dim(1).log() + most;
        let out = sums.clone() - logits.clone().gather(1, self.targets.clone());
        (out.reshape([rows]), vec![logits, sums])
    }

    /// `(softmax - one hot) * gradient`.
    fn backward(&self, saved: Vec<Tensor<2>>, grad: Tensor<1>) -> [Tensor<2>; 1] {
        let [logits, sums] = saved.try_into().expect("the logits and their sums");
        let grad: Tensor<2> = grad.unsqueeze_dim(1);
        let softmax = (logits - sums).exp() * grad.clone();
        [softmax.scatter(1, self.targets.clone(), grad.neg(), IndexingUpdateOp::Add)]
    }
}

#[cfg(feature = "flex")]
mod host {
    use std::sync::Arc;

    use crate::host::{Array, HostOp};
    use crate::parallel;
    use crate::scalar::exp;
    use crate::sums;

    #[derive(Debug, Clone)]
    pub(super) struct CrossEntropy {
        pub(super) targets: Arc<[u32]>,
    }

    impl HostOp<1> for CrossEntropy {
        type Saved = Option<Array>;

        fn forward(&self, [logits]: [Array; 1], track: bool) -> (Array, Self::Saved) {
            let [rows, classes] = logits.rows();
            let mut sums = vec![0f32; rows];
            parallel::pieces::<LogSums, _>(&mut sums, (logits.values(), classes));
            for ((sum, row), &target) in
                sums.iter_mut().zip(logits.values().chunks(classes)).zip(&self.targets[..])
            {
                *sum -= row[target as usize];
            }
            let out = Array::new(sums, &[rows]);
            (out, track.then_some(logits))
        }

        fn backward(&self, saved: Self::Saved, grad: Array, _: [bool; 1]) -> [Option<Array>; 1] {
            let logits = saved.expect("a tracked forward pass");
            let classes = logits.rows()[1];
            let mut out = logits.own();
            let args = (grad.values(), &self.targets[..], classes);
            parallel::rows::<Back, _>(out.owned(), classes, args);
            [Some(out)]
        }
    }

    struct LogSums;

    type Sums<'a, 'b> = ((&'a [f32], usize), usize, &'b mut [f32]);

    impl parallel::Kernel<Sums<'_, '_>> for LogSums {
        type Output = ();

        /// The logarithm of each row's sum of exponentials.
        #[inline(always)]
        fn run(((logits, classes), first, out): Sums) {
            for (i, out) in out.iter_mut().enumerate() {
                let row = &logits[(first + i) * classes..][..classes];
                let most = sums::maximum(row);
                let sum = sums::sum(classes, |j| exp(row[j] - most));
                *out = most + sum.ln() as f32;
            }
        }
    }

    struct Back;

    type Rows<'a, 'b> = ((&'a [f32], &'a [u32], usize), usize, &'b mut [f32]);

    impl parallel::Kernel<Rows<'_, '_>> for Back {
        type Output = ();

        /// `(softmax - one hot) * gradient`.
        #[inline(always)]
        fn run(((grad, targets, classes), first, out): Rows) {
            for (i, row) in out.chunks_mut(classes).enumerate() {
                let most = sums::maximum(row);
                let grad = grad[first + i];
                for x in row.iter_mut() {
                    *x = exp(*x - most);
                }
                let factor = grad * (1.0 / sums::total(row)) as f32;
                for x in row.iter_mut() {
                    *x *= factor;
                }
                row[targets[first + i] as usize] -= grad;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::{assert_gradients, leaf};

    #[test]
    fn gradients_of_the_logits_alone() {
        let targets: [i32; 5] = [3, 0, 6, 6, 2];
        let device = pyrogen_testkit::device();
        let targets = Tensor::from_data(TensorData::new(targets.to_vec(), [5, 1]), &device);
        let logits = (leaf([5, 7], 1) * 4.0).detach().require_grad();
        assert_gradients(&CrossEntropy { targets }, [logits]);
    }

    #[test]
    fn no_rows_have_no_losses() {
        let logits = Tensor::<2>::zeros([0, 7], &pyrogen_testkit::device());
        assert_eq!(cross_entropy(logits, &[].into()).dims(), [0]);
    }
}
