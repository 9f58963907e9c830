//! Encoders with decoders through the door: a folder of this format, and what is measured of it.

use pyrogen::data::{Pairs, Text};
use pyrogen::evaluation::{Options, evaluate};
use pyrogen::model::conformance;

use super::*;

fn room() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2")
}

fn model() -> Model {
    pyrogen::open(room().join("seq2seq"), &Device::flex()).unwrap()
}

/// Six digits were kept, and sums may be in another order.
const SCORE: f64 = 1e-4;

#[test]
fn a_folder_of_this_format_gives_what_it_gave() {
    let expected = std::fs::read_to_string(room().join("seq2seq.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let (model, control) = (model(), Control::new());
    assert_eq!((model.card().format, model.about().modality), (2, Modality::Pairs));
    for pair in expected["scores"].as_array().unwrap() {
        let side = |name: &str| pair[name].as_str().unwrap();
        let data = Data::Pairs(Pairs::new([(side("source"), side("target"))]));
        let score = model.score(&data, &Request::seed(1), &control).unwrap();
        let difference = (score.nats()[0] - pair["log_p_nats"].as_f64().unwrap()).abs();
        assert!(difference < SCORE, "{pair}: {difference}");
    }
    for (source, target) in expected["targets"].as_object().unwrap() {
        let given = Given::new(Data::Text(Text::new([source.as_str()])));
        let made = model.complete(&given, &Request::seed(1), &control).unwrap();
        let Data::Pairs(made) = made else { panic!("pairs") };
        assert_eq!(&*made.targets()[0], target.as_str().unwrap());
    }
}

#[test]
fn it_keeps_the_promises_of_the_door_and_is_measured_by_what_it_writes() {
    let (model, registry) = (model(), pyrogen::registry());
    let data =
        Pairs::new([("kuma", "A M U K"), ("mak", "K A M"), ("ak", "K A"), ("ak", "A A A A")]);
    let data = Data::Pairs(data);
    let broken = conformance::check(&registry, &model, &data);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let device = Device::flex();
    let found = evaluate(&model, &data, &Options::default(), &device, &Control::new()).unwrap();
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    let names: Vec<&str> = found.metrics.iter().map(|report| report.metric()).collect();
    assert_eq!(names, ["exact-match", "wer", "cer", "bleu", "chrf"]);
    // What it writes for each source, once, beside all its targets.
    let Data::Pairs(pairs) = &data else { panic!("pairs") };
    let given = Given::new(Data::Pairs(Pairs::new([("kuma", ""), ("mak", ""), ("ak", "")])));
    let made = model.complete(&given, &Request::seed(1), &Control::new()).unwrap();
    let Data::Pairs(made) = made else { panic!("pairs") };
    let right = |(source, target)| {
        let sides = pairs.sources().iter().zip(pairs.targets());
        sides.into_iter().any(|pair| pair == (source, target))
    };
    let right = made.sources().iter().zip(made.targets()).filter(|pair| right(*pair)).count();
    let exact = found.metrics[0].get("exact_match").unwrap();
    assert!((exact - 100.0 * right as f64 / 3.0).abs() < 1e-9, "{exact} {right}");
    let likelihood = serde_json::to_value(&found.likelihood[0]).unwrap();
    assert!(likelihood["of"].as_str().unwrap().contains('|'), "{likelihood}");
    assert!(found.values.contains_key("alignment"));
}
