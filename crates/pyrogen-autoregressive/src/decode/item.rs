//! One sequence that is being written.

use super::{Completion, DecodeSettings, Finish};
use crate::TextStream;
use crate::sampling::Memory;

/// One sequence that is being written.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its number, which its draws belong to.
    pub(super) number: u64,
    /// Start, prompt and what was written.
    pub(super) tokens: Vec<u32>,
    /// Where what was written begins.
    prompt: usize,
    /// The most tokens that are written.
    most: usize,
    /// Where the constraint stands.
    pub(super) state: u32,
    pub(super) memory: Memory,
    stream: TextStream,
    text: String,
    /// Bytes of the text that were given out.
    given: usize,
    nats: f64,
    pub(super) finish: Option<Finish>,
}

impl Item {
    pub(super) fn new(number: u64, prompt: Vec<u32>, most: usize) -> Self {
        Self {
            number,
            prompt: prompt.len(),
            most,
            state: 0,
            tokens: prompt,
            memory: Memory::default(),
            stream: TextStream::default(),
            text: String::new(),
            given: 0,
            nats: 0.0,
            finish: None,
        }
    }

    /// Tokens that were written.
    pub(super) fn written(&self) -> usize {
        self.tokens.len() - self.prompt
    }

    /// Tokens that may still be written.
    pub(super) fn left(&self) -> usize {
        self.most - self.written()
    }

    /// The prompt and what was written, without the start; and what the chain remembers.
    pub(super) fn history(&mut self) -> (&[u32], &mut Memory) {
        (&self.tokens[1..], &mut self.memory)
    }

    /// Takes a token of these nats and bytes; `ends` says that it ends the text, `stops` that it stops
    /// it.
    pub(super) fn push(
        &mut self,
        token: u32,
        nats: f64,
        bytes: &[u8],
        ending: Option<Finish>,
        settings: &DecodeSettings,
    ) {
        self.nats += nats;
        if let Some(finish) = ending {
            self.close(finish);
            return;
        }
        self.tokens.push(token);
        let searched = self.text.len();
        self.text += &self.stream.push(bytes);
        if self.written() >= settings.least
            && let Some(at) = self.stop_at(searched, &settings.stop)
        {
            self.text.truncate(at);
            self.stream.finish();
            self.finish = Some(Finish::Stop);
        } else if self.written() >= self.most {
            self.close(Finish::Length);
        }
    }

    pub(super) fn close(&mut self, finish: Finish) {
        self.text += &self.stream.finish();
        self.finish = Some(finish);
    }

    /// Where the first stop string begins that ends behind `searched`.
    fn stop_at(&self, searched: usize, stop: &[String]) -> Option<usize> {
        let found = stop.iter().filter_map(|stop| {
            let mut from = searched.saturating_sub(stop.len()).max(self.given);
            while !self.text.is_char_boundary(from) {
                from -= 1;
            }
            self.text[from..].find(stop.as_str()).map(|at| from + at)
        });
        found.min()
    }

    /// Text that was not given out yet and no longer changes.
    pub(super) fn fresh(&mut self, stop: &[String]) -> String {
        let mut end = self.text.len();
        if self.finish.is_none() {
            let open = |stop: &String| {
                let lengths = (1..stop.len()).rev().filter(|&n| stop.is_char_boundary(n));
                lengths.filter(|&n| self.text.ends_with(&stop[..n])).max()
            };
            end -= stop.iter().filter_map(open).max().unwrap_or(0);
        }
        let end = end.max(self.given);
        let piece = self.text[self.given..end].to_string();
        self.given = end;
        piece
    }

    pub(super) fn completion(self) -> Completion {
        Completion {
            text: self.text,
            tokens: self.tokens[self.prompt..].to_vec(),
            nats: self.nats,
            finish: self.finish.unwrap_or(Finish::Length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pieces: &[&str], settings: &DecodeSettings) -> (Vec<String>, Completion) {
        let mut item = Item::new(0, vec![0], settings.most);
        let mut given = Vec::new();
        for piece in pieces {
            item.push(1, 0.5, piece.as_bytes(), None, settings);
            given.push(item.fresh(&settings.stop));
            if item.finish.is_some() {
                break;
            }
        }
        (given, item.completion())
    }

    #[test]
    fn a_stop_string_is_never_given_out() {
        let stop = |s: &[&str]| DecodeSettings {
            stop: s.iter().map(|s| s.to_string()).collect(),
            ..DecodeSettings::default()
        };
        let (given, done) = write(&["a", "\n", "b\n", "\nc", "d"], &stop(&["\n\n"]));
        assert_eq!(given, ["a", "", "\nb", ""]);
        assert_eq!((done.text.as_str(), done.finish), ("a\nb", Finish::Stop));
        assert_eq!((done.tokens.len(), done.nats), (4, 2.0));
        // The earlier of two; one that begins another.
        let (given, done) = write(&["xy", "zend"], &stop(&["end", "zz", "ze"]));
        assert_eq!((given.concat(), done.text.as_str()), ("xy".into(), "xy"));
        // Not before the fewest tokens.
        let settings = DecodeSettings { least: 2, ..stop(&["a"]) };
        let (_, done) = write(&["a", "b", "a"], &settings);
        assert_eq!(done.text, "ab");
    }

    #[test]
    fn a_character_is_given_out_whole() {
        let settings = DecodeSettings { most: 3, ..DecodeSettings::default() };
        let mut item = Item::new(0, vec![0], settings.most);
        let bytes = "é".as_bytes();
        item.push(1, 0.0, &bytes[..1], None, &settings);
        assert_eq!(item.fresh(&[]), "");
        item.push(2, 0.0, &bytes[1..], None, &settings);
        assert_eq!(item.fresh(&[]), "é");
        item.push(1, 0.0, &bytes[..1], None, &settings);
        assert_eq!((item.fresh(&[]), item.finish), ("\u{fffd}".into(), Some(Finish::Length)));
    }
}
