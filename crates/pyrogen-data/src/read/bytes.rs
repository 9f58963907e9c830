//! Whole files into memory, plain or gzip, with a bound.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::DataError;

/// The first two bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Deflate cannot expand a byte into more than this many (zlib's technical notes: 1032).
const MAX_EXPANSION: u64 = 1032;

/// A file's bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let meta = fs::metadata(path).map_err(DataError::io(path, "read"))?;
    if meta.is_dir() {
        let is_folder = std::io::Error::new(
            std::io::ErrorKind::IsADirectory,
            "it is a folder, a file is needed",
        );
        return Err(DataError::io(path, "read")(is_folder));
    }
    fs::read(path).map_err(DataError::io(path, "read"))
}

/// A file that may be gzip: its bytes, with the length of its decompressed content bounded by
/// what its first `header` bytes announce.
pub(crate) struct Content {
    /// The decompressed bytes, at most one more than announced or the header.
    pub bytes: Vec<u8>,
    /// Whether reading stopped before the end.
    pub more: bool,
}

/// Reads `path`. For gzip, `announced` gets the first bytes (up to `header` of them) and says how
/// long the whole ought to be; no more than one byte beyond is decompressed.
pub(crate) fn read_maybe_gzip(
    path: &Path,
    header: u64,
    announced: impl FnOnce(&[u8]) -> Result<u64, DataError>,
) -> Result<Content, DataError> {
    let raw = read(path)?;
    if !raw.starts_with(&GZIP_MAGIC) {
        return Ok(Content { bytes: raw, more: false });
    }
    let mut decoder = MultiGzDecoder::new(raw.as_slice());
    let mut bytes = Vec::new();
    let gzip_error = |e: std::io::Error| {
        DataError::format(
            path,
            "gzip",
            format!("{e}: the file is cut off or damaged, fetch it again"),
        )
    };
    (&mut decoder).take(header).read_to_end(&mut bytes).map_err(gzip_error)?;
    let whole = announced(&bytes)?;
    let possible = (raw.len() as u64).saturating_mul(MAX_EXPANSION);
    let limit = whole.min(possible).saturating_add(1);
    decoder
        .take(limit.saturating_sub(bytes.len() as u64))
        .read_to_end(&mut bytes)
        .map_err(gzip_error)?;
    Ok(Content { more: bytes.len() as u64 >= limit, bytes })
}

/// More text than a file of it may unpack to.
const MAX_TEXT: u64 = 1 << 33;

/// A file that may be gzip, read from its beginning.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let meta = fs::metadata(path).map_err(DataError::io(path, "read"))?;
    if meta.is_dir() {
        // The error of a folder.
        read(path)?;
    }
    let mut file = fs::File::open(path).map_err(DataError::io(path, "read"))?;
    let mut first = Vec::new();
    (&mut file).take(2).read_to_end(&mut first).map_err(DataError::io(path, "read"))?;
    let is_gzip = first == GZIP_MAGIC;
    let whole = std::io::Cursor::new(first).chain(file);
    Ok(match is_gzip {
        true => Box::new(MultiGzDecoder::new(std::io::BufReader::new(whole)).take(MAX_TEXT + 1)),
        false => Box::new(whole),
    })
}

/// What is wrong where [`open`]'s bytes end with an error.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> DataError {
    let damaged = matches!(
        error.kind(),
        std::io::ErrorKind::InvalidData
            | std::io::ErrorKind::InvalidInput
            | std::io::ErrorKind::UnexpectedEof
    );
    if damaged {
        let message = format!("{error}: the file is cut off or damaged, fetch it again");
        return DataError::format(path, "gzip", message);
    }
    DataError::io(path, "read")(std::io::Error::new(error.kind(), error.to_string()))
}

/// Refuses a file that unpacks to more than a text has.
pub(crate) fn check_unpacked(path: &Path, bytes: u64) -> Result<(), DataError> {
    if bytes <= MAX_TEXT || read_first(path)? != GZIP_MAGIC {
        return Ok(());
    }
    let message = format!("it unpacks to more than {MAX_TEXT} bytes: unpack it into parts");
    Err(DataError::format(path, "gzip", message))
}

fn read_first(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut first = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(2).read_to_end(&mut first));
    read.map_err(DataError::io(path, "read"))?;
    Ok(first)
}

/// A file of text, gzip or not: its bytes without a UTF-8 byte order mark.
pub(crate) fn read_text(path: &Path) -> Result<Vec<u8>, DataError> {
    let content = read_maybe_gzip(path, 0, |_| Ok(MAX_TEXT))?;
    if content.more {
        let message = format!("it unpacks to more than {MAX_TEXT} bytes: unpack it into parts");
        return Err(DataError::format(path, "gzip", message));
    }
    let mut bytes = content.bytes;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}
