//! Contrastive search and diverse groups against the papers' formulas, and drafts against the plain way.

use std::collections::BTreeMap;

use pyrogen_autoregressive::sampling::{Chain, Mirostat, Step};
use pyrogen_autoregressive::{
    Beams, Contrastive, DecodeSettings, Decoder, Finish, Overflow, RecurrentText, pretrained,
};

use super::*;

/// The tiny networks of the fixture with ten letters and an end.
fn networks() -> BTreeMap<String, GptText> {
    let tokenizer = Tokenizer::new(TokenizerChoice::Characters, &["abcdefghij"]).unwrap();
    let tokenizer = Arc::new(tokenizer);
    let all = json("models.json");
    let one = |model: &Value| {
        let dir = tempfile::tempdir().unwrap();
        reference::folder(dir.path(), model, "values");
        let network = pretrained::open_network(dir.path(), &device()).unwrap();
        (model["name"].as_str().unwrap().to_string(), TextModel::new(network, tokenizer.clone()))
    };
    all["models"].as_array().unwrap().iter().map(one).collect()
}

fn tokens(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|&t| t as u32).collect()
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn finish(value: &Value) -> Finish {
    if value == "end" { Finish::End } else { Finish::Length }
}

/// Both sides differ by the single precision of the network here.
const NATS: f64 = 1e-4;

#[test]
fn contrastive_search_follows_the_formula() {
    let (networks, cases) = (networks(), json("decoding.json"));
    for case in cases["contrastive"].as_array().unwrap() {
        let model = &networks[case["model"].as_str().unwrap()];
        let most = count(&case["most"]);
        let settings = DecodeSettings { most, ..DecodeSettings::default() };
        let decoder = Decoder::new(model, settings, Seed(0)).unwrap();
        let prompt = model.tokenizer().decode(&tokens(&case["prompt"]));
        let search = Contrastive { alpha: case["alpha"].as_f64().unwrap(), k: count(&case["k"]) };
        let found = decoder.contrastive_search(&prompt, &search).unwrap();
        assert_eq!(found.tokens, tokens(&case["tokens"]), "{case}");
        assert_eq!(found.finish, finish(&case["finish"]), "{case}");
        assert!((found.nats - case["nats"].as_f64().unwrap()).abs() < NATS, "{case}");
    }
    // No room for the first token.
    let model = &networks["gpt2"];
    let decoder = Decoder::new(model, DecodeSettings::default(), Seed(0)).unwrap();
    assert!(decoder.contrastive_search("aaaaaaa", &Contrastive::default()).is_err());
    let whole = decoder.contrastive_search("a", &Contrastive { alpha: 0.6, k: 5 }).unwrap();
    assert!(whole.tokens.len() <= 6);
    for search in [Contrastive { alpha: 1.5, k: 4 }, Contrastive { alpha: 0.5, k: 0 }] {
        assert!(decoder.contrastive_search("a", &search).is_err());
    }
}

#[test]
fn contrastive_search_without_a_penalty_takes_the_most_probable() {
    for (name, config) in gpts() {
        let model = text_model(&config);
        let greedy = DecodeSettings {
            chain: Chain(vec![Step::Temperature(0.0)]),
            most: 8,
            ..DecodeSettings::default()
        };
        let greedy = Decoder::new(&model, greedy, Seed(0)).unwrap().complete("ab", 0..1).unwrap();
        let settings = DecodeSettings { most: 8, ..DecodeSettings::default() };
        let decoder = Decoder::new(&model, settings, Seed(0)).unwrap();
        let found = decoder.contrastive_search("ab", &Contrastive { alpha: 0.0, k: 3 }).unwrap();
        assert_eq!(found.tokens, greedy[0].tokens, "{name}");
    }
    // The chain and stop strings have their part in it; a recurrent network has features, too.
    let model = RecurrentText::new(recurrent(Cell::Gru), letters());
    let chain = Chain(vec![Step::Bias([2, 6].map(|t| (t, f64::NEG_INFINITY)).into())]);
    let settings = DecodeSettings { chain, most: 30, ..DecodeSettings::default() };
    let search = Contrastive { alpha: 0.9, k: 6 };
    let decoder = Decoder::new(&model, settings.clone(), Seed(0)).unwrap();
    let plain = decoder.contrastive_search("a", &search).unwrap();
    assert_eq!((plain.tokens.len(), plain.finish), (30, Finish::Length));
    assert!(!plain.tokens.contains(&2), "{plain:?}");
    let stop = plain.text[4..6].to_string();
    let settings = DecodeSettings { stop: vec![stop.clone()], ..settings };
    let decoder = Decoder::new(&model, settings, Seed(0)).unwrap();
    let stopped = decoder.contrastive_search("a", &search).unwrap();
    assert_eq!(stopped.text, plain.text[..plain.text.find(&stop).unwrap()]);
    assert_eq!(stopped.finish, Finish::Stop);
}

