//! The model: a network that removes noise.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::{
    Batch, Condition, ConfigError, Denoise, Loss, Noise, Objective, Seed, flatten, unflatten,
};

use crate::conditional::{ConditionalNetwork, Conditions, column, conditional_model};
use crate::prediction::Preconditioning;
use crate::process::NoiseLevels;
use crate::{DiffusionConfig, SamplingConfig};

/// A diffusion model (Sohl-Dickstein et al. 2015; Ho et al. 2020; Karras et al. 2022): it learns to
/// remove noise of every level, and makes examples out of noise by removing it little by little.
///
/// Examples should have a mean of about zero and a standard deviation of at most about one.
///
/// The loss is the mean over examples and elements of `weight (answer - target)^2`, at one noise
/// level an example; see [`Prediction`](crate::Prediction) and [`Weighting`](crate::Weighting).
///
/// # Numerics
/// Factors are computed on the host in f64 and rounded once. A noise level of more than 4096 counts
/// as 4096.
#[derive(Module, Debug)]
pub struct Diffusion {
    pub(crate) network: ConditionalNetwork,
    #[module(skip)]
    pub(crate) levels: NoiseLevels,
    #[module(skip)]
    config: DiffusionConfig,
}

/// The random numbers of one training step.
#[derive(Debug, Clone)]
pub struct DiffusionDraws {
    /// The moment of training of each example: a step of a discrete process (from 0), or the noise
    /// level of a continuous one.
    pub moments: Vec<f64>,
    /// Standard normal, `[batch, features]`.
    pub noise: Tensor<2>,
    /// Which examples are trained without their label.
    pub dropped: Vec<bool>,
}

impl DiffusionConfig {
    /// A model with initial weights from the seed. The same seed gives the same weights, byte for
    /// byte.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Diffusion, ConfigError> {
        self.validate()?;
        let mut noise = Noise::new(seed).fork("weights");
        Ok(Diffusion {
            network: self.conditioning().init(&self.network, &mut noise, device),
            levels: self.process.noise_levels()?,
            config: self.clone(),
        })
    }
}

conditional_model!(Diffusion, DiffusionConfig, SamplingConfig);

impl Diffusion {
    /// The expected flat example given `x = example + sigma * noise`, one level a row.
    pub(crate) fn clean(&self, x: Tensor<2>, sigmas: &[f64], conditions: &Conditions) -> Tensor<2> {
        let device = x.device();
        let factors: Vec<Preconditioning> =
            sigmas.iter().map(|&sigma| self.config.prediction.example(sigma)).collect();
        let times: Vec<f64> = sigmas
            .iter()
            .map(|&sigma| self.levels.time(self.levels.moment_of_sigma(sigma), self.network.unit))
            .collect();
        let part = |f: fn(&Preconditioning) -> f64| column(factors.iter().map(f), &device);
        let answer = self.network.forward(x.clone() * part(|f| f.input), &times, conditions);
        let out = answer * part(|f| f.out);
        match factors.iter().all(|f| f.skip == 0.0) {
            true => out,
            false => x * part(|f| f.skip) + out,
        }
    }
}

/// # Panics
/// If a shape is another, or a noise level is not above zero and finite.
impl<const D: usize> Denoise<D> for Diffusion {
    fn denoise(&self, x: Tensor<D>, sigma: Tensor<1>, condition: &Condition) -> Tensor<D> {
        let x = flatten(x, &self.config.event);
        let sigmas: Vec<f64> = sigma.into_data().iter::<f64>().collect();
        assert_eq!(sigmas.len(), x.dims()[0], "Diffusion: expected one noise level an example");
        let wrong = sigmas.iter().find(|s| !(s.is_finite() && **s > 0.0));
        assert!(wrong.is_none(), "Diffusion: a noise level must be above 0 and finite: {wrong:?}");
        let conditions = self.network.conditions(condition, sigmas.len());
        unflatten(self.clean(x, &sigmas, &conditions), &self.config.event)
    }
}

impl Objective for Diffusion {
    type Batch = Batch<2>;
    type Draws = DiffusionDraws;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> DiffusionDraws {
        let [rows, _] = batch.x.dims();
        let features = self.config.features();
        let uniform = noise.uniform_rows(&[rows]);
        DiffusionDraws {
            moments: uniform.into_iter().map(|u| self.levels.moment(u)).collect(),
            noise: noise.normal([rows, features], &batch.x.device()),
            dropped: self.network.dropped(rows, noise),
        }
    }

    /// One term, `denoising`.
    ///
    /// # Panics
    /// If a shape is another, or labels or contexts do not fit the model.
    fn loss(&self, batch: Batch<2>, draws: DiffusionDraws) -> Loss {
        let device = batch.x.device();
        let conditions = self.network.training_conditions(batch.condition(), &draws.dropped);
        let x = flatten(batch.x, &self.config.event);
        let config = &self.config;
        let levels: Vec<_> = draws.moments.iter().map(|&m| self.levels.level(m)).collect();
        let mix = |factors: &dyn Fn(usize) -> [f64; 2]| {
            let part = |k: usize| column((0..levels.len()).map(|i| factors(i)[k]), &device);
            x.clone() * part(0) + draws.noise.clone() * part(1)
        };
        let input = mix(&|i| config.prediction.input(levels[i]));
        let target = mix(&|i| config.prediction.target(levels[i]));
        let weights =
            column(levels.iter().map(|&l| config.weighting.weight(&config.prediction, l)), &device);
        let unit = self.network.unit;
        let times: Vec<f64> = draws.moments.iter().map(|&m| self.levels.time(m, unit)).collect();
        let error = self.network.forward(input, &times, &conditions) - target;
        let squared = (error.clone() * error).mean_dim(1);
        Loss::new().term("denoising", (squared * weights).mean())
    }
}
