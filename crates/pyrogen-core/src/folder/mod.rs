//! A saved model: a folder of `model.safetensors`, `config.json` and `card.json`.
//!
//! The weights can be read from any language that reads safetensors. Writing makes a whole new
//! folder beside the old one and swaps them, so that a killed process leaves one of the two
//! whole. Reading checks names, shapes and the hash in the card, and never runs code.

mod atomic;
mod batch;
mod card;
mod config;
mod durable;
mod weights;

use std::path::{Path, PathBuf};

use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use atomic::{recover, remove_leftovers, replace_folder, write_file};
pub use batch::FileBatch;
pub use card::{Card, DataCard, FORMAT};
pub use config::ModelConfig;
pub use weights::{from_bytes, sha256_hex, to_bytes};

use crate::{FolderError, config as parse};

const WEIGHTS: &str = "model.safetensors";
const MODEL: &str = "model.json";
const CONFIG: &str = "config.json";
const CARD: &str = "card.json";

/// A model folder that has been opened: its card is read, its weights are not.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    path: PathBuf,
    card: Card,
}

impl ModelFolder {
    /// Writes a model with its config and card; replaces what was at `path`.
    ///
    /// # Errors
    /// When the system refuses; the previous folder is then still there.
    pub fn save<M: Module, C: Serialize>(
        path: &Path,
        model: &M,
        config: &C,
        card: &Card,
    ) -> Result<(), FolderError> {
        Self::save_with(path, model, config, card, &[])
    }

