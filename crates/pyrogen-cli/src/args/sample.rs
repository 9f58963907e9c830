//! Arguments of the commands that make examples.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pyrogen::data::Source;

use super::{DeviceArg, JsonArg, ModelData, TextArgs};
use crate::door::Pictures;

/// Where latents of samples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LatentsName {
    /// The model's own prior
    Prior,
    /// A Gaussian fitted to the latents of the data that --data names
    Fitted,
}

/// How items are made.
#[derive(Debug, Clone, Args)]
pub struct SamplerArgs {
    /// Steps from noise to an item, for diffusion models and flows
    #[arg(long)]
    pub steps: Option<u64>,
    /// The sampler: ddim, euler, heun, dpmpp-2m, unipc and others; for flows euler, heun, midpoint
    /// or rk45
    #[arg(long)]
    pub sampler: Option<String>,
    /// How the noise levels of a diffusion model's steps are spaced: trailing, karras and others
    #[arg(long)]
    pub spacing: Option<String>,
    /// The noise that a diffusion model's steps add, for samplers that add noise: 0 for none
    #[arg(long, allow_negative_numbers = true)]
    pub eta: Option<f64>,
    /// Guidance towards the class: 1 is the model, more is closer to the class and less varied
    #[arg(long, allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    /// The noise levels at which there is guidance
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', allow_negative_numbers = true)]
    pub guidance_interval: Option<Vec<f64>>,
    /// Another option of the model, as temperature=0.8; `pyrogen info MODEL` lists them
    #[arg(long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
}

/// The context of samples.
#[derive(Debug, Clone, Args)]
pub struct ContextArg {
    /// The context, for models trained with --context: a picture file that is the context itself (a
    /// small picture, a sketch), or data that it is made from as in training; the pictures of data
    /// come in turn. For tables that were trained with conditions: rows with these columns, in turn
    #[arg(long, value_name = "PICTURE|SOURCE")]
    pub context: Option<Pictures>,
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
    pub sampler: SamplerArgs,
    /// Where to: FILE.png (a line an example: original, given part, candidates), FILE.csv, FILE.npy,
    /// or a folder
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen upscale`
#[derive(Debug, Args)]
pub struct UpscaleArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    /// A small picture file, or data: small pictures, or large ones that are made small first
    #[arg(long, value_name = "PICTURE|SOURCE")]
    pub input: Pictures,
    /// How many pictures of data
    #[arg(short, default_value_t = 8)]
    pub n: usize,
    /// Candidates a picture
    #[arg(long, default_value_t = 1)]
    pub candidates: usize,
    /// The class, by name or number, for conditional models
    #[arg(long)]
    pub class: Option<String>,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// Where to: FILE.png (a line a picture: small, candidates, and the original where it is known),
    /// or the candidates alone in FILE.csv, FILE.npy or a folder of pictures
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen sample`
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    /// How many examples; 64 where it is left out, and 1 with --stream
    #[arg(short)]
    pub n: Option<u64>,
    /// The first example: of the endless sequence that the seed stands for, examples OFFSET to
    /// OFFSET + n - 1
    #[arg(long, default_value_t = 0)]
    pub offset: u64,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to: FILE.png (grid), FILE.csv, FILE.npy, FILE.txt, or a folder of pictures or texts;
    /// standard output where it is left out, of what can be read there
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print each sample piece by piece, as it comes
    #[arg(long, conflicts_with_all = ["out", "json"])]
    pub stream: bool,
    /// The beginning of each text
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    #[command(flatten)]
    pub text: TextArgs,
    /// The class to draw, by name or number, for conditional models
    #[arg(long)]
    pub class: Option<String>,
    #[command(flatten)]
    pub condition: ContextArg,
    /// A condition, as age=41, for tables that were trained with conditions
    #[arg(long, value_name = "COLUMN=VALUE", conflicts_with = "context")]
    pub given: Vec<String>,
    /// Pictures to begin with in place of noise, in turn: the samples are like them
    #[arg(long, value_name = "PICTURE|SOURCE", requires = "strength")]
    pub from: Option<Pictures>,
    /// How far from --from: 1 is all the way to noise, near 0 next to nothing
    #[arg(long, requires = "from", allow_negative_numbers = true)]
    pub strength: Option<f64>,
    /// Spread of the latent draws: below 1 is safer and less varied
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// The mean of what a VAE's decoder says of each example, as is usual for pictures
    #[arg(long, conflicts_with_all = ["draw", "from"])]
    pub mean: bool,
    /// A draw from what a VAE's decoder says of each example, as is usual for all but pictures
    #[arg(long, conflicts_with = "from")]
    pub draw: bool,
    /// Where latents come from
    #[arg(long, value_enum, default_value = "prior")]
    pub latents: LatentsName,
    /// What `--latents fitted` is fitted to: the rows that training saw, or all rows of other data
    #[arg(long)]
    pub data: Option<Source>,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}

impl SampleArgs {
    /// How many examples.
    pub fn n(&self) -> u64 {
        self.n.unwrap_or(if self.stream { 1 } else { 64 })
    }
}
