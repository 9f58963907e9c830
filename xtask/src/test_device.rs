//! The test suite on another device.

/// Builds the tests with the device's backend and runs them with `PYROGEN_TEST_DEVICE` set.
pub fn run(device: &str) -> Result<String, String> {
    if !["wgpu", "cuda"].contains(&device) {
        return Err(format!("unknown device `{device}`; known: wgpu, cuda"));
    }
    let feature = format!("pyrogen-testkit/{device}");
    let status = std::process::Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--features", &feature, "--no-fail-fast"])
        .env("PYROGEN_TEST_DEVICE", device)
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    match status.success() {
        true => Ok(format!("all tests passed on {device}")),
        false => Err(format!("tests failed on {device}")),
    }
}
