//! Arrays as examples: which axes mean what, and which values are black and white.

use std::path::Path;

use super::npy::{self, Kind, NpyArray};
use crate::data::{Data, Pictures, Pixels, Points};
use crate::dataset::{USUAL_RANGES, check_labels};
use crate::{DataError, Dataset, Layout, Loaded};

/// How an array is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ArrayOptions {
    /// Whether the last axis of pictures is the channels; none to find out.
    pub channels_last: Option<bool>,
    /// The raw values of black and white.
    pub range: Option<[f32; 2]>,
}

/// The examples of the bytes of an npy file, see [`examples`]. Pictures of bytes stay bytes.
pub(crate) fn load(
    path: &Path,
    mut npy: Vec<u8>,
    labels: Option<Vec<u32>>,
    options: &ArrayOptions,
) -> Result<Loaded, DataError> {
    match npy::plain_bytes(&npy) {
        Some((shape, body)) if matches!(shape.len(), 3 | 4) && options.range.is_none() => {
            npy.drain(..body.start);
            byte_pictures(&shape, npy, labels, options)
        }
        _ => examples(path, npy::parse_array(path, &npy)?, labels, options),
    }
}

/// Pictures of bytes, without a copy of other numbers.
fn byte_pictures(
    shape: &[usize],
    mut bytes: Vec<u8>,
    labels: Option<Vec<u32>>,
    options: &ArrayOptions,
) -> Result<Loaded, DataError> {
    let mut notes = Vec::new();
    check_labels(labels.as_deref(), shape[0])?;
    let event = match *shape {
        [_, h, w] => vec![1, h, w],
        _ if channels_last(shape, options, &mut notes) => {
            bytes = channels_first(&bytes, shape[1] * shape[2], shape[3]);
            vec![shape[3], shape[1], shape[2]]
        }
        _ => shape[1..].to_vec(),
    };
    let pixels = Pixels::Bytes(bytes);
    let levels = pixels.found_levels();
    if levels == 2 {
        notes.push(BITS.to_string());
    }
    let layout = Layout { event, levels: Some(levels), ..Layout::default() };
    let mut loaded = Loaded::new(Data::Pictures(Pictures::of_parts(layout, pixels, labels)));
    loaded.notes = notes;
    Ok(loaded)
}

/// What is said of pictures of two levels.
const BITS: &str = "pixels are 0 or 1: taken for black and white";

/// Whether the last of four axes is the channels.
fn channels_last(shape: &[usize], options: &ArrayOptions, notes: &mut Vec<String>) -> bool {
    let (first, last) = (shape[1], shape[3]);
    options.channels_last.unwrap_or_else(|| {
        let looks_last = matches!(last, 1 | 3) && !matches!(first, 1 | 3);
        if looks_last {
            notes.push(format!(
                "the last axis of {shape:?} is taken for the channels (channels=first says \
                 otherwise)"
            ));
        }
        looks_last
    })
}

/// The examples of an array: `[n, columns]` are rows, `[n, h, w]` are pictures of one channel,
/// `[n, c, h, w]` and `[n, h, w, c]` are pictures.
pub(crate) fn examples(
    path: &Path,
    array: NpyArray,
    labels: Option<Vec<u32>>,
    options: &ArrayOptions,
) -> Result<Loaded, DataError> {
    let mut notes = Vec::new();
    let shape = array.shape.clone();
    let wrong =
        |expected| DataError::ArrayShape { path: path.to_path_buf(), expected, got: shape.clone() };
    if shape.contains(&0) {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: format!("the array has shape {shape:?}"),
        });
    }
    if let Some(index) = array.values.iter().position(|v| !(*v as f32).is_finite()) {
        let value = array.values[index];
        return Err(DataError::NotFinite { path: path.to_path_buf(), index, value });
    }
    let (event, values) = match shape[..] {
        [_, columns] => (vec![columns], array.values),
        [_, h, w] => (vec![1, h, w], array.values),
        [_, a, b, c] => match channels_last(&shape, options, &mut notes) {
            true => (vec![c, a, b], channels_first(&array.values, a * b, c)),
            false => (vec![a, b, c], array.values),
        },
        _ => return Err(wrong("examples of one to three axes")),
    };
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    let layout = Layout { event, ..Layout::default() };
    let mut loaded = if layout.event.len() == 3 {
        pictures(layout, values, labels, array.kind, options, &mut notes)?
    } else {
        rows(layout, values, labels, array.kind, options)?
    };
    loaded.notes = notes;
    Ok(loaded)
}