#[test]
fn diverse_groups_follow_the_formula() {
    let (networks, cases) = (networks(), json("decoding.json"));
    for case in cases["diverse"].as_array().unwrap() {
        let model = &networks[case["model"].as_str().unwrap()];
        let (least, most) = (count(&case["least"]), count(&case["most"]));
        let settings = DecodeSettings { least, most, ..DecodeSettings::default() };
        let decoder = Decoder::new(model, settings, Seed(0)).unwrap();
        let prompt = model.tokenizer().decode(&tokens(&case["prompt"]));
        let number = |name: &str| case[name].as_f64().unwrap();
        let beams = Beams {
            beams: count(&case["beams"]),
            groups: count(&case["groups"]),
            diversity: number("diversity"),
            length_penalty: number("length_penalty"),
        };
        let found = decoder.beam_search(&prompt, &beams).unwrap();
        let expected = case["candidates"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{case}");
        let mut left: Vec<&Value> = expected.iter().collect();
        for (found, at_rank) in found.iter().zip(expected) {
            assert!((found.rank - at_rank["rank"].as_f64().unwrap()).abs() < NATS, "{case}");
            // Two groups may come to the same candidate.
            let same = |v: &&Value| tokens(&v["tokens"]) == found.tokens;
            let at = left.iter().position(same).unwrap_or_else(|| panic!("{found:?}: {case}"));
            let value = left.remove(at);
            assert_eq!(found.finish, finish(&value["finish"]), "{case}");
            assert!((found.nats - value["nats"].as_f64().unwrap()).abs() < NATS, "{case}");
        }
    }
    let decoder = Decoder::new(&networks["gpt2"], DecodeSettings::default(), Seed(0)).unwrap();
    for beams in [
        Beams { beams: 4, groups: 3, ..Beams::default() },
        Beams { groups: 0, ..Beams::default() },
        Beams { diversity: -1.0, ..Beams::default() },
    ] {
        assert!(decoder.beam_search("a", &beams).is_err(), "{beams:?}");
    }
}

/// A draft: a smaller network of the same letters, near to nothing of the large one.
fn poor_draft() -> GptText {
    let config = GptConfig { layers: 1, width: 8, heads: 2, context: 7, ..gpts().swap_remove(0).1 };
    text_model(&config)
}

/// A draft near to the large model: it has its weights, changed a little.
fn near_draft(model: &GptText) -> GptText {
    struct Shake(Noise);
    impl burn::module::ModuleMapper for Shake {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<burn::tensor::Tensor<D>>,
        ) -> burn::module::Param<burn::tensor::Tensor<D>> {
            let device = param.device();
            let added = self.0.normal(param.dims(), &device) * 0.02;
            param.map(|value| value + added)
        }
    }
    let mut shake = Shake(Noise::new(Seed(5)).fork("shake"));
    let network = burn::module::Module::map(model.network().clone(), &mut shake);
    TextModel::new(network, model.tokenizer().clone())
}

/// Chi-square of drafted texts against the probabilities of all texts of two letters.
fn chi_square(model: &GptText, draft: &GptText, chain: Chain) -> (f64, usize, f64) {
    let n = 2000u64;
    let settings = DecodeSettings { most: 2, chain, ..DecodeSettings::default() };
    let decoder = Decoder::new(model, settings.clone(), Seed(21)).unwrap();
    let drafted = decoder.complete_with_draft("", 0..n, draft, 2).unwrap();
    let mut counts: BTreeMap<Vec<u32>, f64> = BTreeMap::new();
    for completion in &drafted.completions {
        let mut tokens = completion.tokens.clone();
        tokens.extend((completion.finish == Finish::End).then_some(6));
        *counts.entry(tokens).or_default() += 1.0;
    }
    // The chain's probabilities, by the chain alone.
    let next = |before: &[u32]| {
        let rows = Packed::new([&[6], before].concat().repeat(16), before.len() + 1);
        let all = logits(model.network(), &rows);
        let mut row: Vec<f32> =
            all[before.len() * 7..(before.len() + 1) * 7].iter().map(|&v| v as f32).collect();
        settings.chain.apply(&mut row, before, &mut Default::default());
        pyrogen_autoregressive::sampling::probabilities(&row).unwrap()
    };
    let first = next(&[]);
    let (mut chi, mut cells, mut rare) = (0.0, 0, (0.0, 0.0));
    let mut cell = |tokens: Vec<u32>, p: f64| {
        let (expected, seen) = (p * n as f64, counts.remove(&tokens).unwrap_or(0.0));
        if expected < 5.0 {
            rare = (rare.0 + expected, rare.1 + seen);
        } else {
            chi += (seen - expected).powi(2) / expected;
            cells += 1;
        }
    };
    cell(vec![6], first[6]);
    for a in 0..6u32 {
        let second = next(&[a]);
        (0..7u32).for_each(|b| cell(vec![a, b], first[a as usize] * second[b as usize]));
    }
    assert!(counts.is_empty(), "texts that cannot be: {counts:?}");
    if rare.0 > 1.0 {
        chi += (rare.1 - rare.0).powi(2) / rare.0;
    } else {
        assert!(rare.1 <= 8.0, "{rare:?}");
    }
    (chi, cells, drafted.kept as f64 / drafted.proposed as f64)
}

