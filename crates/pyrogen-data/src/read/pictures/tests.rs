use std::fs;

use image::{
    GrayAlphaImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba,
    RgbaImage,
};

use super::*;
use crate::Dataset;

/// The rows of numbers.
fn load(dir: &Path, options: &PictureOptions) -> Result<Dataset, DataError> {
    Ok(super::load(dir, options)?.data.into_dataset().unwrap())
}

fn grey(path: &Path, w: u32, h: u32, f: impl Fn(u32, u32) -> u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_fn(w, h, |x, y| Luma([f(x, y)])).save(path).unwrap();
}

#[test]
fn folders_are_classes_and_paths_the_order() {
    let dir = tempfile::tempdir().unwrap();
    grey(&dir.path().join("cat/z/2.png"), 3, 2, |x, y| (10 * y + x) as u8);
    grey(&dir.path().join("ant/9.bmp"), 3, 2, |_, _| 7);
    fs::write(dir.path().join("notes.txt"), "not a picture").unwrap();
    fs::write(dir.path().join("cat/.hidden.png"), "no").unwrap();
    let data = load(dir.path(), &PictureOptions::default()).unwrap();
    assert_eq!(data.event_shape(), [1, 2, 3]);
    assert_eq!(data.row(0), [7.0; 6]);
    assert_eq!(data.row(1), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    assert_eq!(data.labels(), Some(&[0, 1][..]));
    assert_eq!(data.class_names(), ["ant", "cat"]);
    assert_eq!(data.levels(), Some(256));
    // One picture outside a folder: no labels.
    grey(&dir.path().join("0.png"), 3, 2, |_, _| 1);
    let data = load(dir.path(), &PictureOptions::default()).unwrap();
    assert_eq!((data.len(), data.labels()), (3, None));
}

#[test]
fn colour_is_kept_as_planes_and_grey_pictures_join_it() {
    let dir = tempfile::tempdir().unwrap();
    grey(&dir.path().join("a.png"), 2, 1, |x, _| 100 + x as u8);
    RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8, 20, 30 + x as u8]))
        .save(dir.path().join("b.png"))
        .unwrap();
    let data = load(dir.path(), &PictureOptions::default()).unwrap();
    assert_eq!(data.event_shape(), [3, 1, 2]);
    assert_eq!(data.row(0), [100.0, 101.0, 100.0, 101.0, 100.0, 101.0]);
    assert_eq!(data.row(1), [0.0, 1.0, 20.0, 20.0, 30.0, 31.0]);
    let grey = PictureOptions { grey: true, ..PictureOptions::default() };
    assert_eq!(load(dir.path(), &grey).unwrap().event_shape(), [1, 1, 2]);
    // One file alone.
    let one = load(&dir.path().join("b.png"), &PictureOptions::default()).unwrap();
    assert_eq!((one.len(), one.labels(), one.row(0)), (1, None, data.row(1)));
}

#[test]
fn another_size_is_an_error_or_is_resized() {
    let dir = tempfile::tempdir().unwrap();
    grey(&dir.path().join("a.png"), 4, 4, |_, _| 9);
    grey(&dir.path().join("b.png"), 6, 4, |x, _| if x % 5 == 0 { 255 } else { 60 });
    let text = load(dir.path(), &PictureOptions::default()).unwrap_err().to_string();
    for part in ["b.png: is 6x4", "a.png is 4x4", "size=4x4"] {
        assert!(text.contains(part), "{text}");
    }
    let mut options = PictureOptions { size: Some((4, 4)), ..PictureOptions::default() };
    let squeezed = load(dir.path(), &options).unwrap();
    assert!(squeezed.row(1).iter().any(|&v| v > 60.0));
    // The crop cuts the bright borders off.
    options.crop = true;
    assert_eq!(load(dir.path(), &options).unwrap().row(1), [60.0; 16]);
}

#[test]
fn unreadable_pictures_and_empty_folders_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let text = |options: &PictureOptions| load(dir.path(), options).unwrap_err().to_string();
    assert!(text(&PictureOptions::default()).contains("no file ending in png"));
    grey(&dir.path().join("a.png"), 8, 8, |x, y| (x * y) as u8);
    let whole = fs::read(dir.path().join("a.png")).unwrap();
    let mut lying = whole.clone();
    lying[16..24].copy_from_slice(&[0x7f; 8]);
    let bad = [b"".to_vec(), b"text".to_vec(), whole[..whole.len() / 2].to_vec(), lying];
    for bytes in bad {
        fs::write(dir.path().join("a.png"), bytes).unwrap();
        let got = text(&PictureOptions::default());
        assert!(got.contains("a.png: cannot decode") && !got.contains('\n'), "{got}");
    }
    let missing = load(&dir.path().join("none"), &PictureOptions::default());
    assert!(missing.unwrap_err().to_string().contains("cannot read"));
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_ends() {
    let dir = tempfile::tempdir().unwrap();
    grey(&dir.path().join("c/a.png"), 1, 1, |_, _| 1);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("c/up")).unwrap();
    assert_eq!(load(dir.path(), &PictureOptions::default()).unwrap().len(), 1);
}

