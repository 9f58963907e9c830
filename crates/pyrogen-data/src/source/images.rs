//! `images:DIR`.

use super::{Loaded, Reader, SourceText};
use crate::read::pictures::{self, MAX_SIDE};
use crate::{DataError, PictureOptions};

pub(super) struct Images;

impl Reader for Images {
    fn scheme(&self) -> &'static str {
        "images"
    }

    fn place(&self) -> &'static str {
        "DIR"
    }

    fn options(&self) -> &'static [&'static str] {
        &["size=WIDTHxHEIGHT", "crop", "grey", "background=white|black|RRGGBB", "cache=yes|no"]
    }

    fn about(&self) -> &'static str {
        "every picture below a folder, sorted by path, or one picture file"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        options(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        pictures::load(text.place(), &options(text)?)
    }
}

fn options(text: &SourceText) -> Result<PictureOptions, DataError> {
    let size = text.value("size").map(parse_size).transpose()?;
    let background = text.value("background").map(parse_colour).transpose()?;
    let plain = PictureOptions::default();
    let out = PictureOptions {
        size,
        crop: text.flag("crop"),
        grey: text.flag("grey"),
        background: background.unwrap_or(plain.background),
        cache: text.choice("cache", &[("yes", true), ("no", false)])?,
    };
    if out.crop && out.size.is_none() {
        return Err(DataError::option("crop", "given together with size=WIDTHxHEIGHT"));
    }
    Ok(out)
}

fn parse_size(size: &str) -> Result<(u32, u32), DataError> {
    let side = |s: &str| s.parse().ok().filter(|n| (1..=MAX_SIDE).contains(n));
    size.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?))).ok_or_else(|| {
        let expected = format!("size=WIDTHxHEIGHT, each from 1 to {MAX_SIDE}");
        DataError::option(format!("size={size}"), expected)
    })
}

fn parse_colour(colour: &str) -> Result<[u8; 3], DataError> {
    let hex = |text: &str| {
        let digits = text.len() == 6 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u32::from_str_radix(text, 16).ok().filter(|_| digits)?.to_be_bytes();
        Some([number[1], number[2], number[3]])
    };
    match colour {
        "white" => Ok([255; 3]),
        "black" => Ok([0; 3]),
        other => hex(other.trim_start_matches('#')).ok_or_else(|| {
            DataError::option(format!("background={colour}"), "background=white|black|RRGGBB")
        }),
    }
}
