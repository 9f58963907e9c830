//! How flows of pictures join the door: one family a method.

use std::marker::PhantomData;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::folder::{ModelConfig, ModelFolder};
use pyrogen_core::{Batch, Condition, ConfigError, ExactFlow, Objective};
use pyrogen_data::Modality;
use pyrogen_model::tensor::TensorModel;
use pyrogen_model::{Ability, Error, Family, LatentKind, Model};

use super::{inverse, policy};
use crate::report::report_of_pictures;
use crate::{GLOW_FAMILY, Glow, GlowConfig, Pixels, TARFLOW_FAMILY, TarFlow, TarFlowConfig};

/// The config of a flow of pictures.
pub trait PictureFlow:
    ModelConfig<Model: ExactFlow + Objective<Batch = Batch<2>> + Sync + 'static>
    + PartialEq
    + Send
    + Sync
    + 'static
{
    /// The family's name.
    const FAMILY: &'static str;
    /// One line.
    const ABOUT: &'static str;

    /// The model where nothing else is wished, for pictures of this shape.
    ///
    /// # Errors
    /// A shape that the flow cannot take.
    fn suited_to(event: Vec<usize>) -> Result<Self, ConfigError>;

    /// The config of a model.
    fn of(model: &Self::Model) -> &Self;

    /// How whole numbers become the real numbers that the flow takes.
    fn pixels(&self) -> Pixels;

    /// What its fields mean: a JSON schema with descriptions.
    #[cfg(feature = "train")]
    fn schema() -> serde_json::Value;

    /// The untrained model with what it starts from some pictures.
    fn started(model: Self::Model, x: Tensor<2>, condition: &Condition) -> Self::Model {
        let _ = (x, condition);
        model
    }
}

impl PictureFlow for GlowConfig {
    const FAMILY: &'static str = GLOW_FAMILY;
    const ABOUT: &'static str = "flow of pictures by invertible convolutions at several scales: \
                                 likelihood, latents, sampling in one pass";

    fn suited_to(event: Vec<usize>) -> Result<Self, ConfigError> {
        let levels = match event.as_slice() {
            &[_, height, width] => Self::levels_for(height, width)?,
            _ => 1,
        };
        Ok(Self { event, levels, ..Self::default() })
    }

    fn of(model: &Glow) -> &Self {
        model.config()
    }

    #[cfg(feature = "train")]
    fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    fn pixels(&self) -> Pixels {
        self.pixels
    }

    fn started(model: Glow, x: Tensor<2>, condition: &Condition) -> Glow {
        model.init_from_data(x, condition)
    }
}

impl PictureFlow for TarFlowConfig {
    const FAMILY: &'static str = TARFLOW_FAMILY;
    const ABOUT: &'static str = "flow of pictures by causal transformers over patches: likelihood, \
                                 latents, sampling patch after patch";

    fn suited_to(event: Vec<usize>) -> Result<Self, ConfigError> {
        let patch = match event.as_slice() {
            &[_, height, width] => Self::patch_for(height, width),
            _ => 1,
        };
        Ok(Self { event, patch, ..Self::default() })
    }

    fn of(model: &TarFlow) -> &Self {
        model.config()
    }

    #[cfg(feature = "train")]
    fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    fn pixels(&self) -> Pixels {
        self.pixels
    }
}

/// The family of the flows with config `C`.
#[derive(Debug)]
pub struct PictureFamily<C>(PhantomData<fn() -> C>);

impl<C> PictureFamily<C> {
    /// The family.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C> Default for PictureFamily<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// [`Glow`].
pub type GlowFamily = PictureFamily<GlowConfig>;

/// [`TarFlow`].
pub type TarFlowFamily = PictureFamily<TarFlowConfig>;

impl<C: PictureFlow> Family for PictureFamily<C> {
    fn name(&self) -> &'static str {
        C::FAMILY
    }

    fn about(&self) -> &'static str {
        C::ABOUT
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Pictures]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Latent, Ability::Inspect]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["lower_bound (of whole numbers, spread over cells)"]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Point)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = C::load(C::FAMILY, folder.path(), device)?;
        let parameters = model.num_params();
        let door = TensorModel::new(model, parameters, true, folder, device)?
            .generate()
            .density(policy())
            .latent(LatentKind::Point)
            .inspect(|model: &C::Model, batches| {
                let report =
                    |x: Tensor<2>, condition: &Condition| report_of_pictures(model, x, condition);
                Ok(vec![inverse(batches, report)?])
            });
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
