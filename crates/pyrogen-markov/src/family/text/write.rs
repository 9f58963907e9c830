//! Texts drawn from a chain: from nothing, from a prompt, token by token.

use std::ops::Range;

use pyrogen_core::{Noise, TextStream};
use pyrogen_data::{Data, Text};
use pyrogen_model::{
    Ability, Complete, Control, Error, ErrorKind, Generate, Given, OptionSpec, Options, Request,
    Stream, host,
};
use serde_json::Value;

use super::can::{Texts, documents};
use super::pieces::Walk;
use super::tokens::Tokens;

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
    fn with_prompt(&self) -> Vec<OptionSpec> {
        let mut specs = self.drawing();
        specs.insert(0, OptionSpec::new("prompt", Value::Null, "what every text begins with"));
        specs
    }

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
    pub(super) fn prompt<'t>(&self, text: &'t str) -> (&'t str, bool) {
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

/// How a text begins.
struct Prompt<'t> {
    text: &'t str,
    tokens: Vec<Option<u32>>,
    /// Whether it ends with a blank that is no token, and that the next word brings again.
    blank: bool,
}

impl<'t> Prompt<'t> {
    fn new(texts: &Texts, text: &'t str) -> Self {
        let (body, blank) = texts.prompt(text);
        Self { text, tokens: texts.0.read(body), blank }
    }

    /// The first piece behind the prompt, without the blank that the prompt has already.
    fn joined<'p>(&self, piece: &'p str) -> &'p str {
        match self.blank {
            true => piece.strip_prefix(' ').unwrap_or(piece),
            false => piece,
        }
    }
}

impl Texts {
    /// The text of an item with its prompt.
    fn whole(
        &self,
        noise: &Noise,
        item: u64,
        prompt: &Prompt,
        manner: Manner,
    ) -> Result<String, Error> {
        let rest = self.text(noise, item, &prompt.tokens, manner)?;
        Ok(format!("{}{}", prompt.text, prompt.joined(&rest)))
    }
}

impl Generate for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        self.with_prompt()
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options = Options::resolve(Ability::Generate, &self.with_prompt(), &request.options)?;
        host::unconditional(request)?;
        let manner = self.manner(&options)?;
        let prompt = Prompt::new(self, options.text("prompt")?.unwrap_or_default());
        let noise = Noise::new(request.seed).fork("samples");
        let texts =
            host::each(items, "drawn", control, |item| self.whole(&noise, item, &prompt, manner))?;
        Ok(Data::Text(Text::new(texts)))
    }
}

impl Stream for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        self.with_prompt()
    }

    /// The prompt, and token by token what follows it. Under a rule of overlap a text is known only when
    /// it is whole, and is one piece.
    fn stream<'a>(
        &'a self,
        item: u64,
        request: &Request,
        control: &'a Control,
    ) -> Result<Box<dyn Iterator<Item = Result<Data, Error>> + Send + 'a>, Error> {
        let options = Options::resolve(Ability::Stream, &self.with_prompt(), &request.options)?;
        host::unconditional(request)?;
        let manner = self.manner(&options)?;
        let prompt = Prompt::new(self, options.text("prompt")?.unwrap_or_default());
        let noise = Noise::new(request.seed).fork("samples");
        let one = |text: String| Data::Text(Text::new([text]));
        if manner.overlap.is_some() {
            let whole = self.whole(&noise, item, &prompt, manner);
            return Ok(Box::new(std::iter::once(whole.map(one))));
        }
        let mut walk =
            Walk::new(&self.0, &prompt.tokens, &noise, item, manner.temperature, manner.most);
        let first = Some(prompt.text.to_string()).filter(|text| !text.is_empty());
        let mut skip = prompt.blank;
        let mut decoder = Some(TextStream::default());
        let rest = std::iter::from_fn(move || {
            loop {
                let waiting = decoder.as_mut()?;
                if let Err(e) = control.check() {
                    decoder = None;
                    return Some(Err(e));
                }
                let text = match walk.next() {
                    Some((_, piece)) => {
                        let blank = std::mem::take(&mut skip) && piece.first() == Some(&b' ');
                        waiting.push(&piece[usize::from(blank)..])
                    }
                    None => decoder.take()?.finish(),
                };
                if !text.is_empty() {
                    return Some(Ok(one(text)));
                }
            }
        });
        Ok(Box::new(first.map(one).map(Ok).into_iter().chain(rest)))
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
        let options = Options::resolve(Ability::Complete, &self.drawing(), &request.options)?;
        host::unconditional(request)?;
        if given.mask.is_some() {
            return Err(Error::option("mask", "left out: a prompt is given as it is", "one"));
        }
        let manner = self.manner(&options)?;
        let prompts = documents(&given.items)?.documents();
        let noise = Noise::new(request.seed).fork("completed");
        let texts = host::each(items, "completed", control, |item| {
            let prompt = &prompts[(item % prompts.len() as u64) as usize];
            self.whole(&noise, item, &Prompt::new(self, prompt), manner)
        })?;
        Ok(Data::Text(Text::new(texts)))
    }
}
