//! The `pyrogen` command.

use std::process::ExitCode;

/// Large short-lived tensors make a general allocator give pages back and clear them again; a
/// pooling one keeps them (docs/DESIGN.md, "Dependencies").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pyrogen_cli::run(pyrogen::registry(), std::env::args_os())
}
