//! Chores of the workspace: `cargo xtask COMMAND`.

mod fuzz;
mod licences;
mod package;
mod test_device;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  fuzz SECONDS        read mutated files with every reader
  licences            check the licences of all dependencies
  package             pack every published crate and build it from its package
  test-device DEVICE  run the test suite on another device (wgpu, cuda)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["fuzz", seconds] => fuzz::run(seconds),
        ["licences"] => licences::check(),
        ["package"] => package::all(),
        ["test-device", device] => test_device::run(device),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs cargo and gives its standard output where `capture`.
fn cargo(args: &[&str], capture: bool) -> Result<String, String> {
    let mut command = std::process::Command::new(env!("CARGO"));
    command.args(args);
    if capture {
        command.stderr(std::process::Stdio::inherit());
        let output = command.output().map_err(|e| format!("cannot run cargo: {e}"))?;
        return match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!("cargo {} failed", args[0])),
        };
    }
    let status = command.status().map_err(|e| format!("cannot run cargo: {e}"))?;
    match status.success() {
        true => Ok(String::new()),
        false => Err(format!("cargo {} failed", args[0])),
    }
}
