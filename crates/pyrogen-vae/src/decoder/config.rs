//! The choice of decoder.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use pyrogen_core::config::count;
use pyrogen_core::{ConfigError, init};
use serde::{Deserialize, Serialize};

use pyrogen_core::config::check::{at_least_one, positive};

/// The distribution `p(x | z)` of an example given its latents, independent over its elements where
/// nothing else is said.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Decoder {
    /// Normal, for real numbers.
    Gaussian {
        /// Its standard deviation.
        scale: Scale,
    },
    /// Bernoulli, for zeros and ones.
    Bernoulli,
    /// Discretised logistic, for grey values `k / (levels - 1)` in `[0, 1]`.
    DiscretisedLogistic {
        /// Number of grey values.
        levels: usize,
        /// Scale of the logistic law.
        scale: Scale,
    },
    /// A mixture of discretised logistics for each element, with weights, locations and scales
    /// that the network predicts (Salimans et al. 2017, section 2.1). Each element has a mixture
    /// of its own: given the latents, the channels of a pixel are independent.
    LogisticMixture {
        /// Number of grey values.
        levels: usize,
        /// Number of logistics in a mixture.
        components: usize,
    },
    /// The same for pictures of red, green and blue, with a mixture for each pixel: its channels
    /// come from one component, green depends on red and blue on both, linearly and with
    /// coefficients that the network predicts (Salimans et al. 2017, section 2.2). Events are
    /// `[3, height, width]`.
    ColourMixture {
        /// Number of values of a channel.
        levels: usize,
        /// Number of components of a mixture.
        components: usize,
    },
    /// A probability for each of few grey values `k / (levels - 1)` in `[0, 1]`, without any
    /// order among them (van den Oord et al. 2016, section 2.2).
    Categorical {
        /// Number of grey values.
        levels: usize,
    },
    /// Tables of numbers and categories: a normal law with a learned scale for each number, a
    /// categorical law for each block of indicators, both for a number with spikes.
    Columns {
        /// What the features hold, in their order.
        columns: Vec<Column>,
        /// Whether each column depends on those before it as well, and not on the latents alone: by a
        /// weight for each pair of features (see
        /// [`ColumnsDistribution::autoregressive`](crate::ColumnsDistribution::autoregressive)).
        #[serde(default)]
        autoregressive: bool,
    },
}

/// What one column of a prepared table holds.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Column {
    /// One feature: a real number.
    Number,
    /// So many features: indicators, of which one is 1 and the others are 0.
    Category(usize),
    /// So many features and two, for a number with values that occur often: indicators of these
    /// values and of none of them, then the number, which is 0 unless it is none of them.
    Spiked(usize),
}

impl Column {
    /// Number of features.
    pub fn width(&self) -> usize {
        match self {
            Self::Number => 1,
            Self::Category(categories) => *categories,
            Self::Spiked(spikes) => spikes.saturating_add(2),
        }
    }

    /// Whether it holds a number, as its last feature.
    pub(crate) fn has_number(&self) -> bool {
        !matches!(self, Self::Category(_))
    }
}

/// Where the spread of the decoder's distribution comes from: the standard deviation of a
/// Gaussian, the scale of a logistic law, in the units of the data.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scale {
    /// A constant.
    Fixed(f64),
    /// One learned number for all elements (Rybkin et al. 2021, eq. 4).
    Shared,
    /// One learned number for each element of the event.
    PerFeature,
    /// Predicted by the decoder for each element of each example (Kingma and Welling 2014,
    /// appendix C.2).
    Predicted,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::DiscretisedLogistic { levels: 17, scale: Scale::Predicted }
    }
}

/// More grey values than 16 bits have are a mistake.
const MOST_LEVELS: usize = 65536;
/// A probability for each grey value takes a map of the network each.
const MOST_CATEGORIES: usize = 256;

impl Decoder {
    /// The scale, where the distribution has one that can be chosen.
    pub fn scale(&self) -> Option<&Scale> {
        match self {
            Self::Gaussian { scale } | Self::DiscretisedLogistic { scale, .. } => Some(scale),
            _ => None,
        }
    }

    /// Whether a likelihood is a density: of real numbers, or of rows that hold some.
    pub fn is_density(&self) -> bool {
        match self {
            Self::Gaussian { .. } => true,
            Self::Columns { columns, .. } => columns.iter().any(Column::has_number),
            _ => false,
        }
    }

