//! A first-order Markov chain over the characters of texts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Counts, Likelihood, Noise, Unit};
use pyrogen::data::{Data, Modality, Text};
use pyrogen::model::train::{Defaults, Job, Plan, Sweeps, Train, Wanted, fit_sweeps};
use pyrogen::model::{
    Ability, Capabilities, Complete, Control, Error, Family, Generate, Given, Likely, Model,
    OptionSpec, Options, Request, Stream, count,
};
use pyrogen::train::{RunFolder, Values};
use serde::{Deserialize, Serialize};

/// What stands before the first character and after the last one.
const END: char = '\u{3}';

/// How often a character follows another. A text of n characters has n + 1 tokens: its end is one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Chain {
    counts: BTreeMap<char, BTreeMap<char, u64>>,
}

fn documents(data: &Data) -> Result<&Text, Error> {
    match data {
        Data::Text(text) => Ok(text),
        other => Err(super::wrong("chain", Modality::Text, other)),
    }
}

impl Chain {
    fn symbols(&self) -> impl Iterator<Item = char> {
        self.counts.keys().copied()
    }

    /// p(next | previous) with one added to each count; 0 for a character that training did not have.
    fn probability(&self, previous: char, next: char) -> f64 {
        if !self.counts.contains_key(&next) {
            return 0.0;
        }
        let row = self.counts.get(&previous);
        let count = row.and_then(|row| row.get(&next)).copied().unwrap_or(0);
        let total: u64 = row.map_or(0, |row| row.values().sum());
        (count + 1) as f64 / (total + self.counts.len() as u64) as f64
    }

    fn nats(&self, document: &str) -> f64 {
        let path = [END].into_iter().chain(document.chars());
        let next = document.chars().chain([END]);
        path.zip(next).map(|(a, b)| self.probability(a, b).ln()).sum()
    }

    /// The characters after `previous`, those of item `item`, until the text ends.
    fn after(&self, previous: char, item: u64, request: &Request) -> Result<Next<'_>, Error> {
        let options = Options::resolve(Ability::Generate, &options(), &request.options)?;
        let left = options.count("max_tokens")?.unwrap_or(usize::MAX);
        let noise = Noise::new(request.seed).fork("text").fork_index(item);
        Ok(Next { chain: self, previous, noise, left })
    }
}

/// The characters of a text, one after the other.
struct Next<'a> {
    chain: &'a Chain,
    previous: char,
    noise: Noise,
    left: usize,
}

impl Iterator for Next<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.left = self.left.checked_sub(1)?;
        let mut u = self.noise.uniform_vec(1)[0];
        let (chain, previous) = (self.chain, self.previous);
        let drawn = chain.symbols().find(|&next| {
            u -= chain.probability(previous, next);
            u < 0.0
        });
        self.previous = drawn.unwrap_or(END);
        Some(self.previous).filter(|&next| next != END)
    }
}

fn options() -> Vec<OptionSpec> {
    vec![OptionSpec::new("max_tokens", 500, "characters of a text at most")]
}

impl Sweeps for Chain {
    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        self.counts = BTreeMap::from([(END, BTreeMap::new())]);
        for document in documents(data)?.documents() {
            let mut previous = END;
            for next in document.chars().chain([END]) {
                *self.counts.entry(previous).or_default().entry(next).or_default() += 1;
                previous = next;
            }
        }
        Ok(self.measure(data))
    }

    fn measure(&self, data: &Data) -> Values {
        let Data::Text(text) = data else { return Values::new() };
        let nats: f64 = text.documents().iter().map(|d| self.nats(d)).sum();
        vec![("loss".into(), -nats / text.documents().len().max(1) as f64)]
    }
}

impl Generate for Chain {
    fn options(&self) -> Vec<OptionSpec> {
        options()
    }

    fn generate(&self, items: Range<u64>, request: &Request, c: &Control) -> Result<Data, Error> {
        let nothing = Given::new(Data::Text(Text::new([""])));
        self.complete(&nothing, items, request, c)
    }
}

impl Complete for Chain {
    fn options(&self) -> Vec<OptionSpec> {
        options()
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let prompts = documents(&given.items)?.documents();
        count(&items)?;
        let mut texts = Vec::new();
        for item in items {
            control.check()?;
            let prompt = &prompts[(item % prompts.len() as u64) as usize];
            let rest = self.after(prompt.chars().last().unwrap_or(END), item, request)?;
            texts.push(prompt.chars().chain(rest).collect::<String>());
        }
        Ok(Data::Text(Text::new(texts)))
    }
}

impl Stream for Chain {
    fn options(&self) -> Vec<OptionSpec> {
        options()
    }

    fn stream<'a>(
        &'a self,
        item: u64,
        request: &Request,
        control: &'a Control,
    ) -> Result<Box<dyn Iterator<Item = Result<Data, Error>> + Send + 'a>, Error> {
        let pieces = self.after(END, item, request)?;
        Ok(Box::new(pieces.map(|next| {
            control.check()?;
            Ok(Data::Text(Text::new([next.to_string()])))
        })))
    }
}

impl Likely for Chain {
    fn score(&self, data: &Data, _: &Request, control: &Control) -> Result<Likelihood, Error> {
        control.check()?;
        let texts = documents(data)?.documents();
        let nats = texts.iter().map(|d| self.nats(d)).collect();
        let tokens = texts.iter().map(|d| d.chars().count() + 1).collect();
        Ok(Likelihood::exact(nats, 1).in_units(Unit::Token, Counts::Each(tokens)))
    }
}

/// How the chain joins the door.
pub struct ChainFamily;

impl Family for ChainFamily {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn about(&self) -> &'static str {
        "a first-order Markov chain over characters"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Text]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Complete, Ability::Stream, Ability::Score]
    }

    fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
        let chain = Arc::new(folder.load_json::<Chain>()?);
        let parameters = chain.counts.values().map(BTreeMap::len).sum();
        let mut can = Capabilities::default();
        can.generate = Some(chain.clone());
        can.complete = Some(chain.clone());
        can.stream = Some(chain.clone());
        can.score = Some(chain);
        Ok(super::model(folder, Modality::Text, parameters, can))
    }

    fn train(&self) -> Option<&dyn Train> {
        Some(self)
    }
}

impl Train for ChainFamily {
    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        Ok(super::defaults(wanted, 1))
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        Ok(super::plan(settings, wanted, 0))
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        fit_sweeps(job, Chain::default())
    }
}
