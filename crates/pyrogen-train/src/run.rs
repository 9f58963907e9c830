//! The run folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use pyrogen_core::FolderError;
use pyrogen_core::folder::{read_json, recover, remove_leftovers, write_file, write_json};
use serde_json::{Value, json};

use crate::config::TrainConfig;
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
    record: Value,
    started: Instant,
    /// Held until the run ends, in whatever way.
    lock: File,
}

/// What becomes of a run that is in the folder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// It is an error.
    #[default]
    Refuse,
    /// It goes on; without one a new run begins.
    Resume,
    /// A new run takes its place. Its model stays until the new run writes one.
    Overwrite,
}

/// The file whose lock says that a process writes into the folder.
const LOCK: &str = ".lock";

/// What a run writes, beside its `config.json` and its model.
const WRITTEN: [&str; 7] = [
    "metrics.csv",
    "monitor.csv",
    "events.jsonl",
    "checkpoints/last",
    "checkpoints/best",
    "checkpoints/kept",
    "report.html",
];

/// What a model folder holds beside its `config.json`.
const MODEL: [&str; 3] = ["card.json", "model.safetensors", "model.json"];

impl RunFolder {
    /// Makes a run folder, or opens one to go on with.
    ///
    /// `record` is everything that decides the result; its field `train.limits` may differ when a
    /// run goes on. A run that ended before its first checkpoint is started anew in any case: there is
    /// nothing to lose.
    ///
    /// # Errors
    /// When the folder holds a run or a finished model and `existing` refuses them, when the record
    /// differs, when the folder holds something else where the run would write, when another run
    /// writes into it, or when the system refuses.
    pub fn open(path: &Path, record: &Value, existing: Existing) -> Result<Self, TrainError> {
        check(path, record, existing)?;
        for name in ["checkpoints", "samples", "plots"] {
            let dir = path.join(name);
            fs::create_dir_all(&dir).map_err(FolderError::io(&dir, "create"))?;
        }
        let lock = lock(path)?;
        // Another run may have begun and ended in between.
        check(path, record, existing)?;
        let (path, record) = (path.to_path_buf(), record.clone());
        let folder = Self { path, record, started: Instant::now(), lock };
        if existing == Existing::Overwrite {
            folder.clear()?;
        }
        for name in ["checkpoints", "samples", "plots"] {
            remove_leftovers(&folder.join(name))?;
        }
        remove_leftovers(&folder.path)?;
        write_json(&folder.join(CONFIG), &folder.record)?;
        folder.trim_events()?;
        Ok(folder)
    }

