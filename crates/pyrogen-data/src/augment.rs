//! [`Augment`]: random changes of training examples.

use pyrogen_core::{ConfigError, Noise, normal_quantile};
use serde::{Deserialize, Serialize};

use crate::{Layout, Modality};

/// About which axes pictures are mirrored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    /// None.
    #[default]
    None,
    /// Left and right change places.
    Horizontal,
    /// Top and bottom change places.
    Vertical,
    /// Each of the two, on its own.
    Both,
}

/// What stands where a picture was shifted away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// The pixel at the edge, again and again.
    #[default]
    Edge,
    /// The picture mirrored at its edge, without the edge itself.
    Reflect,
    /// Black.
    Black,
}

/// Random changes that leave an example what it is: a new one each time that training reads the
/// example.
///
/// The changes of an example are a function of the batch's noise and of the example's place in the
/// batch, so that a run repeats and resumes exactly, with any number of workers. They are made of raw
/// values before the preparation, in the order crop, flip, shift, noise; levels stay levels.
/// Validation and test data are never changed.
///
/// A model learns the distribution of the changed examples: flip only what may be seen mirrored.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_data::{Augment, Flip, digits};
///
/// let digits = digits();
/// let augment = Augment { flip: Flip::Horizontal, shift: 1, ..Augment::default() };
/// augment.check(digits.layout())?;
/// let mut rows = digits.row(0).to_vec();
/// augment.apply(&mut rows, digits.layout(), &[], &mut Noise::new(Seed(0)));
/// assert_ne!(rows, digits.row(0));
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
///
/// # References
/// A. Krizhevsky, I. Sutskever, G. Hinton (2012), "ImageNet classification with deep convolutional
/// neural networks", section 4.1 (flips and shifts); C. Szegedy et al. (2015), "Going deeper with
/// convolutions", section 6 (crops of random size).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirrors each picture with probability 1/2.
    pub flip: Flip,
    /// Moves each picture by a random number of pixels, up to so many in each direction: a random crop
    /// of the picture with a border.
    pub shift: usize,
    /// What fills the border of a shifted picture.
    pub fill: Fill,
    /// Cuts a random part of each picture and enlarges it to the picture's size (bilinear): the
    /// smallest side of the part, as a share of the picture's. 1 cuts nothing.
    pub crop: f64,
    /// Standard deviation of normal noise that is added to each value: of pictures as a share of the
    /// range from black to white, of points in standard deviations of the column.
    pub noise: f64,
}

impl Default for Augment {
    fn default() -> Self {
        Self { flip: Flip::None, shift: 0, fill: Fill::Edge, crop: 1.0, noise: 0.0 }
    }
}

/// Uniform numbers that the changes of shape take of each example.
const NUMBERS: usize = 7;

impl Augment {
    /// Whether examples stay as they are.
    pub fn is_none(&self) -> bool {
        !self.moves() && self.noise == 0.0
    }

