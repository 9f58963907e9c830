//! Topics through the door: documents and texts.

use serde_json::Value;

use super::*;
use pyrogen::data::{Documents, Loaded, Text};

/// A model folder of the present format.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2/lda")
}

fn lda() -> Model {
    pyrogen::open(folder(), &Device::flex()).unwrap()
}

/// Texts about two subjects, with a few words of neither.
fn texts(n: usize) -> Vec<String> {
    let subjects = [
        ["river", "rain", "flood", "field", "cloud", "harvest"],
        ["bank", "money", "loan", "interest", "market", "trade"],
    ];
    let text = |d: usize| {
        let own = &subjects[d % 2];
        let other = &subjects[(d + 1) % 2];
        let word = |i: usize| match (d * 7 + i * 5) % 11 {
            0 => other[(d + i) % 6],
            1 => "people",
            _ => own[(d * 3 + i * i) % 6],
        };
        (0..8 + d % 13).map(word).collect::<Vec<_>>().join(" and the ")
    };
    (0..n).map(text).collect()
}

fn text_data(n: usize) -> Loaded {
    Loaded::new(Data::Text(Text::new(texts(n))))
}

/// The same as counts, with the subject as the class.
fn counted(n: usize) -> Loaded {
    let texts = texts(n);
    let mut words: Vec<String> =
        texts.iter().flat_map(|t| t.split(' ')).map(str::to_string).collect();
    words.sort();
    words.dedup();
    let place = |word: &str| words.iter().position(|w| w == word).unwrap() as u32;
    let all = texts.iter().map(|t| t.split(' ').map(|w| (place(w), 1)).collect()).collect();
    let documents = Documents::new(words.clone(), all).unwrap();
    let labels = (0..n as u32).map(|d| d % 2).collect();
    let names = vec!["weather".to_string(), "money".into()];
    Loaded::new(Data::Documents(documents.with_labels(labels, names).unwrap()))
}

fn small(out: &Path) -> Wish {
    Wish::into(out).set("topics=2").steps(40)
}

fn train(data: &Loaded, wish: &Wish) -> Model {
    let trained = pyrogen::train("lda", data, wish, &mut Quiet, &Control::new()).unwrap();
    trained.open(&Device::flex()).unwrap()
}

#[test]
fn a_model_can_what_its_family_promises() {
    let model = lda();
    let family = pyrogen::registry().find("lda").unwrap().abilities();
    assert_eq!(model.can().abilities(), family);
    assert_eq!(model.about().modality, pyrogen::data::Modality::Documents);
    assert_eq!(model.card().format, 2);
}

