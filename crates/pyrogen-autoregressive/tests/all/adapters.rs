//! Adapters in the layout of `peft`, read and written.

use std::collections::BTreeMap;

use pyrogen_autoregressive::{LoraConfig, pretrained};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::json;

use super::*;

/// Both sides are in single precision, the fixture has five to seven digits.
const TOLERANCE: f64 = 1e-4;

/// The files of an adapter of the fixture.
fn write(dir: &Path, case: &Value, config: &Value) {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("adapter_config.json"), config.to_string()).unwrap();
    let arrays: Vec<(String, Vec<usize>, Vec<u8>)> = case["weights"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, weight)| {
            let shape = numbers(&weight["shape"]).iter().map(|&n| n as usize).collect();
            let values = numbers(&weight["values"]);
            let bytes = values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
            (name.clone(), shape, bytes)
        })
        .collect();
    let views = arrays.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    std::fs::write(dir.join("adapter_model.safetensors"), bytes).unwrap();
}

/// The network that a case is an adapter of.
fn base(case: &Value, dir: &Path) -> Gpt {
    let models = json("models.json");
    let index = case["base"].as_u64().unwrap() as usize;
    super::reference::folder(dir, &models["models"][index], "values");
    pretrained::open_network(dir, &device()).unwrap()
}

fn tokens(case: &Value) -> Packed {
    let rows = case["tokens"].as_array().unwrap();
    let all: Vec<u32> = rows.iter().flat_map(numbers).map(|t| t as u32).collect();
    let places = all.len() / rows.len();
    Packed::new(all, places)
}

/// The tensors of a file by their names.
fn tensors(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(path).unwrap();
    let read = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |view: &TensorView| {
        view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    };
    read.tensors().into_iter().map(|(n, v)| (n, (v.shape().to_vec(), numbers(&v)))).collect()
}

#[test]
fn adapters_of_peft_are_read_and_written_again() {
    let all = json("adapters.json");
    let keep = std::env::var("PYROGEN_ADAPTERS").ok().map(PathBuf::from);
    for (name, case) in all["cases"].as_object().unwrap() {
        let dir = tempfile::tempdir().unwrap();
        let network = base(case, dir.path());
        let (from, rows) = (dir.path().join("adapter"), tokens(case));
        write(&from, case, &case["config"]);
        let adapted = pretrained::open_adapter(network.clone(), &from).unwrap();
        let expected = numbers(&case["logits"]);
        assert!(difference(&logits(&network, &rows), &expected) > 0.05, "{name}");
        for (what, model) in [("apart", adapted.clone()), ("merged", adapted.clone().merged())] {
            let off = difference(&logits(&model, &rows), &expected);
            assert!(off < TOLERANCE, "{name}, {what}: {off}");
        }
        let to = keep.as_ref().map_or_else(|| dir.path().join("ours"), |keep| keep.join(name));
        pretrained::save_adapter(&adapted, &to, Some("base")).unwrap();
        let again = pretrained::open_adapter(network, &to).unwrap();
        assert!(difference(&logits(&again, &rows), &expected) < TOLERANCE, "{name}");
        // The same tensors under the same names, where all have one rank and one factor.
        let [theirs, ours] =
            [&from, &to].map(|dir| tensors(&dir.join("adapter_model.safetensors")));
        assert!(theirs.keys().eq(ours.keys()), "{name}");
        let uniform = case["config"]["rank_pattern"] == json!({});
        assert!(!uniform || theirs == ours, "{name}");
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(to.join("adapter_config.json")).unwrap())
                .unwrap();
        assert_eq!(config["r"], case["config"]["r"], "{name}");
        assert_eq!(config["fan_in_fan_out"], case["config"]["fan_in_fan_out"], "{name}");
        assert_eq!(config["base_model_name_or_path"], "base");
        let targets = config["target_modules"].as_array().unwrap();
        // Each layer is found by the end of its name, and no other.
        let found = |layer: &str| {
            targets
                .iter()
                .any(|t| format!(".{layer}").ends_with(&format!(".{}", t.as_str().unwrap())))
        };
        assert!(ours.keys().all(|key| {
            let layer = key.strip_prefix("base_model.model.").unwrap();
            found(layer.split(".lora_").next().unwrap())
        }));
        if name == "llama-one-layer" {
            assert!(!found("model.layers.0.mlp.down_proj") && targets.len() == 2);
        }
    }
}

