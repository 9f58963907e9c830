//! Arguments of the commands for models with a latent space.

use std::path::PathBuf;

use clap::Args;

use super::{ContextArg, DeviceArg, JsonArg, ModelData};

/// `pyrogen reconstruct`
#[derive(Debug, Args)]
pub struct ReconstructArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// How many examples
    #[arg(short, default_value_t = 32)]
    pub n: usize,
    /// Where to: FILE.png (originals above reconstructions), FILE.csv, FILE.npy, or a folder
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen interpolate`
#[derive(Debug, Args)]
pub struct InterpolateArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// Row of the first example
    #[arg(long, default_value_t = 0)]
    pub from: usize,
    /// Row of the last example
    #[arg(long, default_value_t = 1)]
    pub to: usize,
    /// Points, both ends included
    #[arg(long, default_value_t = 9)]
    pub steps: usize,
    /// Along the great circle; walks through noise always are
    #[arg(long)]
    pub spherical: bool,
    /// Where to: FILE.png, FILE.csv, FILE.npy, or a folder
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen traverse`
#[derive(Debug, Args)]
pub struct TraverseArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    /// Latent dimensions; all if none is given
    #[arg(long, value_delimiter = ',')]
    pub dims: Vec<usize>,
    /// Points a dimension
    #[arg(long, default_value_t = 9)]
    pub steps: usize,
    /// How far to go, in standard deviations of the prior
    #[arg(long, default_value_t = 2.5, allow_negative_numbers = true)]
    pub range: f64,
    /// The class, by name or number, for conditional models
    #[arg(long)]
    pub class: Option<String>,
    #[command(flatten)]
    pub condition: ContextArg,
    /// Where to: FILE.png (one row a dimension), FILE.csv, FILE.npy, or a folder
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}
