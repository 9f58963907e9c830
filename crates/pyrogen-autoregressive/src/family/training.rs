//! How language models train.

use std::path::Path;
use std::sync::Arc;

use pyrogen_core::folder::Card;
use pyrogen_core::{ConfigError, FolderError, config};
use pyrogen_data::Text;
use pyrogen_model::Error;
use pyrogen_model::train::{Defaults, Job, Plan, Train, Wanted, fit, fits_memory};
use pyrogen_train::{
    Decay, GradientConfig, GradientLearner, Limits, Method, OptimizerConfig, RunFolder,
    ScheduleConfig, TrainConfig,
};
use serde::Serialize;
use serde_json::Value;

use super::door::{encoded, known, text};
use super::{GptFamily, LstmFamily, token};
use crate::infill::MARKS;
use crate::language::LanguageModel;
use crate::{
    GptConfig, GptText, RecurrentConfig, RecurrentText, TextModel, TokenWindows, Tokenizer,
    TokenizerChoice,
};

/// How models are trained where nothing else is wished.
pub(super) fn training() -> TrainConfig {
    TrainConfig {
        batch_size: 16,
        limits: Limits { steps: Some(3000), epochs: None, minutes: None },
        optimizer: OptimizerConfig {
            method: Method::AdamW,
            learning_rate: 3e-3,
            beta2: 0.99,
            weight_decay: 0.1,
            decay_vectors: false,
            ..OptimizerConfig::default()
        },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.05, warmup_steps: 100 },
        gradient: GradientConfig { clip_norm: Some(1.0), ..GradientConfig::default() },
        ..TrainConfig::default()
    }
}

/// Tokens of a row where nothing else is wished, at most.
const CONTEXT: usize = 128;

/// A context that suits some texts: no longer than the longest of several.
fn context(text: &Text) -> usize {
    let longest = text.documents().iter().map(|d| d.chars().count()).max().unwrap_or(1);
    match text.documents().len() {
        1 => CONTEXT,
        _ => (longest + 2).next_multiple_of(16).min(CONTEXT),
    }
}

/// Defaults: the config, with the choice of a tokenizer, and the vocabulary left to it.
fn defaults(config: &impl Serialize) -> Defaults {
    let mut model = config::to_value(config);
    model["vocabulary"] = Value::Null;
    model["tokenizer"] = config::to_value(&TokenizerChoice::Auto);
    Defaults { model, train: training() }
}

/// The tokenizer of settings, and the settings without its choice.
fn tokenizer(mut model: Value, text: &Text) -> Result<(Value, Arc<Tokenizer>), Error> {
    let choice = model.as_object_mut().and_then(|fields| fields.remove("tokenizer"));
    let choice = config::from_value(choice.unwrap_or(Value::Null))
        .map_err(|e| ConfigError::value("tokenizer", e.to_string(), "another"))?;
    let tokenizer = Tokenizer::new(choice, text.documents()).map_err(token)?;
    let gaps = model["infill"].as_f64().is_some_and(|rate| rate > 0.0);
    let tokens = tokenizer.tokens() + if gaps { MARKS } else { 0 };
    match model["vocabulary"].as_u64() {
        None => model["vocabulary"] = tokens.into(),
        Some(vocabulary) if (vocabulary as usize) < tokens => {
            let expected = format!("null, or at least {tokens} for this text");
            return Err(ConfigError::value("vocabulary", expected, vocabulary).into());
        }
        Some(_) => {}
    }
    Ok((model, Arc::new(tokenizer)))
}

/// Windows into the training texts.
fn windows(
    documents: &[Vec<u32>],
    tokenizer: &Tokenizer,
    ends: bool,
    context: usize,
) -> TokenWindows {
    TokenWindows::new(documents, [tokenizer.start(), tokenizer.end()], ends, context)
}

/// A plan of checked settings. The choice of a tokenizer stays in it.
fn plan(
    settings: Defaults,
    wanted: &Wanted,
    sizes: impl Fn(&Value) -> Result<(usize, bool, usize), Error>,
) -> Result<Plan, Error> {
    settings.train.validate()?;
    let text = text(wanted.data)?;
    // A model that training begins with has a tokenizer of its own.
    let own = settings.model.get("tokenizer").is_none();
    let (filled, examples) = match own {
        true => (settings.model.clone(), text.documents().iter().map(|d| d.len()).sum()),
        false => {
            let (filled, tokenizer) = tokenizer(settings.model.clone(), text)?;
            let (_, ends, context) = sizes(&filled)?;
            let documents = encoded(text, &tokenizer)?;
            use pyrogen_core::Examples;
            (filled, windows(&documents, &tokenizer, ends, context).len())
        }
    };
    let (parameters, ..) = sizes(&filled)?;
    fits_memory(parameters)?;
    let mut model = settings.model;
    model["vocabulary"] = filled["vocabulary"].clone();
    Ok(Plan { model, train: settings.train, preparation: None, parameters, examples })
}

