//! `pyrogen metric`: metrics of texts beside those of features.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pyrogen::metrics::text::{RougeTokenizer, Tokenizer};

use super::{JsonArg, MetricArgs};

/// `pyrogen metric`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(subcommand_value_name = "TEXT METRIC", subcommand_help_heading = "Metrics of texts")]
pub struct MetricCommand {
    /// A metric of texts.
    #[command(subcommand)]
    pub text: Option<TextMetric>,
    /// A metric of features.
    #[command(flatten)]
    pub features: MetricArgs,
}

/// A metric of texts.
#[derive(Debug, Subcommand)]
pub enum TextMetric {
    /// BLEU: precision of n-grams of words, with a penalty for shortness
    Bleu(BleuArgs),
    /// chrF and chrF++ (--word-order 2): F-score of n-grams of characters
    Chrf(ChrfArgs),
    /// TER: edits for each word of the reference
    Ter(TerArgs),
    /// Word error rate: edits for each word of the reference; a word stands between white space
    Wer(EditArgs),
    /// Character error rate: edits for each character of the reference
    Cer(EditArgs),
    /// The share of lines that are equal to a reference
    ExactMatch(EditArgs),
    /// ROUGE-1, -2, -L and -Lsum: overlap with a reference summary, as mean F1
    Rouge(RougeArgs),
    /// METEOR: words matched exactly and by their stems, and their order
    Meteor(MeteorArgs),
    /// Distinct-n: the share of n-grams that are different from each other
    Distinct(DistinctArgs),
    /// Self-BLEU: how alike the texts of a file are
    SelfBleu(SelfBleuArgs),
    /// MAUVE: how near generated texts are to real ones, from features of a language model
    Mauve(MauveArgs),
}

/// Hypotheses and their references.
#[derive(Debug, Args)]
pub struct Segments {
    /// Generated text, a segment a line; - for standard input
    pub hyp: PathBuf,
    /// Reference text, a segment a line; several files are several references
    #[arg(required = true)]
    pub refs: Vec<PathBuf>,
    /// Add an interval of 95 % from this many bootstrap resamples
    #[arg(long, value_name = "RESAMPLES", value_parser = clap::value_parser!(u32).range(1..))]
    pub confidence: Option<u32>,
    /// Compare with this file of another system's text
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// The test against the baseline
    #[arg(long, value_enum, default_value = "randomisation", requires = "baseline")]
    pub test: TestName,
    /// Trials of the test: 1000 of the bootstrap, 10000 of the randomisation where not given
    #[arg(long, requires = "baseline", value_parser = clap::value_parser!(u32).range(1..))]
    pub trials: Option<u32>,
    /// Seed of the resamples and of the test
    #[arg(long, default_value_t = 12345)]
    pub seed: u64,
    /// Write the values of each line here (.csv)
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub json: JsonArg,
}

/// A test of two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestName {
    /// Approximate randomisation
    Randomisation,
    /// Paired bootstrap
    Bootstrap,
}

/// A tokenizer of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenizerName {
    /// Punctuation of ASCII, as mteval-v13a
    #[value(name = "13a")]
    Mteval13a,
    /// Punctuation and symbols of Unicode, as mteval-v14
    Intl,
    /// Every character
    Char,
    /// White space alone
    None,
}

impl From<TokenizerName> for Tokenizer {
    fn from(name: TokenizerName) -> Self {
        match name {
            TokenizerName::Mteval13a => Self::Mteval13a,
            TokenizerName::Intl => Self::International,
            TokenizerName::Char => Self::Char,
            TokenizerName::None => Self::None,
        }
    }
}

/// What stands for a precision of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SmoothName {
    /// Half a match, then a quarter, and so on
    Exp,
    /// A small number of matches (0.1)
    Floor,
    /// More matches and n-grams (1)
    AddK,
    /// Nothing: BLEU is 0
    None,
}

/// What all forms of BLEU take.
#[derive(Debug, Args)]
pub struct BleuOptions {
    /// How a line becomes words
    #[arg(long, value_enum, default_value = "13a")]
    pub tokenize: TokenizerName,
    /// What stands for a precision of zero
    #[arg(long, value_enum, default_value = "exp")]
    pub smooth: SmoothName,
    /// The number of floor and of add-k
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub smooth_value: Option<f64>,
    /// Ignore case
    #[arg(long)]
    pub lowercase: bool,
    /// The longest n-grams
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub max_order: usize,
}

/// `pyrogen metric bleu`
#[derive(Debug, Args)]
pub struct BleuArgs {
    #[command(flatten)]
    pub segments: Segments,
    #[command(flatten)]
    pub options: BleuOptions,
    /// Leave out orders that a short text cannot have; always so for the lines of --out
    #[arg(long)]
    pub effective_order: bool,
}

