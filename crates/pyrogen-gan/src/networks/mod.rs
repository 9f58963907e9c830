//! The networks of both players.

mod dcgan;
mod mlp;
mod output;
mod resnet;
mod unet;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::{ConfigError, Noise, unflatten};
use pyrogen_nn::Mlp;
use serde::{Deserialize, Serialize};

pub use dcgan::DcganConfig;
pub use mlp::MlpPair;
pub use output::Output;
pub use resnet::ResnetConfig;
pub use unet::UnetConfig;

use crate::dual::Dual;
use crate::given::Given;
use crate::head::{HeadConfig, Verdict};
use dcgan::{DcganDiscriminator, DcganGenerator};
use mlp::MlpDiscriminator;
use resnet::{ResnetDiscriminator, ResnetGenerator};
use unet::{PatchDiscriminator, UnetGenerator};

/// Which networks play.
///
/// In JSON `{"dcgan": {"channels": [32, 64], "norm": false}}`,
/// `{"mlp": {"generator": {..}, "discriminator": {..}}}`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Networks {
    /// Dense layers, for examples of any shape.
    Mlp(MlpPair),
    /// Strided convolutions, for pictures.
    Dcgan(DcganConfig),
    /// Residual blocks, for pictures.
    Resnet(ResnetConfig),
    /// From a picture to a picture.
    Unet(UnetConfig),
}

impl Default for Networks {
    fn default() -> Self {
        Self::Dcgan(DcganConfig::default())
    }
}

/// What networks are made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub event: &'a [usize],
    pub context: Option<&'a [usize]>,
    pub latents: usize,
    pub classes: usize,
    /// The discriminator's end; `maps` and `pooled` are the network's to say.
    pub head: HeadConfig,
}

impl Plan<'_> {
    /// Numbers of one example.
    pub fn features(&self) -> usize {
        pyrogen_core::config::count::product(self.event)
    }

    /// Numbers of one context.
    pub fn context_features(&self) -> usize {
        self.context.map_or(0, pyrogen_core::config::count::product)
    }
}

impl Networks {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mlp(_) => "mlp",
            Self::Dcgan(_) => "dcgan",
            Self::Resnet(_) => "resnet",
            Self::Unet(_) => "unet",
        }
    }

    /// Checks the values for examples of a shape, and contexts where there are any; `field` is the
    /// path that an error names.
    ///
    /// # Errors
    /// Those of the chosen networks; examples or contexts that they cannot make or read.
    pub fn validate(
        &self,
        field: &str,
        event: &[usize],
        context: Option<&[usize]>,
    ) -> Result<(), ConfigError> {
        let at = format!("{field}.{}", self.name());
        if let (Self::Dcgan(_) | Self::Resnet(_), Some(context)) = (self, context) {
            let expected = format!("left out with `{}` (`unet` and `mlp` read one)", self.name());
            return Err(ConfigError::value("context", expected, format!("{context:?}")));
        }
        match self {
            Self::Mlp(mlp) => mlp.validate(&at),
            Self::Dcgan(dcgan) => dcgan.validate(&at, image(field, self.name(), event)?),
            Self::Resnet(resnet) => resnet.validate(&at, image(field, self.name(), event)?),
            Self::Unet(unet) => unet.validate(&at, image(field, self.name(), event)?, context),
        }
    }

    /// Whether the generator normalises over the batch.
    pub(crate) fn generator_normalises(&self) -> bool {
        matches!(self, Self::Dcgan(_) | Self::Resnet(_))
    }

    /// Whether the discriminator normalises over the batch.
    pub(crate) fn discriminator_normalises(&self) -> bool {
        matches!(self, Self::Dcgan(dcgan) if dcgan.norm)
    }

    pub(crate) fn generator_params(&self, plan: &Plan) -> usize {
        match self {
            Self::Mlp(mlp) => mlp.generator_params(plan),
            Self::Dcgan(dcgan) => dcgan.generator_params(plan),
            Self::Resnet(resnet) => resnet.generator_params(plan),
            Self::Unet(unet) => unet.generator_params(plan),
        }
    }

    pub(crate) fn discriminator_params(&self, plan: &Plan) -> usize {
        match self {
            Self::Mlp(mlp) => mlp.discriminator_params(plan),
            Self::Dcgan(dcgan) => dcgan.discriminator_params(plan),
            Self::Resnet(resnet) => resnet.discriminator_params(plan),
            Self::Unet(unet) => unet.discriminator_params(plan),
        }
    }

    pub(crate) fn generator(
        &self,
        plan: &Plan,
        output: Output,
        noise: &mut Noise,
        device: &Device,
    ) -> Generator {
        let net = match self {
            Self::Mlp(mlp) => GeneratorNet::Mlp(mlp.generator(plan, noise, device)),
            Self::Dcgan(dcgan) => GeneratorNet::Dcgan(dcgan.generator(plan, noise, device)),
            Self::Resnet(resnet) => GeneratorNet::Resnet(resnet.generator(plan, noise, device)),
            Self::Unet(unet) => GeneratorNet::Unet(unet.generator(plan, noise, device)),
        };
        Generator { net, output, latents: plan.latents }
    }

    pub(crate) fn discriminator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> Discriminator {
        let net = match self {
            Self::Mlp(mlp) => DiscriminatorNet::Mlp(mlp.discriminator(plan, noise, device)),
            Self::Dcgan(dcgan) => DiscriminatorNet::Dcgan(dcgan.discriminator(plan, noise, device)),
            Self::Resnet(resnet) => {
                DiscriminatorNet::Resnet(resnet.discriminator(plan, noise, device))
            }
            Self::Unet(unet) => DiscriminatorNet::Patch(unet.discriminator(plan, noise, device)),
        };
        Discriminator { net, event: plan.event.to_vec() }
    }
}

