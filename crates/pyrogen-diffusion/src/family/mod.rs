//! How diffusion models and flows join the one door: their defaults for some data, preparation,
//! training, sampler options and opening.

mod diffusion;
mod flow;
#[cfg(feature = "train")]
mod training;

use pyrogen_core::ScoreMethod;
use pyrogen_data::Modality;
use pyrogen_model::{Error, OptionSpec, Options, Registry};
use pyrogen_solve::Guidance;
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
const BY_ODE: &str = "estimate (exact with as many draws as dimensions; a lower bound of whole \
                      numbers; none of categories)";

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
        OptionSpec::new(
            "guidance_interval",
            Value::Null,
            "the noise levels at which there is guidance, [low, high]",
        ),
    ]
}

/// The guidance that a request asks for.
fn guidance(own: Guidance, options: &Options) -> Result<Guidance, Error> {
    let mut guidance = own;
    if !options.get("guidance").is_null() {
        guidance.weight = options.number("guidance")?;
    }
    if let Some(interval) = options.interval("guidance_interval")? {
        guidance.interval = Some(interval);
    }
    Ok(guidance)
}
