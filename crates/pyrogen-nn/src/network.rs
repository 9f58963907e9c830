//! A choice of network between events of any shape and vectors.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::config::count;
use pyrogen_core::{ConfigError, Noise, unflatten};
use serde::{Deserialize, Serialize};

use crate::conv::join;
use crate::{ConvConfig, ConvDecoder, ConvEncoder, Mlp, MlpConfig};

/// Which network reads and writes events.
///
/// In JSON `{"mlp": {"hidden": [256], "activation": "relu"}}` or
/// `{"conv": {"channels": [32, 64], "hidden": [256], "activation": "silu"}}`.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Network {
    /// Dense layers, for events of any shape.
    Mlp(MlpConfig),
    /// Convolutions, for events `[channels, height, width]`.
    Conv(ConvConfig),
}

impl Default for Network {
    fn default() -> Self {
        Self::Mlp(MlpConfig::default())
    }
}

impl Network {
    /// Checks the values for events of a shape; `field` is the path that an error names.
    ///
    /// # Errors
    /// Those of the chosen network, and convolutions for events that are not
    /// `[channels, height, width]`.
    pub fn validate(&self, field: &str, event: &[usize]) -> Result<(), ConfigError> {
        match self {
            Self::Mlp(mlp) => mlp.validate(&format!("{field}.mlp")),
            Self::Conv(conv) => match image(event) {
                Some(image) => conv.validate(&format!("{field}.conv"), image),
                None => Err(ConfigError::value(
                    field,
                    format!(
                        "`mlp` for examples of shape {event:?} (`conv` takes [channels, height, width])"
                    ),
                    "conv",
                )),
            },
        }
    }

    /// Checks the shape of a context that a [`decoder`](Self::decoder) of events is to read along;
    /// `field` is the path that an error names.
    ///
    /// # Errors
    /// A shape without elements; for convolutions one that is not of the events' height and width.
    pub fn validate_context(
        &self,
        field: &str,
        event: &[usize],
        context: &[usize],
    ) -> Result<(), ConfigError> {
        let got = format!("{context:?}");
        if context.is_empty() || context.contains(&0) {
            return Err(ConfigError::value(field, "a list of sizes, each at least 1", got));
        }
        match (self, context, event) {
            (Self::Mlp(_), ..) => Ok(()),
            (_, [_, h, w], [_, height, width]) if (h, w) == (height, width) => Ok(()),
            (Self::Conv(_), ..) => {
                let size = &event[event.len().saturating_sub(2)..];
                let expected = format!(
                    "[channels, {}] with `conv`, as the examples are (resize the contexts, or use \
                     `mlp`)",
                    size.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
                );
                Err(ConfigError::value(field, expected, got))
            }
        }
    }

    /// The shape of events with a context beside them, as an [`encoder`](Self::encoder) of both
    /// reads them: flat, the event first. Convolutions see the context as further channels.
    pub fn joined(&self, event: &[usize], context: Option<&[usize]>) -> Vec<usize> {
        match (self, context) {
            (_, None) => event.to_vec(),
            (Self::Mlp(_), Some(context)) => {
                vec![features(event).saturating_add(features(context))]
            }
            (Self::Conv(_), Some(context)) => {
                let [channels, height, width] = expect_image(event);
                vec![channels.saturating_add(expect_image(context)[0]), height, width]
            }
        }
    }