fn options() -> PictureOptions {
    PictureOptions::default()
}

fn full(dir: &Path) -> Loaded {
    super::load(dir, &options()).unwrap()
}

#[test]
fn every_format_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let picture = RgbImage::from_fn(4, 3, |x, y| Rgb([60 * x as u8, 80 * y as u8, 7]));
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("b.BMP", ImageFormat::Bmp),
        ("c.gif", ImageFormat::Gif),
        ("d.pnm", ImageFormat::Pnm),
        ("e.webp", ImageFormat::WebP),
        ("f.ppm", ImageFormat::Pnm),
        ("g.jpeg", ImageFormat::Jpeg),
    ] {
        picture.save_with_format(dir.path().join(name), format).unwrap();
    }
    fs::write(dir.path().join("x.mp4"), "film").unwrap();
    fs::write(dir.path().join("README"), "words").unwrap();
    let loaded = full(dir.path());
    let rows = loaded.data.dataset().unwrap().into_owned();
    assert_eq!((rows.len(), rows.event_shape()), (7, &[3, 3, 4][..]));
    for i in 0..6 {
        assert_eq!(rows.row(i), rows.row(0), "{i}");
    }
    // JPEG is not exact.
    let off = rows.row(6).iter().zip(rows.row(0)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 60.0, "{off}");
    let note = &loaded.notes[0];
    assert!(note.contains("2 files were passed over (1 without an ending, 1 .mp4)"), "{note}");
}

#[test]
fn class_folders_of_numbers_are_in_their_order_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    for k in 0..12 {
        grey(&dir.path().join(format!("{k}/a.png")), 2, 2, |_, _| k as u8 + 10);
    }
    let data = load(dir.path(), &options()).unwrap();
    assert_eq!(data.class_names()[2], "2");
    for i in 0..12 {
        assert_eq!(data.row(i)[0], data.labels().unwrap()[i] as f32 + 10.0);
    }
    fs::create_dir(dir.path().join("dogs")).unwrap();
    fs::write(dir.path().join("dogs/1.heic"), "later").unwrap();
    let error = load(dir.path(), &options()).unwrap_err().to_string();
    assert!(error.contains("dogs: no examples: the class of this folder"), "{error}");
}

