//! Operations of Burn's operations, with gradients of their own.
//!
//! Burn keeps what each of its operations needs for its gradient: of a softmax the exponentials and the
//! quotient, of a normalisation four arrays of the input's size. An operation here keeps its inputs and a
//! few sums, and works the rest out again. This is the form for GPUs, and on the CPU for numbers that the
//! host forms do not serve.

use std::fmt::Debug;

use burn::tensor::Tensor;

/// A differentiable operation of `N` tensors of `D` axes to one of `E` axes.
pub(crate) trait DeviceOp<const N: usize, const D: usize, const E: usize>:
    Debug + Clone + Send + 'static
{
    /// The result, and what the gradient needs.
    fn forward(&self, inputs: [Tensor<D>; N]) -> (Tensor<E>, Vec<Tensor<D>>);

    /// The gradients of the inputs from the gradient of the result.
    fn backward(&self, saved: Vec<Tensor<D>>, grad: Tensor<E>) -> [Tensor<D>; N];
}

/// The result of an operation, and what its gradient needs, without a graph.
///
/// On a device that tracks gradients the result enters the graph with the operation's own; with those of
/// Burn's operations where Burn is to recompute (`Device::gradient_checkpointing`), and on backends that
/// are not known here.
pub(crate) fn apply<Op, const N: usize, const D: usize, const E: usize>(
    op: Op,
    inputs: [Tensor<D>; N],
) -> (Tensor<E>, Vec<Tensor<D>>)
where
    Op: DeviceOp<N, D, E>,
{
    #[cfg(all(feature = "autodiff", any(feature = "flex", feature = "gpu")))]
    if let Some(device) = inputs.iter().map(Tensor::device).find(tracked::keeps) {
        use burn::backend::DispatchDevice;
        match device.without_autodiff().as_dispatch() {
            #[cfg(feature = "flex")]
            DispatchDevice::Flex(_) => {
                return tracked::apply::<burn::backend::Flex, _, N, D, E>(op, inputs);
            }
            #[cfg(feature = "gpu")]
            DispatchDevice::Cube(_) => {
                return tracked::apply::<burn::backend::Cube, _, N, D, E>(op, inputs);
            }
            #[allow(
                unreachable_patterns,
                reason = "which backends there are is the build's choice"
            )]
            _ => {}
        }
    }
    let (result, saved) = op.forward(inputs);
    (result, saved.into_iter().map(Tensor::detach).collect())
}

#[cfg(all(feature = "autodiff", any(feature = "flex", feature = "gpu")))]
mod tracked {
    use burn::backend::autodiff::{
        Autodiff,
        checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    };
    use burn::backend::{
        AutodiffBackend, Backend, DispatchKindConversion, DispatchTensor,
        GradientCheckpointingStrategy::Balanced,
    };
    use burn::tensor::{Device, Tensor};

    use super::DeviceOp;

    /// Whether the device tracks gradients and keeps what they need.
    pub(super) fn keeps(device: &Device) -> bool {
        device.is_autodiff() && device.gradient_checkpointing_strategy() != Some(Balanced)
    }

    pub(super) fn apply<B, Op, const N: usize, const D: usize, const E: usize>(
        op: Op,
        inputs: [Tensor<D>; N],
    ) -> (Tensor<E>, Vec<Tensor<D>>)
    where
        B: Backend,
        DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
        Op: DeviceOp<N, D, E>,
    {
        let tensors = inputs.map(|x| match x.device().is_autodiff() {
            true => x.try_into_primitive::<Autodiff<B>>().expect("the device's backend"),
            false => Autodiff::<B>::from_inner(primitive::<B, D>(x)),
        });
        let nodes = tensors.each_ref().map(|tensor| tensor.node());
        let inputs = tensors.map(|tensor| Tensor::from_primitive::<B>(tensor.into_primitive()));
        let prep = Node::<Op, D, E>(op.clone()).prepare::<NoCheckpointing>(nodes);
        let (result, saved) = op.forward(inputs);
        let result = primitive::<B, E>(result);
        let result = match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved.clone(), result),
            OpsKind::UnTracked(prep) => prep.finish(result),
        };
        let saved = saved.into_iter().map(Tensor::from_inner).collect();
        (Tensor::from_primitive::<Autodiff<B>>(result), saved)
    }

    fn primitive<B: Backend, const D: usize>(x: Tensor<D>) -> B::FloatTensorPrimitive
    where
        DispatchTensor: DispatchKindConversion<B>,
    {
        x.try_into_primitive::<B>().expect("the device's backend")
    }

    #[derive(Debug)]
    struct Node<Op, const D: usize, const E: usize>(Op);

    impl<B, Op, const N: usize, const D: usize, const E: usize> Backward<B, N> for Node<Op, D, E>
    where
        B: Backend,
        DispatchTensor: DispatchKindConversion<B>,
        Op: DeviceOp<N, D, E>,
    {
        type State = Vec<Tensor<D>>;

        fn backward(
            self,
            ops: Ops<Self::State, N>,
            grads: &mut Gradients,
            _checkpointer: &mut Checkpointer,
        ) {
            let grad = Tensor::from_primitive::<B>(grads.consume::<B>(&ops.node));
            let results = self.0.backward(ops.state, grad);
            for (parent, result) in ops.parents.into_iter().zip(results) {
                if let Some(node) = parent {
                    grads.register::<B>(node.id, primitive::<B, D>(result));
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::{device, host};

    use super::*;

    /// Normal numbers whose gradient is tracked.
    pub(crate) fn leaf<const D: usize>(dims: [usize; D], seed: u64) -> Tensor<D> {
        let x: Tensor<D> = Noise::new(Seed(seed)).normal(dims, &device().autodiff());
        x.require_grad()
    }

    /// Checks that the operation's gradients are those that Burn has of its forward pass.
    pub(crate) fn assert_gradients<Op, const N: usize, const D: usize, const E: usize>(
        op: &Op,
        inputs: [Tensor<D>; N],
    ) where
        Op: DeviceOp<N, D, E>,
    {
        let own = apply(op.clone(), inputs.clone()).0;
        let (burns, saved) = op.forward(inputs.clone());
        drop(saved);
        let weight = Noise::new(Seed(99)).normal(own.dims(), &device().autodiff());
        let gradients = [own, burns].map(|y: Tensor<E>| (y * weight.clone()).sum().backward());
        // Where Burn is to compute again, its own operations do it.
        let checkpointed = device().autodiff().gradient_checkpointing();
        let again = inputs
            .clone()
            .map(|x| Tensor::from_data(x.inner().into_data(), &checkpointed).require_grad());
        let y = apply(op.clone(), again).0;
        assert!(host(y.inner()).into_iter().all(f64::is_finite));
        for (i, x) in inputs.iter().enumerate() {
            let [own, burns] = gradients.each_ref().map(|g| host(x.grad(g).expect("a gradient")));
            let most = burns.iter().fold(1f64, |most, v| most.max(v.abs()));
            for (own, burns) in own.iter().zip(&burns) {
                assert!((own - burns).abs() <= 1e-5 * most, "{op:?}, input {i}: {own} {burns}");
            }
        }
    }
}
