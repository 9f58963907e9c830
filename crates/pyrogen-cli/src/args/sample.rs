//! Arguments of the commands that make examples.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pyrogen::data::Source;

use super::{DeviceArg, JsonArg, ModelData};
use crate::family::Steering;

/// Where latents of samples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LatentsName {
    /// The model's own prior
    Prior,
    /// A Gaussian fitted to the latents of the data that --data names
    Fitted,
}

/// How samples are made step by step.
#[derive(Debug, Clone, Args)]
pub struct SteerArgs {
    /// Steps from noise to an example, for diffusion models and flows
    #[arg(long)]
    pub steps: Option<usize>,
    /// The sampler: ddim, euler, heun, dpmpp-2m, unipc and others; for flows euler, heun, midpoint
    /// or rk45
    #[arg(long)]
    pub sampler: Option<String>,
    /// Guidance towards the class: 1 is the model, more is closer to the class and less varied
    #[arg(long, allow_negative_numbers = true)]
    pub guidance: Option<f64>,
}

impl SteerArgs {
    /// What the family is told.
    pub fn steering(&self) -> Steering {
        Steering { steps: self.steps, sampler: self.sampler.clone(), guidance: self.guidance }
    }
}

/// The part of pictures that is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hidden {
    /// The lower half
    Lower,
    /// The upper half
    Upper,
    /// The left half
    Left,
    /// The right half
    Right,
    /// The middle: half of the height and width
    Centre,
}

/// `pyrogen inpaint`
#[derive(Debug, Args)]
pub struct InpaintArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// How many examples
    #[arg(short, default_value_t = 8)]
    pub n: usize,
    /// The part of pictures to fill in
    #[arg(long, value_enum, default_value = "lower")]
    pub hide: Hidden,
    /// A mask of one example in place of --hide: 1 where it is given, 0 where not (.csv or .npy)
    #[arg(long, conflicts_with = "hide")]
    pub mask: Option<PathBuf>,
    /// Candidates an example
    #[arg(long, default_value_t = 4)]
    pub candidates: usize,
    /// How often each step is made, so that the parts fit together
    #[arg(long, default_value_t = 4)]
    pub repeats: usize,
    #[command(flatten)]
    pub steer: SteerArgs,
    /// Where to: FILE.png (a line an example: original, given part, candidates), FILE.csv, FILE.npy,
    /// or a folder
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen sample`
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    /// How many examples
    #[arg(short, default_value_t = 64)]
    pub n: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to: FILE.png (grid), FILE.csv, FILE.npy, or a folder of pictures
    #[arg(long)]
    pub out: PathBuf,
    /// The class to draw, for conditional models
    #[arg(long)]
    pub class: Option<usize>,
    /// Spread of the latent draws: below 1 is safer and less varied
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Where latents come from
    #[arg(long, value_enum, default_value = "prior")]
    pub latents: LatentsName,
    /// What `--latents fitted` is fitted to: the rows that training saw, or all rows of other data
    #[arg(long)]
    pub data: Option<Source>,
    #[command(flatten)]
    pub steer: SteerArgs,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}