#[test]
fn drafted_texts_have_the_models_distribution() {
    let model = text_model(&gpts().swap_remove(2).1);
    let mut kept = Vec::new();
    for draft in [poor_draft(), near_draft(&model), text_model(&gpts().swap_remove(2).1)] {
        for chain in [vec![], vec![Step::Temperature(1.4), Step::TopK(4), Step::Presence(0.7)]] {
            let (chi, cells, stayed) = chi_square(&model, &draft, Chain(chain));
            // As in the test without a draft: five standard deviations.
            let most = cells as f64 + 5.0 * (2.0 * cells as f64).sqrt();
            assert!(cells > 5 && chi < most, "{chi} over {cells} cells");
            kept.push(stayed);
        }
    }
    // The model is its own best draft.
    assert!(kept[0] < kept[2] && kept[2] < kept[4], "{kept:?}");
    assert!(kept[4] > 0.999 && kept[5] > 0.999, "{kept:?}");
}

#[test]
fn a_drafted_item_depends_on_its_number_alone() {
    let long = GptConfig { ends: false, ..gpts().swap_remove(2).1 };
    let model = text_model(&long);
    let chain = Chain(vec![Step::Temperature(1.2), Step::NoRepeat(4)]);
    for (draft, prompt) in [
        (poor_draft(), "abcdef"),
        (near_draft(&model), "a"),
        (near_draft(&model), "abcdefabcdefabcdef"),
    ] {
        let settings =
            DecodeSettings { most: 30, chain: chain.clone(), ..DecodeSettings::default() };
        let decoder = Decoder::new(&model, settings, Seed(3)).unwrap();
        let write = |items, ahead| decoder.complete_with_draft(prompt, items, &draft, ahead);
        let all = write(0..8, 3).unwrap();
        assert_eq!(write(5..6, 3).unwrap().completions[0], all.completions[5]);
        // How far ahead the draft goes changes nothing, also where windows slide (the context is 12).
        for ahead in [1, 2, 5, 100] {
            let other = write(0..8, ahead).unwrap();
            let texts = |d: &pyrogen_autoregressive::Drafted| {
                d.completions.iter().map(|c| c.text.clone()).collect::<Vec<_>>()
            };
            assert_eq!(texts(&other), texts(&all), "{prompt} {ahead}");
        }
    }
    // A model that is its own draft writes what it writes alone.
    for (name, config) in gpts() {
        let model = text_model(&config);
        let settings = DecodeSettings {
            most: 20,
            stop: vec!["bb".into()],
            stop_tokens: vec![4],
            least: 3,
            overflow: Overflow::Refuse,
            ..DecodeSettings::default()
        };
        let decoder = Decoder::new(&model, settings, Seed(3)).unwrap();
        let plain = decoder.complete("ab", 0..12).unwrap();
        let drafted = decoder.complete_with_draft("ab", 0..12, &model, 4).unwrap();
        for (drafted, plain) in drafted.completions.iter().zip(&plain) {
            assert_eq!((&drafted.text, drafted.finish), (&plain.text, plain.finish), "{name}");
            assert!((drafted.nats - plain.nats).abs() < 1e-4, "{name}");
        }
        assert_eq!(drafted.kept, drafted.proposed, "{name}");
    }
}

#[test]
fn drafts_that_cannot_be_are_refused() {
    let model = text_model(&gpts().swap_remove(2).1);
    let decoder = |chain| {
        let settings = DecodeSettings { chain, ..DecodeSettings::default() };
        Decoder::new(&model, settings, Seed(0)).unwrap()
    };
    let plain = decoder(Chain::default());
    assert!(plain.complete_with_draft("", 0..1, &model, 0).is_err());
    let other = Tokenizer::new(TokenizerChoice::Characters, &["abcdeg"]).unwrap();
    let other = TextModel::new(model.network().clone(), Arc::new(other));
    let text = plain.complete_with_draft("", 0..1, &other, 2).unwrap_err().to_string();
    assert!(text.contains("same tokens"), "{text}");
    let mirostat = decoder(Chain(vec![Step::Mirostat(Mirostat::default())]));
    assert!(mirostat.complete_with_draft("", 0..1, &model, 2).is_err());
    let recurrent = RecurrentText::new(recurrent(Cell::Lstm), letters());
    let text = plain.complete_with_draft("", 0..1, &recurrent, 2).unwrap_err().to_string();
    assert!(text.contains("recurrent"), "{text}");
}
