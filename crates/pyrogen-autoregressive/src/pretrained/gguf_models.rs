//! Networks and tokenizers of GGUF files: the architectures `llama` and `gpt2`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::file;
use super::gguf::{Gguf, Meta};
use super::tensors::{Array, Tensors};
use crate::token::SentencePiece;
use crate::{
    Bpe, Feed, GptConfig, Norm, Positions, Preset, PretrainedError, RotaryConfig, RotaryScaling,
    Tokenizer,
};

/// A network and a tokenizer out of a file.
pub(super) struct Parts {
    pub(super) config: GptConfig,
    pub(super) tensors: Vec<(String, Array)>,
    pub(super) tokenizer: Tokenizer,
}

/// The file of a folder that holds one, or a path that is one.
pub(super) fn is_one(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "gguf") && path.is_file()
}

/// Reads a file.
///
/// # Errors
/// What [`Gguf::open`] refuses, an architecture or an option that is not known here, weights that are
/// missing, or a tokenizer that cannot be used.
pub(super) fn parts(path: &Path) -> Result<Parts, PretrainedError> {
    let gguf = Gguf::open(path)?;
    let mut fields = Fields { path: gguf.path, meta: gguf.meta, read: BTreeSet::new() };
    let kind = fields.text("general.architecture")?;
    let tensors = Tensors::of(path, gguf.arrays);
    let (config, tensors) = match kind.as_str() {
        "llama" => llama(&mut fields, tensors)?,
        "gpt2" => gpt2(&mut fields, tensors)?,
        other => return Err(fields.wrong("general.architecture", "llama or gpt2", other)),
    };
    let tokenizer = tokenizer(&mut fields)?;
    fields.finish(&kind)?;
    Ok(Parts { config, tensors, tokenizer })
}

/// The metadata, each entry read once.
struct Fields {
    path: PathBuf,
    meta: BTreeMap<String, Meta>,
    read: BTreeSet<String>,
}

