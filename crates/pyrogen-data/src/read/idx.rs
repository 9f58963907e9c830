//! The idx format of the MNIST files.
//!
//! Two zero bytes, a type byte, the rank, the axes as big-endian u32, then the values, big-endian.

use std::path::Path;

use crate::data::Pixels;
use crate::read::bytes::{Content, read_maybe_gzip};
use crate::{DataError, Dataset};

/// An array of an idx file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IdxArray {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
    /// Whether the file holds bytes (8-bit pixels, labels).
    pub bytes: bool,
}

/// The longest header: rank 255.
const MAX_HEADER: u64 = 4 + 4 * 255;

struct Header {
    kind: u8,
    shape: Vec<usize>,
    /// Bytes before the values.
    len: usize,
}

impl Header {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, DataError> {
        let wrong = |message: String| DataError::format(path, "idx", message);
        let [0, 0, kind, rank, rest @ ..] = bytes else {
            return Err(wrong(
                "it does not begin with two zero bytes, a type and a rank".to_string(),
            ));
        };
        if element_size(*kind).is_none() {
            return Err(wrong(format!("type byte {kind:#04x} is not of this format")));
        }
        let rank = *rank as usize;
        if rank == 0 || rest.len() < 4 * rank {
            return Err(wrong(format!(
                "the header announces {rank} axes and the file ends before them"
            )));
        }
        let axis = |c: &[u8]| u32::from_be_bytes([c[0], c[1], c[2], c[3]]) as usize;
        Ok(Self {
            kind: *kind,
            shape: rest[..4 * rank].chunks_exact(4).map(axis).collect(),
            len: 4 + 4 * rank,
        })
    }

    /// Bytes that the values take.
    fn announced(&self) -> u128 {
        let size = element_size(self.kind).unwrap_or(1) as u128;
        self.shape.iter().fold(size, |a, &b| a.saturating_mul(b as u128))
    }
}

/// Bytes of one element, by the header's type byte.
fn element_size(kind: u8) -> Option<usize> {
    match kind {
        0x08 | 0x09 => Some(1),
        0x0b => Some(2),
        0x0c | 0x0d => Some(4),
        0x0e => Some(8),
        _ => None,
    }
}

/// Reads an idx file, gzip or not.
pub(crate) fn read_idx(path: &Path) -> Result<IdxArray, DataError> {
    let Content { bytes, more } = read_maybe_gzip(path, MAX_HEADER, |first| {
        let header = Header::parse(path, first)?;
        let whole = header.announced().saturating_add(header.len as u128);
        Ok(u64::try_from(whole).unwrap_or(u64::MAX))
    })?;
    let header = Header::parse(path, &bytes)?;
    let body = &bytes[header.len..];
    if header.announced() != body.len() as u128 {
        return Err(DataError::Length {
            path: path.to_path_buf(),
            announced: header.announced(),
            held: body.len() as u64,
            more,
        });
    }
    if body.is_empty() {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: format!("the header says shape {:?}", header.shape),
        });
    }
    let values = values(header.kind, body);
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(DataError::NotFinite {
            path: path.to_path_buf(),
            index,
            value: f64::from(values[index]),
        });
    }
    Ok(IdxArray { shape: header.shape, values, bytes: header.kind == 0x08 })
}

fn values(kind: u8, body: &[u8]) -> Vec<f32> {
    match kind {
        0x08 => body.iter().map(|&b| f32::from(b)).collect(),
        0x09 => body.iter().map(|&b| f32::from(b as i8)).collect(),
        0x0b => elements(body, |b| f32::from(i16::from_be_bytes(b))),
        0x0c => elements(body, |b| i32::from_be_bytes(b) as f32),
        0x0d => elements(body, f32::from_be_bytes),
        _ => elements(body, |b| f64::from_be_bytes(b) as f32),
    }
}

fn elements<const N: usize>(body: &[u8], f: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    body.chunks_exact(N).map(|c| f(c.try_into().expect("chunks have N bytes"))).collect()
}

