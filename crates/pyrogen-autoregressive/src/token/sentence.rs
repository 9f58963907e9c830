//! Pieces with their spaces in them, as SentencePiece has: unigrams, and pairs of characters.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde::{Deserialize, Serialize};

use super::spaces::Step;
use crate::TokenError;

/// A tokenizer of SentencePiece's kind (Kudo and Richardson 2018): spaces are the sign `▁` (U+2581) at the
/// front of a piece. It is read from a `tokenizer.json` or a GGUF file, and not trained here.
///
/// Two methods cut a text into pieces. **Unigram** (Kudo 2018) takes those whose scores have the
/// largest sum. **Pairs** joins characters, the pair that was learnt first before the others, as Llama 2
/// does. A character without a piece of its own becomes the tokens of its bytes where there are such
/// tokens, else the unknown token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct SentencePiece {
    written: Written,
    pieces: HashMap<String, u32>,
    /// For a pair of tokens, its rank and what it becomes.
    pairs: HashMap<(u32, u32), (u32, u32)>,
    /// The token of each byte; empty where there are none.
    bytes: Vec<u32>,
    /// Bytes of the longest piece.
    longest: usize,
    /// The score of a character that has no piece.
    unknown_score: f64,
}

/// As the file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Pieces by their number; numbers between them are left out.
    pub(super) pieces: Vec<(String, u32)>,
    pub(super) method: Method,
    /// What a character becomes that has no piece.
    pub(super) unknown: Option<u32>,
    /// Whether neighbours without a piece become one unknown token.
    pub(super) fuse: bool,
    /// Whether the pieces `<0x00>` to `<0xFF>` stand for bytes.
    pub(super) bytes: bool,
    /// What happens to the text first.
    pub(super) steps: Vec<Step>,
    /// Marks and their numbers, which a text may not spell.
    pub(super) marks: Vec<(String, u32)>,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// How a text is cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    /// The score of each piece, in the order of `pieces`.
    Unigram(Vec<f64>),
    /// Pairs of tokens and what they become, first first.
    Pairs(Vec<[u32; 3]>),
}

/// What stands for a space.
pub(super) const SPACE: &str = "\u{2581}";

/// What an unknown character costs beyond the least probable piece.
const UNKNOWN: f64 = 10.0;

impl TryFrom<Written> for SentencePiece {
    type Error = TokenError;

    fn try_from(written: Written) -> Result<Self, TokenError> {
        let wrong = |message: String| TokenError::File { message };
        let pieces: HashMap<String, u32> = written.pieces.iter().cloned().collect();
        let count = count(&written);
        if count > 1 << 20 {
            return Err(TokenError::Size { got: count });
        }
        let numbers = [Some(written.start), Some(written.end), written.unknown];
        if let Some(token) = numbers.into_iter().flatten().find(|&t| t as usize >= count) {
            return Err(wrong(format!("the token {token}, which is not among the {count}")));
        }
        let (mut pairs, mut unknown_score) = (HashMap::new(), 0.0);
        match &written.method {
            Method::Unigram(scores) => {
                if scores.len() != written.pieces.len() || scores.iter().any(|s| !s.is_finite()) {
                    return Err(wrong("a score that is missing or no number".into()));
                }
                if written.unknown.is_none() {
                    return Err(wrong("unigrams without an unknown token (`unk_id`)".into()));
                }
                unknown_score = scores.iter().copied().fold(f64::INFINITY, f64::min) - UNKNOWN;
            }
            Method::Pairs(merges) => {
                for (rank, &[a, b, to]) in merges.iter().enumerate() {
                    if [a, b, to].iter().any(|&t| t as usize >= count) {
                        return Err(wrong(format!("a pair of tokens beyond the {count}")));
                    }
                    pairs.entry((a, b)).or_insert((rank as u32, to));
                }
            }
        }
        let mut bytes = Vec::new();
        if written.bytes {
            let token = |b: u8| pieces.get(&format!("<0x{b:02X}>")).copied();
            bytes = (0..=255).map_while(token).collect();
            if bytes.len() < 256 {
                return Err(wrong(format!(
                    "byte_fallback without the piece <0x{:02X}>",
                    bytes.len()
                )));
            }
        } else if written.unknown.is_none() {
            return Err(wrong(
                "neither bytes nor an unknown token: byte_fallback, unk_token".into(),
            ));
        }
        let longest = pieces.keys().map(String::len).max().unwrap_or(0);
        Ok(Self { pieces, pairs, bytes, longest, unknown_score, written })
    }
}

