//! U-Nets that the Python package diffusers has saved.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::folder::{from_bytes, read_json, to_bytes};
use pyrogen_core::{ConfigError, FolderError, Noise, Seed};
use pyrogen_nn::unet::{Downsampling, Modulation};
use pyrogen_nn::{TimeEncoding, UNet, UNetConfig};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

/// The parts of `config.json` that say how a `UNet2DModel` is built; the others change nothing or
/// must have their default.
#[derive(Debug, Deserialize)]
struct Saved {
    #[serde(rename = "_class_name")]
    class_name: String,
    in_channels: usize,
    out_channels: usize,
    block_out_channels: Vec<usize>,
    layers_per_block: usize,
    down_block_types: Vec<String>,
    up_block_types: Vec<String>,
    norm_num_groups: usize,
    norm_eps: f64,
    attention_head_dim: Option<usize>,
    downsample_padding: usize,
    flip_sin_to_cos: bool,
    freq_shift: f64,
    #[serde(default)]
    center_input_sample: bool,
    #[serde(default)]
    attn_norm_num_groups: Option<usize>,
    #[serde(default = "positional")]
    time_embedding_type: String,
    #[serde(default)]
    time_embedding_dim: Option<usize>,
    #[serde(default = "unscaled")]
    resnet_time_scale_shift: String,
    #[serde(default = "one")]
    mid_block_scale_factor: f64,
    #[serde(default = "yes")]
    add_attention: bool,
    #[serde(default = "middle")]
    mid_block_type: Option<String>,
    #[serde(default = "conv")]
    downsample_type: String,
    #[serde(default = "conv")]
    upsample_type: String,
    #[serde(default = "silu")]
    act_fn: String,
    #[serde(default)]
    class_embed_type: Option<String>,
    #[serde(default)]
    num_class_embeds: Option<usize>,
}

fn positional() -> String {
    "positional".into()
}
fn unscaled() -> String {
    "default".into()
}
fn conv() -> String {
    "conv".into()
}
fn silu() -> String {
    "silu".into()
}
fn middle() -> Option<String> {
    Some("UNetMidBlock2D".into())
}
fn one() -> f64 {
    1.0
}
fn yes() -> bool {
    true
}

/// A U-Net that diffusers has saved, and what it is made of.
#[derive(Debug)]
pub struct LoadedUNet {
    /// The network.
    pub unet: UNet,
    /// Its configuration here.
    pub config: UNetConfig,
    /// Channels that enter.
    pub d_in: usize,
    /// Channels that leave.
    pub d_out: usize,
    /// Rows of the class embedding.
    pub classes: Option<usize>,
}

/// Reads the folder of a `UNet2DModel` of diffusers: `config.json` and
/// `diffusion_pytorch_model.safetensors`.
///
/// The blocks `DownBlock2D`, `AttnDownBlock2D`, `UpBlock2D`, `AttnUpBlock2D` and `UNetMidBlock2D` are
/// known, with positional times. The network sees times from 0 to 999, as there.
///
/// # Errors
/// A file that cannot be read, a model of another kind, an option that has no counterpart here, or
/// weights that do not fit.
pub fn load_unet(dir: &Path, device: &Device) -> Result<LoadedUNet, FolderError> {
    let path = dir.join("config.json");
    let saved: Saved = read_json(&path)?;
    let config = saved.config().map_err(|source| FolderError::Config { path, source })?;
    let weights = dir.join("diffusion_pytorch_model.safetensors");
    let bytes = std::fs::read(&weights).map_err(FolderError::io(&weights, "read"))?;
    let damaged = |message: String| FolderError::Weights { path: weights.clone(), message };
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
    let (d_in, d_out, classes) = (saved.in_channels, saved.out_channels, saved.num_class_embeds);
    let params = config.num_params(d_in, d_out, classes);
    if params > bytes.len() {
        let message = format!("config.json describes {params} numbers, the file is shorter");
        return Err(FolderError::Mismatch { path: weights, message });
    }
    let unet = config.init(d_in, d_out, classes, &mut Noise::new(Seed(0)), device);
    let ours = convert(&unet, &file)
        .map_err(|message| FolderError::Mismatch { path: weights.clone(), message })?;
    let unet = from_bytes(unet, &ours, &weights)?;
    Ok(LoadedUNet { unet, config, d_in, d_out, classes })
}

