#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod door;
mod error;
mod lines;
mod output;
mod progress;
mod report;
mod signals;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use pyrogen::model::Registry;

/// What a main thread has on Linux, in bytes.
const STACK: usize = 8 << 20;

/// Runs the command line with these families: what `main` of a binary does. A program of your own
/// gives a registry with families of its own beside the built-in ones.
pub fn run<I, T>(registry: Registry, args: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match args::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    // On a thread of the pool that kernels share: from another one each of them costs a change of threads.
    let pool =
        rayon::ThreadPoolBuilder::new().stack_size(STACK).thread_name(|i| format!("pyrogen-{i}"));
    // A program of one's own may have made the pool; then it stays as it is.
    let _ = pool.build_global();
    match rayon::scope(|_| commands::run(&registry, cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            output::note(&format!("error: {}", one_line(&e.to_string())));
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
            output::note(&format!("{}{hint} (see --help)", one_line(&what.join(" "))));
            ExitCode::from(2)
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
