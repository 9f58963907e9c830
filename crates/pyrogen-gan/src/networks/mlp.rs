//! Dense layers.

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::{ConfigError, Noise};
use pyrogen_nn::{Activation, Mlp, MlpConfig};
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::dual::Dual;
use crate::given::Given;
use crate::head::{Head, HeadConfig, Verdict};
use crate::layers::{Dense, Held};
use pyrogen_core::config::check::widths;
use pyrogen_core::config::count::sum;

/// Two networks of dense layers. The generator reads latents, classes (one-hot) and contexts side by
/// side; the discriminator reads the example and the context, and reads the class at its end.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpPair {
    /// Between latents and example.
    pub generator: MlpConfig,
    /// Between example and the last layer.
    pub discriminator: MlpConfig,
}

impl Default for MlpPair {
    fn default() -> Self {
        let layers = |activation| MlpConfig { hidden: vec![128, 128], activation };
        Self {
            generator: layers(Activation::Relu),
            discriminator: layers(Activation::LeakyRelu { slope: 0.2 }),
        }
    }
}

impl MlpPair {
    pub(super) fn validate(&self, field: &str) -> Result<(), ConfigError> {
        self.generator.validate(&format!("{field}.generator"))?;
        let at = format!("{field}.discriminator");
        self.discriminator.validate(&at)?;
        widths(&format!("{at}.hidden"), &self.discriminator.hidden)
    }

    fn generator_width(plan: &Plan) -> usize {
        sum([plan.latents, plan.classes, plan.context_features()])
    }

    /// Widths from the discriminator's input to its last hidden layer.
    fn seen(&self, plan: &Plan) -> Vec<usize> {
        let first = plan.features().saturating_add(plan.context_features());
        [&[first], self.discriminator.hidden.as_slice()].concat()
    }

    fn head(&self, plan: &Plan) -> HeadConfig {
        let last = self.discriminator.hidden.last().copied().unwrap_or(0);
        HeadConfig { maps: [last, 1, 1], pooled: false, ..plan.head }
    }

    fn held(plan: &Plan) -> Held {
        Held { spectral: plan.head.spectral, bias: true }
    }

    pub(super) fn generator_params(&self, plan: &Plan) -> usize {
        self.generator.num_params(Self::generator_width(plan), plan.features())
    }

    pub(super) fn discriminator_params(&self, plan: &Plan) -> usize {
        let seen = self.seen(plan);
        let layers = seen.windows(2).map(|w| Dense::num_params([w[0], w[1]], Self::held(plan)));
        sum(layers).saturating_add(self.head(plan).num_params())
    }

    pub(super) fn generator(&self, plan: &Plan, noise: &mut Noise, device: &Device) -> Mlp {
        self.generator.init(Self::generator_width(plan), plan.features(), noise, device)
    }

    pub(super) fn discriminator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> MlpDiscriminator {
        let seen = self.seen(plan);
        let layer = |w: &[usize]| Dense::new([w[0], w[1]], Self::held(plan), noise, device);
        MlpDiscriminator {
            layers: seen.windows(2).map(layer).collect(),
            head: self.head(plan).init(noise, device),
            activation: self.discriminator.activation,
        }
    }
}

/// Dense layers with an activation after each, then the head.
#[derive(Module, Debug)]
pub(super) struct MlpDiscriminator {
    layers: Vec<Dense>,
    head: Head,
    #[module(skip)]
    activation: Activation,
}

impl MlpDiscriminator {
    pub fn forward(&self, x: Dual<2>, given: &Given) -> Verdict {
        let layers = self.layers.iter();
        let x = layers
            .fold(given.context_behind(x), |x, layer| layer.forward(x).activate(&self.activation));
        let [batch, width] = x.value.dims();
        self.head.forward(x.linear(|x| x.reshape([batch, width, 1, 1])), given)
    }

    pub fn iterate(mut self) -> Self {
        self.layers = self.layers.into_iter().map(Dense::iterate).collect();
        self.head = self.head.iterate();
        self
    }
}
