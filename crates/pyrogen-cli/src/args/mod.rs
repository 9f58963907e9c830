//! The command line's grammar.

mod given;
mod latent;
mod sample;
mod text_metric;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
pub use given::{AssignArgs, CompleteArgs, EvidenceArgs, QueryArgs, TextArgs};
pub use latent::{InterpolateArgs, ReconstructArgs, TraverseArgs};
use pyrogen::data::{PictureContext, Source};
use pyrogen::train::{OnCollapse, WorkerCount};
pub use sample::{
    ContextArg, Hidden, InpaintArgs, LatentsName, SampleArgs, SamplerArgs, UpscaleArgs,
};
pub use text_metric::*;

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
    Sample(Box<SampleArgs>),
    /// Say how probable examples are
    Score(ScoreArgs),
    /// Fill in the rest of what is partly given: a text after its beginning, the blank cells of rows
    Complete(CompleteArgs),
    /// Say which component, state or topic examples belong to
    Assign(AssignArgs),
    /// Say how what is unknown of examples is distributed, given the rest
    Query(QueryArgs),
    /// Fill in hidden parts of examples
    Inpaint(InpaintArgs),
    /// Make pictures of small ones, with a model trained with --context small:FACTOR
    Upscale(UpscaleArgs),
    /// Encode and decode examples
    Reconstruct(ReconstructArgs),
    /// Walk between two examples in the latent space, or in the space of noise
    Interpolate(InterpolateArgs),
    /// Vary one latent dimension after the other
    Traverse(TraverseArgs),
    /// Rank examples, the least probable first
    Anomaly(AnomalyArgs),
    /// Compute every metric that applies
    Evaluate(EvaluateArgs),
    /// Score texts, or compare two files of samples or features, without a model
    Metric(MetricCommand),
    /// Show what a model folder says of itself
    Info(InfoArgs),
    /// List the families and what each can do
    Families(JsonArg),
    /// List the settings of a family, with their defaults for some data
    Settings(SettingsArgs),
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
    /// The run folder; a demo in it is trained anew, other files stay
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
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen train`
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The family; `pyrogen families` lists them
    pub family: String,
    /// The data: digits, mnist:DIR, images:DIR, csv:FILE, text:FILE and others
    #[arg(long)]
    pub data: Source,
    /// The run folder
    #[arg(long)]
    pub out: PathBuf,
    /// The context of each picture: a small version, its brightness or its edges
    #[arg(long, value_name = "small:FACTOR|grey|edges")]
    pub context: Option<PictureContext>,
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
    /// The share of the data that is held out for tests; 0 for none
    #[arg(long, value_name = "SHARE")]
    pub test_share: Option<f64>,
    /// The share of the rest that decides which state is best; 0 for none
    #[arg(long, value_name = "SHARE")]
    pub validation_share: Option<f64>,
    /// Test data, in the place of a share
    #[arg(long, value_name = "SOURCE", conflicts_with = "test_share")]
    pub test: Option<Source>,
    /// Validation data, in the place of a share
    #[arg(long, value_name = "SOURCE", conflicts_with = "validation_share")]
    pub validation: Option<Source>,
    /// Holds out whole groups: rows that are equal in this column
    #[arg(long, value_name = "COLUMN", conflicts_with = "ordered")]
    pub group: Option<String>,
    /// Holds out the last rows, for data in the order of time
    #[arg(long)]
    pub ordered: bool,
    /// Begins with the weights of a model folder
    #[arg(long, value_name = "MODEL", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// Threads that share a batch: a number, or as many as there are cores (one on a GPU)
    #[arg(long, value_name = "auto|N")]
    pub workers: Option<WorkerCount>,
    /// Go on with the run in the folder; begin one where there is none
    #[arg(long)]
    pub resume: bool,
    /// Train anew where the folder holds a run; its model stays until the new one is written
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
    /// Passes over the data
    #[arg(long, conflicts_with_all = ["steps", "minutes"])]
    pub epochs: Option<u64>,
    /// Optimiser steps
    #[arg(long, conflicts_with = "minutes")]
    pub steps: Option<u64>,
    /// Minutes
    #[arg(long, allow_negative_numbers = true)]
    pub minutes: Option<f64>,
    /// What a collapse does to the run, for families of two players: warn, stop or rollback
    #[arg(long, value_name = "WHAT")]
    pub on_collapse: Option<OnCollapse>,
    /// Steps between two looks for a collapse, for families of two players; 0 for none
    #[arg(long, value_name = "STEPS")]
    pub monitor_every: Option<u64>,
    /// Show plots on the terminal instead of a bar; needs a build with the feature `dashboard`
    #[arg(long)]
    pub dashboard: bool,
    /// Skip the evaluation at the end
    #[arg(long)]
    pub no_evaluate: bool,
    /// Print the plan, the parameters and a time estimated from a few steps, and train nothing
    #[arg(long)]
    pub dry_run: bool,
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
    /// The data: digits, mnist:DIR, images:DIR, csv:FILE, text:FILE and others
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
    /// Write the values of each example here: .csv or .npy, or .jsonl with all that is known of each
    /// (of a text every token and its nats)
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// An option of the model, as stride=64; `pyrogen info MODEL` lists them
    #[arg(long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen anomaly`
