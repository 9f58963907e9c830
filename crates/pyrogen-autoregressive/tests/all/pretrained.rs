//! Folders of `transformers`: what is not known is named.

use pyrogen_autoregressive::pretrained;
use serde_json::json;

use super::*;

fn write(dir: &Path, config: &Value, weights: bool) {
    std::fs::write(dir.join("config.json"), config.to_string()).unwrap();
    if weights {
        let empty: Vec<(&str, safetensors::tensor::TensorView)> = Vec::new();
        let bytes = safetensors::serialize(empty, None).unwrap();
        std::fs::write(dir.join("model.safetensors"), bytes).unwrap();
    }
}

fn error(config: Value) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &config, true);
    pretrained::open_network(dir.path(), &device()).unwrap_err().to_string()
}

fn gpt2() -> Value {
    json!({"model_type": "gpt2", "vocab_size": 5, "n_positions": 4, "n_embd": 4, "n_layer": 1,
        "n_head": 1, "activation_function": "gelu_new"})
}

fn llama() -> Value {
    json!({"model_type": "llama", "vocab_size": 5, "max_position_embeddings": 4, "hidden_size": 4,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 4,
        "hidden_act": "silu"})
}

fn with(mut config: Value, name: &str, value: Value) -> Value {
    config[name] = value;
    config
}

#[test]
fn an_option_that_is_not_known_is_named() {
    for (config, name) in [
        (with(gpt2(), "activation_function", "relu".into()), "activation_function"),
        (with(gpt2(), "scale_attn_by_inverse_layer_idx", true.into()), "scale_attn_by_inverse"),
        (with(llama(), "hidden_act", "gelu".into()), "hidden_act"),
        (
            with(llama(), "rope_scaling", json!({"rope_type": "yarn", "factor": 2})),
            "rope_scaling.rope_type",
        ),
        (
            with(llama(), "rope_scaling", json!({"rope_type": "linear", "factor": 2, "x": 1})),
            "rope_scaling.x",
        ),
        (with(llama(), "hidden_size", "four".into()), "hidden_size"),
        (with(llama(), "model_type", "mamba".into()), "model_type"),
    ] {
        let text = error(config);
        assert!(text.contains("config.json") && text.contains(name), "{text}");
    }
    // Read last, where all weights are there.
    let all = json("models.json");
    let model = &all["models"][0];
    let dir = tempfile::tempdir().unwrap();
    super::reference::folder(dir.path(), model, "values");
    pretrained::open_network(dir.path(), &device()).unwrap();
    let mut config = model["config"].clone();
    config["model_type"] = "gpt2".into();
    config["soft_cap"] = json!(30.0);
    std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    let text = pretrained::open_network(dir.path(), &device()).unwrap_err().to_string();
    assert!(text.contains("`soft_cap` is 30"), "{text}");
}

#[test]
fn what_is_missing_is_named() {
    assert!(error(gpt2()).contains("the weight `wte.weight` is missing"));
    assert!(error(llama()).contains("model.embed_tokens.weight"));
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &llama(), false);
    let index = json!({"weight_map": {"a": "model-00001-of-00002.safetensors"}});
    std::fs::write(dir.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
    let text = pretrained::open_network(dir.path(), &device()).unwrap_err().to_string();
    assert!(text.contains("names the shard `model-00001-of-00002.safetensors`"), "{text}");
    assert!(pretrained::is_pretrained(dir.path()));
    std::fs::write(dir.path().join("card.json"), "{}").unwrap();
    assert!(!pretrained::is_pretrained(dir.path()));
}

/// A small tokenizer's file as `tokenizers` writes it.
fn tokenizer_file() -> Value {
    let mut vocabulary = serde_json::Map::new();
    let plain =
        |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let mut next = 256;
    for byte in 0..256u32 {
        let code = if plain(byte) { byte } else { next };
        next += u32::from(!plain(byte));
        vocabulary.insert(char::from_u32(code).unwrap().to_string(), byte.into());
    }
    for (text, id) in [("th", 256), ("\u{120}th", 257), ("\u{120}the", 258)] {
        vocabulary.insert(text.into(), id.into());
    }
    json!({
        "added_tokens": [{"id": 259, "content": "<|endoftext|>", "special": true}],
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
        "model": {"type": "BPE", "vocab": vocabulary,
            "merges": ["t h", ["\u{120}", "th"], "\u{120}th e"]},
    })
}

#[test]
fn a_tokenizers_file_is_read() {
    let file = tokenizer_file();
    let tokenizer = Tokenizer::from_json(&file.to_string()).unwrap();
    let tokens = tokenizer.encode("the the thé").unwrap();
    assert_eq!(tokens, [256, 101, 258, 257, 0xC3, 0xA9]);
    assert_eq!(tokenizer.decode(&tokens), "the the thé");
    assert_eq!((tokenizer.tokens(), tokenizer.end()), (260, 259));
    let refused = |name: &str, value: Value| {
        Tokenizer::from_json(&with(file.clone(), name, value).to_string()).unwrap_err().to_string()
    };
    assert!(refused("normalizer", json!({"type": "NFC"})).contains("normalizer \"NFC\""));
    let split = json!({"type": "Split", "pattern": {"Regex": "x"}});
    assert!(refused("pre_tokenizer", split).contains("Split"));
    assert!(refused("model", json!({"type": "WordPiece"})).contains("BPE"));
}

#[test]
fn a_folder_is_opened_by_its_files_and_training_goes_on_from_it() {
    let all = json("models.json");
    let dir = tempfile::tempdir().unwrap();
    super::reference::folder(dir.path(), &all["models"][0], "values");
    let registry = pyrogen_autoregressive::family::register(pyrogen_model::Registry::new());
    let text = registry.open(dir.path(), &device()).unwrap_err().to_string();
    assert!(text.contains("tokenizer.json"), "{text}");
    // Its embedding has eleven tokens: too few for bytes.
    let at = dir.path().join("tokenizer.json");
    std::fs::write(&at, tokenizer_file().to_string()).unwrap();
    let text = registry.open(dir.path(), &device()).unwrap_err().to_string();
    assert!(text.contains("260 tokens, and the embedding of the network has 11"), "{text}");
    let letters = Tokenizer::new(TokenizerChoice::Characters, &["abcdefghij"]).unwrap();
    std::fs::write(&at, letters.to_json()).unwrap();
    let model = registry.open(dir.path(), &device()).unwrap();
    assert_eq!((model.about().family.as_str(), model.about().parameters), ("gpt", 1_912));
    let own = dir.path().join("own");
    pretrained::convert(dir.path(), &own, &device()).unwrap();
    let again = registry.open(&own, &device()).unwrap();
    let data = pyrogen_data::Data::Text(pyrogen_data::Text::new(["abc", "jj"]));
    let score = |model: &pyrogen_model::Model| {
        let (request, control) = (pyrogen_model::Request::seed(1), pyrogen_model::Control::new());
        model.score(&data, &request, &control).unwrap().nats().to_vec()
    };
    assert_eq!(score(&model), score(&again));
}
