//! Three families written against the public interface alone: what it takes to join the door.
//!
//! They learn on the host, and each shows abilities that the built-in families of pictures do not
//! have. Read [`Chain`](chain::Chain) first.

pub mod chain;
pub mod gaussian;
pub mod states;

use std::path::PathBuf;

use pyrogen::core::folder::ModelFolder;
use pyrogen::data::{Data, Modality};
use pyrogen::model::train::{Defaults, Plan, Wanted, sweeps};
use pyrogen::model::{About, Capabilities, Error, ErrorKind, Model, Registry};

/// The built-in families, and these three.
pub fn registry() -> Registry {
    pyrogen::registry()
        .with(chain::ChainFamily)
        .with(gaussian::GaussianFamily)
        .with(states::StatesFamily)
}

/// A model of a folder, with what it can do.
fn model(folder: &ModelFolder, modality: Modality, parameters: usize, can: Capabilities) -> Model {
    let card = folder.card().clone();
    let about = About {
        family: card.family.clone(),
        method: card.family.clone(),
        modality,
        parameters,
        classes: Vec::new(),
        context: None,
    };
    let path: PathBuf = folder.path().to_path_buf();
    Model::new(about, &path, card, can)
}

/// So many sweeps, without settings of a model.
fn defaults(wanted: &Wanted, steps: u64) -> Defaults {
    Defaults { model: serde_json::json!({}), train: sweeps(wanted.data.len(), steps) }
}

/// The plan of settings that the family has checked.
fn plan(settings: Defaults, wanted: &Wanted, parameters: usize) -> Plan {
    let (model, train) = (settings.model, settings.train);
    Plan { model, train, preparation: None, parameters, examples: wanted.data.len() }
}

/// Data of a modality that the model does not take.
fn wrong(family: &str, takes: Modality, data: &Data) -> Error {
    let (family, takes) = (family.to_string(), takes.to_string());
    Error::Modality { family, got: data.modality(), takes }
}

/// Data that cannot be learnt or scored.
fn refused(message: impl Into<String>) -> Error {
    Error::other(ErrorKind::Data, message.into())
}
