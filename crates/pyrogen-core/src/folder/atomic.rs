//! Writes that leave the old or the new, never a part.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::durable::{create_folders, keep_modes, parent_of, place_of, sync_folder, sync_tree};
use super::leftovers::{TEMPORARY, hold, is_temporary};
use crate::FolderError;

/// Writes a file beside its place, flushes it to disk and renames it into its place; the rename is
/// flushed too, so that after a power cut the old or the new file is there.
///
/// A symbolic link is followed, also one to a file that does not exist yet. A file that is replaced
/// keeps its mode. What is no regular file (a pipe, a terminal, a device) is written into and stays what
/// it is. For many files see [`FileBatch`](super::FileBatch).
///
/// # Errors
/// When the system refuses; the old file is then untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    write_into_place(path, bytes).map_err(FolderError::io(path, "write"))
}

fn write_into_place(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let place = place_of(path)?;
    let old = fs::metadata(&place).ok();
    if old.as_ref().is_some_and(|m| !m.is_file() && !m.is_dir()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let folder = parent_of(&place);
    // A private file stays one while it is written.
    let mode = if old.is_some() { 0o600 } else { 0o666 };
    let mut tmp = temporary(mode).tempfile_in(folder)?;
    // Where there are no locks, others take it for abandoned only when they clean up.
    let _ = tmp.as_file().try_lock();
    tmp.write_all(bytes)?;
    if let Some(old) = old.filter(fs::Metadata::is_file) {
        tmp.as_file().set_permissions(old.permissions())?;
    }
    // What is in a folder that is not finished is flushed with it.
    let finished = !is_unfinished(folder);
    if finished {
        tmp.as_file().sync_all()?;
    }
    tmp.persist(&place).map_err(|e| e.error)?;
    if finished { sync_folder(folder) } else { Ok(()) }
}

/// Whether a folder is one that [`replace_folder`] fills.
fn is_unfinished(folder: &Path) -> bool {
    folder.ancestors().any(is_temporary)
}

/// Temporary files are private to the user by default; these get `mode` less what the user's mask
/// takes, as any new file.
pub(super) fn temporary(mode: u32) -> tempfile::Builder<'static, 'static> {
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

/// Fills a new folder beside `path`, flushes all of it to disk and swaps it into place.
///
/// Between the two renames of the swap the old folder stands at `path` with `.old` behind its
/// name; [`recover`] finds it there. It is removed when the swap is on disk, so that after a power
/// cut, too, one of the two is there whole. A symbolic link at `path` is followed. The folder and the
/// files keep the modes of those that they replace.
///
/// # Errors
/// When the system or `fill` refuses; what was at `path` is then untouched.
pub fn replace_folder(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    replace_in_folder(path, None, fill)
}

/// As [`replace_folder`], of a folder of which only the names `ours` are replaced: what else is in it
/// moves into the new folder.
pub(super) fn replace_in_folder(
    path: &Path,
    ours: Option<&[&str]>,
    fill: impl FnOnce(&Path) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    let place = &place_of(path).map_err(FolderError::io(path, "replace"))?;
    let parent = parent_of(place);
    create_folders(parent).map_err(FolderError::io(parent, "create"))?;
    let replaces = place.exists();
    // What replaces a private folder is private from the start.
    let mode = if replaces { 0o700 } else { 0o777 };
    let tmp = temporary(mode).tempdir_in(parent).map_err(FolderError::io(path, "write"))?;
    let _held = hold(tmp.path());
    fill(tmp.path())?;
    let flushed = keep_modes(place, tmp.path()).and_then(|()| sync_tree(tmp.path()));
    flushed.map_err(FolderError::io(path, "write"))?;
    let old = old_name(place);
    if replaces {
        remove_old(&old, place, ours)?;
        fs::rename(place, &old).map_err(FolderError::io(path, "replace"))?;
    }
    // From here on the temporary folder is the model: it is no longer removed on drop.
    let tmp = tmp.keep();
    if let Err(e) = fs::rename(&tmp, place) {
        // The old one is whole under its other name: put it back, then tell.
        let _ = fs::rename(&old, place);
        let _ = fs::remove_dir_all(&tmp);
        return Err(FolderError::io(path, "replace")(e));
    }
    sync_folder(parent).map_err(FolderError::io(path, "replace"))?;
    remove_old(&old, place, ours)
}

/// Removes the folder that was replaced, after what is not `ours` in it has moved to `place`.
fn remove_old(old: &Path, place: &Path, ours: Option<&[&str]>) -> Result<(), FolderError> {
    if let (Some(ours), true) = (ours, old.is_dir()) {
        keep_theirs(old, place, ours).map_err(FolderError::io(old, "keep what is in"))?;
    }
    remove_if_present(old)
}

fn keep_theirs(old: &Path, place: &Path, ours: &[&str]) -> std::io::Result<()> {
    let mut moved = false;
    for entry in fs::read_dir(old)? {
        let from = entry?.path();
        let name = from.file_name().unwrap_or_default();
        let to = place.join(name);
        if !is_temporary(&from) && !ours.iter().any(|o| name == *o) && !to.exists() {
            fs::rename(&from, &to)?;
            moved = true;
        }
    }
    if moved { sync_folder(place) } else { Ok(()) }
}

/// The folder at `path`, or the previous one where [`replace_folder`] was cut off.
pub fn recover(path: &Path) -> Option<PathBuf> {
    [path.to_path_buf(), old_name(&place_of(path).ok()?)].into_iter().find(|p| p.is_dir())
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
    fn what_is_not_ours_moves_to_the_new_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        let write = |text: &str| {
            let fill = |p: &Path| write_file(&p.join("a"), text.as_bytes());
            replace_in_folder(&path, Some(&["a", "b"]), fill).unwrap();
        };
        write("1");
        fs::write(path.join("b"), "ours, of another time").unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        fs::create_dir_all(path.join("more/of")).unwrap();
        fs::write(path.join("more/of/it"), "mine").unwrap();
        write("2");
        assert!(!path.join("b").exists() && fs::read(path.join("a")).unwrap() == b"2");
        let theirs = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        assert_eq!((theirs("notes.txt"), theirs("more/of/it")), ("mine".into(), "mine".into()));
        // Cut off before it had moved: the next write moves it.
        fs::create_dir(old_name(&path)).unwrap();
        fs::write(old_name(&path).join("late.txt"), "mine").unwrap();
        write("3");
        assert_eq!(theirs("late.txt"), "mine");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
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

    #[cfg(unix)]
    #[test]
    fn what_is_replaced_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
        let set = |name: &str, mode| {
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        for bits in [0o600, 0o640, 0o400, 0o755] {
            write_file(&path("file"), b"old").unwrap();
            set("file", bits);
            write_file(&path("file"), b"new").unwrap();
            assert_eq!((mode("file"), fs::read(path("file")).unwrap()), (bits, b"new".to_vec()));
        }
        let fill = |p: &Path| {
            write_file(&p.join("a"), b"1")?;
            fs::create_dir(p.join("sub")).unwrap();
            write_file(&p.join("sub/b"), b"2")
        };
        replace_folder(&path("m"), fill).unwrap();
        for (name, bits) in [("m/a", 0o600), ("m/sub/b", 0o640), ("m/sub", 0o750), ("m", 0o700)] {
            set(name, bits);
        }
        // While it is filled nobody else can look inside.
        replace_folder(&path("m"), |p| {
            assert_eq!(fs::metadata(p).unwrap().permissions().mode() & 0o777, 0o700);
            fill(p)?;
            write_file(&p.join("new"), b"3")
        })
        .unwrap();
        let modes = ["m/a", "m/sub/b", "m/sub", "m"].map(mode);
        assert_eq!(modes, [0o600, 0o640, 0o750, 0o700]);
        fs::write(path("theirs"), "").unwrap();
        assert_eq!(mode("m/new"), mode("theirs"));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_and_to_nothing_are_followed() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("disk")).unwrap();
        symlink("disk/m", path("link")).unwrap();
        let link = || fs::symlink_metadata(path("link")).unwrap().is_symlink();
        for text in ["1", "2"] {
            replace_folder(&path("link"), |p| write_file(&p.join("a"), text.as_bytes())).unwrap();
            assert!(link() && fs::read_to_string(path("disk/m/a")).unwrap() == text);
        }
        // Cut off between the two renames: the link leads nowhere, the old folder is beside its end.
        fs::rename(path("disk/m"), path("disk/m.old")).unwrap();
        assert_eq!(recover(&path("link")), Some(path("disk/m.old")));
        replace_folder(&path("link"), |p| write_file(&p.join("a"), b"3")).unwrap();
        assert!(link() && fs::read(path("disk/m/a")).unwrap() == b"3");
        assert_eq!(fs::read_dir(path("disk")).unwrap().count(), 1);

        symlink("disk/file", path("to file")).unwrap();
        write_file(&path("to file"), b"new").unwrap();
        assert_eq!(fs::read(path("disk/file")).unwrap(), b"new");
        assert!(fs::symlink_metadata(path("to file")).unwrap().is_symlink());
        symlink("round", path("round")).unwrap();
        for error in [
            write_file(&path("round"), b"x").unwrap_err(),
            replace_folder(&path("round"), |_| Ok(())).unwrap_err(),
        ] {
            assert!(error.to_string().contains("through more than 40 others"), "{error}");
        }
    }

    /// Kills at system calls, without a kill: whatever call is the last, one folder is there whole.
    #[test]
    fn every_state_of_a_swap_has_a_whole_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        replace_folder(&path, |p| write_file(&p.join("a"), b"old")).unwrap();
        let whole = |expected: &[u8]| {
            assert_eq!(fs::read(recover(&path).unwrap().join("a")).unwrap(), expected);
        };
        // Filling: the old one is untouched.
        replace_folder(&path, |p| {
            write_file(&p.join("a"), b"new")?;
            whole(b"old");
            Ok(())
        })
        .unwrap();
        // After the first rename, after the second, and in the midst of removing the old one.
        fs::rename(&path, old_name(&path)).unwrap();
        whole(b"new");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a"), "newer").unwrap();
        whole(b"newer");
        fs::remove_file(old_name(&path).join("a")).unwrap();
        whole(b"newer");
        replace_folder(&path, |p| write_file(&p.join("a"), b"newest")).unwrap();
        whole(b"newest");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
