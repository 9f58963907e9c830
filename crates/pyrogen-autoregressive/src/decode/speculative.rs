//! Speculative decoding: a small model proposes tokens, and the large one reads several at once.

use std::ops::Range;

use super::choose::uniform;
use super::item::Item;
use super::run::host;
use super::{Completion, Decoder, kept};
use crate::language::{LanguageModel, Start};
use crate::sampling::{pick, probabilities};
use crate::{DecodeError, Packed, TextModel};

/// What was written with a draft model.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafted {
    /// What was written, item by item.
    pub completions: Vec<Completion>,
    /// Tokens that the draft model proposed.
    pub proposed: u64,
    /// Those of them that stayed.
    pub kept: u64,
}

impl<N: LanguageModel> Decoder<'_, N> {
    /// As [`complete`](Self::complete), with a smaller model of the same tokens that proposes `ahead`
    /// tokens at a time, which this model then reads at once. Completions have the distribution of
    /// those without a draft model, whatever it proposes; it changes the time, and which texts are
    /// drawn.
    ///
    /// A token `d` that is drawn from the draft's `q` stays with probability `min(1, p(d) / q(d))`;
    /// else the token is drawn from `max(0, p - q)`, normalised. Both `p` and `q` are behind the sampling
    /// chain. The three uniform numbers of token `t` of item `i` are functions of the seed, of `i` and of
    /// `t`; so the text does not depend on `ahead`, up to the rounding of logits that are computed
    /// for several tokens at once. There is no token of the large model alone behind a run of
    /// proposals that all stay (as in the paper), because that token would depend on where the run
    /// began; the last proposal takes its place, at the cost of one more step of the draft model.
    ///
    /// # Errors
    /// As [`complete`](Self::complete); and a draft model of other tokens, a network that cannot take
    /// tokens back (a recurrent one), `ahead` of 0, or a chain that remembers what was drawn
    /// (mirostat).
    ///
    /// # References
    /// Leviathan et al. 2023, algorithm 1.
    pub fn complete_with_draft<D: LanguageModel>(
        &self,
        prompt: &str,
        items: impl IntoIterator<Item = u64>,
        draft: &TextModel<D>,
        ahead: usize,
    ) -> Result<Drafted, DecodeError> {
        self.check_draft(draft, ahead)?;
        let tokens = self.framed(prompt)?;
        let most = self.most(tokens.len());
        let mut out = Drafted { completions: Vec::new(), proposed: 0, kept: 0 };
        // The prompt is read once by each.
        let large = Reader::new(self.model.network(), &tokens, most)?;
        let small = Reader::new(draft.network(), &tokens, most)?;
        for number in items {
            let mut item = self.item(number, tokens.clone(), most)?;
            let (mut large, mut small) = (large.clone(), small.clone());
            while item.finish.is_none() {
                let (proposed, kept) = self.run_ahead(&mut item, &mut large, &mut small, ahead)?;
                out.proposed += proposed;
                out.kept += kept;
            }
            out.completions.push(item.completion());
        }
        Ok(out)
    }

    fn check_draft<D: LanguageModel>(
        &self,
        draft: &TextModel<D>,
        ahead: usize,
    ) -> Result<(), DecodeError> {
        let wrong = |name, expected, got: String| Err(DecodeError::Setting { name, expected, got });
        if ahead == 0 {
            return wrong("draft_tokens", "at least 1", "0".into());
        }
        let (own, other) = (self.model.tokenizer(), draft.tokenizer());
        if own != other {
            let got = format!("{} other ones, for {}", other.tokens(), own.tokens());
            return wrong("draft", "a model of the same tokens", got);
        }
        if self.settings.suffix.is_some() && draft.marks().is_none() {
            return wrong("draft", "a model that was trained to fill gaps", "another".into());
        }
        if self.settings.chain.remembers() {
            return wrong("draft", "used without steps that remember draws", "mirostat".into());
        }
        Ok(())
    }

    /// Proposes tokens and keeps those that stay; how many there were, and how many stayed.
    fn run_ahead<D: LanguageModel>(
        &self,
        item: &mut Item,
        large: &mut Reader<N>,
        small: &mut Reader<D>,
        ahead: usize,
    ) -> Result<(u64, u64), DecodeError> {
        let ahead = ahead.min(large.room(&item.tokens));
        let mut guess = item.clone();
        let mut proposals: Vec<(u32, Vec<f64>)> = Vec::with_capacity(ahead);
        while proposals.len() < ahead && guess.finish.is_none() {
            let mut logits = small.read(&guess.tokens, 1);
            self.weigh(&mut logits, &mut guess);
            let q = probabilities(&logits).ok_or(DecodeError::NoToken)?;
            let token = pick(&q, uniform(&self.noise, item.number, guess.written()));
            self.take(&mut guess, token, 0.0);
            proposals.push((token, q));
        }
        let mut tokens = item.tokens.clone();
        tokens.extend(proposals[..proposals.len() - 1].iter().map(|(token, _)| *token));
        let mut logits = large.read(&tokens, proposals.len());
        let vocabulary = logits.len() / proposals.len();
        let [accept, again] = ["accept", "again"].map(|label| self.noise.fork(label));
        let mut kept = 0;
        for ((proposal, q), logits) in proposals.iter().zip(logits.chunks_mut(vocabulary)) {
            let t = item.written();
            let plain = probabilities(logits).ok_or(DecodeError::NoToken)?;
            self.weigh(logits, item);
            let p = probabilities(logits).ok_or(DecodeError::NoToken)?;
            let at = *proposal as usize;
            let stays = uniform(&accept, item.number, t) * q[at] < p[at];
            let token = match stays {
                true => *proposal,
                false => pick(&rest(&p, q), uniform(&again, item.number, t)),
            };
            self.take(item, token, -plain[token as usize].ln());
            kept += u64::from(stays);
            if !stays || item.finish.is_some() {
                break;
            }
        }
        // The last token was not read yet.
        large.rewind(item.tokens.len() - 1);
        small.rewind(item.tokens.len() - 1);
        Ok((proposals.len() as u64, kept))
    }
}

