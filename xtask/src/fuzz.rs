//! Mutated files for the readers of data, for as long as one likes.

use std::process::Command;

/// Runs the readers' fuzz test for so many seconds.
pub fn run(seconds: &str) -> Result<String, String> {
    let count: u64 =
        seconds.parse().map_err(|_| format!("`{seconds}` is not a number of seconds"))?;
    let status = Command::new(env!("CARGO"))
        .args(["test", "-p", "pyrogen-data", "--lib", "fuzz_readers"])
        .env("PYROGEN_FUZZ_SECONDS", count.to_string())
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    match status.success() {
        true => Ok(format!("{count} seconds without a panic")),
        false => {
            Err("a reader panics: the message above names the round and the source".to_string())
        }
    }
}
