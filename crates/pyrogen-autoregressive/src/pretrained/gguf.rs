//! GGUF files, as llama.cpp reads them: metadata and tensors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file;
use super::tensors::{Array, of_half};
use crate::PretrainedError;

/// A value of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meta {
    /// Whole numbers of all kinds.
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<f64>),
}

/// A file's parts. Tensors are under their names, with the longest stride first as everywhere else.
pub(super) struct Gguf {
    pub(super) path: PathBuf,
    pub(super) meta: BTreeMap<String, Meta>,
    pub(super) arrays: BTreeMap<String, Array>,
}

/// Entries that a file may have at most: a number beyond is damage, and not memory to ask for.
const MOST: u64 = 1 << 24;

/// Numbers of a quantised block.
const BLOCK: usize = 32;

impl Gguf {
    /// Reads a whole file.
    ///
    /// # Errors
    /// A file that is none, is cut off, or contradicts itself; a type of tensor that is not known here.
    pub(super) fn open(path: &Path) -> Result<Self, PretrainedError> {
        let bytes = std::fs::read(path)
            .map_err(|source| PretrainedError::Io { path: path.to_path_buf(), source })?;
        Self::read(path, &bytes)
    }

    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Self, PretrainedError> {
        let mut reader = Reader { path, bytes, at: 0 };
        if reader.take(4)? != b"GGUF" {
            return Err(file(path, "is no GGUF file: it does not begin with GGUF"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(file(path, format!("has version {version} of GGUF, expected 2 or 3")));
        }
        let (tensors, entries) = (reader.count("tensors")?, reader.count("entries")?);
        let mut meta = BTreeMap::new();
        for _ in 0..entries {
            let key = reader.text()?;
            let kind = reader.u32()?;
            let value = reader.value(kind, &key)?;
            if meta.insert(key.clone(), value).is_some() {
                return Err(file(path, format!("has the entry `{key}` twice")));
            }
        }
        let infos = (0..tensors).map(|_| reader.info()).collect::<Result<Vec<_>, _>>()?;
        let alignment = match meta.get("general.alignment") {
            None => 32,
            Some(Meta::Int(n @ 1..=65_536)) => *n as usize,
            Some(other) => return Err(file(path, format!("general.alignment is {other:?}"))),
        };
        let start = reader.at.next_multiple_of(alignment);
        let data = bytes.get(start..).unwrap_or_default();
        let mut arrays = BTreeMap::new();
        for info in infos {
            let array = info.array(path, data)?;
            if arrays.insert(info.name.clone(), array).is_some() {
                return Err(file(path, format!("has the tensor `{}` twice", info.name)));
            }
        }
        Ok(Self { path: path.to_path_buf(), meta, arrays })
    }
}

struct Reader<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], PretrainedError> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let Some(end) = end else {
            let message =
                format!("is cut off: {n} bytes at byte {} of {}", self.at, self.bytes.len());
            return Err(file(self.path, message));
        };
        let part = &self.bytes[self.at..end];
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PretrainedError> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were asked for"))
    }

    fn u32(&mut self) -> Result<u32, PretrainedError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, PretrainedError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number of things that are still to be read.
    fn count(&mut self, what: &str) -> Result<usize, PretrainedError> {
        let n = self.u64()?;
        let left = (self.bytes.len() - self.at) as u64;
        // Each takes a byte at least.
        if n > MOST || n > left {
            return Err(file(self.path, format!("says that it has {n} {what}, in {left} bytes")));
        }
        Ok(n as usize)
    }

    fn text(&mut self) -> Result<String, PretrainedError> {
        let (at, length) = (self.at, self.count("bytes of a text")?);
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes)
            .map_err(|_| file(self.path, format!("the text at byte {at} is not UTF-8")))
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Meta, PretrainedError> {
        Ok(match kind {
            0 => Meta::Int(i64::from(u8::from_le_bytes(self.array()?))),
            1 => Meta::Int(i64::from(i8::from_le_bytes(self.array()?))),
            2 => Meta::Int(i64::from(u16::from_le_bytes(self.array()?))),
            3 => Meta::Int(i64::from(i16::from_le_bytes(self.array()?))),
            4 => Meta::Int(i64::from(self.u32()?)),
            5 => Meta::Int(i64::from(i32::from_le_bytes(self.array()?))),
            6 => Meta::Float(f64::from(f32::from_le_bytes(self.array()?))),
            7 => match self.take(1)? {
                [0] => Meta::Bool(false),
                [1] => Meta::Bool(true),
                other => return Err(file(self.path, format!("`{key}`: {other:?} is no bool"))),
            },
            8 => Meta::Text(self.text()?),
            9 => self.list(key)?,
            10 => {
                let n = self.u64()?;
                let wrong = |_| file(self.path, format!("`{key}` is {n}, which is too large"));
                Meta::Int(i64::try_from(n).map_err(wrong)?)
            }
            11 => Meta::Int(i64::from_le_bytes(self.array()?)),
            12 => Meta::Float(f64::from_le_bytes(self.array()?)),
            other => {
                return Err(file(self.path, format!("`{key}` is of the unknown type {other}")));
            }
        })
    }

    fn list(&mut self, key: &str) -> Result<Meta, PretrainedError> {
        let kind = self.u32()?;
        let length = self.count("elements of a list")?;
        if kind == 8 {
            return Ok(Meta::Texts((0..length).map(|_| self.text()).collect::<Result<_, _>>()?));
        }
        if kind == 9 {
            return Err(file(self.path, format!("`{key}` is a list of lists")));
        }
        let number = |value: Meta| match value {
            Meta::Int(n) => n as f64,
            Meta::Bool(b) => f64::from(u8::from(b)),
            Meta::Float(x) => x,
            _ => f64::NAN,
        };
        let read = (0..length).map(|_| self.value(kind, key).map(number));
        Ok(Meta::Numbers(read.collect::<Result<_, _>>()?))
    }

    fn info(&mut self) -> Result<Info, PretrainedError> {
        let name = self.text()?;
        let axes = self.u32()?;
        if !(1..=4).contains(&axes) {
            return Err(file(self.path, format!("the tensor `{name}` has {axes} axes")));
        }
        let lengths = (0..axes).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let (kind, offset) = (self.u32()?, self.u64()?);
        Ok(Info { name, lengths, kind, offset })
    }
}

