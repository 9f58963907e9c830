//! Flow matching behind the door.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{ScorePolicy, TensorModel};
use pyrogen_model::{Ability, Error, Family, LatentKind, Model, OptionSpec, Options};
use pyrogen_solve::FlowSolver;

use super::{BY_ODE, TAKES, directions, guidance, sampler_options};
use crate::{FLOW_FAMILY, FlowMatching, FlowSampling};

/// The family `flow-matching`.
#[derive(Debug, Clone, Copy)]
pub struct FlowFamily;

/// The model with the solver that a request asks for.
fn configure(model: &Arc<FlowMatching>, options: &Options) -> Result<Arc<FlowMatching>, Error> {
    let own: FlowSampling = model.config().sampling;
    let mut sampling = own;
    sampling.steps = options.count("steps")?.unwrap_or(own.steps);
    sampling.guidance = guidance(own.guidance, options)?;
    if let Some(name) = options.text("sampler")? {
        sampling.solver = name.parse::<FlowSolver>().map_err(pyrogen_core::ModelError::from)?;
    }
    if sampling == own {
        return Ok(model.clone());
    }
    Ok(Arc::new(FlowMatching::clone(model).with_sampling(sampling)?))
}

impl Family for FlowFamily {
    fn name(&self) -> &'static str {
        FLOW_FAMILY
    }

    fn about(&self) -> &'static str {
        "a velocity from noise to data: straight or variance-preserving paths, noise paired with \
         examples independently or by optimal transport; guidance by labels"
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::{Generate, Latent, Rank, Score, Vary};
        vec![Generate, Vary, Score, Rank, Latent]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn sampling(&self) -> Vec<OptionSpec> {
        sampler_options(FlowSolver::NAMES)
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec![BY_ODE]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Noise)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = FlowMatching::load(folder.path(), device)?;
        let parameters = model.num_params();
        // The ODE of every example takes hundreds of gradients: it is computed where it is asked for.
        let policy = ScorePolicy { draws: directions, evaluated: |_, _| None };
        let door = TensorModel::new(model, parameters, true, folder, device)?
            .sampling(sampler_options(FlowSolver::NAMES), configure)
            .generate()
            .vary()
            .density(policy)
            .latent(LatentKind::Noise);
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
