//! What the command line knows of a family. A new family is a file in `families/` and a line in
//! [`all`]; no command changes.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::{Card, ModelFolder};
use pyrogen::core::{
    Condition, Decode, Describe, Encode, Likelihood, Noise, RateDistortion, Sample, SampleOptions,
    Score, ScoreMethod, ScoreOptions, Seed,
};
use pyrogen::data::{Dataset, PictureContext, Preparation};
use pyrogen::diffusion::{Diffusion, FlowMatching};
use pyrogen::train::TrainConfig;
use pyrogen::vae::CodeReport;
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;
use crate::families;
use crate::families::stepwise::StepwiseFamily;

/// The families, in the order in which they are listed.
pub fn all() -> Vec<Box<dyn Family>> {
    let others: [Box<dyn Family>; 3] = [
        Box::new(StepwiseFamily::<Diffusion>::new()),
        Box::new(StepwiseFamily::<FlowMatching>::new()),
        Box::new(families::gan::GanFamily),
    ];
    families::vae::all().chain(others).collect()
}

/// The family of that name.
pub fn find(name: &str) -> Result<Box<dyn Family>, CliError> {
    let known: Vec<&str> = all().iter().map(|f| f.name()).collect();
    all().into_iter().find(|f| f.name() == name).ok_or_else(|| {
        CliError::Usage(format!("unknown family `{name}`; known: {}", known.join(", ")))
    })
}

/// What a family can do, for `pyrogen families`.
#[derive(Debug, Clone, Serialize)]
pub struct Capabilities {
    /// Draws samples.
    pub sample: bool,
    /// Takes a class as condition.
    pub condition: bool,
    /// Is told a context: `train --context`.
    pub context: bool,
    /// Kinds of likelihood, best first; none for a family without.
    pub score: Vec<&'static str>,
    /// Ranks examples by something else than a likelihood; what it is.
    pub anomaly: Option<&'static str>,
    /// Has an encoder and a decoder: reconstruct, interpolate.
    pub latent: bool,
    /// Has latent dimensions that can be varied one by one.
    pub traverse: bool,
    /// Samples in a chosen number of steps, by a chosen sampler, with guidance, from noise or from
    /// examples with noise.
    pub steer: bool,
    /// Fills in hidden parts of examples.
    pub inpaint: bool,
}

/// How samples are to be made, as far as it was said.
#[derive(Debug, Clone, Default)]
pub struct Steering {
    /// Steps of the sampler.
    pub steps: Option<usize>,
    /// The sampler's name.
    pub sampler: Option<String>,
    /// The weight of guidance towards the class.
    pub guidance: Option<f64>,
}

/// What a model is asked for, before it has a config.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What is learnt from.
    pub data: &'a Dataset,
    /// Shape of what the model is told of each example, if it is told anything.
    pub context: Option<&'a [usize]>,
}

impl<'a> Asked<'a> {
    /// A model that is told nothing.
    #[cfg(test)]
    pub fn of(data: &'a Dataset) -> Self {
        Self { data, context: None }
    }
}

/// A model and how it is trained, as the configuration file has it.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The model's config.
    pub model: Value,
    /// The training config.
    pub train: TrainConfig,
}

/// Everything a family needs to train.
pub struct TrainJob<'a> {
    /// The model's config.
    pub model: Value,
    /// The training config.
    pub train: TrainConfig,
    /// What is learnt from.
    pub data: Dataset,
    /// What decides which state is best.
    pub validation: Dataset,
    /// How raw values become what the model sees.
    pub preparation: Preparation,
    /// What the model is told of each example.
    pub context: Option<PictureContext>,
    /// The seed of the run.
    pub seed: Seed,
    /// The device.
    pub device: Device,
    /// The run folder.
    pub out: &'a Path,
    /// Whether to go on with an existing run.
    pub resume: bool,
    /// Whether to show plots instead of a bar.
    pub dashboard: bool,
    /// What `config.json` holds beside the training config.
    pub record: Value,
    /// The card, without the number of steps.
    pub card: Card,
}

/// A family of models.
pub trait Family {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// One line.
    fn about(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The defaults for what is asked for.
    fn defaults(&self, asked: Asked) -> Result<Defaults, CliError>;

    /// How raw values become what the model of this config sees.
    fn preparation(&self, model: &Value, data: &Dataset) -> Result<Preparation, CliError>;

    /// Trains, and leaves a run folder with a model folder in it.
    fn train(&self, job: TrainJob) -> Result<(), CliError>;

    /// Loads a model folder.
    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError>;
}

/// How unusual examples are.
pub struct Misfit {
    /// What the numbers are.
    pub name: &'static str,
    /// One an example.
    pub values: Vec<f64>,
}

/// A loaded model: its capabilities on flat events, `[batch, features]`, in prepared units. Threads
/// share it: batches are worked on by all cores.
pub trait Model: Describe + Sync {
    /// Draws samples.
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        None
    }

