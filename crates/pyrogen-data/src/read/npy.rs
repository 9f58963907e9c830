//! NumPy's npy files, read and written.
//!
//! The header is parsed here and not by a library: the readers at hand multiply the announced
//! axes unchecked and allocate what a header asks for.

use std::path::Path;

use pyrogen_core::folder::write_file;

use crate::DataError;
use crate::read::bytes;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// A parsed header.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
    /// Bytes before the values.
    len: usize,
}

/// An array of an npy file, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NpyArray {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    pub kind: Kind,
}

/// What the elements of an array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// True or false.
    Bits,
    /// Bytes without a sign.
    Bytes,
    /// Other whole numbers.
    Integers,
    /// Numbers.
    Floats,
}

/// Reads an npy file of numbers, of either byte order: the values row-major, and the shape. Arrays in
/// Fortran order are transposed into row-major.
///
/// Values may be infinite or NaN. Integers beyond 2^53 are rounded.
///
/// # Errors
/// A file that is not npy, elements that are no numbers, or a header that does not fit the file's
/// length.
pub fn read_npy(path: &Path) -> Result<(Vec<f64>, Vec<usize>), DataError> {
    let array = read_array(path)?;
    Ok((array.values, array.shape))
}

pub(crate) fn read_array(path: &Path) -> Result<NpyArray, DataError> {
    parse_array(path, &read_bytes(path)?)
}

/// The bytes of an npy file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = bytes::read(path)?;
    if bytes.starts_with(b"PK") {
        let message = "it is a zip of arrays: give npz:FILE";
        return Err(DataError::format(path, "npy", message));
    }
    Ok(bytes)
}

/// The array of an npy file's bytes.
pub(crate) fn parse_array(path: &Path, bytes: &[u8]) -> Result<NpyArray, DataError> {
    let header = Header::parse(bytes).map_err(|message| DataError::format(path, "npy", message))?;
    let body = &bytes[header.len..];
    let (big, kind) = match header.descr.split_at_checked(1) {
        Some(("<" | "|" | "=", kind)) => (false, kind),
        Some((">", kind)) => (true, kind),
        _ => (false, ""),
    };
    let size: u128 = match kind {
        "b1" | "u1" | "i1" => 1,
        "f2" | "u2" | "i2" => 2,
        "f4" | "u4" | "i4" => 4,
        "f8" | "u8" | "i8" => 8,
        _ => {
            let message = format!(
                "elements of type `{}`: convert them to float32, float64, uint8, int32 or int64",
                header.descr
            );
            return Err(DataError::format(path, "npy", message));
        }
    };
    let announced = header.shape.iter().fold(size, |a, &b| a.saturating_mul(b as u128));
    if announced != body.len() as u128 {
        return Err(DataError::Length {
            path: path.to_path_buf(),
            announced,
            held: body.len() as u64,
            more: false,
        });
    }
    let values = values(kind, body, big);
    let values = if header.fortran && !values.is_empty() {
        to_row_major(&values, &header.shape)
    } else {
        values
    };
    let kind = match kind {
        "b1" => Kind::Bits,
        "u1" => Kind::Bytes,
        "f2" | "f4" | "f8" => Kind::Floats,
        _ => Kind::Integers,
    };
    Ok(NpyArray { shape: header.shape, values, kind })
}

/// Shape of an array of bytes without a sign, row-major, and where its values are in the bytes of its
/// file; none for others.
pub(crate) fn plain_bytes(bytes: &[u8]) -> Option<(Vec<usize>, std::ops::Range<usize>)> {
    let header = Header::parse(bytes).ok()?;
    let plain = header.descr.get(1..) == Some("u1") && !header.fortran;
    let count = header.shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b))?;
    let body = header.len..bytes.len();
    (plain && count == body.len() && count > 0).then_some((header.shape, body))
}

fn values(kind: &str, body: &[u8], big: bool) -> Vec<f64> {
    match kind {
        "b1" => body.iter().map(|&b| f64::from(u8::from(b != 0))).collect(),
        "u1" => body.iter().map(|&b| f64::from(b)).collect(),
        "i1" => body.iter().map(|&b| f64::from(b as i8)).collect(),
        "f2" => elements(body, big, |b| half(u16::from_le_bytes(b))),
        "u2" => elements(body, big, |b| f64::from(u16::from_le_bytes(b))),
        "i2" => elements(body, big, |b| f64::from(i16::from_le_bytes(b))),
        "f4" => elements(body, big, |b| f64::from(f32::from_le_bytes(b))),
        "u4" => elements(body, big, |b| f64::from(u32::from_le_bytes(b))),
        "i4" => elements(body, big, |b| f64::from(i32::from_le_bytes(b))),
        "f8" => elements(body, big, f64::from_le_bytes),
        "u8" => elements(body, big, |b| u64::from_le_bytes(b) as f64),
        _ => elements(body, big, |b| i64::from_le_bytes(b) as f64),
    }
}

