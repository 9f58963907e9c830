//! Writing: items that depend on nothing else, ends and stops, streams, beams, the right distribution.

use std::collections::BTreeMap;

use pyrogen_autoregressive::sampling::{Chain, Step};
use pyrogen_autoregressive::{Beams, DecodeSettings, Decoder, Finish, Overflow, RecurrentText};

use super::*;

fn settings(most: usize) -> DecodeSettings {
    DecodeSettings { most, ..DecodeSettings::default() }
}

fn model() -> GptText {
    text_model(&gpts().swap_remove(2).1)
}

/// A model whose texts do not end.
fn endless(context: usize) -> GptText {
    let config = GptConfig { ends: false, context, ..gpts().swap_remove(2).1 };
    text_model(&config)
}

#[test]
fn an_item_is_the_same_whatever_is_written_beside_it() {
    let settings = DecodeSettings {
        chain: Chain(vec![Step::Temperature(0.9), Step::TopP(0.95)]),
        ..settings(20)
    };
    for (name, config) in gpts() {
        let model = text_model(&config);
        let decoder = Decoder::new(&model, settings.clone(), Seed(5)).unwrap();
        let all = decoder.complete("ab", 0..70).unwrap();
        for i in [0, 1, 33, 69] {
            let alone = decoder.complete("ab", i..i + 1).unwrap();
            assert_eq!(alone[0], all[i as usize], "{name}: item {i}");
        }
        assert_eq!(decoder.complete("ab", 3..6).unwrap(), all[3..6], "{name}");
        let other = Decoder::new(&model, settings.clone(), Seed(6)).unwrap();
        assert_ne!(other.complete("ab", 0..70).unwrap(), all, "{name}");
    }
    let model = RecurrentText::new(recurrent(Cell::Lstm), letters());
    let decoder = Decoder::new(&model, settings, Seed(5)).unwrap();
    let all = decoder.complete("", 0..20).unwrap();
    assert_eq!(decoder.complete("", 7..8).unwrap(), all[7..8]);
}

#[test]
fn nats_are_those_of_the_score() {
    let model = model();
    let chain = Chain(vec![Step::Temperature(1.5), Step::TopK(4)]);
    let settings = DecodeSettings { chain, ..settings(9) };
    let decoder = Decoder::new(&model, settings, Seed(2)).unwrap();
    for completion in decoder.complete("ab", 0..30).unwrap() {
        let prompt = [0, 1];
        let document = [&prompt[..], &completion.tokens].concat();
        let surprise = &model.surprise(std::slice::from_ref(&document), 1)[0].nats;
        let end = match completion.finish {
            Finish::End => document.len() + 1,
            _ => document.len(),
        };
        let expected: f64 = surprise[prompt.len()..end].iter().sum();
        assert!((completion.nats - expected).abs() < 1e-4, "{completion:?}: {expected}");
    }
}

/// Chi-square of texts of at most two letters against the model's own probabilities.
#[test]
fn drawn_texts_have_the_models_distribution() {
    let model = model();
    let n = 4000;
    let decoder = Decoder::new(&model, settings(2), Seed(9)).unwrap();
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for completion in decoder.complete("", 0..n).unwrap() {
        *counts.entry(completion.text).or_default() += 1.0;
    }
    let letters = ["a", "b", "c", "d", "e", "f"];
    let two = letters.iter().flat_map(|a| letters.iter().map(move |b| format!("{a}{b}")));
    let texts: Vec<String> =
        std::iter::once(String::new()).chain(letters.map(String::from)).chain(two).collect();
    let tokenizer = model.tokenizer();
    let documents: Vec<Vec<u32>> = texts.iter().map(|t| tokenizer.encode(t).unwrap()).collect();
    let mut chi = 0.0;
    let mut cells = 0;
    let mut rare = (0.0, 0.0);
    for (text, surprise) in texts.iter().zip(model.surprise(&documents, 4)) {
        let used = if text.len() == 2 { 2 } else { text.len() + 1 };
        let expected = (-surprise.nats[..used].iter().sum::<f64>()).exp() * n as f64;
        let seen = counts.remove(text).unwrap_or(0.0);
        if expected < 5.0 {
            rare = (rare.0 + expected, rare.1 + seen);
            continue;
        }
        chi += (seen - expected).powi(2) / expected;
        cells += 1;
    }
    if rare.0 > 1.0 {
        chi += (rare.1 - rare.0).powi(2) / rare.0;
    }
    assert!(counts.is_empty(), "texts that cannot be: {counts:?}");
    // The mean is the number of cells less one; five standard deviations more come once in 10^5.
    let most = cells as f64 + 5.0 * (2.0 * cells as f64).sqrt();
    assert!(cells > 8 && chi < most, "{chi} over {cells} cells");
}

#[test]
fn texts_end_where_they_should() {
    let model = endless(64);
    let of = |settings: DecodeSettings| {
        Decoder::new(&model, settings, Seed(1)).unwrap().complete("a", 0..20).unwrap()
    };
    let plain = of(settings(30));
    assert!(plain.iter().all(|c| c.finish == Finish::Length && c.tokens.len() == 30));
    let stopped = of(DecodeSettings { stop: vec!["b".into(), "cc".into()], ..settings(30) });
    for (stopped, plain) in stopped.iter().zip(&plain) {
        let at = ["b", "cc"].iter().filter_map(|s| plain.text.find(s)).min();
        assert_eq!(stopped.text, plain.text[..at.unwrap_or(30)]);
        assert_eq!(stopped.finish, if at.is_some() { Finish::Stop } else { Finish::Length });
    }
    assert!(stopped.iter().any(|c| c.finish == Finish::Stop));
    let by_token = of(DecodeSettings { stop_tokens: vec![1], ..settings(30) });
    assert!(by_token.iter().all(|c| !c.tokens.contains(&1)));
    // The end comes early where it may, and not before the fewest tokens.
    let model = self::model();
    let early = DecodeSettings { least: 6, ..settings(30) };
    let decoder = Decoder::new(&model, early, Seed(1)).unwrap();
    let ended = decoder.complete("", 0..40).unwrap();
    assert!(ended.iter().all(|c| c.tokens.len() >= 6));
    assert!(ended.iter().any(|c| c.finish == Finish::End));
}

