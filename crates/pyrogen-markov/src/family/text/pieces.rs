//! Text token by token.

use pyrogen_core::Noise;

use super::chain::TextChain;
use crate::chain::Context;
use crate::draws::Draws;

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
        let draws = Draws::item(noise, item as usize);
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

/// Bytes that come in pieces as text: what is no UTF-8 becomes the replacement character, as soon as
/// that is certain.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    waiting: Vec<u8>,
}

impl Decoder {
    /// The text that is certain after these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.waiting.extend_from_slice(bytes);
        let mut out = String::new();
        loop {
            match std::str::from_utf8(&self.waiting) {
                Ok(text) => {
                    out.push_str(text);
                    self.waiting.clear();
                    return out;
                }
                Err(e) => {
                    let valid = e.valid_up_to();
                    out.push_str(&String::from_utf8_lossy(&self.waiting[..valid]));
                    match e.error_len() {
                        None => {
                            self.waiting.drain(..valid);
                            return out;
                        }
                        Some(bad) => {
                            out.push(char::REPLACEMENT_CHARACTER);
                            self.waiting.drain(..valid + bad);
                        }
                    }
                }
            }
        }
    }

    /// The text of what waits for more bytes.
    pub fn end(self) -> String {
        String::from_utf8_lossy(&self.waiting).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_text_that_they_would_as_a_whole() {
        let cases: [&[u8]; 4] = [
            "aä€😀z".as_bytes(),
            b"a\xff\xe2\x82b\xf0\x9f\x98",
            b"\xc3",
            b"\xe2\x28\xa1\xf0\x28\x8c\xbc",
        ];
        for bytes in cases {
            let mut decoder = Decoder::default();
            let mut text: String = bytes.iter().map(|b| decoder.push(&[*b])).collect();
            text.push_str(&decoder.end());
            assert_eq!(text, String::from_utf8_lossy(bytes));
        }
    }
}
