//! Unfinished files: which a process works on, and which one that was killed has left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::FolderError;

/// How the names of unfinished files and folders begin.
pub(super) const TEMPORARY: &str = ".pyrogen-tmp-";

/// A younger file may be one that its process has not locked yet.
const FRESH: Duration = Duration::from_secs(2);

/// Whether a name is that of something unfinished.
pub(super) fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY))
}

/// Says that this process works on an unfinished file or folder, for as long as the handle lives: it
/// is locked. Systems that lock no folders, and file systems without locks, go without.
pub(super) fn hold(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.try_lock().is_ok().then_some(file)
}

/// Removes what processes that were killed in the middle of a write left in a folder. Call it only
/// where no other process writes; elsewhere call [`remove_abandoned`].
///
/// # Errors
/// When the system refuses.
pub fn remove_leftovers(folder: &Path) -> Result<(), FolderError> {
    let entries = unfinished(folder).map_err(FolderError::io(folder, "read"))?;
    entries.iter().try_for_each(|path| remove(path).map_err(FolderError::io(path, "remove")))
}

/// Removes what processes that were killed in the middle of a write left in a folder, and leaves what
/// a process still writes: that is locked. What cannot be read or removed stays.
pub fn remove_abandoned(folder: &Path) {
    let found = unfinished(folder).unwrap_or_default();
    for path in found.iter().filter(|path| is_abandoned(path)) {
        // It is no part of what the caller does.
        let _ = remove(path);
    }
}

fn is_abandoned(path: &Path) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|about| about.modified());
    let age = changed.ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age >= FRESH) && hold(path).is_some()
}

fn unfinished(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        found.extend(Some(entry?.path()).filter(|path| is_temporary(path)));
    }
    Ok(found)
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::folder::FileBatch;

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".pyrogen-tmp-abc")).unwrap();
        fs::write(dir.path().join(".pyrogen-tmp-def"), "").unwrap();
        fs::write(dir.path().join("kept"), "").unwrap();
        remove_leftovers(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["kept"]);
    }

    #[test]
    fn what_a_process_works_on_is_not_abandoned() {
        let dir = tempfile::tempdir().unwrap();
        let age = |path: &Path| {
            let hour_ago = SystemTime::now() - Duration::from_secs(3600);
            File::open(path).unwrap().set_modified(hour_ago).unwrap();
        };
        for name in ["left", "held", "fresh"] {
            fs::write(dir.path().join(format!("{TEMPORARY}{name}")), "").unwrap();
        }
        for name in ["left", "held"] {
            age(&dir.path().join(format!("{TEMPORARY}{name}")));
        }
        let held = hold(&dir.path().join(format!("{TEMPORARY}held")));
        assert!(held.is_some());
        remove_abandoned(dir.path());
        assert_eq!(names(dir.path()), [".pyrogen-tmp-fresh", ".pyrogen-tmp-held"]);
        drop(held);
        remove_abandoned(dir.path());
        assert_eq!(names(dir.path()), [".pyrogen-tmp-fresh"]);

        // A batch under way holds its folder.
        let batch = FileBatch::new(dir.path()).unwrap();
        let unfinished = names(dir.path()).into_iter().find(|n| !n.ends_with("fresh")).unwrap();
        age(&dir.path().join(&unfinished));
        remove_abandoned(dir.path());
        assert_eq!(names(dir.path()).contains(&unfinished), cfg!(unix));
        drop(batch);
        remove_abandoned(&dir.path().join("missing"));
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|n| n.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}
