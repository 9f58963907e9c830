//! Diffusion models behind the door.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::ScoreMethod;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{ScorePolicy, TensorModel};
use pyrogen_model::{Ability, Error, Family, LatentKind, Model, OptionSpec, Options};
use pyrogen_solve::{Sampler, Spacing};
use serde_json::Value;

use super::{BY_ODE, DIRECTIONS, TAKES, guidance, sampler_options};
use crate::sampling::in_config;
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

/// Options of everything that samples in steps, and those of noise levels.
fn options() -> Vec<OptionSpec> {
    let mut options = sampler_options(Sampler::NAMES);
    let spacing = "how the noise levels of the steps are spaced";
    let spacings = Spacing::NAMES.split(", ");
    options.push(OptionSpec::new("spacing", Value::Null, spacing).one_of(spacings));
    let eta =
        "noise in the steps of samplers that add it: 0 is none, 1 what the sampler's authors use";
    options.push(OptionSpec::new("eta", Value::Null, eta));
    options
}

/// The model with the sampler that a request asks for.
fn configure(model: &Arc<Diffusion>, options: &Options) -> Result<Arc<Diffusion>, Error> {
    let own: SamplingConfig = model.config().sampling;
    let mut sampling = own;
    sampling.steps = options.count("steps")?.unwrap_or(own.steps);
    sampling.guidance = guidance(own.guidance, options)?;
    if let Some(name) = options.text("sampler")? {
        sampling.sampler = name.parse::<Sampler>().map_err(pyrogen_core::ModelError::from)?;
    }
    if let Some(name) = options.text("spacing")? {
        sampling.spacing = name.parse::<Spacing>().map_err(pyrogen_core::ModelError::from)?;
    }
    if !options.get("eta").is_null() {
        let eta = options.number("eta")?;
        let expected = "left out: this sampler adds no noise";
        let with = sampling.sampler.with_eta(eta);
        sampling.sampler = with.ok_or_else(|| Error::option("eta", expected, eta))?;
    }
    if sampling == own {
        return Ok(model.clone());
    }
    let model = Diffusion::clone(model).with_sampling(sampling)?;
    // More steps than the process has, or a spacing that it does not have.
    model.sampling_levels().map_err(|e| in_config(e, "sampling"))?;
    Ok(Arc::new(model))
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
        use Ability::{Complete, Generate, Latent, Rank, Score, Vary};
        vec![Generate, Complete, Vary, Score, Rank, Latent]
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
            .sampling(options(), configure)
            .generate()
            .vary()
            .complete()
            .density(ScorePolicy { draws, evaluated })
            .latent(LatentKind::Noise);
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
