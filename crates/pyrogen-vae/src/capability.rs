//! What the model can do: samples, latents and examples from latents.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::distribution::{Distribution, Moments};
use pyrogen_core::latent::{LatentReport, LatentStatistics};
use pyrogen_core::{
    Condition, Decode, DecoderOutput, Describe, Encode, ModelError, Noise, NumericalError,
    Posterior, RequestError, Sample, SampleOptions, ScoreGiven, flatten, unflatten,
};

use crate::{DecoderDistribution, Vae};

impl Describe for Vae {
    fn event_shape(&self) -> Vec<usize> {
        self.config().event.clone()
    }

    fn classes(&self) -> Option<usize> {
        self.config().classes
    }

    fn context_shape(&self) -> Option<Vec<usize>> {
        self.config().context.clone()
    }
}

/// Draws `z` from the prior, its spread scaled by the temperature, and `x` from the decoder's
/// distribution `p(x | z)`. Of a picture (an event of three axes) it gives the mean of that
/// distribution, unless [`SampleOptions::output`] asks for a draw: the decoder's noise has no structure,
/// and on a picture it looks like snow. A model whose decoder is no distribution
/// ([`VaeObjective::Wae`](crate::VaeObjective)) gives means, except of the columns of a table.
///
/// # Errors
/// A temperature or a condition that does not fit, or a decoder that gives NaN or infinity.
impl<const D: usize> Sample<D> for Vae {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        let likelihood = self.sample_likelihood(n, options, noise)?;
        let x = likelihood.output(self.output(options), &self.config().event, noise);
        Ok(unflatten(NumericalError::finite(x, DECODER)?, &self.config().event))
    }
}

impl<const D: usize> Encode<D> for Vae {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        Ok(self.posterior(flatten(x, &self.config().event), condition))
    }
}

impl<const D: usize> Decode<D> for Vae {
    fn latent_dim(&self) -> usize {
        self.config().latents
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        let x = NumericalError::finite(self.likelihood(z, condition).mean(), DECODER)?;
        Ok(unflatten(x, &self.config().event))
    }

    fn decode_draw(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        let x = self.likelihood(z, condition).sample(noise);
        Ok(unflatten(NumericalError::finite(x, DECODER)?, &self.config().event))
    }
}

/// # Errors
/// A condition that does not fit, or a decoder that was trained without noise.
impl<const D: usize> ScoreGiven<D> for Vae {
    fn log_prob_given(
        &self,
        x: Tensor<D>,
        z: Tensor<2>,
        condition: &Condition,
    ) -> Result<Tensor<1>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        if self.config().objective.is_deterministic() {
            return Err(RequestError::NotGaussian { got: POINT }.into());
        }
        Ok(self.likelihood(z, condition).log_prob(flatten(x, &self.config().event)))
    }
}

/// The part of the model that errors name.
pub(crate) const DECODER: &str = "the decoder";

/// What an encoder gives that is deterministic.
pub(crate) const POINT: &str = "one point an example";

/// Examples that are encoded at once.
pub(crate) const ENCODED_AT_ONCE: usize = 512;

/// Which latent dimensions carry information; `model` is without a graph.
pub(crate) fn latent_report<const D: usize>(
    model: &(impl Encode<2> + Decode<2>),
    x: Tensor<D>,
    condition: &Condition,
) -> Result<LatentReport, ModelError> {
    let x = flatten(x.inner(), &model.event_shape());
    let rows = x.dims()[0];
    let mut statistics = LatentStatistics::new(model.latent_dim());
    for start in (0..rows).step_by(ENCODED_AT_ONCE) {
        let part = start..rows.min(start + ENCODED_AT_ONCE);
        let given = condition.rows(part.clone());
        let posterior = model.encode(x.clone().slice(part), &given)?;
        let none = RequestError::NotGaussian { got: POINT };
        statistics.add(posterior.gaussian().ok_or(none)?)?;
    }
    Ok(statistics.report()?)
}

impl Vae {
    /// Which latent dimensions carry information about these examples, and whether the posterior
    /// collapsed.
    ///
    /// # Errors
    /// Fewer than two examples, a posterior that is not finite, an encoder that is deterministic, or
    /// a condition that does not fit the model.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    pub fn latent_report<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> Result<LatentReport, ModelError> {
        latent_report(&self.valid(), x, condition)
    }

    /// `n` draws from the model itself, `x ~ p(x | z)` with `z` from the prior: values of the
    /// data's own kind (zeros and ones, grey levels), also of pictures, of which [`Sample`] gives
    /// means.
    ///
    /// # Errors
    /// As [`Sample::sample`].
    pub fn sample_from_decoder<const D: usize>(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        let drawn = self.sample_likelihood(n, options, noise)?.sample(noise);
        Ok(unflatten(NumericalError::finite(drawn, DECODER)?, &self.config().event))
    }

    /// What is given where nothing is asked for: an autoencoder whose codes are points was not trained
    /// to have noise in its decoder.
    fn output(&self, options: &SampleOptions) -> Option<DecoderOutput> {
        let columns = matches!(self.config().decoder, crate::Decoder::Columns { .. });
        let means = self.config().objective.is_deterministic() && !columns;
        options.output.or(means.then_some(DecoderOutput::Mean))
    }

    /// `p(x | z)` at `n` draws from the prior, without a graph for gradients.
    fn sample_likelihood(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<DecoderDistribution, ModelError> {
        options.check(self, n)?;
        let model = self.valid();
        let z = model.prior_sample(n, options.temperature, noise);
        Ok(model.likelihood(z, &options.condition))
    }
}
