//! The model: both players.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Condition, ConfigError, Noise, Seed};

use crate::dual::Dual;
use crate::given::Given;
use crate::networks::Output;
use crate::{Discriminator, GanConfig, Generator};

/// A generative adversarial network (Goodfellow et al. 2014): a generator makes examples of normal
/// numbers, a discriminator separates them from real ones, and each learns from the other.
///
/// ```text
/// z ~ N(0, 1)
/// x = generator(z, condition)
/// logit = discriminator(x, condition)     above 0 for real
/// ```
///
/// It has no likelihood. What it has instead: samples to compare with data, the discriminator's
/// logit, and how closely the generator can come to an example ([`Gan::invert`]).
#[derive(Module, Debug)]
pub struct Gan {
    pub(crate) generator: Generator,
    pub(crate) discriminator: Discriminator,
    #[module(skip)]
    config: GanConfig,
}

impl GanConfig {
    /// A model with initial weights from the seed. The same seed gives the same weights, byte for
    /// byte.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Gan, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("weights");
        let (plan, networks) = (self.plan(), &self.networks);
        Ok(Gan {
            generator: networks.generator(&plan, self.output, &mut noise.fork("generator"), device),
            discriminator: networks.discriminator(&plan, &mut noise.fork("discriminator"), device),
            config: self.clone(),
        })
    }
}

impl Gan {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &GanConfig {
        &self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }

    /// Flat examples of latents, in the units of the data.
    ///
    /// # Shapes
    /// `z` is `[batch, latents]`, the result `[batch, features]`.
    ///
    /// # Panics
    /// If `z` has another width, or the condition does not fit the model.
    pub fn generate(&self, z: Tensor<2>, condition: &Condition) -> Tensor<2> {
        let given = Given::new(self, condition, z.dims()[0]);
        self.shown(self.generator.forward(z, &given))
    }

    /// The discriminator's logits of flat examples in the units of the data: above 0 where it takes
    /// them for real. A patch discriminator has one a place.
    ///
    /// # Shapes
    /// `x` is `[batch, features]`, the result `[batch, places]`.
    ///
    /// # Panics
    /// If `x` has another width, or the condition does not fit the model.
    pub fn judge(&self, x: Tensor<2>, condition: &Condition) -> Tensor<2> {
        let ([rows, width], features) = (x.dims(), self.config.features());
        assert_eq!(
            width, features,
            "Gan: expected examples [batch, {features}], got [{rows}, {width}]"
        );
        let given = Given::new(self, condition, rows);
        self.discriminator.forward(Dual::plain(self.seen(x)), &given).logits.value
    }

    /// Examples as networks see them.
    pub(crate) fn seen(&self, x: Tensor<2>) -> Tensor<2> {
        match self.config.output {
            Output::Unit => x * 2.0 - 1.0,
            Output::Real => x,
        }
    }

    /// What networks make, in the units of the data.
    pub(crate) fn shown(&self, x: Tensor<2>) -> Tensor<2> {
        match self.config.output {
            Output::Unit => (x + 1.0) * 0.5,
            Output::Real => x,
        }
    }
}