/// The examples of an idx file: `[n, h, w]` are pictures of one channel, `[n, c, h, w]` are
/// pictures, `[n, columns]` are rows.
pub(crate) fn load(path: &Path) -> Result<Dataset, DataError> {
    let array = read_idx(path)?;
    let event = match array.shape[1..] {
        [columns] => vec![columns],
        [h, w] => vec![1, h, w],
        [c, h, w] => vec![c, h, w],
        _ => {
            return Err(DataError::ArrayShape {
                path: path.to_path_buf(),
                expected: "examples of one to three axes (a file of labels is not data)",
                got: array.shape,
            });
        }
    };
    let data = Dataset::from_parts(array.values, event, None)?;
    if array.bytes {
        let levels = Pixels::of_values(data.values(), Some(256)).found_levels();
        data.with_levels(levels)
    } else {
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn idx(kind: u8, shape: &[u32], body: &[u8]) -> Vec<u8> {
        let mut out = vec![0, 0, kind, shape.len() as u8];
        shape.iter().for_each(|s| out.extend(s.to_be_bytes()));
        out.extend(body);
        out
    }

    fn message(bytes: &[u8]) -> String {
        let (_dir, path) = file("x.idx", bytes);
        let text = load(&path).unwrap_err().to_string();
        assert!(text.contains("x.idx") && !text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn pictures_plain_and_gzip() {
        let bytes = idx(8, &[2, 2, 3], &[0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]);
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let (_dir, path) = file("x", &bytes);
            let data = load(&path).unwrap();
            assert_eq!((data.len(), data.event_shape()), (2, &[1, 2, 3][..]));
            assert_eq!(data.row(1), [250.0, 251.0, 252.0, 253.0, 254.0, 255.0]);
            assert_eq!(data.levels(), Some(256));
        }
    }

    #[test]
    fn every_element_type() {
        let cases: [(u8, Vec<u8>, f32); 5] = [
            (0x09, vec![0xfe], -2.0),
            (0x0b, (-300i16).to_be_bytes().to_vec(), -300.0),
            (0x0c, 70_000i32.to_be_bytes().to_vec(), 70_000.0),
            (0x0d, 0.5f32.to_be_bytes().to_vec(), 0.5),
            (0x0e, (-0.25f64).to_be_bytes().to_vec(), -0.25),
        ];
        for (kind, body, value) in cases {
            let (_dir, path) = file("x", &idx(kind, &[1, 1], &body));
            let data = load(&path).unwrap();
            assert_eq!((data.values(), data.levels()), (&[value][..], None));
        }
    }

    #[test]
    fn a_lying_header_is_an_error_and_allocates_nothing() {
        let huge = idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]);
        for bytes in [huge.clone(), gzip(&huge)] {
            let text = message(&bytes);
            assert!(text.contains("announces") && text.contains("holds 3"), "{text}");
        }
    }

    #[test]
    fn a_gzip_that_holds_more_than_announced_is_not_unpacked() {
        // 64 MB of zeros behind a header that says 4 bytes.
        let mut bytes = idx(8, &[1, 2, 2], &[]);
        bytes.resize(64 << 20, 0);
        let (_dir, path) = file("x.idx", &gzip(&bytes));
        let content = read_maybe_gzip(&path, MAX_HEADER, |_| Ok(20)).unwrap();
        assert!(content.more && content.bytes.len() as u64 <= MAX_HEADER);
        assert!(load(&path).unwrap_err().to_string().contains("more than"));
    }

    #[test]
    fn cut_off_files_are_errors() {
        let whole = idx(8, &[2, 2, 2], &[9; 8]);
        for end in 0..whole.len() {
            message(&whole[..end]);
        }
        let packed = gzip(&whole);
        for end in 2..packed.len() {
            message(&packed[..end]);
        }
        let long = [whole, vec![0]].concat();
        assert!(message(&long).contains("holds 9"));
    }

    #[test]
    fn other_files_empty_files_and_labels_are_errors() {
        assert!(message(b"\x89PNG....").contains("idx"));
        assert!(message(&idx(0x07, &[1], &[1])).contains("type byte"));
        assert!(message(&idx(8, &[0, 28, 28], &[])).contains("no examples"));
        assert!(message(&idx(8, &[3], &[1, 2, 3])).contains("labels"));
        let nan = idx(0x0d, &[1, 2], &[0.0f32, f32::NAN].map(f32::to_be_bytes).concat());
        assert!(message(&nan).contains("value 1 is NaN"));
        let missing = load(Path::new("/nowhere/x.idx")).unwrap_err().to_string();
        assert!(missing.contains("cannot read"), "{missing}");
    }
}
