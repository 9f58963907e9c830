//! The files below a folder.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::table::infer::sort_names;

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    dir: PathBuf,
    /// The files that are wanted, sorted by path.
    pub paths: Vec<PathBuf>,
    /// How many other files there are, by ending in lower case.
    pub others: BTreeMap<String, usize>,
    /// The folders that are right below.
    folders: Vec<PathBuf>,
}

impl Found {
    /// Says what was passed over, where anything was.
    pub fn passed_over(&self) -> Option<String> {
        let count: usize = self.others.values().sum();
        let endings: Vec<String> = (self.others.iter())
            .map(|(ending, n)| match ending.as_str() {
                "" => format!("{n} without an ending"),
                ending => format!("{n} .{ending}"),
            })
            .collect();
        (count > 0).then(|| {
            let endings = endings.join(", ");
            format!("{}: {count} files were passed over ({endings})", self.dir.display())
        })
    }
}

impl Found {
    /// One file.
    pub fn one(path: &Path) -> Self {
        Self { paths: vec![path.to_path_buf()], ..Self::default() }
    }

    /// Checks that each folder right below has a file that is wanted, at any depth.
    pub fn check_folders(&self) -> Result<(), DataError> {
        let empty = |folder: &&PathBuf| !self.paths.iter().any(|path| path.starts_with(folder));
        match self.folders.iter().find(empty) {
            None => Ok(()),
            Some(folder) => Err(DataError::NoExamples {
                path: folder.clone(),
                hint: "the class of this folder has no file that can be read: remove the folder, \
                       or turn its files into .png"
                    .to_string(),
            }),
        }
    }
}

/// The files below `dir` that `wanted` accepts, through links, each folder once; hidden ones are
/// not looked at.
pub(crate) fn collect(dir: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Found, DataError> {
    let mut found = Found { dir: dir.to_path_buf(), ..Found::default() };
    walk(dir, &wanted, &mut found, &mut HashSet::new())?;
    found.paths.sort();
    Ok(found)
}

fn walk(
    dir: &Path,
    wanted: &impl Fn(&Path) -> bool,
    found: &mut Found,
    seen: &mut HashSet<PathBuf>,
) -> Result<(), DataError> {
    let real = fs::canonicalize(dir).map_err(DataError::io(dir, "read"))?;
    if !seen.insert(real) {
        return Ok(());
    }
    let mut entries = fs::read_dir(dir)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(DataError::io(dir, "read"))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if dir == found.dir {
                found.folders.push(path.clone());
            }
            walk(&path, wanted, found, seen)?;
        } else if wanted(&path) {
            found.paths.push(path);
        } else {
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            *found.others.entry(ending.to_ascii_lowercase()).or_default() += 1;
        }
    }
    Ok(())
}

/// Classes by the first folder below `dir`, if every picture lies in one: sorted as numbers where all
/// are, as text where not.
pub(crate) fn classes(dir: &Path, paths: &[PathBuf]) -> Option<(Vec<u32>, Vec<String>)> {
    let folder = |path: &PathBuf| -> Option<String> {
        let below = path.strip_prefix(dir).ok()?;
        let mut parts = below.components();
        let first = parts.next()?;
        parts.next()?;
        Some(first.as_os_str().to_string_lossy().into_owned())
    };
    let folders = paths.iter().map(folder).collect::<Option<Vec<_>>>()?;
    let mut names = folders.clone();
    names.sort();
    names.dedup();
    sort_names(&mut names);
    let places: BTreeMap<&str, u32> =
        names.iter().enumerate().map(|(k, name)| (name.as_str(), k as u32)).collect();
    let labels = folders.iter().map(|folder| places[folder.as_str()]).collect();
    Some((labels, names))
}