    /// Removes what the run that was here has written, but for its model.
    fn clear(&self) -> Result<(), TrainError> {
        for name in WRITTEN {
            let path = self.join(name);
            while let Some(folder) = recover(&path) {
                fs::remove_dir_all(&folder).map_err(FolderError::io(&folder, "remove"))?;
            }
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(FolderError::io(&path, "remove")(e).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that the folder is still the one that was opened. Somebody may have removed it, and what
    /// is written afterwards would make a part of it again.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self) -> Result<(), TrainError> {
        let same = match (self.lock.metadata(), fs::metadata(self.join(LOCK))) {
            (Ok(mine), Ok(there)) => same_file(&mine, &there),
            _ => false,
        };
        if same { Ok(()) } else { Err(TrainError::Gone { path: self.path.clone() }) }
    }

    /// A value of the record of a run that can be gone on with, by its JSON pointer.
    pub(crate) fn recorded(path: &Path, pointer: &str) -> Result<Option<Value>, TrainError> {
        let config = path.join(CONFIG);
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

    /// Everything that decides the run's result.
    pub(crate) fn record(&self) -> &Value {
        &self.record
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
        self.check()?;
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

/// The record of the run.
const CONFIG: &str = "config.json";

/// Checks that a run may write into a folder.
fn check(path: &Path, record: &Value, existing: Existing) -> Result<(), TrainError> {
    let config = path.join(CONFIG);
    let occupied = |found: PathBuf| TrainError::NoRun { path: path.to_path_buf(), occupied: found };
    let first = |names: &[&str]| names.iter().map(|n| path.join(n)).find(|p| p.exists());
    if let Some(found) = first(&MODEL) {
        return Err(occupied(found));
    }
    if !config.exists() {
        return match first(&WRITTEN).or_else(|| first(&["model"])) {
            Some(found) => Err(occupied(found)),
            None => Ok(()),
        };
    }
    let before: Value = match read_json(&config) {
        Ok(before) if is_record(&before) => before,
        Err(e) if recover(&path.join("checkpoints/last")).is_some() => return Err(e.into()),
        _ => return Err(occupied(config)),
    };
    if existing == Existing::Overwrite {
        return Ok(());
    }
    if recover(&path.join("checkpoints/last")).is_none() {
        // The first checkpoint comes before the first model.
        return match recover(&path.join("model")) {
            Some(_) => Err(TrainError::Finished { path: path.to_path_buf() }),
            None => Ok(()),
        };
    }
    if existing == Existing::Refuse {
        return Err(TrainError::RunExists { path: path.to_path_buf() });
    }
    match difference(&filled(before, record), record, "") {
        None => Ok(()),
        Some((field, was, now)) => {
            Err(TrainError::OtherRun { path: path.to_path_buf(), field, was, now })
        }
    }
}

/// A record with the settings that are new since it was written, at their defaults.
fn filled(mut before: Value, record: &Value) -> Value {
    let defaults = pyrogen_core::config::to_value(&TrainConfig::default());
    if let (Value::Object(before), Value::Object(now)) = (&mut before["train"], &record["train"]) {
        for name in now.keys().filter(|&name| defaults.get(name).is_some()) {
            before.entry(name).or_insert_with(|| defaults[name].clone());
        }
    }
    before
}

/// Whether JSON is the record of a run, and no config of something else.
fn is_record(value: &Value) -> bool {
    value["seed"].is_u64() && value["train"]["limits"].is_object()
}

#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
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
pub(crate) fn difference(a: &Value, b: &Value, path: &str) -> Option<(String, String, String)> {
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

    fn record(seed: u64, epochs: u64, batch: u64) -> Value {
        json!({"seed": seed, "train": {"limits": {"epochs": epochs}, "batch_size": batch}})
    }

    fn refused(path: &Path, existing: Existing) -> String {
        let before = tree(path);
        let error = RunFolder::open(path, &record(1, 2, 8), existing).unwrap_err().to_string();
        assert_eq!(tree(path), before, "nothing is made or lost");
        error
    }

    fn tree(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap().path();
            match entry.is_dir() {
                true => found.extend(tree(&entry)),
                false => found.push((entry.clone(), fs::read(&entry).unwrap())),
            }
        }
        found.sort();
        found
    }

    use Existing::{Overwrite, Refuse, Resume};

    #[test]
    fn a_run_goes_on_only_with_its_own_config() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let run = RunFolder::open(&path, &record(1, 2, 8), Refuse).unwrap();
        run.event("start", json!({"step": 0})).unwrap();
        for existing in [Refuse, Resume, Overwrite] {
            let error = refused(&path, existing);
            assert!(error.contains("another run writes into this folder"), "{error}");
        }
        drop(run);
        // Before the first checkpoint a run may begin again, with another config too.
        RunFolder::open(&path, &record(2, 2, 8), Refuse).unwrap();
        RunFolder::open(&path, &record(1, 2, 8), Refuse).unwrap();
        fs::create_dir(path.join("checkpoints/last")).unwrap();
        let error = refused(&path, Refuse);
        assert!(error.ends_with("or another folder"), "{error}");

        RunFolder::open(&path, &record(1, 9, 8), Resume).unwrap();
        let error = RunFolder::open(&path, &record(1, 2, 9), Resume).unwrap_err().to_string();
        assert!(error.contains("`train.batch_size` was 8, now 9"), "{error}");
        // A setting that the run is older than is at its default there.
        let mut newer = record(1, 2, 8);
        newer["train"]["balance"] = json!("auto");
        RunFolder::open(&path, &newer, Resume).unwrap();
        newer["train"]["balance"] = json!("classes");
        let error = RunFolder::open(&path, &newer, Resume).unwrap_err().to_string();
        assert!(error.contains("`train.balance` was \"auto\", now \"classes\""), "{error}");
    }

    #[test]
    fn what_is_not_a_run_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["model/x", "report.html", "metrics.csv", "card.json", "model.safetensors"] {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "mine").unwrap();
            for existing in [Refuse, Resume, Overwrite] {
                let error = refused(dir.path(), existing);
                assert!(error.contains("is there and is not a run's"), "{error}");
            }
            match file.parent().unwrap() == dir.path() {
                true => fs::remove_file(&file).unwrap(),
                false => fs::remove_dir_all(file.parent().unwrap()).unwrap(),
            }
        }
        // A config of somebody else, or of a model.
        for text in ["mine", "{}", "[]", r#"{"seed": 1, "train": true}"#, r#"{"latents": 8}"#] {
            fs::write(dir.path().join("config.json"), text).unwrap();
            for existing in [Refuse, Resume, Overwrite] {
                let error = refused(dir.path(), existing);
                assert!(error.contains("config.json is there"), "{text}: {error}");
            }
        }
        fs::remove_file(dir.path().join("config.json")).unwrap();
        // What a run that was killed before it held anything leaves, and files of other names.
        fs::create_dir(dir.path().join("checkpoints")).unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        RunFolder::open(dir.path(), &record(1, 2, 8), Refuse).unwrap();
    }

    #[test]
    fn a_finished_model_is_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        drop(RunFolder::open(dir.path(), &record(1, 2, 8), Refuse).unwrap());
        fs::create_dir(path("model")).unwrap();
        fs::write(path("model/model.safetensors"), "weights").unwrap();
        for existing in [Refuse, Resume] {
            let error = refused(dir.path(), existing);
            assert!(error.contains("--overwrite"), "{error}");
        }
        for name in ["checkpoints/last", "checkpoints/best", "checkpoints/last.old"] {
            fs::create_dir(path(name)).unwrap();
        }
        for name in ["report.html", "metrics.csv", "notes.txt", "samples/mine.png"] {
            fs::write(path(name), name).unwrap();
        }
        let run = RunFolder::open(dir.path(), &record(3, 2, 8), Overwrite).unwrap();
        assert!(recover(&path("checkpoints/last")).is_none() && !path("report.html").exists());
        assert!(!path("metrics.csv").exists() && !path("checkpoints/best").exists());
        for name in ["notes.txt", "samples/mine.png", "model/model.safetensors"] {
            assert!(path(name).exists(), "{name}");
        }
        drop(run);
        assert_eq!(read_json::<Value>(&path("config.json")).unwrap()["seed"], 3);
    }

    #[test]
    fn a_folder_that_is_removed_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let run = RunFolder::open(&path, &record(1, 2, 8), Refuse).unwrap();
        run.check().unwrap();
        fs::rename(&path, dir.path().join("moved")).unwrap();
        for _ in 0..2 {
            assert!(matches!(run.check(), Err(TrainError::Gone { .. })));
            assert!(run.event("late", json!({})).unwrap_err().to_string().contains("was removed"));
            assert!(!path.join("events.jsonl").exists());
            // Neither is another folder in its place written into.
            let _ = fs::create_dir(&path);
            fs::write(path.join(LOCK), "").unwrap();
        }
    }

    #[test]
    fn a_cut_off_event_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunFolder::open(dir.path(), &record(1, 2, 8), Refuse).unwrap();
        run.event("a", json!({})).unwrap();
        let path = run.join("events.jsonl");
        drop(run);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"event\": \"b")).unwrap();
        RunFolder::open(dir.path(), &record(1, 2, 8), Resume).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}
