//! The `pyrogen` command.

mod args;
mod commands;
mod error;
mod evaluation;
mod families;
mod family;
mod latents;
mod lines;
mod output;
mod report;
mod session;
mod told;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

/// Large short-lived tensors make a general allocator give pages back and clear them again; a
/// pooling one keeps them (docs/DESIGN.md, "Dependencies").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {}", one_line(&e.to_string()));
            ExitCode::from(e.code())
        }
    }
}

/// What the grammar says: help and version as they are, an error in one line.
fn usage(error: &clap::Error) -> ExitCode {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    match error.kind() {
        DisplayHelp | DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let text = error.to_string();
            let what: Vec<&str> = text
                .lines()
                .map(str::trim)
                .take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more"))
                // Nothing here takes values after `--`.
                .filter(|l| !l.is_empty() && !l.contains("as a value, use '-- "))
                .collect();
            let hint = args::options_hint(error).unwrap_or_default();
            eprintln!("{}{hint} (see --help)", one_line(&what.join(" ")));
            ExitCode::from(2)
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
