//! NumPy's npz files: zips of npy files. The zip's directory is read here: of the format only
//! stored and deflated members are in use.

use std::io::Read;
use std::path::Path;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::arrays::{self, ArrayOptions};
use super::bytes;
use super::npy::{NpyArray, parse_array};
use crate::{DataError, Loaded};

/// A member of a zip.
struct Member {
    name: String,
    method: u16,
    crc: u32,
    packed: usize,
    unpacked: usize,
    /// Where its own header begins.
    at: usize,
}

/// Which arrays of a file are read, by name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names<'a> {
    /// The examples; none for the only array.
    pub array: Option<&'a str>,
    /// Their classes.
    pub labels: Option<&'a str>,
    /// The examples of the test part.
    pub test: Option<&'a str>,
    /// Their classes.
    pub test_labels: Option<&'a str>,
}

/// Reads arrays of an npz file.
pub(crate) fn load(
    path: &Path,
    wanted: Names,
    options: &ArrayOptions,
) -> Result<Loaded, DataError> {
    let bytes = bytes::read(path)?;
    let members = directory(&bytes).map_err(|message| DataError::format(path, "npz", message))?;
    let names: Vec<&str> =
        members.iter().map(|m| m.name.strip_suffix(".npy").unwrap_or(&m.name)).collect();
    let find = |name: &str| {
        let place = names.iter().position(|n| *n == name);
        place.ok_or_else(|| {
            let message = format!("no array `{name}`; the arrays are: {}", names.join(", "));
            DataError::format(path, "npz", message)
        })
    };
    let read = |place: usize| -> Result<Vec<u8>, DataError> {
        unpack(&bytes, &members[place]).map_err(|message| DataError::format(path, "npz", message))
    };
    let classes = |name: Option<&str>| {
        let of = |name| labels_of(path, name, parse_array(path, &read(find(name)?)?)?);
        name.map(of).transpose()
    };
    let place = match wanted.array {
        Some(name) => find(name)?,
        None if members.len() == 1 => 0,
        None => {
            let message = format!("give array=NAME; the arrays are: {}", names.join(", "));
            return Err(DataError::format(path, "npz", message));
        }
    };
    let mut loaded = arrays::load(path, read(place)?, classes(wanted.labels)?, options)?;
    if let Some(name) = wanted.test {
        let labels = classes(wanted.test_labels)?;
        let test = arrays::load(path, read(find(name)?)?, labels, options)?;
        loaded.test = Some(test.data);
    }
    Ok(loaded)
}

/// Whole numbers from 0 up as classes.
fn labels_of(path: &Path, name: &str, array: NpyArray) -> Result<Vec<u32>, DataError> {
    let label = |&v: &f64| {
        let whole = v.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(&v);
        whole.then_some(v as u32).ok_or_else(|| {
            let message = format!("array `{name}`: {v} is not a class, a whole number from 0 on");
            DataError::format(path, "npz", message)
        })
    };
    array.values.iter().map(label).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize)
}

/// The members that end in `.npy`.
fn directory(bytes: &[u8]) -> Result<Vec<Member>, String> {
    const END: &[u8] = b"PK\x05\x06";
    let damaged = || "the zip's directory is cut off or damaged: fetch the file again".to_string();
    // A comment of up to 65,535 bytes may follow the end record.
    let from = bytes.len().saturating_sub(22 + 65_535);
    let end = (from..bytes.len().saturating_sub(21)).rev().find(|&i| bytes[i..].starts_with(END));
    let end = end.ok_or("it is not a zip of arrays")?;
    let count = u16_at(bytes, end + 10).ok_or_else(damaged)?;
    let mut at = u32_at(bytes, end + 16).ok_or_else(damaged)?;
    let mut members = Vec::new();
    for _ in 0..count {
        if bytes.get(at..).is_none_or(|rest| !rest.starts_with(b"PK\x01\x02")) {
            return Err(damaged());
        }
        let short = |offset: usize| u16_at(bytes, at + offset).ok_or_else(damaged);
        let long = |offset: usize| u32_at(bytes, at + offset).ok_or_else(damaged);
        let (name, extra, comment) = (short(28)?, short(30)?, short(32)?);
        let text = bytes.get(at + 46..at + 46 + name).ok_or_else(damaged)?;
        let text = String::from_utf8_lossy(text).into_owned();
        let member = Member {
            name: text,
            method: short(10)? as u16,
            crc: long(16)? as u32,
            packed: long(20)?,
            unpacked: long(24)?,
            at: long(42)?,
        };
        if member.unpacked == u32::MAX as usize || member.packed == u32::MAX as usize {
            return Err(format!("member {} has 4 GB or more, which is the limit", member.name));
        }
        if member.name.ends_with(".npy") {
            members.push(member);
        }
        at += 46 + name + extra + comment;
    }
    if members.is_empty() {
        return Err("it holds no arrays".to_string());
    }
    Ok(members)
}

