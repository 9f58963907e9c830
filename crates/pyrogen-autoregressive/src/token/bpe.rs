//! Byte pairs, joined in the order in which they were learnt.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pieces::Split;
use super::train_bpe::learn;
use crate::TokenError;

/// The mark between documents, as GPT-2 names it.
const END: &str = "<|endoftext|>";

/// Byte pair encoding on bytes (Sennrich et al. 2016; Radford et al. 2019).
///
/// Within each piece of the text the pair that was learnt first is joined first, until no pair is
/// left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Bpe {
    written: Written,
    /// The token of each byte.
    bytes: Vec<u32>,
    /// For a pair of tokens, its rank and what it becomes.
    pairs: HashMap<(u32, u32), (u32, u32)>,
    /// Tokens by their bytes, where pieces may be taken whole.
    pieces: HashMap<Vec<u8>, u32>,
}

/// As the file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The bytes of each token; none for marks.
    tokens: Vec<Vec<u8>>,
    /// Pairs of tokens and what they become, first first.
    merges: Vec<[u32; 3]>,
    split: Split,
    /// The mark before a document.
    start: u32,
    /// The mark behind one.
    end: u32,
    /// Whether a piece that is a token is not joined from pairs.
    whole: bool,
    /// Marks and their numbers, which a text may not spell.
    marks: Vec<(String, u32)>,
}

impl TryFrom<Written> for Bpe {
    type Error = TokenError;

    fn try_from(written: Written) -> Result<Self, TokenError> {
        let count = written.tokens.len() as u32;
        let wrong = |message: String| TokenError::File { message };
        let marks = [written.start, written.end];
        if written.merges.iter().flatten().chain(&marks).any(|&t| t >= count) {
            return Err(wrong(format!("a token that is not among the {count}")));
        }
        let mut of_byte = [None; 256];
        for (token, bytes) in written.tokens.iter().enumerate() {
            if let [byte] = bytes[..] {
                of_byte[usize::from(byte)].get_or_insert(token as u32);
            }
        }
        let missing = of_byte.iter().position(Option::is_none);
        if let Some(byte) = missing {
            return Err(wrong(format!("no token for the byte 0x{byte:02X}")));
        }
        let rank = |(rank, &[a, b, to]): (usize, &[u32; 3])| ((a, b), (rank as u32, to));
        let mut pairs = HashMap::with_capacity(written.merges.len());
        for (pair, what) in written.merges.iter().enumerate().map(rank) {
            pairs.entry(pair).or_insert(what);
        }
        let whole = written.tokens.iter().enumerate().filter(|(_, bytes)| !bytes.is_empty());
        let pieces = match written.whole {
            true => whole.map(|(token, bytes)| (bytes.clone(), token as u32)).collect(),
            false => HashMap::new(),
        };
        Ok(Self { bytes: of_byte.into_iter().flatten().collect(), pairs, pieces, written })
    }
}

impl From<Bpe> for Written {
    fn from(bpe: Bpe) -> Self {
        bpe.written
    }
}

