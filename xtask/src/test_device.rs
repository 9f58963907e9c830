//! The test suite on another device.

/// How much CubeCL tries before it settles on a kernel: tests have no use for the fastest, and each
/// try takes seconds on a GPU made of software.
const TUNING: &str = "CUBECL_AUTOTUNE_LEVEL";

/// Builds the tests with the device's backend and runs them with `PYROGEN_TEST_DEVICE` set.
pub fn run(device: &str) -> Result<String, String> {
    if device != "wgpu" {
        return Err(format!("unknown device `{device}`; known: wgpu"));
    }
    let status = std::process::Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--features", "pyrogen-testkit/wgpu", "--no-fail-fast"])
        .env("PYROGEN_TEST_DEVICE", device)
        .env(TUNING, std::env::var(TUNING).unwrap_or_else(|_| "minimal".into()))
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    match status.success() {
        true => Ok(format!("all tests passed on {device}")),
        false => Err(format!("tests failed on {device}")),
    }
}
