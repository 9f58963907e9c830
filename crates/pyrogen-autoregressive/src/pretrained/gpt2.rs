//! GPT-2's configs and names.

use serde_json::json;

use super::options::Options;
use super::tensors::{Array, Tensors};
use crate::{Feed, GptConfig, Preset, PretrainedError};

pub(super) fn config(options: &mut Options) -> Result<GptConfig, PretrainedError> {
    let feed = match options.text("activation_function")?.as_str() {
        "gelu_new" | "gelu_pytorch_tanh" => Feed::GeluTanh,
        "gelu" => Feed::Gelu,
        other => {
            let expected = "gelu_new, gelu_pytorch_tanh or gelu";
            return Err(options.wrong("activation_function", expected, other));
        }
    };
    options.only("scale_attn_weights", json!(true))?;
    options.only("scale_attn_by_inverse_layer_idx", json!(false))?;
    options.only("reorder_and_upcast_attn", json!(false))?;
    options.only("add_cross_attention", json!(false))?;
    Ok(GptConfig {
        vocabulary: options.count("vocab_size")?,
        context: options.count("n_positions")?,
        layers: options.count("n_layer")?,
        width: options.count("n_embd")?,
        heads: options.count("n_head")?,
        hidden: options.some_count("n_inner")?,
        norm_epsilon: options.number("layer_norm_epsilon", 1e-5)?,
        feed,
        tied: options.flag("tie_word_embeddings", true)?,
        ends: true,
        ..GptConfig::of(Preset::Gpt2)
    })
}

pub(super) fn tensors(
    config: &GptConfig,
    mut from: Tensors,
) -> Result<Vec<(String, Array)>, PretrainedError> {
    // Files of the bare network leave the prefix out.
    let prefix = if from.has("transformer.wte.weight") { "transformer." } else { "" };
    let mut out = Vec::new();
    let mut take = |ours: String, theirs: String| -> Result<(), PretrainedError> {
        out.push((ours, from.take(&format!("{prefix}{theirs}"))?));
        Ok(())
    };
    take("tokens".into(), "wte.weight".into())?;
    take("places".into(), "wpe.weight".into())?;
    for i in 0..config.layers {
        for (ours, theirs) in [("attention_norm", "ln_1"), ("feed_norm", "ln_2")] {
            take(format!("blocks.{i}.{ours}.gamma"), format!("h.{i}.{theirs}.weight"))?;
            take(format!("blocks.{i}.{ours}.beta"), format!("h.{i}.{theirs}.bias"))?;
        }
        for (ours, theirs) in [
            ("qkv", "attn.c_attn"),
            ("projection", "attn.c_proj"),
            ("wide", "mlp.c_fc"),
            ("narrow", "mlp.c_proj"),
        ] {
            // Held as `[in, out]` there, too.
            take(format!("blocks.{i}.{ours}.weight"), format!("h.{i}.{theirs}.weight"))?;
            take(format!("blocks.{i}.{ours}.bias"), format!("h.{i}.{theirs}.bias"))?;
        }
    }
    take("norm.gamma".into(), "ln_f.weight".into())?;
    take("norm.beta".into(), "ln_f.bias".into())?;
    if !config.tied {
        out.push(("head".into(), from.take("lm_head.weight")?.transposed()?));
    }
    // Masks that older files hold.
    from.leave(|name| name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
    from.leave(|name| name == "lm_head.weight");
    from.finish()?;
    Ok(out)
}
