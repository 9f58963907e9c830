//! How the crate's families train.

use pyrogen_core::folder::ModelConfig;
use pyrogen_core::{Batch, Condition, ConfigError, config};
use pyrogen_data::{Preparation, RawRows, Recipe};
use pyrogen_model::Error;
use pyrogen_model::train::{
    Defaults, Job, Plan, Train, Wanted, WorkerCount, check_data, fit_gradient, fits_memory,
    raw_rows, start_batch,
};
use pyrogen_nn::Network;
use pyrogen_train::{
    Anneal, Decay, GradientConfig, Limits, OptimizerConfig, RunFolder, ScheduleConfig, TrainConfig,
};

use super::defaults::{decoder_for, network_for, prepare};
use super::{LadderFamily, VaeFamily, VqFamily};
use serde_json::Value;

use crate::{Decoder, LadderConfig, LadderVae, Prior, Vae, VaeConfig, VqConfig, VqNetwork, VqVae};

/// Steps of the warm-up that the ladder is described with (Sonderby et al. 2016).
const WARM_UP: u64 = 1000;

/// Codes of a row of a table or another example that is no picture.
const POSITIONS: usize = 8;

/// Pictures from this side on are halved twice on the way to codes.
const TWICE: usize = 16;

/// How the families' models are trained where nothing else is wished.
fn training() -> TrainConfig {
    TrainConfig {
        limits: Limits { epochs: Some(60), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
        gradient: GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() },
        ..TrainConfig::default()
    }
}

/// What suits some data: shape of an example, and decoder.
fn suited(data: &dyn RawRows) -> Result<(Vec<usize>, Decoder), Error> {
    let recipe = Recipe::suited_to(data);
    let preparation = Preparation::fit(&recipe, data)?;
    let decoder = decoder_for(data, &recipe, &preparation);
    Ok((preparation.event_shape(), decoder))
}

/// A plan of checked settings.
fn plan(
    settings: Defaults,
    data: &dyn RawRows,
    decoder: &Decoder,
    parameters: usize,
) -> Result<Plan, Error> {
    settings.train.validate()?;
    fits_memory(parameters)?;
    Ok(Plan {
        model: settings.model,
        train: settings.train,
        preparation: Some(prepare(decoder, data)?),
        parameters,
        examples: data.len(),
    })
}

/// One worker, unless another number is wished.
fn one_worker(job: &mut Job) {
    let workers = &mut job.plan.train.gradient.workers;
    if *workers == WorkerCount::Auto {
        *workers = WorkerCount::Exactly(1);
    }
}

/// The model of a folder to begin with, of the same config.
fn begin_with<C: ModelConfig + PartialEq>(
    job: &Job,
    family: &str,
    wanted: &C,
) -> Result<Option<C::Model>, Error> {
    let Some(folder) = &job.from else { return Ok(None) };
    let config: C = folder.config()?;
    if config != *wanted {
        let expected = "left as it is in the model that training begins with";
        return Err(ConfigError::value("model", expected, "another").into());
    }
    Ok(Some(C::load(family, folder.path(), &job.device)?))
}

/// The condition of a batch: labels only where the model has classes.
fn condition(batch: &Batch<2>, classes: Option<usize>) -> Condition {
    let labels = batch.labels.clone().filter(|_| classes.is_some());
    batch.condition().with_labels(labels)
}

impl Train for VaeFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(VaeConfig).to_value())
    }

    fn takes_context(&self) -> bool {
        self.choose(1).1 == Prior::Standard
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let (event, decoder) = suited(data)?;
        let (objective, prior) = self.choose(data.len());
        let network = network_for(&event);
        let model = VaeConfig { event, network, decoder, objective, prior, ..VaeConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training() })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let model: VaeConfig = config::from_value(settings.model.clone())?;
        let data = raw_rows(wanted.data)?;
        plan(settings, data, &model.decoder, model.num_params()?)
    }

    fn run(&self, mut job: Job) -> Result<RunFolder, Error> {
        let config: VaeConfig = config::from_value(job.plan.model.clone())?;
        if config.objective.compares_examples() {
            // Each worker would compare the examples of its own piece alone.
            one_worker(&mut job);
        }
        let save = |model: &Vae, folder: &_, card: &_| model.save(folder, card);
        if let Some(model) = begin_with(&job, crate::FAMILY, &config)? {
            return fit_gradient(job, model, save);
        }
        let model = config.init(job.seed, &job.device)?;
        check_data(&model, &job)?;
        let pseudo_inputs = match config.prior {
            Prior::Vamp { components } => components,
            _ => 0,
        };
        let (batch, mut noise) = start_batch(&job, pseudo_inputs)?;
        let condition = condition(&batch, config.classes);
        let model = model.init_from_data(batch.x, &condition, &mut noise);
        fit_gradient(job, model, save)
    }
}

impl Train for LadderFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(LadderConfig).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let (event, decoder) = suited(data)?;
        let network = network_for(&event);
        let model = LadderConfig { network, event, decoder, ..LadderConfig::default() };
        let mut train = training();
        train.anneal = vec![Anneal { steps: WARM_UP, ..Anneal::default() }];
        Ok(Defaults { model: config::to_value(&model), train })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let model: LadderConfig = config::from_value(settings.model.clone())?;
        let data = raw_rows(wanted.data)?;
        plan(settings, data, &model.decoder, model.num_params()?)
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let config: LadderConfig = config::from_value(job.plan.model.clone())?;
        let save = |model: &LadderVae, folder: &_, card: &_| model.save(folder, card);
        if let Some(model) = begin_with(&job, crate::LADDER_FAMILY, &config)? {
            return fit_gradient(job, model, save);
        }
        let model = config.init(job.seed, &job.device)?;
        check_data(&model, &job)?;
        let (batch, mut noise) = start_batch(&job, 0)?;
        let condition = condition(&batch, config.classes);
        let model = model.init_from_data(batch.x, &condition, &mut noise);
        fit_gradient(job, model, save)
    }
}

impl Train for VqFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(VqConfig).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let (event, decoder) = suited(data)?;
        let network = match network_for(&event) {
            Network::Conv(conv) => {
                let large = event[1].min(event[2]) >= TWICE;
                let channels = if large { conv.channels } else { vec![64] };
                VqNetwork::Conv { channels, activation: conv.activation }
            }
            Network::Mlp(mlp) => VqNetwork::Mlp {
                hidden: mlp.hidden,
                activation: mlp.activation,
                positions: POSITIONS,
            },
            other => return Err(Error::Wish(format!("no codes for a network {other:?}"))),
        };
        let model = VqConfig { event, network, decoder, ..VqConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training() })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let model: VqConfig = config::from_value(settings.model.clone())?;
        let data = raw_rows(wanted.data)?;
        plan(settings, data, &model.decoder, model.num_params()?)
    }

    fn run(&self, mut job: Job) -> Result<RunFolder, Error> {
        let config: VqConfig = config::from_value(job.plan.model.clone())?;
        if config.restarts() {
            // Each worker would choose a vector of its own, and a code would begin between them.
            one_worker(&mut job);
        }
        let save = |model: &VqVae, folder: &_, card: &_| model.save(folder, card);
        if let Some(model) = begin_with(&job, crate::VQ_FAMILY, &config)? {
            return fit_gradient(job, model, save);
        }
        let model = config.init(job.seed, &job.device)?;
        check_data(&model, &job)?;
        let (batch, mut noise) = start_batch(&job, 0)?;
        let model = model.init_from_data(batch.x, &mut noise);
        fit_gradient(job, model, save)
    }
}
