//! Adapters of low rank in the layout of Hugging Face's `peft`: `adapter_config.json` and
//! `adapter_model.safetensors`.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::options::Options;
use super::tensors::{Array, Tensors, to_bytes};
use super::{file, read};
use crate::lora::Adapter;
use crate::{Feed, Gpt, GptConfig, LoraConfig, Norm, Positions, PretrainedError};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// What stands before every name in `peft`'s files.
const PREFIX: &str = "base_model.model.";

/// Options that change nothing in what an adapter computes: names, and how it was trained.
const IDLE: [&str; 14] = [
    "auto_mapping",
    "base_model_name_or_path",
    "exclude_modules",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "rank_pattern",
    "revision",
    "target_modules",
];

/// Whether a folder is an adapter of `peft`.
pub(super) fn is_adapter(folder: &Path) -> bool {
    !folder.join("card.json").exists()
        && [CONFIG, WEIGHTS].iter().all(|name| folder.join(name).exists())
}

/// The folder of the model that an adapter is for, as its config names it: a path, from the adapter's
/// folder or from where the program runs.
pub(super) fn base(folder: &Path) -> Result<PathBuf, PretrainedError> {
    let path = folder.join(CONFIG);
    let json = json_of(&path)?;
    let name = json["base_model_name_or_path"].as_str().unwrap_or_default();
    let places = [folder.join(name), PathBuf::from(name)];
    let found = places.into_iter().find(|place| !name.is_empty() && super::is_model(place));
    found.ok_or_else(|| {
        file(
            &path,
            format!("names the base model `{name}`, which is no folder of transformers here"),
        )
    })
}

/// A network at rest with the adapters of a folder, which may be trained on;
/// [`merged`](Gpt::merged) adds them to its weights. Layers that the folder has no adapter for get none.
///
/// # Errors
/// A file that is missing or damaged, an option that is not known here, an adapter of a layer that the
/// network does not have, or shapes that do not fit.
pub fn open_adapter(network: Gpt, folder: &Path) -> Result<Gpt, PretrainedError> {
    let path = folder.join(CONFIG);
    let json = json_of(&path)?;
    let settings = Settings::read(Options::new(&path, &json)?)?;
    let weights = folder.join(WEIGHTS);
    let mut tensors = Tensors::file(&weights)?;
    let (config, device) = (network.config().clone(), network.tokens.device());
    let kind = Kind::of(&config).ok_or_else(|| file(&path, NO_KIND))?;
    let mut adapters = Vec::new();
    for layer in 0..config.layers {
        for (name, parts) in kind.layers(&config) {
            let found = parts.iter().map(|part| {
                let theirs = format!("{}{layer}.{}", kind.prefix(), part.name);
                Low::take(&mut tensors, &weights, &theirs, &settings)
            });
            let found = found.collect::<Result<Vec<_>, _>>()?;
            if found.iter().any(Option::is_some) {
                let into = kind.inputs(&config, name);
                let joined = joined(&found, &parts, into).ok_or_else(|| {
                    file(&weights, format!("layer {layer}: `{name}` does not fit"))
                })?;
                adapters.push((layer, name, joined.adapter(settings.scale, &device)));
            }
        }
    }
    tensors.finish()?;
    let alpha = settings.scale * settings.rank as f64;
    Ok(network.with_given(LoraConfig { rank: settings.rank, alpha }, adapters))
}

/// Writes the adapters of a network in the layout of `peft`; `base` is the name or the path of the model
/// that they are for.
///
/// A layer that holds several of `transformers` side by side (queries, keys and values) is written as
/// several adapters that share the columns of `A` that they use.
///
/// # Errors
/// A network without adapters, one of whose kind `transformers` has none, or a system that refuses.
pub fn save_adapter(
    network: &Gpt,
    folder: &Path,
    base: Option<&str>,
) -> Result<(), PretrainedError> {
    let files = files(network, base).ok_or_else(|| file(folder, NO_KIND))?;
    std::fs::create_dir_all(folder)
        .map_err(|source| PretrainedError::Io { path: folder.to_path_buf(), source })?;
    for (name, bytes) in files {
        let path = folder.join(name);
        write_file(&path, &bytes).map_err(|e| file(&path, e.to_string()))?;
    }
    Ok(())
}

