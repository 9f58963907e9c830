//! A tensor's numbers as a slice, where the CPU computes.
//!
//! An optimiser's step and what is done to gradients are short formulas over long vectors. Made of
//! tensor operations, each operation is a pass over memory and most make a new vector; on slices
//! the whole formula is one pass, in place where nobody else holds the vector.

#[cfg(feature = "flex")]
pub(crate) use on_flex::Values;
#[cfg(not(feature = "flex"))]
pub(crate) use without::Values;

#[cfg(feature = "flex")]
mod on_flex {
    use burn::backend::flex::FlexTensor;
    use burn::backend::{DispatchDevice, Flex};
    use burn::tensor::{DType, Tensor};

    /// The f32 numbers of a tensor on the flex device, row-major.
    #[derive(Debug)]
    pub(crate) struct Values(FlexTensor);

    impl Values {
        /// Takes a tensor's numbers; gives the tensor back where it is on another device (autodiff
        /// is another) or of another type.
        #[allow(clippy::result_large_err)] // no error: the caller goes on with the tensor
        pub fn of<const D: usize>(tensor: Tensor<D>) -> Result<Self, Tensor<D>> {
            let here = matches!(tensor.device().as_dispatch(), DispatchDevice::Flex(_));
            if !here || tensor.dtype() != DType::F32 {
                return Err(tensor);
            }
            let inner = tensor.try_into_primitive::<Flex>().expect("the device is flex");
            let layout = inner.layout();
            let whole = layout.is_contiguous()
                && layout.start_offset() == 0
                && inner.storage::<f32>().len() == layout.num_elements();
            Ok(Self(if whole { inner } else { inner.to_contiguous() }))
        }

        pub fn slice(&self) -> &[f32] {
            self.0.storage()
        }

        /// The numbers, to be changed; copied first where another tensor shares them.
        pub fn slice_mut(&mut self) -> &mut [f32] {
            self.0.storage_mut()
        }

        pub fn into_tensor<const D: usize>(self) -> Tensor<D> {
            Tensor::from_primitive::<Flex>(self.0)
        }
    }
}

#[cfg(not(feature = "flex"))]
mod without {
    use burn::tensor::Tensor;

    /// No device of this build has slices.
    #[derive(Debug)]
    pub(crate) enum Values {}

    impl Values {
        #[allow(clippy::result_large_err)] // no error: the caller goes on with the tensor
        pub fn of<const D: usize>(tensor: Tensor<D>) -> Result<Self, Tensor<D>> {
            Err(tensor)
        }

        pub fn slice(&self) -> &[f32] {
            match *self {}
        }

        pub fn slice_mut(&mut self) -> &mut [f32] {
            match *self {}
        }

        pub fn into_tensor<const D: usize>(self) -> Tensor<D> {
            match self {}
        }
    }
}
