//! The model: an encoder, a decoder, and the way between them.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::distribution::{Distribution, Independent, Moments, Normal, Reparameterized};
use pyrogen_core::{Condition, ConfigError, Noise, Posterior, Seed, init};
use pyrogen_nn::{EventDecoder, EventEncoder, Mlp, soft_bound};

use crate::condition::Given;
use crate::numerics::spread;
use crate::{DecoderDistribution, VaeConfig};

/// Posterior log-variances stay within this distance of 0, smoothly: standard deviations between
/// 5.5e-4 and 1.8e3.
pub(crate) const LOG_VAR_LIMIT: f64 = 15.0;

/// A variational autoencoder (Kingma and Welling 2014; Rezende et al. 2014).
///
/// ```text
/// z ~ N(0, 1), or a mixture                 prior
/// x | z ~ decoder                           likelihood
/// z | x ~ N(mean(x), exp(log_var(x)))       approximate posterior
/// ```
///
/// Given classes, both networks also read the class of the example, one-hot; given contexts, they
/// also read a picture or a vector that belongs to the example. The model is then of
/// `p(x | class, context)` (Sohn, Lee and Yan 2015, in the variant that they allow whose latents do
/// not depend on the condition).
///
/// # Numerics
/// The posterior's log-variance is `15 tanh(raw / 15)`; log-scales of the decoder are
/// `10 tanh((raw - 1) / 10)` where the network predicts them and `10 tanh((10 raw - 1) / 10)` where
/// they are the model's own: smooth limits that keep variances in f32. NaN passes through.
#[derive(Module, Debug)]
pub struct Vae {
    pub(crate) encoder: EventEncoder,
    pub(crate) decoder: EventDecoder,
    pub(crate) log_scale: Option<Param<Tensor<1>>>,
    pub(crate) between: Option<Param<Tensor<2>>>,
    pub(crate) pseudo_inputs: Option<Param<Tensor<2>>>,
    pub(crate) discriminator: Option<Mlp>,
    #[module(skip)]
    config: VaeConfig,
}

impl VaeConfig {
    /// A model with initial weights from the seed. The same seed gives the same weights, byte for
    /// byte.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Vae, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("weights");
        let (classes, context) = (self.classes.unwrap_or(0), self.context.as_deref());
        let encoder = self.network.encoder(
            &self.network.joined(&self.event, context),
            classes,
            self.posterior_width(),
            &mut noise.fork("encoder"),
            device,
        );
        let (drawn, maps) = self.decoder.drawn(&self.event);
        let decoder = self.network.decoder(
            self.latents + classes,
            &drawn,
            maps,
            context,
            &mut noise.fork("decoder"),
            device,
        );
        let features = self.features();
        let scales = self.decoder.learned_scales(features);
        let pseudo = self.prior.pseudo_inputs();
        let discriminator = self.objective.discriminator();
        Ok(Vae {
            encoder,
            decoder,
            log_scale: (scales > 0).then(|| init::constant([scales], 0.0, device)),
            between: self.decoder.between(features, device),
            pseudo_inputs: (pseudo > 0).then(|| {
                let noise = &mut noise.fork("pseudo_inputs");
                let uniform = noise.uniform([pseudo, features], device);
                Param::from_tensor(uniform)
            }),
            discriminator: discriminator
                .map(|mlp| mlp.init(self.latents, 1, &mut noise.fork("discriminator"), device)),
            config: self.clone(),
        })
    }
}

