//! What a chain of text can do.

use std::ops::Range;

use pyrogen_core::{Counts, Likelihood, Noise, Unit};
use pyrogen_data::{Data, Text};
use pyrogen_model::{
    Ability, Complete, Control, Error, ErrorKind, Finding, Generate, Given, Inspect, Likely,
    Marginal, OptionSpec, Options, Query, Request, Stream, host,
};
use serde_json::{Value, json};

use super::FAMILY;
use super::chain::TextChain;
use super::pieces::{Decoder, Walk};
use super::settings::SmoothingKind;
use super::tokens::Tokens;
use crate::MarkovError;

/// A chain behind the door.
pub(super) struct Texts(pub TextChain);

/// An error of the chains in the door's terms.
pub(super) fn named(error: MarkovError) -> Error {
    match error {
        MarkovError::Config(e) => e.into(),
        MarkovError::Request { .. } => Error::other(ErrorKind::Request, error),
        _ => Error::other(ErrorKind::Data, error),
    }
}

fn documents(data: &Data) -> Result<&Text, Error> {
    match data {
        Data::Text(text) if text.documents().is_empty() => {
            Err(Error::Wish("the data is empty".into()))
        }
        Data::Text(text) => Ok(text),
        other => Err(Error::Modality {
            family: FAMILY.into(),
            got: other.modality(),
            takes: "text".into(),
        }),
    }
}

/// How a text is drawn.
#[derive(Debug, Clone, Copy)]
struct Manner {
    temperature: f64,
    most: usize,
    /// The most tokens in a row that may stand in the training text.
    overlap: Option<usize>,
    tries: usize,
}

impl Texts {
    fn drawing(&self) -> Vec<OptionSpec> {
        let most = match (self.0.ends(), self.0.settings().tokens) {
            (true, _) => 1000,
            (false, Tokens::Words) => 100,
            (false, _) => 500,
        };
        vec![
            OptionSpec::new("max_tokens", most, "the most tokens of a text"),
            OptionSpec::new(
                "temperature",
                1.0,
                "below 1 bolder on what is probable; 0 always takes it",
            ),
            OptionSpec::new(
                "overlap",
                Value::Null,
                "the most words in a row that may stand in the training text; a text that copies more \
                 is drawn again (tokens=words)",
            ),
            OptionSpec::new("tries", 100, "how often a text is drawn before that is given up"),
        ]
    }

    fn manner(&self, options: &Options) -> Result<Manner, Error> {
        let overlap = options.count("overlap")?;
        if overlap.is_some() && self.0.settings().tokens != Tokens::Words {
            let expected = "null, unless the tokens are words";
            return Err(Error::option("overlap", expected, options.get("overlap")));
        }
        let most = options
            .count("max_tokens")?
            .ok_or_else(|| Error::option("max_tokens", "a whole number of at least 1", "null"))?;
        let temperature = options.number("temperature")?;
        if temperature < 0.0 {
            return Err(Error::option("temperature", "a number of at least 0", temperature));
        }
        Ok(Manner { temperature, most, overlap, tries: options.count("tries")?.unwrap_or(1) })
    }

    /// A prompt, and whether a blank at its end was taken off, which stands before the next word then.
    fn prompt<'t>(&self, text: &'t str) -> (&'t str, bool) {
        match text.strip_suffix(' ') {
            Some(body) if self.0.settings().tokens == Tokens::Words => {
                let word = body.chars().next_back().is_some_and(|c| !c.is_whitespace());
                if word { (body, true) } else { (text, false) }
            }
            _ => (text, false),
        }
    }

    /// The text of an item behind a prompt, without it. With a rule of overlap each try has draws of its
    /// own; what the first try gives is what is given without the rule.
    fn text(
        &self,
        noise: &Noise,
        item: u64,
        prompt: &[Option<u32>],
        manner: Manner,
    ) -> Result<String, Error> {
        let mut copied = None;
        for attempt in 0..manner.tries {
            let own = match attempt {
                0 => noise.clone(),
                n => noise.fork("try").fork_index(n as u64),
            };
            let walk = Walk::new(&self.0, prompt, &own, item, manner.temperature, manner.most);
            let (ids, pieces): (Vec<u32>, Vec<Vec<u8>>) = walk.unzip();
            let Some(most) = manner.overlap else {
                return Ok(String::from_utf8_lossy(&pieces.concat()).into_owned());
            };
            let whole: Vec<u32> =
                prompt.iter().map(|id| id.unwrap_or(u32::MAX)).chain(ids).collect();
            let copy = (whole.len() > most).then(|| self.0.source().copied(&whole, most));
            match copy.flatten() {
                None => return Ok(String::from_utf8_lossy(&pieces.concat()).into_owned()),
                Some((run, _)) => copied = Some(run.to_vec()),
            }
        }
        let run = copied.unwrap_or_default();
        let words: Vec<&[u8]> = run.iter().map(|id| self.0.token(*id)).collect();
        Err(Error::other(
            ErrorKind::Request,
            format!(
                "text {item}: all {} tries copy more than {} words in a row from the training text, \
                 the last one `{}`: allow a longer overlap, give more tries, or train with a smaller \
                 order",
                manner.tries,
                manner.overlap.unwrap_or(0),
                String::from_utf8_lossy(&words.join(&b' '))
            ),
        ))
    }
}

