//! One picture file to pixels.

use std::path::Path;

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};

use super::picture_options::PictureOptions;
use crate::DataError;
use crate::data::Pixels;

/// Most pixels of a picture file: a camera's have fewer.
const MAX_PIXELS: u64 = 1 << 27;

/// A picture: interleaved pixels, one channel where no pixel has a colour, else three; bytes where
/// these hold all that the file has.
pub(crate) struct Decoded {
    pub width: u32,
    pub height: u32,
    pub channels: usize,
    pub pixels: Pixels,
    /// Whether the file has a pixel that is not opaque.
    pub transparent: bool,
}

impl Decoded {
    /// Bytes that the pixels take.
    pub fn bytes(&self) -> usize {
        self.pixels.len() * if matches!(self.pixels, Pixels::Words(_)) { 2 } else { 1 }
    }
}

/// Reads a picture as viewers show it: turned as its orientation says, laid on the background where it
/// is transparent, then cut and resized as the options say.
pub(super) fn decode(path: &Path, options: &PictureOptions) -> Result<Decoded, DataError> {
    let picture = open(path)?;
    let (picture, transparent) = opaque(picture, options.background);
    let picture = fit(picture, options);
    let (width, height) = (picture.width(), picture.height());
    let grey = options.grey || !has_colour(&picture);
    let wide = is_wide(&picture);
    let pixels = match (wide, grey) {
        (true, true) => Pixels::Words(picture.into_luma16().into_raw()),
        (true, false) => Pixels::Words(picture.into_rgb16().into_raw()),
        (false, true) => Pixels::Bytes(picture.into_luma8().into_raw()),
        (false, false) => Pixels::Bytes(picture.into_rgb8().into_raw()),
    };
    let channels = if grey { 1 } else { 3 };
    Ok(Decoded { width, height, channels, pixels, transparent })
}

fn open(path: &Path) -> Result<DynamicImage, DataError> {
    let wrong = |message: String| DataError::Picture {
        path: path.to_path_buf(),
        message: message.replace(['\n', '\r'], " "),
    };
    // The content shows the format.
    let mut decoder = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(DataError::io(path, "read"))?
        .into_decoder()
        .map_err(|e| wrong(e.to_string()))?;
    let (w, h) = decoder.dimensions();
    if w == 0 || h == 0 {
        return Err(wrong("it has no pixels".to_string()));
    }
    if u64::from(w) * u64::from(h) > MAX_PIXELS {
        return Err(wrong(format!(
            "{w}x{h} pixels are more than {MAX_PIXELS}, which is the limit"
        )));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| wrong(e.to_string()))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The picture without an alpha channel, and whether a pixel was not opaque.
fn opaque(picture: DynamicImage, background: [u8; 3]) -> (DynamicImage, bool) {
    if !picture.color().has_alpha() {
        return (picture, false);
    }
    // Bytes are blended as words: no digit is lost, and opaque pixels stay what they are.
    let wide = picture.color().bytes_per_pixel() / picture.color().channel_count() > 1;
    let mut pixels = picture.into_rgba16();
    let mut transparent = false;
    for pixel in pixels.pixels_mut() {
        let alpha = u64::from(pixel.0[3]);
        if alpha == u64::from(u16::MAX) {
            continue;
        }
        transparent = true;
        for (value, behind) in pixel.0[..3].iter_mut().zip(background) {
            let behind = u64::from(behind) * 257 * (u64::from(u16::MAX) - alpha);
            let sum = u64::from(*value) * alpha + behind;
            *value = ((sum + u64::from(u16::MAX) / 2) / u64::from(u16::MAX)) as u16;
        }
        pixel.0[3] = u16::MAX;
    }
    let picture = DynamicImage::ImageRgba16(pixels);
    let picture = match wide {
        true => DynamicImage::ImageRgb16(picture.into_rgb16()),
        false => DynamicImage::ImageRgb8(picture.into_rgb8()),
    };
    (picture, transparent)
}

/// Whether some pixel is not grey, whatever the file could hold (BMP files are never plain grey).
fn has_colour(picture: &DynamicImage) -> bool {
    let differs = |a: [u16; 3]| a[0] != a[1] || a[1] != a[2];
    match picture {
        DynamicImage::ImageRgb8(p) => p.pixels().any(|p| differs(p.0.map(u16::from))),
        other if other.color().has_color() => other.to_rgb16().pixels().any(|p| differs(p.0)),
        _ => false,
    }
}

/// Whether the pixels need more than bytes.
fn is_wide(picture: &DynamicImage) -> bool {
    let wide = |v: &u16| !v.is_multiple_of(257);
    match picture {
        DynamicImage::ImageLuma16(p) => p.as_raw().iter().any(wide),
        DynamicImage::ImageRgb16(p) => p.as_raw().iter().any(wide),
        DynamicImage::ImageRgb32F(_) => true,
        _ => false,
    }
}

/// Crops and resizes as the options say (triangle filter, which averages when it shrinks).
fn fit(picture: DynamicImage, options: &PictureOptions) -> DynamicImage {
    let Some((w, h)) = options.size else {
        return picture;
    };
    let (pw, ph) = (picture.width(), picture.height());
    let picture = if options.crop {
        let wide = u64::from(pw) * u64::from(h) > u64::from(ph) * u64::from(w);
        let part = |side: u32, a: u32, b: u32| {
            let cut = u64::from(side) * u64::from(a) / u64::from(b);
            (cut as u32).max(1)
        };
        let (cw, ch) =
            if wide { (part(ph, w, h).min(pw), ph) } else { (pw, part(pw, h, w).min(ph)) };
        picture.crop_imm((pw - cw) / 2, (ph - ch) / 2, cw, ch)
    } else {
        picture
    };
    if (picture.width(), picture.height()) == (w, h) {
        picture
    } else {
        picture.resize_exact(w, h, FilterType::Triangle)
    }
}
