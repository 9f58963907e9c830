//! What a Parquet file says of itself: its columns, and where their values are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::thrift::Value;
use crate::DataError;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Footer {
    pub rows: usize,
    pub columns: Vec<Leaf>,
    /// Columns of lists and records, which are no columns of a table.
    pub nested: Vec<String>,
}

/// A column.
#[derive(Debug)]
pub(super) struct Leaf {
    pub name: String,
    pub stored: Stored,
    pub meaning: Meaning,
    /// Whether values may be missing.
    pub optional: bool,
    pub chunks: Vec<Chunk>,
}

/// How values are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stored {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    Fixed(usize),
}

/// What values mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    Plain,
    /// Whole numbers without a sign.
    Unsigned,
    /// Whole numbers of a part: 10 to the power of minus this.
    Decimal(u32),
    /// Days since 1970.
    Day,
    /// Parts of a second since 1970, so many a second.
    Moment(i64),
    /// Parts of a second since midnight, so many a second.
    TimeOfDay(i64),
}

/// A part of a column's values.
#[derive(Debug)]
pub(super) struct Chunk {
    pub start: u64,
    pub bytes: u64,
    pub codec: i64,
    pub values: usize,
}

/// More rows than are read.
const MOST_ROWS: usize = 1 << 31;

impl Footer {
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = footer_bytes(path)?;
        let wrong = |message: String| DataError::format(path, "Parquet", message);
        let (meta, _) = Value::read(&bytes).map_err(wrong)?;
        Self::of(&meta).map_err(wrong)
    }

    fn of(meta: &Value) -> Result<Self, String> {
        let rows = meta.field(3).count().filter(|rows| *rows <= MOST_ROWS);
        let rows = rows.ok_or(format!("it has no number of rows up to {MOST_ROWS}"))?;
        let (mut columns, mut nested) = (Vec::new(), Vec::new());
        let schema = meta.field(2).list();
        let (root, mut rest) = schema.split_first().ok_or("it has no schema")?;
        let mut leaf = 0;
        for _ in 0..root.field(5).count().unwrap_or(0) {
            let (element, below) = rest.split_first().ok_or("its schema is cut off")?;
            let name = element.field(4).text().ok_or("a column has no name")?;
            let repeated = element.field(3).int() == Some(2);
            let children = element.field(5).count().unwrap_or(0);
            rest = below;
            if children > 0 || repeated {
                let before = rest.len();
                let leaves = skip(&mut rest, children)?;
                leaf += if before == rest.len() { 1 } else { leaves };
                nested.push(name);
                continue;
            }
            let mut column = Leaf::of(element, name)?;
            for group in meta.field(4).list() {
                let chunk = group.field(1).list().get(leaf).ok_or("a row group has no column")?;
                column.chunks.push(Chunk::of(chunk)?);
            }
            leaf += 1;
            columns.push(column);
        }
        Ok(Self { rows, columns, nested })
    }
}

/// Steps over so many elements of a schema and all below them; gives the number of leaves.
fn skip(rest: &mut &[Value], count: usize) -> Result<usize, String> {
    let (mut left, mut leaves) = (count, 0usize);
    while left > 0 {
        let (element, below) = rest.split_first().ok_or("its schema is cut off")?;
        *rest = below;
        let children = element.field(5).count().unwrap_or(0);
        leaves += usize::from(children == 0);
        left = (left - 1).checked_add(children).ok_or("its schema is damaged")?;
    }
    Ok(leaves)
}

/// The metadata at the end of a file, without its length and mark.
fn footer_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let io = |e| DataError::io(path, "read")(e);
    if std::fs::metadata(path).map_err(io)?.is_dir() {
        // The error of a folder.
        crate::read::bytes::read(path)?;
    }
    let wrong = |message: &str| Err(DataError::format(path, "Parquet", message));
    let mut file = File::open(path).map_err(io)?;
    let size = file.seek(SeekFrom::End(0)).map_err(io)?;
    let mut end = [0u8; 8];
    if size < 12 {
        return wrong("it is too short");
    }
    file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut end)).map_err(io)?;
    let [a, b, c, d, ref mark @ ..] = end;
    if mark != b"PAR1" {
        return wrong("it does not end in PAR1: it is no Parquet file, or cut off, or encrypted");
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let Some(start) = size.checked_sub(8 + length) else { return wrong("it is cut off") };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    file.take(length).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

impl Leaf {
    fn of(element: &Value, name: String) -> Result<Self, String> {
        let length = element.field(2).count().unwrap_or(0);
        let stored = match element.field(1).int() {
            Some(0) => Stored::Boolean,
            Some(1) => Stored::Int32,
            Some(2) => Stored::Int64,
            Some(3) => Stored::Int96,
            Some(4) => Stored::Float,
            Some(5) => Stored::Double,
            Some(6) => Stored::Bytes,
            Some(7) if length > 0 => Stored::Fixed(length),
            _ => return Err(format!("column `{name}` is of a type that is not known")),
        };
        let optional = element.field(3).int() != Some(0);
        let meaning = Meaning::of(element, stored);
        Ok(Self { name, stored, meaning, optional, chunks: Vec::new() })
    }
}

impl Meaning {
    /// The older mark of a column's meaning, or the newer one.
    fn of(element: &Value, stored: Stored) -> Self {
        let scale = || element.field(7).count().unwrap_or(0).min(38) as u32;
        let whole = matches!(stored, Stored::Int32 | Stored::Int64);
        let logical = element.field(10);
        let unit = |mark: &Value| {
            let is = |number: i64| mark.field(2).field(number).is_struct();
            if is(1) {
                1000
            } else if is(2) {
                1_000_000
            } else {
                1_000_000_000
            }
        };
        let (time, moment, integer) = (logical.field(7), logical.field(8), logical.field(10));
        match element.field(6).int() {
            _ if stored == Stored::Int96 => Self::Moment(1_000_000_000),
            Some(5) => Self::Decimal(scale()),
            _ if logical.field(5).is_struct() => Self::Decimal(scale()),
            _ if !whole => Self::Plain,
            Some(6) => Self::Day,
            _ if logical.field(6).is_struct() => Self::Day,
            Some(7) => Self::TimeOfDay(1000),
            Some(8) => Self::TimeOfDay(1_000_000),
            Some(9) => Self::Moment(1000),
            Some(10) => Self::Moment(1_000_000),
            Some(11..=14) => Self::Unsigned,
            _ if time.is_struct() => Self::TimeOfDay(unit(time)),
            _ if moment.is_struct() => Self::Moment(unit(moment)),
            _ if integer.field(2).flag() == Some(false) => Self::Unsigned,
            _ => Self::Plain,
        }
    }
}

impl Chunk {
    fn of(chunk: &Value) -> Result<Self, String> {
        let meta = chunk.field(3);
        let place = |number: i64| meta.field(number).int().and_then(|v| u64::try_from(v).ok());
        // A dictionary is in front of the values.
        let data = place(9).ok_or("a column has no place")?;
        let start = place(11).filter(|at| *at > 0).map_or(data, |at| at.min(data));
        Ok(Self {
            start,
            bytes: place(7).ok_or("a column has no size")?,
            codec: meta.field(4).int().unwrap_or(0),
            values: meta.field(5).count().ok_or("a column has no number of values")?,
        })
    }
}
