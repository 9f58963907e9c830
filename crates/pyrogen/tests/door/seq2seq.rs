//! An encoder with a decoder through the door, and what is measured of it.

use pyrogen::data::Pairs;
use pyrogen::evaluation::{Options, evaluate};
use pyrogen::model::conformance;

use super::*;

/// A model of words backwards.
fn model() -> Model {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2");
    pyrogen::open(room.join("seq2seq"), &Device::flex()).unwrap()
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
