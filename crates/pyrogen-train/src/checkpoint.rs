//! Checkpoints: the whole state of a run, written as one folder, with a hash for each file.
//!
//! Weights and optimiser moments are in Burn's own format, which keeps the parameters' identities
//! and so lets the optimiser go on bit for bit. Burn loads a damaged file without a word; the
//! hashes are what finds it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use pyrogen_core::FolderError;
use pyrogen_core::folder::{
    read_json, recover, replace_folder, sha256_hex, write_file, write_json,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::TrainError;
use crate::learner::Learner;
use crate::run::{RunFolder, difference};

/// What the loop itself must remember.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoopState {
    /// Steps that are done.
    pub step: u64,
    /// Sums of the values since the last row of the log, by name, in order, and how many steps each
    /// holds.
    pub sums: Vec<(String, f64, u64)>,
    /// The best validation loss and its step.
    pub best: Option<(f64, u64)>,
    /// Validations since the best.
    pub stale: u64,
    /// How often the run has been taken back.
    pub rollbacks: u64,
    /// Seconds that the run has taken, over all its processes, while minutes were a limit of it.
    pub seconds: f64,
}

/// What a checkpoint says of itself.
#[derive(Serialize, Deserialize)]
struct Manifest {
    /// The record of the run that it is of.
    run: Value,
    state: LoopState,
    /// The hash of each file beside this one.
    sha256: BTreeMap<String, String>,
}

/// The checkpoint that a run goes on from.
pub(crate) const LAST: &str = "checkpoints/last";
/// The one with the best validation loss.
pub(crate) const BEST: &str = "checkpoints/best";
/// The one that a rollback takes the run back to.
pub(crate) const KEPT: &str = "checkpoints/kept";

const MANIFEST: &str = "state.json";
/// The hash of the manifest.
const SEAL: &str = "state.json.sha256";

/// Writes the checkpoint `name` (a folder) of a run, replacing the previous one.
pub(crate) fn save<L: Learner>(
    run: &RunFolder,
    name: &str,
    learner: &L,
    state: &LoopState,
) -> Result<(), TrainError> {
    run.check()?;
    let path = &run.join(name);
    // The folder functions speak of folder errors; a learner's own error is carried past them.
    let mut other = None;
    let written = replace_folder(path, |tmp| {
        match learner.save_state(tmp) {
            Ok(()) => {}
            Err(TrainError::Folder(e)) => return Err(e),
            Err(e) => {
                other = Some(e);
                return Err(FolderError::Damaged { path: tmp.to_path_buf() });
            }
        }
        let (path, sha256) = (tmp.join(MANIFEST), hashes(tmp)?);
        write_json(&path, &Manifest { run: run.record().clone(), state: state.clone(), sha256 })?;
        let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
        write_file(&tmp.join(SEAL), format!("{}\n", sha256_hex(&bytes)).as_bytes())
    });
    match other {
        Some(e) => Err(e),
        None => Ok(written?),
    }
}

/// Reads the checkpoint `name` of a run; None where there is none.
pub(crate) fn load<L: Learner>(
    run: &RunFolder,
    name: &str,
    learner: &mut L,
) -> Result<Option<LoopState>, TrainError> {
    let Some(path) = recover(&run.join(name)) else { return Ok(None) };
    let manifest = manifest(&path)?;
    if let Some((field, was, now)) = difference(&manifest.run, run.record(), "") {
        let message = format!("it is of another run: there `{field}` is {was}, here {now}");
        return Err(TrainError::Checkpoint { path, message });
    }
    if hashes(&path)? != manifest.sha256 {
        return Err(bad(&path, "a file is missing or damaged (its SHA-256 differs)"));
    }
    learner.load_state(&path)?;
    Ok(Some(manifest.state))
}

/// What the checkpoint in a folder says of itself, if it is what was written.
fn manifest(folder: &Path) -> Result<Manifest, TrainError> {
    let (path, seal) = (folder.join(MANIFEST), folder.join(SEAL));
    let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
    let expected = match std::fs::read_to_string(&seal) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let message = format!("{SEAL} is missing: it is damaged, or of an earlier version");
            return Err(bad(folder, message));
        }
        Err(e) => return Err(FolderError::io(&seal, "read")(e).into()),
    };
    if sha256_hex(&bytes) != expected.trim_end() {
        return Err(bad(folder, format!("{MANIFEST} is damaged (its SHA-256 differs)")));
    }
    Ok(read_json(&path)?)
}

fn hashes(folder: &Path) -> Result<BTreeMap<String, String>, FolderError> {
    let mut out = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(FolderError::io(folder, "read"))? {
        let path = entry.map_err(FolderError::io(folder, "read"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name != MANIFEST && name != SEAL {
            let bytes = std::fs::read(&path).map_err(FolderError::io(&path, "read"))?;
            out.insert(name, sha256_hex(&bytes));
        }
    }
    Ok(out)
}

/// Writes a module with its parameters' identities.
///
/// # Errors
/// When the system refuses.
pub fn save_module<M: Module>(path: &Path, module: M) -> Result<(), TrainError> {
    let bytes = module.into_record().into_bytes().map_err(|e| bad(path, e))?;
    Ok(write_file(path, &bytes)?)
}

/// Fills a module with what [`save_module`] wrote.
///
/// # Errors
/// When the file is missing or of another model.
pub fn load_module<M: Module>(path: &Path, module: M) -> Result<M, TrainError> {
    let record = ModuleRecord::from_bytes(read(path)?).map_err(|e| bad(path, e))?;
    module.try_load_record(record).map_err(|e| bad(path, e))
}

/// Writes an optimiser's moments.
///
/// # Errors
/// When the system refuses.
pub fn save_optimizer(path: &Path, optimizer: &ModuleOptimizer) -> Result<(), TrainError> {
    let bytes = optimizer.into_bytes().map_err(|e| bad(path, e))?;
    Ok(write_file(path, &bytes)?)
}

/// Fills an optimiser with what [`save_optimizer`] wrote.
///
/// # Errors
/// When the file is missing or unreadable.
pub fn load_optimizer(path: &Path, fresh: ModuleOptimizer) -> Result<ModuleOptimizer, TrainError> {
    let record = OptimizerRecord::from_bytes(read(path)?).map_err(|e| bad(path, e))?;
    Ok(fresh.load_record(record))
}

fn read(path: &Path) -> Result<Bytes, TrainError> {
    let bytes = std::fs::read(path).map_err(FolderError::io(path, "read"))?;
    Ok(Bytes::from_bytes_vec(bytes))
}

fn bad(path: &Path, message: impl std::fmt::Display) -> TrainError {
    TrainError::Checkpoint { path: PathBuf::from(path), message: message.to_string() }
}