    /// Whether pixels change their places.
    fn moves(&self) -> bool {
        self.flip != Flip::None || self.shift > 0 || self.crop < 1.0
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(self.crop > 0.0 && self.crop <= 1.0) {
            return Err(ConfigError::value("augment.crop", "a share in (0, 1]", self.crop));
        }
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(ConfigError::value("augment.noise", "0 or more", self.noise));
        }
        Ok(())
    }

    /// Checks that the data has what the changes need: pictures have all of them, points have noise.
    ///
    /// # Errors
    /// Changes that the data does not have, or a shift as large as the pictures.
    pub fn check(&self, layout: &Layout) -> Result<(), ConfigError> {
        let what = layout.modality();
        let error = |field: &str, expected: String| {
            let got = format!("a change of {what} of shape {:?}", layout.event);
            Err(ConfigError::value(field, expected, got))
        };
        if self.moves() && what != Modality::Pictures {
            return error("augment", "for pictures: they have flip, shift and crop".to_string());
        }
        if self.noise > 0.0 && what == Modality::Table {
            let expected = "for pictures or points: cells of a table recur, and categories have no \
                            neighbours";
            return error("augment.noise", expected.to_string());
        }
        if self.shift > 0 && self.shift >= layout.event[1].min(layout.event[2]) {
            let expected = "below the sides of the pictures";
            return Err(ConfigError::value("augment.shift", expected, self.shift));
        }
        Ok(())
    }

    /// Changes rows of raw values. `spread` is the standard deviation of each element, for the noise of
    /// points; pictures need none.
    ///
    /// # Panics
    /// If `rows` is not whole rows, or if [`check`](Self::check) refuses the layout.
    pub fn apply(&self, rows: &mut [f32], layout: &Layout, spread: &[f32], noise: &mut Noise) {
        let width = layout.width();
        assert!(rows.len().is_multiple_of(width), "Augment: not whole rows of {width}");
        let n = rows.len() / width;
        if self.moves() {
            let numbers = noise.uniform_rows(&[n, NUMBERS]);
            let [_, h, w] = layout.event[..] else {
                panic!("Augment: {:?} is the shape of no picture", layout.event)
            };
            let black = layout.ends()[0];
            for (row, u) in rows.chunks_exact_mut(width).zip(numbers.chunks_exact(NUMBERS)) {
                for plane in row.chunks_exact_mut(h * w) {
                    self.move_plane(plane, [h, w], black, u);
                }
            }
        }
        if self.noise > 0.0 {
            self.add_noise(rows, layout, spread, noise);
        }
        if self.crop < 1.0 || self.noise > 0.0 {
            into_range(rows, layout);
        }
    }

    fn move_plane(&self, plane: &mut [f32], [h, w]: [usize; 2], black: f32, u: &[f64]) {
        if self.crop < 1.0 {
            // One share for both sides: the picture keeps its proportions.
            let share = self.crop + (1.0 - self.crop) * u[0];
            let part = [h, w].map(|side| side as f64 * share);
            let at = [(h as f64 - part[0]) * u[1], (w as f64 - part[1]) * u[2]];
            enlarge(plane, [h, w], at, share);
        }
        if matches!(self.flip, Flip::Horizontal | Flip::Both) && u[3] < 0.5 {
            plane.chunks_exact_mut(w).for_each(<[f32]>::reverse);
        }
        if matches!(self.flip, Flip::Vertical | Flip::Both) && u[4] < 0.5 {
            for y in 0..h / 2 {
                for x in 0..w {
                    plane.swap(y * w + x, (h - 1 - y) * w + x);
                }
            }
        }
        if self.shift > 0 {
            let choices = (2 * self.shift + 1) as f64;
            let by = |u: f64| (u * choices) as isize - self.shift as isize;
            self.shift_plane(plane, [h, w], [by(u[5]), by(u[6])], black);
        }
    }

    /// Moves a plane down and to the right by `by` pixels.
    fn shift_plane(&self, plane: &mut [f32], [h, w]: [usize; 2], by: [isize; 2], black: f32) {
        let from = plane.to_vec();
        // Where a pixel comes from, on one axis; none where black is.
        let source = |at: usize, by: isize, side: usize| -> Option<usize> {
            let (at, last) = (at as isize - by, side as isize - 1);
            if (0..=last).contains(&at) {
                return Some(at as usize);
            }
            match self.fill {
                Fill::Black => None,
                Fill::Edge => Some(at.clamp(0, last) as usize),
                Fill::Reflect => Some((if at < 0 { -at } else { 2 * last - at }) as usize),
            }
        };
        for y in 0..h {
            let row = source(y, by[0], h);
            for x in 0..w {
                plane[y * w + x] = match (row, source(x, by[1], w)) {
                    (Some(y), Some(x)) => from[y * w + x],
                    _ => black,
                };
            }
        }
    }

    fn add_noise(&self, rows: &mut [f32], layout: &Layout, spread: &[f32], noise: &mut Noise) {
        let width = layout.width();
        let picture = layout.modality() == Modality::Pictures;
        let [black, white] = layout.ends();
        let range = f64::from((white - black).abs());
        assert!(picture || spread.len() == width, "Augment: one deviation an element");
        let draws = noise.uniform_rows(&[rows.len() / width, width]);
        for (i, (v, u)) in rows.iter_mut().zip(draws).enumerate() {
            let size = if picture { range } else { f64::from(spread[i % width]) };
            *v = (f64::from(*v) + self.noise * size * normal_quantile(u)) as f32;
        }
    }
}

/// Levels stay levels, and pictures stay between black and white where these are known.
fn into_range(rows: &mut [f32], layout: &Layout) {
    let [a, b] = layout.ends();
    let (low, high) = (a.min(b), a.max(b));
    if layout.levels.is_some() {
        rows.iter_mut().for_each(|v| *v = v.round().clamp(low, high));
    } else if layout.range.is_some() {
        rows.iter_mut().for_each(|v| *v = v.clamp(low, high));
    }
}

/// The part of a plane that begins at `at` and has `share` of its sides, enlarged to the whole plane:
/// bilinear, with the centres of pixels at halves.
fn enlarge(plane: &mut [f32], [h, w]: [usize; 2], at: [f64; 2], share: f64) {
    let from = plane.to_vec();
    let place = |i: usize, at: f64, side: usize| {
        let x = (at + (i as f64 + 0.5) * share - 0.5).clamp(0.0, (side - 1) as f64);
        let low = x.floor() as usize;
        (low, (low + 1).min(side - 1), (x - low as f64) as f32)
    };
    for y in 0..h {
        let (y0, y1, v) = place(y, at[0], h);
        for x in 0..w {
            let (x0, x1, u) = place(x, at[1], w);
            let corners = [[y0, x0], [y0, x1], [y1, x0], [y1, x1]].map(|[y, x]| from[y * w + x]);
            let mix = |a: f32, b: f32, at: f32| a * (1.0 - at) + b * at;
            let value = mix(mix(corners[0], corners[1], u), mix(corners[2], corners[3], u), v);
            // Rounding must not leave the range of the pixels.
            let low = corners.iter().copied().fold(f32::INFINITY, f32::min);
            let high = corners.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            plane[y * w + x] = value.clamp(low, high);
        }
    }
}

#[cfg(test)]
mod tests;