#[test]
fn a_stream_joins_to_the_completion() {
    let bytes = Arc::new(Tokenizer::Bytes);
    let config = GptConfig { vocabulary: 260, ends: true, ..gpts().swap_remove(2).1 };
    let model = TextModel::new(gpt(&config), bytes);
    let settings = DecodeSettings { stop: vec!["\u{fffd}\u{fffd}a".into()], ..settings(40) };
    let decoder = Decoder::new(&model, settings.clone(), Seed(4)).unwrap();
    for item in 0..10 {
        let whole = &decoder.complete("é", item..item + 1).unwrap()[0];
        let pieces = Decoder::into_stream(&model, settings.clone(), Seed(4), "é", item).unwrap();
        let pieces: Vec<String> = pieces.map(Result::unwrap).collect();
        assert_eq!(pieces.concat(), whole.text);
        assert!(pieces.iter().all(|p| !p.is_empty()));
    }
}

#[test]
fn beyond_the_context_the_window_slides_or_refuses() {
    let model = endless(12);
    let long = "abcdefabcdefabcdef";
    let decoder = Decoder::new(&model, settings(30), Seed(1)).unwrap();
    let slid = decoder.complete(long, 0..3).unwrap();
    assert!(slid.iter().all(|c| c.tokens.len() == 30));
    assert_eq!(decoder.complete(long, 1..2).unwrap()[0], slid[1]);
    // The network goes on from the last nine tokens.
    let tail = decoder.complete(&long[9..], 0..1).unwrap();
    assert_ne!(tail[0].tokens, slid[0].tokens);
    let refuse = DecodeSettings { overflow: Overflow::Refuse, ..settings(30) };
    let decoder = Decoder::new(&model, refuse, Seed(1)).unwrap();
    let text = decoder.complete(long, 0..1).unwrap_err().to_string();
    assert!(text.contains("19 tokens") && text.contains("reads 12"), "{text}");
    let short = &decoder.complete("abcd", 0..1).unwrap()[0];
    // Twelve are read with the start, and one more is drawn.
    assert_eq!((short.tokens.len(), short.finish), (8, Finish::Length));
    assert!(decoder.complete("xyz", 0..1).unwrap_err().to_string().contains("U+0078"));
}

#[test]
fn a_wide_beam_finds_the_most_probable_texts() {
    let model = model();
    let decoder = Decoder::new(&model, settings(3), Seed(0)).unwrap();
    // 6^3 beginnings are all of them: an exhaustive search.
    let beams = Beams { beams: 216, length_penalty: 0.0, ..Beams::default() };
    let found = decoder.beam_search("a", &beams).unwrap();
    let mut all: Vec<(f64, String)> = Vec::new();
    let letters = ["a", "b", "c", "d", "e", "f"];
    let mut texts = vec![String::new()];
    for length in 0..=3 {
        let documents: Vec<Vec<u32>> =
            texts.iter().map(|t| model.tokenizer().encode(&format!("a{t}")).unwrap()).collect();
        for (text, surprise) in texts.iter().zip(model.surprise(&documents, 4)) {
            let end = if length == 3 { 4 } else { length + 2 };
            all.push((surprise.nats[1..end].iter().sum(), text.clone()));
        }
        texts = texts.iter().flat_map(|t| letters.map(|l| format!("{t}{l}"))).collect();
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (candidate, (nats, text)) in found.iter().zip(&all).take(10) {
        assert!((candidate.nats - nats).abs() < 1e-4, "{candidate:?} {text} {nats}");
        assert_eq!(&candidate.text, text);
    }
    // One beam takes the most probable token each time.
    let greedy = DecodeSettings { chain: Chain(vec![Step::Temperature(0.0)]), ..settings(3) };
    let greedy = Decoder::new(&model, greedy, Seed(0)).unwrap().complete("a", 0..1).unwrap();
    let single = Beams { beams: 1, length_penalty: 0.0, ..Beams::default() };
    let one = decoder.beam_search("a", &single).unwrap();
    assert_eq!(one[0].text, greedy[0].text);
    assert!((one[0].nats - greedy[0].nats).abs() < 1e-4);
    assert!(decoder.beam_search("a", &Beams { beams: 0, ..Beams::default() }).is_err());
}

#[test]
fn settings_that_cannot_be_are_named() {
    let model = model();
    for (settings, name) in [
        (settings(0), "max_tokens"),
        (DecodeSettings { least: 5, ..settings(4) }, "min_tokens"),
        (DecodeSettings { stop: vec![String::new()], ..settings(4) }, "stop"),
        (DecodeSettings { chain: Chain(vec![Step::TopP(2.0)]), ..settings(4) }, "top_p"),
    ] {
        let text = Decoder::new(&model, settings, Seed(0)).unwrap_err().to_string();
        assert!(text.contains(&format!("`{name}`")), "{text}");
    }
}
