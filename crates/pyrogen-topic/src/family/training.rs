//! How the family trains.

use std::sync::Arc;

use pyrogen_core::{ConfigError, Noise, config};
use pyrogen_data::Data;
use pyrogen_model::train::{
    Defaults, Job, Plan, Sweeps, Train, TrainConfig, Wanted, fit_sweeps, sweeps,
};
use pyrogen_model::{Error, ErrorKind};
use pyrogen_train::{RunFolder, Values};

use super::model::{Fit, corpus_of, counted};
use super::{Inference, Labels, LdaConfig, LdaFamily, LdaModel, error};
use crate::{Corpus, Frequency, Gibbs, Guide, Hdp, PrepareConfig, Topics, Variational, Vocabulary};

/// Sweeps where nothing else is wished.
const SWEEPS: u64 = 300;

/// Sweeps between two checkpoints and between two looks at the validation part: the state is as
/// large as the data.
const EVERY: u64 = 50;

/// From this many documents on, a word of a single one is left out where nothing else is wished.
const MANY: usize = 100;

impl Train for LdaFamily {
    fn schema(&self) -> Option<serde_json::Value> {
        Some(schemars::schema_for!(LdaConfig).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let mut model = LdaConfig::default();
        if wanted.data.len() >= MANY {
            model.prepare.min_documents = Frequency::Documents(2);
        }
        let mut train = sweeps(wanted.data.len(), SWEEPS);
        train.checkpoint_every = EVERY;
        train.validation.every_epochs = 10;
        Ok(Defaults { model: config::to_value(&model), train })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let model: LdaConfig = config::from_value(settings.model)?;
        model.validate()?;
        let vocabulary = vocabulary(&model.prepare, wanted.data)?;
        let topics = topics(&model, wanted.data)?;
        let examples = wanted.data.len();
        let train = TrainConfig { batch_size: examples.max(1), ..settings.train };
        train.validate()?;
        Ok(Plan {
            parameters: topics * vocabulary.words().len(),
            model: config::to_value(&model),
            train,
            preparation: None,
            examples,
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        if job.from.is_some() {
            let why = "an lda begins anew: its topics belong to the documents they are learnt from";
            return Err(Error::Wish(why.into()));
        }
        let config: LdaConfig = config::from_value(job.plan.model.clone())?;
        let noise = Noise::new(job.seed).fork("lda");
        let model = start(&config, &job.data, &noise)?;
        fit_sweeps(job, model)
    }
}

/// The vocabulary of some data.
fn vocabulary(prepare: &PrepareConfig, data: &Data) -> Result<Vocabulary, Error> {
    match data {
        Data::Documents(documents) => {
            let corpus = counted(documents)?;
            Vocabulary::from_counts(prepare.clone(), documents.vocabulary(), &corpus)
        }
        Data::Text(text) => Vocabulary::from_texts(prepare.clone(), text.documents()),
        other => {
            return Err(Error::Wish(format!(
                "topics are of documents, not of {}",
                other.modality()
            )));
        }
    }
    .map_err(error)
}

/// The number of topics, which labelled LDA takes from the classes.
fn topics(config: &LdaConfig, data: &Data) -> Result<usize, Error> {
    if config.labels == Labels::Shown {
        return Ok(config.topics);
    }
    let classes = data.class_names().len();
    if classes == 0 {
        let expected = "shown: the documents have no classes (label=COLUMN reads them)";
        return Err(ConfigError::value("labels", expected, "topics").into());
    }
    let topics = classes + config.shared_topics;
    crate::variational::check_topics(topics)?;
    Ok(topics)
}

fn start(config: &LdaConfig, data: &Data, noise: &Noise) -> Result<LdaModel, Error> {
    let vocabulary = vocabulary(&config.prepare, data)?;
    let corpus = corpus_of(&vocabulary, data)?;
    let mut names = Vec::new();
    let (fit, topics) = match config.inference {
        Inference::Variational => {
            let fit = Variational::new(config.variational(), &corpus, noise).map_err(error)?;
            let topics = fit.topics();
            (Fit::Variational(fit), topics)
        }
        Inference::Hdp => {
            let fit = Hdp::new(config.hdp(), &corpus, noise).map_err(error)?;
            let topics = fit.topics(&corpus).map_err(error)?;
            (Fit::Hdp(fit), topics)
        }
        Inference::Gibbs => {
            let mut guide =
                Guide::seeded(vocabulary.words(), &config.seed_words, config.seed_weight)
                    .map_err(error)?;
            if config.labels == Labels::Topics {
                names = data.class_names();
                let own: Vec<Vec<u16>> = data
                    .labels()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|label| vec![label as u16])
                    .collect();
                let labelled = Guide::labelled(&own, names.len(), config.shared_topics);
                guide.allowed = labelled.map_err(error)?.allowed;
            }
            let settings = config.gibbs(topics(config, data)?);
            let fit = Gibbs::new(settings, &corpus, guide, noise).map_err(error)?;
            let topics = fit.topics(&corpus).map_err(error)?;
            (Fit::Gibbs(fit), topics)
        }
    };
    let lengths = lengths(&corpus);
    Ok(LdaModel { vocabulary, topics, names, lengths, fit, corpus: Some(Arc::new(corpus)) })
}

fn lengths(corpus: &Corpus) -> Vec<(u32, u32)> {
    let mut seen = std::collections::BTreeMap::new();
    for document in corpus.iter() {
        *seen.entry(document.tokens() as u32).or_insert(0) += 1;
    }
    seen.into_iter().collect()
}

impl Sweeps for LdaModel {
    /// The loss is minus what the method maximises, per document: the bound of variational Bayes, for
    /// Gibbs sampling `ln p(words, assignments)`, for the hierarchical process `ln p(words |
    /// assignments)`.
    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        let corpus = match &self.corpus {
            Some(corpus) if corpus.len() == data.len() => corpus.clone(),
            _ => {
                let corpus = Arc::new(corpus_of(&self.vocabulary, data)?);
                self.corpus = Some(corpus.clone());
                corpus
            }
        };
        let (objective, topics): (f64, Topics) = match &mut self.fit {
            Fit::Variational(fit) => {
                let pass = fit.pass(&corpus).map_err(error)?;
                (pass.bound, fit.topics())
            }
            Fit::Hdp(fit) => {
                fit.sweep(&corpus).map_err(error)?;
                let words = fit.log_words(&corpus).map_err(error)?;
                (words, fit.topics(&corpus).map_err(error)?)
            }
            Fit::Gibbs(fit) => {
                fit.sweep(&corpus).map_err(error)?;
                let joint = fit.log_joint(&corpus).map_err(error)?;
                (joint, fit.topics(&corpus).map_err(error)?)
            }
        };
        self.topics = topics;
        if !objective.is_finite() {
            let text = format!("the objective is {objective}");
            return Err(Error::other(ErrorKind::Numerics, text));
        }
        Ok(values(objective, &corpus))
    }

    /// The loss is minus the lower bound on the log-likelihood of a document.
    fn measure(&self, data: &Data) -> Values {
        let corpus = corpus_of(&self.vocabulary, data).expect("the modality was checked");
        let bounds = self.topics.lower_bound(&corpus).expect("the model's vocabulary");
        values(bounds.iter().sum(), &corpus)
    }
}

fn values(nats: f64, corpus: &Corpus) -> Values {
    let per = |n: f64| -nats / n.max(1.0);
    vec![
        ("loss".into(), per(corpus.len() as f64)),
        ("nats_per_token".into(), per(corpus.tokens() as f64)),
    ]
}