impl Fields {
    fn wrong(&self, option: &str, expected: &str, got: impl std::fmt::Display) -> PretrainedError {
        PretrainedError::Option {
            path: self.path.clone(),
            option: option.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    fn get(&mut self, key: &str) -> Option<&Meta> {
        self.read.insert(key.to_string());
        self.meta.get(key)
    }

    fn missing(&self, key: &str, expected: &str) -> PretrainedError {
        let got = match self.meta.get(key) {
            None => "missing".to_string(),
            Some(Meta::Texts(list)) => format!("a list of {} texts", list.len()),
            Some(Meta::Numbers(list)) => format!("a list of {} numbers", list.len()),
            Some(other) => format!("{other:?}"),
        };
        self.wrong(key, expected, got)
    }

    fn text(&mut self, key: &str) -> Result<String, PretrainedError> {
        match self.get(key) {
            Some(Meta::Text(text)) => Ok(text.clone()),
            _ => Err(self.missing(key, "a text")),
        }
    }

    fn some_count(&mut self, key: &str) -> Result<Option<usize>, PretrainedError> {
        match self.get(key) {
            None => Ok(None),
            Some(Meta::Int(n)) if (0..=1 << 31).contains(n) => Ok(Some(*n as usize)),
            Some(_) => Err(self.missing(key, "a whole number")),
        }
    }

    fn count(&mut self, key: &str) -> Result<usize, PretrainedError> {
        self.some_count(key)?.ok_or_else(|| self.missing(key, "a whole number"))
    }

    fn some_number(&mut self, key: &str) -> Result<Option<f64>, PretrainedError> {
        match self.get(key) {
            None => Ok(None),
            Some(Meta::Float(x)) => Ok(Some(*x)),
            Some(Meta::Int(n)) => Ok(Some(*n as f64)),
            Some(_) => Err(self.missing(key, "a number")),
        }
    }

    fn flag(&mut self, key: &str, default: bool) -> Result<bool, PretrainedError> {
        match self.get(key) {
            None => Ok(default),
            Some(Meta::Bool(value)) => Ok(*value),
            Some(_) => Err(self.missing(key, "true or false")),
        }
    }

    fn texts(&mut self, key: &str) -> Result<Vec<String>, PretrainedError> {
        match self.get(key) {
            Some(Meta::Texts(list)) => Ok(list.clone()),
            _ => Err(self.missing(key, "a list of texts")),
        }
    }

    fn numbers(&mut self, key: &str) -> Result<Option<Vec<f64>>, PretrainedError> {
        match self.get(key) {
            None => Ok(None),
            Some(Meta::Numbers(list)) => Ok(Some(list.clone())),
            Some(_) => Err(self.missing(key, "a list of numbers")),
        }
    }

    /// Refuses options of the architecture that nobody read.
    fn finish(self, kind: &str) -> Result<(), PretrainedError> {
        let own = format!("{kind}.");
        let unread = |key: &&String| key.starts_with(&own) && !self.read.contains(*key);
        match self.meta.keys().find(unread) {
            None => Ok(()),
            Some(key) => Err(self.missing(key, "left out: it is not known here")),
        }
    }
}

type Network = (GptConfig, Vec<(String, Array)>);

/// Takes weights under our names.
fn take(
    out: &mut Vec<(String, Array)>,
    from: &mut Tensors,
    ours: impl Into<String>,
    theirs: &str,
) -> Result<(), PretrainedError> {
    out.push((ours.into(), from.take(theirs)?));
    Ok(())
}

/// The rows of the embedding: not every file says how many tokens it has.
fn vocabulary(tensors: &Tensors) -> usize {
    tensors.shape("token_embd.weight").map_or(0, |shape| shape[0])
}

fn llama(fields: &mut Fields, mut from: Tensors) -> Result<Network, PretrainedError> {
    let key = |name: &str| format!("llama.{name}");
    let (width, heads) =
        (fields.count(&key("embedding_length"))?, fields.count(&key("attention.head_count"))?);
    let rotary = fields.some_count(&key("rope.dimension_count"))?;
    let keys = fields.some_count(&key("attention.key_length"))?;
    let head_width = keys.or(rotary);
    let d = head_width.unwrap_or(width / heads.max(1));
    for name in ["rope.dimension_count", "attention.value_length"] {
        if let Some(other) = fields.some_count(&key(name))?.filter(|&n| n != d) {
            return Err(fields.wrong(&key(name), &format!("{d}, the width of a head"), other));
        }
    }
    for name in ["expert_count", "expert_used_count"] {
        if let Some(n) = fields.some_count(&key(name))?.filter(|&n| n > 0) {
            return Err(fields.wrong(&key(name), "0: experts are not known here", n));
        }
    }
    fields.some_count(&key("vocab_size"))?;
    let scaling = scaling(fields)?;
    let rows = vocabulary(&from);
    let tied = !from.has("output.weight");
    let base = fields.some_number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
    let epsilon = key("attention.layer_norm_rms_epsilon");
    let config = GptConfig {
        vocabulary: rows,
        context: fields.count(&key("context_length"))?,
        layers: fields.count(&key("block_count"))?,
        width,
        heads,
        key_heads: fields.some_count(&key("attention.head_count_kv"))?,
        head_width,
        hidden: Some(fields.count(&key("feed_forward_length"))?),
        positions: Positions::Rotary(RotaryConfig { base, scaling }),
        norm: Norm::Rms,
        norm_epsilon: fields.some_number(&epsilon)?.unwrap_or(1e-5),
        feed: Feed::Swiglu,
        qk_norm: false,
        attention_bias: from.has("blk.0.attn_q.bias"),
        feed_bias: false,
        tied,
        ends: true,
        ..GptConfig::of(Preset::Modern)
    };
    let mut out = Vec::new();
    take(&mut out, &mut from, "tokens", "token_embd.weight")?;
    for i in 0..config.layers {
        let ours = |name: &str| format!("blocks.{i}.{name}");
        let theirs = |name: &str| format!("blk.{i}.{name}");
        take(&mut out, &mut from, ours("attention_norm.gamma"), &theirs("attn_norm.weight"))?;
        take(&mut out, &mut from, ours("feed_norm.gamma"), &theirs("ffn_norm.weight"))?;
        for (name, parts, bias) in [
            ("qkv", &["attn_q", "attn_k", "attn_v"][..], config.attention_bias),
            ("projection", &["attn_output"], config.attention_bias),
            ("wide", &["ffn_gate", "ffn_up"], false),
            ("narrow", &["ffn_down"], false),
        ] {
            let mut all = |ending: &str| {
                let part = |part: &&str| {
                    let array = from.take(&theirs(&format!("{part}.{ending}")))?;
                    let turned = matches!(*part, "attn_q" | "attn_k");
                    if turned { halves_apart(array, d) } else { Ok(array) }
                };
                Array::joined(parts.iter().map(part).collect::<Result<_, _>>()?)
            };
            out.push((format!("{}.weight", ours(name)), all("weight")?.transposed()?));
            if bias {
                out.push((format!("{}.bias", ours(name)), all("bias")?));
            }
        }
    }
    take(&mut out, &mut from, "norm.gamma", "output_norm.weight")?;
    if !tied {
        out.push(("head".into(), from.take("output.weight")?.transposed()?));
    }
    from.finish()?;
    Ok((config, out))
}

/// The rows of queries and keys: the file has the two features that are turned together side by side, this
/// library in two halves of a head.
fn halves_apart(array: Array, d: usize) -> Result<Array, PretrainedError> {
    let rows = array.shape[0];
    if d == 0 || d % 2 == 1 || !rows.is_multiple_of(d) {
        let message = format!("{rows} rows of queries or keys, heads of {d}");
        return Err(file(Path::new("weights"), message));
    }
    let width = array.values.len() / rows.max(1);
    let mut values = Vec::with_capacity(array.values.len());
    for head in 0..rows / d {
        for half in 0..2 {
            for pair in 0..d / 2 {
                let row = head * d + 2 * pair + half;
                values.extend_from_slice(&array.values[row * width..][..width]);
            }
        }
    }
    Ok(Array { values, ..array })
}

fn scaling(fields: &mut Fields) -> Result<RotaryScaling, PretrainedError> {
    let factor = fields.some_number("llama.rope.scaling.factor")?;
    let old = fields.some_number("llama.rope.scale_linear")?;
    fields.some_count("llama.rope.scaling.original_context_length")?;
    let kind = match fields.get("llama.rope.scaling.type") {
        None if factor.or(old).is_some() => "linear".to_string(),
        None => "none".to_string(),
        Some(Meta::Text(text)) => text.clone(),
        Some(_) => return Err(fields.missing("llama.rope.scaling.type", "a text")),
    };
    match (kind.as_str(), factor.or(old)) {
        ("none", _) => Ok(RotaryScaling::None),
        ("linear", Some(factor)) => Ok(RotaryScaling::Linear { factor }),
        (other, _) => {
            Err(fields.wrong("llama.rope.scaling.type", "none, or linear with a factor", other))
        }
    }
}

fn gpt2(fields: &mut Fields, mut from: Tensors) -> Result<Network, PretrainedError> {
    let key = |name: &str| format!("gpt2.{name}");
    let rows = vocabulary(&from);
    let tied = !from.has("output.weight");
    fields.some_count(&key("vocab_size"))?;
    let epsilon = fields.some_number(&key("attention.layer_norm_epsilon"))?;
    let config = GptConfig {
        vocabulary: rows,
        context: fields.count(&key("context_length"))?,
        layers: fields.count(&key("block_count"))?,
        width: fields.count(&key("embedding_length"))?,
        heads: fields.count(&key("attention.head_count"))?,
        hidden: Some(fields.count(&key("feed_forward_length"))?),
        norm_epsilon: epsilon.unwrap_or(1e-5),
        feed: Feed::GeluTanh,
        tied,
        ends: true,
        ..GptConfig::of(Preset::Gpt2)
    };
    let mut out = Vec::new();
    take(&mut out, &mut from, "tokens", "token_embd.weight")?;
    take(&mut out, &mut from, "places", "position_embd.weight")?;
    for i in 0..config.layers {
        for (ours, theirs) in [("attention_norm", "attn_norm"), ("feed_norm", "ffn_norm")] {
            for (our, their) in [("gamma", "weight"), ("beta", "bias")] {
                let ours = format!("blocks.{i}.{ours}.{our}");
                take(&mut out, &mut from, ours, &format!("blk.{i}.{theirs}.{their}"))?;
            }
        }
        for (ours, theirs) in [
            ("qkv", "attn_qkv"),
            ("projection", "attn_output"),
            ("wide", "ffn_up"),
            ("narrow", "ffn_down"),
        ] {
            let weight = from.take(&format!("blk.{i}.{theirs}.weight"))?.transposed()?;
            out.push((format!("blocks.{i}.{ours}.weight"), weight));
            let bias = format!("blk.{i}.{theirs}.bias");
            take(&mut out, &mut from, format!("blocks.{i}.{ours}.bias"), &bias)?;
        }
    }
    for (our, their) in [("gamma", "weight"), ("beta", "bias")] {
        take(&mut out, &mut from, format!("norm.{our}"), &format!("output_norm.{their}"))?;
    }
    if !tied {
        out.push(("head".into(), from.take("output.weight")?.transposed()?));
    }
    from.finish()?;
    Ok((config, out))
}

/// Kinds of tokens.
const UNKNOWN: f64 = 2.0;
const CONTROL: f64 = 3.0;

fn tokenizer(fields: &mut Fields) -> Result<Tokenizer, PretrainedError> {
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let model = fields.text(&key("model"))?;
    let tokens = fields.texts(&key("tokens"))?;
    let kinds = fields.numbers(&key("token_type"))?.unwrap_or_default();
    let path = fields.path.clone();
    let end = fields.some_count(&key("eos_token_id"))?;
    let start = fields.some_count(&key("bos_token_id"))?.or(end);
    let of_kind = |kind: f64| {
        let all = kinds.iter().zip(&tokens).enumerate().filter(move |(_, (k, _))| **k == kind);
        all.map(|(id, (_, text))| (text.clone(), id as u32))
    };
    let marks: Vec<(String, u32)> = of_kind(CONTROL).collect();
    let wrong = |e: crate::TokenError| file(&path, e.to_string());
    match model.as_str() {
        "gpt2" => {
            let merges = fields.texts(&key("merges"))?;
            let split = match fields.get(&key("pre")) {
                None => "gpt-2".to_string(),
                Some(Meta::Text(name)) => name.clone(),
                Some(_) => return Err(fields.missing(&key("pre"), "a text")),
            };
            let pre = match split.as_str() {
                "gpt-2" | "gpt2" => json!({"type": "ByteLevel"}),
                "llama-bpe" | "llama3" | "llama-v3" => crate::token::llama3_pre_tokenizer(),
                other => {
                    return Err(fields.wrong(&key("pre"), "gpt-2 or llama-bpe", other));
                }
            };
            let control: BTreeSet<u32> = marks.iter().map(|(_, id)| *id).collect();
            let vocabulary: serde_json::Map<String, Value> = tokens
                .iter()
                .enumerate()
                .filter(|(id, _)| !control.contains(&(*id as u32)))
                .map(|(id, text)| (text.clone(), id.into()))
                .collect();
            let added: Vec<Value> =
                marks.iter().map(|(text, id)| json!({"content": text, "id": id})).collect();
            let file = json!({
                "added_tokens": added, "normalizer": null, "pre_tokenizer": pre,
                "model": {"type": "BPE", "vocab": vocabulary, "merges": merges,
                    "ignore_merges": split != "gpt-2" && split != "gpt2"},
            });
            let bpe = Bpe::from_hugging_face(&file).map_err(wrong)?;
            let own = Tokenizer::Bpe(Box::new(bpe.clone()));
            let end = end.map_or(own.end(), |id| id as u32);
            let start = start.map_or(end, |id| id as u32);
            Ok(Tokenizer::Bpe(Box::new(bpe.with_marks(start, end).map_err(wrong)?)))
        }
        "llama" => {
            let scores = fields.numbers(&key("scores"))?.unwrap_or_default();
            let unknown = fields.some_count(&key("unknown_token_id"))?.map(|id| id as u32);
            let unknown = unknown.or_else(|| of_kind(UNKNOWN).map(|(_, id)| id).next());
            let front = fields.flag(&key("add_space_prefix"), true)?;
            let end = end.map_or(0, |id| id as u32);
            let start = start.map_or(end, |id| id as u32);
            let made =
                SentencePiece::from_scores(tokens, &scores, unknown, marks, [start, end], front);
            Ok(Tokenizer::SentencePiece(Box::new(made.map_err(wrong)?)))
        }
        other => Err(fields.wrong(&key("model"), "gpt2 or llama", other)),
    }
}
