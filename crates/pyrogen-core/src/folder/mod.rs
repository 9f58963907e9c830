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
mod leftovers;
mod weights;

use std::path::{Path, PathBuf};

use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use atomic::{recover, replace_folder, write_file};
pub use batch::FileBatch;
pub use card::{Card, DataCard, FORMAT};
pub use config::ModelConfig;
pub use leftovers::{remove_abandoned, remove_leftovers};
pub use weights::{from_bytes, sha256_hex, to_bytes};

use crate::{FolderError, config as parse};

const WEIGHTS: &str = "model.safetensors";
const MODEL: &str = "model.json";
const CONFIG: &str = "config.json";
const CARD: &str = "card.json";

/// What is replaced where a model folder is written again; other files in it stay.
const OURS: [&str; 4] = [WEIGHTS, MODEL, CONFIG, CARD];

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
        atomic::replace_in_folder(path, Some(&OURS), |tmp| {
            write_file(&tmp.join(name), parameters)?;
            write_file(&tmp.join(CONFIG), config.as_bytes())?;
            files.iter().try_for_each(|(name, bytes)| write_file(&tmp.join(name), bytes))?;
            write_json(&tmp.join(CARD), &card.sealed())
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
    /// When there is none, its card cannot be read or is damaged, or it is of a newer format.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let path = [path.to_path_buf(), path.join("model")]
            .iter()
            .filter_map(|p| atomic::recover(p))
            .find(|p| p.join(CARD).exists())
            .unwrap_or_else(|| path.to_path_buf());
        let card = read_card(&path.join(CARD))?;
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
        check_size(&path)?;
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
    let mut card = read_card(&path)?;
    change(&mut card);
    let card = if card.format == 1 { card } else { card.sealed() };
    write_json(&path, &card)
}

/// Most bytes of a card or config: a card holds quantiles of columns and names of categories.
const MOST_BYTES: u64 = 64 << 20;

/// Refuses a file that no card or config is as large as, before it is read.
fn check_size(path: &Path) -> Result<(), FolderError> {
    let bytes = std::fs::metadata(path).map_err(FolderError::io(path, "read"))?.len();
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let message = format!("the file has {bytes} bytes, and {MOST_BYTES} at most are read");
    Err(FolderError::Json { path: path.to_path_buf(), message })
}

fn read_card(path: &Path) -> Result<Card, FolderError> {
    check_size(path)?;
    let card: Card = read_json(path)?;
    match card.fault() {
        None => Ok(card),
        Some(message) => Err(FolderError::Json { path: path.to_path_buf(), message }),
    }
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Seed;

    /// A card of everything, with numbers that JSON has to keep.
    fn saved(dir: &Path) -> PathBuf {
        let mut card = Card::new("mean", Seed(u64::MAX));
        card.data.preparation =
            json!({"standardise": {"mean": [0.1f32, 1e-7], "scale": [3.0, 2.5]}});
        card.data.sha256 = "ab".into();
        card.scores.insert("frechet".into(), json!(1.0 / 3.0));
        let path = dir.join("m");
        ModelFolder::save_json(&path, &vec![0.25, 0.1], &json!({"size": 2}), &card).unwrap();
        path
    }

    /// Opens a folder and reads all of it.
    fn read(path: &Path) -> Result<(Vec<f64>, Value), FolderError> {
        let folder = ModelFolder::open(path)?;
        Ok((folder.load_json()?, folder.config()?))
    }

    #[test]
    fn every_digit_of_a_folder_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = saved(dir.path());
        assert_eq!(read(&path).unwrap(), (vec![0.25, 0.1], json!({"size": 2})));
        for name in [CARD, CONFIG, MODEL] {
            let file = path.join(name);
            let text = std::fs::read_to_string(&file).unwrap();
            for (i, digit) in text.char_indices().filter(|(_, c)| c.is_ascii_hexdigit()) {
                let other = if digit == '1' { "2" } else { "1" };
                let flipped = format!("{}{other}{}", &text[..i], &text[i + 1..]);
                std::fs::write(&file, flipped).unwrap();
                assert!(read(&path).is_err(), "{name}, character {i} of\n{text}");
            }
            std::fs::write(&file, text).unwrap();
        }
        read(&path).unwrap();
    }

    #[test]
    fn what_is_missing_is_not_made_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = saved(dir.path());
        let file = path.join(CARD);
        let whole: Value = read_json(&file).unwrap();
        let names: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
        for name in names {
            let mut card = whole.clone();
            card.as_object_mut().unwrap().shift_remove(&name);
            write_json(&file, &card).unwrap();
            let error = read(&path).unwrap_err().to_string();
            if name.ends_with("sha256") {
                assert!(error.contains(&format!("`{name}` is missing")), "{error}");
            }
            let changed = replace_card(&path, |card| card.steps = 1);
            assert!(changed.is_err(), "{name}: a damaged card is not made whole");
        }
    }

    #[test]
    fn files_that_no_card_is_as_large_as_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = saved(dir.path());
        for name in [CARD, CONFIG] {
            let whole = std::fs::read(path.join(name)).unwrap();
            // A file of holes: it takes no room.
            std::fs::File::create(path.join(name)).unwrap().set_len(MOST_BYTES + 1).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("67108865 bytes, and 67108864 at most"), "{error}");
            std::fs::write(path.join(name), whole).unwrap();
        }
        read(&path).unwrap();
    }

    #[test]
    fn a_card_is_changed_with_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = saved(dir.path());
        replace_card(&path, |card| {
            card.scores.insert("kid".into(), json!(0.1));
        })
        .unwrap();
        read(&path).unwrap();
        // The order of names is no part of it.
        let mut card: Value = read_json(&path.join(CARD)).unwrap();
        card.as_object_mut().unwrap().sort_keys();
        write_json(&path.join(CARD), &card).unwrap();
        read(&path).unwrap();
        std::fs::write(path.join("notes.txt"), "mine").unwrap();
        ModelFolder::save_json(&path, &1, &2, &Card::new("mean", Seed(1))).unwrap();
        assert_eq!(std::fs::read(path.join("notes.txt")).unwrap(), b"mine");
    }
}
