//! SentencePiece's kind of tokenizer in a `tokenizer.json`.

use std::collections::HashMap;

use serde_json::Value;

use super::SentencePiece;
use super::sentence::{Method, SPACE, Written};
use super::spaces::{Front, Step};
use crate::TokenError;

fn wrong(message: impl Into<String>) -> TokenError {
    TokenError::File { message: message.into() }
}

/// Whether a file is of this kind: unigrams, or byte pairs with spaces as signs.
pub(super) fn is_one(json: &Value) -> bool {
    let model = &json["model"];
    model["type"] == "Unigram"
        || (model["type"].as_str().unwrap_or("BPE") == "BPE" && model["byte_fallback"] == true)
}

impl SentencePiece {
    /// Reads a file of Hugging Face's `tokenizers`: unigrams, or byte pairs with bytes to fall back to,
    /// as Llama 2 and Mistral have.
    ///
    /// # Errors
    /// What is no such file, or a part that is not known here; the message names it.
    pub fn from_hugging_face(json: &Value) -> Result<Self, TokenError> {
        let model = &json["model"];
        let mut steps = normalizer(&json["normalizer"])?;
        steps.extend(pre_tokenizer(&json["pre_tokenizer"])?);
        let marks = marks(&json["added_tokens"])?;
        let (pieces, method, unknown) = match model["type"].as_str() {
            Some("Unigram") => unigram(model)?,
            _ => pairs(model)?,
        };
        let end = ["</s>", "<eos>", "<|endoftext|>"].iter().find_map(|name| {
            marks.iter().chain(&pieces).find(|(mark, _)| mark == name).map(|(_, id)| *id)
        });
        let end = end.or(unknown).unwrap_or(0);
        let fuse = model["type"] == "Unigram" || model["fuse_unk"] == true;
        let bytes = model["byte_fallback"] == true;
        Self::try_from(Written {
            pieces,
            method,
            unknown,
            fuse,
            bytes,
            steps,
            marks,
            start: end,
            end,
        })
    }

    /// Pieces with scores, of which the pair with the best score is joined first, as GGUF files of Llama's
    /// kind have.
    ///
    /// # Errors
    /// Parts that do not fit each other.
    pub(crate) fn from_scores(
        pieces: Vec<String>,
        scores: &[f64],
        unknown: Option<u32>,
        marks: Vec<(String, u32)>,
        [start, end]: [u32; 2],
        front: bool,
    ) -> Result<Self, TokenError> {
        if pieces.len() != scores.len() {
            return Err(wrong(format!("{} pieces and {} scores", pieces.len(), scores.len())));
        }
        let numbers: HashMap<&str, u32> =
            pieces.iter().enumerate().map(|(id, piece)| (piece.as_str(), id as u32)).collect();
        let mut order: Vec<usize> = (0..pieces.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut merges = Vec::new();
        for to in order {
            let piece = &pieces[to];
            for (cut, _) in piece.char_indices().skip(1) {
                let two = [&piece[..cut], &piece[cut..]].map(|part| numbers.get(part).copied());
                if let [Some(a), Some(b)] = two {
                    merges.push([a, b, to as u32]);
                }
            }
        }
        let bytes = numbers.contains_key("<0x00>");
        let mut steps = vec![Step::Replace(" ".into(), SPACE.into())];
        if front {
            steps.insert(0, Step::Prepend(SPACE.into()));
        }
        let pieces = pieces.into_iter().enumerate().map(|(id, piece)| (piece, id as u32)).collect();
        let (method, fuse) = (Method::Pairs(merges), true);
        Self::try_from(Written { pieces, method, unknown, fuse, bytes, steps, marks, start, end })
    }
}

type Model = (Vec<(String, u32)>, Method, Option<u32>);

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok())
}

fn unigram(model: &Value) -> Result<Model, TokenError> {
    let vocabulary = model["vocab"].as_array().ok_or_else(|| wrong("`vocab` is no list"))?;
    let read = vocabulary.iter().enumerate().map(|(id, entry)| {
        let (Some(piece), Some(score)) = (entry[0].as_str(), entry[1].as_f64()) else {
            return Err(wrong(format!("the piece {entry}")));
        };
        Ok(((piece.to_string(), id as u32), score))
    });
    let (pieces, scores): (Vec<_>, Vec<_>) =
        read.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    Ok((pieces, Method::Unigram(scores), number(&model["unk_id"])))
}

