//! The options of a config of `transformers`, each read once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::PretrainedError;

/// Options that change nothing in a causal language model's logits: names of tokens, of files, of
/// training and of generation.
const IDLE: [&str; 44] = [
    "_name_or_path",
    "architectures",
    "attention_dropout",
    "attn_pdrop",
    "bos_token_id",
    "dtype",
    "embd_pdrop",
    "eos_token_id",
    "id2label",
    "initializer_range",
    "label2id",
    "max_window_layers",
    "model_type",
    "n_ctx",
    "pad_token_id",
    "pretraining_tp",
    "resid_pdrop",
    "return_dict",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "task_specific_params",
    "torch_dtype",
    "transformers_version",
    "use_cache",
    "output_attentions",
    "output_hidden_states",
    "torchscript",
    "chunk_size_feed_forward",
    "is_encoder_decoder",
    "is_decoder",
    "cross_attention_hidden_size",
    "finetuning_task",
    "prefix",
    "problem_type",
    "sep_token_id",
    "decoder_start_token_id",
    "tokenizer_class",
    "num_labels",
    "tie_encoder_decoder",
    "_attn_implementation",
    "unk_token_id",
];

/// The options of a config, each read once.
pub(super) struct Options<'a> {
    path: PathBuf,
    fields: &'a Map<String, Value>,
    read: BTreeSet<String>,
}

impl<'a> Options<'a> {
    pub(super) fn new(path: &Path, json: &'a Value) -> Result<Self, PretrainedError> {
        let fields = json.as_object().ok_or_else(|| super::file(path, "is no JSON object"))?;
        Ok(Self { path: path.to_path_buf(), fields, read: BTreeSet::new() })
    }

    pub(super) fn wrong(
        &self,
        option: &str,
        expected: &str,
        got: impl std::fmt::Display,
    ) -> PretrainedError {
        PretrainedError::Option {
            path: self.path.clone(),
            option: option.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// An option; null where it is left out.
    pub(super) fn get(&mut self, name: &str) -> &'a Value {
        self.read.insert(name.to_string());
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, PretrainedError> {
        let value = self.get(name);
        value.as_str().map(str::to_string).ok_or_else(|| self.wrong(name, "a name", value))
    }

    pub(super) fn count(&mut self, name: &str) -> Result<usize, PretrainedError> {
        let value = self.get(name);
        self.as_count(name, value)?.ok_or_else(|| self.wrong(name, "a whole number", value))
    }

    /// A count; None for null.
    pub(super) fn some_count(&mut self, name: &str) -> Result<Option<usize>, PretrainedError> {
        let value = self.get(name);
        self.as_count(name, value)
    }

    fn as_count(&self, name: &str, value: &Value) -> Result<Option<usize>, PretrainedError> {
        if value.is_null() {
            return Ok(None);
        }
        let count = value.as_u64().and_then(|n| usize::try_from(n).ok());
        count.map(Some).ok_or_else(|| self.wrong(name, "a whole number", value))
    }

    pub(super) fn number(&mut self, name: &str, default: f64) -> Result<f64, PretrainedError> {
        match self.get(name) {
            Value::Null => Ok(default),
            value => value.as_f64().ok_or_else(|| self.wrong(name, "a number", value)),
        }
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> Result<bool, PretrainedError> {
        match self.get(name) {
            Value::Null => Ok(default),
            value => value.as_bool().ok_or_else(|| self.wrong(name, "true or false", value)),
        }
    }

    /// An option that is known with one value alone.
    pub(super) fn only(&mut self, name: &str, value: Value) -> Result<(), PretrainedError> {
        match self.get(name) {
            Value::Null => Ok(()),
            got if *got == value => Ok(()),
            got => Err(self.wrong(name, &value.to_string(), got)),
        }
    }

    /// Refuses options that nobody read.
    pub(super) fn finish(self) -> Result<(), PretrainedError> {
        self.refuse(|name, value| {
            value.is_null() || IDLE.contains(&name) || name.starts_with("task_")
        })
    }

    /// The same of a config that writes out what is switched off: but for `idle` options, and those
    /// that are null, false or empty.
    pub(super) fn finish_but(self, idle: &[&str]) -> Result<(), PretrainedError> {
        self.refuse(|name, value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(list) if list.is_empty() => true,
            Value::Object(fields) if fields.is_empty() => true,
            _ => idle.contains(&name),
        })
    }

    fn refuse(self, allowed: impl Fn(&str, &Value) -> bool) -> Result<(), PretrainedError> {
        let unknown =
            |(name, value): &(&String, &Value)| !self.read.contains(*name) && !allowed(name, value);
        match self.fields.iter().find(unknown) {
            None => Ok(()),
            Some((name, value)) => Err(self.wrong(name, "left out: it is not known here", value)),
        }
    }
}
