//! Text token by token.

use pyrogen_core::{Draws, Noise};

use super::chain::TextChain;
use crate::chain::Context;

/// Tokens of one text, as they are drawn.
pub(super) struct Walk<'a> {
    chain: &'a TextChain,
    context: Context,
    draws: Draws,
    temperature: f64,
    left: usize,
    first: bool,
}

impl<'a> Walk<'a> {
    /// Up to `most` tokens of text `item` behind some; `None` is one that training did not see.
    pub fn new(
        chain: &'a TextChain,
        before: &[Option<u32>],
        noise: &Noise,
        item: u64,
        temperature: f64,
        most: usize,
    ) -> Self {
        let (context, first) = (chain.context(before), before.is_empty());
        let draws = Draws::item(noise, item);
        Self { chain, context, draws, temperature, left: most, first }
    }
}

impl Iterator for Walk<'_> {
    /// A token, and its bytes with what stands between it and the one before.
    type Item = (u32, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(id) = self.chain.draw(&self.context, self.temperature, &mut self.draws) else {
            self.left = 0;
            return None;
        };
        self.chain.advance(&mut self.context, Some(id));
        let token = self.chain.token(id);
        let mut piece = self.chain.settings().tokens.separator(self.first, token).to_vec();
        piece.extend_from_slice(token);
        self.first = false;
        Some((id, piece))
    }
}