fn pairs(model: &Value) -> Result<Model, TokenError> {
    for name in ["continuing_subword_prefix", "end_of_word_suffix", "dropout"] {
        if !model[name].is_null() && model[name] != "" {
            return Err(wrong(format!("{name} {}", model[name])));
        }
    }
    if model["ignore_merges"] == true {
        return Err(wrong("ignore_merges beside byte_fallback"));
    }
    let vocabulary = model["vocab"].as_object().ok_or_else(|| wrong("`vocab` is no object"))?;
    let mut pieces = Vec::with_capacity(vocabulary.len());
    for (piece, id) in vocabulary {
        let id = number(id).ok_or_else(|| wrong(format!("the number of `{piece}`")))?;
        pieces.push((piece.clone(), id));
    }
    pieces.sort_by_key(|(_, id)| *id);
    let of = |text: &str| vocabulary.get(text).and_then(number);
    let list = model["merges"].as_array().ok_or_else(|| wrong("`merges` is no list"))?;
    let merges = list.iter().map(|merge| {
        let pair = match merge {
            Value::String(text) => text.split_once(' '),
            Value::Array(two) if two.len() == 2 => two[0].as_str().zip(two[1].as_str()),
            _ => None,
        };
        let read = pair.and_then(|(a, b)| Some([of(a)?, of(b)?, of(&format!("{a}{b}"))?]));
        read.ok_or_else(|| wrong(format!("merge {merge}")))
    });
    let merges = merges.collect::<Result<Vec<_>, _>>()?;
    let unknown = match &model["unk_token"] {
        Value::Null => None,
        Value::String(text) => {
            Some(of(text).ok_or_else(|| wrong(format!("unk_token {text}, which is no piece")))?)
        }
        other => return Err(wrong(format!("unk_token {other}"))),
    };
    Ok((pieces, Method::Pairs(merges), unknown))
}

/// Tokens that stand for no text.
fn marks(added: &Value) -> Result<Vec<(String, u32)>, TokenError> {
    let added = added.as_array().map_or(&[][..], Vec::as_slice);
    let read = added.iter().map(|token| match (token["content"].as_str(), number(&token["id"])) {
        (Some(text), Some(id)) => Ok((text.to_string(), id)),
        _ => Err(wrong(format!("added token {token}"))),
    });
    read.collect()
}

/// The parts of a sequence, or the one part.
fn parts<'a>(json: &'a Value, list: &str) -> Vec<&'a Value> {
    match json {
        Value::Null => Vec::new(),
        one if one["type"] == "Sequence" => {
            let all = one[list].as_array().map_or(&[][..], Vec::as_slice);
            all.iter().flat_map(|part| parts(part, list)).collect()
        }
        one => vec![one],
    }
}

fn normalizer(json: &Value) -> Result<Vec<Step>, TokenError> {
    let step = |part: &Value| {
        let text = |value: &Value| value.as_str().map(str::to_string);
        let step = match part["type"].as_str() {
            Some("Prepend") => text(&part["prepend"]).map(Step::Prepend),
            Some("Replace") => match (text(&part["pattern"]["String"]), text(&part["content"])) {
                (Some(from), Some(to)) if !from.is_empty() => Some(Step::Replace(from, to)),
                (None, Some(to)) if part["pattern"]["Regex"] == " {2,}" && to == " " => {
                    Some(Step::Squeeze)
                }
                _ => None,
            },
            _ => None,
        };
        step.ok_or_else(|| wrong(format!("normalizer {part}")))
    };
    parts(json, "normalizers").into_iter().map(step).collect()
}

fn pre_tokenizer(json: &Value) -> Result<Vec<Step>, TokenError> {
    let step = |part: &Value| {
        let unknown = || wrong(format!("pre_tokenizer {part}"));
        match part["type"].as_str() {
            Some("WhitespaceSplit") => Ok(Step::Words),
            Some("Metaspace") if part["replacement"] == SPACE => {
                let front = match (part["prepend_scheme"].as_str(), &part["add_prefix_space"]) {
                    (Some("always"), _) => Front::Always,
                    (Some("first"), _) => Front::First,
                    (Some("never"), _) => Front::Never,
                    (None, Value::Bool(false)) => Front::Never,
                    (None, _) => Front::Always,
                    _ => return Err(unknown()),
                };
                Ok(Step::Metaspace { front, split: part["split"] != false })
            }
            _ => Err(unknown()),
        }
    };
    parts(json, "pretokenizers").into_iter().map(step).collect()
}
