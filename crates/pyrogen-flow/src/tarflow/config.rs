//! What a TarFlow is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use serde::{Deserialize, Serialize};

use crate::Pixels;

/// Configuration of a [`TarFlow`](crate::TarFlow).
///
/// # Examples
/// ```
/// use pyrogen_flow::TarFlowConfig;
///
/// let config = TarFlowConfig { event: vec![3, 32, 32], patch: 4, ..TarFlowConfig::default() };
/// config.validate()?;
/// let config = TarFlowConfig { patch: 5, ..config };
/// let error = config.validate().unwrap_err().to_string();
/// assert!(error.contains("a divisor of 32 and 32"), "{error}");
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TarFlowConfig {
    /// Shape of one picture: `[channels, height, width]`.
    pub event: Vec<usize>,
    /// Side of a patch; it must divide height and width, and leave two patches at least.
    pub patch: usize,
    /// Flows, which read the patches in turn from the first to the last and from the last to the first.
    pub blocks: usize,
    /// Layers of each flow's transformer.
    pub layers: usize,
    /// Features of a place, a multiple of the heads.
    pub width: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Hidden features of a layer's dense part, in multiples of the width.
    pub expansion: usize,
    /// Number of classes, for a model that is conditioned on the class of a picture.
    pub classes: Option<usize>,
    /// How whole numbers become the real numbers that the flow takes.
    pub pixels: Pixels,
}

impl Default for TarFlowConfig {
    /// Grey pictures of 28 by 28 pixels.
    fn default() -> Self {
        Self {
            event: vec![1, 28, 28],
            patch: 2,
            blocks: 4,
            layers: 2,
            width: 64,
            heads: 4,
            expansion: 4,
            classes: None,
            pixels: Pixels::default(),
        }
    }
}

/// Patches up to which smaller ones are preferred.
const MANY: usize = 400;

/// Sides of patches that are tried for pictures.
const SIDES: std::ops::RangeInclusive<usize> = 2..=16;

impl TarFlowConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check::shape("event", &self.event)?;
        let &[_, height, width] = self.event.as_slice() else {
            let got = format!("{:?}", self.event);
            return Err(ConfigError::value("event", "[channels, height, width]", got));
        };
        let patch = self.patch;
        if patch == 0 || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            let expected = format!("a divisor of {height} and {width}");
            return Err(ConfigError::value("patch", expected, patch));
        }
        if self.tokens() < 2 {
            let expected = "smaller than the picture, which needs two patches at least: of one patch \
                            the flow is a normal distribution";
            return Err(ConfigError::value("patch", expected, patch));
        }
        check::layers("blocks", self.blocks)?;
        check::layers("layers", self.layers)?;
        check::widths("width", &[self.width])?;
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            let expected = format!("a divisor of the width, {}", self.width);
            return Err(ConfigError::value("heads", expected, self.heads));
        }
        check::layers("expansion", self.expansion)?;
        check::at_least_one("classes", self.classes.unwrap_or(1))?;
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
        let (w, d) = (self.width, self.token());
        let dense = |i: usize, o: usize| count::product(&[i.saturating_add(1), o]);
        let hidden = count::product(&[w, self.expansion]);
        let norm = count::product(&[2, w]);
        let attention = [norm, dense(w, count::product(&[3, w])), dense(w, w)];
        let feed = [norm, dense(w, hidden), dense(hidden, w)];
        let layer = count::sum(attention.into_iter().chain(feed));
        let read = [
            dense(d, w),
            count::product(&[self.classes.unwrap_or(1), w]),
            count::product(&[self.tokens(), w]),
            norm,
            dense(w, count::product(&[2, d])),
        ];
        let layers = count::product(&[layer, self.layers]);
        count::product(&[count::sum(read.into_iter().chain([layers])), self.blocks])
    }

    /// Number of elements of one picture; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// Patches of a picture.
    pub(crate) fn tokens(&self) -> usize {
        count::product(&[self.event[1] / self.patch, self.event[2] / self.patch])
    }

    /// Numbers of a patch.
    pub(crate) fn token(&self) -> usize {
        count::product(&[self.event[0], self.patch, self.patch])
    }

    /// The patches that suit pictures of these sides: the smallest of two pixels or more that leave at most
    /// 400 of them, else the largest; of one pixel where no side fits.
    pub fn patch_for(height: usize, width: usize) -> usize {
        let divides = |p: &usize| height.is_multiple_of(*p) && width.is_multiple_of(*p);
        let fits: Vec<usize> =
            SIDES.filter(divides).filter(|p| height / p * (width / p) >= 2).collect();
        let few = fits.iter().find(|p| height / **p * (width / **p) <= MANY);
        few.or(fits.last()).copied().unwrap_or(1)
    }
}
