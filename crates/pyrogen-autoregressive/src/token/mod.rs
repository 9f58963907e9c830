//! Tokenizers: text to numbers and back.

mod bpe;
mod characters;
mod marks;
mod pieces;
mod sentence;
mod sentence_file;
mod spaces;
mod train_bpe;
mod words;

use serde::{Deserialize, Serialize};

pub use bpe::Bpe;
pub use characters::Characters;
pub(crate) use pieces::llama3_pre_tokenizer;
pub use sentence::SentencePiece;
pub use words::Words;

use crate::TokenError;

/// The name of the tokenizer's file in a model folder.
pub(crate) const FILE: &str = "tokenizer.json";

/// Which tokenizer a new model gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TokenizerChoice {
    /// Characters for up to 10 MB of text, byte pairs (8,192 tokens) for more.
    #[default]
    Auto,
    /// A token a byte: any text can be written, nothing is learnt.
    Bytes,
    /// A token a character of the training text.
    Characters,
    /// A token a word of the training text, for symbols with blanks between them.
    Words,
    /// Byte pairs, learnt from the training text (Sennrich et al. 2016, on bytes as in GPT-2).
    Bpe {
        /// Tokens in all.
        tokens: usize,
    },
}

/// Text to tokens and back. The token [`end`](Self::end) stands behind a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
#[non_exhaustive]
pub enum Tokenizer {
    /// A token a byte; 256 is the end of a document.
    Bytes,
    /// A token a character.
    Characters(Characters),
    /// A token a word.
    Words(Words),
    /// Byte pairs.
    Bpe(Box<Bpe>),
    /// Pieces with their spaces in them: unigrams, and pairs of characters.
    SentencePiece(Box<SentencePiece>),
}

impl Tokenizer {
    /// The tokenizer that a choice makes of some training texts.
    ///
    /// # Errors
    /// A choice that cannot be made: more byte pairs than tokens can be counted, or fewer than 257.
    pub fn new<T: AsRef<str>>(choice: TokenizerChoice, texts: &[T]) -> Result<Self, TokenError> {
        /// Bytes of text up to which characters are the tokens.
        const CHARACTERS: usize = 10_000_000;
        /// Tokens of the byte pairs beyond.
        const PAIRS: usize = 8192;
        let bytes: usize = texts.iter().map(|t| t.as_ref().len()).sum();
        let texts = texts.iter().map(AsRef::as_ref);
        match choice {
            TokenizerChoice::Bytes => Ok(Self::Bytes),
            TokenizerChoice::Auto if bytes > CHARACTERS => {
                Ok(Self::Bpe(Box::new(Bpe::train(texts, PAIRS)?)))
            }
            TokenizerChoice::Auto | TokenizerChoice::Characters => {
                Ok(Self::Characters(Characters::of(texts)))
            }
            TokenizerChoice::Words => Ok(Self::Words(Words::of(texts))),
            TokenizerChoice::Bpe { tokens } => Ok(Self::Bpe(Box::new(Bpe::train(texts, tokens)?))),
        }
    }

    /// Reads a `tokenizer.json`: one of this crate, or one of Hugging Face's `tokenizers`.
    ///
    /// # Errors
    /// A file that is neither, or a kind of tokenizer that is not known here.
    pub fn from_json(text: &str) -> Result<Self, TokenError> {
        let json: serde_json::Value =
            serde_json::from_str(text).map_err(|e| TokenError::File { message: e.to_string() })?;
        if json.get("type").is_some() {
            let read = serde_json::from_value::<Self>(json);
            return read.map_err(|e| TokenError::File { message: e.to_string() });
        }
        if sentence_file::is_one(&json) {
            return Ok(Self::SentencePiece(Box::new(SentencePiece::from_hugging_face(&json)?)));
        }
        Ok(Self::Bpe(Box::new(Bpe::from_hugging_face(&json)?)))
    }

