//! How diffusion models and flows join the one door: their defaults for some data, preparation,
//! training, sampler options and opening.

mod diffusion;
mod flow;
#[cfg(feature = "train")]
mod training;

use pyrogen_core::ScoreMethod;
use pyrogen_data::Modality;
use pyrogen_model::{OptionSpec, Registry};
use serde_json::Value;

pub use diffusion::DiffusionFamily;
pub use flow::FlowFamily;

/// The registry with the families of this crate.
pub fn register(registry: Registry) -> Registry {
    registry.with(DiffusionFamily).with(FlowFamily)
}

/// What the families' models learn.
const TAKES: &[Modality] = &[Modality::Pictures, Modality::Table, Modality::Points];

/// Random directions of the divergence where nothing else is asked for.
const DIRECTIONS: usize = 2;

/// The likelihood by the ODE, in the list of likelihoods.
const BY_ODE: &str = "estimate (exact with as many draws as dimensions)";

fn directions(_: ScoreMethod) -> usize {
    DIRECTIONS
}

/// Options of everything that samples in steps; null is the model's own choice.
fn sampler_options(samplers: &str) -> Vec<OptionSpec> {
    vec![
        OptionSpec::new("steps", Value::Null, "steps from noise to an item"),
        OptionSpec::new("sampler", Value::Null, "the sampler").one_of(samplers.split(", ")),
        OptionSpec::new(
            "guidance",
            Value::Null,
            "guidance towards the class: 1 is the model, more is closer to the class and less varied",
        ),
    ]
}
