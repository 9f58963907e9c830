//! How completions are found: drawn, drawn with a draft model, or searched for.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::config;
use pyrogen_model::{Control, Error, ErrorKind, OptionSpec, Options};
use serde_json::Value;

use super::{decode, options};
use crate::language::LanguageModel;
use crate::{Beams, Candidate, Completion, Contrastive, Decoder, GptText, pretrained};

/// Items that are written with a draft between two looks at the control.
const DRAFTED: usize = 8;

/// How completions are found.
pub(super) enum Way {
    /// Drawn.
    Draw,
    /// Drawn with a draft model.
    Draft { draft: Box<GptText>, ahead: usize },
    /// The best of a beam search.
    Beams(Beams),
    /// That of a contrastive search.
    Contrastive(Contrastive),
}

/// The options of writing, and those that say how completions are found.
pub(super) fn specs() -> Vec<OptionSpec> {
    let none = |name, about| OptionSpec::new(name, Value::Null, about);
    let mut specs = options::specs();
    specs.extend([
        none(
            "beams",
            "search with so many beams in the place of drawing: item by item the best candidates",
        ),
        OptionSpec::new("length_penalty", 1.0, "of beam search: above 0 prefers longer texts"),
        OptionSpec::new("groups", 1, "of beam search: groups of beams that keep apart"),
        OptionSpec::new(
            "diversity",
            0.5,
            "of groups: nats for each beam of an earlier group with the same token",
        ),
        none(
            "contrastive",
            "contrastive search in the place of drawing: alpha, or {\"alpha\": .., \"k\": ..}",
        ),
        none("draft", "the folder of a small model of the same tokens that proposes tokens"),
        OptionSpec::new("draft_tokens", 4, "tokens that the draft proposes at a time"),
    ]);
    specs
}

impl Way {
    /// The way that options ask for.
    ///
    /// # Errors
    /// Two ways at once, an option that cannot be used, or a draft that cannot be opened.
    pub(super) fn of(options: &Options, device: &Device) -> Result<Self, Error> {
        let ways = ["beams", "contrastive", "draft"];
        let given: Vec<&str> =
            ways.into_iter().filter(|name| !options.get(name).is_null()).collect();
        if let [_, second, ..] = given[..] {
            let expected = format!("left out beside {}", given[0]);
            return Err(Error::option(second, expected, options.get(second)));
        }
        Ok(match given.first() {
            None => Self::Draw,
            Some(&"beams") => {
                let groups = options.count("groups")?.unwrap_or(1);
                Self::Beams(Beams {
                    beams: options.count("beams")?.unwrap_or(1),
                    length_penalty: options.number("length_penalty")?,
                    groups,
                    diversity: if groups > 1 { options.number("diversity")? } else { 0.0 },
                })
            }
            Some(&"contrastive") => Self::Contrastive(contrastive(options.get("contrastive"))?),
            _ => Self::Draft {
                draft: Box::new(draft(options, device)?),
                ahead: options.count("draft_tokens")?.unwrap_or(4),
            },
        })
    }

    /// The completions of some items of a prompt; every `stride`-th item is one of this prompt.
    pub(super) fn write<N: LanguageModel>(
        &self,
        decoder: &Decoder<N>,
        prompt: &str,
        items: &[u64],
        stride: u64,
        control: &Control,
    ) -> Result<Vec<Completion>, Error> {
        match self {
            Self::Draw => {
                let mut run = decoder.begin_items(prompt, items.to_vec()).map_err(decode)?;
                while run.step().map_err(decode)? {
                    control.check()?;
                }
                Ok(run.completions())
            }
            Self::Draft { draft, ahead } => {
                let mut out = Vec::with_capacity(items.len());
                for part in items.chunks(DRAFTED) {
                    control.check()?;
                    let part = part.iter().copied();
                    let made = decoder.complete_with_draft(prompt, part, draft.as_ref(), *ahead);
                    out.extend(made.map_err(decode)?.completions);
                }
                Ok(out)
            }
            Self::Beams(beams) => {
                let found = decoder.beam_search(prompt, beams).map_err(decode)?;
                // Candidate `k` of a prompt is its `k`-th item; beyond the last the best.
                let of = |item: &u64| {
                    let best = found.get((item / stride) as usize).unwrap_or(&found[0]);
                    let Candidate { text, tokens, nats, finish, .. } = best.clone();
                    Completion { text, tokens, nats, finish }
                };
                Ok(items.iter().map(of).collect())
            }
            Self::Contrastive(search) => {
                let found = decoder.contrastive_search(prompt, search).map_err(decode)?;
                Ok(vec![found; items.len()])
            }
        }
    }
}

fn contrastive(value: &Value) -> Result<Contrastive, Error> {
    match value.as_f64() {
        Some(alpha) => Ok(Contrastive { alpha, ..Contrastive::default() }),
        None => config::from_value(value.clone())
            .map_err(|e| Error::option("contrastive", e.to_string(), value)),
    }
}

fn draft(options: &Options, device: &Device) -> Result<GptText, Error> {
    let folder = options.text("draft")?.unwrap_or_default();
    let folder = Path::new(folder);
    if pretrained::is_pretrained(folder) {
        return pretrained::open(folder, device).map_err(|e| Error::other(ErrorKind::Folder, e));
    }
    Ok(GptText::load(folder, device)?)
}
