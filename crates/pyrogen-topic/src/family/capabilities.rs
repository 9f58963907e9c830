//! What an opened model can do.

use std::ops::Range;

use pyrogen_core::{Counts, Draws, Likelihood, Noise, RequestError, Unit};
use pyrogen_data::{Data, Documents, Modality, Text};
use pyrogen_model::{
    Ability, Assign, Assignment, Control, Error, ErrorKind, Finding, Generate, Inspect, Likely,
    OptionSpec, Options, Request,
};
use serde_json::{Map, Value, json};

use super::model::{LdaModel, corpus_of};
use super::{error, findings};
use crate::{Corpus, LeftToRight};

/// A model with what its documents are.
pub(super) struct Lda {
    pub(super) model: LdaModel,
    pub(super) modality: Modality,
}

/// The fewest particles of an estimate.
const FEWEST: usize = 8;

/// Items between two looks at the control.
const PART: u64 = 64;

const ESTIMATE: &str = "estimate";
const LOWER_BOUND: &str = "lower_bound";
const COMPLETION: &str = "completion";

impl Lda {
    fn length(&self, noise: &Noise, item: u64) -> u32 {
        let lengths = &self.model.lengths;
        let weights: Vec<f64> = lengths.iter().map(|(_, n)| f64::from(*n)).collect();
        if weights.is_empty() {
            return 0;
        }
        lengths[Draws::item(noise, item).place(&weights)].0
    }

    fn estimate(
        &self,
        corpus: &Corpus,
        options: &Options,
        noise: &Noise,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        let default = LeftToRight::default();
        let config = LeftToRight {
            particles: options.count("draws")?.unwrap_or(default.particles),
            moves: options.number("moves")? as usize,
        };
        if config.particles < FEWEST {
            let expected = format!("at least {FEWEST}, for a standard error");
            return Err(Error::option("draws", expected, config.particles));
        }
        control.check()?;
        let meter = control.meter("scored", corpus.len() as u64);
        let found = self.model.topics.left_to_right(corpus, &config, noise).map_err(error)?;
        meter.add(corpus.len() as u64);
        let nats = found.iter().map(|e| e.nats).collect();
        Ok(Likelihood::estimate(nats, found.iter().map(|e| e.std_err).collect(), 1))
    }
}

impl Generate for Lda {
    fn options(&self) -> Vec<OptionSpec> {
        let about = "words of a document; null draws it from the lengths of the training documents";
        vec![OptionSpec::new("length", Value::Null, about)]
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Generate, &Generate::options(self), &request.options)?;
        if request.class.is_some() {
            return Err(RequestError::Unconditional.into());
        }
        if items.is_empty() {
            return Err(Error::option("items", "at least 1", 0));
        }
        let length = options.count("length")?;
        let too_long = || Error::option("length", format!("at most {}", u32::MAX), "more");
        let length = length.map(u32::try_from).transpose().map_err(|_| too_long())?;
        let noise = Noise::new(request.seed);
        let (words, lengths) = (noise.fork("documents"), noise.fork("lengths"));
        let meter = control.meter("drawn", items.end - items.start);
        let topics = &self.model.topics;
        let names = self.model.vocabulary.words();
        let (mut counts, mut texts) = (Vec::new(), Vec::new());
        for item in items.clone() {
            if (item - items.start).is_multiple_of(PART) {
                control.check()?;
            }
            let tokens = length.unwrap_or_else(|| self.length(&lengths, item));
            match self.modality {
                Modality::Text => {
                    let sequence = topics.sequence(&words, item, tokens);
                    let text: Vec<&str> =
                        sequence.iter().map(|w| names[*w as usize].as_str()).collect();
                    texts.push(text.join(" "));
                }
                _ => counts.push(topics.document(&words, item, tokens)),
            }
            meter.add(1);
        }
        match self.modality {
            Modality::Text => Ok(Data::Text(Text::new(texts))),
            _ => Ok(Data::Documents(Documents::new(names.to_vec(), counts)?)),
        }
    }
}

