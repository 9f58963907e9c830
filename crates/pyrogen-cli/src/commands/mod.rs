//! One file a command.

pub mod anomaly;
pub mod data;
pub mod demo;
pub mod evaluate;
pub mod families;
pub mod info;
pub mod inpaint;
pub mod latent;
pub mod metric;
pub mod sample;
pub mod score;
pub mod text_metric;
pub mod train;
pub mod upscale;

use crate::args::{Command, DataCommand};
use crate::error::CliError;
use crate::output::print_text;

/// Carries out a command.
pub fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo::run(args),
        Command::Train(args) => train::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Score(args) => score::run(args),
        Command::Inpaint(args) => inpaint::run(args),
        Command::Upscale(args) => upscale::run(args),
        Command::Reconstruct(args) => latent::reconstruct(args),
        Command::Interpolate(args) => latent::interpolate(args),
        Command::Traverse(args) => latent::traverse(args),
        Command::Anomaly(args) => anomaly::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Metric(args) => text_metric::run(args),
        Command::Info(args) => info::run(args),
        Command::Families(args) => families::run(args),
        Command::Data(DataCommand::Describe { source, json }) => data::describe(source, json),
        Command::Completions { shell } => {
            use clap::CommandFactory;
            let mut grammar = crate::args::Cli::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut grammar, "pyrogen", &mut script);
            print_text(&String::from_utf8_lossy(&script))
        }
    }
}
