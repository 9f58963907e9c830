//! Values as the texts of cells.

use std::fmt::Write;

use super::footer::{Leaf, Meaning, Stored};
use crate::table::{DayFormat, DayOrder, MomentFormat, TimeFormat};

const DAY: DayFormat = DayFormat { order: DayOrder::YearMonthDay, mark: Some('-'), padded: true };

const TIME: TimeFormat = TimeFormat { mark: ' ', seconds: true, zulu: false };

/// Days from the beginning of the Julian calendar to 1970.
const JULIAN: i64 = 2_440_588;

/// Appends the text of a value. Numbers that are not whole ones by their type have a point, so that a
/// column of them is one of real numbers.
pub(super) fn text_of(leaf: &Leaf, bytes: &[u8], out: &mut String) {
    match leaf.stored {
        Stored::Boolean => out.push_str(if bytes[0] == 1 { "true" } else { "false" }),
        Stored::Int32 => {
            let v = i32::from_le_bytes(fixed(bytes));
            match leaf.meaning {
                Meaning::Unsigned => whole(i128::from(v as u32), leaf.meaning, out),
                _ => whole(i128::from(v), leaf.meaning, out),
            }
        }
        Stored::Int64 => {
            let v = i64::from_le_bytes(fixed(bytes));
            match leaf.meaning {
                Meaning::Unsigned => whole(i128::from(v as u64), leaf.meaning, out),
                _ => whole(i128::from(v), leaf.meaning, out),
            }
        }
        Stored::Int96 => {
            let nanos = i64::from_le_bytes(fixed(&bytes[..8]));
            let days = i64::from(i32::from_le_bytes(fixed(&bytes[8..]))) - JULIAN;
            let seconds = days * 86_400 + nanos.div_euclid(1_000_000_000);
            whole(i128::from(seconds), Meaning::Moment(1), out);
        }
        // NaN is a missing number. The fewest digits that are the number, of f32 and of f64.
        Stored::Float => {
            let v = f32::from_le_bytes(fixed(bytes));
            if !v.is_nan() {
                write!(out, "{v:?}").expect("to a text");
            }
        }
        Stored::Double => {
            let v = f64::from_le_bytes(fixed(bytes));
            if !v.is_nan() {
                write!(out, "{v:?}").expect("to a text");
            }
        }
        Stored::Bytes | Stored::Fixed(_) => match (leaf.meaning, big_endian(bytes)) {
            (Meaning::Decimal(_), Some(v)) => whole(v, leaf.meaning, out),
            (_, _) => match (std::str::from_utf8(bytes), leaf.stored) {
                (Ok(text), Stored::Bytes) => out.push_str(text.trim()),
                _ => bytes.iter().for_each(|b| write!(out, "{b:02x}").expect("to a text")),
            },
        },
    }
}

/// The bytes of a number, whose count has been checked.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

/// A whole number, the highest byte first; none for more than 16 bytes.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let sign = if first >= 0x80 { -1 } else { 0 };
    (bytes.len() <= 16).then(|| bytes.iter().fold(sign, |v, b| v << 8 | i128::from(*b)))
}

fn whole(v: i128, meaning: Meaning, out: &mut String) {
    let moment = |day, time, v: i128| MomentFormat { day, time }.print(v as i64);
    match meaning {
        Meaning::Plain | Meaning::Unsigned | Meaning::Decimal(0) => {
            write!(out, "{v}").expect("to a text");
        }
        Meaning::Decimal(places) => {
            let unit = 10u128.pow(places);
            let sign = if v < 0 { "-" } else { "" };
            let (whole, part) = (v.unsigned_abs() / unit, v.unsigned_abs() % unit);
            let places = places as usize;
            write!(out, "{sign}{whole}.{part:0places$}").expect("to a text");
        }
        Meaning::Day => out.push_str(&moment(Some(DAY), None, v)),
        Meaning::Moment(unit) => {
            out.push_str(&moment(Some(DAY), Some(TIME), v.div_euclid(i128::from(unit))));
        }
        Meaning::TimeOfDay(unit) => {
            out.push_str(&moment(None, Some(TIME), v.div_euclid(i128::from(unit))));
        }
    }
}