/// A number of half precision (IEEE 754, binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(e - 25),
    }
}

fn elements<const N: usize>(body: &[u8], big: bool, f: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    body.chunks_exact(N)
        .map(|c| {
            let mut b: [u8; N] = c.try_into().expect("chunks have N bytes");
            if big {
                b.reverse();
            }
            f(b)
        })
        .collect()
}

/// Column-major values as row-major ones.
fn to_row_major(values: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut strides = vec![1usize; shape.len()];
    for k in 1..shape.len() {
        strides[k] = strides[k - 1] * shape[k - 1];
    }
    (0..values.len())
        .map(|mut i| {
            let mut place = 0;
            for k in (0..shape.len()).rev() {
                place += (i % shape[k]) * strides[k];
                i /= shape[k];
            }
            values[place]
        })
        .collect()
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "the file ends within its header".to_string();
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err("it does not begin with NumPy's magic bytes".to_string());
        };
        let (length, start) = match rest {
            [1, _, a, b, ..] => (u16::from_le_bytes([*a, *b]) as usize, 10),
            [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12),
            [1..=3, ..] | [] => return Err(cut()),
            [version, ..] => return Err(format!("version {version} of the format is unknown")),
        };
        let len = start + length;
        let text = bytes.get(start..len).ok_or_else(cut)?;
        let text = std::str::from_utf8(text).map_err(|_| "its header is not text".to_string())?;
        Ok(Self {
            descr: quoted(text, "descr")?,
            fortran: match value_of(text, "fortran_order")? {
                v if v.starts_with("True") => true,
                v if v.starts_with("False") => false,
                _ => return Err("`fortran_order` is neither True nor False".to_string()),
            },
            shape: shape(text)?,
            len,
        })
    }
}

/// The text after `'key':` in the header, which is a Python dictionary of three entries.
fn value_of<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    ['\'', '"']
        .iter()
        .find_map(|q| header.split_once(&format!("{q}{key}{q}")))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix(':'))
        .map(str::trim_start)
        .ok_or_else(|| format!("its header has no `{key}`"))
}

fn quoted(header: &str, key: &str) -> Result<String, String> {
    let value = value_of(header, key)?;
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'));
    quote
        .and_then(|q| value[1..].split_once(q))
        .map(|(text, _)| text.to_string())
        .ok_or_else(|| "records: only arrays of one plain type can be read".to_string())
}

fn shape(header: &str) -> Result<Vec<usize>, String> {
    let value = value_of(header, "shape")?;
    let inner = value
        .strip_prefix('(')
        .and_then(|v| v.split_once(')'))
        .map(|(inner, _)| inner)
        .ok_or_else(|| "`shape` is not a tuple".to_string())?;
    inner
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| {
            // Python 2 wrote long integers with an L.
            let digits = axis.strip_suffix('L').unwrap_or(axis);
            digits.parse().map_err(|_| format!("axis `{axis}` of `shape` is not a size"))
        })
        .collect()
}

/// Writes f32 values, row-major, as an npy file (version 1.0, as NumPy writes them).
///
/// The file is written beside its place and moved: an old one stays whole until then.
///
/// # Errors
/// A number of values that is not the product of `shape`, or a refusal of the system.
pub fn write_npy(path: &Path, values: &[f32], shape: &[usize]) -> Result<(), DataError> {
    if shape.iter().product::<usize>() != values.len() {
        return Err(DataError::Output {
            what: "values",
            expected: "as many as the shape says",
            got: format!("{} values for shape {shape:?}", values.len()),
        });
    }
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}",
        axes.join(", ")
    );
    // Padded so that the values begin at a multiple of 64 bytes, after a line break.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| DataError::Output {
        what: "shape",
        expected: "of fewer axes",
        got: format!("{} axes", shape.len()),
    })?;
    let mut out = Vec::with_capacity(10 + header.len() + values.len() * 4);
    out.extend(MAGIC);
    out.extend([1, 0]);
    out.extend(length.to_le_bytes());
    out.extend(header.as_bytes());
    values.iter().for_each(|v| out.extend(v.to_le_bytes()));
    Ok(write_file(path, &out)?)
}

#[cfg(test)]
mod tests;
