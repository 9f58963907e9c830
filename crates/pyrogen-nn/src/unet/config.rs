//! What a U-Net is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use serde::{Deserialize, Serialize};

use crate::TimeEncoding;

/// Configuration of a [`UNet`](super::UNet).
///
/// With the defaults of the last four fields, the network is the `UNet2DModel` of the Python package
/// diffusers with blocks `DownBlock2D`, `AttnDownBlock2D` and their mirror images.
///
/// ```
/// use pyrogen_core::config;
/// use pyrogen_nn::UNetConfig;
///
/// let unet: UNetConfig = config::from_json(r#"{"channels": [32, 64], "attention": [1], "groups": 8}"#)?;
/// unet.validate("unet", [1, 28, 28])?;
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UNetConfig {
    /// Channels of each level, the full size first; each further level has half the size, rounded
    /// up.
    pub channels: Vec<usize>,
    /// Residual blocks of a level on the way down; on the way up there is one more.
    pub blocks: usize,
    /// Levels whose blocks are followed by attention, 0 for the full size.
    pub attention: Vec<usize>,
    /// Whether there is attention in the middle.
    pub middle_attention: bool,
    /// Features of an attention head, from which the number of heads follows; one head if not given.
    pub head_width: Option<usize>,
    /// Groups of the normalisations.
    pub groups: usize,
    /// What the normalisations add to a variance.
    pub epsilon: f64,
    /// How the time enters.
    pub time: TimeEncoding,
    /// What a block does with the time.
    pub modulation: Modulation,
    /// Where a halving looks.
    pub downsampling: Downsampling,
}

/// What a residual block does with the time's vector.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modulation {
    /// Adds it to the channels, before the second normalisation (Ho et al. 2020).
    #[default]
    Shift,
    /// Scales and shifts the channels, behind the second normalisation (Dhariwal and Nichol 2021,
    /// section 3, "adaptive group normalization").
    ScaleShift,
}

/// Where the windows of a halving lie.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Downsampling {
    /// Around every other place, with a border of zeros on all sides.
    #[default]
    Centred,
    /// From every other place on, with a border at the far sides alone, as the first models of this
    /// kind had it; sizes must divide.
    Corner,
}

impl Default for UNetConfig {
    /// A network for pictures of about 28x28.
    fn default() -> Self {
        Self {
            channels: vec![32, 64],
            blocks: 1,
            attention: vec![],
            middle_attention: true,
            head_width: None,
            groups: 8,
            epsilon: 1e-5,
            time: TimeEncoding::default(),
            modulation: Modulation::default(),
            downsampling: Downsampling::default(),
        }
    }
}

/// Vectors of the time are this many times as wide as the first level.
pub(super) const TIME: usize = 4;

