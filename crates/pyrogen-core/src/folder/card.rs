//! What a saved model says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Seed;

/// The format of the model folders that this version writes. It reads all earlier ones.
pub const FORMAT: u32 = 2;

fn first_format() -> u32 {
    1
}

/// The model card: where a model comes from and what was measured of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The format of the folder: [`FORMAT`]; 1 where it is not said.
    #[serde(default = "first_format")]
    pub format: u32,
    /// The family that opens it, as the command line names it.
    pub family: String,
    /// The method that it was trained by, where several share the family's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What its items are, by the name of the modality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    /// Version of the Pyrogen crates that wrote the folder.
    pub pyrogen_version: String,
    /// The seed of the run.
    pub seed: Seed,
    /// Optimiser steps behind these weights.
    pub steps: u64,
    /// The data it was trained on.
    pub data: DataCard,
    /// Which items were held out, and how they were chosen; read by `pyrogen-data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Value>,
    /// SHA-256 of `model.safetensors`, in hexadecimal.
    #[serde(default)]
    pub weights_sha256: String,
    /// SHA-256 of `config.json`, in hexadecimal; empty in folders of format 1.
    #[serde(default)]
    pub config_sha256: String,
    /// SHA-256 of the folder's other files, by name: a tokenizer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files_sha256: BTreeMap<String, String>,
    /// Measured scores, by name.
    #[serde(default)]
    pub scores: Map<String, Value>,
}

impl Card {
    /// The card of a model that nothing has been measured of yet.
    pub fn new(family: &str, seed: Seed) -> Self {
        Self {
            format: FORMAT,
            family: family.to_string(),
            method: None,
            modality: None,
            pyrogen_version: env!("CARGO_PKG_VERSION").to_string(),
            seed,
            steps: 0,
            data: DataCard::default(),
            split: None,
            weights_sha256: String::new(),
            config_sha256: String::new(),
            files_sha256: BTreeMap::new(),
            scores: Map::new(),
        }
    }
}

/// The data a model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataCard {
    /// The source, as it was named on the command line.
    pub source: String,
    /// SHA-256 over the examples and labels.
    pub sha256: String,
    /// Number of training examples.
    pub examples: usize,
    /// How raw data becomes what the model sees; read by `pyrogen-data`.
    #[serde(default)]
    pub preparation: Value,
    /// What is made from each example and told to the model, as text; read by `pyrogen-data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}