struct Info {
    name: String,
    /// The shortest stride first.
    lengths: Vec<u64>,
    kind: u32,
    offset: u64,
}

impl Info {
    fn array(&self, path: &Path, data: &[u8]) -> Result<Array, PretrainedError> {
        let wrong = |what: String| file(path, format!("the tensor `{}` {what}", self.name));
        let (numbers, bytes) = match self.kind {
            0 => (1, 4),
            1 | 30 => (1, 2),
            2 => (BLOCK, 2 + BLOCK / 2),
            8 => (BLOCK, 2 + BLOCK),
            other => {
                let known = "f32 (0), f16 (1), q4_0 (2), q8_0 (8) or bf16 (30)";
                return Err(wrong(format!("has the type {other}, expected {known}")));
            }
        };
        let product = |a: usize, &n: &u64| a.checked_mul(usize::try_from(n).ok()?);
        let count = self.lengths.iter().try_fold(1usize, product);
        let too_large = || wrong(format!("of shape {:?} is larger than the file", self.lengths));
        let count = count.ok_or_else(too_large)?;
        let row = self.lengths.first().map_or(1, |&n| n as usize);
        if !row.is_multiple_of(numbers) {
            return Err(wrong(format!("has rows of {row} numbers, no whole blocks of {numbers}")));
        }
        let size = (count / numbers).checked_mul(bytes).ok_or_else(too_large)?;
        let from = usize::try_from(self.offset).ok();
        let part = from.and_then(|from| data.get(from..from.checked_add(size)?));
        let part = part.ok_or_else(|| {
            let (offset, there) = (self.offset, data.len());
            wrong(format!(
                "has {size} bytes at {offset}, and the file's data has {there}: cut off?"
            ))
        })?;
        let shape = self.lengths.iter().rev().map(|&n| n as usize).collect();
        Ok(Array { shape, values: numbers_of(self.kind, part) })
    }
}