    /// The network from events, and `extra` further numbers, to `d_out` numbers.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails for this event.
    pub fn encoder(
        &self,
        event: &[usize],
        extra: usize,
        d_out: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> EventEncoder {
        match self {
            Self::Mlp(mlp) => {
                let d_in = event.iter().product::<usize>() + extra;
                EventEncoder::Mlp(mlp.init(d_in, d_out, noise, device))
            }
            Self::Conv(conv) => {
                let image = expect_image(event);
                EventEncoder::Conv(conv.encoder(image, extra, d_out, noise, device))
            }
        }
    }

    /// The network from `d_in` numbers, and a context where its shape is given, to `maps` numbers
    /// for every element of an event. Its layers mirror the encoder's. Dense layers read the
    /// context beside the numbers; how convolutions read it is said at [`ConvConfig::decoder`].
    ///
    /// # Panics
    /// If [`validate`](Self::validate) or [`validate_context`](Self::validate_context) fails.
    pub fn decoder(
        &self,
        d_in: usize,
        event: &[usize],
        maps: usize,
        context: Option<&[usize]>,
        noise: &mut Noise,
        device: &Device,
    ) -> EventDecoder {
        match self {
            Self::Mlp(mlp) => {
                let d_in = d_in + context.map_or(0, features);
                let d_out = event.iter().product::<usize>() * maps;
                EventDecoder::Mlp(mlp.mirrored().init(d_in, d_out, noise, device))
            }
            Self::Conv(conv) => {
                let [channels, height, width] = expect_image(event);
                let image = [channels * maps, height, width];
                let channels = context.map_or(0, |context| expect_image(context)[0]);
                EventDecoder::Conv(conv.decoder(d_in, image, channels, noise, device))
            }
        }
    }

    /// Number of parameters of the encoder; `usize::MAX` where it does not fit.
    ///
    /// # Panics
    /// As [`encoder`](Self::encoder).
    pub fn encoder_params(&self, event: &[usize], extra: usize, d_out: usize) -> usize {
        match self {
            Self::Mlp(mlp) => mlp.num_params(features(event).saturating_add(extra), d_out),
            Self::Conv(conv) => conv.encoder_params(expect_image(event), extra, d_out),
        }
    }

    /// Number of parameters of the decoder; `usize::MAX` where it does not fit.
    ///
    /// # Panics
    /// As [`decoder`](Self::decoder).
    pub fn decoder_params(
        &self,
        d_in: usize,
        event: &[usize],
        maps: usize,
        context: Option<&[usize]>,
    ) -> usize {
        match self {
            Self::Mlp(mlp) => {
                let d_in = d_in.saturating_add(context.map_or(0, features));
                mlp.mirrored().num_params(d_in, features(event).saturating_mul(maps))
            }
            Self::Conv(conv) => {
                let [channels, height, width] = expect_image(event);
                let image = [channels.saturating_mul(maps), height, width];
                conv.decoder_params(d_in, image, context.map_or(0, |c| expect_image(c)[0]))
            }
        }
    }
}

fn features(event: &[usize]) -> usize {
    count::product(event)
}

fn image(event: &[usize]) -> Option<[usize; 3]> {
    event.try_into().ok()
}

fn expect_image(event: &[usize]) -> [usize; 3] {
    image(event).unwrap_or_else(|| {
        panic!("Network: convolutions need events [channels, height, width], got {event:?}")
    })
}

/// A network from flat events to vectors; made by [`Network::encoder`].
#[derive(Module, Debug)]
pub enum EventEncoder {
    /// Dense layers.
    Mlp(Mlp),
    /// Convolutions.
    Conv(ConvEncoder),
}

impl EventEncoder {
    /// Reads flat events and, where the network was made for them, further numbers. Dense layers
    /// read both together; convolutions take the further numbers behind the last stage.
    ///
    /// # Shapes
    /// `x` is `[batch, features]`, `extra` `[batch, extra]`, the result `[batch, d_out]`.
    ///
    /// # Panics
    /// If a shape is another.
    pub fn forward(&self, x: Tensor<2>, extra: Option<Tensor<2>>) -> Tensor<2> {
        match self {
            Self::Mlp(mlp) => mlp.forward(join(x, extra)),
            Self::Conv(conv) => conv.forward(unflatten(x, &conv.image()), extra),
        }
    }
}

/// A network from vectors to flat events; made by [`Network::decoder`].
#[derive(Module, Debug)]
pub enum EventDecoder {
    /// Dense layers.
    Mlp(Mlp),
    /// Convolutions.
    Conv(ConvDecoder),
}

impl EventDecoder {
    /// Draws the maps of flat events: all of the first map, then all of the second, and so on;
    /// beside a flat context where the network was made for one.
    ///
    /// # Shapes
    /// `z` is `[batch, d_in]`, `context` `[batch, its features]`, the result
    /// `[batch, maps * features]`.
    ///
    /// # Panics
    /// If an input has another width, or the context is missing or not expected.
    pub fn forward(&self, z: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<2> {
        match self {
            Self::Mlp(mlp) => mlp.forward(join(z, context)),
            Self::Conv(conv) => {
                let context = context.map(|flat| unflatten(flat, &conv.context_shape()));
                conv.forward(z, context).flatten(1, 3)
            }
        }
    }
}
