//! Contexts that are made from pictures.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DataError, Enlarge, RawRows};

/// A context (see [`Condition`](pyrogen_core::Condition)) that is made from a picture: what a model
/// of pictures has as its condition, so that it can make a picture of it again.
///
/// | text | the condition | for |
/// |---|---|---|
/// | `small:FACTOR` | the picture, so many times smaller each way | super-resolution |
/// | `grey` | its brightness | colouring |
/// | `edges` | how strongly brightness changes at each pixel | pictures of sketches |
///
/// A context is a function of the raw picture alone, in brightness from 0 to 1
/// ([`Layout::to_unit`](crate::Layout::to_unit)), however the examples are prepared; so a context that comes from a file is
/// what training saw. A model reads all of them as pictures with the height and width of the examples:
/// each pixel of a small one is there `FACTOR * FACTOR` times.
///
/// ```
/// use pyrogen_data::PictureContext;
///
/// let context: PictureContext = "small:2".parse()?;
/// assert_eq!(context.given_shape(&[1, 2, 4])?, [1, 1, 2]);
/// let made = context.of_pictures(&[0.0, 1.0, 0.5, 0.5, 0.0, 1.0, 0.5, 0.5], &[1, 2, 4])?;
/// assert_eq!(made, [0.5; 8]);
/// assert!("sepia".parse::<PictureContext>().is_err());
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum PictureContext {
    /// Means of squares of pixels.
    Small {
        /// Height and width of a square.
        factor: usize,
    },
    /// Brightness of a colour picture, `0.2126 R + 0.7152 G + 0.0722 B` (ITU-R BT.709).
    Grey,
    /// The length of Sobel's gradient of the brightness, a quarter of it, at most 1: 1 along a
    /// straight edge from black to white. Beyond the border the picture goes on as it ends.
    Edges,
}

/// Shares of red, green and blue in brightness.
const BRIGHTNESS: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Sobel's gradient across a straight edge from 0 to 1.
const FULL_EDGE: f32 = 4.0;

impl PictureContext {
    /// The forms that `FromStr` knows.
    pub const KNOWN: &'static str = "small:FACTOR, grey, edges";

    /// The shape of a context as a file holds it, for examples of the shape `event`.
    ///
    /// # Errors
    /// Examples that are no pictures, whose height or width the factor does not divide, or that
    /// have no colours to leave out.
    pub fn given_shape(&self, event: &[usize]) -> Result<Vec<usize>, DataError> {
        let wrong = |expected: String, got: String| {
            Err(DataError::part("context", expected, format!("{self} of {got}")))
        };
        let &[channels @ (1 | 3), height, width] = event else {
            return wrong("made from pictures".into(), format!("examples of shape {event:?}"));
        };
        match *self {
            Self::Small { factor }
                if height.is_multiple_of(factor) && width.is_multiple_of(factor) =>
            {
                Ok(vec![channels, height / factor, width / factor])
            }
            Self::Small { .. } => wrong(
                "small by a factor that divides height and width".into(),
                format!("{width}x{height} pixels"),
            ),
            Self::Grey if channels == 1 => {
                wrong("grey for colour pictures alone".into(), "grey pictures".into())
            }
            Self::Grey | Self::Edges => Ok(vec![1, height, width]),
        }
    }

    /// The shape of a context as a model reads it: with the height and width of the examples.
    ///
    /// # Errors
    /// As [`given_shape`](Self::given_shape).
    pub fn shape(&self, event: &[usize]) -> Result<Vec<usize>, DataError> {
        let given = self.given_shape(event)?;
        Ok(vec![given[0], event[1], event[2]])
    }

    /// Checks that a context can be made from data of this kind.
    ///
    /// # Errors
    /// As [`given_shape`](Self::given_shape); pictures without levels whose values leave 0 to 1,
    /// since nothing says which of them is white.
    pub(crate) fn check(&self, data: &dyn RawRows) -> Result<(), DataError> {
        self.given_shape(data.event_shape())?;
        if data.levels().is_some() {
            return Ok(());
        }
        let mut outside = None;
        data.each(&mut |values| {
            let wrong = || values.iter().copied().find(|v| !(0.0..=1.0).contains(v));
            outside = outside.or_else(wrong);
        })?;
        match outside {
            None => Ok(()),
            Some(value) => {
                let expected = "made from values from 0 to 1, or of known levels";
                Err(DataError::part("context", expected, value))
            }
        }
    }

