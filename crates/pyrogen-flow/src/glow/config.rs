//! What a Glow is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use serde::{Deserialize, Serialize};

use crate::Pixels;

/// Configuration of a [`Glow`](crate::Glow).
///
/// # Examples
/// ```
/// use pyrogen_flow::GlowConfig;
///
/// let config = GlowConfig { event: vec![1, 28, 28], levels: 2, ..GlowConfig::default() };
/// config.validate()?;
/// let config = GlowConfig { levels: 3, ..config };
/// let error = config.validate().unwrap_err().to_string();
/// assert!(error.contains("multiples of 8"), "{error}");
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GlowConfig {
    /// Shape of one picture: `[channels, height, width]`, the sides multiples of `2^levels`.
    pub event: Vec<usize>,
    /// Scales: before each, squares of two by two pixels become channels; after each but the last, half
    /// of the channels leave as noise.
    pub levels: usize,
    /// Steps of flow a level: actnorm, a mixing of channels, an affine coupling.
    pub steps: usize,
    /// Channels of the couplings' networks.
    pub width: usize,
    /// Number of classes, for a model that is conditioned on the class of a picture.
    pub classes: Option<usize>,
    /// How whole numbers become the real numbers that the flow takes.
    pub pixels: Pixels,
}

impl Default for GlowConfig {
    /// Grey pictures of 28 by 28 pixels.
    fn default() -> Self {
        Self {
            event: vec![1, 28, 28],
            levels: 2,
            steps: 8,
            width: 64,
            classes: None,
            pixels: Pixels::default(),
        }
    }
}

/// The most levels: sides would be multiples of more than 65,536.
const MOST_LEVELS: usize = 16;

impl GlowConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check::shape("event", &self.event)?;
        let got = || format!("{:?}", self.event);
        let &[_, height, width] = self.event.as_slice() else {
            return Err(ConfigError::value("event", "[channels, height, width]", got()));
        };
        check::within("levels", self.levels, MOST_LEVELS)?;
        check::layers("steps", self.steps)?;
        check::widths("width", &[self.width])?;
        check::at_least_one("classes", self.classes.unwrap_or(1))?;
        let unit = 1 << self.levels;
        if height % unit != 0 || width % unit != 0 {
            let near = |side: usize| match side / unit * unit {
                0 => format!("{unit}"),
                below => format!("{below} or {}", below + unit),
            };
            let expected = format!(
                "a picture whose sides {} levels can halve, multiples of {unit}: a height of {} and a \
                 width of {} are near",
                self.levels,
                near(height),
                near(width)
            );
            return Err(ConfigError::value("event", expected, got()));
        }
        check::params("width", self.count_params())
    }

    /// Number of parameters of the model, without building it; `usize::MAX` where it does not fit.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        Ok(self.count_params())
    }

    fn count_params(&self) -> usize {
        let w = self.width;
        let level = |i: usize| {
            let c = self.channels(i);
            let networks = [
                count::product(&[9, c / 2, w]),
                count::product(&[w, w]),
                count::product(&[9, w, c]),
                count::product(&[2, w]),
                c,
                count::product(&[self.classes.unwrap_or(0), w]),
            ];
            // Means, scales and the two triangular matrices with their scales.
            let linear = [count::product(&[3, c]), count::product(&[2, c, c])];
            let step = count::sum(networks.into_iter().chain(linear));
            let split = match i + 1 < self.levels {
                true => count::sum([count::product(&[9, c / 2, c]), c]),
                false => 0,
            };
            count::product(&[step, self.steps]).saturating_add(split)
        };
        count::sum((0..self.levels).map(level))
    }

    /// Number of elements of one picture; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// Channels within level `i`.
    pub(crate) fn channels(&self, i: usize) -> usize {
        count::product(&[self.event[0], 4, 1 << i])
    }

    /// The levels that suit pictures of these sides: as many as can halve them, three at most.
    ///
    /// # Errors
    /// Sides of which one is odd.
    pub fn levels_for(height: usize, width: usize) -> Result<usize, ConfigError> {
        match height.trailing_zeros().min(width.trailing_zeros()) {
            0 => {
                let expected = "an even height and an even width, so that a level can halve them";
                Err(ConfigError::value("event", expected, format!("{height} x {width}")))
            }
            halvings => Ok(halvings.min(3) as usize),
        }
    }
}
