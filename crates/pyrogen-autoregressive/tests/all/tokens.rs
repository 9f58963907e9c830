//! Byte pairs equal those of Hugging Face's `tokenizers`.

use super::*;

#[test]
fn files_are_read_and_texts_cut_as_tokenizers_does() {
    let all = json("bpe.json");
    let texts: Vec<&str> =
        all["texts"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    for kind in ["gpt2", "llama3"] {
        let tokenizer = Tokenizer::from_json(&all[kind]["file"].to_string()).unwrap();
        for (text, expected) in texts.iter().zip(all[kind]["tokens"].as_array().unwrap()) {
            let tokens = tokenizer.encode(text).unwrap();
            let got: Vec<f64> = tokens.iter().map(|&t| f64::from(t)).collect();
            assert_eq!(got, numbers(expected), "{kind}: {text:?}");
            assert_eq!(tokenizer.decode(&tokens), *text);
        }
        // And again from its own file.
        assert_eq!(Tokenizer::from_json(&tokenizer.to_json()).unwrap(), tokenizer);
    }
}

/// The order of equally common pairs is each program's own: what is learnt is as good.
#[test]
fn pairs_are_learnt_that_shorten_the_text_as_much() {
    let all = json("bpe.json");
    let training: Vec<&str> =
        all["training"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    let theirs = Tokenizer::from_json(&all["gpt2"]["file"].to_string()).unwrap();
    let choice = TokenizerChoice::Bpe { tokens: theirs.tokens() };
    let ours = Tokenizer::new(choice, &training).unwrap();
    assert_eq!(ours.tokens(), theirs.tokens());
    let count = |tokenizer: &Tokenizer| -> usize {
        training.iter().map(|t| tokenizer.encode(t).unwrap().len()).sum()
    };
    let (ours, theirs) = (count(&ours) as f64, count(&theirs) as f64);
    assert!((ours / theirs - 1.0).abs() < 0.02, "{ours} tokens, {theirs} of tokenizers");
}
