//! Writing on from a prompt, token by token.

mod beam;
mod choose;
mod contrastive;
mod item;
mod run;
mod speculative;

use std::ops::Range;
use std::sync::Arc;

use pyrogen_core::parallel::on_pool;
use pyrogen_core::{Noise, Seed};
use serde::{Deserialize, Serialize};

pub use beam::{Beams, Candidate};
pub use contrastive::Contrastive;
pub use run::Run;
pub use speculative::Drafted;

use crate::constraint::{Constraint, Guide};
use crate::language::LanguageModel;
use crate::sampling::Chain;
use crate::{DecodeError, TextModel};

/// What happens where a sequence grows beyond the network's context.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overflow {
    /// The network forgets the beginning: it goes on from the last three quarters of a context.
    #[default]
    Slide,
    /// A prompt that is longer is an error, and a sequence ends where the context does.
    Refuse,
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finish {
    /// A stop string or stop token.
    Stop,
    /// The most tokens, or the end of the context.
    Length,
    /// The model ended the text, or a constraint admits nothing more.
    End,
}

/// How a text is written.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeSettings {
    /// What is done to logits before a token is drawn.
    pub chain: Chain,
    /// The most tokens of a completion.
    pub most: usize,
    /// The fewest: before, the end and stop tokens are left out, and stop strings are not looked for.
    pub least: usize,
    /// Strings that end a completion, which does not hold them.
    pub stop: Vec<String>,
    /// Tokens that do the same.
    pub stop_tokens: Vec<u32>,
    /// What happens at the end of the context.
    pub overflow: Overflow,
    /// What stands behind the gap that a completion fills, of models that were trained to; the sequence
    /// then ends where the context does.
    pub suffix: Option<String>,
    /// What every completion matches, also one that ends with the most tokens. It stands before the
    /// chain, goes before the fewest tokens, and leaves no place for stop strings. Stop tokens end a
    /// match, and are not part of it.
    pub constraint: Option<Constraint>,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            chain: Chain::default(),
            most: 256,
            least: 0,
            stop: Vec::new(),
            stop_tokens: Vec::new(),
            overflow: Overflow::default(),
            suffix: None,
            constraint: None,
        }
    }
}

/// What was written behind a prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completion {
    /// The text, without the prompt.
    pub text: String,
    /// Its tokens, up to what stopped it.
    pub tokens: Vec<u32>,
    /// `-ln p(tokens | prompt)` of the model, without the sampling chain.
    pub nats: f64,
    /// Why it ended.
    pub finish: Finish,
}

/// Writes on from prompts.
///
/// The draw of token `t` of item `i` is a function of the seed, of `i` and of `t`, and the logits of
/// an item do not depend on what is written beside it: item `i` is the same whatever else is asked
/// for.
#[derive(Debug)]
pub struct Decoder<'m, N: LanguageModel> {
    model: &'m TextModel<N>,
    settings: DecodeSettings,
    guide: Option<Arc<Guide>>,
    noise: Noise,
}

/// Items that are written side by side.
const TOGETHER: u64 = 64;

impl<'m, N: LanguageModel> Decoder<'m, N> {
    /// A decoder of a model.
    ///
    /// # Errors
    /// A setting that cannot be used, or a constraint that the model's tokens cannot meet.
    pub fn new(
        model: &'m TextModel<N>,
        settings: DecodeSettings,
        seed: Seed,
    ) -> Result<Self, DecodeError> {
        settings.chain.validate()?;
        let wrong = |name, expected, got: String| Err(DecodeError::Setting { name, expected, got });
        if settings.most == 0 {
            return wrong("max_tokens", "at least 1", "0".into());
        }
        if settings.least > settings.most {
            return wrong("min_tokens", "at most max_tokens", settings.least.to_string());
        }
        if settings.stop.iter().any(String::is_empty) {
            return wrong("stop", "strings of a character or more", "an empty one".into());
        }
        if settings.constraint.is_some() && !model.tokenizer().separator().is_empty() {
            let expected = "left out: the model's tokens are words, and not pieces of a text";
            return wrong("regex", expected, "a constraint".into());
        }
        if settings.constraint.is_some() && !settings.stop.is_empty() {
            return wrong("stop", "left out beside a constraint", format!("{:?}", settings.stop));
        }
        if let (Some(suffix), None) = (&settings.suffix, model.marks()) {
            let expected = "left out: the model was not trained to fill gaps (infill)";
            return wrong("suffix", expected, format!("{suffix:?}"));
        }
        let guide = |constraint: &Constraint| {
            constraint.guide(model.tokenizer(), &settings.stop_tokens).map(Arc::new)
        };
        let guide = settings.constraint.as_ref().map(guide).transpose()?;
        let noise = Noise::new(seed).fork("tokens");
        Ok(Self { model, settings, guide, noise })
    }

