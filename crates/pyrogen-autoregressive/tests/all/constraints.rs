//! Constraints: every completion matches, whatever the chain, the length and the way of writing.

use pyrogen_autoregressive::sampling::{Chain, Dry, Step};
use pyrogen_autoregressive::{
    Beams, Constraint, Contrastive, DecodeSettings, Decoder, Finish, Overflow, RecurrentText,
};

use super::*;

fn constrained(constraint: &Constraint, most: usize) -> DecodeSettings {
    DecodeSettings { constraint: Some(constraint.clone()), most, ..DecodeSettings::default() }
}

fn bytes_model() -> GptText {
    let config = GptConfig { vocabulary: 257, context: 64, ..gpts().swap_remove(2).1 };
    TextModel::new(gpt(&config), Arc::new(Tokenizer::Bytes))
}

/// A model of byte pairs: tokens of many bytes, some of them parts of characters.
fn pairs_model() -> GptText {
    let text = "{\"name\": \"Zoë\", \"tags\": [\"été\", \"naïve\"]} 日本語 日本 {\"name\": \"Anna\"} true false null";
    let choice = TokenizerChoice::Bpe { tokens: 300 };
    let tokenizer = Tokenizer::new(choice, &[text.repeat(4)]).unwrap();
    let config = GptConfig { vocabulary: 300, context: 64, ..gpts().swap_remove(2).1 };
    TextModel::new(gpt(&config), Arc::new(tokenizer))
}

#[test]
fn every_completion_matches() {
    let letters = text_model(&gpts().swap_remove(2).1);
    let endless = text_model(&GptConfig { ends: false, ..gpts().swap_remove(2).1 });
    for (pattern, fewest) in
        [("(?:ab|cd+)*e", 1), ("[a-c]{5}(?:d|ef)?", 5), ("a*b*c*", 0), ("(?:abcdef){3,}", 18)]
    {
        let constraint = Constraint::regex(pattern).unwrap();
        for model in [&letters, &endless] {
            for most in [1, 5, 6, 18, 25] {
                let decoder = Decoder::new(model, constrained(&constraint, most), Seed(3)).unwrap();
                let Ok(made) = decoder.complete("ab", 0..40) else {
                    // It says how many it needs.
                    let text = decoder.complete("ab", 0..1).unwrap_err().to_string();
                    assert!(text.contains(&format!("needs {fewest} tokens")), "{text}");
                    assert!(most < fewest, "{pattern} {most}");
                    continue;
                };
                assert!(most >= fewest, "{pattern} {most}");
                for completion in made {
                    assert!(constraint.matches(&completion.text), "{pattern}: {completion:?}");
                    assert!(completion.tokens.len() <= most);
                }
            }
        }
    }
    // With no more freedom than one text, that text is written; its nats are those of the score.
    let constraint = Constraint::regex("fade").unwrap();
    let decoder = Decoder::new(&letters, constrained(&constraint, 9), Seed(3)).unwrap();
    let made = &decoder.complete("ab", 0..1).unwrap()[0];
    assert_eq!((made.text.as_str(), made.finish), ("fade", Finish::End));
    let document = letters.tokenizer().encode("abfade").unwrap();
    let nats: f64 = letters.surprise(&[document], 1)[0].nats[2..6].iter().sum();
    assert!((made.nats - nats).abs() < 1e-4);
    // The empty text alone.
    let nothing = Constraint::regex("").unwrap();
    let decoder = Decoder::new(&letters, constrained(&nothing, 9), Seed(3)).unwrap();
    let made = decoder.complete("ab", 0..3).unwrap();
    assert!(made.iter().all(|c| c.text.is_empty() && c.finish == Finish::End), "{made:?}");
}

