//! Arguments of `pyrogen evaluate`.

use std::path::PathBuf;

use clap::Args;

use super::{JsonArg, ModelData};

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
