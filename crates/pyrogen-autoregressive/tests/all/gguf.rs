//! GGUF files: what `transformers` reads out of them.

use pyrogen_autoregressive::pretrained;

use super::*;

/// Both sides are in single precision, the fixture has six digits.
const TOLERANCE: f64 = 1e-4;

#[test]
fn files_give_the_logits_and_tokens_of_transformers() {
    let all = json("gguf.json");
    let registry = pyrogen_autoregressive::family::register(pyrogen_model::Registry::new());
    for (name, case) in all["files"].as_object().unwrap() {
        let path = fixture(name);
        assert!(pretrained::is_pretrained(&path));
        let model = pretrained::open(&path, &device()).unwrap();
        let rows = case["tokens"].as_array().unwrap();
        let tokens: Vec<u32> = rows.iter().flat_map(numbers).map(|t| t as u32).collect();
        let places = tokens.len() / rows.len();
        let got = logits(model.network(), &Packed::new(tokens, places));
        let off = difference(&got, &numbers(&case["logits"]));
        assert!(off < TOLERANCE, "{name}: {off}");
        let texts = all["texts"].as_array().unwrap().iter();
        for (text, expected) in texts.zip(case["texts"].as_array().unwrap()) {
            let text = text.as_str().unwrap();
            // A space at the front: llama.cpp puts another before it, transformers does not.
            if name == "llama.gguf" && text.starts_with(' ') {
                continue;
            }
            let tokens = model.tokenizer().encode(text).unwrap();
            let got: Vec<f64> = tokens.iter().map(|&t| f64::from(t)).collect();
            assert_eq!(got, numbers(expected), "{name}: {text:?}");
            assert_eq!(model.tokenizer().decode(&tokens), text, "{name}");
        }
        let opened = registry.open(&path, &device()).unwrap();
        assert_eq!(opened.about().family, "gpt");
        // A model folder of it is the same model.
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        pretrained::convert(&path, &own, &device()).unwrap();
        let again = GptText::load(&own, &device()).unwrap();
        let rows = Packed::new(vec![1, 2, 3, 4], 4);
        assert_eq!(logits(again.network(), &rows), logits(model.network(), &rows));
        assert_eq!(again.tokenizer(), model.tokenizer());
    }
}

/// Cut off anywhere, or with bytes that lie: an error that names the file, or another model; never a panic.
#[test]
fn damaged_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.gguf");
    let whole = std::fs::read(fixture("gpt2.gguf")).unwrap();
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        pretrained::open(&path, &device()).map(drop)
    };
    let mut noise = Noise::new(Seed(3));
    for u in noise.uniform_vec(20) {
        let error = open(&whole[..(u * whole.len() as f64) as usize]).unwrap_err().to_string();
        assert!(error.contains("x.gguf"), "{error}");
    }
    // The metadata and the names of the tensors are in the first part.
    for u in noise.uniform_vec(60) {
        let mut lying = whole.clone();
        lying[(u * 9_000.0) as usize] ^= 1 << ((u * 1e6) as u32 % 8);
        let _ = open(&lying);
    }
    let changed = |from: &str, to: &str| {
        let at = whole.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        open(&bytes).unwrap_err().to_string()
    };
    let text = changed("gpt2.block_count", "gpt2.block_kount");
    assert!(text.contains("gpt2.block_count") && text.contains("missing"), "{text}");
    let text = changed("blk.1.attn_qkv.weight", "blk.1.attn_qkx.weight");
    assert!(text.contains("the weight `blk.1.attn_qkv.weight` is missing"), "{text}");
}