#[test]
fn transparent_pixels_are_laid_on_a_background() {
    let dir = tempfile::tempdir().unwrap();
    // Black behind full, half and no transparency; colours under what cannot be seen.
    let icon = RgbaImage::from_fn(3, 1, |x, _| Rgba([0, 0, 0, [0, 128, 255][x as usize]]));
    icon.save(dir.path().join("a.png")).unwrap();
    let garbage = RgbaImage::from_fn(3, 1, |x, _| Rgba([x as u8 * 90, 5, 200, 0]));
    garbage.save(dir.path().join("b.png")).unwrap();
    let greys = GrayAlphaImage::from_fn(3, 1, |_, _| LumaA([40, 255]));
    greys.save(dir.path().join("c.png")).unwrap();
    let loaded = full(dir.path());
    let rows = loaded.data.dataset().unwrap().into_owned();
    assert_eq!(rows.event_shape(), [1, 1, 3]);
    assert_eq!(rows.values(), [255.0, 127.0, 0.0, 255.0, 255.0, 255.0, 40.0, 40.0, 40.0]);
    assert!(loaded.notes[0].contains("2 pictures have transparent pixels"), "{:?}", loaded.notes);
    let red = PictureOptions { background: [255, 0, 0], ..options() };
    let rows = load(dir.path(), &red).unwrap();
    assert_eq!(rows.event_shape(), [3, 1, 3]);
    assert_eq!(rows.row(0), [255.0, 127.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn sixteen_bits_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let twelve: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(2, 1, |x, _| Luma([49 + 3482 * x as u16]));
    twelve.save(dir.path().join("a.png")).unwrap();
    grey(&dir.path().join("b.png"), 2, 1, |_, _| 255);
    let data = full(dir.path()).data;
    let rows = data.dataset().unwrap().into_owned();
    assert_eq!(
        (rows.values(), rows.levels()),
        (&[49.0, 3531.0, 65535.0, 65535.0][..], Some(65536))
    );
    // Written and read again, they are the same.
    let out = dir.path().join("out");
    data.write(&out).unwrap();
    assert_eq!(full(&out).data, data);
    // 16 bits that hold no more than bytes do are bytes.
    let wide: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_fn(2, 1, |_, _| Luma([257 * 9]));
    wide.save(dir.path().join("a.png")).unwrap();
    let only = super::load(&dir.path().join("a.png"), &options()).unwrap();
    assert_eq!(only.data.dataset().unwrap().levels(), Some(256));
}

#[test]
fn masks_of_zeros_and_ones_are_black_and_white() {
    let dir = tempfile::tempdir().unwrap();
    grey(&dir.path().join("a.png"), 2, 1, |x, _| x as u8);
    let loaded = full(dir.path());
    assert_eq!(loaded.data.dataset().unwrap().levels(), Some(2));
    assert!(loaded.notes[0].contains("black and white"));
}

/// A JPEG whose orientation tag says: turn by 90 degrees to the right.
fn turned(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("turned.jpg");
    // Black on the left, white on the right.
    GrayImage::from_fn(32, 16, |x, _| Luma([if x < 16 { 0 } else { 255 }])).save(&path).unwrap();
    let jpeg = fs::read(&path).unwrap();
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((exif.len() as u16 + 2).to_be_bytes());
    out.extend(exif);
    out.extend(&jpeg[2..]);
    fs::write(&path, out).unwrap();
    path
}

#[test]
fn photos_are_turned_as_their_tag_says() {
    let dir = tempfile::tempdir().unwrap();
    let data = load(&turned(dir.path()), &options()).unwrap();
    assert_eq!(data.event_shape(), [1, 32, 16]);
    // Turned to the right, the left is on top.
    assert!(data.row(0)[5] < 10.0 && data.row(0)[31 * 16 + 5] > 245.0);
}

#[test]
fn a_huge_picture_is_refused_before_it_is_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    grey(&path, 4, 4, |_, _| 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..24].copy_from_slice(&[20_000u32.to_be_bytes(), 20_000u32.to_be_bytes()].concat());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let error = load(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("20000x20000 pixels are more than 134217728"), "{error}");
}

#[test]
fn a_folder_of_samples_is_data_again() {
    let dir = tempfile::tempdir().unwrap();
    let digits = crate::digits().subset(&[0, 5, 9, 11]);
    let data = Data::from_dataset(digits.clone());
    let out = dir.path().join("out");
    data.write(&out).unwrap();
    assert!(out.join("9/00002.png").is_file(), "a folder a class");
    let back = load(&out, &options()).unwrap();
    assert_eq!(back.event_shape(), [1, 8, 8]);
    assert_eq!(back.class_names(), ["0", "1", "5", "9"]);
    let unit = digits.layout().to_unit(digits.values());
    assert_eq!(back.row(0)[3], (unit[3] * 255.0).round());
    let error = data.write(&out).unwrap_err().to_string();
    assert!(error.contains("new or empty"), "{error}");
}

/// Pictures of every kind under one folder: bytes, 16 bit, grey, colour, transparent, two classes.
fn mixed_folder(dir: &Path) {
    grey(&dir.join("a/1.png"), 3, 2, |x, y| (40 * y + x) as u8);
    fs::create_dir_all(dir.join("b")).unwrap();
    RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8, y as u8, 9])).save(dir.join("b/2.png")).unwrap();
    RgbaImage::from_fn(3, 2, |x, _| Rgba([1, 2, 3, 100 * x as u8]))
        .save(dir.join("b/3.png"))
        .unwrap();
    let words: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(3, 2, |x, y| Luma([1000 * x as u16 + y as u16]));
    words.save(dir.join("a/4.png")).unwrap();
}

