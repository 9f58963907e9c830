//! The one door: data in, models open, by name.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_data::{Loaded, Source};
use pyrogen_model::{Error, Model, Registry};

/// The families that this build has.
pub fn registry() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "vae")]
    let registry = pyrogen_vae::family::register(registry);
    #[cfg(feature = "diffusion")]
    let registry = pyrogen_diffusion::family::register(registry);
    #[cfg(feature = "flow")]
    let registry = pyrogen_flow::family::register(registry);
    #[cfg(feature = "gan")]
    let registry = pyrogen_gan::family::register(registry);
    #[cfg(feature = "mixture")]
    let registry = pyrogen_mixture::family::register(registry);
    #[cfg(feature = "markov")]
    let registry = pyrogen_markov::family::register(registry);
    #[cfg(feature = "autoregressive")]
    let registry = pyrogen_autoregressive::family::register(registry);
    #[cfg(feature = "topic")]
    let registry = pyrogen_topic::family::register(registry);
    registry
}

/// Opens a model folder, or a run folder that holds one, of any family of this build.
///
/// # Errors
/// No such folder, a family that this build does not have, or a folder that is damaged.
pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Model, Error> {
    registry().open(path, device)
}

/// Reads data by the text of its source: `digits`, `csv:people.csv,label=city`, `images:photos`.
///
/// # Errors
/// A source that does not exist, or anything that is wrong with its files.
pub fn read(source: &str) -> Result<Loaded, Error> {
    Ok(source.parse::<Source>()?.read()?)
}

/// Trains a model of a family on data, into the wish's run folder. See
/// [`pyrogen_model::train::train`].
///
/// # Errors
/// An unknown family, data that it does not take, a setting that cannot be used, or a training that
/// cannot start or go on.
#[cfg(feature = "train")]
pub fn train(
    family: &str,
    data: &Loaded,
    wish: &pyrogen_model::train::Wish,
    observer: &mut dyn pyrogen_model::train::Observer,
    control: &pyrogen_model::Control,
) -> Result<pyrogen_model::train::Trained, Error> {
    let test = data.test.as_ref();
    pyrogen_model::train::train(&registry(), family, &data.data, test, wish, observer, control)
}

/// What a training would be, without training: settings, preparation, parameters.
///
/// # Errors
/// As [`train`].
#[cfg(feature = "train")]
pub fn plan(
    family: &str,
    data: &Loaded,
    wish: &pyrogen_model::train::Wish,
) -> Result<pyrogen_model::train::Plan, Error> {
    pyrogen_model::train::plan(&registry(), family, &data.data, data.test.as_ref(), wish)
}

/// Everything that can be measured of a model on data. See [`pyrogen_evaluate::evaluate`].
///
/// # Errors
/// Data that does not fit the model, numbers that are not finite, or a control that was cancelled.
#[cfg(feature = "metrics")]
pub fn evaluate(
    model: &Model,
    data: &pyrogen_data::Data,
    options: &pyrogen_evaluate::Options,
    device: &Device,
    control: &pyrogen_model::Control,
) -> Result<pyrogen_evaluate::Evaluation, Error> {
    pyrogen_evaluate::evaluate(model, data, options, device, control)
}