impl From<SentencePiece> for Written {
    fn from(tokenizer: SentencePiece) -> Self {
        tokenizer.written
    }
}

fn count(written: &Written) -> usize {
    let numbers = written.pieces.iter().chain(&written.marks).map(|(_, id)| *id as usize + 1);
    numbers.max().unwrap_or(0)
}

impl SentencePiece {
    pub(super) fn tokens(&self) -> usize {
        count(&self.written)
    }

    pub(super) fn start(&self) -> u32 {
        self.written.start
    }

    pub(super) fn end(&self) -> u32 {
        self.written.end
    }

    /// The number of a mark.
    pub fn mark(&self, text: &str) -> Option<u32> {
        self.written.marks.iter().find(|(mark, _)| mark == text).map(|(_, id)| *id)
    }

    /// The same with other marks before and behind a document.
    ///
    /// # Errors
    /// A token that there is not.
    pub fn with_marks(self, start: u32, end: u32) -> Result<Self, TokenError> {
        Self::try_from(Written { start, end, ..self.written })
    }

    /// The bytes of a token: none of a mark, U+FFFD of the unknown token.
    pub(super) fn bytes(&self, token: u32) -> Vec<u8> {
        if Some(token) == self.written.unknown {
            return "\u{FFFD}".as_bytes().to_vec();
        }
        if self.written.marks.iter().any(|(_, id)| *id == token) {
            return Vec::new();
        }
        if let Some(byte) = self.bytes.iter().position(|&t| t == token) {
            return vec![byte as u8];
        }
        // Most files number their pieces in order.
        let pieces = &self.written.pieces;
        let found = pieces.get(token as usize).filter(|(_, id)| *id == token);
        let found = found.or_else(|| pieces.iter().find(|(_, id)| *id == token));
        found.map_or(Vec::new(), |(piece, _)| piece.replace(SPACE, " ").into_bytes())
    }

    /// Whether a text gets a space at its front, which does not belong to it.
    pub(super) fn adds_space(&self) -> bool {
        self.written.steps.iter().any(Step::adds_space)
    }

