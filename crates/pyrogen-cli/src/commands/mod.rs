//! One file a command.

pub mod anomaly;
pub mod assign;
pub mod complete;
pub mod completions;
pub mod data;
pub mod demo;
pub mod evaluate;
pub mod families;
pub mod info;
pub mod inpaint;
pub mod latent;
pub mod metric;
pub mod query;
pub mod sample;
pub mod score;
pub mod settings;
pub mod text_metric;
pub mod train;
pub mod upscale;

use pyrogen::model::Registry;

use crate::args::{Command, DataCommand};
use crate::error::CliError;

/// Carries out a command.
pub fn run(registry: &Registry, command: Command) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo::run(registry, args),
        Command::Train(args) => train::run(registry, args),
        Command::Sample(args) => sample::run(registry, *args),
        Command::Score(args) => score::run(registry, args),
        Command::Complete(args) => complete::run(registry, args),
        Command::Assign(args) => assign::run(registry, args),
        Command::Query(args) => query::run(registry, args),
        Command::Inpaint(args) => inpaint::run(registry, args),
        Command::Upscale(args) => upscale::run(registry, args),
        Command::Reconstruct(args) => latent::reconstruct(registry, args),
        Command::Interpolate(args) => latent::interpolate(registry, args),
        Command::Traverse(args) => latent::traverse(registry, args),
        Command::Anomaly(args) => anomaly::run(registry, args),
        Command::Evaluate(args) => evaluate::run(registry, args),
        Command::Metric(args) => text_metric::run(args),
        Command::Info(args) => info::run(registry, args),
        Command::Families(args) => families::run(registry, args),
        Command::Settings(args) => settings::run(registry, args),
        Command::Data(DataCommand::Describe { source, json }) => data::describe(source, json),
        Command::Completions { shell } => completions::run(registry, shell),
    }
}
