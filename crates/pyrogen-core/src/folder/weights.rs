//! A module's parameters as safetensors bytes.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::FolderError;

/// All parameters, in safetensors' format. Equal parameters give equal bytes.
pub fn to_bytes<M: Module>(model: &M) -> Vec<u8> {
    // Metadata lives in an unordered map and would make the bytes differ from run to run.
    let mut store = SafetensorsStore::from_bytes(None).clear_metadata().skip_enum_variants(true);
    model
        .save_into(&mut store)
        .and_then(|()| store.get_bytes())
        .expect("writing to memory does not fail")
}

/// Fills `model` from safetensors bytes; `path` is only named in errors.
///
/// # Errors
/// When the bytes are not safetensors, or names, shapes or types are not the model's.
pub fn from_bytes<M: Module>(mut model: M, bytes: &[u8], path: &Path) -> Result<M, FolderError> {
    check(&model, bytes, path)?;
    let mut store = SafetensorsStore::from_bytes(Some(bytes.to_vec())).skip_enum_variants(true);
    model.load_from(&mut store).map_err(|e| FolderError::Mismatch {
        path: path.to_path_buf(),
        message: e.to_string().replace('\n', " "),
    })?;
    Ok(model)
}

/// Compares the file's header with the model before any tensor is made.
fn check<M: Module>(model: &M, bytes: &[u8], path: &Path) -> Result<(), FolderError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| FolderError::Weights { path: path.to_path_buf(), message: e.to_string() })?;
    let mut expected: BTreeMap<String, Vec<usize>> = model
        .collect(None, None, true)
        .into_iter()
        .map(|t| (t.name.clone(), t.shape.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (name, view) in file.tensors() {
        match expected.remove(&name) {
            None => wrong.push(format!("`{name}` is not in the model")),
            Some(shape) if shape != view.shape() => {
                wrong.push(format!("`{name}` has shape {:?}, expected {shape:?}", view.shape()));
            }
            Some(_) if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) => {
                wrong.push(format!("`{name}` has type {:?}, expected a float", view.dtype()));
            }
            Some(_) => {}
        }
    }
    wrong.extend(expected.keys().map(|name| format!("`{name}` is missing")));
    if wrong.is_empty() {
        return Ok(());
    }
    let more = wrong.len().saturating_sub(3);
    wrong.truncate(3);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(FolderError::Mismatch {
        path: path.to_path_buf(),
        message: format!("{}{tail}", wrong.join("; ")),
    })
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
