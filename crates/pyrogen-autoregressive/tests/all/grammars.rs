//! Grammars, compared with another parser and tried on models.

use std::collections::BTreeSet;

use pyrogen_autoregressive::{Constraint, DecodeSettings, Decoder};
use serde_json::Value;

use super::*;

/// All texts of at most so many letters.
fn texts(alphabet: &[char], letters: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut from = 0;
    for _ in 0..letters {
        let to = out.len();
        for i in from..to {
            let longer: Vec<String> = alphabet.iter().map(|c| format!("{}{c}", out[i])).collect();
            out.extend(longer);
        }
        from = to;
    }
    out
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn grammars_have_the_texts_that_lark_finds() {
    let reference = json("grammar.json");
    for case in reference["cases"].as_array().unwrap() {
        let name = text(&case["name"]);
        let depth = case["depth"].as_u64().unwrap() as usize;
        let constraint = Constraint::grammar(text(&case["grammar"]), depth);
        let constraint = constraint.unwrap_or_else(|e| panic!("{name}: {e}"));
        let accepted: BTreeSet<&str> =
            case["accepted"].as_array().unwrap().iter().map(text).collect();
        let alphabet: Vec<char> = text(&case["alphabet"]).chars().collect();
        if !alphabet.is_empty() {
            let all = texts(&alphabet, case["letters"].as_u64().unwrap() as usize);
            let found: Vec<&String> = all.iter().filter(|text| constraint.matches(text)).collect();
            assert!(!accepted.is_empty() && accepted.len() < all.len(), "{name}");
            for text in &found {
                assert!(accepted.contains(text.as_str()), "{name}: {text:?} is no text");
            }
            let found: BTreeSet<&str> = found.into_iter().map(String::as_str).collect();
            for text in &accepted {
                assert!(found.contains(text), "{name}: {text:?} is missing");
            }
        }
        for pair in case["longer"].as_array().unwrap() {
            let longer = text(&pair[0]);
            assert_eq!(constraint.matches(longer), pair[1].as_bool().unwrap(), "{name}: {longer}");
        }
    }
}

/// Whether a text of `a` to `f` is a sum, read by descent: `e` adds, `f` multiplies, `c` and `d` are brackets.
fn is_sum(text: &str, most: usize) -> bool {
    fn value(text: &[u8], left: usize) -> Option<&[u8]> {
        match text {
            [b'a' | b'b', rest @ ..] => Some(rest),
            [b'c', rest @ ..] if left > 0 => sum(rest, left - 1)?.strip_prefix(b"d"),
            _ => None,
        }
    }
    fn sum(text: &[u8], left: usize) -> Option<&[u8]> {
        let rest = value(text, left)?;
        match rest {
            [b'e' | b'f', rest @ ..] => sum(rest, left),
            rest => Some(rest),
        }
    }
    sum(text.as_bytes(), most).is_some_and(<[u8]>::is_empty)
}

#[test]
fn every_completion_is_a_text_of_the_grammar() {
    let sums = r#"
        start: start "e" product | product
        product: product "f" value | value
        value: "a".."b" | "c" start "d"
    "#;
    let model = text_model(&gpts().swap_remove(2).1);
    let endless = text_model(&GptConfig { ends: false, ..gpts().swap_remove(2).1 });
    let mut seen = BTreeSet::new();
    for depth in [0, 1, 3] {
        let constraint = Constraint::grammar(sums, depth).unwrap();
        for model in [&model, &endless] {
            for most in [1, 2, 6, 19] {
                let constraint = Some(constraint.clone());
                let settings = DecodeSettings { constraint, most, ..DecodeSettings::default() };
                let decoder = Decoder::new(model, settings, Seed(3)).unwrap();
                for completion in decoder.complete("ab", 0..30).unwrap() {
                    assert!(is_sum(&completion.text, depth), "{depth}: {completion:?}");
                    assert!(completion.tokens.len() <= most);
                    seen.insert(completion.text.matches('c').count());
                }
            }
        }
    }
    assert!(seen.len() > 3, "{seen:?}");
}
