//! Options of the commands on items that are partly known, and on their parts.

use std::path::PathBuf;

use clap::Args;
use pyrogen::data::Source;

use super::{DeviceArg, JsonArg, ModelData, PartName, SamplerArgs};

/// Items of which a part is known.
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// Data whose missing parts are asked for: rows with blank cells, beginnings of texts, sources of
    /// pairs
    #[arg(long, conflicts_with_all = ["given", "prompt"])]
    pub data: Option<Source>,
    /// Which items of the data
    #[arg(long, value_enum, default_value = "all")]
    pub part: PartName,
    /// A known cell of one row, as age=41; cells that are not given are unknown
    #[arg(long, value_name = "COLUMN=VALUE", conflicts_with = "prompt")]
    pub given: Vec<String>,
    /// The beginning of a text, or the source of a pair
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
}

/// How texts are drawn.
#[derive(Debug, Clone, Default, Args)]
pub struct TextArgs {
    /// Tokens of a text at most
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// Only the so many most probable tokens
    #[arg(long, value_name = "N")]
    pub top_k: Option<u64>,
    /// Only the most probable tokens that together have this probability
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub top_p: Option<f64>,
    /// Only tokens of at least this share of the most probable one's probability
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub min_p: Option<f64>,
    /// Ends a text before this string; may be given several times. `\n` and `\t` are a line break and
    /// a tab
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub stop: Vec<String>,
    /// What stands behind the text, for models that were trained with infill
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub suffix: Option<String>,
    /// A regular expression that every text matches whole, behind the prompt
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub regex: Option<String>,
    /// The file of a JSON schema that every text satisfies, behind the prompt
    #[arg(long, value_name = "FILE", conflicts_with = "regex")]
    pub schema: Option<PathBuf>,
    /// The file of a grammar in Lark's notation that writes every text, behind the prompt
    #[arg(long, value_name = "FILE", conflicts_with_all = ["regex", "schema"])]
    pub grammar: Option<PathBuf>,
    /// The folder of a small model of the same tokens, which proposes tokens to the large one: the same
    /// distribution of texts in less time
    #[arg(long, value_name = "DIR")]
    pub draft: Option<PathBuf>,
}

/// `pyrogen complete`
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Candidates an item
    #[arg(long, default_value_t = 1)]
    pub candidates: u64,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Spread of the draws: below 1 is safer and less varied
    #[arg(long, allow_negative_numbers = true)]
    pub temperature: Option<f64>,
    #[command(flatten)]
    pub text: TextArgs,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// Where to: FILE.csv, FILE.tsv, FILE.txt or a folder of texts; standard output where it is left out
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen assign`
#[derive(Debug, Args)]
pub struct AssignArgs {
    #[command(flatten)]
    pub target: ModelData,
    /// Another option of the model, as NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
    /// Write what each item or step is assigned to, with the probabilities, here (.csv)
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen query`
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// Run folder or model folder
    pub model: PathBuf,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Values of a variable to list at most, the most probable first
    #[arg(long, default_value_t = 10)]
    pub top: usize,
    /// Seed of draws, where the answer is estimated
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Another option of the model, as NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}