impl Vae {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }

    /// The approximate posterior `q(z | x)` of flat examples; a point where the encoder is
    /// deterministic.
    ///
    /// # Shapes
    /// `x` is `[batch, features]`, the posterior over `[batch, latents]`.
    ///
    /// # Panics
    /// If `x` has another width, or the condition does not fit the model.
    pub fn posterior(&self, x: Tensor<2>, condition: &Condition) -> Posterior {
        let given = Given::new(self, condition, x.dims()[0]);
        self.posterior_given(x, &given)
    }

    /// The distribution `p(x | z)` of flat examples.
    ///
    /// # Shapes
    /// `z` is `[batch, latents]`, the distribution over `[batch, features]`.
    ///
    /// # Panics
    /// If `z` has another width, or the condition does not fit the model.
    pub fn likelihood(&self, z: Tensor<2>, condition: &Condition) -> DecoderDistribution {
        let given = Given::new(self, condition, z.dims()[0]);
        self.likelihood_given(z, &given)
    }

    pub(crate) fn posterior_given(&self, x: Tensor<2>, given: &Given) -> Posterior {
        let [rows, width] = x.dims();
        let features = self.config.features();
        assert_eq!(
            width, features,
            "Vae: expected examples [batch, {features}], got [{rows}, {width}]"
        );
        let latents = self.config.latents;
        let output = self.encoder.forward(given.beside_example(x), given.classes());
        if self.config.objective.is_deterministic() {
            return Posterior::Point(output);
        }
        let mean = output.clone().slice([0..rows, 0..latents]);
        let log_var = output.slice([0..rows, latents..2 * latents]);
        let normal = Normal::new(mean, soft_bound(log_var, LOG_VAR_LIMIT));
        Posterior::Gaussian(Independent::new(normal))
    }

    pub(crate) fn likelihood_given(&self, z: Tensor<2>, given: &Given) -> DecoderDistribution {
        let [rows, width] = z.dims();
        let latents = self.config.latents;
        assert_eq!(
            width, latents,
            "Vae: expected latents [batch, {latents}], got [{rows}, {width}]"
        );
        DecoderDistribution::new(
            &self.config.decoder,
            self.config.features(),
            self.decoder.forward(given.beside_latents(z), given.context()),
            self.log_scale.as_ref().map(Param::val),
            self.between.as_ref().map(Param::val),
        )
    }

    /// The log-densities of the examples given their points; nothing is drawn.
    pub(crate) fn decode_points(&self, x: Tensor<2>, points: Tensor<2>, given: &Given) -> Points {
        let log_px = self.likelihood_given(points.clone(), given).log_prob(x);
        Points { log_px: log_px.unsqueeze_dim(1), z: points }
    }

    /// Latent draws, their log-densities, and those of the examples given them.
    pub(crate) fn decode_draws(
        &self,
        x: Tensor<2>,
        posterior: &Independent<Normal<2>>,
        given: &Given,
        epsilon: Tensor<3>,
    ) -> Drawn {
        let [rows, draws, latents] = epsilon.dims();
        let normal = posterior.base();
        let q = Normal::new(spread(normal.mean(), draws), spread(normal.log_var(), draws));
        let epsilon = epsilon.reshape([rows * draws, latents]);
        let z = q.reparameterize(epsilon.clone());
        let decoded = self.likelihood_given(z.clone(), &given.spread(draws));
        let log_px = decoded.log_prob(spread(x, draws));
        let log_ratio = match self.pseudo_inputs {
            None => prior_over_posterior(z.clone(), epsilon, q.log_var()),
            Some(_) => {
                let log_q = Independent::new(q).log_prob(z.clone());
                (self.prior_log_prob(z.clone()) - log_q).unsqueeze_dim(1)
            }
        };
        Drawn {
            points: Points { z, log_px: log_px.reshape([rows, draws]) },
            log_ratio: log_ratio.reshape([rows, draws]),
        }
    }
}

/// Latents and what they say of the examples.
pub(crate) struct Points {
    /// The latents, `[batch * draws, latents]`, those of an example one after the other.
    pub z: Tensor<2>,
    /// `ln p(x | z)`, `[batch, draws]`.
    pub log_px: Tensor<2>,
}

/// What [`Vae::decode_draws`] computes.
pub(crate) struct Drawn {
    pub points: Points,
    /// `ln p(z) - ln q(z | x)`, `[batch, draws]`.
    pub log_ratio: Tensor<2>,
}

/// `ln p(z) - ln q(z | x) = 0.5 sum(epsilon^2 + log_var - z^2)`, for `z = mean + std * epsilon`
/// and a standard normal prior.
fn prior_over_posterior(z: Tensor<2>, epsilon: Tensor<2>, log_var: Tensor<2>) -> Tensor<2> {
    (epsilon.square() + log_var - z.square()).sum_dim(1) * 0.5
}