impl Likely for Lda {
    fn options(&self) -> Vec<OptionSpec> {
        let method = "estimate: by left-to-right; lower_bound: by variational Bayes; completion: of a \
                      random half of the words given the other half";
        let draws = "particles of the estimate; null is 20";
        let moves = "earlier words whose topics are drawn anew before each word; 0 is fastest";
        vec![
            OptionSpec::new("method", ESTIMATE, method).one_of([ESTIMATE, LOWER_BOUND, COMPLETION]),
            OptionSpec::new("draws", Value::Null, draws),
            OptionSpec::new("moves", LeftToRight::default().moves, moves),
        ]
    }

    /// Of the words that the vocabulary has; the unit is such a word.
    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        let options = Options::resolve(Ability::Score, &Likely::options(self), &request.options)?;
        let corpus = corpus_of(&self.model.vocabulary, data)?;
        if corpus.is_empty() {
            return Err(Error::Wish("the data is empty: there is nothing to score".into()));
        }
        let noise = Noise::new(request.seed).fork("score");
        let tokens = corpus.iter().map(|d| d.tokens() as usize).collect();
        let likelihood = match options.text("method")? {
            Some(LOWER_BOUND) => {
                control.check()?;
                let bounds = self.model.topics.lower_bound(&corpus).map_err(error)?;
                Likelihood::lower_bound(bounds, None, 1)
            }
            Some(COMPLETION) => {
                let halves = self.model.topics.completion(&corpus, &noise).map_err(error)?;
                let (nats, words): (Vec<f64>, Vec<u64>) = halves.into_iter().unzip();
                let words = words.into_iter().map(|n| n as usize).collect();
                let found = Likelihood::exact(nats, 1).in_units(Unit::Token, Counts::Each(words));
                return Ok(found.conditional(true));
            }
            _ => self.estimate(&corpus, &options, &noise, control)?,
        };
        Ok(likelihood.in_units(Unit::Token, Counts::Each(tokens)))
    }

    fn evaluated(&self, draws: usize) -> Vec<Options> {
        let set = |given: Value| {
            let given: Map<String, Value> = given.as_object().cloned().unwrap_or_default();
            Options::resolve(Ability::Score, &Likely::options(self), &given).ok()
        };
        let draws = draws.clamp(FEWEST, LeftToRight::default().particles);
        let sets = [json!({"method": LOWER_BOUND}), json!({"method": ESTIMATE, "draws": draws})];
        sets.into_iter().filter_map(set).collect()
    }
}

impl Assign for Lda {
    /// The topic with the largest share of each document, and all shares.
    fn assign(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Assignment, Error> {
        Options::resolve(Ability::Assign, &[], &request.options)?;
        control.check()?;
        let corpus = corpus_of(&self.model.vocabulary, data)?;
        let shares = self.model.topics.shares(&corpus).map_err(error)?;
        let first = |row: &Vec<f64>| {
            let best = row.iter().enumerate().fold(0, |b, (k, v)| if *v > row[b] { k } else { b });
            vec![best as u32]
        };
        Ok(Assignment {
            what: "topic".into(),
            names: self.model.topic_names(),
            assigned: shares.iter().map(first).collect(),
            probabilities: shares,
        })
    }
}

impl Inspect for Lda {
    fn inspect(&self, data: &Data, _: &Request, control: &Control) -> Result<Vec<Finding>, Error> {
        control.check()?;
        findings::all(&self.model, data)
    }

    fn figures(
        &self,
        data: &Data,
        _: &Request,
        control: &Control,
    ) -> Result<Vec<pyrogen_model::Figure>, Error> {
        control.check()?;
        super::figures::all(&self.model, data)
    }
}

/// What is said of documents needs one.
pub(super) fn needs_documents(data: &Data) -> Result<(), Error> {
    match data.is_empty() {
        true => Err(Error::other(ErrorKind::Data, "there are no documents to look at")),
        false => Ok(()),
    }
}
