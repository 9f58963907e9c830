//! Folders of Hugging Face's `transformers`: GPT-2 and Llama kind.
//!
//! A folder has `config.json`, `model.safetensors` (or shards and their index) and `tokenizer.json` (or
//! GPT-2's `vocab.json` and `merges.txt`). Weights of 32 and 16 bits are read, and held in 32. An
//! option of the config that is not known here is an error that names it: a model that ran without it
//! would be another model.
//!
//! A **GGUF file** (`NAME.gguf`) of the architectures `llama` and `gpt2` opens by its path: f32, f16, bf16,
//! q8_0 and q4_0 tensors, held in 32 bits, with the tokenizer that the file has.
//!
//! **Adapters** in the layout of `peft` are read and written ([`open_adapter`], [`save_adapter`]).

mod adapters;
mod gguf;
mod gguf_models;
mod gpt2;
mod kind;
mod llama;
mod low;
mod options;
mod tensors;

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::Seed;
use pyrogen_core::folder::{self, Card};
use serde_json::Value;

use crate::{Bpe, Gpt, GptConfig, GptText, PretrainedError, TextModel, Tokenizer};
pub(crate) use adapters::files as adapter_files;
pub use adapters::{open_adapter, save_adapter};
use options::Options;
use tensors::{Array, Tensors};

/// Whether a path is a folder of `transformers` that this module may open, an adapter of `peft`, or a GGUF
/// file.
pub fn is_pretrained(folder: &Path) -> bool {
    gguf_models::is_one(folder) || is_model(folder) || adapters::is_adapter(folder)
}

fn is_model(folder: &Path) -> bool {
    let config = folder.join("config.json");
    let weights = ["model.safetensors", "model.safetensors.index.json"];
    !folder.join("card.json").exists()
        && weights.iter().any(|name| folder.join(name).exists())
        && std::fs::read_to_string(config).is_ok_and(|text| text.contains("\"model_type\""))
}

/// Opens the network of a folder.
///
/// # Errors
/// A file that is missing or damaged, an option that is not known here, or weights that do not fit.
pub fn open_network(folder: &Path, device: &Device) -> Result<Gpt, PretrainedError> {
    if gguf_models::is_one(folder) {
        let parts = gguf_models::parts(folder)?;
        return fill(&parts.config, &parts.tensors, folder, device);
    }
    let path = folder.join("config.json");
    let json: Value = serde_json::from_str(&read(&path)?)
        .map_err(|e| file(&path, format!("is not JSON: {e}")))?;
    let mut options = Options::new(&path, &json)?;
    let kind = options.text("model_type")?;
    let (config, tensors) = match kind.as_str() {
        "gpt2" => {
            let config = gpt2::config(&mut options)?;
            (config.clone(), gpt2::tensors(&config, Tensors::open(folder)?)?)
        }
        "llama" | "mistral" | "qwen3" => {
            let config = llama::config(&mut options, &kind)?;
            (config.clone(), llama::tensors(&config, Tensors::open(folder)?)?)
        }
        other => return Err(options.wrong("model_type", "gpt2, llama, mistral or qwen3", other)),
    };
    options.finish()?;
    fill(&config, &tensors, folder, device)
}

/// Opens a folder with its tokenizer. Of an adapter's folder, the model that its config names, with the
/// adapter added to its weights.
///
/// # Errors
/// As [`open_network`], and a tokenizer that is missing, not known here, or larger than the embedding.
pub fn open(folder: &Path, device: &Device) -> Result<GptText, PretrainedError> {
    if adapters::is_adapter(folder) {
        let base = open(&adapters::base(folder)?, device)?;
        let tokenizer = base.tokenizer().clone();
        let network = open_adapter(base.into_network(), folder)?;
        return Ok(TextModel::new(network.merged(), tokenizer));
    }
    let (network, tokenizer) = if gguf_models::is_one(folder) {
        let parts = gguf_models::parts(folder)?;
        (fill(&parts.config, &parts.tensors, folder, device)?, parts.tokenizer)
    } else {
        (open_network(folder, device)?, marked(tokenizer(folder)?, folder)?)
    };
    let (tokens, vocabulary) = (tokenizer.tokens(), network.config().vocabulary);
    if tokens > vocabulary {
        let message = format!("{tokens} tokens, and the embedding of the network has {vocabulary}");
        return Err(file(&folder.join("tokenizer.json"), message));
    }
    Ok(TextModel::new(network, Arc::new(tokenizer)))
}

