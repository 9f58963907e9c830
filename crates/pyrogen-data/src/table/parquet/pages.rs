//! The pages of a column: unpacked, and taken apart into the texts of cells.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::cells::text_of;
use super::footer::{Leaf, Stored};
use super::thrift::Value;

/// Hands over the cells of a part of a column as texts; none for a missing one.
pub(super) fn each(
    leaf: &Leaf,
    codec: i64,
    values: usize,
    bytes: &[u8],
    put: &mut dyn FnMut(Option<&str>),
) -> Result<(), String> {
    let (mut at, mut left) = (0, values);
    let mut pages = Pages { leaf, dictionary: Vec::new(), text: String::new() };
    while left > 0 {
        let (header, taken) = Value::read(&bytes[at..])?;
        at += taken;
        let packed = header.field(3).count().ok_or("a page has no size")?;
        let end = at.checked_add(packed).filter(|end| *end <= bytes.len());
        let body = &bytes[at..end.ok_or("a page is cut off")?];
        at += packed;
        let unpacked = header.field(2).count().ok_or("a page has no size")?;
        match header.field(1).int() {
            Some(0) => {
                let count = page_values(header.field(5), left)?;
                let body = unpack(codec, body, unpacked)?;
                pages.first_version(header.field(5), &body, count, put)?;
                left -= count;
            }
            Some(2) => {
                let count = header.field(7).field(1).count().unwrap_or(0);
                pages.read_dictionary(&unpack(codec, body, unpacked)?, count)?;
            }
            Some(3) => {
                let count = page_values(header.field(8), left)?;
                pages.second_version(
                    header.field(8),
                    body,
                    [codec, unpacked as i64],
                    count,
                    put,
                )?;
                left -= count;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The number of values of a page, of which there are so many left.
fn page_values(header: &Value, left: usize) -> Result<usize, String> {
    let count = header.field(1).count().filter(|count| *count <= left);
    count.ok_or("a page has more values than its column".into())
}

/// A byte of the formats' packed data makes at most so many: zstd and snappy repeat what came before.
const MOST_EXPANSION: usize = 1 << 17;

fn unpack(codec: i64, body: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if size > body.len().saturating_mul(MOST_EXPANSION) {
        return Err("a page says that it is larger than it can be".into());
    }
    let read = |source: &mut dyn Read| -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let read = source.take(size as u64 + 1).read_to_end(&mut out);
        read.map_err(|e| e.to_string()).map(|_| out)
    };
    let out = match codec {
        0 => body.to_vec(),
        1 if snap::raw::decompress_len(body).ok() == Some(size) => {
            snap::raw::Decoder::new().decompress_vec(body).map_err(|e| e.to_string())?
        }
        1 => return Err("a page is damaged".into()),
        2 => read(&mut MultiGzDecoder::new(body))?,
        6 if size == 0 => Vec::new(),
        6 => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(body);
            read(&mut decoder.map_err(|e| e.to_string())?)?
        }
        other => {
            let names = ["", "", "", "LZO", "Brotli", "LZ4", "", "LZ4"];
            let name = names.get(other as usize).copied().unwrap_or("a way that is not known");
            return Err(format!("it is packed by {name}: write it with snappy, gzip or zstd"));
        }
    };
    match out.len() == size {
        true => Ok(out),
        false => Err("a page is damaged: it unpacks to another size".into()),
    }
}

struct Pages<'a> {
    leaf: &'a Leaf,
    /// The texts of the values that others refer to.
    dictionary: Vec<String>,
    /// Room for one.
    text: String,
}

impl Pages<'_> {
    fn read_dictionary(&mut self, body: &[u8], count: usize) -> Result<(), String> {
        let mut values = Plain::new(self.leaf.stored, body);
        self.dictionary.clear();
        for _ in 0..count {
            self.text.clear();
            text_of(self.leaf, values.next()?, &mut self.text);
            self.dictionary.push(self.text.clone());
        }
        Ok(())
    }

    /// Which values are there is in front of them, with its size.
    fn first_version(
        &mut self,
        header: &Value,
        body: &[u8],
        count: usize,
        put: &mut dyn FnMut(Option<&str>),
    ) -> Result<(), String> {
        let (levels, values) = match self.leaf.optional {
            true => split_sized(body)?,
            false => (&[][..], body),
        };
        self.values(header.field(2).int(), levels, values, count, put)
    }

    /// Which values are there is in front of them and not packed, its size in the header.
    fn second_version(
        &mut self,
        header: &Value,
        body: &[u8],
        [codec, unpacked]: [i64; 2],
        count: usize,
        put: &mut dyn FnMut(Option<&str>),
    ) -> Result<(), String> {
        let size = |number| header.field(number).count().unwrap_or(0);
        let (before, levels) = (size(6), size(5));
        let start = before.checked_add(levels).filter(|start| *start <= body.len());
        let start = start.ok_or("a page is cut off")?;
        let unpacked = (unpacked as usize).checked_sub(start).ok_or("a page is damaged")?;
        let values = match header.field(7).flag() {
            Some(false) => body[start..].to_vec(),
            _ => unpack(codec, &body[start..], unpacked)?,
        };
        self.values(header.field(4).int(), &body[before..start], &values, count, put)
    }

    fn values(
        &mut self,
        encoding: Option<i64>,
        levels: &[u8],
        values: &[u8],
        count: usize,
        put: &mut dyn FnMut(Option<&str>),
    ) -> Result<(), String> {
        let mut present = self.leaf.optional.then(|| Hybrid::new(levels, 1));
        let mut source = match encoding {
            Some(0) => Source::Plain(Plain::new(self.leaf.stored, values)),
            Some(2 | 8) => {
                let (width, rest) = values.split_first().unwrap_or((&0, &[]));
                Source::Places(Hybrid::new(rest, u32::from(*width)))
            }
            Some(3) if self.leaf.stored == Stored::Boolean => {
                Source::Flags(Hybrid::new(split_sized(values)?.0, 1))
            }
            other => return Err(unknown_encoding(&self.leaf.name, other)),
        };
        for _ in 0..count {
            if let Some(present) = &mut present
                && present.next()? == 0
            {
                put(None);
                continue;
            }
            self.text.clear();
            match &mut source {
                Source::Plain(values) => text_of(self.leaf, values.next()?, &mut self.text),
                Source::Flags(values) => {
                    text_of(self.leaf, &[values.next()? as u8], &mut self.text);
                }
                Source::Places(places) => {
                    let place = places.next()? as usize;
                    let text = self.dictionary.get(place).ok_or("a value is not in its list")?;
                    put(Some(text));
                    continue;
                }
            }
            put(Some(&self.text));
        }
        Ok(())
    }
}