/// `max(0, p - q)`, normalised; `p` where nothing is left.
fn rest(p: &[f64], q: &[f64]) -> Vec<f64> {
    let mut rest: Vec<f64> = p.iter().zip(q).map(|(p, q)| (p - q).max(0.0)).collect();
    let total: f64 = rest.iter().sum();
    if total <= 0.0 {
        return p.to_vec();
    }
    rest.iter_mut().for_each(|v| *v /= total);
    rest
}

/// A network that reads a growing sequence, of which it can take tokens back.
struct Reader<'m, N: LanguageModel> {
    network: &'m N,
    /// Tokens of the sequence at most.
    longest: usize,
    /// Tokens of the prompt that are out of its context from the beginning.
    base: usize,
    state: N::State,
    /// The tokens that the state holds.
    held: Range<usize>,
}

impl<N: LanguageModel> Clone for Reader<'_, N> {
    fn clone(&self) -> Self {
        let Self { network, longest, base, ref state, ref held } = *self;
        Self { network, longest, base, state: state.clone(), held: held.clone() }
    }
}

impl<'m, N: LanguageModel> Reader<'m, N> {
    /// Reads all of a prompt but its last token.
    fn new(network: &'m N, prompt: &[u32], most: usize) -> Result<Self, DecodeError> {
        let context = network.context().unwrap_or(usize::MAX);
        let base = match prompt.len() > context {
            true => prompt.len() - kept(context),
            false => 0,
        };
        let longest = prompt.len().saturating_add(most);
        let mut state = Self::start(network, longest);
        if !network.rewind(&mut state, 0) {
            let expected = "used with transformers, which can take tokens back";
            let got = "a recurrent network".into();
            return Err(DecodeError::Setting { name: "draft", expected, got });
        }
        let mut reader = Self { network, longest, base, state, held: base..base };
        if prompt.len() - base > 1 {
            reader.read(&prompt[..prompt.len() - 1], 1);
        }
        Ok(reader)
    }

    fn start(network: &N, longest: usize) -> N::State {
        let context = network.context().unwrap_or(usize::MAX);
        network.start(Start { rows: network.unit(), longest: longest.min(context) })
    }

    /// The first token that the network sees of so many: it slides where its context is full, as it
    /// does without a draft.
    fn begin(&self, tokens: usize) -> usize {
        let Some(context) = self.network.context() else { return 0 };
        let over = (tokens - self.base).saturating_sub(context);
        let step = context + 1 - kept(context);
        self.base + over.div_ceil(step) * step
    }

    /// Tokens that may be proposed behind these, so that the network reads all without sliding.
    fn room(&self, tokens: &[u32]) -> usize {
        let end =
            self.begin(tokens.len()).saturating_add(self.network.context().unwrap_or(usize::MAX));
        (end - tokens.len()).saturating_add(1)
    }

    /// Reads what was not read yet, and gives the logits behind the last `wanted` tokens.
    fn read(&mut self, tokens: &[u32], wanted: usize) -> Vec<f32> {
        let begin = self.begin(tokens.len());
        if begin != self.held.start {
            self.state = Self::start(self.network, self.longest);
            self.held = begin..begin;
        }
        let (new, unit) = (&tokens[self.held.end..], self.network.unit());
        let packed = Packed::new(new.repeat(unit), new.len());
        let features = self.network.represent(&packed, &mut self.state);
        let logits = self.network.predict(features.narrow(1, new.len() - wanted, wanted));
        let [_, _, vocabulary] = logits.dims();
        self.held.end = tokens.len();
        host(logits.narrow(0, 0, 1).reshape([wanted, vocabulary]))
    }

    /// Forgets what stands behind the first `tokens`.
    fn rewind(&mut self, tokens: usize) {
        if tokens < self.held.end {
            let read = tokens.saturating_sub(self.held.start);
            self.network.rewind(&mut self.state, read);
            self.held.end = self.held.start + read;
        }
    }
}