    /// Draws samples where that can fail: by a network that gives no numbers. None where it cannot.
    fn draw(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        self.as_sample().map(|model| Ok(model.sample(n, options, noise)?))
    }

    /// Changes how samples are made.
    fn steer(&mut self, steering: &Steering) -> Result<(), CliError> {
        let Steering { steps, sampler, guidance } = steering;
        let given = [
            ("--steps", steps.is_some()),
            ("--sampler", sampler.is_some()),
            ("--guidance", guidance.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(CliError::Usage(format!(
                "{name} is for diffusion models and flows; this model makes samples in one go"
            ))),
            None => Ok(()),
        }
    }

    /// Fills in what the mask (1 where given) leaves open, where the model can.
    fn fill(
        &self,
        known: Tensor<2>,
        mask: Tensor<2>,
        repeats: usize,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        let _ = (known, mask, repeats, condition, noise);
        None
    }

    /// Makes others like the given examples, at a strength from 0 to 1, where the model can.
    fn vary(
        &self,
        given: Tensor<2>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        let _ = (given, strength, condition, noise);
        None
    }

    /// The noise that the model makes these examples from, where there is such a way.
    fn to_noise(&self, x: Tensor<2>, condition: &Condition) -> Option<Result<Tensor<2>, CliError>> {
        let _ = (x, condition);
        None
    }

    /// What the model makes from noise, where [`to_noise`](Self::to_noise) gives some.
    fn decode_noise(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        let _ = (z, condition, noise);
        None
    }

    /// Draws of a score where nothing is said.
    fn default_draws(&self, method: ScoreMethod) -> usize {
        let _ = method;
        128
    }

    /// Draws of a score in an evaluation, of the draws asked for; None leaves it out.
    fn evaluation_draws(&self, method: ScoreMethod, draws: usize) -> Option<usize> {
        // A bound averages few draws well; an estimate needs many.
        Some(if method == ScoreMethod::LowerBound { draws.min(8) } else { draws })
    }

    /// Says how probable examples are.
    fn as_score(&self) -> Option<&(dyn Score<2> + Sync)> {
        None
    }

    /// Says how probable examples are where that can fail: by a network that gives no numbers. None
    /// where [`as_score`](Self::as_score) gives none.
    fn likelihood(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Option<Result<Likelihood, CliError>> {
        self.as_score().map(|model| Ok(model.log_likelihood(x, condition, options, noise)?))
    }

    /// The family that it was trained as, where several share what the folder calls one.
    fn method(&self) -> Option<&'static str> {
        None
    }

    /// Why [`as_score`](Self::as_score) gives none.
    fn why_no_score(&self) -> &'static str {
        "the family has no likelihood"
    }

    /// How unusual each example is, for models that say so without a likelihood; more is more so.
    fn misfit(&self, x: Tensor<2>, condition: &Condition) -> Option<Misfit> {
        let _ = (x, condition);
        None
    }

    /// Whether [`as_encode`](Self::as_encode) gives a law of latents, and not a point that was looked
    /// for.
    fn has_posterior(&self) -> bool {
        true
    }

    /// What the latents of some examples cost and what they lose, where that is defined.
    fn rate_distortion(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<RateDistortion> {
        let _ = (x, condition, noise);
        None
    }

    /// Encodes.
    fn as_encode(&self) -> Option<&(dyn Encode<2> + Sync)> {
        None
    }

    /// Decodes.
    fn as_decode(&self) -> Option<&(dyn Decode<2> + Sync)> {
        None
    }

    /// Whether single latent dimensions mean something: they have a standard normal prior, so that
    /// one can be traversed and its divergence be told.
    fn has_latent_axes(&self) -> bool {
        true
    }

    /// Which codes some examples use, for models with codes.
    fn code_report(&self, x: Tensor<2>) -> Option<CodeReport> {
        let _ = x;
        None
    }

    /// Number of parameters.
    fn parameters(&self) -> usize;

    /// The kind of data that the preparation's log-det turns back into raw units: false where
    /// probabilities of discrete values are meant, which no change of scale touches.
    fn is_density(&self) -> bool;
}