const NO_KIND: &str = "adapters are of networks of GPT-2's or Llama's kind that have some";

/// The two files of a network's adapters; None where it has none, or is of no kind that `peft` knows.
pub(crate) fn files(network: &Gpt, base: Option<&str>) -> Option<[(&'static str, Vec<u8>); 2]> {
    let (config, kind) = (network.config(), Kind::of(network.config())?);
    config.lora?;
    let mut found = Vec::new();
    let mut scale = None;
    for (layer, block) in network.blocks.iter().enumerate() {
        for (name, parts) in kind.layers(config) {
            let Some(adapter) = block.layer(name).adapter.as_ref() else { continue };
            scale = Some(adapter.scale());
            let lows = Low::of(adapter).split(&parts);
            let names = parts.iter().map(|part| (layer, part.name));
            found.extend(names.zip(lows).filter_map(|(name, low)| Some((name, low?))));
        }
    }
    let rank = found.iter().map(|(_, low)| low.rank).max()?;
    let mut arrays = Vec::new();
    for ((layer, part), low) in &found {
        let name = format!("{PREFIX}{}{layer}.{part}", kind.prefix());
        let [a, b] = low.as_peft(rank);
        arrays.push((format!("{name}.lora_A.weight"), a));
        arrays.push((format!("{name}.lora_B.weight"), b));
    }
    let alpha = scale.unwrap_or(1.0) * rank as f64;
    let config = json!({
        "alpha_pattern": {},
        "base_model_name_or_path": base,
        "bias": "none",
        "fan_in_fan_out": kind == Kind::Gpt2,
        "inference_mode": true,
        "init_lora_weights": true,
        "layers_pattern": null,
        "layers_to_transform": null,
        "lora_alpha": if alpha.fract() == 0.0 { json!(alpha as i64) } else { json!(alpha) },
        "lora_dropout": 0.0,
        "modules_to_save": null,
        "peft_type": "LORA",
        "r": rank,
        "rank_pattern": {},
        "target_modules": targets(kind, config.layers, &found),
        "task_type": "CAUSAL_LM",
        "use_dora": false,
        "use_rslora": false,
    });
    let config = serde_json::to_vec_pretty(&config).expect("JSON of plain values");
    Some([(CONFIG, config), (WEIGHTS, to_bytes(&arrays))])
}

/// The names that `peft` finds the layers by: the endings of those that every block has, and whole names.
fn targets(kind: Kind, layers: usize, found: &[((usize, &str), Low)]) -> Vec<String> {
    let everywhere = |part: &str| found.iter().filter(|((_, p), _)| *p == part).count() == layers;
    let mut out: Vec<String> = found
        .iter()
        .map(|((layer, part), _)| match everywhere(part) {
            true => (*part).to_string(),
            false => format!("{}{layer}.{part}", kind.prefix()),
        })
        .collect();
    out.sort();
    out.dedup();
    out
}

fn json_of(path: &Path) -> Result<Value, PretrainedError> {
    serde_json::from_str(&read(path)?).map_err(|e| file(path, format!("is not JSON: {e}")))
}

/// What a config says of how adapters are added.
struct Settings {
    rank: usize,
    /// The factor of adapters of this rank.
    scale: f64,
    alpha: f64,
    /// Divided by the root of the rank (Kalajdzievski 2023).
    rooted: bool,
    /// Other alphas, by an expression that the end of a layer's name matches.
    others: Vec<(regex_automata::meta::Regex, f64)>,
}

impl Settings {
    fn read(mut options: Options) -> Result<Self, PretrainedError> {
        options.only("peft_type", json!("LORA"))?;
        options.only("task_type", json!("CAUSAL_LM"))?;
        options.only("bias", json!("none"))?;
        // How the base stores its weights; those of the adapter are stored alike for both.
        options.flag("fan_in_fan_out", false)?;
        let rank = options.count("r")?;
        if rank == 0 {
            return Err(options.wrong("r", "at least 1", rank));
        }
        let alpha = options.number("lora_alpha", 8.0)?;
        let rooted = options.flag("use_rslora", false)?;
        let mut others = Vec::new();
        if let Some(patterns) = options.get("alpha_pattern").as_object() {
            for (pattern, value) in patterns {
                let number = value.as_f64();
                let end = regex_automata::meta::Regex::new(&format!(r"^(?:.*\.)?(?:{pattern})$"));
                let (Some(number), Ok(end)) = (number, end) else {
                    let got = format!("{pattern}: {value}");
                    return Err(options.wrong("alpha_pattern", "expressions with numbers", got));
                };
                others.push((end, number));
            }
        }
        let made = Self { rank, scale: 1.0, alpha, rooted, others };
        options.finish_but(&IDLE)?;
        Ok(Self { scale: made.scaling(alpha, rank), ..made })
    }

    fn scaling(&self, alpha: f64, rank: usize) -> f64 {
        alpha / if self.rooted { (rank as f64).sqrt() } else { rank as f64 }
    }

    /// The factor of an adapter.
    fn of(&self, name: &str, rank: usize) -> f64 {
        let other = self.others.iter().find(|(end, _)| end.is_match(name));
        self.scaling(other.map_or(self.alpha, |(_, alpha)| *alpha), rank)
    }
}

/// The networks of `transformers` that this crate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gpt2,
    Llama,
}