/// Trains a model on the job's texts.
fn run<N: LanguageModel + 'static>(
    job: Job,
    model: TextModel<N>,
    save: fn(&TextModel<N>, &Path, &Card) -> Result<(), FolderError>,
) -> Result<RunFolder, Error> {
    let (tokenizer, network) = (model.tokenizer().clone(), model.network());
    let (ends, context) = (network.ends(), network.training_context());
    let train = windows(&encoded(text(&job.data)?, &tokenizer)?, &tokenizer, ends, context);
    let train = train.with_infill(model.infill());
    let validation = job.validation.as_ref().map(|v| {
        let (documents, _) = known(text(v)?, &tokenizer);
        Ok::<_, Error>(windows(&documents, &tokenizer, ends, context).fixed())
    });
    let validation = validation.transpose()?.map(Arc::new);
    let learner = GradientLearner::new(model, &job.plan.train)?;
    fit(job, learner, Arc::new(train), validation, save, |trainer| Ok(trainer))
}

/// A config's schema, with the choice of a tokenizer.
fn schema_of(config: &schemars::Schema) -> Value {
    let mut schema = config.clone().to_value();
    schema["properties"]["tokenizer"] = serde_json::json!({
        "description": "How text becomes tokens: auto, bytes, characters, words, or byte pairs as \
                        {\"bpe\":{\"tokens\":8192}}.",
    });
    schema
}

impl Train for GptFamily {
    fn schema(&self) -> Option<Value> {
        Some(schema_of(&schemars::schema_for!(GptConfig)))
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let text = text(wanted.data)?;
        let model = GptConfig {
            context: context(text),
            layers: 4,
            width: 128,
            heads: 4,
            ends: text.documents().len() > 1,
            ..GptConfig::default()
        };
        Ok(defaults(&model))
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        plan(settings, wanted, |model| {
            let config: GptConfig = read(model)?;
            Ok((config.num_params()?, config.ends, config.context))
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let save = |model: &GptText, folder: &_, card: &_| model.save(folder, card);
        if let Some(folder) = &job.from {
            let model = GptText::load(folder.path(), &job.device)?;
            let wanted: GptConfig = read(&job.plan.model)?;
            let model = go_on(model, &wanted, job.seed)?;
            return run(job, model, save);
        }
        let (filled, tokenizer) = tokenizer(job.plan.model.clone(), text(&job.data)?)?;
        let config: GptConfig = read(&filled)?;
        let model = GptText::init(&config, tokenizer, job.seed, &job.device)?;
        run(job, model, save)
    }
}

/// A model that training begins with, with the adapters and the dropout that are wished.
fn go_on(model: GptText, wanted: &GptConfig, seed: pyrogen_core::Seed) -> Result<GptText, Error> {
    let has = model.network().config().clone();
    let same = GptConfig { lora: has.lora, dropout: has.dropout, ends: has.ends, ..wanted.clone() };
    if same != has {
        let expected = "left as it is in the model that training begins with, but for lora, \
                        dropout and ends";
        return Err(ConfigError::value("model", expected, "another").into());
    }
    let tokenizer = model.tokenizer().clone();
    let network = model.into_network().with_training(wanted.dropout, wanted.ends);
    let network = match wanted.lora {
        Some(lora) => network.adapted(lora, seed)?,
        None => network,
    };
    Ok(TextModel::new(network, tokenizer))
}

/// A config without the choice of a tokenizer.
fn read<C: serde::de::DeserializeOwned>(model: &Value) -> Result<C, ConfigError> {
    let mut model = model.clone();
    if let Some(fields) = model.as_object_mut() {
        fields.remove("tokenizer");
    }
    config::from_value(model)
}

impl Train for LstmFamily {
    fn schema(&self) -> Option<Value> {
        Some(schema_of(&schemars::schema_for!(RecurrentConfig)))
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let text = text(wanted.data)?;
        let model = RecurrentConfig {
            context: context(text),
            ends: text.documents().len() > 1,
            ..RecurrentConfig::default()
        };
        Ok(defaults(&model))
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        plan(settings, wanted, |model| {
            let config: RecurrentConfig = read(model)?;
            Ok((config.num_params()?, config.ends, config.context))
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let save = |model: &RecurrentText, folder: &_, card: &_| model.save(folder, card);
        if let Some(folder) = &job.from {
            let model = RecurrentText::load(folder.path(), &job.device)?;
            if *model.network().config() != read(&job.plan.model)? {
                let expected = "left as it is in the model that training begins with";
                return Err(ConfigError::value("model", expected, "another").into());
            }
            return run(job, model, save);
        }
        let (filled, tokenizer) = tokenizer(job.plan.model.clone(), text(&job.data)?)?;
        let config: RecurrentConfig = read(&filled)?;
        let model = RecurrentText::init(&config, tokenizer, job.seed, &job.device)?;
        run(job, model, save)
    }
}