    /// The file that [`from_json`](Self::from_json) reads.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a tokenizer is plain data")
    }

    /// Number of tokens, with the end of a document.
    pub fn tokens(&self) -> usize {
        match self {
            Self::Bytes => 257,
            Self::Characters(characters) => characters.tokens(),
            Self::Words(words) => words.tokens(),
            Self::Bpe(bpe) => bpe.tokens(),
            Self::SentencePiece(pieces) => pieces.tokens(),
        }
    }

    /// The token that stands before a document: that behind one, but for pretrained tokenizers that
    /// have two.
    pub fn start(&self) -> u32 {
        match self {
            Self::Bpe(bpe) => bpe.start(),
            Self::SentencePiece(pieces) => pieces.start(),
            _ => self.end(),
        }
    }

    /// The token that stands behind a document.
    pub fn end(&self) -> u32 {
        match self {
            Self::Bytes => 256,
            Self::Characters(characters) => characters.end(),
            Self::Words(words) => words.end(),
            Self::Bpe(bpe) => bpe.end(),
            Self::SentencePiece(pieces) => pieces.end(),
        }
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// A character or word that is not in the vocabulary; the message names it and its place.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenError> {
        match self {
            Self::Bytes => Ok(text.bytes().map(u32::from).collect()),
            Self::Characters(characters) => characters.encode(text),
            Self::Words(words) => words.encode(text),
            Self::Bpe(bpe) => Ok(bpe.encode(text)),
            Self::SentencePiece(pieces) => Ok(pieces.encode(text)),
        }
    }

    /// The tokens of a text without the characters or words that are not in the vocabulary, and how many
    /// these are.
    pub fn encode_known(&self, text: &str) -> (Vec<u32>, usize) {
        if let Ok(tokens) = self.encode(text) {
            return (tokens, 0);
        }
        let (mut tokens, mut left_out) = (Vec::new(), 0);
        let mut take = |part: &str| match self.encode(part) {
            Ok(part) => tokens.extend(part),
            Err(_) => left_out += 1,
        };
        match self {
            Self::Words(_) => text.split_whitespace().for_each(take),
            _ => text.chars().for_each(|c| take(c.encode_utf8(&mut [0; 4]))),
        }
        (tokens, left_out)
    }

    /// What stands between the texts of two tokens: a blank between words, else nothing.
    pub fn separator(&self) -> &'static str {
        match self {
            Self::Words(_) => " ",
            _ => "",
        }
    }

    /// The bytes of a token; none for the end of a document and other marks.
    ///
    /// # Panics
    /// If the token is out of range.
    pub fn bytes(&self, token: u32) -> Vec<u8> {
        match self {
            Self::Bytes if token == 256 => Vec::new(),
            Self::Bytes => vec![u8::try_from(token).expect("a token of the tokenizer")],
            Self::Characters(characters) => characters.bytes(token),
            Self::Words(words) => words.bytes(token),
            Self::Bpe(bpe) => bpe.bytes(token).to_vec(),
            Self::SentencePiece(pieces) => pieces.bytes(token),
        }
    }

    /// The text of tokens; bytes that are no UTF-8 become U+FFFD. A space that encoding put before the text
    /// is left out.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let text = self.decode_behind(tokens);
        match (self, text.strip_prefix(' ')) {
            (Self::SentencePiece(pieces), Some(rest)) if pieces.adds_space() => rest.to_string(),
            _ => text,
        }
    }

    /// The text of tokens that stand behind others: a space at its front is part of it.
    pub(crate) fn decode_behind(&self, tokens: &[u32]) -> String {
        let parts: Vec<Vec<u8>> = tokens.iter().map(|&t| self.bytes(t)).collect();
        String::from_utf8_lossy(&parts.join(self.separator().as_bytes())).into_owned()
    }

    /// How a token is written in a table: its text, or its bytes where they are no text.
    pub fn label(&self, token: u32) -> String {
        if token == self.end() {
            return "<end>".into();
        }
        let bytes = self.bytes(token);
        match String::from_utf8(bytes) {
            Ok(text) if !text.is_empty() => text,
            Ok(_) => format!("<{token}>"),
            Err(e) => e.as_bytes().iter().map(|b| format!("<0x{b:02X}>")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tokenizer_gives_the_text_back() {
        let texts = ["To be, or not to be: 'tis 42 naïve 日本 🦀 \n\n  two", "to be"];
        for choice in [
            TokenizerChoice::Auto,
            TokenizerChoice::Bytes,
            TokenizerChoice::Characters,
            TokenizerChoice::Bpe { tokens: 280 },
        ] {
            let tokenizer = Tokenizer::new(choice, &texts).unwrap();
            let again = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
            assert_eq!(again, tokenizer);
            for text in texts {
                let tokens = tokenizer.encode(text).unwrap();
                assert!(tokens.iter().all(|&t| (t as usize) < tokenizer.tokens()));
                assert!(!tokens.contains(&tokenizer.end()), "{choice:?}");
                assert_eq!(tokenizer.decode(&tokens), text, "{choice:?}");
            }
            assert_eq!(tokenizer.decode(&[tokenizer.end()]), "");
            assert_eq!(tokenizer.label(tokenizer.end()), "<end>");
        }
    }

    #[test]
    fn what_is_not_in_the_vocabulary_is_named_with_its_place() {
        let tokenizer = Tokenizer::new(TokenizerChoice::Characters, &["abc"]).unwrap();
        let text = tokenizer.encode("ab\ncä").unwrap_err().to_string();
        assert!(text.contains("U+000A") && text.contains("character 3"), "{text}");
        let text = Tokenizer::from_json("{}").unwrap_err().to_string();
        assert!(text.contains("model"), "{text}");
        assert!(Tokenizer::from_json("nonsense").is_err());
    }

    #[test]
    fn words_are_symbols_between_blanks() {
        let tokenizer = Tokenizer::new(TokenizerChoice::Words, &["HH AH0", " L  OW1\nHH"]).unwrap();
        assert_eq!((tokenizer.tokens(), tokenizer.end()), (5, 4));
        assert_eq!(Tokenizer::from_json(&tokenizer.to_json()).unwrap(), tokenizer);
        let tokens = tokenizer.encode("HH AH0  L OW1").unwrap();
        assert_eq!(tokens, [1, 0, 2, 3]);
        assert_eq!(tokenizer.decode(&tokens), "HH AH0 L OW1");
        let text = tokenizer.encode("HH  XX L").unwrap_err().to_string();
        assert!(text.contains("word 2") && text.contains("`XX`"), "{text}");
        assert_eq!(tokenizer.encode_known("XX HH YY L"), (vec![1, 2], 2));
        let letters = Tokenizer::new(TokenizerChoice::Characters, &["abc"]).unwrap();
        assert_eq!(letters.encode_known("aXbY"), (vec![0, 1], 2));
        for json in [r#"{"type":"words","words":["a","a"]}"#, r#"{"type":"words","words":["a b"]}"#]
        {
            assert!(Tokenizer::from_json(json).is_err(), "{json}");
        }
    }
}
