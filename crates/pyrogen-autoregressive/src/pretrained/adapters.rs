//! Adapters of low rank in the layout of Hugging Face's `peft`: `adapter_config.json` and
//! `adapter_model.safetensors`.

use std::path::{Path, PathBuf};

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::kind::Kind;
use super::low::{Low, joined};
use super::options::Options;
use super::tensors::{Tensors, to_bytes};
use super::{file, read};
use crate::{Gpt, LoraConfig, PretrainedError};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// What stands before every name in `peft`'s files.
pub(super) const PREFIX: &str = "base_model.model.";

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
pub(super) struct Settings {
    rank: usize,
    /// The factor of adapters of this rank.
    pub(super) scale: f64,
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
    pub(super) fn of(&self, name: &str, rank: usize) -> f64 {
        let other = self.others.iter().find(|(end, _)| end.is_match(name));
        self.scaling(other.map_or(self.alpha, |(_, alpha)| *alpha), rank)
    }
}
