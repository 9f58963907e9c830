//! Operations on the host's memory, with gradients of their own.
//!
//! An operation is a value with a `forward` and a `backward` on arrays. [`apply`] runs it on tensors
//! of Burn's flex backend and enters it in the autodiff graph; the public functions of this crate
//! ask [`on_host`] first and compose Burn's operations elsewhere.

use std::fmt::Debug;

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{DType, Tensor, TensorData};

use crate::spare;

#[cfg(feature = "autodiff")]
use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

/// A dense array in row-major order; a clone shares the memory.
#[derive(Clone, Debug)]
pub(crate) struct Array(pub(crate) FlexTensor);

impl Array {
    /// An array from its values.
    pub(crate) fn new(values: Vec<f32>, shape: &[usize]) -> Self {
        Self(FlexTensor::from_data(TensorData::new(values, shape.to_vec())))
    }

    fn from_tensor(tensor: FlexTensor) -> Self {
        Self(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
    }

    /// The values; the memory may hold more, of which this is a part.
    pub(crate) fn values(&self) -> &[f32] {
        let layout = self.0.layout();
        &self.0.storage()[layout.start_offset()..][..layout.num_elements()]
    }

    /// The values to write to; `None` where others share the memory.
    pub(crate) fn values_mut(&mut self) -> Option<&mut [f32]> {
        let range = self.0.layout().start_offset()..;
        let length = self.0.layout().num_elements();
        self.0.try_storage_mut().map(|values: &mut [f32]| &mut values[range][..length])
    }

    /// The same values in memory that nobody else holds.
    pub(crate) fn own(mut self) -> Self {
        if self.values_mut().is_some() {
            return self;
        }
        Self::new(self.values().to_vec(), self.dims())
    }

    /// An array whose values are to be written, whatever they are now.
    pub(crate) fn to_fill(dims: &[usize]) -> Self {
        Self::new(spare::take(dims.iter().product()), dims)
    }

    /// The same of this array's lengths, in its memory where nobody else holds that.
    pub(crate) fn refill(mut self) -> Self {
        if self.values_mut().is_some() { self } else { Self::to_fill(self.dims()) }
    }

    /// Leaves the memory to [`to_fill`](Self::to_fill), where nobody else holds it.
    pub(crate) fn leave(self) {
        let layout = self.0.layout();
        let whole = layout.is_contiguous()
            && layout.start_offset() == 0
            && self.0.storage::<f32>().len() == layout.num_elements();
        if whole && self.0.is_unique() {
            let (bytes, ..) = self.0.into_data().into_parts();
            // Memory that Burn made may be aligned otherwise than a vector's, and goes back.
            if let Ok(values) = bytes.try_into_vec() {
                spare::give(values);
            }
        }
    }

    /// The values of an array that nobody else holds, such as one from [`own`](Self::own) or
    /// [`to_fill`](Self::to_fill).
    ///
    /// # Panics
    /// If others share the memory.
    pub(crate) fn owned(&mut self) -> &mut [f32] {
        self.values_mut().expect("memory of its own")
    }

    /// All rows, whatever the number of axes: how many, and their length.
    pub(crate) fn rows(&self) -> [usize; 2] {
        let width = self.dims().last().copied().unwrap_or(1);
        [self.values().len() / width.max(1), width]
    }

    pub(crate) fn matrix(&self, transposed: bool) -> FlexTensor {
        let matrix = self.0.reshape(self.rows().into());
        if transposed { matrix.transpose(0, 1) } else { matrix }
    }

    /// The lengths of the axes.
    pub(crate) fn dims(&self) -> &[usize] {
        self.0.layout().shape().as_slice()
    }
}

/// A differentiable operation of `N` arrays to one.
pub(crate) trait HostOp<const N: usize>: Debug + Clone + Send + 'static {
    /// What `backward` needs of the forward pass, where a gradient is wanted at all.
    type Saved: Debug + Clone + Send + 'static;

    /// The result, and what the gradient needs. Without `track` nothing that only the gradient
    /// needs has to be computed.
    fn forward(&self, inputs: [Array; N], track: bool) -> (Array, Self::Saved);

    /// The gradients of the inputs that are wanted, from the gradient of the result.
    fn backward(&self, saved: Self::Saved, grad: Array, wanted: [bool; N]) -> [Option<Array>; N];
}

