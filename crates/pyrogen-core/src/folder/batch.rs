//! Many files into a folder at once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::atomic::temporary;
use super::durable::{create_folders, keep_modes, parent_of, sync_files, sync_folder};
use super::leftovers::hold;
use crate::FolderError;

/// Writes many files into a folder and flushes them to disk together.
///
/// Flushing waits for the disk, some milliseconds a file: 20,000 pictures by
/// [`write_file`](super::write_file) take half a minute, and by this a second. Nothing is seen in the
/// folder before [`finish`](Self::finish); then each file is there whole or as it was before, also
/// after a power cut.
///
/// ```
/// use pyrogen_core::folder::FileBatch;
///
/// let dir = tempfile::tempdir()?;
/// let mut batch = FileBatch::new(dir.path())?;
/// batch.write("a.txt", b"one")?;
/// batch.write("b.txt", b"two")?;
/// let paths = batch.finish()?;
/// assert_eq!(std::fs::read(&paths[1])?, b"two");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileBatch {
    folder: PathBuf,
    /// Where the files are until they are complete.
    unfinished: TempDir,
    /// Says that this process works there.
    _held: Option<File>,
    names: Vec<String>,
}

impl FileBatch {
    /// A batch for a folder, which is made if need be.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new(folder: &Path) -> Result<Self, FolderError> {
        create_folders(folder).map_err(FolderError::io(folder, "create"))?;
        let unfinished = temporary(0o777).tempdir_in(folder);
        let unfinished = unfinished.map_err(FolderError::io(folder, "write"))?;
        let _held = hold(unfinished.path());
        Ok(Self { folder: folder.to_path_buf(), unfinished, _held, names: Vec::new() })
    }

    /// Adds a file; of two with one name the later counts. A name may lead into folders, which are made:
    /// `dogs/001.png`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.unfinished.path().join(name);
        let place = self.folder.join(name);
        let made = fs::create_dir_all(parent_of(&path)).and_then(|()| fs::write(&path, bytes));
        made.map_err(FolderError::io(&place, "write"))?;
        self.names.push(name.to_string());
        Ok(())
    }

    /// Flushes all files and moves them to their places; gives their paths in order.
    ///
    /// # Errors
    /// When the system refuses. Before the first file is moved, the folder is then as it was.
    pub fn finish(self) -> Result<Vec<PathBuf>, FolderError> {
        let from = |name: &String| self.unfinished.path().join(name);
        let files: Vec<PathBuf> = self.names.iter().map(from).collect();
        sync_files(&files).map_err(FolderError::io(&self.folder, "write"))?;
        let mut places = Vec::new();
        let mut folders = BTreeSet::from([self.folder.clone()]);
        for (file, name) in files.iter().zip(&self.names) {
            let place = self.folder.join(name);
            // A name that came twice is moved once.
            if file.exists() {
                let folder = parent_of(&place).to_path_buf();
                if !folders.contains(&folder) {
                    create_folders(&folder).map_err(FolderError::io(&folder, "create"))?;
                    folders.insert(folder);
                }
                keep_modes(&place, file).map_err(FolderError::io(&place, "write"))?;
                fs::rename(file, &place).map_err(FolderError::io(&place, "write"))?;
            }
            places.push(place);
        }
        for folder in &folders {
            sync_folder(folder).map_err(FolderError::io(folder, "write"))?;
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_come_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let mut batch = FileBatch::new(&folder).unwrap();
        let names: Vec<String> = (0..500).map(|i| format!("{i:05}.bin")).collect();
        for name in &names {
            batch.write(name, name.as_bytes()).unwrap();
        }
        let seen = fs::read_dir(&folder).unwrap().count();
        assert_eq!(seen, 1, "only the folder of what is not finished");
        let paths = batch.finish().unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 500);
        for (path, name) in paths.iter().zip(&names) {
            assert_eq!(fs::read(path).unwrap(), name.as_bytes());
        }
        let mut dropped = FileBatch::new(&folder).unwrap();
        dropped.write("00000.bin", b"other").unwrap();
        dropped.write("more", b"other").unwrap();
        drop(dropped);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 500);
        assert_eq!(fs::read(&paths[0]).unwrap(), b"00000.bin");
    }

    #[test]
    fn names_that_come_again_and_names_that_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        let mut batch = FileBatch::new(dir.path()).unwrap();
        batch.write("a", b"1").unwrap();
        batch.write("a", b"2").unwrap();
        let error = batch.write("a/b", b"").unwrap_err();
        assert!(matches!(error, FolderError::Io { .. }), "{error}");
        batch.finish().unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"2");
    }

    #[test]
    fn names_lead_into_folders() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("dogs")).unwrap();
        fs::write(dir.path().join("dogs/mine"), "kept").unwrap();
        let mut batch = FileBatch::new(dir.path()).unwrap();
        for name in ["cats/1", "dogs/2", "birds/small/3"] {
            batch.write(name, name.as_bytes()).unwrap();
        }
        for path in batch.finish().unwrap() {
            let name = path.strip_prefix(dir.path()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), name.to_str().unwrap());
        }
        assert_eq!(fs::read(dir.path().join("dogs/mine")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