fn unknown_encoding(column: &str, encoding: Option<i64>) -> String {
    let name = match encoding {
        Some(5..=7) => "as differences",
        Some(9) => "byte by byte",
        _ => "in a way that is not known",
    };
    format!(
        "column `{column}` is stored {name}: write the file with plain or dictionary encodings, which \
         are the usual ones"
    )
}

/// Bytes with their number in front of them, and the rest.
fn split_sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (size, rest) = bytes.split_first_chunk::<4>().ok_or("a page is cut off")?;
    let size = u32::from_le_bytes(*size) as usize;
    rest.split_at_checked(size).ok_or("a page is cut off".into())
}

/// Where values come from.
enum Source<'a> {
    Plain(Plain<'a>),
    Flags(Hybrid<'a>),
    /// Places in the dictionary.
    Places(Hybrid<'a>),
}

/// Values one behind the other.
struct Plain<'a> {
    stored: Stored,
    bytes: &'a [u8],
    /// Bits of the first byte that have been read, of booleans.
    bits: u32,
    /// One of these as a byte.
    flag: [u8; 1],
}

impl<'a> Plain<'a> {
    fn new(stored: Stored, bytes: &'a [u8]) -> Self {
        Self { stored, bytes, bits: 0, flag: [0] }
    }

    /// The bytes of the next value.
    fn next(&mut self) -> Result<&[u8], String> {
        let size = match self.stored {
            Stored::Boolean => return self.flag(),
            Stored::Int32 | Stored::Float => 4,
            Stored::Int64 | Stored::Double => 8,
            Stored::Int96 => 12,
            Stored::Fixed(size) => size,
            Stored::Bytes => {
                let (value, rest) = split_sized(self.bytes)?;
                self.bytes = rest;
                return Ok(value);
            }
        };
        let (value, rest) = self.bytes.split_at_checked(size).ok_or("a page is cut off")?;
        self.bytes = rest;
        Ok(value)
    }

    fn flag(&mut self) -> Result<&[u8], String> {
        let byte = self.bytes.first().ok_or("a page is cut off")?;
        self.flag[0] = byte >> self.bits & 1;
        self.bits = (self.bits + 1) % 8;
        if self.bits == 0 {
            self.bytes = &self.bytes[1..];
        }
        Ok(&self.flag)
    }
}

/// Small numbers: runs of one, and groups of eight side by side, bit by bit.
struct Hybrid<'a> {
    bytes: &'a [u8],
    width: u32,
    /// Numbers that are left of a run, and the number.
    run: (u64, u32),
    /// Numbers that are left of groups, with the bit where the next begins.
    groups: (u64, u64),
}

impl<'a> Hybrid<'a> {
    fn new(bytes: &'a [u8], width: u32) -> Self {
        Self { bytes, width, run: (0, 0), groups: (0, 0) }
    }

    fn next(&mut self) -> Result<u32, String> {
        loop {
            if self.run.0 > 0 {
                self.run.0 -= 1;
                return Ok(self.run.1);
            }
            if self.groups.0 > 0 {
                return self.of_group();
            }
            self.begin()?;
        }
    }

    fn of_group(&mut self) -> Result<u32, String> {
        let (mut out, first) = (0u32, self.groups.1);
        for bit in 0..u64::from(self.width) {
            let at = first + bit;
            let byte = self.bytes.get((at / 8) as usize).ok_or("a page is cut off")?;
            out |= u32::from(byte >> (at % 8) & 1) << bit;
        }
        self.groups = (self.groups.0 - 1, first + u64::from(self.width));
        if self.groups.0 == 0 {
            let used = (self.groups.1 / 8) as usize;
            self.bytes = self.bytes.get(used..).unwrap_or(&[]);
        }
        Ok(out)
    }

    /// Reads what comes next: a run or groups.
    fn begin(&mut self) -> Result<(), String> {
        if self.width > 32 {
            return Err("a page is damaged: a number of more than 32 bits".into());
        }
        let (mut head, mut shift) = (0u64, 0);
        loop {
            let (byte, rest) = self.bytes.split_first().ok_or("a page is cut off")?;
            self.bytes = rest;
            head |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if *byte < 0x80 {
                break;
            }
            if shift > 35 {
                return Err("a page is damaged: a run without an end".into());
            }
        }
        if head & 1 == 1 {
            self.groups = ((head >> 1) * 8, 0);
            return Ok(());
        }
        let size = self.width.div_ceil(8) as usize;
        let (value, rest) = self.bytes.split_at_checked(size).ok_or("a page is cut off")?;
        let number = value.iter().rev().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
        self.bytes = rest;
        self.run = (head >> 1, number);
        Ok(())
    }
}
