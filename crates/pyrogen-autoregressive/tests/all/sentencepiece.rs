//! Unigrams and Llama 2's pairs equal those of Hugging Face's `tokenizers`.

use serde_json::json;

use super::*;

const KINDS: [&str; 5] = ["unigram", "unigram-bytes", "unigram-whole", "llama2-old", "llama2"];

#[test]
fn texts_are_cut_as_tokenizers_does() {
    let all = json("sentencepiece.json");
    let texts = all["texts"].as_array().unwrap();
    for kind in KINDS {
        let case = &all[kind];
        let tokenizer = Tokenizer::from_json(&case["file"].to_string()).unwrap();
        let rows = texts.iter().zip(case["tokens"].as_array().unwrap());
        for ((text, expected), decoded) in rows.zip(case["decoded"].as_array().unwrap()) {
            let text = text.as_str().unwrap();
            let tokens = tokenizer.encode(text).unwrap();
            let got: Vec<f64> = tokens.iter().map(|&t| f64::from(t)).collect();
            assert_eq!(got, numbers(expected), "{kind}: {text:?}");
            // They leave the unknown token out, as a mark; here it is a sign that something is missing.
            if !tokens.contains(&0) {
                assert_eq!(
                    tokenizer.decode(&tokens),
                    decoded.as_str().unwrap(),
                    "{kind}: {text:?}"
                );
            }
        }
        // And again from its own file.
        assert_eq!(Tokenizer::from_json(&tokenizer.to_json()).unwrap(), tokenizer);
    }
}

#[test]
fn marks_and_unknown_characters_are_known() {
    let all = json("sentencepiece.json");
    let read = |kind: &str| Tokenizer::from_json(&all[kind]["file"].to_string()).unwrap();
    let (unigram, llama) = (read("unigram"), read("llama2"));
    assert_eq!((unigram.end(), unigram.tokens()), (1, 82));
    assert_eq!((llama.end(), llama.tokens()), (2, 409));
    assert_eq!((llama.decode(&[1, 2]), llama.label(2)), (String::new(), "<end>".into()));
    assert_eq!(unigram.decode(&unigram.encode("owl \u{65e5}").unwrap()), "owl \u{FFFD}");
    assert_eq!(llama.bytes(3 + 0x41), b"A");
    let Tokenizer::SentencePiece(pieces) = llama else { panic!("of another kind") };
    assert_eq!(pieces.mark("<s>"), Some(1));
    let marked = Tokenizer::SentencePiece(Box::new(pieces.clone().with_marks(1, 2).unwrap()));
    assert_eq!((marked.start(), marked.end()), (1, 2));
    assert!(pieces.with_marks(1, 4_000).is_err());
}

#[test]
fn a_part_that_is_not_known_is_named() {
    let all = json("sentencepiece.json");
    let refused = |kind: &str, edit: &dyn Fn(&mut Value)| {
        let mut file = all[kind]["file"].clone();
        edit(&mut file);
        Tokenizer::from_json(&file.to_string()).unwrap_err().to_string()
    };
    let text = refused("unigram", &|f| f["normalizer"] = json!({"type": "NFKC"}));
    assert!(text.contains("normalizer") && text.contains("NFKC"), "{text}");
    let text = refused("unigram", &|f| f["normalizer"]["normalizers"][0]["content"] = "x".into());
    assert!(text.contains("Replace"), "{text}");
    let text = refused("llama2", &|f| f["pre_tokenizer"]["replacement"] = "_".into());
    assert!(text.contains("pre_tokenizer"), "{text}");
    let text = refused("llama2", &|f| f["model"]["dropout"] = json!(0.1));
    assert!(text.contains("dropout 0.1"), "{text}");
    let text = refused("llama2", &|f| f["model"]["merges"][3] = json!(["x", "yz"]));
    assert!(text.contains("merge"), "{text}");
    let text = refused("llama2", &|f| {
        f["model"]["vocab"].as_object_mut().unwrap().remove("<0x0A>");
    });
    assert!(text.contains("<0x0A>"), "{text}");
    let text = refused("unigram", &|f| f["model"]["unk_id"] = Value::Null);
    assert!(text.contains("unk_id"), "{text}");
    let text = refused("unigram", &|f| f["model"]["vocab"][5] = json!(["x"]));
    assert!(text.contains("the piece"), "{text}");
}
