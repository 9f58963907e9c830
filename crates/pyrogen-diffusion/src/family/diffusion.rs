//! Diffusion models behind the door.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::ScoreMethod;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{ScorePolicy, TensorModel};
use pyrogen_model::{Ability, Error, Family, LatentKind, Model, OptionSpec, Options};
use pyrogen_solve::Sampler;

use super::{BY_ODE, DIRECTIONS, TAKES, sampler_options};
use crate::{Diffusion, FAMILY, SamplingConfig};

/// The family `diffusion`.
#[derive(Debug, Clone, Copy)]
pub struct DiffusionFamily;

/// Draws of the chain's steps where nothing else is asked for.
const CHAIN_DRAWS: usize = 128;

/// Draws of the chain's steps in an evaluation, at most.
const EVALUATION_DRAWS: usize = 16;

fn draws(method: ScoreMethod) -> usize {
    if method == ScoreMethod::LowerBound { CHAIN_DRAWS } else { DIRECTIONS }
}

/// The ODE of every example takes hundreds of gradients: it is computed where it is asked for.
fn evaluated(method: ScoreMethod, draws: usize) -> Option<usize> {
    (method == ScoreMethod::LowerBound).then_some(draws.min(EVALUATION_DRAWS))
}

/// The model with the sampler that a request asks for.
fn configure(model: &Arc<Diffusion>, options: &Options) -> Result<Arc<Diffusion>, Error> {
    let own: SamplingConfig = model.config().sampling;
    let mut sampling = own;
    sampling.steps = options.count("steps")?.unwrap_or(own.steps);
    if !options.get("guidance").is_null() {
        sampling.guidance.weight = options.number("guidance")?;
    }
    if let Some(name) = options.text("sampler")? {
        sampling.sampler = name.parse::<Sampler>().map_err(pyrogen_core::ModelError::from)?;
    }
    if sampling == own {
        return Ok(model.clone());
    }
    Ok(Arc::new(Diffusion::clone(model).with_sampling(sampling)?))
}

impl Family for DiffusionFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "noise removed step by step: DDPM and EDM training; epsilon, example, velocity and EDM \
         predictions; samplers in few steps; guidance by labels"
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::{Complete, Generate, Latent, Score, Vary};
        vec![Generate, Complete, Vary, Score, Latent]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn sampling(&self) -> Vec<OptionSpec> {
        sampler_options(Sampler::NAMES)
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec![BY_ODE, "lower_bound"]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Noise)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = Diffusion::load(folder.path(), device)?;
        let parameters = model.num_params();
        let door = TensorModel::new(model, parameters, true, folder, device)?
            .sampling(sampler_options(Sampler::NAMES), configure)
            .generate()
            .vary()
            .complete()
            .score(ScorePolicy { draws, evaluated })
            .latent(LatentKind::Noise);
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
