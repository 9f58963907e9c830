//! The choice of network.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::{ConfigError, Noise, flatten, unflatten};
use pyrogen_nn::{
    Dit, DitConfig, TimeEncoding, TimeMlp, TimeMlpConfig, UNet, UNetConfig,
};
use serde::{Deserialize, Serialize};

/// Which network reads a noisy example, its time and its class.
///
/// In JSON `{"u_net": {..}}`, `{"dit": {..}}` or `{"mlp": {..}}`.
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

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub(crate) fn num_params(&self, event: &[usize], rows: Option<usize>) -> usize {
        match self {
            Self::UNet(unet) => unet.num_params(event[0], event[0], rows),
            Self::Dit(dit) => dit.num_params(event[0], event[0], rows),
            Self::Mlp(mlp) => {
                let features = event.iter().copied().fold(1, usize::saturating_mul);
                mlp.num_params(features, features, rows)
            }
        }
    }

    /// The network from events to events, with `rows` rows for labels.
    pub(crate) fn init(
        &self,
        event: &[usize],
        rows: Option<usize>,
        noise: &mut Noise,
        device: &Device,
    ) -> EventNetwork {
        match self {
            Self::UNet(unet) => {
                EventNetwork::UNet(unet.init(event[0], event[0], rows, noise, device))
            }
            Self::Dit(dit) => EventNetwork::Dit(dit.init(event[0], event[0], rows, noise, device)),
            Self::Mlp(mlp) => {
                let features = event.iter().product();
                EventNetwork::Mlp(mlp.init(features, features, rows, noise, device))
            }
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
pub enum EventNetwork {
    /// A U-Net.
    UNet(UNet),
    /// A diffusion transformer.
    Dit(Dit),
    /// Dense layers.
    Mlp(TimeMlp),
}

impl EventNetwork {
    /// Reads flat events.
    ///
    /// # Shapes
    /// `x` and the result are `[batch, features]`, `time` and `labels` `[batch]`.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        event: &[usize],
        time: Tensor<1>,
        labels: Option<Tensor<1, Int>>,
    ) -> Tensor<2> {
        match self {
            Self::UNet(unet) => flatten(unet.forward(unflatten(x, event), time, labels), event),
            Self::Dit(dit) => flatten(dit.forward(unflatten(x, event), time, labels), event),
            Self::Mlp(mlp) => mlp.forward(x, time, labels),
        }
    }
}
