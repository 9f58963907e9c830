//! Configs and names of Llama, Mistral and Qwen 3.

use serde_json::{Value, json};

use super::options::Options;
use super::tensors::{Array, Tensors};
use crate::RotaryScaling;
use crate::{Feed, GptConfig, Norm, Positions, Preset, PretrainedError, RotaryConfig};

pub(super) fn config(options: &mut Options, kind: &str) -> Result<GptConfig, PretrainedError> {
    options.only("hidden_act", json!("silu"))?;
    let rotary = rotary(options)?;
    let window = match kind {
        "llama" => None,
        "mistral" => options.some_count("sliding_window")?,
        _ => {
            options.only("use_sliding_window", json!(false))?;
            options.get("sliding_window");
            let full = |kinds: &Vec<Value>| kinds.iter().all(|k| k == "full_attention");
            let kinds = options.get("layer_types");
            if !kinds.as_array().is_none_or(full) {
                return Err(options.wrong("layer_types", "full_attention for each layer", kinds));
            }
            None
        }
    };
    Ok(GptConfig {
        vocabulary: options.count("vocab_size")?,
        context: options.count("max_position_embeddings")?,
        layers: options.count("num_hidden_layers")?,
        width: options.count("hidden_size")?,
        heads: options.count("num_attention_heads")?,
        key_heads: options.some_count("num_key_value_heads")?,
        head_width: options.some_count("head_dim")?,
        hidden: Some(options.count("intermediate_size")?),
        positions: Positions::Rotary(rotary),
        norm: Norm::Rms,
        norm_epsilon: options.number("rms_norm_eps", 1e-6)?,
        feed: Feed::Swiglu,
        qk_norm: kind == "qwen3",
        attention_bias: options.flag("attention_bias", false)?,
        feed_bias: options.flag("mlp_bias", false)?,
        tied: options.flag("tie_word_embeddings", false)?,
        window,
        ends: true,
        ..GptConfig::of(Preset::Modern)
    })
}

/// The angles, as configs before and from version 5 have them.
fn rotary(options: &mut Options) -> Result<RotaryConfig, PretrainedError> {
    let mut base = options.number("rope_theta", 10_000.0)?;
    let (name, scaling) = match options.get("rope_parameters") {
        Value::Null => ("rope_scaling", options.get("rope_scaling")),
        parameters => ("rope_parameters", parameters),
    };
    let Some(fields) = scaling.as_object() else {
        return match scaling {
            Value::Null => Ok(RotaryConfig { base, scaling: RotaryScaling::None }),
            other => Err(options.wrong(name, "an object or null", other)),
        };
    };
    let number = |field: &str| {
        let value = fields.get(field).and_then(Value::as_f64);
        value.ok_or_else(|| {
            options.wrong(&format!("{name}.{field}"), "a number", fields.get(field).is_some())
        })
    };
    if fields.contains_key("rope_theta") {
        base = number("rope_theta")?;
    }
    let kind = fields.get("rope_type").or(fields.get("type")).and_then(Value::as_str);
    let (scaling, known): (_, &[&str]) = match kind.unwrap_or("default") {
        "default" => (RotaryScaling::None, &[]),
        "linear" => (RotaryScaling::Linear { factor: number("factor")? }, &["factor"]),
        "llama3" => {
            let scaling = RotaryScaling::Llama3 {
                factor: number("factor")?,
                low: number("low_freq_factor")?,
                high: number("high_freq_factor")?,
                context: number("original_max_position_embeddings")?,
            };
            let known = &[
                "factor",
                "low_freq_factor",
                "high_freq_factor",
                "original_max_position_embeddings",
            ];
            (scaling, known)
        }
        other => {
            let expected = "default, linear or llama3";
            return Err(options.wrong(&format!("{name}.rope_type"), expected, other));
        }
    };
    let always = ["rope_type", "type", "rope_theta"];
    let unknown =
        |field: &&String| !known.contains(&field.as_str()) && !always.contains(&field.as_str());
    if let Some(field) = fields.keys().find(unknown) {
        let option = format!("{name}.{field}");
        return Err(options.wrong(&option, "left out: it is not known here", &fields[field]));
    }
    Ok(RotaryConfig { base, scaling })
}

pub(super) fn tensors(
    config: &GptConfig,
    mut from: Tensors,
) -> Result<Vec<(String, Array)>, PretrainedError> {
    let mut out = vec![("tokens".to_string(), from.take("model.embed_tokens.weight")?)];
    for i in 0..config.layers {
        let ours = |name: &str| format!("blocks.{i}.{name}");
        let theirs = |name: &str| format!("model.layers.{i}.{name}");
        let mut norms = vec![
            ("attention_norm.gamma", "input_layernorm.weight"),
            ("feed_norm.gamma", "post_attention_layernorm.weight"),
        ];
        if config.qk_norm {
            norms.push(("query_norm.gamma", "self_attn.q_norm.weight"));
            norms.push(("key_norm.gamma", "self_attn.k_norm.weight"));
        }
        for (name, their) in norms {
            out.push((ours(name), from.take(&theirs(their))?));
        }
        // Layers that stand side by side here, each held as `[out, in]` there.
        for (name, parts, bias) in [
            (
                "qkv",
                &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"][..],
                config.attention_bias,
            ),
            ("projection", &["self_attn.o_proj"], config.attention_bias),
            ("wide", &["mlp.gate_proj", "mlp.up_proj"], config.feed_bias),
            ("narrow", &["mlp.down_proj"], config.feed_bias),
        ] {
            let mut all = |ending: &str| {
                let part = |part: &&str| from.take(&format!("{}.{ending}", theirs(part)));
                Array::joined(parts.iter().map(part).collect::<Result<_, _>>()?)
            };
            let weight = all("weight")?.transposed()?;
            out.push((format!("{}.weight", ours(name)), weight));
            if bias {
                out.push((format!("{}.bias", ours(name)), all("bias")?));
            }
        }
    }
    out.push(("norm.gamma".into(), from.take("model.norm.weight")?));
    if !config.tied {
        out.push(("head".into(), from.take("lm_head.weight")?.transposed()?));
    }
    from.leave(|name| name == "lm_head.weight" || name.ends_with("rotary_emb.inv_freq"));
    from.finish()?;
    Ok(out)
}