/// `pyrogen metric chrf`
#[derive(Debug, Args)]
pub struct ChrfArgs {
    #[command(flatten)]
    pub segments: Segments,
    /// The longest n-grams of characters
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub char_order: usize,
    /// The longest n-grams of words; 2 for chrF++
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub word_order: usize,
    /// How many times more recall counts than precision
    #[arg(long, default_value_t = 2)]
    pub beta: u32,
    /// Ignore case
    #[arg(long)]
    pub lowercase: bool,
    /// Keep white space in the n-grams of characters
    #[arg(long)]
    pub whitespace: bool,
    /// A mean over all orders with a tiny number for those that are missing, as chrF++.py has it
    #[arg(long)]
    pub eps_smoothing: bool,
}

/// `pyrogen metric ter`
#[derive(Debug, Args)]
pub struct TerArgs {
    #[command(flatten)]
    pub segments: Segments,
    /// Read entities and split off punctuation
    #[arg(long)]
    pub normalized: bool,
    /// Take out punctuation
    #[arg(long)]
    pub no_punct: bool,
    /// Take ideographs for words, with --normalized; take out their punctuation, with --no-punct
    #[arg(long)]
    pub asian_support: bool,
    /// Let case count
    #[arg(long)]
    pub case_sensitive: bool,
}

/// `pyrogen metric wer`, `cer` and `exact-match`
#[derive(Debug, Args)]
pub struct EditArgs {
    #[command(flatten)]
    pub segments: Segments,
}

/// A tokenizer of ROUGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RougeTokenizerName {
    /// The letters a to z and digits, as rouge-score: other scripts score 0
    Rouge,
    /// Words of all scripts
    Unicode,
}

impl From<RougeTokenizerName> for RougeTokenizer {
    fn from(name: RougeTokenizerName) -> Self {
        match name {
            RougeTokenizerName::Rouge => Self::Rouge,
            RougeTokenizerName::Unicode => Self::Unicode,
        }
    }
}

/// `pyrogen metric rouge`
#[derive(Debug, Args)]
pub struct RougeArgs {
    #[command(flatten)]
    pub segments: Segments,
    /// How a line becomes words
    #[arg(long, value_enum, default_value = "rouge")]
    pub tokenize: RougeTokenizerName,
    /// Take the endings off words, with Porter's stemmer
    #[arg(long)]
    pub stem: bool,
    /// What stands between two sentences of a line, for rougeLsum, as <n>
    #[arg(long, value_name = "TEXT")]
    pub sentence_break: Option<String>,
}

/// `pyrogen metric meteor`
#[derive(Debug, Args)]
pub struct MeteorArgs {
    #[command(flatten)]
    pub segments: Segments,
    /// How a line becomes words
    #[arg(long, value_enum, default_value = "13a")]
    pub tokenize: TokenizerName,
    /// The weight of recall against precision
    #[arg(long, default_value_t = 0.9)]
    pub alpha: f64,
    /// The exponent of the penalty
    #[arg(long, default_value_t = 3.0)]
    pub beta: f64,
    /// The largest penalty
    #[arg(long, default_value_t = 0.5)]
    pub gamma: f64,
}

/// `pyrogen metric distinct`
#[derive(Debug, Args)]
pub struct DistinctArgs {
    /// Generated text, a text a line; - for standard input
    pub hyp: PathBuf,
    /// How a line becomes words
    #[arg(long, value_enum, default_value = "13a")]
    pub tokenize: TokenizerName,
    /// Ignore case
    #[arg(long)]
    pub lowercase: bool,
    /// The longest n-grams
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub max_order: usize,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen metric self-bleu`
#[derive(Debug, Args)]
pub struct SelfBleuArgs {
    /// Generated text, a text a line; - for standard input
    pub hyp: PathBuf,
    #[command(flatten)]
    pub options: BleuOptions,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `pyrogen metric mauve`
#[derive(Debug, Args)]
pub struct MauveArgs {
    /// Features of real texts (.npy or .csv), a text a row
    pub real: PathBuf,
    /// Features of generated texts
    pub generated: PathBuf,
    /// Number of clusters; a tenth of the smaller file where not given
    #[arg(long)]
    pub clusters: Option<usize>,
    /// How strongly a divergence lowers the value
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    pub scaling: f64,
    /// Seed of the clusters
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub json: JsonArg,
}

/// Names of the metrics of texts, as they are on the command line.
pub fn text_metrics() -> Vec<String> {
    let grammar = TextMetric::augment_subcommands(clap::Command::new("metric"));
    grammar.get_subcommands().map(|c| c.get_name().to_string()).collect()
}

/// For an option that a metric of texts does not take: those that it takes.
pub fn options_hint(error: &clap::Error) -> Option<String> {
    if error.kind() != clap::error::ErrorKind::UnknownArgument {
        return None;
    }
    let grammar = TextMetric::augment_subcommands(clap::Command::new("metric"));
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let mut words = words.skip_while(|word| word != "metric").skip(1);
    let metric = grammar.find_subcommand(words.next()?)?;
    let options = metric.get_arguments().filter_map(|a| a.get_long()).map(|o| format!("--{o}"));
    let options: Vec<String> = options.collect();
    Some(format!("; {} takes {}", metric.get_name(), options.join(", ")))
}
