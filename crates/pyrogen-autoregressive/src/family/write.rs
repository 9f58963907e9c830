//! Generate, complete and stream.

use std::ops::Range;

use pyrogen_data::{Data, Text};
use pyrogen_model::{
    Ability, Complete, Control, Detailed, Error, Generate, Given, OptionSpec, Options, Request,
    Stream, count,
};
use serde_json::{Map, Value};

use super::door::{Door, text};
use super::way::{self, Way};
use super::{decode, options};
use crate::language::LanguageModel;
use crate::{Completion, Decoder};

/// Items that are written side by side.
const TOGETHER: u64 = 64;

/// The options of writing from nothing or from a prompt.
fn with_prompt(mut specs: Vec<OptionSpec>) -> Vec<OptionSpec> {
    specs.insert(0, OptionSpec::new("prompt", Value::Null, "what every text begins with"));
    specs
}

/// Whether the text begins with the prompt.
fn echo(options: &Options) -> Result<bool, Error> {
    let value = options.get("echo");
    value.as_bool().ok_or_else(|| Error::option("echo", "true or false", value))
}

impl<N: LanguageModel> Door<N> {
    fn decoder(&self, options: &Options, request: &Request) -> Result<Decoder<'_, N>, Error> {
        no_condition(request)?;
        let settings = options::settings(options, self.model.tokenizer())?;
        Decoder::new(&self.model, settings, request.seed).map_err(decode)
    }
}

/// Refuses a class or a context.
pub(super) fn no_condition(request: &Request) -> Result<(), Error> {
    if request.class.is_some() {
        return Err(pyrogen_core::RequestError::Unconditional.into());
    }
    if request.context.is_some() {
        return Err(pyrogen_core::RequestError::NoContext.into());
    }
    Ok(())
}

/// What is known of a completion.
pub(super) fn facts(completion: &Completion) -> Map<String, Value> {
    Map::from_iter([
        ("nats".to_string(), completion.nats.into()),
        ("tokens".to_string(), completion.tokens.len().into()),
        ("finish".to_string(), pyrogen_core::config::to_value(&completion.finish)),
    ])
}

/// Texts, and what is known of each.
#[derive(Default)]
struct Texts {
    texts: Vec<String>,
    details: Vec<Map<String, Value>>,
}

impl Texts {
    /// Takes a completion between what is shown before and behind it.
    fn push(&mut self, [before, behind]: [&str; 2], completion: &Completion) {
        self.texts.push(format!("{before}{}{behind}", completion.text));
        self.details.push(facts(completion));
    }

    fn finish(self) -> Detailed {
        Detailed { items: Data::Text(Text::new(self.texts)), details: self.details }
    }
}

impl<N: LanguageModel> Generate for Door<N> {
    fn options(&self) -> Vec<OptionSpec> {
        with_prompt(way::specs())
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        Ok(Generate::detailed(self, items, request, control)?.items)
    }

    /// Beside each text: `nats` (`-ln p` of what was drawn), `tokens` (how many) and `finish`.
    fn detailed(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Detailed, Error> {
        count(&items)?;
        let specs = with_prompt(way::specs());
        let options = Options::resolve(Ability::Generate, &specs, &request.options)?;
        let decoder = self.decoder(&options, request)?;
        let way = Way::of(&options, &self.model.network().device())?;
        let prompt = options.text("prompt")?.unwrap_or_default();
        let suffix = options.text("suffix")?.unwrap_or_default();
        let shown = if echo(&options)? { [prompt, suffix] } else { [""; 2] };
        let meter = control.meter("drawn", items.end - items.start);
        let mut out = Texts::default();
        let all: Vec<u64> = items.collect();
        for part in all.chunks(TOGETHER as usize) {
            control.check()?;
            let written = way.write(&decoder, prompt, part, 1, control)?;
            meter.add(written.len() as u64);
            written.iter().for_each(|c| out.push(shown, c));
        }
        Ok(out.finish())
    }
}

impl<N: LanguageModel> Stream for Door<N> {
    fn options(&self) -> Vec<OptionSpec> {
        with_prompt(options::specs())
    }

    fn stream<'a>(
        &'a self,
        item: u64,
        request: &Request,
        control: &'a Control,
    ) -> Result<Box<dyn Iterator<Item = Result<Data, Error>> + Send + 'a>, Error> {
        let options = Options::resolve(Ability::Stream, &Stream::options(self), &request.options)?;
        no_condition(request)?;
        let settings = options::settings(&options, self.model.tokenizer())?;
        let prompt = options.text("prompt")?.unwrap_or_default().to_string();
        let shown = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        let suffix = options.text("suffix")?.unwrap_or_default();
        let (mut first, mut last) = (shown(&prompt), shown(suffix));
        if !echo(&options)? {
            (first, last) = (None, None);
        }
        let pieces = Decoder::into_stream(&self.model, settings, request.seed, &prompt, item);
        let mut pieces = pieces.map_err(decode)?;
        let one = |piece: String| Data::Text(Text::new([piece]));
        Ok(Box::new(std::iter::from_fn(move || {
            if let Some(prompt) = first.take() {
                return Some(Ok(one(prompt)));
            }
            if let Err(e) = control.check() {
                return Some(Err(e));
            }
            let piece = pieces.next().or_else(|| last.take().map(Ok));
            piece.map(|piece| piece.map(one).map_err(decode))
        })))
    }
}

impl<N: LanguageModel> Complete for Door<N> {
    fn options(&self) -> Vec<OptionSpec> {
        way::specs()
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        Ok(Complete::detailed(self, given, items, request, control)?.items)
    }

    fn detailed(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Detailed, Error> {
        let n = count(&items)?;
        let options = Options::resolve(Ability::Complete, &way::specs(), &request.options)?;
        let prompts = text(&given.items)?.documents();
        if given.mask.is_some() {
            return Err(Error::Wish(
                "a text is completed from its beginning, without a mask".into(),
            ));
        }
        let decoder = self.decoder(&options, request)?;
        let way = Way::of(&options, &self.model.network().device())?;
        let (echo, suffix) = (echo(&options)?, options.text("suffix")?.unwrap_or_default());
        let meter = control.meter("drawn", items.end - items.start);
        let mut made: Vec<Option<(usize, Completion)>> = vec![None; n];
        let count = prompts.len() as u64;
        for (p, prompt) in prompts.iter().enumerate() {
            let first = items.start + (p as u64 + count - items.start % count) % count;
            let own: Vec<u64> = (first..items.end).step_by(count as usize).collect();
            for part in own.chunks(TOGETHER as usize) {
                control.check()?;
                let written = way.write(&decoder, prompt, part, count, control)?;
                meter.add(written.len() as u64);
                for (item, completion) in part.iter().zip(written) {
                    made[(item - items.start) as usize] = Some((p, completion));
                }
            }
        }
        let mut out = Texts::default();
        for (p, completion) in made.into_iter().flatten() {
            let shown = if echo { [prompts[p].as_ref(), suffix] } else { [""; 2] };
            out.push(shown, &completion);
        }
        Ok(out.finish())
    }
}
