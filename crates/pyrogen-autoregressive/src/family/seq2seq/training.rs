//! How encoders with decoders train.

use std::path::Path;
use std::sync::Arc;

use pyrogen_core::folder::Card;
use pyrogen_core::{ConfigError, config};
use pyrogen_data::Pairs;
use pyrogen_model::Error;
use pyrogen_model::train::{Defaults, Job, Plan, Train, Wanted, fit, fits_memory, try_untrained};
use pyrogen_train::{GradientLearner, RunFolder, TrainConfig};
use serde_json::Value;

use super::super::{token, training};
use super::{Lenient, Seq2SeqFamily, encoded, pairs};
use crate::{PairExamples, Seq2SeqConfig, Seq2SeqText, Tokenizer, TokenizerChoice};

/// Contexts where nothing else is wished, at least and at most.
const CONTEXT: [usize; 2] = [32, 1024];

/// The settings that choose tokenizers: of sources, and of targets.
const CHOICES: [&str; 2] = ["source_tokenizer", "tokenizer"];
const VOCABULARIES: [&str; 2] = ["source_vocabulary", "vocabulary"];

/// A context that suits some texts, with room for longer ones that are held out.
fn context(texts: &[Arc<str>]) -> usize {
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(1);
    let [least, most] = CONTEXT;
    (longest + longest / 2 + 1).next_multiple_of(16).clamp(least, most)
}

fn training() -> TrainConfig {
    TrainConfig { batch_size: 64, ..training::training() }
}

/// The tokenizers of settings, and the settings without their choices.
fn tokenizers(mut model: Value, pairs: &Pairs) -> Result<(Value, [Arc<Tokenizer>; 2]), Error> {
    let fields = model.as_object_mut();
    let choices = CHOICES.map(|name| {
        let given = fields.as_ref().and_then(|fields| fields.get(name)).cloned();
        config::from_value::<TokenizerChoice>(given.unwrap_or_default())
            .map_err(|e| ConfigError::value(name, e.to_string(), "another"))
    });
    if let Some(fields) = fields {
        CHOICES.iter().for_each(|name| drop(fields.remove(*name)));
    }
    let [source, target] = choices;
    let (source, target) = (source?, target?);
    let tokenizers = if model["shared"].as_bool() == Some(true) {
        if source != target {
            let expected = "the same as `tokenizer`, where the vocabulary is shared";
            return Err(ConfigError::value("source_tokenizer", expected, "another").into());
        }
        let both = [pairs.sources(), pairs.targets()].concat();
        let one = Arc::new(Tokenizer::new(target, &both).map_err(token)?);
        [one.clone(), one]
    } else {
        let of = |choice, texts| Tokenizer::new(choice, texts).map(Arc::new).map_err(token);
        [of(source, pairs.sources())?, of(target, pairs.targets())?]
    };
    for (name, tokenizer) in VOCABULARIES.into_iter().zip(&tokenizers) {
        let tokens = tokenizer.tokens();
        match model[name].as_u64() {
            None => model[name] = tokens.into(),
            Some(known) if (known as usize) < tokens => {
                let expected = format!("null, or at least {tokens} for these pairs");
                return Err(ConfigError::value(name, expected, known).into());
            }
            Some(_) => {}
        }
    }
    Ok((model, tokenizers))
}

/// A config without the choices of tokenizers.
fn read(model: &Value) -> Result<Seq2SeqConfig, ConfigError> {
    let mut model = model.clone();
    if let Some(fields) = model.as_object_mut() {
        CHOICES.iter().for_each(|name| drop(fields.remove(*name)));
    }
    config::from_value(model)
}

/// Pairs as training reads them.
fn examples(model: &Seq2SeqText, pairs: &Pairs, lenient: bool) -> Result<PairExamples, Error> {
    let lenient = Lenient { unknown: lenient, long: lenient };
    let encoded = encoded(model, pairs, lenient)?;
    let target = model.tokenizers()[1];
    Ok(PairExamples::new(encoded.sources, &encoded.targets, [target.start(), target.end()]))
}

impl Train for Seq2SeqFamily {
    fn schema(&self) -> Option<Value> {
        let mut schema = schemars::schema_for!(Seq2SeqConfig).to_value();
        for (name, of) in CHOICES.into_iter().zip(["a source", "a target"]) {
            schema["properties"][name] = serde_json::json!({
                "description": format!(
                    "How {of} becomes tokens: auto, bytes, characters, words, or byte pairs as \
                     {{\"bpe\":{{\"tokens\":8192}}}}."
                ),
            });
        }
        Some(schema)
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let pairs = pairs(wanted.data)?;
        let model = Seq2SeqConfig {
            source_context: context(pairs.sources()),
            context: context(pairs.targets()),
            dropout: 0.1,
            label_smoothing: 0.1,
            ..Seq2SeqConfig::default()
        };
        let mut model = config::to_value(&model);
        VOCABULARIES.iter().for_each(|name| model[*name] = Value::Null);
        CHOICES.iter().for_each(|name| model[*name] = config::to_value(&TokenizerChoice::Auto));
        Ok(Defaults { model, train: training() })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let pairs = pairs(wanted.data)?;
        // A model that training begins with has tokenizers of its own.
        let own = CHOICES.iter().all(|name| settings.model.get(name).is_none());
        let filled = match own {
            true => settings.model.clone(),
            false => tokenizers(settings.model.clone(), pairs)?.0,
        };
        let parameters = read(&filled)?.num_params()?;
        fits_memory(parameters)?;
        let mut model = settings.model;
        VOCABULARIES.iter().for_each(|name| model[*name] = filled[*name].clone());
        let examples = pairs.sources().len();
        Ok(Plan { model, train: settings.train, preparation: None, parameters, examples })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let save = |model: &Seq2SeqText, folder: &Path, card: &Card| model.save(folder, card);
        let model = match &job.from {
            Some(folder) => {
                let model = Seq2SeqText::load(folder.path(), &job.device)?;
                go_on(model, &read(&job.plan.model)?)?
            }
            None => {
                let (filled, both) = tokenizers(job.plan.model.clone(), pairs(&job.data)?)?;
                Seq2SeqText::init(&read(&filled)?, both, job.seed, &job.device)?
            }
        };
        let train = Arc::new(examples(&model, pairs(&job.data)?, false)?);
        let validation = job.validation.as_ref().map(|v| examples(&model, pairs(v)?, true));
        let validation = validation.transpose()?.map(Arc::new);
        try_untrained(&job, &model, save)?;
        let learner = GradientLearner::new(model, &job.plan.train)?;
        fit(job, learner, train, validation, save, |trainer| Ok(trainer))
    }
}

/// A model that training begins with, with the dropout and the smoothing that are wished.
fn go_on(model: Seq2SeqText, wanted: &Seq2SeqConfig) -> Result<Seq2SeqText, Error> {
    let has = model.network().config();
    let (dropout, label_smoothing) = (has.dropout, has.label_smoothing);
    if *has != (Seq2SeqConfig { dropout, label_smoothing, ..wanted.clone() }) {
        let expected = "left as it is in the model that training begins with, but for dropout and \
                        label_smoothing";
        return Err(ConfigError::value("model", expected, "another").into());
    }
    Ok(model.with_training(wanted.dropout, wanted.label_smoothing))
}
