//! The run folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use pyrogen_core::FolderError;
use pyrogen_core::folder::{read_json, recover, remove_leftovers, write_file, write_json};
use serde_json::{Value, json};

use crate::error::TrainError;

/// The folder that a run writes into:
///
/// ```text
/// config.json     what was asked for: family, data, seed, model, training
/// metrics.csv     losses by step
/// events.jsonl    what happened when
/// monitor.csv     what a collapse monitor read, by step
/// checkpoints/    last, best, kept: the whole state
/// samples/ plots/ pictures
/// model/          the model folder, for use
/// report.html     all of it on one page
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    started: Instant,
    /// Held until the run ends, in whatever way.
    _lock: File,
}

/// The file whose lock says that a process writes into the folder.
const LOCK: &str = ".lock";

/// What only a run with a `config.json` has; without one it is somebody else's.
const WRITTEN: [&str; 8] = [
    "metrics.csv",
    "monitor.csv",
    "events.jsonl",
    "checkpoints/last",
    "checkpoints/best",
    "checkpoints/kept",
    "model",
    "report.html",
];

impl RunFolder {
    /// Makes a run folder, or opens one to go on with.
    ///
    /// `record` is everything that decides the result; its field `train.limits` may differ when a
    /// run goes on. A run that ended before its first checkpoint is started anew, with `resume` or
    /// without: there is nothing to lose.
    ///
    /// # Errors
    /// When the folder holds a run and `resume` is false, when the record differs, when the folder
    /// holds something else where the run would write, when another run writes into it, or when the
    /// system refuses.
    pub fn open(path: &Path, record: &Value, resume: bool) -> Result<Self, TrainError> {
        let config = path.join("config.json");
        if config.exists() && recover(&path.join("checkpoints/last")).is_some() {
            if !resume {
                return Err(TrainError::RunExists { path: path.to_path_buf() });
            }
            let before: Value = read_json(&config)?;
            if let Some((field, was, now)) = difference(&before, record, "") {
                return Err(TrainError::OtherRun { path: path.to_path_buf(), field, was, now });
            }
        } else if !config.exists()
            && let Some(occupied) = WRITTEN.iter().map(|n| path.join(n)).find(|p| p.exists())
        {
            return Err(TrainError::NoRun { path: path.to_path_buf(), occupied });
        }
        for name in ["checkpoints", "samples", "plots"] {
            let dir = path.join(name);
            fs::create_dir_all(&dir).map_err(FolderError::io(&dir, "create"))?;
        }
        let lock = lock(path)?;
        for name in ["checkpoints", "samples", "plots"] {
            remove_leftovers(&path.join(name))?;
        }
        remove_leftovers(path)?;
        write_json(&config, record)?;
        let folder = Self { path: path.to_path_buf(), started: Instant::now(), _lock: lock };
        folder.trim_events()?;
        Ok(folder)
    }

    /// A value of the record of a run that can be gone on with, by its JSON pointer.
    pub(crate) fn recorded(path: &Path, pointer: &str) -> Result<Option<Value>, TrainError> {
        let config = path.join("config.json");
        if !config.exists() || recover(&path.join("checkpoints/last")).is_none() {
            return Ok(None);
        }
        let record: Value = read_json(&config)?;
        Ok(record.pointer(pointer).cloned())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Seconds since this process opened the folder.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Appends an event to `events.jsonl`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn event(&self, name: &str, details: Value) -> Result<(), TrainError> {
        let mut event = json!({"event": name, "seconds": (self.seconds() * 1e3).round() / 1e3});
        if let (Value::Object(event), Value::Object(details)) = (&mut event, details) {
            event.extend(details);
        }
        let path = self.join("events.jsonl");
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut f| f.write_all(format!("{event}\n").as_bytes()));
        Ok(written.map_err(FolderError::io(&path, "write"))?)
    }

    /// Removes a last line that was cut off.
    fn trim_events(&self) -> Result<(), TrainError> {
        let path = self.join("events.jsonl");
        let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
        if text.is_empty() || text.ends_with('\n') {
            return Ok(());
        }
        let kept = text.rfind('\n').map_or("", |end| &text[..=end]);
        Ok(write_file(&path, kept.as_bytes())?)
    }
}

/// Locks a folder against other runs; file systems without locks go without.
fn lock(folder: &Path) -> Result<File, TrainError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(FolderError::io(&path, "create"))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(TrainError::InUse { path: folder.to_path_buf() }),
        Err(TryLockError::Error(e)) if e.kind() != ErrorKind::Unsupported => {
            Err(FolderError::io(&path, "lock")(e).into())
        }
        _ => Ok(file),
    }
}

/// What may differ when a run goes on: when it ends, and when it saves what it has.
const MAY_DIFFER: [&str; 3] =
    ["train.limits", "train.checkpoint_every", "train.checkpoint_minutes"];

/// The first field that differs, with both values.
fn difference(a: &Value, b: &Value, path: &str) -> Option<(String, String, String)> {
    if MAY_DIFFER.contains(&path) || a == b {
        return None;
    }
    if let (Value::Object(x), Value::Object(y)) = (a, b) {
        let names = x.keys().chain(y.keys().filter(|k| !x.contains_key(*k)));
        return names.into_iter().find_map(|name| {
            let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let side = |m: &serde_json::Map<String, Value>| m.get(name).cloned();
            difference(&side(x).unwrap_or_default(), &side(y).unwrap_or_default(), &here)
        });
    }
    Some((path.to_string(), a.to_string(), b.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_only_with_its_own_config() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let record = json!({"seed": 1, "train": {"limits": {"epochs": 2}, "batch_size": 8}});
        let run = RunFolder::open(&path, &record, false).unwrap();
        run.event("start", json!({"step": 0})).unwrap();
        let error = RunFolder::open(&path, &record, false).unwrap_err().to_string();
        assert!(error.contains("another run writes into this folder"), "{error}");
        drop(run);
        // Before the first checkpoint a run may begin again, with another config too.
        RunFolder::open(&path, &json!({"seed": 2}), false).unwrap();
        RunFolder::open(&path, &record, false).unwrap();
        fs::create_dir(path.join("checkpoints/last")).unwrap();
        let error = RunFolder::open(&path, &record, false).unwrap_err();
        assert!(error.to_string().ends_with("or another folder"), "{error}");

        let longer = json!({"seed": 1, "train": {"limits": {"epochs": 9}, "batch_size": 8}});
        RunFolder::open(&path, &longer, true).unwrap();
        let other = json!({"seed": 1, "train": {"limits": {"epochs": 2}, "batch_size": 9}});
        let error = RunFolder::open(&path, &other, true).unwrap_err().to_string();
        assert!(error.contains("`train.batch_size` was 8, now 9"), "{error}");
    }

    #[test]
    fn what_is_not_a_run_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        fs::create_dir(&model).unwrap();
        for resume in [false, true] {
            let error = RunFolder::open(dir.path(), &json!({}), resume).unwrap_err().to_string();
            assert!(error.contains("model is there"), "{error}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made");
        // What a run that was killed before it held anything leaves, and files of other names.
        fs::remove_dir(&model).unwrap();
        fs::create_dir(dir.path().join("checkpoints")).unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        RunFolder::open(dir.path(), &json!({}), false).unwrap();
    }

    #[test]
    fn a_cut_off_event_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunFolder::open(dir.path(), &json!({}), false).unwrap();
        run.event("a", json!({})).unwrap();
        let path = run.join("events.jsonl");
        drop(run);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"event\": \"b")).unwrap();
        RunFolder::open(dir.path(), &json!({}), true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}