/// Channels, height and width.
fn image(field: &str, name: &str, event: &[usize]) -> Result<[usize; 3], ConfigError> {
    event.try_into().map_err(|_| {
        let expected = format!(
            "`mlp` for examples of shape {event:?} (`{name}` takes [channels, height, width])"
        );
        ConfigError::value(field, expected, name)
    })
}

/// The same of an event that was checked.
fn checked_image(event: &[usize]) -> [usize; 3] {
    event.try_into().unwrap_or_else(|_| panic!("Networks: expected a picture, got {event:?}"))
}

/// Latents to examples.
#[derive(Module, Debug)]
pub struct Generator {
    net: GeneratorNet,
    #[module(skip)]
    output: Output,
    #[module(skip)]
    latents: usize,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a model has one
enum GeneratorNet {
    Mlp(Mlp),
    Dcgan(DcganGenerator),
    Resnet(ResnetGenerator),
    Unet(UnetGenerator),
}

impl Generator {
    /// `[batch, latents]` to flat examples as the discriminator sees them.
    ///
    /// # Panics
    /// If `z` has another width.
    pub(crate) fn forward(&self, z: Tensor<2>, given: &Given) -> Tensor<2> {
        let ([rows, width], latents) = (z.dims(), self.latents);
        assert_eq!(
            width, latents,
            "Gan: expected latents [batch, {latents}], got [{rows}, {width}]"
        );
        let x = match &self.net {
            GeneratorNet::Mlp(net) => net.forward(given.behind(z)),
            GeneratorNet::Dcgan(net) => net.forward(z, given).flatten(1, 3),
            GeneratorNet::Resnet(net) => net.forward(z, given).flatten(1, 3),
            GeneratorNet::Unet(net) => net.forward(z, given).flatten(1, 3),
        };
        match self.output {
            Output::Unit => pyrogen_nn::ops::tanh(x),
            Output::Real => x,
        }
    }
}

/// Examples to a verdict.
#[derive(Module, Debug)]
pub struct Discriminator {
    net: DiscriminatorNet,
    #[module(skip)]
    event: Vec<usize>,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a model has one
enum DiscriminatorNet {
    Mlp(MlpDiscriminator),
    Dcgan(DcganDiscriminator),
    Resnet(ResnetDiscriminator),
    Patch(PatchDiscriminator),
}

impl Discriminator {
    /// `x` is flat, `[batch, features]`.
    pub(crate) fn forward(&self, x: Dual<2>, given: &Given) -> Verdict {
        let picture = |x: Dual<2>| x.linear(|x| unflatten::<4>(x, &self.event));
        match &self.net {
            DiscriminatorNet::Mlp(net) => net.forward(x, given),
            DiscriminatorNet::Dcgan(net) => net.forward(picture(x), given),
            DiscriminatorNet::Resnet(net) => net.forward(picture(x), given),
            DiscriminatorNet::Patch(net) => net.forward(picture(x), given),
        }
    }

    /// After one more step of the power iteration.
    pub(crate) fn iterate(mut self) -> Self {
        self.net = match self.net {
            DiscriminatorNet::Mlp(net) => DiscriminatorNet::Mlp(net.iterate()),
            DiscriminatorNet::Dcgan(net) => DiscriminatorNet::Dcgan(net.iterate()),
            DiscriminatorNet::Resnet(net) => DiscriminatorNet::Resnet(net.iterate()),
            DiscriminatorNet::Patch(net) => DiscriminatorNet::Patch(net.iterate()),
        };
        self
    }
}