/// Whether the host forms serve a tensor: single precision, on the flex backend, without gradient
/// checkpointing.
pub(crate) fn on_host<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_host(&x.device())
}

/// [`on_host`], and no gradient is wanted.
pub(crate) fn untracked_on_host<const D: usize>(x: &Tensor<D>) -> bool {
    #[cfg(feature = "autodiff")]
    if x.is_tracked() {
        return false;
    }
    on_host(x)
}

fn is_host(device: &burn::tensor::Device) -> bool {
    #[cfg(feature = "autodiff")]
    if device.is_autodiff() {
        use burn::backend::GradientCheckpointingStrategy::Balanced;
        return device.gradient_checkpointing_strategy() != Some(Balanced)
            && is_host(&device.clone().without_autodiff());
    }
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// An input of [`apply`], whatever its number of axes.
pub(crate) enum Input {
    Plain(FlexTensor),
    #[cfg(feature = "autodiff")]
    Tracked(burn::backend::tensor::FloatTensor<Autodiff<Flex>>),
}

impl<const D: usize> From<Tensor<D>> for Input {
    /// # Panics
    /// If the tensor is not [`on_host`].
    fn from(x: Tensor<D>) -> Self {
        #[cfg(feature = "autodiff")]
        if x.device().is_autodiff() {
            return Self::Tracked(x.try_into_primitive::<Autodiff<Flex>>().expect("on the host"));
        }
        Self::Plain(x.try_into_primitive::<Flex>().expect("on the host"))
    }
}

/// The values of a tensor, without its graph.
///
/// # Panics
/// If the tensor is not [`on_host`].
pub(crate) fn read<const D: usize>(x: &Tensor<D>) -> Array {
    Array::from_tensor(match Input::from(x.clone()) {
        Input::Plain(tensor) => tensor,
        #[cfg(feature = "autodiff")]
        Input::Tracked(tensor) => tensor.into_primitive(),
    })
}

/// The result of an operation, in the autodiff graph where an input is.
pub(crate) fn apply<Op: HostOp<N>, const N: usize, const D: usize>(
    op: Op,
    inputs: [Input; N],
) -> Tensor<D> {
    #[cfg(feature = "autodiff")]
    if inputs.iter().any(|input| matches!(input, Input::Tracked(_))) {
        return apply_tracked(op, inputs);
    }
    let arrays = inputs.map(|input| match input {
        Input::Plain(tensor) => Array::from_tensor(tensor),
        #[cfg(feature = "autodiff")]
        Input::Tracked(tensor) => Array::from_tensor(tensor.into_primitive()),
    });
    let (result, _) = op.forward(arrays, false);
    Tensor::from_primitive::<Flex>(result.0)
}

#[cfg(feature = "autodiff")]
fn apply_tracked<Op: HostOp<N>, const N: usize, const D: usize>(
    op: Op,
    inputs: [Input; N],
) -> Tensor<D> {
    use burn::backend::AutodiffBackend;
    let tensors = inputs.map(|input| match input {
        Input::Plain(tensor) => Autodiff::<Flex>::from_inner(tensor),
        Input::Tracked(tensor) => tensor,
    });
    let nodes = tensors.each_ref().map(|tensor| tensor.node());
    let arrays = tensors.map(|tensor| Array::from_tensor(tensor.into_primitive()));
    let prep = Node::<Op>(op.clone()).prepare::<NoCheckpointing>(nodes).compute_bound().stateful();
    let result = match prep {
        OpsKind::Tracked(prep) => {
            let (result, saved) = op.forward(arrays, true);
            prep.finish(saved, result.0)
        }
        OpsKind::UnTracked(prep) => prep.finish(op.forward(arrays, false).0.0),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(result)
}

#[cfg(feature = "autodiff")]
#[derive(Debug)]
struct Node<Op>(Op);

#[cfg(feature = "autodiff")]
impl<Op: HostOp<N>, const N: usize> Backward<Flex, N> for Node<Op> {
    type State = Op::Saved;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = Array::from_tensor(grads.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let results = self.0.backward(ops.state, grad, wanted);
        for (parent, result) in ops.parents.into_iter().zip(results) {
            if let (Some(node), Some(result)) = (parent, result) {
                grads.register::<Flex>(node.id, result.0);
            }
        }
    }
}