impl Saved {
    fn config(&self) -> Result<UNetConfig, ConfigError> {
        let must = |field: &str, got: &str, expected: &str| match got == expected {
            true => Ok(()),
            false => Err(ConfigError::value(field, format!("`{expected}`"), format!("`{got}`"))),
        };
        must("_class_name", &self.class_name, "UNet2DModel")?;
        must("time_embedding_type", &self.time_embedding_type, "positional")?;
        must("downsample_type", &self.downsample_type, "conv")?;
        must("upsample_type", &self.upsample_type, "conv")?;
        must("act_fn", &self.act_fn, "silu")?;
        must("class_embed_type", self.class_embed_type.as_deref().unwrap_or("null"), "null")?;
        must("mid_block_type", self.mid_block_type.as_deref().unwrap_or("null"), "UNetMidBlock2D")?;
        must("center_input_sample", &self.center_input_sample.to_string(), "false")?;
        must("mid_block_scale_factor", &self.mid_block_scale_factor.to_string(), "1")?;
        let first = self.block_out_channels.first().copied().unwrap_or_default();
        if self.time_embedding_dim.is_some_and(|dim| dim != 4 * first) {
            return Err(ConfigError::value(
                "time_embedding_dim",
                format!("{}", 4 * first),
                "another",
            ));
        }
        let modulation = match self.resnet_time_scale_shift.as_str() {
            "scale_shift" => Modulation::ScaleShift,
            other => {
                must("resnet_time_scale_shift", other, "default").map(|()| Modulation::Shift)?
            }
        };
        // Without this number, attention in the middle has no normalisation of groups there.
        let groups = self.attn_norm_num_groups;
        let plain = modulation == Modulation::Shift && groups.is_none();
        if self.add_attention && !plain && groups != Some(self.norm_num_groups) {
            let got = groups.map_or("null".to_string(), |g| g.to_string());
            return Err(ConfigError::value(
                "attn_norm_num_groups",
                self.norm_num_groups.to_string(),
                got,
            ));
        }
        let config = UNetConfig {
            channels: self.block_out_channels.clone(),
            blocks: self.layers_per_block,
            attention: self.attention()?,
            middle_attention: self.add_attention,
            head_width: self.attention_head_dim,
            groups: self.norm_num_groups,
            epsilon: self.norm_eps,
            time: TimeEncoding::Sinusoidal {
                period: 10_000.0,
                shift: self.freq_shift,
                cosines_first: self.flip_sin_to_cos,
            },
            modulation,
            downsampling: match self.downsample_padding {
                0 => Downsampling::Corner,
                1 => Downsampling::Centred,
                got => return Err(ConfigError::value("downsample_padding", "0 or 1", got)),
            },
        };
        // Any size will do that the levels divide.
        let side = 1usize << self.block_out_channels.len().min(16);
        config.validate("unet", [self.in_channels, side, side])?;
        Ok(config)
    }

    /// The levels with attention, the same on both ways.
    fn attention(&self) -> Result<Vec<usize>, ConfigError> {
        let levels = self.block_out_channels.len();
        let read = |field: &str, types: &[String], plain: &str, attends: &str| {
            let known = |name: &String| match name.as_str() {
                name if name == plain => Ok(false),
                name if name == attends => Ok(true),
                other => {
                    let expected = format!("{plain} or {attends}");
                    Err(ConfigError::value(field, expected, other))
                }
            };
            types.iter().map(known).collect::<Result<Vec<bool>, _>>()
        };
        let down =
            read("down_block_types", &self.down_block_types, "DownBlock2D", "AttnDownBlock2D")?;
        let mut up = read("up_block_types", &self.up_block_types, "UpBlock2D", "AttnUpBlock2D")?;
        up.reverse();
        if down != up || down.len() != levels {
            let expected = "the mirror image of down_block_types, one a level";
            let got = self.up_block_types.join(", ");
            return Err(ConfigError::value("up_block_types", expected, got));
        }
        Ok((0..levels).filter(|&level| down[level]).collect())
    }
}

/// The file's tensors under our names and in our layouts, as the bytes of a safetensors file.
fn convert(unet: &UNet, file: &SafeTensors) -> Result<Vec<u8>, String> {
    let bytes = to_bytes(unet);
    let own = SafeTensors::deserialize(&bytes).expect("just written");
    // In the order of names, and what is missing before what has another shape: one file, one message.
    let tensors: BTreeMap<String, TensorView<'_>> = own.tensors().into_iter().collect();
    for name in tensors.keys().flat_map(|name| Source::of(name).names) {
        part(file, &name)?;
    }
    let mut arrays = BTreeMap::new();
    for (name, view) in tensors {
        let source = Source::of(&name);
        arrays.insert(name, (view.shape().to_vec(), source.read(file, view.shape())?));
    }
    let used: usize = arrays.keys().map(|name| Source::of(name).names.len()).sum();
    if used != file.len() {
        return Err(format!("the file has {} tensors, the model takes {used}", file.len()));
    }
    let views = arrays.iter().map(|(name, (shape, bytes))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("sizes checked");
        (name.clone(), view)
    });
    safetensors::serialize(views, None).map_err(|e| e.to_string())
}