/// The numbers of a tensor in single precision.
fn numbers_of(kind: u32, bytes: &[u8]) -> Vec<f32> {
    let half = |two: &[u8; 2]| of_half(u16::from_le_bytes(*two));
    match kind {
        0 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        1 => bytes.as_chunks::<2>().0.iter().map(half).collect(),
        30 => {
            let wide = |b: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16);
            bytes.as_chunks::<2>().0.iter().map(wide).collect()
        }
        // A scale of half precision, then four bits a number: the low ones of all bytes first.
        2 => {
            let blocks = bytes.as_chunks::<{ 2 + BLOCK / 2 }>().0.iter();
            blocks
                .flat_map(|block| {
                    let scale = half(&[block[0], block[1]]);
                    let of = move |bits: u8| scale * f32::from(bits as i8 - 8);
                    let low = block[2..].iter().map(move |b| of(b & 0xf));
                    low.chain(block[2..].iter().map(move |b| of(b >> 4)))
                })
                .collect()
        }
        _ => {
            let blocks = bytes.as_chunks::<{ 2 + BLOCK }>().0.iter();
            blocks
                .flat_map(|block| {
                    let scale = half(&[block[0], block[1]]);
                    block[2..].iter().map(move |&b| scale * f32::from(b as i8))
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one entry and one tensor.
    fn small() -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend(1u64.to_le_bytes());
        out.extend(1u64.to_le_bytes());
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text.as_bytes());
        };
        text(&mut out, "general.name");
        out.extend(8u32.to_le_bytes());
        text(&mut out, "owl");
        text(&mut out, "x");
        out.extend(2u32.to_le_bytes());
        out.extend([32u64, 2].iter().flat_map(|n| n.to_le_bytes()));
        out.extend(2u32.to_le_bytes());
        out.extend(0u64.to_le_bytes());
        out.resize(out.len().next_multiple_of(32), 0);
        for scale in [0x3c00u16, 0xc000] {
            out.extend(scale.to_le_bytes());
            out.extend((0..16).map(|i| i | (15 - i) << 4));
        }
        out
    }

    #[test]
    fn four_bits_are_read_low_ones_first() {
        let gguf = Gguf::read(Path::new("x.gguf"), &small()).unwrap();
        assert_eq!(gguf.meta["general.name"], Meta::Text("owl".into()));
        let array = &gguf.arrays["x"];
        assert_eq!(array.shape, [2, 32]);
        let row = |scale: f32| {
            let low = (0..16).map(move |i| scale * (i as f32 - 8.0));
            low.chain((0..16).map(move |i| scale * (7.0 - i as f32)))
        };
        assert_eq!(array.values, row(1.0).chain(row(-2.0)).collect::<Vec<_>>());
    }

    /// Every file that is cut off or has a byte that lies is read or refused, and never more memory asked
    /// for than it has.
    #[test]
    fn what_lies_is_refused_and_nothing_breaks() {
        let whole = small();
        let path = Path::new("x.gguf");
        for end in 0..whole.len() {
            let error = Gguf::read(path, &whole[..end]).err().expect("cut off").to_string();
            assert!(error.contains("x.gguf"), "{error}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 7, 0x80, 0xFF] {
                let mut lying = whole.clone();
                lying[at] = value;
                if let Err(e) = Gguf::read(path, &lying) {
                    assert!(e.to_string().contains("x.gguf"), "{e}");
                }
            }
        }
    }
}