/// The bytes of a member; no more than announced are unpacked.
fn unpack(bytes: &[u8], member: &Member) -> Result<Vec<u8>, String> {
    let damaged = || format!("member {} is cut off or damaged: fetch the file again", member.name);
    let name = u16_at(bytes, member.at.saturating_add(26)).ok_or_else(damaged)?;
    let extra = u16_at(bytes, member.at.saturating_add(28)).ok_or_else(damaged)?;
    let start = member.at + 30 + name + extra;
    let end = start.checked_add(member.packed).ok_or_else(damaged)?;
    let packed = bytes.get(start..end).ok_or_else(damaged)?;
    let mut out = Vec::new();
    match member.method {
        0 => out.extend(packed),
        8 => {
            let limit = member.unpacked as u64 + 1;
            DeflateDecoder::new(packed).take(limit).read_to_end(&mut out).map_err(|_| damaged())?;
        }
        other => return Err(format!("member {}: method {other} is not supported", member.name)),
    }
    let mut crc = Crc::new();
    crc.update(&out);
    if out.len() != member.unpacked || crc.sum() != member.crc {
        return Err(damaged());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;
    use crate::write_npy;

    /// A zip of files, deflated or stored.
    pub(crate) fn zip(files: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, bytes) in files {
            let mut crc = Crc::new();
            crc.update(bytes);
            let packed = if deflate {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            } else {
                bytes.to_vec()
            };
            let method = if deflate { 8u16 } else { 0 };
            let sizes = [crc.sum(), packed.len() as u32, bytes.len() as u32];
            let mut common = [20u16, 0, method, 0, 0].map(u16::to_le_bytes).concat();
            common.extend(sizes.map(u32::to_le_bytes).concat());
            common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(&common);
            directory.extend([0u8; 10]);
            directory.extend((out.len() as u32).to_le_bytes());
            directory.extend(name.as_bytes());
            out.extend(b"PK\x03\x04");
            out.extend(&common);
            out.extend(name.as_bytes());
            out.extend(packed);
        }
        let start = out.len() as u32;
        out.extend(&directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend([files.len() as u16; 2].map(u16::to_le_bytes).concat());
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn arrays_are_read_by_name_with_labels() {
        let dir = tempfile::tempdir().unwrap();
        let npy = |values: &[f32], shape: &[usize]| {
            let path = dir.path().join("a.npy");
            write_npy(&path, values, shape).unwrap();
            fs::read(path).unwrap()
        };
        let x = npy(&[1.0, 2.5, 3.0, 4.0], &[2, 2]);
        let y = npy(&[1.0, 0.0], &[2]);
        let path = dir.path().join("a.npz");
        let read = |array, labels| {
            let names = Names { array, labels, test: array, ..Names::default() };
            load(&path, names, &ArrayOptions::default())
        };
        for deflate in [false, true] {
            fs::write(&path, zip(&[("x.npy", &x), ("y.npy", &y)], deflate)).unwrap();
            let loaded = read(Some("x"), Some("y")).unwrap();
            let rows = loaded.data.dataset().unwrap().into_owned();
            assert_eq!(rows.values(), [1.0, 2.5, 3.0, 4.0]);
            assert_eq!(rows.labels(), Some(&[1, 0][..]));
            assert_eq!(loaded.test.unwrap().len(), 2);
            for (array, labels, says) in [
                (None, None, "give array=NAME; the arrays are: x, y"),
                (Some("z"), None, "no array `z`"),
                (Some("y"), Some("x"), "2.5 is not a class"),
            ] {
                let error = read(array, labels).unwrap_err().to_string();
                assert!(error.contains(says), "{error}");
            }
        }
        fs::write(&path, zip(&[("x.npy", &x)], true)).unwrap();
        assert_eq!(read(None, None).unwrap().data.len(), 2);
        let error = crate::read_npy(&path).unwrap_err().to_string();
        assert!(error.contains("npz:FILE"), "{error}");
    }

    #[test]
    fn damaged_zips_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        write_npy(&path, &[1.0; 40], &[20, 2]).unwrap();
        let whole = zip(&[("x.npy", &fs::read(&path).unwrap())], true);
        let path = dir.path().join("a.npz");
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(load(&path, Names::default(), &ArrayOptions::default()).is_err());
        }
        for i in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[i] ^= 0x55;
            fs::write(&path, bytes).unwrap();
            // Some bytes mean nothing; none may panic.
            let _ = load(&path, Names::default(), &ArrayOptions::default());
        }
    }
}