    /// The tokens of a text. Marks are not read from it.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        for piece in Step::all(&self.written.steps, text) {
            match self.written.method {
                Method::Unigram(ref scores) => self.best_path(&piece, scores, &mut out),
                Method::Pairs(_) => self.joined(&piece, &mut out),
            }
        }
        out
    }

    /// A run of characters that has no piece.
    fn unknown(&self, text: &str, out: &mut Vec<u32>) {
        if self.bytes.is_empty() {
            out.extend(self.written.unknown);
        } else {
            out.extend(text.bytes().map(|b| self.bytes[usize::from(b)]));
        }
    }

    /// The pieces with the largest sum of scores (Viterbi).
    fn best_path(&self, text: &str, scores: &[f64], out: &mut Vec<u32>) {
        #[derive(Clone, Copy)]
        struct End {
            from: usize,
            score: f64,
            piece: bool,
        }
        let score_of = |id: u32| {
            let pieces = &self.written.pieces;
            let place = pieces.get(id as usize).filter(|(_, own)| *own == id).map(|_| id as usize);
            let place = place.or_else(|| pieces.iter().position(|(_, own)| *own == id));
            place.map_or(self.unknown_score, |place| scores[place])
        };
        let mut ends: Vec<Option<End>> = vec![None; text.len() + 1];
        ends[0] = Some(End { from: 0, score: 0.0, piece: true });
        for (from, character) in text.char_indices() {
            let Some(End { score: before, .. }) = ends[from] else { continue };
            let mut reach = |to: usize, score: f64, piece: bool| {
                let better = ends[to].is_none_or(|end| before + score > end.score);
                if better {
                    ends[to] = Some(End { from, score: before + score, piece });
                }
            };
            let rest = &text[from..];
            let own = character.len_utf8();
            let mut alone = false;
            for length in rest.char_indices().map(|(i, c)| i + c.len_utf8()) {
                if length > self.longest {
                    break;
                }
                if let Some(&id) = self.pieces.get(&rest[..length]) {
                    reach(from + length, score_of(id), Some(id) != self.written.unknown);
                    alone |= length == own;
                }
            }
            if !alone {
                reach(from + own, self.unknown_score, false);
            }
        }
        let mut path = Vec::new();
        let mut to = text.len();
        while to > 0 {
            let end = ends[to].expect("every character is a piece or unknown");
            match path.last_mut() {
                // Neighbours without a piece are one.
                Some((from, _, false)) if !end.piece && self.written.fuse => *from = end.from,
                _ => path.push((end.from, to, end.piece)),
            }
            to = end.from;
        }
        for &(from, to, piece) in path.iter().rev() {
            match self.pieces.get(&text[from..to]) {
                Some(&id) if piece => out.push(id),
                _ => self.unknown(&text[from..to], out),
            }
        }
    }

    /// Characters joined, the pair that was learnt first before the others, from left to right.
    fn joined(&self, text: &str, out: &mut Vec<u32>) {
        let mut tokens = Vec::new();
        let mut missing = 0..0;
        let mut character = [0; 4];
        for (at, c) in text.char_indices() {
            if let Some(&id) = self.pieces.get(&*c.encode_utf8(&mut character)) {
                self.unknown_run(&text[missing.clone()], &mut tokens);
                tokens.push(id);
                missing = at + c.len_utf8()..at + c.len_utf8();
            } else {
                missing.end = at + c.len_utf8();
            }
        }
        self.unknown_run(&text[missing], &mut tokens);
        self.join(&mut tokens);
        out.extend(tokens);
    }

    fn unknown_run(&self, run: &str, tokens: &mut Vec<u32>) {
        if self.written.fuse || !self.bytes.is_empty() {
            if !run.is_empty() {
                self.unknown(run, tokens);
            }
        } else {
            tokens.extend(run.chars().filter_map(|_| self.written.unknown));
        }
    }

    /// Joins pairs in place, by a list of neighbours and a heap of pairs.
    fn join(&self, tokens: &mut Vec<u32>) {
        const GONE: u32 = u32::MAX;
        let n = tokens.len();
        let mut next: Vec<usize> = (1..=n).collect();
        let mut before: Vec<usize> = (0..n).map(|i| i.wrapping_sub(1)).collect();
        let mut heap = BinaryHeap::new();
        let pair = |a: u32, b: u32| self.pairs.get(&(a, b)).copied();
        for (at, two) in tokens.windows(2).enumerate() {
            if let Some((rank, to)) = pair(two[0], two[1]) {
                heap.push(Reverse((rank, at, to)));
            }
        }
        while let Some(Reverse((rank, at, to))) = heap.pop() {
            let right = next[at];
            // What was joined since is another pair.
            if tokens[at] == GONE
                || right >= n
                || pair(tokens[at], tokens[right]) != Some((rank, to))
            {
                continue;
            }
            tokens[at] = to;
            tokens[right] = GONE;
            next[at] = next[right];
            if next[at] < n {
                before[next[at]] = at;
                if let Some((rank, to)) = pair(to, tokens[next[at]]) {
                    heap.push(Reverse((rank, at, to)));
                }
            }
            let left = before[at];
            if left < n
                && let Some((rank, to)) = pair(tokens[left], to)
            {
                heap.push(Reverse((rank, left, to)));
            }
        }
        tokens.retain(|&token| token != GONE);
    }
}