/// Pixels that have their channels side by side, as planes.
fn channels_first<T: Copy>(values: &[T], plane: usize, channels: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(values.len());
    for picture in values.chunks_exact(plane * channels) {
        for c in 0..channels {
            out.extend(picture.iter().skip(c).step_by(channels));
        }
    }
    out
}

fn rows(
    layout: Layout,
    values: Vec<f32>,
    labels: Option<Vec<u32>>,
    kind: Kind,
    options: &ArrayOptions,
) -> Result<Loaded, DataError> {
    let rows = Dataset::from_parts(values, layout.event, labels)?;
    let rows = match (kind, options.range) {
        (_, Some([black, white])) => rows.with_range(black, white)?,
        (Kind::Bits, None) => rows.with_levels(2)?,
        (Kind::Bytes, None) => {
            let levels = Pixels::of_values(rows.values(), Some(256)).found_levels();
            rows.with_levels(levels)?
        }
        _ => rows,
    };
    Ok(Loaded::new(Data::Points(Points::from_dataset(rows))))
}

fn pictures(
    mut layout: Layout,
    values: Vec<f32>,
    labels: Option<Vec<u32>>,
    kind: Kind,
    options: &ArrayOptions,
    notes: &mut Vec<String>,
) -> Result<Loaded, DataError> {
    // Checks what every data set is checked for.
    let rows = Dataset::from_parts(values, layout.event.clone(), labels)?;
    match (options.range, kind) {
        (Some([black, white]), _) => {
            let range = rows.clone().with_range(black, white)?.layout().range;
            layout.range = range;
        }
        (None, Kind::Bits) => layout.levels = Some(2),
        (None, Kind::Bytes) => {
            let levels = Pixels::of_values(rows.values(), Some(256)).found_levels();
            layout.levels = Some(levels);
            if levels == 2 {
                notes.push(BITS.to_string());
            }
        }
        (None, _) => {
            let [black, white] = found_range(rows.values().iter().copied());
            layout.range = Some([black, white]);
            notes.push(format!(
                "pixels from {black} to {white} are taken for black to white (range=LOW:HIGH says \
                 otherwise)"
            ));
        }
    }
    let pixels = Pixels::of_values(rows.values(), layout.levels);
    let labels = rows.labels().map(<[u32]>::to_vec);
    Ok(Loaded::new(Data::Pictures(Pictures::of_parts(layout, pixels, labels))))
}

