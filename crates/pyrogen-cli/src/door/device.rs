//! The device of a command.

use burn::tensor::Device;

use crate::args::DeviceName;
use crate::error::CliError;

/// The device of that name, where it was compiled in and the machine has it.
pub fn device(name: DeviceName) -> Result<Device, CliError> {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Flex => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        DeviceName::Wgpu => tried("wgpu", || Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        DeviceName::Cuda => tried("cuda", || Device::cuda(0)),
        #[cfg(feature = "ndarray")]
        DeviceName::Ndarray => Ok(Device::ndarray()),
        #[allow(unreachable_patterns)] // all patterns are reachable in some build
        other => {
            let name = format!("{other:?}").to_lowercase();
            Err(CliError::Usage(format!(
                "device `{name}` is not in this build: build with --features {name}"
            )))
        }
    }
}

/// A device that a number went to and came back from. Burn panics, on a thread of its own, where there
/// is no driver; the first thing that it says is the error.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn tried(
    name: &str,
    make: impl FnOnce() -> Device + std::panic::UnwindSafe,
) -> Result<Device, CliError> {
    use std::sync::{Arc, Mutex, PoisonError};

    let said = Arc::new(Mutex::new(None));
    let first = said.clone();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or("no reason was given").to_string();
        first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }));
    let device = std::panic::catch_unwind(|| {
        let device = make();
        burn::tensor::Tensor::<1>::ones([1], &device).into_data();
        device
    });
    std::panic::set_hook(hook);
    device.map_err(|_| {
        let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
        let why = said.unwrap_or_default();
        CliError::Failed(format!("device `{name}` cannot be used: {why}"))
    })
}
