//! What may come next, by the settings, and how it is taken.

use pyrogen_core::Noise;

use super::item::Item;
use super::{Decoder, Finish, Overflow};
use crate::DecodeError;
use crate::language::LanguageModel;

/// What is out.
const OUT: f32 = f32::NEG_INFINITY;

impl<N: LanguageModel> Decoder<'_, N> {
    /// Leaves out what cannot come behind so many written tokens.
    pub(super) fn mask(&self, logits: &mut [f32], written: usize) {
        let tokenizer = self.model.tokenizer();
        let end = tokenizer.end();
        logits[tokenizer.tokens()..].fill(OUT);
        if tokenizer.start() != end {
            logits[tokenizer.start() as usize] = OUT;
        }
        let early = written < self.settings.least;
        if early || !self.model.network().ends() {
            logits[end as usize] = OUT;
        }
        if early {
            for &token in &self.settings.stop_tokens {
                if let Some(v) = logits.get_mut(token as usize) {
                    *v = OUT;
                }
            }
        }
    }

    /// Leaves out what the constraint does not admit where `left` tokens may still be written.
    pub(super) fn constrain(&self, logits: &mut [f32], state: u32, left: usize) {
        let Some(guide) = &self.guide else { return };
        let mut kept = vec![OUT; logits.len()];
        let mut keep = |token: u32| {
            if let Some(v) = logits.get(token as usize) {
                kept[token as usize] = *v;
            }
        };
        guide.tokens(state, left).for_each(&mut keep);
        if guide.accepts(state) {
            keep(self.model.tokenizer().end());
            self.settings.stop_tokens.iter().copied().for_each(keep);
        }
        logits.copy_from_slice(&kept);
    }

    /// What an item's next token is drawn from: what may come, behind the sampling chain. Where the
    /// chain leaves nothing of what a constraint admits, the chain has no part.
    pub(super) fn weigh(&self, logits: &mut [f32], item: &mut Item) {
        self.mask(logits, item.written());
        self.constrain(logits, item.state, item.left());
        let admitted = self.guide.as_ref().map(|_| logits.to_vec());
        let (before, memory) = item.history();
        self.settings.chain.apply(logits, before, memory);
        if let Some(admitted) = admitted
            && logits.iter().all(|&v| v == OUT)
        {
            logits.copy_from_slice(&admitted);
        }
    }

    /// An item of which nothing is written yet.
    pub(super) fn item(
        &self,
        number: u64,
        tokens: Vec<u32>,
        most: usize,
    ) -> Result<Item, DecodeError> {
        let mut item = Item::new(number, tokens, most);
        if let Some(guide) = &self.guide {
            guide.check(most)?;
            if guide.is_over(item.state, most) {
                item.close(Finish::End);
            }
        }
        Ok(item)
    }

    /// Why a token ends the text, if it does.
    pub(super) fn ending(&self, token: u32) -> Option<Finish> {
        match token {
            token if token == self.model.tokenizer().end() => Some(Finish::End),
            token if self.settings.stop_tokens.contains(&token) => Some(Finish::Stop),
            _ => None,
        }
    }

    /// Writes a token of these nats.
    pub(super) fn take(&self, item: &mut Item, token: u32, nats: f64) {
        let (tokenizer, ending) = (self.model.tokenizer(), self.ending(token));
        let mut bytes = tokenizer.bytes(token);
        if !item.history().0.is_empty() && ending.is_none() {
            bytes.splice(0..0, tokenizer.separator().bytes());
        }
        item.push(token, nats, &bytes, ending, &self.settings);
        if let (None, Some(guide)) = (item.finish, &self.guide) {
            item.state = guide.next(item.state, &bytes).expect("a token that the guide admits");
            if guide.is_over(item.state, item.left()) {
                item.close(Finish::End);
            }
        }
    }

    /// The most tokens that are drawn behind so many: up to the end of the context where the window
    /// does not slide.
    pub(super) fn most(&self, tokens: usize) -> usize {
        match self.overflow() {
            Overflow::Slide => self.settings.most,
            Overflow::Refuse => self.room(tokens).unwrap_or(0),
        }
    }

    /// The most tokens that a search writes behind so many, which has to end where the context does.
    pub(super) fn room(&self, tokens: usize) -> Result<usize, DecodeError> {
        let context = self.model.network().context().unwrap_or(usize::MAX);
        if tokens > context {
            return Err(DecodeError::TooLong { tokens, context });
        }
        Ok(self.settings.most.min((context - tokens).saturating_add(1)))
    }
}

/// The number in (0, 1) of token `t` of an item.
pub(super) fn uniform(noise: &Noise, item: u64, t: usize) -> f64 {
    let mut noise = noise.items(item..item + 1);
    noise.seek(t as u64);
    noise.uniform_rows(&[1])[0]
}