impl Generate for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        self.drawing()
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Generate, &Generate::options(self), &request.options)?;
        host::unconditional(request)?;
        let manner = self.manner(&options)?;
        let noise = Noise::new(request.seed).fork("samples");
        let texts =
            host::each(items, "drawn", control, |item| self.text(&noise, item, &[], manner))?;
        Ok(Data::Text(Text::new(texts)))
    }
}

impl Stream for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        self.drawing()
    }

    /// Token by token. Under a rule of overlap a text is known only when it is whole, and is one piece.
    fn stream<'a>(
        &'a self,
        item: u64,
        request: &Request,
        control: &'a Control,
    ) -> Result<Box<dyn Iterator<Item = Result<Data, Error>> + Send + 'a>, Error> {
        let options = Options::resolve(Ability::Stream, &Stream::options(self), &request.options)?;
        host::unconditional(request)?;
        let manner = self.manner(&options)?;
        let noise = Noise::new(request.seed).fork("samples");
        if manner.overlap.is_some() {
            let whole = self.text(&noise, item, &[], manner);
            return Ok(Box::new(std::iter::once(whole.map(|t| Data::Text(Text::new([t]))))));
        }
        let mut walk = Walk::new(&self.0, &[], &noise, item, manner.temperature, manner.most);
        let mut decoder = Some(Decoder::default());
        Ok(Box::new(std::iter::from_fn(move || {
            loop {
                let waiting = decoder.as_mut()?;
                if let Err(e) = control.check() {
                    decoder = None;
                    return Some(Err(e));
                }
                let text = match walk.next() {
                    Some((_, piece)) => waiting.push(&piece),
                    None => decoder.take()?.end(),
                };
                if !text.is_empty() {
                    return Some(Ok(Data::Text(Text::new([text]))));
                }
            }
        })))
    }
}

impl Complete for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        self.drawing()
    }

    /// The prompts with what follows them. A prompt may hold tokens that training did not see.
    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Complete, &Complete::options(self), &request.options)?;
        host::unconditional(request)?;
        if given.mask.is_some() {
            return Err(Error::option("mask", "left out: a prompt is given as it is", "one"));
        }
        let manner = self.manner(&options)?;
        let prompts = documents(&given.items)?.documents();
        let noise = Noise::new(request.seed).fork("completed");
        let texts = host::each(items, "completed", control, |item| {
            let prompt = &prompts[(item % prompts.len() as u64) as usize];
            let (body, blank) = self.prompt(prompt);
            let rest = self.text(&noise, item, &self.0.read(body), manner)?;
            let rest = if blank { rest.strip_prefix(' ').unwrap_or(&rest) } else { rest.as_str() };
            Ok(format!("{prompt}{rest}"))
        })?;
        Ok(Data::Text(Text::new(texts)))
    }
}