/// A layer of `transformers` within one of ours.
struct Part {
    name: &'static str,
    width: usize,
}

impl Kind {
    fn of(config: &GptConfig) -> Option<Self> {
        match (config.norm, config.feed, &config.positions) {
            (Norm::Rms, Feed::Swiglu, Positions::Rotary(_)) => Some(Self::Llama),
            (Norm::Layer, Feed::Gelu | Feed::GeluTanh, Positions::Learned) => Some(Self::Gpt2),
            _ => None,
        }
    }

    /// What stands before a block's number.
    fn prefix(self) -> &'static str {
        match self {
            Self::Gpt2 => "transformer.h.",
            Self::Llama => "model.layers.",
        }
    }

    /// Our layers of a block, each with theirs side by side.
    fn layers(self, config: &GptConfig) -> [(&'static str, Vec<Part>); 4] {
        let (d, width, hidden) = (config.head_width(), config.width, config.hidden());
        let (inner, keys) = (config.heads * d, config.key_heads() * d);
        let parts = |parts: &[(&'static str, usize)]| {
            parts.iter().map(|&(name, width)| Part { name, width }).collect::<Vec<_>>()
        };
        match self {
            Self::Gpt2 => [
                ("qkv", parts(&[("attn.c_attn", inner + 2 * keys)])),
                ("projection", parts(&[("attn.c_proj", width)])),
                ("wide", parts(&[("mlp.c_fc", hidden)])),
                ("narrow", parts(&[("mlp.c_proj", width)])),
            ],
            Self::Llama => [
                (
                    "qkv",
                    parts(&[
                        ("self_attn.q_proj", inner),
                        ("self_attn.k_proj", keys),
                        ("self_attn.v_proj", keys),
                    ]),
                ),
                ("projection", parts(&[("self_attn.o_proj", width)])),
                ("wide", parts(&[("mlp.gate_proj", hidden), ("mlp.up_proj", hidden)])),
                ("narrow", parts(&[("mlp.down_proj", width)])),
            ],
        }
    }

    /// Inputs of one of our layers.
    fn inputs(self, config: &GptConfig, name: &str) -> usize {
        match name {
            "projection" => config.heads * config.head_width(),
            "narrow" => config.hidden(),
            _ => config.width,
        }
    }
}

/// The two matrices of an adapter on the host.
struct Low {
    rank: usize,
    into: usize,
    out: usize,
    /// `[rank, into]`: the columns of our `A` one after the other.
    a: Vec<f32>,
    /// `[rank, out]`.
    b: Vec<f32>,
}

impl Low {
    /// The adapter of a layer of theirs; None where the file has none.
    fn take(
        tensors: &mut Tensors,
        path: &Path,
        name: &str,
        settings: &Settings,
    ) -> Result<Option<Self>, PretrainedError> {
        // A bare network's names have no `transformer.` before them.
        let bare = name.strip_prefix("transformer.").unwrap_or(name);
        let names = [name, bare].map(|name| format!("{PREFIX}{name}"));
        let there = |name: &&String| tensors.has(&format!("{name}.lora_A.weight"));
        let Some(full) = names.iter().find(there) else { return Ok(None) };
        let a = tensors.take(&format!("{full}.lora_A.weight"))?;
        let b = tensors.take(&format!("{full}.lora_B.weight"))?;
        let (&[rank, into], &[out, other]) = (&a.shape[..], &b.shape[..]) else {
            return Err(file(path, format!("`{full}`: shapes {:?}, {:?}", a.shape, b.shape)));
        };
        if rank != other || rank == 0 {
            return Err(file(path, format!("`{full}`: ranks {rank} and {other}")));
        }
        let factor = (settings.of(name, rank) / settings.scale) as f32;
        let mut b = b.transposed()?.values;
        if factor != 1.0 {
            b.iter_mut().for_each(|b| *b *= factor);
        }
        Ok(Some(Self { rank, into, out, a: a.values, b }))
    }

    fn of(adapter: &Adapter) -> Self {
        let numbers = |x: Tensor<2>| x.detach().into_data().iter::<f32>().collect::<Vec<f32>>();
        let ([into, rank], [_, out]) = (adapter.a.dims(), adapter.b.dims());
        let a = numbers(adapter.a.val().transpose());
        Self { rank, into, out, a, b: numbers(adapter.b.val()) }
    }

    /// The adapters of layers side by side, each with the ranks that it uses. One that does nothing is
    /// left out, unless all do nothing.
    fn split(self, parts: &[Part]) -> Vec<Option<Self>> {
        let idle = self.b.iter().all(|&b| b == 0.0);
        let mut from = 0;
        let part = |part: &Part| {
            let start = from;
            from += part.width;
            let row = |r: usize| &self.b[r * self.out + start..][..part.width];
            let used = |r: &usize| idle || row(*r).iter().any(|&b| b != 0.0);
            let ranks: Vec<usize> = (0..self.rank).filter(used).collect();
            (!ranks.is_empty()).then(|| Self {
                rank: ranks.len(),
                into: self.into,
                out: part.width,
                a: ranks
                    .iter()
                    .flat_map(|&r| &self.a[r * self.into..][..self.into])
                    .copied()
                    .collect(),
                b: ranks.iter().flat_map(|&r| row(r)).copied().collect(),
            })
        };
        parts.iter().map(part).collect()
    }

    /// `A` and `B` as `peft` has them, with zeros up to a rank.
    fn as_peft(&self, rank: usize) -> [Array; 2] {
        let (mut a, mut b) = (self.a.clone(), vec![0.0; self.out * rank]);
        a.resize(rank * self.into, 0.0);
        for (r, row) in self.b.chunks_exact(self.out).enumerate() {
            row.iter().enumerate().for_each(|(j, &value)| b[j * rank + r] = value);
        }
        let array = |shape: [usize; 2], values| Array { shape: shape.to_vec(), values };
        [array([rank, self.into], a), array([self.out, rank], b)]
    }

    fn adapter(self, scale: f64, device: &Device) -> Adapter {
        let tensor = |values: Vec<f32>, shape| {
            Tensor::<2>::from_data(TensorData::new(values, shape), device)
        };
        let a = tensor(self.a, [self.rank, self.into]).transpose();
        // Of its own, in row-major order.
        let a = Tensor::from_data(a.into_data(), device);
        Adapter::new(a, tensor(self.b, [self.rank, self.out]), scale)
    }
}

/// One adapter of ours for some of theirs side by side: their ranks one after the other, each with the
/// columns of its own layer. None where shapes do not fit.
fn joined(found: &[Option<Low>], parts: &[Part], into: usize) -> Option<Low> {
    let out: usize = parts.iter().map(|part| part.width).sum();
    let (mut a, mut b, mut rank, mut from) = (Vec::new(), Vec::new(), 0, 0);
    for (low, part) in found.iter().zip(parts) {
        if let Some(low) = low {
            if low.into != into || low.out != part.width {
                return None;
            }
            rank += low.rank;
            a.extend_from_slice(&low.a);
            for row in low.b.chunks_exact(low.out) {
                let start = b.len();
                b.resize(start + out, 0.0);
                b[start + from..][..low.out].copy_from_slice(row);
            }
        }
        from += part.width;
    }
    Some(Low { rank, into, out, a, b })
}