/// Where one of our tensors comes from.
struct Source {
    /// Their names; several stand side by side.
    names: Vec<String>,
    /// Whether they are matrices `[out, in]`.
    transposed: bool,
}

impl Source {
    /// The name map.
    fn of(name: &str) -> Self {
        if name == "time.classes" {
            return Self { names: vec!["class_embedding.weight".into()], transposed: false };
        }
        let (path, kind) = name.rsplit_once('.').unwrap_or(("", name));
        let kind = match kind {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
        let parts: Vec<&str> = path.split('.').collect();
        let layers = match parts.as_slice() {
            ["enter"] => vec!["conv_in".into()],
            ["leave"] => vec!["conv_out".into()],
            ["norm"] => vec!["conv_norm_out".into()],
            ["time", "first"] => vec!["time_embedding.linear_1".into()],
            ["time", "second"] => vec!["time_embedding.linear_2".into()],
            ["down", level, "resample"] => vec![format!("down_blocks.{level}.downsamplers.0.conv")],
            ["up", level, "resample"] => vec![format!("up_blocks.{level}.upsamplers.0.conv")],
            ["middle", "first", layer] => vec![format!("mid_block.resnets.0.{}", block(layer))],
            ["middle", "second", layer] => vec![format!("mid_block.resnets.1.{}", block(layer))],
            ["middle", "attention", layer] => attention("mid_block", "0", layer),
            [way, level, "blocks", i, layer] => {
                vec![format!("{way}_blocks.{level}.resnets.{i}.{}", block(layer))]
            }
            [way, level, "attention", i, layer] => {
                attention(&format!("{way}_blocks.{level}"), i, layer)
            }
            _ => vec![path.to_string()],
        };
        let dense = |layer: &String| {
            ["linear_1", "linear_2", "time_emb_proj", "to_q", "to_k", "to_v", "to_out.0"]
                .iter()
                .any(|end| layer.ends_with(end))
        };
        let transposed = kind == "weight" && layers.iter().all(dense);
        let names = layers.iter().map(|layer| format!("{layer}.{kind}")).collect();
        Self { names, transposed }
    }

    /// The tensor of our shape, row-major, as bytes.
    fn read(&self, file: &SafeTensors, shape: &[usize]) -> Result<Vec<u8>, String> {
        let parts =
            self.names.iter().map(|name| part(file, name)).collect::<Result<Vec<_>, _>>()?;
        let mut wanted = shape.to_vec();
        let last = wanted.len() - 1;
        wanted[last] /= parts.len();
        if self.transposed {
            wanted.reverse();
        }
        for (name, view) in self.names.iter().zip(&parts) {
            if view.dtype() != Dtype::F32 {
                return Err(format!("`{name}` has type {:?}, expected F32", view.dtype()));
            }
            if view.shape() != wanted {
                return Err(format!("`{name}` has shape {:?}, expected {wanted:?}", view.shape()));
            }
        }
        let width = shape[last] / parts.len();
        let rows = shape.iter().product::<usize>() / shape[last].max(1);
        let mut bytes = Vec::with_capacity(shape.iter().product::<usize>() * 4);
        for row in 0..rows {
            for view in &parts {
                for column in 0..width {
                    let at =
                        if self.transposed { column * rows + row } else { row * width + column };
                    bytes.extend_from_slice(&view.data()[at * 4..at * 4 + 4]);
                }
            }
        }
        Ok(bytes)
    }
}

/// A layer of a residual block.
fn block(layer: &str) -> &str {
    match layer {
        "time" => "time_emb_proj",
        "shortcut" => "conv_shortcut",
        other => other,
    }
}

/// The layers of attention that one of ours holds.
fn attention(prefix: &str, i: &str, layer: &str) -> Vec<String> {
    let theirs: &[&str] = match layer {
        "norm" => &["group_norm"],
        "qkv" => &["to_q", "to_k", "to_v"],
        _ => &["to_out.0"],
    };
    theirs.iter().map(|name| format!("{prefix}.attentions.{i}.{name}")).collect()
}

/// A tensor of the file, also under the name that it had before version 0.17 of diffusers.
fn part<'a>(file: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, String> {
    let older = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];
    let found = file.tensor(name).ok().or_else(|| {
        let (new, old) = older.iter().find(|(new, _)| name.contains(new))?;
        file.tensor(&name.replace(new, old)).ok()
    });
    found.ok_or_else(|| format!("`{name}` is missing"))
}
