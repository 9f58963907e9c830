//! Writes that leave the old or the new, never a part.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::FolderError;

/// How the names of unfinished files and folders begin.
const TEMPORARY: &str = ".pyrogen-tmp-";

/// Removes what processes that were killed in the middle of a write left in a folder. Call it only
/// where no other process writes.
///
/// # Errors
/// When the system refuses.
pub fn remove_leftovers(folder: &Path) -> Result<(), FolderError> {
    for entry in fs::read_dir(folder).map_err(FolderError::io(folder, "read"))? {
        let path = entry.map_err(FolderError::io(folder, "read"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(TEMPORARY) {
            continue;
        }
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(FolderError::io(&path, "remove"))?;
    }
    Ok(())
}

/// Writes a file beside its place, flushes it to disk and renames it into its place.
///
/// # Errors
/// When the system refuses; the old file is then untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let parent = parent_of(path);
    let mut tmp = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(parent)
        .map_err(FolderError::io(path, "write"))?;
    tmp.write_all(bytes)
        .and_then(|()| tmp.as_file().sync_all())
        .map_err(FolderError::io(path, "write"))?;
    tmp.persist(path).map_err(|e| FolderError::io(path, "write")(e.error))?;
    Ok(())
}

/// Fills a new folder beside `path` and swaps it into place.
///
/// Between the two renames of the swap the old folder stands at `path` with `.old` behind its
/// name; [`recover`] finds it there.
///
/// # Errors
/// When the system or `fill` refuses; what was at `path` is then untouched.
pub fn replace_folder(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(FolderError::io(parent, "create"))?;
    let tmp = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempdir_in(parent)
        .map_err(FolderError::io(path, "write"))?;
    fill(tmp.path())?;
    let old = old_name(path);
    if path.exists() {
        remove_if_present(&old)?;
        fs::rename(path, &old).map_err(FolderError::io(path, "replace"))?;
    }
    // From here on the temporary folder is the model: it is no longer removed on drop.
    let tmp = tmp.keep();
    make_readable(&tmp)?;
    if let Err(e) = fs::rename(&tmp, path) {
        // The old one is whole under its other name: put it back, then tell.
        let _ = fs::rename(&old, path);
        let _ = fs::remove_dir_all(&tmp);
        return Err(FolderError::io(path, "replace")(e));
    }
    remove_if_present(&old)
}

/// The folder at `path`, or the previous one where [`replace_folder`] was cut off.
pub fn recover(path: &Path) -> Option<PathBuf> {
    [path.to_path_buf(), old_name(path)].into_iter().find(|p| p.is_dir())
}

/// Temporary folders are private to the user; a saved model has the usual permissions.
fn make_readable(path: &Path) -> Result<(), FolderError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .map_err(FolderError::io(path, "write"))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn remove_if_present(path: &Path) -> Result<(), FolderError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(FolderError::io(path, "remove")(e))
        }
        _ => Ok(()),
    }
}

fn old_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".old");
    path.with_file_name(name)
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_fill_leaves_the_old_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        replace_folder(&path, |p| write_file(&p.join("a"), b"1")).unwrap();
        let refused = replace_folder(&path, |p| {
            write_file(&p.join("a"), b"2")?;
            Err(FolderError::Damaged { path: p.to_path_buf() })
        });
        assert!(refused.is_err());
        assert_eq!(fs::read(path.join("a")).unwrap(), b"1");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".pyrogen-tmp-abc")).unwrap();
        fs::write(dir.path().join(".pyrogen-tmp-def"), "").unwrap();
        fs::write(dir.path().join("kept"), "").unwrap();
        remove_leftovers(dir.path()).unwrap();
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["kept"]);
    }

    #[test]
    fn a_cut_off_swap_is_recovered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        replace_folder(&path, |p| write_file(&p.join("a"), b"1")).unwrap();
        fs::rename(&path, old_name(&path)).unwrap(); // killed between the two renames
        assert_eq!(recover(&path), Some(old_name(&path)));
        replace_folder(&path, |p| write_file(&p.join("a"), b"2")).unwrap();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"2");
        assert!(!old_name(&path).exists());
    }
}