impl Likely for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        let about =
            "what a text is made of in rates: tokens, ends of documents with them, or bytes";
        vec![OptionSpec::new("unit", "token", about).one_of(["token", "byte"])]
    }

    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        let options = Options::resolve(Ability::Score, &Likely::options(self), &request.options)?;
        let texts = documents(data)?.documents();
        let bytes = options.text("unit")? == Some("byte");
        let scored = host::each(0..texts.len() as u64, "scored", control, |i| {
            let text = &texts[i as usize];
            let logs = self.0.log_probabilities(text).map_err(named)?;
            let units = if bytes { text.len() } else { logs.len() };
            Ok((logs.iter().sum::<f64>(), units))
        })?;
        let (nats, units): (Vec<f64>, Vec<usize>) = scored.into_iter().unzip();
        let unit = if bytes { Unit::Byte } else { Unit::Token };
        Ok(Likelihood::exact(nats, 1).in_units(unit, Counts::Each(units)))
    }

    fn evaluated(&self, _: usize) -> Vec<Options> {
        let resolve = |unit: &str| {
            let given = json!({"unit": unit}).as_object().cloned().unwrap_or_default();
            Options::resolve(Ability::Score, &Likely::options(self), &given).ok()
        };
        ["token", "byte"].into_iter().filter_map(resolve).collect()
    }
}

/// What stands for all tokens that are not listed.
const OTHERS: &str = "(other tokens)";

impl Query for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        vec![OptionSpec::new("top", 20, "how many of the most probable tokens are listed")]
    }

    /// The most probable next tokens after each text, `top` of them, the most probable first, under the
    /// name `next`; behind them what all others have together, tokens that training did not see with
    /// them. The end of the document is the empty value.
    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        let options = Options::resolve(Ability::Query, &Query::options(self), &request.options)?;
        let top = options.count("top")?.unwrap_or(usize::MAX);
        let texts = documents(evidence)?.documents();
        host::each(0..texts.len() as u64, "answered", control, |i| {
            let (body, _) = self.prompt(&texts[i as usize]);
            let context = self.0.context(&self.0.read(body));
            let p = self.0.distribution(&context);
            let mut order: Vec<usize> = (0..p.len()).collect();
            order.sort_by(|a, b| p[*b].total_cmp(&p[*a]).then(a.cmp(b)));
            order.truncate(top);
            let name = |symbol: &usize| match *symbol < self.0.vocabulary() {
                true => String::from_utf8_lossy(self.0.token(*symbol as u32)).into_owned(),
                false => String::new(),
            };
            let mut values: Vec<String> = order.iter().map(name).collect();
            let mut probabilities: Vec<f64> =
                order.iter().map(|s| p[*s] * (1.0 - self.0.unknown())).collect();
            let rest = 1.0 - probabilities.iter().sum::<f64>();
            if order.len() < p.len() || self.0.unknown() > 0.0 {
                values.push(OTHERS.into());
                probabilities.push(rest.max(0.0));
            }
            Ok(vec![("next".into(), Marginal::Discrete { values, probabilities })])
        })
    }
}

impl Inspect for Texts {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        Options::resolve(Ability::Inspect, &[], &request.options)?;
        control.check()?;
        let texts = documents(data)?.documents();
        let tokens: Vec<Option<u32>> = texts.iter().flat_map(|t| self.0.read(t)).collect();
        let new = tokens.iter().filter(|id| id.is_none()).count();
        let settings = self.0.settings();
        let one = settings.tokens.one();
        let text = format!(
            "{} {one}s were learnt from, {} different ones, in {} distinct runs of up to {}; {new} of \
             {} {one}s of this data are new ({:.2} %, expected {:.2} %).",
            self.0.tokens(),
            self.0.vocabulary(),
            self.0.runs(),
            settings.order + 1,
            tokens.len(),
            100.0 * new as f64 / tokens.len().max(1) as f64,
            100.0 * self.0.unknown()
        );
        let value = json!({
            "tokens": self.0.tokens(),
            "vocabulary": self.0.vocabulary(),
            "runs": self.0.runs(),
            "new": new,
            "expected_new_share": self.0.unknown(),
        });
        let mut findings = vec![Finding {
            name: "chain".into(),
            title: "Tokens and runs".into(),
            text,
            warning: false,
            value,
        }];
        if settings.smoothing == SmoothingKind::None {
            let text = "Without smoothing, what was never seen after a context is impossible: most new \
                        texts have a log-likelihood of minus infinity.";
            findings.push(Finding {
                name: "unsmoothed".into(),
                title: "No smoothing".into(),
                text: text.into(),
                warning: true,
                value: Value::Null,
            });
        }
        Ok(findings)
    }
}