/// The range of pictures that are no bytes: the smallest of those in use that holds them.
pub(super) fn found_range(values: impl Iterator<Item = f32>) -> [f32; 2] {
    let (low, high) =
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let holds = |&[black, white]: &[f32; 2]| black <= low && high <= white;
    // Pictures that do not vary have some range, too.
    let own = [low, if high > low { high } else { low + low.abs().max(1.0) }];
    USUAL_RANGES.into_iter().find(holds).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::{Preparation, Recipe};
    use pyrogen_core::{Noise, Seed};

    fn load(values: Vec<f64>, shape: &[usize], kind: Kind) -> Loaded {
        let array = NpyArray { shape: shape.to_vec(), values, kind };
        examples(Path::new("a.npy"), array, None, &ArrayOptions::default()).unwrap()
    }

    #[test]
    fn pictures_of_bytes_are_read_as_those_of_other_numbers() {
        let npy = |shape: &str, bytes: &[u8]| {
            let header =
                format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
            let mut out = b"\x93NUMPY\x01\x00".to_vec();
            out.extend((header.len() as u16).to_le_bytes());
            out.extend(header.as_bytes());
            out.extend(bytes);
            out
        };
        let bytes: Vec<u8> = (0..48).map(|i| (i * 5) as u8).collect();
        let bits: Vec<u8> = (0..48).map(|i| u8::from(i % 3 == 0)).collect();
        let first = ArrayOptions { channels_last: Some(false), range: None };
        let path = Path::new("a.npy");
        for (text, shape) in [
            ("(2, 4, 6)", &[2, 4, 6][..]),
            ("(4, 2, 2, 3)", &[4, 2, 2, 3]),
            ("(4, 3, 2, 2)", &[4, 3, 2, 2]),
            ("(48,)", &[48]),
            ("(8, 6)", &[8, 6]),
            ("(0, 3, 2, 2)", &[0, 3, 2, 2]),
        ] {
            for (bytes, options) in
                [(&bytes, ArrayOptions::default()), (&bytes, first.clone()), (&bits, first.clone())]
            {
                let count = shape.iter().product::<usize>();
                let (bytes, n) = (&bytes[..count], shape[0]);
                let labels = (n < 9).then(|| (0..n as u32).collect::<Vec<u32>>());
                let values = bytes.iter().map(|&b| f64::from(b)).collect();
                let array = NpyArray { shape: shape.to_vec(), values, kind: Kind::Bytes };
                let slow = examples(path, array, labels.clone(), &options);
                let fast = super::load(path, npy(text, bytes), labels, &options);
                assert_eq!(fast.map_err(|e| e.to_string()), slow.map_err(|e| e.to_string()));
            }
        }
        let labels = Some(vec![0; 3]);
        let file = npy("(2, 4, 6)", &bytes);
        assert!(
            super::load(path, file, labels, &first).unwrap_err().to_string().contains("labels")
        );
    }

    /// What a model sees, and a picture of it.
    fn seen(loaded: &Loaded) -> (Vec<f32>, Vec<u8>) {
        let rows = loaded.data.dataset().unwrap();
        let preparation = Preparation::fit(&Recipe::Unit, &rows).unwrap();
        let seen = preparation.apply(rows.values(), &mut Noise::new(Seed(0)));
        let unit = rows.layout().to_unit(rows.values());
        (seen, crate::grid_png(&unit, 2, &[1, 2, 2], 0, 1).unwrap())
    }

    #[test]
    fn the_same_pictures_are_the_same_however_they_are_stored() {
        // The first picture has no white, the second no black.
        let bytes = [0.0, 64.0, 128.0, 9.0, 255.0, 200.0, 3.0, 77.0];
        let shape = [2, 2, 2];
        let (values, png) = seen(&load(bytes.to_vec(), &shape, Kind::Bytes));
        let scaled = |f: &dyn Fn(f64) -> f64| bytes.iter().map(|&v| f(v)).collect::<Vec<f64>>();
        for (stored, kind) in [
            (scaled(&|v| v), Kind::Integers),
            (scaled(&|v| v), Kind::Floats),
            (scaled(&|v| v / 255.0), Kind::Floats),
            (scaled(&|v| v / 127.5 - 1.0), Kind::Floats),
            (scaled(&|v| v * 257.0), Kind::Integers),
        ] {
            let (other, other_png) = seen(&load(stored, &shape, kind));
            for (a, b) in values.iter().zip(&other) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
            assert_eq!(png, other_png);
        }
    }

    #[test]
    fn zeros_and_ones_are_black_and_white() {
        let bits = vec![0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        let (values, png) = seen(&load(bits.clone(), &[2, 2, 2], Kind::Floats));
        for (kind, levels) in
            [(Kind::Bits, Some(2)), (Kind::Bytes, Some(2)), (Kind::Integers, None)]
        {
            let loaded = load(bits.clone(), &[2, 2, 2], kind);
            assert_eq!(loaded.data.dataset().unwrap().levels(), levels);
            assert_eq!(seen(&loaded), (values.clone(), png.clone()));
        }
        let table = load(bits, &[4, 2], Kind::Bytes);
        assert_eq!(table.data.dataset().unwrap().levels(), Some(2));
    }

    #[test]
    fn samples_that_were_written_are_read_in_the_terms_of_their_model() {
        let digits = crate::digits().subset(&[3, 4]);
        let values = digits.values().iter().map(|&v| f64::from(v)).collect();
        let back = load(values, &[2, 1, 8, 8], Kind::Floats).data.into_dataset().unwrap();
        let back = back.conform_to(digits.layout()).unwrap();
        assert_eq!((back.values(), back.layout()), (digits.values(), digits.layout()));
    }

    #[test]
    fn pictures_of_another_range_are_refused() {
        let bytes = [0.0, 64.0, 128.0, 9.0, 255.0, 200.0, 3.0, 77.0];
        let stored = |scale: f64, shift: f64, kind| {
            let values = bytes.iter().map(|v| v / 255.0 * scale + shift).collect();
            load(values, &[2, 2, 2], kind).data.into_dataset().unwrap()
        };
        let forms = [
            ("0 to 1", stored(1.0, 0.0, Kind::Floats)),
            ("-1 to 1", stored(2.0, -1.0, Kind::Floats)),
            ("0 to 255", stored(255.0, 0.0, Kind::Integers)),
            ("0 to 65535", stored(65_535.0, 0.0, Kind::Integers)),
        ];
        for (name, model) in &forms {
            for (other, data) in &forms {
                let read = data.conform_to(model.layout());
                if name == other {
                    assert_eq!(read.unwrap().values(), data.values());
                    continue;
                }
                let text = read.unwrap_err().to_string();
                assert!(text.contains(&format!("{name} for black to white")), "{text}");
                assert!(text.ends_with(&format!("got {other}")), "{text}");
            }
        }
        // Bytes are 0 to 255; zeros and ones that stand for black and white are not 17 grey levels.
        let [_, _, integers, _] = &forms;
        let byte = stored(255.0, 0.0, Kind::Bytes);
        assert_eq!(byte.conform_to(integers.1.layout()).unwrap().values(), byte.values());
        assert!(byte.conform_to(forms[0].1.layout()).is_err());
        let bits = load(vec![0.0, 1.0, 1.0, 0.0], &[1, 2, 2], Kind::Floats);
        let bits = bits.data.into_dataset().unwrap();
        let mut levels = bits.layout().clone();
        (levels.levels, levels.range) = (Some(17), None);
        let text = bits.conform_to(&levels).unwrap_err().to_string();
        assert!(text.contains("range=0:16"), "{text}");
        let stated = bits.with_range(0.0, 16.0).unwrap();
        assert_eq!(stated.conform_to(&levels).unwrap().levels(), Some(17));
    }

    #[test]
    fn channels_may_be_last() {
        // Two pictures of 2x4 pixels with three channels: red is 1 to 8 and 9 to 16.
        let pixel = |i: usize| [i as f64, 100.0, 200.0 + i as f64];
        let values: Vec<f64> = (1..=16).flat_map(pixel).collect();
        let loaded = load(values.clone(), &[2, 2, 4, 3], Kind::Bytes);
        let rows = loaded.data.dataset().unwrap().into_owned();
        assert_eq!(rows.event_shape(), [3, 2, 4]);
        let plane: Vec<f32> = (1..=8).map(|i| i as f32).collect();
        assert_eq!(rows.row(0)[..8], plane);
        assert!(loaded.notes[0].contains("taken for the channels"), "{:?}", loaded.notes);
        let first = ArrayOptions { channels_last: Some(false), ..ArrayOptions::default() };
        let array = NpyArray { shape: vec![2, 2, 4, 3], values, kind: Kind::Bytes };
        let loaded = examples(Path::new("a.npy"), array, None, &first).unwrap();
        assert_eq!(loaded.data.dataset().unwrap().event_shape(), [2, 4, 3]);
    }

    #[test]
    fn a_range_may_be_stated() {
        let options = ArrayOptions { range: Some([0.0, 16.0]), ..ArrayOptions::default() };
        let array = NpyArray { shape: vec![1, 1, 2], values: vec![4.0, 8.0], kind: Kind::Floats };
        let loaded = examples(Path::new("a.npy"), array, None, &options).unwrap();
        let rows = loaded.data.dataset().unwrap().into_owned();
        assert_eq!(rows.layout().to_unit(rows.values()), [0.25, 0.5]);
    }
}