    /// As [`save`](Self::save), with further files (name and bytes), whose hashes are in the card.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn save_with<M: Module, C: Serialize>(
        path: &Path,
        model: &M,
        config: &C,
        card: &Card,
        files: &[(&str, Vec<u8>)],
    ) -> Result<(), FolderError> {
        let bytes = to_bytes(model);
        Self::write(path, WEIGHTS, &bytes, config, card, files)
    }

    /// A file that [`save_with`](Self::save_with) wrote.
    ///
    /// # Errors
    /// When it is missing, or is not the one whose hash the card holds.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, FolderError> {
        let path = self.path.join(name);
        let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
        match self.card.files_sha256.get(name) {
            Some(hash) if *hash == sha256_hex(&bytes) => Ok(bytes),
            _ => Err(FolderError::Damaged { path }),
        }
    }

    /// Writes a model of the host, whose parameters are JSON, with its config and card; replaces what
    /// was at `path`.
    ///
    /// # Errors
    /// When the system refuses; the previous folder is then still there.
    pub fn save_json<M: Serialize, C: Serialize>(
        path: &Path,
        model: &M,
        config: &C,
        card: &Card,
    ) -> Result<(), FolderError> {
        let text = serde_json::to_string(model)
            .map_err(|e| FolderError::Json { path: path.join(MODEL), message: e.to_string() })?;
        Self::write(path, MODEL, text.as_bytes(), config, card, &[])
    }

    /// Parameters, config and card, whose hashes are in the card.
    fn write<C: Serialize>(
        path: &Path,
        name: &str,
        parameters: &[u8],
        config: &C,
        card: &Card,
        files: &[(&str, Vec<u8>)],
    ) -> Result<(), FolderError> {
        let config = json_text(config, &path.join(CONFIG))?;
        let hash = |(name, bytes): &(&str, Vec<u8>)| (name.to_string(), sha256_hex(bytes));
        let card = Card {
            files_sha256: files.iter().map(hash).collect(),
            format: card::FORMAT,
            weights_sha256: sha256_hex(parameters),
            config_sha256: sha256_hex(config.as_bytes()),
            ..card.clone()
        };
        replace_folder(path, |tmp| {
            write_file(&tmp.join(name), parameters)?;
            write_file(&tmp.join(CONFIG), config.as_bytes())?;
            files.iter().try_for_each(|(name, bytes)| write_file(&tmp.join(name), bytes))?;
            write_json(&tmp.join(CARD), &card)
        })
    }

    /// Whether bytes are those whose hash the card holds; folders of format 1 may hold none.
    fn is_whole(&self, bytes: &[u8], sha256: &str) -> bool {
        (self.card.format == 1 && sha256.is_empty()) || sha256_hex(bytes) == sha256
    }

    /// The parameters that [`save_json`](Self::save_json) wrote.
    ///
    /// # Errors
    /// When the file is missing or damaged, or holds something else.
    pub fn load_json<M: DeserializeOwned>(&self) -> Result<M, FolderError> {
        let path = self.path.join(MODEL);
        let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
        if !self.is_whole(&bytes, &self.card.weights_sha256) {
            return Err(FolderError::Damaged { path });
        }
        parse::from_json(&String::from_utf8_lossy(&bytes))
            .map_err(|e| FolderError::Json { path, message: e.to_string() })
    }

    /// Opens a model folder, or a run folder that holds one under `model`.
    ///
    /// # Errors
    /// When there is none, its card cannot be read, or it is of a newer format.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let path = [path.to_path_buf(), path.join("model")]
            .iter()
            .filter_map(|p| atomic::recover(p))
            .find(|p| p.join(CARD).exists())
            .unwrap_or_else(|| path.to_path_buf());
        let card: Card = read_json(&path.join(CARD))?;
        if card.format > card::FORMAT || card.format == 0 {
            let message = format!(
                "the folder is of format {}, and this version reads 1 to {}: use a newer version",
                card.format,
                card::FORMAT
            );
            return Err(FolderError::Json { path: path.join(CARD), message });
        }
        Ok(Self { path, card })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the folder says of itself.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Checks the family's name.
    ///
    /// # Errors
    /// When the folder is of another family.
    pub fn expect_family(&self, family: &str) -> Result<(), FolderError> {
        if self.card.family == family {
            return Ok(());
        }
        Err(FolderError::Family {
            path: self.path.clone(),
            expected: family.to_string(),
            got: self.card.family.clone(),
        })
    }

    /// The model's config.
    ///
    /// # Errors
    /// When the file is missing or damaged, is not JSON or has an unknown field.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, FolderError> {
        let path = self.path.join(CONFIG);
        let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
        let config = parse::from_json(&String::from_utf8_lossy(&bytes))
            .map_err(|e| FolderError::Json { path: path.clone(), message: e.to_string() })?;
        if !self.is_whole(&bytes, &self.card.config_sha256) {
            return Err(FolderError::Damaged { path });
        }
        Ok(config)
    }

    /// Fills a model of the right architecture with the saved weights.
    ///
    /// # Errors
    /// When the file is cut off, damaged, or does not fit the model in names or shapes.
    pub fn load_weights<M: Module>(&self, model: M) -> Result<M, FolderError> {
        let path = self.path.join(WEIGHTS);
        let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
        let loaded = from_bytes(model, &bytes, &path)?;
        if !self.is_whole(&bytes, &self.card.weights_sha256) {
            return Err(FolderError::Damaged { path });
        }
        Ok(loaded)
    }
}

/// Changes the card of a saved model, atomically: to add scores, say.
///
/// # Errors
/// When the card cannot be read or written.
pub fn replace_card(folder: &Path, change: impl FnOnce(&mut Card)) -> Result<(), FolderError> {
    let path = folder.join(CARD);
    let mut card: Card = read_json(&path)?;
    change(&mut card);
    write_json(&path, &card)
}

/// Writes JSON for people: indented, with a line break at the end, atomically.
///
/// # Errors
/// When the system refuses.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FolderError> {
    write_file(path, json_text(value, path)?.as_bytes())
}

/// JSON for people.
fn json_text<T: Serialize>(value: &T, path: &Path) -> Result<String, FolderError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|e| FolderError::Json { path: path.to_path_buf(), message: e.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// Reads JSON.
///
/// # Errors
/// When the file is missing, is not UTF-8 or not of the type.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let text = std::fs::read_to_string(path).map_err(FolderError::io(path, "read"))?;
    parse::from_json(&text)
        .map_err(|e| FolderError::Json { path: path.to_path_buf(), message: e.to_string() })
}
