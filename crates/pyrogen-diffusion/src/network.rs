//! The choice of network.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::config::count;
use pyrogen_core::{ConfigError, Noise, flatten};
use pyrogen_nn::{Dit, DitConfig, TimeEncoding, TimeMlp, TimeMlpConfig, UNet, UNetConfig};
use serde::{Deserialize, Serialize};

/// Which network reads a noisy example, its time and its class.
///
/// In JSON `{"u_net": {..}}`, `{"dit": {..}}` or `{"mlp": {..}}`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeNetwork {
    /// A U-Net, for events `[channels, height, width]`.
    UNet(UNetConfig),
    /// A diffusion transformer, for events `[channels, height, width]`.
    Dit(DitConfig),
    /// Dense layers, for events of any shape.
    Mlp(TimeMlpConfig),
}

impl Default for TimeNetwork {
    fn default() -> Self {
        Self::UNet(UNetConfig::default())
    }
}

impl TimeNetwork {
    /// Checks the values for events of a shape; `field` is the path that an error names.
    ///
    /// # Errors
    /// Those of the chosen network, and a network for pictures for events that are none.
    pub fn validate(&self, field: &str, event: &[usize]) -> Result<(), ConfigError> {
        let name = match self {
            Self::UNet(_) => "u_net",
            Self::Dit(_) => "dit",
            Self::Mlp(mlp) => return mlp.validate(&format!("{field}.mlp")),
        };
        let image: [usize; 3] = event.try_into().map_err(|_| {
            let expected = format!(
                "`mlp` for examples of shape {event:?} (`{name}` takes [channels, height, width])"
            );
            ConfigError::value(field, expected, name)
        })?;
        let field = format!("{field}.{name}");
        match self {
            Self::UNet(unet) => unet.validate(&field, image),
            Self::Dit(dit) => dit.validate(&field, image),
            Self::Mlp(_) => Ok(()),
        }
    }

    /// What enters and leaves: channels of pictures, elements of all else.
    fn ends(&self, event: &[usize], context: Option<&[usize]>) -> [usize; 2] {
        let size = |shape: &[usize]| match self {
            Self::Mlp(_) => count::product(shape),
            _ => shape[0],
        };
        [size(event).saturating_add(context.map_or(0, size)), size(event)]
    }

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub(crate) fn num_params(
        &self,
        event: &[usize],
        context: Option<&[usize]>,
        rows: Option<usize>,
    ) -> usize {
        let [d_in, d_out] = self.ends(event, context);
        match self {
            Self::UNet(unet) => unet.num_params(d_in, d_out, rows),
            Self::Dit(dit) => dit.num_params(d_in, d_out, rows),
            Self::Mlp(mlp) => mlp.num_params(d_in, d_out, rows),
        }
    }

    /// The network from events, and contexts beside them, to events, with `rows` rows for labels.
    pub(crate) fn init(
        &self,
        event: &[usize],
        context: Option<&[usize]>,
        rows: Option<usize>,
        noise: &mut Noise,
        device: &Device,
    ) -> EventNetwork {
        let [d_in, d_out] = self.ends(event, context);
        match self {
            Self::UNet(unet) => EventNetwork::UNet(unet.init(d_in, d_out, rows, noise, device)),
            Self::Dit(dit) => EventNetwork::Dit(dit.init(d_in, d_out, rows, noise, device)),
            Self::Mlp(mlp) => EventNetwork::Mlp(mlp.init(d_in, d_out, rows, noise, device)),
        }
    }

    /// The number that a time of one is given to the network as.
    pub(crate) fn time_unit(&self) -> f64 {
        let encoding = match self {
            Self::UNet(unet) => unet.time,
            Self::Dit(dit) => dit.time,
            Self::Mlp(mlp) => mlp.time,
        };
        match encoding {
            TimeEncoding::Fourier { .. } => 1.0,
            _ => 1000.0,
        }
    }
}

/// A network from noisy events to events; made from a [`TimeNetwork`].
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there is one of it a model
pub enum EventNetwork {
    /// A U-Net.
    UNet(UNet),
    /// A diffusion transformer.
    Dit(Dit),
    /// Dense layers.
    Mlp(TimeMlp),
}

impl EventNetwork {
    /// Reads flat events, contexts behind them, and gives flat events.
    ///
    /// # Shapes
    /// `x` is `[batch, features + context]`, `time` and `labels` are `[batch]`, the result is
    /// `[batch, features]`.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        event: &[usize],
        time: Tensor<1>,
        labels: Option<Tensor<1, Int>>,
    ) -> Tensor<2> {
        let picture = |x: Tensor<2>| {
            // Channels come first, so that channels behind each other are features behind each other.
            let [batch, features] = x.dims();
            let (height, width) = (event[1], event[2]);
            x.reshape([batch, features / (height * width), height, width])
        };
        match self {
            Self::UNet(unet) => flatten(unet.forward(picture(x), time, labels), event),
            Self::Dit(dit) => flatten(dit.forward(picture(x), time, labels), event),
            Self::Mlp(mlp) => mlp.forward(x, time, labels),
        }
    }
}
