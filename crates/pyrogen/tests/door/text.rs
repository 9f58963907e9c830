//! Language models through the door.

use std::sync::LazyLock;

use pyrogen::data::Text;
use pyrogen::model::{Marginal, conformance};

use super::*;

/// The families, each with a model of a few names.
const LANGUAGE: [&str; 2] = ["gpt", "lstm"];

const NAMES: &str = "anna hanna johanna susanna maria marie marion martha martin markus john joan \
    jonas josef jakob jacques quinn quentin peter petra paul paula karl karla emil emilia otto olga \
    anton antonia bert berta fritz frida gerd greta ida ingo klara lena leo lotte max nora oskar rosa";

/// A model of the names, trained once.
fn language(name: &str) -> Model {
    static TRAINED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("names.txt");
        std::fs::write(&path, NAMES.split_whitespace().collect::<Vec<_>>().join("\n")).unwrap();
        let data = pyrogen::read(&format!("text:{},lines", path.display())).unwrap();
        for family in LANGUAGE {
            let wish = Wish::into(room.path().join(family)).steps(120).set("width=16");
            let wish = wish.set("layers=1").set("train.optimizer.learning_rate=0.02");
            let mut wish = wish.set("train.schedule.warmup_steps=10");
            // All letters are to be known.
            wish.partition.test = 0.0;
            wish.partition.validation = 0.0;
            let wish = if family == "gpt" { wish.set("heads=2") } else { wish };
            drop(pyrogen::train(family, &data, &wish, &mut Quiet, &Control::new()).unwrap());
        }
        room
    });
    pyrogen::open(TRAINED.path().join(name), &Device::flex()).unwrap()
}

fn texts(data: &Data) -> Vec<String> {
    let Data::Text(text) = data else { panic!("text") };
    text.documents().iter().map(|d| d.to_string()).collect()
}

fn given(texts: &[&str]) -> Data {
    Data::Text(Text::new(texts.iter().copied()))
}

#[test]
fn models_can_what_their_family_promises() {
    let registry = pyrogen::registry();
    for name in LANGUAGE {
        let model = language(name);
        let family = registry.find(name).unwrap();
        assert_eq!(family.abilities(), model.can().abilities(), "{name}");
        assert_eq!(model.about().modality, Modality::Text);
        assert_eq!(model.card().modality.as_deref(), Some("text"));
    }
}

#[test]
fn models_keep_the_promises_of_the_door() {
    let registry = pyrogen::registry();
    for name in LANGUAGE {
        let data = given(&["anna", "susannamariamartha", "", "jo"]);
        let broken = conformance::check(&registry, &language(name), &data);
        assert!(broken.is_empty(), "{name}:\n{}", broken.join("\n"));
    }
}

#[test]
fn an_item_alone_is_the_item_among_many() {
    let control = Control::new();
    for name in LANGUAGE {
        let model = language(name);
        let request = Request::seed(5).set("max_tokens", 12).set("top_p", 0.95);
        let generate = model.generator().unwrap();
        let many = texts(&generate.generate(0..70, &request, &control).unwrap());
        for range in [0..1, 3..4, 60..70, 63..66] {
            let part = generate.generate(range.clone(), &request, &control).unwrap();
            let same = &many[range.start as usize..range.end as usize];
            assert_eq!(texts(&part), same, "{name}: items {range:?}");
        }
        let streamer = model.streamer().unwrap();
        for item in [0, 3, 69] {
            let pieces = streamer.stream(item, &request, &control).unwrap();
            let joined: String = pieces.map(|p| texts(&p.unwrap()).concat()).collect();
            assert_eq!(joined, many[item as usize], "{name}: stream of {item}");
        }
        // A prompt begins the text, unless it is not to be shown.
        let request = request.set("prompt", "an");
        let with = texts(&generate.generate(0..3, &request, &control).unwrap());
        let request = request.set("echo", false);
        let without = texts(&generate.generate(0..3, &request, &control).unwrap());
        for (with, without) in with.iter().zip(without) {
            assert_eq!(*with, format!("an{without}"));
        }
    }
}

#[test]
fn prompts_are_completed_in_turn() {
    let control = Control::new();
    for name in LANGUAGE {
        let model = language(name);
        let request = Request::seed(2).set("max_tokens", 6);
        let prompts = Given::new(given(&["an", "mar", "jo"]));
        let completer = model.completer().unwrap();
        let all = texts(&completer.complete(&prompts, 0..9, &request, &control).unwrap());
        for (i, text) in all.iter().enumerate() {
            assert!(text.starts_with(["an", "mar", "jo"][i % 3]), "{name}: {text}");
        }
        for i in [0, 4, 8] {
            let one = completer.complete(&prompts, i..i + 1, &request, &control).unwrap();
            assert_eq!(texts(&one), all[i as usize..=i as usize], "{name}: item {i}");
        }
        let beams = request.set("beams", 3);
        let best = texts(&completer.complete(&prompts, 0..3, &beams, &control).unwrap());
        assert_eq!(best.len(), 3);
    }
}