    /// Contexts of pictures, as a model reads them.
    ///
    /// # Shapes
    /// `unit` is `[n, ..event]` with brightness from 0 to 1; the result is `[n, ..shape]`, see
    /// [`shape`](Self::shape).
    ///
    /// # Errors
    /// As [`given_shape`](Self::given_shape).
    ///
    /// # Panics
    /// If `unit` is not whole pictures.
    pub fn of_pictures(&self, unit: &[f32], event: &[usize]) -> Result<Vec<f32>, DataError> {
        let given = self.given_shape(event)?;
        let (h, w) = (event[1], event[2]);
        let pictures = whole(unit, event);
        Ok(match *self {
            Self::Small { factor } => {
                let small: Vec<f32> =
                    unit.chunks_exact(h * w).flat_map(|plane| means(plane, w, factor)).collect();
                Enlarge::Nearest.apply(&small, [given[1], given[2]], factor)
            }
            Self::Grey => pictures.flat_map(|picture| brightness(picture, h * w)).collect(),
            Self::Edges => pictures
                .flat_map(|picture| edges(&brightness(picture, h * w).collect::<Vec<_>>(), w))
                .collect(),
        })
    }

    /// Contexts that are given themselves, as a model reads them: small pictures, or sketches.
    ///
    /// # Shapes
    /// `unit` is `[n, ..given_shape]` with brightness from 0 to 1; the result is `[n, ..shape]`.
    ///
    /// # Errors
    /// As [`given_shape`](Self::given_shape).
    ///
    /// # Panics
    /// If `unit` is not whole pictures.
    pub fn of_given(&self, unit: &[f32], event: &[usize]) -> Result<Vec<f32>, DataError> {
        let given = self.given_shape(event)?;
        let _ = whole(unit, &given);
        Ok(match *self {
            Self::Small { factor } => Enlarge::Nearest.apply(unit, [given[1], given[2]], factor),
            Self::Grey | Self::Edges => unit.to_vec(),
        })
    }
}

/// The pictures one by one.
fn whole<'a>(unit: &'a [f32], event: &[usize]) -> std::slice::ChunksExact<'a, f32> {
    let size: usize = event.iter().product();
    assert!(
        unit.len().is_multiple_of(size),
        "PictureContext: {} values are not whole pictures of shape {event:?}",
        unit.len()
    );
    unit.chunks_exact(size)
}

/// Means of squares of `factor` by `factor` pixels of a plane.
fn means(plane: &[f32], width: usize, factor: usize) -> Vec<f32> {
    let small = width / factor;
    let mut sums = vec![0.0f64; plane.len() / (factor * factor)];
    for (i, &value) in plane.iter().enumerate() {
        sums[i / width / factor * small + i % width / factor] += f64::from(value);
    }
    let count = (factor * factor) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// The brightness of a picture of one channel or three.
fn brightness(picture: &[f32], size: usize) -> impl Iterator<Item = f32> {
    let weights = if picture.len() == size { &[1.0][..] } else { &BRIGHTNESS };
    let at =
        move |i: usize| weights.iter().enumerate().map(|(c, w)| w * picture[c * size + i]).sum();
    (0..size).map(at)
}

/// A quarter of the length of Sobel's gradient, at most 1.
fn edges(plane: &[f32], width: usize) -> Vec<f32> {
    let height = plane.len() / width;
    // A step from a place, which stays in the picture.
    let step = |at: usize, by: usize, side: usize| (at + by).saturating_sub(1).min(side - 1);
    let at = |i: usize, j: usize, di: usize, dj: usize| {
        plane[step(i, di, height) * width + step(j, dj, width)]
    };
    let gradient = |k: usize| {
        let (i, j) = (k / width, k % width);
        let down = |dj: usize| at(i, j, 2, dj) - at(i, j, 0, dj);
        let right = |di: usize| at(i, j, di, 2) - at(i, j, di, 0);
        let y = down(0) + 2.0 * down(1) + down(2);
        let x = right(0) + 2.0 * right(1) + right(2);
        (x.hypot(y) / FULL_EDGE).min(1.0)
    };
    (0..plane.len()).map(gradient).collect()
}

impl FromStr for PictureContext {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unknown = || DataError::part("context", format!("one of {}", Self::KNOWN), text);
        match text.split_once(':') {
            Some(("small", factor)) => {
                let factor = factor.parse().ok().filter(|&f| f >= 2);
                let expected = "small:FACTOR with a whole number from 2 up";
                let factor = factor.ok_or_else(|| DataError::part("context", expected, text))?;
                Ok(Self::Small { factor })
            }
            None if text == "grey" => Ok(Self::Grey),
            None if text == "edges" => Ok(Self::Edges),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for PictureContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small { factor } => write!(f, "small:{factor}"),
            Self::Grey => f.write_str("grey"),
            Self::Edges => f.write_str("edges"),
        }
    }
}