#[test]
fn constrained_draws_have_the_conditional_distribution_of_a_token() {
    // Of one letter out of a, c and e: the model's probabilities, normalised among them.
    let model = text_model(&GptConfig { ends: false, ..gpts().swap_remove(2).1 });
    let constraint = Constraint::regex("[ace]").unwrap();
    let decoder = Decoder::new(&model, constrained(&constraint, 1), Seed(8)).unwrap();
    let n = 4000;
    let made = decoder.complete("b", 0..n).unwrap();
    let document = |text: &str| model.tokenizer().encode(&format!("b{text}")).unwrap();
    let letters = ["a", "c", "e"];
    let p: Vec<f64> =
        letters.map(|t| (-model.surprise(&[document(t)], 1)[0].nats[1]).exp()).to_vec();
    let total: f64 = p.iter().sum();
    for (letter, p) in letters.iter().zip(p) {
        let (p, seen) = (p / total, made.iter().filter(|c| c.text == *letter).count() as f64);
        let n = n as f64;
        assert!((seen - n * p).abs() < 5.0 * (n * p * (1.0 - p)).sqrt(), "{letter} {seen} {p}");
    }
}

#[test]
fn a_constraint_holds_with_the_whole_chain_and_every_way() {
    let model = text_model(&gpts().swap_remove(2).1);
    let constraint = Constraint::regex("(?:ab){2,6}c|[d-f]{3}").unwrap();
    let chains = [
        vec![Step::Temperature(0.0)],
        vec![Step::Temperature(3.0), Step::TopK(2), Step::TopP(0.9), Step::MinP(0.1)],
        vec![Step::Typical(0.5), Step::Eta(0.1)],
        vec![Step::Repetition(1.5), Step::Frequency(0.5), Step::Presence(1.0)],
        // The chain leaves nothing of what is admitted: `abab` has `a` and `ab` twice.
        vec![Step::NoRepeat(1)],
        vec![Step::NoRepeat(2), Step::Dry(Dry { multiplier: 5.0, ..Dry::default() })],
        vec![Step::Bias([0, 1, 2, 3].map(|t| (t, f64::NEG_INFINITY)).into())],
        vec![Step::Bias([(0, 50.0), (4, 80.0)].into()), Step::Mirostat(Default::default())],
    ];
    for chain in chains {
        let settings = DecodeSettings { chain: Chain(chain), ..constrained(&constraint, 30) };
        let remembers = settings.chain.remembers();
        for settings in [
            DecodeSettings { least: 9, ..settings.clone() },
            DecodeSettings { stop_tokens: vec![2], overflow: Overflow::Refuse, ..settings.clone() },
            settings,
        ] {
            // Without `c` as a letter one of the two forms is left, and `c` ends nothing within it.
            let decoder = Decoder::new(&model, settings.clone(), Seed(4)).unwrap();
            let made = decoder.complete("a", 0..20).unwrap();
            assert_eq!(decoder.complete("a", 7..8).unwrap()[0], made[7]);
            assert!(made.iter().all(|c| constraint.matches(&c.text)), "{settings:?} {made:?}");
            let found = decoder.contrastive_search("", &Contrastive::default());
            if let Ok(found) = found {
                assert!(constraint.matches(&found.text), "{settings:?} {found:?}");
            }
            if !remembers {
                let draft = text_model(&gpts().swap_remove(0).1);
                let drafted = decoder.complete_with_draft("a", 0..20, &draft, 3).unwrap();
                assert!(drafted.completions.iter().all(|c| constraint.matches(&c.text)));
            }
        }
    }
    let decoder = Decoder::new(&model, constrained(&constraint, 7), Seed(4)).unwrap();
    for groups in [1, 3] {
        let beams = Beams { beams: 6, groups, diversity: 0.3, ..Beams::default() };
        let found = decoder.beam_search("a", &beams).unwrap();
        assert!(!found.is_empty());
        assert!(found.iter().all(|c| constraint.matches(&c.text)), "{found:?}");
    }
    // A recurrent network, and a stream.
    let model = RecurrentText::new(recurrent(Cell::Lstm), letters());
    let decoder = Decoder::new(&model, constrained(&constraint, 20), Seed(4)).unwrap();
    let whole = decoder.complete("", 0..5).unwrap();
    assert!(whole.iter().all(|c| constraint.matches(&c.text)));
    for (i, whole) in (0..).zip(&whole) {
        let settings = constrained(&constraint, 20);
        let pieces = Decoder::into_stream(&model, settings, Seed(4), "", i).unwrap();
        let joined: String = pieces.map(Result::unwrap).collect();
        assert_eq!(joined, whole.text);
    }
}