    /// Whether examples are within `[0, 1]`.
    pub(crate) fn is_unit(&self) -> bool {
        !matches!(self, Self::Gaussian { .. } | Self::Columns { .. })
    }

    /// What the network draws for events of a shape: so many maps of this shape.
    pub(crate) fn drawn(&self, event: &[usize]) -> (Vec<usize>, usize) {
        let maps = match self {
            Self::LogisticMixture { components, .. } => components.saturating_mul(3),
            Self::ColourMixture { components, .. } => {
                // Of each pixel: a weight, and three means, scales and coefficients.
                let pixels = [&[1], event.get(1..).unwrap_or_default()].concat();
                return (pixels, components.saturating_mul(10));
            }
            Self::Categorical { levels } => *levels,
            _ => 1 + usize::from(self.scale() == Some(&Scale::Predicted)),
        };
        (event.to_vec(), maps)
    }

    /// Number of learned scales that belong to the model and not to an example.
    pub(crate) fn learned_scales(&self, features: usize) -> usize {
        match self {
            Self::Columns { columns, .. } => columns.iter().filter(|c| c.has_number()).count(),
            _ => match self.scale() {
                Some(Scale::Shared) => 1,
                Some(Scale::PerFeature) => features,
                _ => 0,
            },
        }
    }

    /// Number of weights between features, which belong to the model and not to an example.
    pub(crate) fn between_params(&self, features: usize) -> usize {
        match self {
            Self::Columns { autoregressive: true, .. } => features.saturating_mul(features),
            _ => 0,
        }
    }

    /// The weights between features, where the decoder has some: at first there is no dependence.
    pub(crate) fn between(&self, features: usize, device: &Device) -> Option<Param<Tensor<2>>> {
        (self.between_params(features) > 0)
            .then(|| init::constant([features, features], 0.0, device))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Gaussian { .. } => "gaussian",
            Self::Bernoulli => "bernoulli",
            Self::DiscretisedLogistic { .. } => "discretised_logistic",
            Self::LogisticMixture { .. } => "logistic_mixture",
            Self::ColourMixture { .. } => "colour_mixture",
            Self::Categorical { .. } => "categorical",
            Self::Columns { .. } => "columns",
        }
    }

    /// Checks the values for events of a shape; `field` is the path that an error names.
    pub(crate) fn validate(&self, field: &str, event: &[usize]) -> Result<(), ConfigError> {
        let field = format!("{field}.{}", self.name());
        if let Some(Scale::Fixed(value)) = self.scale() {
            positive(&format!("{field}.scale.fixed"), *value)?;
        }
        let levels_within = |levels: usize, most: usize| match (2..=most).contains(&levels) {
            true => Ok(()),
            false => {
                let expected = format!("from 2 to {most}");
                Err(ConfigError::value(format!("{field}.levels"), expected, levels))
            }
        };
        match self {
            Self::DiscretisedLogistic { levels, .. } => levels_within(*levels, MOST_LEVELS),
            Self::ColourMixture { .. } if event.len() != 3 || event[0] != 3 => {
                let expected = "used with events [3, height, width]";
                Err(ConfigError::value(field, expected, format!("{event:?}")))
            }
            Self::LogisticMixture { levels, components }
            | Self::ColourMixture { levels, components } => {
                levels_within(*levels, MOST_LEVELS)?;
                at_least_one(&format!("{field}.components"), *components)
            }
            Self::Categorical { levels } => levels_within(*levels, MOST_CATEGORIES),
            Self::Columns { columns, .. } => {
                let features = count::product(event);
                check_columns(&format!("{field}.columns"), columns, features)
            }
            Self::Gaussian { .. } | Self::Bernoulli => Ok(()),
        }
    }
}

fn check_columns(field: &str, columns: &[Column], features: usize) -> Result<(), ConfigError> {
    if columns.iter().any(|c| c.width() == 0) {
        return Err(ConfigError::value(field, "categories of at least 1 value", "0"));
    }
    let width = count::sum(columns.iter().map(Column::width));
    if width != features {
        let expected = format!("columns of {features} features together, as `event` has");
        return Err(ConfigError::value(field, expected, width));
    }
    Ok(())
}