impl Bpe {
    /// Learns pairs from texts until there are so many tokens, or no pair comes twice.
    ///
    /// # Errors
    /// Fewer tokens than the 256 bytes and the mark between documents.
    pub fn train<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        tokens: usize,
    ) -> Result<Self, TokenError> {
        if !(257..=1 << 20).contains(&tokens) {
            return Err(TokenError::Size { got: tokens });
        }
        let split = Split::default();
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for text in texts {
            for piece in split.pieces(text) {
                *counts.entry(piece).or_default() += 1;
            }
        }
        let merges = learn(&counts, tokens - 257);
        let mut all: Vec<Vec<u8>> = (0..=255u8).map(|b| vec![b]).collect();
        let mut written = Vec::with_capacity(merges.len());
        for [a, b] in merges {
            let joined = [&all[a as usize][..], &all[b as usize]].concat();
            written.push([a, b, all.len() as u32]);
            all.push(joined);
        }
        let end = all.len() as u32;
        all.push(Vec::new());
        let marks = vec![(END.to_string(), end)];
        let (start, whole) = (end, false);
        Self::try_from(Written { tokens: all, merges: written, split, start, end, whole, marks })
    }

    pub(super) fn tokens(&self) -> usize {
        self.written.tokens.len()
    }

    pub(super) fn end(&self) -> u32 {
        self.written.end
    }

    pub(super) fn start(&self) -> u32 {
        self.written.start
    }

    pub(super) fn bytes(&self, token: u32) -> &[u8] {
        &self.written.tokens[token as usize]
    }

    /// The tokens of a text. Marks are not read from it.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut known: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut out = Vec::new();
        for piece in self.written.split.pieces(text) {
            let tokens = known.entry(piece).or_insert_with(|| self.joined(piece.as_bytes()));
            out.extend_from_slice(tokens);
        }
        out
    }

    /// The tokens of one piece: pairs joined as long as one is known, the first learnt first.
    fn joined(&self, piece: &[u8]) -> Vec<u32> {
        if let Some(&token) = self.pieces.get(piece) {
            return vec![token];
        }
        let mut tokens: Vec<u32> = piece.iter().map(|&b| self.bytes[usize::from(b)]).collect();
        loop {
            let pair = |w: &[u32]| self.pairs.get(&(w[0], w[1])).copied();
            let Some((rank, to)) = tokens.windows(2).filter_map(pair).min() else { return tokens };
            let mut out = Vec::with_capacity(tokens.len());
            let mut i = 0;
            while i < tokens.len() {
                let found = tokens.get(i..i + 2).and_then(pair);
                if found.is_some_and(|(r, _)| r == rank) {
                    out.push(to);
                    i += 2;
                } else {
                    out.push(tokens[i]);
                    i += 1;
                }
            }
            tokens = out;
        }
    }

    /// Reads a file of Hugging Face's `tokenizers`: byte pairs on bytes, as GPT-2 and Llama 3 have.
    ///
    /// # Errors
    /// What is no such file, or a part that is not known here; the message names it.
    pub fn from_hugging_face(json: &Value) -> Result<Self, TokenError> {
        let wrong = |message: String| TokenError::File { message };
        let model = &json["model"];
        if model["type"].as_str().unwrap_or("BPE") != "BPE" || !model["vocab"].is_object() {
            return Err(wrong("its `model` is not of the type BPE".into()));
        }
        let off = |name: &str| matches!(&model[name], Value::Null | Value::Bool(false));
        if !off("byte_fallback") || model["unk_token"].is_string() {
            return Err(wrong(
                "byte_fallback or unk_token: only byte pairs on bytes are read".into(),
            ));
        }
        if !json["normalizer"].is_null() {
            return Err(wrong(format!("normalizer {}", json["normalizer"]["type"])));
        }
        for name in ["continuing_subword_prefix", "end_of_word_suffix", "dropout"] {
            if !matches!(&model[name], Value::Null) && model[name] != "" {
                return Err(wrong(format!("{name} {}", model[name])));
            }
        }
        let whole = model["ignore_merges"] == Value::Bool(true);
        let split = split_of(&json["pre_tokenizer"])?;
        let vocabulary = model["vocab"].as_object().expect("checked above");
        let added = json["added_tokens"].as_array().map_or(&[][..], Vec::as_slice);
        Self::from_parts(vocabulary, &model["merges"], added, (split, whole))
    }

    /// Reads GPT-2's pair of files, `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// Files that are not these.
    pub fn from_pair(vocabulary: &str, merges: &str) -> Result<Self, TokenError> {
        let wrong = |message: String| TokenError::File { message };
        let json: Value = serde_json::from_str(vocabulary).map_err(|e| wrong(e.to_string()))?;
        let vocabulary = json.as_object().ok_or_else(|| wrong("vocab.json is no object".into()))?;
        let lines = merges.lines().filter(|l| !l.starts_with("#version") && !l.is_empty());
        let merges: Vec<Value> = lines.map(Value::from).collect();
        Self::from_parts(vocabulary, &Value::Array(merges), &[], (Split::Gpt2, false))
    }

    fn from_parts(
        vocabulary: &serde_json::Map<String, Value>,
        merges: &Value,
        added: &[Value],
        (split, whole): (Split, bool),
    ) -> Result<Self, TokenError> {
        let wrong = |message: String| TokenError::File { message };
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        for (text, id) in vocabulary {
            let id = number(id).ok_or_else(|| wrong(format!("the number of token `{text}`")))?;
            numbers.insert(text, id);
        }
        let mut marks = Vec::new();
        for token in added {
            let (Some(text), Some(id)) = (token["content"].as_str(), number(&token["id"])) else {
                return Err(wrong(format!("added token {token}")));
            };
            marks.push((text.to_string(), id));
        }
        let largest = numbers.values().chain(marks.iter().map(|(_, id)| id)).max();
        let count = largest.map_or(0, |&id| id as usize + 1);
        if count > 1 << 20 {
            return Err(TokenError::Size { got: count });
        }
        let mut tokens = vec![Vec::new(); count];
        let byte_of = bytes_of_characters();
        for (text, &id) in &numbers {
            let bytes: Option<Vec<u8>> = text.chars().map(|c| byte_of.get(&c).copied()).collect();
            match bytes {
                Some(bytes) => tokens[id as usize] = bytes,
                None => marks.push((text.to_string(), id)),
            }
        }
        marks.sort_by_key(|(_, id)| *id);
        marks.dedup();
        for (_, id) in &marks {
            tokens[*id as usize] = Vec::new();
        }
        if !numbers.contains_key(END) && marks.is_empty() {
            return Err(wrong("no mark between documents among its added tokens".into()));
        }
        if let Some(&id) = numbers.get(END) {
            tokens[id as usize] = Vec::new();
            marks.push((END.to_string(), id));
            marks.dedup();
        }
        let mut written = Vec::new();
        for merge in merges.as_array().ok_or_else(|| wrong("`merges` is no list".into()))? {
            let pair = match merge {
                Value::String(text) => text.split_once(' '),
                Value::Array(two) if two.len() == 2 => two[0].as_str().zip(two[1].as_str()),
                _ => None,
            };
            let token = |text: &str| numbers.get(text).copied();
            let read =
                pair.and_then(|(a, b)| Some([token(a)?, token(b)?, token(&format!("{a}{b}"))?]));
            written.push(read.ok_or_else(|| wrong(format!("merge {merge}")))?);
        }
        let end = end_of(&marks);
        let start = end;
        Self::try_from(Written { tokens, merges: written, split, start, end, whole, marks })
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
}