    /// Completions of a prompt, those of the items `items`.
    ///
    /// # Errors
    /// A prompt that the model cannot read, or logits that are no numbers.
    pub fn complete(
        &self,
        prompt: &str,
        items: Range<u64>,
    ) -> Result<Vec<Completion>, DecodeError> {
        on_pool(&self.model.network().device(), || {
            let mut out = Vec::new();
            let mut first = items.start;
            while first < items.end {
                let end = items.end.min(first + TOGETHER);
                let mut run = self.begin(prompt, first..end)?;
                while run.step()? {}
                out.extend(run.completions());
                first = end;
            }
            Ok(out)
        })
    }

    /// Begins to write some items side by side. Where the model is one of several sources
    /// ([`LanguageModel::sources`]), each item is written for one of them, in their order.
    ///
    /// # Errors
    /// A prompt that the model cannot read.
    ///
    /// # Panics
    /// If there are no items, or of several sources not as many.
    pub fn begin(&self, prompt: &str, items: Range<u64>) -> Result<Run<'m, N>, DecodeError> {
        Run::new(self.shared(), prompt, items.collect())
    }

    /// As [`begin`](Self::begin), of items that need not follow each other.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    ///
    /// # Panics
    /// If there are no items.
    pub fn begin_items(&self, prompt: &str, items: Vec<u64>) -> Result<Run<'m, N>, DecodeError> {
        Run::new(self.shared(), prompt, items)
    }

    /// The pieces of one completion as they come: whole characters, none of them of a stop string.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`begin`](Self::begin). A piece is an error where logits are no
    /// numbers.
    pub fn into_stream(
        model: &'m TextModel<N>,
        settings: DecodeSettings,
        seed: Seed,
        prompt: &str,
        item: u64,
    ) -> Result<Pieces<'m, N>, DecodeError> {
        let decoder = Self::new(model, settings, seed)?;
        let run = decoder.begin(prompt, item..item + 1)?;
        Ok(Pieces { run, more: true })
    }

    fn shared(&self) -> Self {
        let Self { model, settings, guide, noise } = self;
        let (settings, noise) = (settings.clone(), noise.clone());
        Self { model, settings, guide: guide.clone(), noise }
    }

    /// What happens at the end of the context: a gap has to stay in sight, and a state of several sources
    /// cannot begin anew.
    fn overflow(&self) -> Overflow {
        let stays = self.settings.suffix.is_some() || self.model.network().sources() > 1;
        if stays { Overflow::Refuse } else { self.settings.overflow }
    }

    /// Searches go on from one source in all rows.
    fn one_source(&self) {
        let sources = self.model.network().sources();
        assert_eq!(sources, 1, "Decoder: a search of {sources} sources at once");
    }

    /// The start and the tokens of a prompt, and what stands behind the gap.
    fn framed(&self, prompt: &str) -> Result<Vec<u32>, DecodeError> {
        let tokenizer = self.model.tokenizer();
        let mut tokens = vec![tokenizer.start()];
        let prompt = tokenizer.encode(prompt)?;
        match (&self.settings.suffix, self.model.marks()) {
            (Some(suffix), Some(marks)) => {
                tokens.extend(marks.gap(&prompt, &tokenizer.encode(suffix)?));
            }
            _ => tokens.extend(prompt),
        }
        let context = self.model.network().context();
        match (context, self.overflow()) {
            (Some(context), Overflow::Refuse) if tokens.len() > context => {
                Err(DecodeError::TooLong { tokens: tokens.len(), context })
            }
            _ => Ok(tokens),
        }
    }
}

/// The pieces of one completion, as they come.
pub struct Pieces<'m, N: LanguageModel> {
    run: Run<'m, N>,
    more: bool,
}

impl<N: LanguageModel> Iterator for Pieces<'_, N> {
    type Item = Result<String, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.more {
            match self.run.step() {
                Ok(more) => self.more = more,
                Err(e) => {
                    self.more = false;
                    return Some(Err(e));
                }
            }
            let piece = self.run.fresh(0);
            if !piece.is_empty() {
                return Some(Ok(piece));
            }
        }
        None
    }
}

/// How many of the last tokens a network goes on from where a sequence is longer than its context.
fn kept(context: usize) -> usize {
    (context - context / 4).max(1)
}
