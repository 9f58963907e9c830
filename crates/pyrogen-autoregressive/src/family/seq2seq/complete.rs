//! Targets of sources.

use std::ops::Range;
use std::sync::Arc;

use pyrogen_data::{Data, Pairs};
use pyrogen_model::{
    Ability, Complete, Control, Detailed, Error, Given, OptionSpec, Options, Request, count,
};
use serde_json::Value;

use super::super::way::{self, Way};
use super::super::write::{facts, no_condition};
use super::super::{decode, options};
use super::{Lenient, PairDoor, Reader, of_item, pairs};
use crate::{Completion, DecodeSettings, Decoder, Overflow};

/// Options of language models that have no meaning under a source.
const WITHOUT: [&str; 5] = ["suffix", "echo", "overflow", "draft", "draft_tokens"];

/// Targets that are written side by side.
const TOGETHER: usize = 64;

/// The options of writing a target: those of a text, where the most probable token is taken unless a
/// temperature is given.
fn specs() -> Vec<OptionSpec> {
    let mut specs = way::specs();
    specs.retain(|spec| !WITHOUT.contains(&spec.name));
    specs.extend(Lenient::specs());
    for spec in &mut specs {
        if spec.name == "temperature" {
            spec.default = Value::from(0.0);
        }
    }
    specs
}

impl Complete for PairDoor {
    fn options(&self) -> Vec<OptionSpec> {
        specs()
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        Ok(self.detailed(given, items, request, control)?.items)
    }

    /// Pairs of the given sources, each with a target; the given are texts, or pairs whose targets have no
    /// part in it. Beside each pair: `nats` (`-ln p` of the target given the source), `tokens` (how many
    /// it has) and `finish`.
    fn detailed(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Detailed, Error> {
        count(&items)?;
        no_condition(request)?;
        let options = Options::resolve(Ability::Complete, &specs(), &request.options)?;
        if given.mask.is_some() {
            return Err(Error::Wish("a source is given whole, without a mask".into()));
        }
        let texts = match &given.items {
            Data::Text(text) => text.documents(),
            data => pairs(data)?.sources(),
        };
        if texts.is_empty() {
            return Err(Error::Wish("there are no sources".into()));
        }
        let mut reader = Reader::new(&self.model, Lenient::of(&options)?);
        let source = |(i, text): (usize, &Arc<str>)| {
            reader.source(text).map_err(|e| of_item("source", i, e))
        };
        let sources = texts.iter().enumerate().map(source).collect::<Result<Vec<_>, Error>>()?;
        let settings = DecodeSettings {
            overflow: Overflow::Refuse,
            ..options::settings(&options, self.model.tokenizers()[1])?
        };
        let way = Way::of(&options, &self.model.network().device())?;
        let work = Work { door: self, sources: &sources, settings, request, control };
        let made = match way {
            Way::Draw => work.draw(items.clone())?,
            way => work.search(&way, items.clone())?,
        };
        let of = |item: u64| (item % sources.len() as u64) as usize;
        let sides = items.map(of).zip(&made).map(|(of, completion)| {
            let (source, target): (Arc<str>, &str) = (texts[of].clone(), &completion.text);
            (source, target)
        });
        let items = Data::Pairs(Pairs::new(sides));
        Ok(Detailed { items, details: made.iter().map(facts).collect() })
    }
}

/// What is to be written.
struct Work<'a> {
    door: &'a PairDoor,
    sources: &'a [Vec<u32>],
    settings: DecodeSettings,
    request: &'a Request,
    control: &'a Control,
}

impl Work<'_> {
    fn source(&self, item: u64) -> &Vec<u32> {
        &self.sources[(item % self.sources.len() as u64) as usize]
    }

    /// Targets that are drawn: those of sources of about one length side by side, whose padding depends on
    /// each alone.
    fn draw(&self, items: Range<u64>) -> Result<Vec<Completion>, Error> {
        let padded = |item: &u64| self.source(*item).len().next_multiple_of(16);
        let mut order: Vec<u64> = items.clone().collect();
        order.sort_by_key(padded);
        let meter = self.control.meter("written", order.len() as u64);
        let mut made: Vec<Option<Completion>> = vec![None; order.len()];
        for group in order.chunk_by(|a, b| padded(a) == padded(b)) {
            for now in group.chunks(TOGETHER) {
                self.control.check()?;
                let sources: Vec<Vec<u32>> = now.iter().map(|&i| self.source(i).clone()).collect();
                let model = self.door.model.given(&sources);
                let decoder = Decoder::new(&model, self.settings.clone(), self.request.seed);
                let decoder = decoder.map_err(decode)?;
                let mut run = decoder.begin_items("", now.to_vec()).map_err(decode)?;
                while run.step().map_err(decode)? {
                    self.control.check()?;
                }
                for (item, completion) in now.iter().zip(run.completions()) {
                    made[(item - items.start) as usize] = Some(completion);
                }
                meter.add(now.len() as u64);
            }
        }
        Ok(made.into_iter().flatten().collect())
    }

    /// Targets that are searched for, one source after the other.
    fn search(&self, way: &Way, items: Range<u64>) -> Result<Vec<Completion>, Error> {
        let count = self.sources.len() as u64;
        let meter = self.control.meter("written", items.end - items.start);
        let mut made: Vec<Option<Completion>> = vec![None; (items.end - items.start) as usize];
        for first in items.start..items.end.min(items.start + count) {
            self.control.check()?;
            let own: Vec<u64> = (first..items.end).step_by(count as usize).collect();
            let model = self.door.model.given(std::slice::from_ref(self.source(first)));
            let decoder = Decoder::new(&model, self.settings.clone(), self.request.seed);
            let decoder = decoder.map_err(decode)?;
            let written = way.write(&decoder, "", &own, count, self.control)?;
            meter.add(own.len() as u64);
            for (item, completion) in own.iter().zip(written) {
                made[(item - items.start) as usize] = Some(completion);
            }
        }
        Ok(made.into_iter().flatten().collect())
    }
}
