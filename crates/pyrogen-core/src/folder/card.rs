//! What a saved model says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::weights::sha256_hex;
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
    /// SHA-256 of `model.safetensors` or `model.json`, in hexadecimal.
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
    /// SHA-256 of the rest of the card, in hexadecimal; empty in folders of format 1. It is made where
    /// the card is written.
    #[serde(default)]
    pub sha256: String,
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
            sha256: String::new(),
        }
    }

    /// The card with the hash of the rest of it.
    pub(super) fn sealed(self) -> Self {
        let sha256 = self.hash();
        Self { sha256, ..self }
    }

    /// What is wrong with a card that was read.
    pub(super) fn fault(&self) -> Option<String> {
        if self.format > FORMAT || self.format == 0 {
            return Some(format!(
                "the folder is of format {}, and this version reads 1 to {FORMAT}: use a newer version",
                self.format
            ));
        }
        let hashes = [
            ("weights_sha256", &self.weights_sha256),
            ("config_sha256", &self.config_sha256),
            ("sha256", &self.sha256),
        ];
        if let Some((name, _)) = hashes.iter().find(|(_, hash)| self.format > 1 && hash.is_empty())
        {
            return Some(format!("the field `{name}` is missing: the card is damaged"));
        }
        // A card of format 1 has no hash, unless it is one of format 2 whose format was changed.
        if !self.sha256.is_empty() && self.sha256 != self.hash() {
            return Some("the card is damaged or was changed: its SHA-256 differs".into());
        }
        None
    }

    /// The hash of everything but the hash: of JSON without white space, names in order.
    fn hash(&self) -> String {
        let rest = Self { sha256: String::new(), ..self.clone() };
        let value = serde_json::to_value(rest).expect("a card is plain JSON");
        sha256_hex(sorted(value).to_string().as_bytes())
    }
}

/// JSON with the names of every object in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().map(|(name, v)| (name, sorted(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The data a model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataCard {
    /// The source, as it was named on the command line.
    pub source: String,
    /// SHA-256 over the examples and labels, names of columns and classes.
    pub sha256: String,
    /// The same of the test part, where one was given or the data's makers defined one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_sha256: Option<String>,
    /// Number of training examples.
    pub examples: usize,
    /// How raw data becomes what the model sees; read by `pyrogen-data`.
    #[serde(default)]
    pub preparation: Value,
    /// How the context of each example is made, as text; read by `pyrogen-data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}
