//! What diffusion models and flows can do with given examples: their noise as latents, variations and
//! inpainting.

use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Decode, Describe, Encode, Inpaint, ModelError, Noise, Posterior, RequestError, Seed,
    Vary, flatten, unflatten,
};
use pyrogen_solve::{Repaint, Sampler};

use crate::{Diffusion, FlowMatching, Inpainting, SamplingConfig};

/// The noise that leads to the examples, [`Diffusion::to_noise`]: a point, of the first noise level
/// of the sampler.
impl<const D: usize> Encode<D> for Diffusion {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let noise = self.to_noise(flatten(x, &self.config().event), condition)?;
        Ok(Posterior::Point(noise))
    }
}

/// Where noise of the first level leads: by the model's sampler where that adds no noise, else by
/// Heun's method.
impl<const D: usize> Decode<D> for Diffusion {
    fn latent_dim(&self) -> usize {
        self.config().features()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        let sampling = self.config().sampling;
        let sampler = if sampling.sampler.adds_noise() { Sampler::Heun } else { sampling.sampler };
        let model = self.clone().with_sampling(SamplingConfig { sampler, ..sampling })?;
        let levels = model.sampling_levels()?;
        let mut none_drawn = Noise::new(Seed(0));
        let x = model.generate_from(z, &levels, condition, &mut none_drawn, |_| {})?;
        Ok(unflatten(x, &self.config().event))
    }
}

/// [`Diffusion::vary`].
impl<const D: usize> Vary<D> for Diffusion {
    fn vary(
        &self,
        from: Tensor<D>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, from.dims()[0])?;
        let event = &self.config().event;
        Ok(unflatten(self.vary(flatten(from, event), strength, condition, noise)?, event))
    }
}

/// [`Diffusion::inpaint`] by [`Inpainting::Repaint`], with stretches of one step.
impl<const D: usize> Inpaint<D> for Diffusion {
    fn inpaint(
        &self,
        known: Tensor<D>,
        mask: Tensor<D>,
        repeats: usize,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        if repeats == 0 {
            let expected = "at least 1";
            return Err(RequestError::Value { name: "repeats", expected, got: "0".into() }.into());
        }
        self.check_condition(condition, known.dims()[0])?;
        let event = &self.config().event;
        let (known, mask) = (flatten(known, event), flatten(mask, event));
        let how = Inpainting::Repaint(Repaint { repeats, ..Repaint::default() });
        Ok(unflatten(self.inpaint(known, mask, how, condition, noise)?, event))
    }
}

/// The noise from which the flow leads to the examples, [`FlowMatching::to_noise`].
impl<const D: usize> Encode<D> for FlowMatching {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let noise = self.to_noise(flatten(x, &self.config().event), condition)?;
        Ok(Posterior::Point(noise))
    }
}

/// Where the flow leads from noise, [`FlowMatching::follow`].
impl<const D: usize> Decode<D> for FlowMatching {
    fn latent_dim(&self) -> usize {
        self.config().features()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, z.dims()[0])?;
        Ok(unflatten(self.follow(z, condition, |_| {})?, &self.config().event))
    }
}

/// [`FlowMatching::vary`].
impl<const D: usize> Vary<D> for FlowMatching {
    fn vary(
        &self,
        from: Tensor<D>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        self.check_condition(condition, from.dims()[0])?;
        let event = &self.config().event;
        Ok(unflatten(self.vary(flatten(from, event), strength, condition, noise)?, event))
    }
}