/// The mark between documents: one of the usual names, else the first.
fn end_of(marks: &[(String, u32)]) -> u32 {
    let named = |name: &str| marks.iter().find(|(mark, _)| mark == name);
    let usual = [END, "<|end_of_text|>", "</s>"].iter().find_map(|name| named(name));
    usual.or(marks.first()).map_or(0, |(_, id)| *id)
}

/// How a tokenizer's file cuts the text.
fn split_of(pre: &Value) -> Result<Split, TokenError> {
    let wrong = |what: &Value| TokenError::File { message: format!("pre_tokenizer {what}") };
    let steps = match pre["type"].as_str() {
        Some("Sequence") => pre["pretokenizers"].as_array().cloned().unwrap_or_default(),
        Some(_) => vec![pre.clone()],
        None => return Err(wrong(pre)),
    };
    let mut split = None;
    let mut bytes = false;
    for step in &steps {
        match step["type"].as_str() {
            Some("ByteLevel") if step["add_prefix_space"] != Value::Bool(true) => {
                bytes = true;
                if step["use_regex"] != Value::Bool(false) {
                    split = split.or(Some(Split::Gpt2));
                }
            }
            Some("Split") => {
                let pattern = step["pattern"]["Regex"].as_str().and_then(Split::of_pattern);
                split = Some(pattern.ok_or_else(|| wrong(step))?);
            }
            _ => return Err(wrong(step)),
        }
    }
    match bytes {
        true => Ok(split.unwrap_or(Split::Whole)),
        false => Err(wrong(pre)),
    }
}

/// GPT-2's printable character of each byte, the other way round.
fn bytes_of_characters() -> HashMap<char, u8> {
    let plain = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 256u32;
    let character = |b: u8| {
        let code = if plain(b) {
            u32::from(b)
        } else {
            next += 1;
            next - 1
        };
        (char::from_u32(code).expect("a code point below 512"), b)
    };
    (0..=255).map(character).collect()
}