#[test]
fn an_adapter_of_our_own_that_has_not_learnt_is_written_whole() {
    for (_, config) in gpts().into_iter().take(4) {
        let network = gpt(&config);
        let adapted = network.clone().adapted(LoraConfig::default(), Seed(1)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        if config.feed == Feed::Gelu {
            assert!(pretrained::save_adapter(&network, dir.path(), None).is_err());
        }
        pretrained::save_adapter(&adapted, dir.path(), None).unwrap();
        let again = pretrained::open_adapter(network.clone(), dir.path()).unwrap();
        let rows = Packed::new((0..12).map(|i| i % 7).collect(), 12);
        assert_eq!(logits(&again, &rows), logits(&network, &rows));
        assert_eq!(again.config().lora, Some(LoraConfig::default()));
    }
}

#[test]
fn what_an_adapter_has_beyond_is_named() {
    let all = json("adapters.json");
    let case = &all["cases"]["llama"];
    let dir = tempfile::tempdir().unwrap();
    let network = base(case, dir.path());
    let at = dir.path().join("adapter");
    let refused = |case: &Value, config: &Value| {
        write(&at, case, config);
        pretrained::open_adapter(network.clone(), &at).unwrap_err().to_string()
    };
    for (option, value) in [
        ("use_dora", json!(true)),
        ("peft_type", json!("IA3")),
        ("bias", json!("all")),
        ("modules_to_save", json!(["lm_head"])),
        ("trainable_token_indices", json!([1, 2])),
        ("eva_config", json!({"rho": 2.0})),
        ("r", json!(0)),
        ("alpha_pattern", json!({"(": 2})),
        ("new_option", json!(3)),
    ] {
        let mut config = case["config"].clone();
        config[option] = value;
        let text = refused(case, &config);
        assert!(text.contains(&format!("`{option}`")), "{option}: {text}");
    }
    let name = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight";
    let changed = |edit: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut case = case.clone();
        edit(case["weights"].as_object_mut().unwrap());
        refused(&case, &case["config"])
    };
    let text = changed(&|weights| drop(weights.remove(name)));
    assert!(text.contains(name) && text.contains("missing"), "{text}");
    let text = changed(&|weights| {
        let weight = weights[name].clone();
        weights.insert("base_model.model.lm_head.lora_A.weight".into(), weight);
    });
    assert!(text.contains("lm_head") && text.contains("no place"), "{text}");
    let text = changed(&|weights| {
        weights.insert(name.into(), json!({"shape": [2, 2], "values": [1, 2, 3, 4]}));
    });
    assert!(text.contains("layer 1: `wide` does not fit"), "{text}");
    // A folder that names its base is opened whole.
    write(&at, case, &case["config"]);
    assert!(pretrained::is_pretrained(&at));
    let text = pretrained::open(&at, &device()).unwrap_err().to_string();
    assert!(text.contains("names the base model"), "{text}");
    let mut config = case["config"].clone();
    config["base_model_name_or_path"] = "..".into();
    write(&at, case, &config);
    let letters = Tokenizer::new(TokenizerChoice::Characters, &["abcdefghij"]).unwrap();
    std::fs::write(dir.path().join("tokenizer.json"), letters.to_json()).unwrap();
    let model = pretrained::open(&at, &device()).unwrap();
    let off = difference(&logits(model.network(), &tokens(case)), &numbers(&case["logits"]));
    assert!(off < TOLERANCE, "{off}");
}