#[test]
fn the_folder_of_the_present_format_scores_as_it_did() {
    let text = std::fs::read_to_string(folder().join("../lda-expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let data = counted(12).data;
    let request = Request::seed(1).set("method", "lower_bound");
    let score = lda().score(&data, &request, &Control::new()).unwrap();
    let was: Vec<f64> =
        expected["lower_bound"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(was.len(), 12);
    for (got, was) in score.nats().iter().zip(&was) {
        // Nothing is drawn; sums may be ordered otherwise.
        assert!((got - was).abs() < 1e-9 * was.abs(), "{got} {was}");
    }
    let assigned = lda().assign(&data, &Request::seed(1), &Control::new()).unwrap();
    let names: Vec<&str> =
        expected["names"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(assigned.names, names);
}

#[test]
fn a_document_alone_is_the_document_among_many() {
    let room = tempfile::tempdir().unwrap();
    let written = train(&text_data(40), &small(&room.path().join("text")));
    let control = Control::new();
    for model in [lda(), written] {
        for request in [Request::seed(5), Request::seed(5).set("length", 30)] {
            let generate = model.generator().unwrap();
            let many = generate.generate(0..70, &request, &control).unwrap();
            assert_eq!((many.len(), many.modality()), (70, model.about().modality));
            for range in [0..1, 3..4, 60..70, 63..66] {
                let part = generate.generate(range.clone(), &request, &control).unwrap();
                let rows: Vec<usize> = (range.start as usize..range.end as usize).collect();
                assert_eq!(part, many.select(&rows), "items {range:?}");
            }
        }
        let some: Vec<Data> = model
            .samples(&Request::seed(2), &control)
            .unwrap()
            .take(3)
            .map(Result::unwrap)
            .collect();
        let many = model.generate(3, &Request::seed(2), &control).unwrap();
        assert_eq!(Data::concat(some).unwrap(), many);
    }
}

#[test]
fn scores_say_what_they_are_and_do_not_depend_on_neighbours() {
    let (model, data, control) = (lda(), counted(20).data, Control::new());
    let kinds = [("estimate", false), ("lower_bound", false), ("completion", true)];
    for (method, conditional) in kinds {
        let request = Request::seed(3).set("method", method).set("draws", 8);
        let all = model.score(&data, &request, &control).unwrap();
        let few = model.score(&data.select(&[0, 1, 2]), &request, &control).unwrap();
        assert_eq!(few.nats(), &all.nats()[..3], "{method}");
        assert_eq!(all.is_conditional(), conditional);
        assert_eq!(all.unit(), pyrogen::core::Unit::Token);
        // Better than a word out of all thirteen at random, and not beyond what is possible.
        let rate = all.nats_per_unit();
        assert!(rate > 1.0 && rate < 13f64.ln(), "{method}: {rate}");
    }
    let request = Request::seed(3);
    let bound = model.score(&data, &request.clone().set("method", "lower_bound"), &control);
    let estimate = model.score(&data, &request, &control).unwrap();
    assert!(bound.unwrap().total_nats() < estimate.total_nats());
    let ranking = model.rank(&data, &request, &control).unwrap();
    assert_eq!(ranking.scores.len(), 20);
    let assigned = model.assign(&data, &request, &control).unwrap();
    assert_eq!((assigned.what.as_str(), assigned.names.len()), ("topic", 2));
    for (d, (best, p)) in assigned.assigned.iter().zip(&assigned.probabilities).enumerate() {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(best[0], assigned.assigned[d % 2][0], "document {d}: {p:?}");
    }
    assert_ne!(assigned.assigned[0], assigned.assigned[1]);
}

#[test]
fn a_cancelled_training_goes_on_to_the_same_bytes() {
    let room = tempfile::tempdir().unwrap();
    let bytes = |out: &Path| std::fs::read(out.join("model/model.json")).unwrap();
    for set in [
        "inference=gibbs",
        "sampler=collapsed",
        "inference=variational",
        "inference=hdp",
        r#"online={"batch_size":16,"offset":10.0,"decay":0.7}"#,
    ] {
        let data = text_data(60);
        let wish = |out: &Path| match set.starts_with("online") {
            true => small(out).set("inference=variational").set(set).steps(25),
            false => small(out).set(set).steps(25),
        };
        let whole = room.path().join("whole");
        train(&data, &wish(&whole));
        let broken = room.path().join("broken");
        let control = Control::new();
        let other = control.clone();
        let mut watch = move |event: &Event| {
            if matches!(event, Event::Step { step: 11, .. }) {
                other.cancel();
            }
            Flow::Continue
        };
        let ended = pyrogen::train("lda", &data, &wish(&broken), &mut watch, &control);
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(pyrogen::open(&broken, &Device::flex()).unwrap().card().steps, 11);
        train(&data, &wish(&broken).resume());
        assert!(bytes(&broken) == bytes(&whole), "{set}: a resumed run ends elsewhere");
        std::fs::remove_dir_all(&whole).unwrap();
        std::fs::remove_dir_all(&broken).unwrap();
    }
}

#[test]
fn classes_name_topics_and_are_shown_in_the_report() {
    let room = tempfile::tempdir().unwrap();
    let data = counted(80);
    let wish = small(&room.path().join("labelled")).set("labels=topics").set("shared_topics=0");
    let model = train(&data, &wish);
    let control = Control::new();
    let assigned = model.assign(&data.data, &Request::seed(1), &control).unwrap();
    assert_eq!(assigned.names, ["weather", "money"]);
    let right = (0..80).filter(|d| assigned.assigned[*d][0] as usize == d % 2).count();
    assert_eq!(right, 80);
    let evaluation =
        pyrogen::evaluate(&model, &data.data, &Default::default(), &Device::flex(), &control)
            .unwrap();
    assert_eq!(evaluation.likelihood.len(), 2);
    let names: Vec<&str> = evaluation.findings.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["topics", "coherence", "topic_map", "topics_by_class"]);
    let shares = &evaluation.values["topics_by_class"]["shares"];
    assert!(shares[0][0].as_f64().unwrap() > 0.75 && shares[1][1].as_f64().unwrap() > 0.75);
    let words = evaluation.values["topics"][0]["words"].as_array().unwrap();
    assert!(words[..3].iter().all(|w| texts(2)[0].contains(w.as_str().unwrap())), "{words:?}");
    let figures = model.figures(&data.data, &Request::seed(1), &control).unwrap();
    let named: Vec<&str> = figures.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(named, ["topic_map", "topics_by_class"]);
    assert!(figures.iter().all(|f| f.svg.starts_with("<svg") && f.svg.ends_with("</svg>")));
}

#[test]
fn wishes_and_requests_that_do_not_fit_are_errors() {
    let room = tempfile::tempdir().unwrap();
    let error = |data: &Loaded, wish: Wish| {
        let trained = pyrogen::train("lda", data, &wish, &mut Quiet, &Control::new());
        let error = trained.unwrap_err();
        (error.kind(), error.to_string())
    };
    let out = room.path().join("run");
    let wish = || small(&out);
    for (set, kind, says) in [
        ("prepare.min_documents=99", ErrorKind::Data, "no word is left"),
        ("prepare.max_documents=0.01", ErrorKind::Data, "no word is left"),
        ("topics=0", ErrorKind::Config, "at least 1"),
        ("inference=magic", ErrorKind::Config, "magic"),
        ("labels=topics", ErrorKind::Config, "label=COLUMN"),
        ("seed_words=[[\"zebra\"]]", ErrorKind::Data, "zebra"),
    ] {
        let (got, text) = error(&text_data(30), wish().set(set));
        assert!(got == kind && text.contains(says), "{set}: {got:?} {text}");
    }
    let empty = Loaded::new(Data::Text(Text::new(["the", "of", "and", "a", "an", "the"])));
    assert_eq!(error(&empty, wish()).0, ErrorKind::Data);
    let digits = pyrogen::read("digits").unwrap();
    assert!(error(&digits, wish()).1.contains("takes documents, text"));
    assert!(!out.join("model").exists(), "nothing was written");

    let (model, control) = (lda(), Control::new());
    let no = |request: Request| model.generate(1, &request, &control).unwrap_err().to_string();
    assert!(no(Request::seed(1).set("temperature", 1)).contains("known: length"));
    assert!(no(Request::seed(1).set("length", 0)).contains("at least 1"));
    assert!(no(Request::seed(1).class("money")).contains("without labels"));
    assert!(model.generate(0, &Request::seed(1), &control).is_err());
    let error = model.score(&digits.data, &Request::seed(1), &control).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let few = Request::seed(1).set("draws", 1);
    let error = model.score(&counted(3).data, &few, &control).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request, "{error}");
    // Documents of which the model knows no word: of probability 1, with the topics of the prior.
    let unknown = Data::Text(Text::new(["zebra", ""]));
    let score = model.score(&unknown, &Request::seed(1), &control).unwrap();
    assert_eq!(score.nats(), [0.0, 0.0]);
    let assigned = model.assign(&unknown, &Request::seed(1), &control).unwrap();
    assert_eq!(assigned.probabilities[0], assigned.probabilities[1]);
    control.cancel();
    let error = model.generate(10, &Request::seed(1), &control).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
