//! The families through the door: searches, drafts, constraints, and the score of each token.

use pyrogen_autoregressive::Int8Gpt;
use pyrogen_data::{Data, Text};
use pyrogen_model::{Control, Marginal, Model, Registry, Request};

use super::*;

const LANGUAGE: [&str; 2] = ["gpt", "lstm"];

/// A small model of names.
fn language(name: &str) -> Model {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pyrogen/tests/fixtures/format-2");
    let registry = pyrogen_autoregressive::family::register(Registry::new());
    registry.open(folders.join(name), &device()).unwrap()
}

fn texts(data: &Data) -> Vec<String> {
    let Data::Text(text) = data else { panic!("text") };
    text.documents().iter().map(|d| d.to_string()).collect()
}

fn given(texts: &[&str]) -> Data {
    Data::Text(Text::new(texts.iter().copied()))
}

#[test]
fn texts_are_searched_drafted_and_constrained() {
    let control = Control::new();
    for name in LANGUAGE {
        let model = language(name);
        let generate = model.generator().unwrap();
        let request = Request::seed(4).set("max_tokens", 8);
        let facts = |request: &Request| {
            let made = generate.detailed(0..3, request, &control).unwrap();
            (texts(&made.items), made.details)
        };
        // Searches draw nothing; a wide contrast is another text than none.
        let (greedy, _) = facts(&request.clone().set("temperature", 0.0));
        let (plain, details) = facts(&request.clone().set("contrastive", 0.0));
        assert_eq!(plain, greedy, "{name}");
        let alpha = serde_json::json!({"alpha": 0.8, "k": 6});
        let (contrast, _) = facts(&request.clone().set("contrastive", alpha));
        assert!(contrast != plain && contrast[0] == contrast[2], "{name}: {contrast:?}");
        for fact in ["nats", "tokens", "finish"] {
            assert!(details[0].contains_key(fact), "{details:?}");
        }
        let beams = request.clone().set("beams", 3);
        let (best, details) = facts(&beams.clone().set("length_penalty", 0.0));
        assert_eq!(
            generate
                .generate(2..3, &beams.clone().set("length_penalty", 0.0), &control)
                .map(|made| texts(&made))
                .unwrap(),
            best[2..]
        );
        let nats: Vec<f64> = details.iter().map(|d| d["nats"].as_f64().unwrap()).collect();
        assert!(nats.is_sorted(), "{name}: {nats:?}");
        let (apart, _) = facts(&beams.clone().set("groups", 3).set("diversity", 100.0));
        let firsts: std::collections::BTreeSet<_> =
            apart.iter().map(|t| t.chars().next()).collect();
        assert_eq!(firsts.len(), 3, "{name}: {apart:?}");
        // A constraint, of which streams know, too.
        let constrained = request.clone().set("regex", "[aeiou]{2}(?:anna|o)");
        let (vowels, _) = facts(&constrained);
        assert!(vowels.iter().all(|t| t.len() == 3 || t.ends_with("anna")), "{name}: {vowels:?}");
        let pieces = model.streamer().unwrap().stream(1, &constrained, &control).unwrap();
        let joined: String = pieces.map(|p| texts(&p.unwrap()).concat()).collect();
        assert_eq!(joined, vowels[1]);
        let schema = serde_json::json!({"enum": ["x"]});
        let error = generate.generate(0..1, &request.clone().set("schema", schema), &control);
        // The names have no quotes.
        assert!(error.unwrap_err().to_string().contains("tokens can write"), "{name}");
        // A draft: the model itself.
        let folder = language("gpt").path().to_string_lossy().into_owned();
        let drafted = request.clone().set("draft", folder);
        match name {
            "gpt" => assert_eq!(facts(&drafted).0, facts(&request).0),
            _ => {
                let error = generate.generate(0..1, &drafted, &control).unwrap_err().to_string();
                assert!(error.contains("can take tokens back"), "{error}");
            }
        }
        for (request, says) in [
            (beams.clone().set("contrastive", 0.5), "left out beside beams"),
            (beams.clone().set("groups", 2), "a divisor"),
            (request.clone().set("contrastive", 3.0), "in [0, 1]"),
            (request.clone().set("regex", "a("), "unclosed"),
            (request.clone().set("regex", "a").set("stop", "b"), "`stop`"),
            (request.clone().set("schema", "{"), "EOF"),
            (request.clone().set("grammar", "start: a"), "line 1: the rule `a`"),
            (request.clone().set("grammar", 3), "`grammar`"),
            (request.clone().set("grammar", "start: \"a\"").set("schema", "{}"), "left out beside"),
            (request.clone().set("draft", "no-such-folder"), "no-such-folder"),
        ] {
            let error = generate.generate(0..1, &request, &control).unwrap_err();
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
    }
}

#[test]
fn each_token_has_its_score() {
    let control = Control::new();
    for name in LANGUAGE {
        let model = language(name);
        let data = given(&["anna", "", "jo"]);
        let request = Request::seed(1);
        let scored = model.scorer().unwrap().detailed(&data, &request, &control).unwrap();
        let score = model.score(&data, &request, &control).unwrap();
        assert_eq!(scored.likelihood.nats(), score.nats());
        let expected = [vec!["a", "n", "n", "a", "<end>"], vec!["<end>"], vec!["j", "o", "<end>"]];
        for ((details, nats), tokens) in scored.details.iter().zip(score.nats()).zip(expected) {
            let each = details["tokens"].as_array().unwrap();
            let found: Vec<&str> = each.iter().map(|t| t["token"].as_str().unwrap()).collect();
            assert_eq!(found, tokens);
            let sum: f64 = each.iter().map(|t| t["nats"].as_f64().unwrap()).sum();
            assert!((sum + nats).abs() < 1e-9, "{name}: {sum} {nats}");
        }
        // The first token costs what the answer to a query says.
        let answer = model.query(&given(&[""]), &request, &control).unwrap();
        let Marginal::Discrete { values, probabilities } = &answer[0][0].1 else { panic!() };
        let at = values.iter().position(|v| v == "a").unwrap();
        let nats = scored.details[0]["tokens"][0]["nats"].as_f64().unwrap();
        assert!((nats + probabilities[at].ln()).abs() < 1e-4, "{name}");
    }
}

/// Weights of eight bits are an option of opening: close scores, the same texts of a seed each time.
#[test]
fn a_model_is_opened_in_eight_bits() {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pyrogen/tests/fixtures/format-2");
    let registry = pyrogen_autoregressive::family::register(Registry::new());
    let open = |name: &str, weights: &str| {
        let given = serde_json::json!({ "weights": weights });
        let given = given.as_object().unwrap();
        registry.open_with(folders.join(name), &device(), given)
    };
    let (control, request) = (Control::new(), Request::seed(1));
    let nats = |model: &Model| {
        let data = given(&["anna", "maria", "otto"]);
        model.score(&data, &request, &control).unwrap().nats().to_vec()
    };
    let (plain, same) = (language("gpt"), open("gpt", "f32").unwrap());
    let int8 = open("gpt", "int8").unwrap();
    assert_eq!(nats(&plain), nats(&same));
    assert_eq!(int8.about().parameters, plain.about().parameters);
    let library = GptText::load(&folders.join("gpt"), &device()).unwrap();
    let network = Int8Gpt::of(library.network().clone());
    let library = TextModel::new(network, library.tokenizer().clone());
    let expected = library.score(&["anna", "maria", "otto"]).unwrap();
    for ((a, b), c) in nats(&int8).iter().zip(expected).zip(nats(&plain)) {
        assert!((a + b.nats).abs() < 1e-9 && *a != c, "{a} {b:?} {c}");
    }
    let write = |items| int8.generator().unwrap().generate(items, &request, &control).unwrap();
    assert_eq!(texts(&write(0..4))[2..3], texts(&write(2..3)));
    let text = open("gpt", "int4").unwrap_err().to_string();
    assert!(text.contains("`weights`") && text.contains("int8"), "{text}");
    let text = open("lstm", "int8").unwrap_err().to_string();
    assert!(text.contains("`weights`") && text.contains("`lstm` does not open by it"), "{text}");
}
