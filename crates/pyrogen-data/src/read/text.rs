//! Documents of text, from a file or a folder.

use std::path::{Path, PathBuf};

use super::{bytes, folder};
use crate::data::{Data, Text};
use crate::{DataError, Loaded};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// A file.
    Files,
    /// A line.
    Lines,
    /// What stands between blank lines.
    Paragraphs,
}

/// Endings of the files of a folder that are read, `.gz` or not.
const ENDINGS: [&str; 3] = ["txt", "text", "md"];

/// Reads the documents of a file, or of every text file below a folder, sorted by path.
pub(crate) fn load(place: &Path, documents: Documents) -> Result<Loaded, DataError> {
    let (paths, notes) = if place.is_dir() {
        let found = folder::collect(place, is_text)?;
        let note = found.passed_over();
        (found.paths, note.into_iter().collect())
    } else {
        (vec![place.to_path_buf()], Vec::new())
    };
    let mut all: Vec<String> = Vec::new();
    let mut blank = 0usize;
    for path in &paths {
        let text = read(path)?;
        match documents {
            Documents::Files if text.trim().is_empty() => blank += 1,
            Documents::Files => all.push(text),
            Documents::Lines => {
                for line in text.lines() {
                    if line.trim().is_empty() {
                        blank += 1;
                    } else {
                        all.push(line.to_string());
                    }
                }
            }
            Documents::Paragraphs => all.extend(paragraphs(&text)),
        }
    }
    if all.is_empty() {
        let hint = match place.is_dir() {
            true => format!("there is no text in a file ending in {}", ENDINGS.join(", ")),
            false => "the file holds no text".to_string(),
        };
        return Err(DataError::NoExamples { path: place.to_path_buf(), hint });
    }
    let mut loaded = Loaded::new(Data::Text(Text::new(all)));
    loaded.notes = notes;
    if blank > 0 {
        let what = if documents == Documents::Lines { "lines" } else { "files" };
        loaded.notes.push(format!("{}: {blank} blank {what} were passed over", place.display()));
    }
    Ok(loaded)
}

fn is_text(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}")))
}

/// A file as text, gzip or not, without a byte order mark.
pub(super) fn read(path: &Path) -> Result<String, DataError> {
    let bytes = bytes::read_text(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..valid];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count() as u64;
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let byte = Some((valid - start) as u64 + 1);
        DataError::NotUtf8 { path: PathBuf::from(path), line, byte }
    })
}

/// The parts between blank lines.
fn paragraphs(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match (line.trim().is_empty(), open) {
            (true, _) => open = false,
            (false, true) => {
                let last = out.last_mut().expect("open");
                last.push('\n');
                last.push_str(line);
            }
            (false, false) => {
                out.push(line.to_string());
                open = true;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn documents(loaded: &Loaded) -> Vec<String> {
        let Data::Text(text) = &loaded.data else { panic!("text") };
        text.documents().iter().map(|d| d.to_string()).collect()
    }

    #[test]
    fn a_file_is_read_as_one_document_lines_or_paragraphs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        fs::write(&path, "\u{feff}eins\r\nzwei\r\n \r\n\r\ndrei\r\n").unwrap();
        let whole = load(&path, Documents::Files).unwrap();
        assert_eq!(documents(&whole), ["eins\r\nzwei\r\n \r\n\r\ndrei\r\n"]);
        let lines = load(&path, Documents::Lines).unwrap();
        assert_eq!(documents(&lines), ["eins", "zwei", "drei"]);
        assert!(lines.notes[0].contains("2 blank lines"), "{:?}", lines.notes);
        let parts = load(&path, Documents::Paragraphs).unwrap();
        assert_eq!(documents(&parts), ["eins\nzwei", "drei"]);
    }

    #[test]
    fn a_folder_is_read_in_order_and_says_what_it_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        for (name, text) in
            [("b/1.txt", "two"), ("a.md", "one"), ("c.png", "no"), ("d.PNG", "no"), ("e.txt", "")]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let loaded = load(dir.path(), Documents::Files).unwrap();
        assert_eq!(documents(&loaded), ["one", "two"]);
        assert!(loaded.notes[0].contains("2 files were passed over (2 .png)"));
        assert!(loaded.notes[1].contains("1 blank files"));
    }

    #[test]
    fn gzip_is_unpacked_and_bad_files_are_errors() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt.gz");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all("C=O\nCC\n".as_bytes()).unwrap();
        fs::write(&path, gzip.finish().unwrap()).unwrap();
        assert_eq!(load(&path, Documents::Lines).unwrap().data.len(), 2);
        fs::write(dir.path().join("b.txt"), b"a\nb\xff\n").unwrap();
        let text = load(&dir.path().join("b.txt"), Documents::Files).unwrap_err().to_string();
        assert!(text.contains("line 2, byte 2: not UTF-8"), "{text}");
        fs::write(dir.path().join("b.txt"), b"\n \n").unwrap();
        let text = load(&dir.path().join("b.txt"), Documents::Files).unwrap_err().to_string();
        assert!(text.contains("holds no text"), "{text}");
        assert!(load(&dir.path().join("none"), Documents::Files).is_err());
    }
}