#[test]
fn scores_ranks_and_answers_agree() {
    let control = Control::new();
    for name in LANGUAGE {
        let model = language(name);
        let data = given(&["anna", "qqqq", ""]);
        let score = model.score(&data, &Request::seed(1), &control).unwrap();
        assert_eq!(score.kind(), LikelihoodKind::Exact);
        // Each with its end.
        assert_eq!(score.units(), 5 + 5 + 1);
        let by_byte = Request::seed(1).set("unit", "byte");
        let bytes = model.score(&data, &by_byte, &control).unwrap();
        assert_eq!((bytes.units(), bytes.nats()), (8, score.nats()));
        let ranking = model.rank(&data, &Request::seed(1), &control).unwrap();
        assert!((ranking.scores[0] + score.nats()[0] / 5.0).abs() < 1e-9);
        assert!(ranking.scores[1] > ranking.scores[0], "{name}: {ranking:?}");
        // The chain of answers is the score.
        let mut nats = 0.0;
        for (before, next) in [("", "a"), ("a", "n"), ("an", "n"), ("ann", "a"), ("anna", "<end>")]
        {
            let answer = model.query(&given(&[before]), &Request::seed(1), &control).unwrap();
            let (variable, marginal) = &answer[0][0];
            assert_eq!(variable, "next");
            let Marginal::Discrete { values, probabilities } = marginal else { panic!() };
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let at = values.iter().position(|v| v == next).unwrap();
            nats += probabilities[at].ln();
        }
        assert!((nats - score.nats()[0]).abs() < 1e-4, "{name}: {nats} {}", score.nats()[0]);
        let found = model.inspect(&data, &Request::seed(1), &control).unwrap();
        let names: Vec<&str> = found.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["rates", "surprise", "samples"]);
    }
}

#[test]
fn wrong_requests_are_errors() {
    let (model, control) = (language("gpt"), Control::new());
    let seed = Request::seed(1);
    for (request, says) in [
        (seed.clone().set("top_p", 2.0), "`top_p` must be in (0, 1]"),
        (seed.clone().set("top_k", 0), "`top_k`"),
        (seed.clone().set("steps", 5), "known: prompt, max_tokens"),
        (seed.clone().set("temperature", -1.0), "at least 0"),
        (seed.clone().set("max_tokens", 0), "at least 1"),
        (seed.clone().set("stop", ""), "a character or more"),
        (seed.clone().set("order", serde_json::json!(["top_q"])), "names out of"),
        (seed.clone().set("order", serde_json::json!([])).set("top_k", 3), "names top_k"),
        (seed.clone().set("overflow", "wrap"), "one of slide, refuse"),
        (seed.clone().set("logit_bias", serde_json::json!({"xyz": 1})), "texts of one token"),
        (seed.clone().set("prompt", "Ä"), "U+00C4"),
        (seed.clone().class("a"), "without labels"),
    ] {
        let error = model.generate(1, &request, &control).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(matches!(error.kind(), ErrorKind::Request | ErrorKind::Data), "{error}");
    }
    let error = model.score(&given(&["ab", "aÄ"]), &seed, &control).unwrap_err();
    assert!(error.to_string().contains("document 2: character 2"), "{error}");
    let error = model.score(&data("vae", 2), &seed, &control).unwrap_err();
    assert!(error.to_string().contains("text"), "{error}");
    let refuse = seed.set("overflow", "refuse").set("prompt", "a".repeat(40));
    let error = model.generate(1, &refuse, &control).unwrap_err();
    assert!(error.to_string().contains("41 tokens"), "{error}");
}

#[test]
fn text_is_learnt_cancelled_and_resumed_to_the_same_bytes() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("names.txt");
    let names = ["anna", "bert", "carl", "dora", "emil", "fritz", "gerd", "hanna"];
    std::fs::write(&path, names.join("\n")).unwrap();
    let data = pyrogen::read(&format!("text:{},lines", path.display())).unwrap();
    let weights = |out: &Path| std::fs::read(out.join("model/model.safetensors")).unwrap();
    for family in LANGUAGE {
        let small = |out: &Path| {
            let wish = Wish::into(out).steps(8).set("width=16").set("layers=1");
            let wish = wish.set("batch_size=4").set("dropout=0.1");
            if family == "gpt" { wish.set("heads=2") } else { wish }
        };
        let whole = room.path().join(format!("{family}-whole"));
        pyrogen::train(family, &data, &small(&whole), &mut Quiet, &Control::new()).unwrap();
        let broken = room.path().join(format!("{family}-broken"));
        let control = Control::new();
        let other = control.clone();
        let mut watch = move |event: &Event| {
            if matches!(event, Event::Step { step: 3, .. }) {
                other.cancel();
            }
            Flow::Continue
        };
        pyrogen::train(family, &data, &small(&broken), &mut watch, &control).unwrap_err();
        let wish = small(&broken).resume();
        pyrogen::train(family, &data, &wish, &mut Quiet, &Control::new()).unwrap();
        assert!(weights(&broken) == weights(&whole), "{family}: other weights");
    }
}

/// Six digits were kept, and sums may be in another order.
const SCORE: f64 = 1e-4;

#[test]
fn folders_of_this_format_give_what_they_gave() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2");
    let expected = std::fs::read_to_string(room.join("language.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let control = Control::new();
    for name in LANGUAGE {
        let model = pyrogen::open(room.join(name), &Device::flex()).unwrap();
        assert_eq!(model.card().format, 2);
        for (text, nats) in expected[name]["scores"].as_object().unwrap() {
            let score = model.score(&given(&[text]), &Request::seed(1), &control).unwrap();
            let difference = (score.nats()[0] - nats.as_f64().unwrap()).abs();
            assert!(difference < SCORE, "{name}, {text}: {difference}");
        }
        for (prompt, text) in expected[name]["completions"].as_object().unwrap() {
            let request = Request::seed(1).set("temperature", 0.0);
            let prompt = Given::new(given(&[prompt]));
            let made = model.complete(&prompt, &request, &control).unwrap();
            assert_eq!(texts(&made), [text.as_str().unwrap()], "{name}");
        }
    }
}