impl TryFrom<String> for PictureContext {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<PictureContext> for String {
    fn from(context: PictureContext) -> Self {
        context.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PictureContext = PictureContext::Small { factor: 2 };

    #[test]
    fn text_round_trips() {
        for text in ["small:2", "small:28", "grey", "edges"] {
            let context: PictureContext = text.parse().unwrap();
            assert_eq!(context.to_string(), text);
            let json = serde_json::to_string(&context).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<PictureContext>(&json).unwrap(), context);
        }
        for text in ["", "small", "small:1", "small:-2", "small:x", "sketch", "grey:2"] {
            let error = text.parse::<PictureContext>().unwrap_err().to_string();
            assert!(error.contains("small:FACTOR"), "{text}: {error}");
        }
    }

    #[test]
    fn small_pictures_are_means_of_squares() {
        let picture =
            [0.0, 1.0, 0.25, 0.75, 1.0, 0.0, 0.5, 0.5, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        let event = [1, 4, 4];
        let made = SMALL.of_pictures(&picture, &event).unwrap();
        assert_eq!(made[..4], [0.5; 4]);
        assert_eq!(made[8..12], [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(made[8..12], made[12..16]);
        // The small one itself, from a file, is the same.
        assert_eq!(SMALL.of_given(&[0.5, 0.5, 1.0, 0.0], &event).unwrap(), made);
        // Every channel and every picture for itself.
        let two = [picture.repeat(3), vec![0.25; 48]].concat();
        let made_two = SMALL.of_pictures(&two, &[3, 4, 4]).unwrap();
        assert_eq!(made_two[..48], made.repeat(3));
        assert_eq!(made_two[48..], [0.25; 48]);
    }

    #[test]
    fn brightness_is_that_of_the_colours() {
        let pixels = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        let made = PictureContext::Grey.of_pictures(&pixels, &[3, 2, 2]).unwrap();
        let expected = [0.2126f32, 0.7152, 0.0722, 1.0];
        // The sum of three shares in f32.
        assert!(made.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{made:?}");
    }

    #[test]
    fn a_straight_edge_is_one_and_a_plain_is_nothing() {
        let upright: Vec<f32> = (0..36).map(|k| f32::from(u8::from(k % 6 >= 3))).collect();
        let made = PictureContext::Edges.of_pictures(&upright, &[1, 6, 6]).unwrap();
        for (k, value) in made.iter().enumerate() {
            let expected = if matches!(k % 6, 2 | 3) { 1.0 } else { 0.0 };
            assert_eq!(*value, expected, "pixel {k}");
        }
        let lying: Vec<f32> = (0..36).map(|k| upright[k % 6 * 6 + k / 6]).collect();
        let turned = PictureContext::Edges.of_pictures(&lying, &[1, 6, 6]).unwrap();
        assert!((0..36).all(|k| turned[k] == made[k % 6 * 6 + k / 6]));
        let weak: Vec<f32> = upright.iter().map(|v| 0.5 * v).collect();
        assert_eq!(PictureContext::Edges.of_pictures(&weak, &[1, 6, 6]).unwrap()[2], 0.5);
    }

    #[test]
    fn what_no_context_can_be_made_of_is_an_error() {
        let small = |factor: usize| PictureContext::Small { factor };
        for (context, event, says) in [
            (small(3), &[1, 8, 8][..], "divides height and width, got small:3 of 8x8"),
            (small(2), &[1, 8, 9], "small:2 of 9x8"),
            (SMALL, &[4], "made from pictures"),
            (SMALL, &[2, 8, 8], "made from pictures"),
            (PictureContext::Grey, &[1, 8, 8], "colour pictures alone"),
        ] {
            let error = context.shape(event).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let values = vec![0.0, 0.5, 2.0, 1.0];
        let pictures = crate::Dataset::from_parts(values, vec![1, 2, 2], None).unwrap();
        let error = SMALL.check(&pictures).unwrap_err().to_string();
        assert!(error.contains("from 0 to 1") && error.ends_with("got 2"), "{error}");
    }
}
