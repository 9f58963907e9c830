//! The command line's grammar.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pyrogen::data::Source;
use pyrogen::train::WorkerCount;

use crate::family::Steering;

/// Train, sample, score and evaluate generative models.
#[derive(Debug, Parser)]
#[command(name = "pyrogen", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a VAE on the embedded digits and write a report: the whole road in one command
    Demo(DemoArgs),
    /// Train a model of a family on data and write a run folder
    Train(TrainArgs),
    /// Draw new examples from a trained model
    Sample(SampleArgs),
    /// Say how probable examples are
    Score(ScoreArgs),
    /// Fill in hidden parts of examples
    Inpaint(InpaintArgs),
    /// Encode and decode examples
    Reconstruct(ReconstructArgs),
    /// Walk between two examples in the latent space
    Interpolate(InterpolateArgs),
    /// Vary one latent dimension after the other
    Traverse(TraverseArgs),
    /// Rank examples, the least probable first
    Anomaly(AnomalyArgs),
    /// Compute every metric that applies
    Evaluate(EvaluateArgs),
    /// Compare two files of samples or features, without a model
    Metric(MetricArgs),
    /// Show what a model folder says of itself
    Info(InfoArgs),
    /// List the families and what each can do
    Families(JsonArg),
    /// Look at data
    #[command(subcommand)]
    Data(DataCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Where tensors live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceName {
    /// Pure Rust on the CPU
    Flex,
    /// GPU through wgpu
    Wgpu,
    /// GPU through CUDA
    Cuda,
    /// The ndarray backend
    Ndarray,
}

/// The device.
#[derive(Debug, Args)]
pub struct DeviceArg {
    /// Device to compute on; others than flex need a build with their feature
    #[arg(long, value_enum, default_value = "flex")]
    pub device: DeviceName,
}

/// The form of the report.
#[derive(Debug, Clone, Copy, Args)]
pub struct JsonArg {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `pyrogen demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The run folder; replaced if it holds a demo
    #[arg(long, default_value = "runs/demo")]
    pub out: PathBuf,
    /// Seed of all randomness
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Passes over the data
    #[arg(long)]
    pub epochs: Option<u64>,
    #[command(flatten)]
    pub device: DeviceArg,
}

/// `pyrogen train`
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The family; `pyrogen families` lists them
    pub family: String,
    /// The data: digits, mnist:DIR, idx:FILE, images:DIR, csv:FILE, npy:FILE, toy:NAME
    #[arg(long)]
    pub data: Source,
    /// The run folder
    #[arg(long)]
    pub out: PathBuf,
    /// JSON file with "model" and "train", laid over the defaults
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// One setting, as latents=8 or train.batch_size=32
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of all randomness
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub device: DeviceArg,
    /// Threads that share a batch: a number, or as many as there are cores (one on a GPU)
    #[arg(long, value_name = "auto|N")]
    pub workers: Option<WorkerCount>,
    /// Go on with the run in the folder; begin one where there is none
    #[arg(long)]
    pub resume: bool,
    /// Passes over the data
    #[arg(long, conflicts_with_all = ["steps", "minutes"])]
    pub epochs: Option<u64>,
    /// Optimiser steps
    #[arg(long, conflicts_with = "minutes")]
    pub steps: Option<u64>,
    /// Minutes
    #[arg(long, allow_negative_numbers = true)]
    pub minutes: Option<f64>,
    /// Skip the evaluation at the end
    #[arg(long)]
    pub no_evaluate: bool,
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
    #[command(flatten)]
    pub steer: SteerArgs,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}

/// Which rows of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartName {
    /// What training held out, where the data is the training data; else all
    HeldOut,
    /// What training saw
    Train,
    /// Everything
    All,
}

/// A model and data to use it on.
#[derive(Debug, Args)]
pub struct ModelData {
    /// Run folder or model folder
    pub model: PathBuf,
    /// The data: digits, mnist:DIR, idx:FILE, images:DIR, csv:FILE, npy:FILE, toy:NAME
    #[arg(long)]
    pub data: Source,
    /// Which rows of the data
    #[arg(long, value_enum, default_value = "held-out")]
    pub part: PartName,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Which number a score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// The importance-sampled estimate (exact where the model is)
    Estimate,
    /// The evidence lower bound (exact where the model is)
    LowerBound,
}

/// `pyrogen score`
#[derive(Debug, Args)]
pub struct ScoreArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// Which number, where the likelihood is not tractable
    #[arg(long, value_enum, default_value = "estimate")]
    pub method: MethodName,
    /// Draws an example: of latents (128), of a chain's steps (128), of directions in an ODE (2)
    #[arg(long)]
    pub draws: Option<usize>,
    /// Write the values of each example here (.csv or .npy)
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub json: JsonArg,
}

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
    /// Along the great circle
    #[arg(long)]
    pub spherical: bool,
    /// Where to: FILE.png, FILE.csv, FILE.npy, or a folder
    #[arg(long)]
    pub out: PathBuf,
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
    /// The class, for conditional models
    #[arg(long)]
    pub class: Option<usize>,
    /// Where to: FILE.png (one row a dimension), FILE.csv, FILE.npy, or a folder
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub device: DeviceArg,
}

/// `pyrogen anomaly`
#[derive(Debug, Args)]
pub struct AnomalyArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// How many to list
    #[arg(long, default_value_t = 10)]
    pub top: usize,
    /// Draws an example, as those of `score`
    #[arg(long)]
    pub draws: Option<usize>,
    /// Write all ranks here (.csv)
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen evaluate`
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// Examples to use at most
    #[arg(long, default_value_t = 2000)]
    pub limit: usize,
    /// Latent draws an example
    #[arg(long, default_value_t = 128)]
    pub draws: usize,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen metric`
#[derive(Debug, Args)]
pub struct MetricArgs {
    /// The metric: frechet, kid, prdc, mmd
    pub name: String,
    /// Real samples or features (.npy or .csv), one a row
    pub real: PathBuf,
    /// Generated samples or features
    pub generated: PathBuf,
    /// Neighbours, for prdc
    #[arg(short)]
    pub k: Option<usize>,
    /// Seed of the subsets, for kid
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen data`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Say what is in the data
    Describe {
        /// The data: digits, mnist:DIR, idx:FILE, images:DIR, csv:FILE, npy:FILE, toy:NAME
        source: Source,
        #[command(flatten)]
        json: JsonArg,
    },
}
