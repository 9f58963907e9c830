//! Conformance checks that every Pyrogen family runs.

use burn::tensor::Device;

/// The device that tests run on: flex, or what `PYROGEN_TEST_DEVICE` names.
///
/// # Panics
/// If the variable names a device that was not compiled in.
pub fn device() -> Device {
    match std::env::var("PYROGEN_TEST_DEVICE").as_deref() {
        Err(_) | Ok("" | "flex") => Device::flex(),
        #[cfg(feature = "wgpu")]
        Ok("wgpu") => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        Ok(other) => panic!("PYROGEN_TEST_DEVICE={other}: this device is not compiled in"),
    }
}
