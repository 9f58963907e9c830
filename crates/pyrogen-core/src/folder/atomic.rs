//! Writes that leave the old or the new, never a part.

use std::fs::{self, OpenOptions};
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
/// A symbolic link is followed. What is no regular file (a pipe, a terminal, a device) is written
/// into and stays what it is.
///
/// # Errors
/// When the system refuses; the old file is then untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    write_into_place(path, bytes).map_err(FolderError::io(path, "write"))
}

fn write_into_place(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // A path that does not exist yet is its own place.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut tmp = temporary(0o666).tempfile_in(parent_of(&place))?;
    tmp.write_all(bytes)?;
    tmp.as_file().sync_all()?;
    tmp.persist(&place).map_err(|e| e.error)?;
    Ok(())
}

/// Temporary files are private to the user by default; these get `mode` less what the user's mask
/// takes, as any new file.
fn temporary(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
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
    let tmp = temporary(0o777).tempdir_in(parent).map_err(FolderError::io(path, "write"))?;
    fill(tmp.path())?;
    let old = old_name(path);
    if path.exists() {
        remove_if_present(&old)?;
        fs::rename(path, &old).map_err(FolderError::io(path, "replace"))?;
    }
    // From here on the temporary folder is the model: it is no longer removed on drop.
    let tmp = tmp.keep();
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

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_stay_devices() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), "old").unwrap();
        symlink(path("file"), path("link")).unwrap();
        write_file(&path("link"), b"new").unwrap();
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        assert_eq!(fs::read(path("file")).unwrap(), b"new");

        symlink("/dev/null", path("null")).unwrap();
        write_file(&path("null"), b"new").unwrap();
        assert!(fs::metadata(path("null")).unwrap().file_type().is_char_device());
    }

    #[cfg(unix)]
    #[test]
    fn modes_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode();
        fs::write(path("theirs"), "x").unwrap();
        write_file(&path("ours"), b"x").unwrap();
        assert_eq!(mode("ours"), mode("theirs"));
        fs::create_dir(path("their folder")).unwrap();
        replace_folder(&path("our folder"), |_| Ok(())).unwrap();
        assert_eq!(mode("our folder"), mode("their folder"));
    }
}