#[test]
fn a_schema_makes_json_of_any_tokens() {
    let schema = r##"{"type": "object", "required": ["name", "tags"], "properties": {
        "name": {"type": "string", "maxLength": 6},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2}}}"##;
    let constraint = Constraint::json_schema(schema, 2).unwrap();
    for (name, model) in [("bytes", bytes_model()), ("pairs", pairs_model())] {
        let chain = Chain(vec![Step::Temperature(1.3)]);
        // The bytes go beyond the context of 64: the window slides.
        let settings = DecodeSettings { chain, ..constrained(&constraint, 70) };
        let decoder = Decoder::new(&model, settings.clone(), Seed(2)).unwrap();
        for (i, completion) in (0..).zip(decoder.complete("é ", 0..12).unwrap()) {
            assert!(constraint.matches(&completion.text), "{name}: {completion:?}");
            let value: Value = serde_json::from_str(&completion.text).unwrap();
            assert!(value["name"].as_str().unwrap().chars().count() <= 6);
            assert!(value["tags"].as_array().unwrap().len() <= 2);
            // Only whole characters come, and no other than those of the text.
            let pieces = Decoder::into_stream(&model, settings.clone(), Seed(2), "é ", i).unwrap();
            let pieces: Vec<String> = pieces.map(Result::unwrap).collect();
            assert_eq!(pieces.concat(), completion.text);
            assert!(pieces.iter().all(|piece| !piece.contains('\u{fffd}')), "{pieces:?}");
        }
        // As few tokens as there can be: the shortest value, in one of its spellings.
        let text = Decoder::new(&model, constrained(&constraint, 1), Seed(2)).unwrap();
        let text = text.complete("", 0..1).unwrap_err().to_string();
        let needed: usize = text.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!(needed <= r#"{"name":"","tags":[]}"#.len(), "{name}: {text}");
        let tight = Decoder::new(&model, constrained(&constraint, needed), Seed(2)).unwrap();
        for completion in tight.complete("", 0..4).unwrap() {
            assert!(completion.tokens.len() <= needed, "{name}: {completion:?}");
            let value: Value = serde_json::from_str(&completion.text).unwrap();
            // A token of many bytes may hold more than the shortest value.
            if name == "bytes" {
                assert_eq!(value, serde_json::json!({"name": "", "tags": []}));
            }
        }
    }
}

#[test]
fn constraints_that_cannot_be_met_are_errors() {
    let model = text_model(&gpts().swap_remove(2).1);
    let of =
        |settings| Decoder::new(&model, settings, Seed(0)).map(|_| ()).unwrap_err().to_string();
    // Letters that the model does not have.
    let constraint = Constraint::regex("abcx+").unwrap();
    assert!(of(constrained(&constraint, 9)).contains("tokens can write"));
    let constraint = Constraint::regex("a+").unwrap();
    let stop = DecodeSettings { stop: vec!["b".into()], ..constrained(&constraint, 9) };
    assert!(of(stop).contains("`stop`"));
    // A stop token is no letter of a match.
    let stop = DecodeSettings { stop_tokens: vec![0], ..constrained(&constraint, 9) };
    assert!(of(stop).contains("tokens can write"));
    // The context ends before the shortest match does.
    let constraint = Constraint::regex("(?:ab){8}").unwrap();
    let settings = DecodeSettings { overflow: Overflow::Refuse, ..constrained(&constraint, 50) };
    let decoder = Decoder::new(&model, settings, Seed(0)).unwrap();
    let text = decoder.complete("ab", 0..1).unwrap_err().to_string();
    assert!(text.contains("needs 16 tokens, and 10 may"), "{text}");
    assert!(decoder.beam_search("ab", &Beams::default()).is_err());
    assert!(decoder.contrastive_search("ab", &Contrastive::default()).is_err());
}