/// Writes a folder of `transformers` as a model folder of this library, from which training may go on.
///
/// # Errors
/// As [`open`], and when the system refuses to write.
pub fn convert(from: &Path, to: &Path, device: &Device) -> Result<(), PretrainedError> {
    let model = open(from, device)?;
    model.save(to, &card(from)).map_err(|e| file(to, e.to_string()))
}

/// The card of a folder that has none.
pub(crate) fn card(folder: &Path) -> Card {
    let mut card = Card::new(crate::FAMILY, Seed(0));
    card.modality = Some("text".into());
    card.data.source = folder.display().to_string();
    card
}

/// The tokenizer of a folder.
fn tokenizer(folder: &Path) -> Result<Tokenizer, PretrainedError> {
    let path = folder.join("tokenizer.json");
    let (pair, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
    if !path.exists() && pair.exists() && merges.exists() {
        let read = Bpe::from_pair(&read(&pair)?, &read(&merges)?);
        return Ok(Tokenizer::Bpe(Box::new(read.map_err(|e| file(&pair, e.to_string()))?)));
    }
    Tokenizer::from_json(&read(&path)?).map_err(|e| file(&path, e.to_string()))
}

/// The tokenizer with the marks that the config names.
fn marked(tokenizer: Tokenizer, folder: &Path) -> Result<Tokenizer, PretrainedError> {
    let path = folder.join("config.json");
    let json: Value = serde_json::from_str(&read(&path)?)
        .map_err(|e| file(&path, format!("is not JSON: {e}")))?;
    let mark = |name: &str| {
        let value = json[name].as_u64().or_else(|| json[name][0].as_u64());
        value.and_then(|v| u32::try_from(v).ok())
    };
    let end = mark("eos_token_id").unwrap_or(tokenizer.end());
    let start = mark("bos_token_id").unwrap_or(end);
    let marked = match tokenizer {
        Tokenizer::Bpe(bpe) => bpe.with_marks(start, end).map(|bpe| Tokenizer::Bpe(Box::new(bpe))),
        Tokenizer::SentencePiece(pieces) => {
            let marked = pieces.with_marks(start, end);
            marked.map(|pieces| Tokenizer::SentencePiece(Box::new(pieces)))
        }
        other => Ok(other),
    };
    marked.map_err(|e| file(&path, e.to_string()))
}

/// A network of these weights.
fn fill(
    config: &GptConfig,
    tensors: &[(String, Array)],
    folder: &Path,
    device: &Device,
) -> Result<Gpt, PretrainedError> {
    // Before memory is asked for.
    let (wanted, there) = (
        config.num_params().map_err(|e| file(folder, e.to_string()))?,
        tensors.iter().map(|(_, array)| array.values.len()).sum::<usize>(),
    );
    if wanted > there {
        let message = format!("the config asks for {wanted} numbers, and the weights are {there}");
        return Err(file(folder, message));
    }
    let model = config.init(Seed(0), device).map_err(|e| file(folder, e.to_string()))?;
    let bytes = tensors::to_bytes(tensors);
    folder::from_bytes(model, &bytes, folder).map_err(|e| file(folder, e.to_string()))
}

/// The weights of a network under this crate's names, out of those of `transformers`; for gradients,
/// too, which are held as weights are.
///
/// # Errors
/// As [`open_network`].
#[doc(hidden)]
pub fn renamed(folder: &Path) -> Result<Vec<(String, Vec<f32>)>, PretrainedError> {
    let path = folder.join("config.json");
    let json: Value = serde_json::from_str(&read(&path)?)
        .map_err(|e| file(&path, format!("is not JSON: {e}")))?;
    let mut options = Options::new(&path, &json)?;
    let kind = options.text("model_type")?;
    let tensors = match kind.as_str() {
        "gpt2" => gpt2::tensors(&gpt2::config(&mut options)?, Tensors::open(folder)?)?,
        _ => llama::tensors(&llama::config(&mut options, &kind)?, Tensors::open(folder)?)?,
    };
    Ok(tensors.into_iter().map(|(name, array)| (name, array.values)).collect())
}

fn read(path: &Path) -> Result<String, PretrainedError> {
    std::fs::read_to_string(path)
        .map_err(|source| PretrainedError::Io { path: path.to_path_buf(), source })
}

fn file(path: &Path, message: impl Into<String>) -> PretrainedError {
    PretrainedError::File { path: path.to_path_buf(), message: message.into() }
}