#[derive(Debug, Args)]
pub struct AnomalyArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// How many to list
    #[arg(long, default_value_t = 10)]
    pub top: usize,
    /// The share of the examples that are taken for anomalies: gives a threshold
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub contamination: Option<f64>,
    /// What is unusual; where it is left out, a small likelihood, or what the model has instead
    #[arg(long, value_enum)]
    pub by: Option<AnomalyBy>,
    /// Also say which places of a picture contribute most: a score more for each of 64 squares
    #[arg(long)]
    pub places: bool,
    /// Draws an example, as those of `score`
    #[arg(long)]
    pub draws: Option<usize>,
    /// Write all ranks here (.csv)
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub json: JsonArg,
}

/// What is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnomalyBy {
    /// A small likelihood
    Likelihood,
    /// A likelihood far from that of samples of the model, on either side (Nalisnick et al. 2019)
    Typicality,
    /// Far from everything that the generator makes, for GANs (Schlegl et al. 2017)
    Inversion,
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
    /// Where samples and real examples are compared: auto, digits, convolutions, pixels, or a run folder or
    /// model folder, whose latents are the features
    #[arg(long, value_name = "NAME|FOLDER", default_value = "auto")]
    pub embedding: EmbeddingName,
    /// Also compare training examples with the held-out ones: as near as samples should come
    #[arg(long)]
    pub reference: bool,
    #[command(flatten)]
    pub json: JsonArg,
}

/// Where samples and real examples are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingName {
    /// What suits the data: the digits classifier for labelled digits, random convolutions for other pictures,
    /// columns for tables.
    Auto,
    /// The last hidden layer of a classifier of handwritten digits.
    Digits,
    /// Random convolutions.
    Convolutions,
    /// Pixels.
    Pixels,
    /// The latents of a model.
    Model(PathBuf),
}

impl std::str::FromStr for EmbeddingName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "auto" => Self::Auto,
            "digits" => Self::Digits,
            "convolutions" => Self::Convolutions,
            "pixels" => Self::Pixels,
            folder if std::path::Path::new(folder).is_dir() => Self::Model(folder.into()),
            _ => {
                let known =
                    "auto, digits, convolutions, pixels, or the folder of a model that encodes";
                return Err(format!("there is no such embedding or folder; known: {known}"));
            }
        })
    }
}

/// `pyrogen metric`
#[derive(Debug, Args)]
pub struct MetricArgs {
    /// The metric: frechet, kid, prdc, mmd
    pub name: Option<String>,
    /// Real samples or features (.npy or .csv), one a row
    pub real: Option<PathBuf>,
    /// Generated samples or features
    pub generated: Option<PathBuf>,
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

/// `pyrogen settings`
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// The family; `pyrogen families` lists them
    pub family: String,
    /// The data that the defaults are for
    #[arg(long, default_value = "digits")]
    pub data: Source,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen data`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Say what is in the data
    Describe {
        /// The data: digits, mnist:DIR, images:DIR, csv:FILE, text:FILE and others
        source: Source,
        #[command(flatten)]
        json: JsonArg,
    },
}
