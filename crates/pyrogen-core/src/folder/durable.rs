//! What stays after a power cut, and where a write goes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most links that a path is followed through, as in Linux.
const MOST_LINKS: usize = 40;

/// Files that are flushed at once: a journal writes down together what comes together.
const FLUSHES: usize = 64;

/// The place that a path means: links are followed, also to what does not exist.
pub(super) fn place_of(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = parent_of(&place).join(target),
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other(format!("it is a link through more than {MOST_LINKS} others")))
}

/// The folder that a path is in.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// Flushes the names in a folder to disk: a rename or a new file is there after a power cut only if
/// its folder was flushed. Systems and file systems that cannot do so do it by themselves or not at all.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        done => done,
    }
}

/// Makes a folder and those above it, and flushes what is new.
pub(super) fn create_folders(folder: &Path) -> io::Result<()> {
    let mut new = Vec::new();
    let mut at = folder;
    while !at.as_os_str().is_empty() && !at.exists() {
        new.push(at);
        at = parent_of(at);
    }
    fs::create_dir_all(folder)?;
    new.into_iter().rev().try_for_each(|made| sync_folder(parent_of(made)))
}

/// Flushes the contents of files to disk, many at a time.
pub(super) fn sync_files(files: &[PathBuf]) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let flush = || -> io::Result<()> {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Some systems flush only what is open for writing; a file may be for reading alone.
            let open = OpenOptions::new().write(true).open(file).or_else(|_| File::open(file));
            open?.sync_all()?;
        }
        Ok(())
    };
    if files.len() <= 1 {
        return flush();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..files.len().min(FLUSHES)).map(|_| scope.spawn(flush)).collect();
        threads.into_iter().try_for_each(|t| t.join().expect("flushing does not panic"))
    })
}

/// Flushes a folder with all that is in it.
pub(super) fn sync_tree(folder: &Path) -> io::Result<()> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        at += 1;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    sync_files(&files)?;
    folders.iter().rev().try_for_each(|folder| sync_folder(folder))
}

/// Gives a file or folder, and all in it, the modes that what has the same names in `old` has.
pub(super) fn keep_modes(old: &Path, new: &Path) -> io::Result<()> {
    if new.is_dir() && old.is_dir() {
        for entry in fs::read_dir(new)? {
            let name = entry?.file_name();
            keep_modes(&old.join(&name), &new.join(&name))?;
        }
    }
    match fs::metadata(old) {
        Ok(was) if was.is_dir() == new.is_dir() => fs::set_permissions(new, was.permissions()),
        _ => Ok(()),
    }
}