#[test]
fn pictures_that_stay_in_their_files_are_the_same_pictures() {
    use crate::{Data, RawRows};

    let dir = tempfile::tempdir().unwrap();
    mixed_folder(dir.path());
    let read = |cache| {
        let options = PictureOptions { cache: Some(cache), ..PictureOptions::default() };
        super::load(dir.path(), &options).unwrap()
    };
    let (held, lazy) = (read(true), read(false));
    assert!(lazy.notes.iter().any(|note| note.contains("4 pictures stay in their files")));
    assert_eq!(lazy.origins, held.origins);
    assert_eq!(lazy.data, held.data);
    assert_eq!(lazy.data.sha256(), held.data.sha256());
    assert_eq!(lazy.data.describe(), held.data.describe());
    let part = |data: &Data| data.select(&[3, 1, 2, 1]).select(&[0, 3]);
    assert_eq!(part(&lazy.data), part(&held.data));
    assert_eq!(part(&lazy.data).labels(), Some(vec![1, 0]));
    let joined = |data: &Data| Data::concat(vec![data.select(&[2]), data.select(&[0, 1])]);
    assert_eq!(joined(&lazy.data).unwrap(), joined(&held.data).unwrap());
    let (Data::Pictures(lazy), Data::Pictures(held)) = (&lazy.data, &held.data) else {
        panic!("pictures")
    };
    assert_eq!(lazy.span(), Some([0.0, 65_535.0]));
    assert_eq!(lazy.column(7).unwrap(), held.column(7).unwrap());
}

#[test]
fn the_hash_is_taken_while_pictures_are_decoded_first() {
    // More than are decoded at a time; a picture of the second part has a form of its own, or not.
    for odd in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("pictures");
        for i in 0..CHUNK as u32 + 20 {
            grey(&root.join(format!("{}/{i:03}.png", i / 200)), 3, 2, |x, y| (i + 7 * x + y) as u8);
        }
        if odd {
            let path = root.join("1/270.png");
            RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8, y as u8, 9])).save(path).unwrap();
        }
        let read = |cache| {
            let options = PictureOptions { cache: Some(cache), ..PictureOptions::default() };
            super::load(&root, &options).unwrap().data
        };
        let (held, lazy) = (read(true), read(false));
        if !odd {
            fs::remove_dir_all(&root).unwrap();
        }
        assert_eq!(lazy.sha256(), held.sha256());
    }
}

#[test]
fn a_file_that_is_gone_or_another_is_an_error_when_it_is_read() {
    use crate::{Preparation, Prepared, Recipe};
    use burn::tensor::Device;
    use pyrogen_core::{Examples, Noise, Seed};

    let dir = tempfile::tempdir().unwrap();
    mixed_folder(dir.path());
    let options = PictureOptions { cache: Some(false), ..PictureOptions::default() };
    let data = super::load(dir.path(), &options).unwrap().data;
    let rows = data.raw_rows().unwrap();
    let preparation = Preparation::fit(&Recipe::Unit, &rows).unwrap();
    let examples: Prepared<2> = Prepared::of(&data, preparation).unwrap();
    let read = |row| {
        let mut noise = Noise::new(Seed(0));
        examples.try_batch(&[row], &mut noise, &Device::flex()).map(|_| ())
    };
    // Four pictures are few enough to be kept as they are prepared; raw ones are not.
    read(2).unwrap();
    let raw = |row| rows.read(&[row], &mut Vec::new()).map_err(|e| e.to_string());
    raw(2).unwrap();
    fs::remove_file(dir.path().join("b/2.png")).unwrap();
    assert!(raw(2).unwrap_err().contains("2.png"));
    grey(&dir.path().join("a/1.png"), 4, 2, |_, _| 0);
    let error = raw(0).unwrap_err();
    assert!(error.contains("1.png") && error.contains("has changed"), "{error}");
    raw(3).unwrap();
}

/// JPEG at a quality of 95 leaves colours of flat squares this near.
const JPEG: f32 = 4.0;

#[test]
fn inks_of_a_printers_jpeg_are_colours() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = include_bytes!("../../../tests/fixtures/cmyk.jpg");
    fs::write(dir.path().join("a.jpg"), bytes).unwrap();
    let data = load(dir.path(), &PictureOptions::default()).unwrap();
    assert_eq!(data.event_shape(), [3, 32, 64]);
    let row = data.row(0);
    let pixel = |y: usize, x: usize| [0, 1, 2].map(|c| row[c * 32 * 64 + y * 64 + x]);
    let near = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= JPEG);
    for (k, colour) in
        [[0.0, 255.0, 255.0], [255.0, 0.0, 255.0], [255.0, 255.0, 0.0], [0.0; 3]].iter().enumerate()
    {
        let found = pixel(8, 16 * k + 8);
        assert!(near(found, *colour), "{found:?} for {colour:?}");
    }
    assert!(near(pixel(24, 30), [255.0; 3]), "paper is white");
}