impl UNetConfig {
    /// Checks the values for pictures of `[channels, height, width]`; `field` is the path that an
    /// error names.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self, field: &str, [_, height, width]: [usize; 3]) -> Result<(), ConfigError> {
        let at = |name: &str| format!("{field}.{name}");
        let refuse = |name: &str, expected: &str, got: String| {
            Err(ConfigError::value(at(name), expected, got))
        };
        let levels = self.channels.len();
        let most = height.max(width).max(1).next_power_of_two().ilog2() as usize + 1;
        if levels == 0 || levels > most {
            let expected = format!("a list of 1 to {most} levels for pictures of {height}x{width}");
            return refuse("channels", &expected, format!("{levels} levels"));
        }
        if self.groups == 0 {
            return refuse("groups", "at least 1", self.groups.to_string());
        }
        if self.channels.iter().any(|c| *c == 0 || !c.is_multiple_of(self.groups)) {
            let expected = format!("multiples of `groups`, {}", self.groups);
            return refuse("channels", &expected, format!("{:?}", self.channels));
        }
        check::widths(&at("channels"), &self.channels)?;
        check::layers(&at("blocks"), self.blocks)?;
        if let Some(level) = self.attention.iter().find(|&&level| level >= levels) {
            let expected = format!("a list of levels, 0 to {}", levels - 1);
            return refuse("attention", &expected, level.to_string());
        }
        if let Some(head) = self.head_width {
            let heads = |level: usize| head > 0 && self.channels[level].is_multiple_of(head);
            if !self.with_attention().all(heads) {
                let expected = format!("a divisor of channels with attention, {:?}", self.channels);
                return refuse("head_width", &expected, head.to_string());
            }
        }
        if !(self.epsilon.is_finite() && self.epsilon > 0.0) {
            return refuse("epsilon", "a positive number", self.epsilon.to_string());
        }
        let part = 1 << (levels - 1);
        let divides = height.is_multiple_of(part) && width.is_multiple_of(part);
        if self.downsampling == Downsampling::Corner && !divides {
            let expected = format!("`centred` for pictures of {height}x{width}");
            return refuse("downsampling", &expected, "corner".into());
        }
        self.time.validate(&at("time"))
    }

    /// The levels at which there is attention somewhere.
    fn with_attention(&self) -> impl Iterator<Item = usize> {
        let middle = self.middle_attention.then(|| self.channels.len() - 1);
        self.attention.iter().copied().chain(middle)
    }

    /// Width of the time's vectors.
    pub(super) fn time_width(&self) -> usize {
        self.channels[0].saturating_mul(TIME)
    }

    /// Channels that enter and leave the blocks of a level on the way up, the first block first.
    pub(super) fn up_channels(&self, level: usize) -> Vec<(usize, usize)> {
        let own = self.channels[level];
        let below = self.channels[(level + 1).min(self.channels.len() - 1)];
        let above = self.channels[level.saturating_sub(1)];
        (0..=self.blocks)
            .map(|i| {
                let x = if i == 0 { below } else { own };
                let skip = if i == self.blocks { above } else { own };
                (x.saturating_add(skip), own)
            })
            .collect()
    }

    /// Channels that enter and leave the blocks of a level on the way down.
    pub(super) fn down_channels(&self, level: usize) -> Vec<(usize, usize)> {
        let own = self.channels[level];
        let above = self.channels[level.saturating_sub(1)];
        (0..self.blocks).map(|i| (if i == 0 { above } else { own }, own)).collect()
    }

    /// Number of parameters from `d_in` channels to `d_out`, with a row for each class;
    /// `usize::MAX` where it does not fit.
    ///
    /// # Panics
    /// If there is no level.
    pub fn num_params(&self, d_in: usize, d_out: usize, classes: Option<usize>) -> usize {
        let first = self.channels[0];
        let time = self.time_width();
        let attention = |on: bool, count: usize, c: usize| {
            if on { count.saturating_mul(attention_params(c)) } else { 0 }
        };
        let mut all = vec![
            conv_params(d_in, first, 3),
            crate::TimeEmbedding::num_params_of(first, time, classes),
            first.saturating_mul(2),
            conv_params(first, d_out, 3),
        ];
        let last = self.channels.len() - 1;
        for (level, &c) in self.channels.iter().enumerate() {
            let on = self.attention.contains(&level);
            let (down, up) = (self.down_channels(level), self.up_channels(level));
            all.push(attention(on, down.len() + up.len(), c));
            all.extend(down.iter().chain(&up).map(|&(i, o)| self.block_params(i, o)));
            all.push(if level < last { conv_params(c, c, 3) } else { 0 });
            all.push(if level > 0 { conv_params(c, c, 3) } else { 0 });
        }
        let c = self.channels[last];
        all.extend([self.block_params(c, c); 2]);
        all.push(attention(self.middle_attention, 1, c));
        count::sum(all)
    }

    fn block_params(&self, d_in: usize, d_out: usize) -> usize {
        let shortcut = if d_in == d_out { 0 } else { conv_params(d_in, d_out, 1) };
        let maps = match self.modulation {
            Modulation::Shift => d_out,
            Modulation::ScaleShift => d_out.saturating_mul(2),
        };
        let time = self.time_width().saturating_add(1).saturating_mul(maps);
        let norms = d_in.saturating_add(d_out).saturating_mul(2);
        [conv_params(d_in, d_out, 3), conv_params(d_out, d_out, 3), shortcut, time, norms]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

fn conv_params(d_in: usize, d_out: usize, side: usize) -> usize {
    d_in.saturating_mul(side * side).saturating_add(1).saturating_mul(d_out)
}

fn attention_params(c: usize) -> usize {
    c.saturating_add(1).saturating_mul(c).saturating_mul(4).saturating_add(c.saturating_mul(2))
}
