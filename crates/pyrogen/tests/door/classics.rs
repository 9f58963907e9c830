//! Models on the host: mixtures, hidden Markov models, chains of text. Folders of the present format
//! open and give what they gave; items, scores, completions and answers keep the door's promises.

mod chains;
mod symbols;

use pyrogen::data::{Items, Sequences, Text};
use pyrogen::model::{HowMany, Marginal, conformance};
use serde_json::Value;

use super::*;

/// A model folder of the present format, or a file of data beside them.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2").join(name)
}

/// Models of every family, each with the family and the settings that it was trained with: seed 1.
const CLASSICS: [(&str, &str, &[&str]); 7] = [
    ("gmm", "gmm", &["components=2"]),
    ("gmm-points", "gmm", &["components=2", "covariance=VEV"]),
    ("gmm-holes", "gmm", &["components=2", "covariance=diagonal"]),
    ("hmm", "hmm", &["states=3"]),
    ("hmm-symbols", "hmm", &["states=2", "emission=categorical"]),
    ("markov", "markov", &["order=3"]),
    ("markov-words", "markov", &["tokens=words", "order=1", "smoothing=ppm"]),
];

fn source(name: &str) -> String {
    let at = |name: &str| place(name).display().to_string();
    match name {
        "gmm" => format!("csv:{}", fixture("people.csv").display()),
        "gmm-points" => "toy:moons,examples=200".into(),
        "gmm-holes" => format!("csv:{}", at("holes.csv")),
        "hmm" => format!("sequences:{}", at("regimes.csv")),
        "hmm-symbols" => format!("sequences:{}", at("dice.csv")),
        _ => format!("text:{},lines", at("verses.txt")),
    }
}

fn items_of(name: &str) -> Data {
    pyrogen::read(&source(name)).unwrap().data
}

fn opened(name: &str) -> Model {
    pyrogen::open(place(name), &Device::flex()).unwrap()
}

fn go() -> Control {
    Control::new()
}

#[test]
fn folders_of_this_format_give_what_they_gave() {
    let text = std::fs::read_to_string(place("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let room = tempfile::tempdir().unwrap();
    for (name, family, _) in CLASSICS {
        let model = opened(name);
        assert_eq!((model.card().format, model.about().family.as_str()), (2, family), "{name}");
        let data = items_of(name);
        assert_eq!(model.about().modality, data.modality(), "{name}");
        let score = model.score(&data, &Request::seed(1), &go()).unwrap().total_nats();
        let was = expected[name]["total_nats"].as_f64().unwrap();
        // Sums in another order of instructions differ in their last digits.
        assert!((score - was).abs() < 1e-9 * was.abs(), "{name}: {score}, was {was}");
        let items = model.generate(3, &Request::seed(7), &go()).unwrap();
        let path = room.path().join(if family == "markov" { "s.txt" } else { "s.csv" });
        items.write(&path).unwrap();
        let (now, was) = (std::fs::read_to_string(path).unwrap(), &expected[name]["samples"]);
        assert!(same_cells(&now, was.as_str().unwrap()), "{name}: {now}, was {was}");
    }
}

/// Whether texts are equal but for the last digits of numbers.
fn same_cells(a: &str, b: &str) -> bool {
    let cells = |text: &str| text.split([',', '\n']).map(String::from).collect::<Vec<_>>();
    let (a, b) = (cells(a), cells(b));
    let same = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => (x - y).abs() <= 1e-6 * (1.0 + y.abs()),
        _ => a == b,
    };
    a.len() == b.len() && a.iter().zip(&b).all(same)
}

#[test]
fn an_item_alone_is_the_item_among_many() {
    for (name, ..) in CLASSICS {
        let (model, request) = (opened(name), Request::seed(5));
        let generate = model.generator().unwrap();
        let many = generate.generate(0..70, &request, &go()).unwrap();
        let given = Given::new(items_of(name).select(&[4, 0, 7]));
        let completer = model.completer().unwrap();
        let completed = completer.complete(&given, 0..70, &request, &go()).unwrap();
        for range in [0..1, 3..4, 60..70, 63..66] {
            let rows: Vec<usize> = (range.start as usize..range.end as usize).collect();
            let part = generate.generate(range.clone(), &request, &go()).unwrap();
            assert_eq!(part.sha256(), many.select(&rows).sha256(), "{name}: items {range:?}");
            let part = completer.complete(&given, range.clone(), &request, &go()).unwrap();
            assert_eq!(part.sha256(), completed.select(&rows).sha256(), "{name}: {range:?}");
        }
        let other = generate.generate(0..70, &Request::seed(6), &go()).unwrap();
        assert_ne!(other.sha256(), many.sha256(), "{name}: another seed");
    }
}

#[test]
fn scores_do_not_depend_on_what_else_is_scored() {
    for (name, ..) in CLASSICS {
        let (model, data, request) = (opened(name), items_of(name), Request::seed(3));
        let all = model.score(&data, &request, &go()).unwrap();
        assert_eq!(all.nats().len(), data.len(), "{name}");
        let few = model.score(&data.select(&[2, 5]), &request, &go()).unwrap();
        assert_eq!(few.nats(), [all.nats()[2], all.nats()[5]], "{name}");
    }
}

/// Trains a model as its folder was trained, for so many steps.
fn trained(name: &str, out: &Path, steps: Option<u64>) -> Wish {
    let set = CLASSICS.iter().find(|(n, ..)| *n == name).unwrap().2;
    let mut wish = Wish::into(out).on(&Device::flex());
    wish.partition.test = 0.2;
    for set in set {
        wish = wish.set(*set);
    }
    match steps {
        Some(steps) => wish.steps(steps),
        None => wish,
    }
}

fn family_of(name: &str) -> &'static str {
    CLASSICS.iter().find(|(n, ..)| *n == name).unwrap().1
}

#[test]
fn a_cancelled_training_goes_on_to_the_same_bytes() {
    let room = tempfile::tempdir().unwrap();
    for name in ["gmm", "hmm"] {
        let data = pyrogen::read(&source(name)).unwrap();
        let weights = |out: &Path| std::fs::read(out.join("model/model.json")).unwrap();
        let (whole, broken) = (room.path().join(name), room.path().join(format!("{name}-broken")));
        let wish = trained(name, &whole, Some(9));
        pyrogen::train(family_of(name), &data, &wish, &mut Quiet, &go()).unwrap();
        let control = go();
        let other = control.clone();
        let mut watch = move |event: &Event| {
            if matches!(event, Event::Step { step: 4, .. }) {
                other.cancel();
            }
            Flow::Continue
        };
        let wish = trained(name, &broken, Some(9));
        let error =
            pyrogen::train(family_of(name), &data, &wish, &mut watch, &control).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{name}");
        let wish = wish.resume();
        drop(pyrogen::train(family_of(name), &data, &wish, &mut Quiet, &go()).unwrap());
        assert!(
            weights(&broken) == weights(&whole),
            "{name}: a resumed run ends with other numbers"
        );
    }
}

#[test]
fn a_training_ends_where_it_has_converged_and_the_best_candidate_is_kept() {
    let room = tempfile::tempdir().unwrap();
    let data = pyrogen::read(&source("gmm-points")).unwrap();
    let mut last = 0;
    let mut watch = |event: &Event| {
        if let Event::Step { step, .. } = *event {
            last = step;
        }
        Flow::Continue
    };
    let wish = Wish::into(room.path().join("run")).on(&Device::flex());
    let wish = wish.set("components=[1,2,3]").set("covariance=common").set("tolerance=1e-4");
    let model = {
        let run = pyrogen::train("gmm", &data, &wish, &mut watch, &go()).unwrap();
        run.open(&Device::flex()).unwrap()
    };
    assert!((3..900).contains(&last), "{last} steps");
    let findings = model.inspect(&data.data, &Request::seed(1), &go()).unwrap();
    let criteria = &findings.iter().find(|f| f.name == "criteria").unwrap().value;
    let tried = criteria["tried"].as_array().unwrap();
    assert_eq!((tried.len(), &criteria["converged"]), (12, &Value::Bool(true)));
    let best = tried.iter().filter_map(|t| t["criterion"].as_f64()).reduce(f64::min).unwrap();
    assert_eq!(criteria["bic"].as_f64().unwrap(), best);
    // A converged run that is resumed is the same run.
    let before = std::fs::read(room.path().join("run/model/model.json")).unwrap();
    drop(pyrogen::train("gmm", &data, &wish.resume(), &mut Quiet, &go()).unwrap());
    assert!(before == std::fs::read(room.path().join("run/model/model.json")).unwrap());
}

#[test]
fn published_tables_through_the_door() {
    // Counts of earthquakes, 1900 to 2006 (Zucchini, MacDonald and Langrock 2016, table 3.1).
    const COUNTS: [u8; 107] = [
        13, 14, 8, 10, 16, 26, 32, 27, 18, 32, 36, 24, 22, 23, 22, 18, 25, 21, 21, 14, 8, 11, 14,
        23, 18, 17, 19, 20, 22, 19, 13, 26, 13, 14, 22, 24, 21, 22, 26, 21, 23, 24, 27, 41, 31, 27,
        35, 26, 28, 36, 39, 21, 17, 22, 17, 19, 15, 34, 10, 15, 22, 18, 15, 20, 15, 22, 19, 16, 30,
        27, 29, 23, 20, 16, 21, 21, 25, 16, 18, 15, 18, 14, 10, 15, 8, 15, 6, 11, 8, 7, 18, 16, 13,
        12, 13, 20, 15, 16, 12, 18, 15, 16, 13, 15, 16, 11, 11,
    ];
    let values = COUNTS.iter().map(|v| f64::from(*v)).collect();
    let data = Sequences::new(vec!["count".into()], values, vec![COUNTS.len()]).unwrap();
    let data = pyrogen::data::Loaded::new(Data::Sequences(data));
    let room = tempfile::tempdir().unwrap();
    for (states, published) in [(1, 391.9189), (2, 341.8787), (3, 328.5275)] {
        let out = room.path().join(states.to_string());
        let mut wish = Wish::into(out).on(&Device::flex()).set("emission=poisson");
        wish = wish.set(format!("states={states}")).set("tolerance=1e-9");
        (wish.partition.test, wish.partition.validation) = (0.0, 0.0);
        let run = pyrogen::train("hmm", &data, &wish, &mut Quiet, &go()).unwrap();
        let model = run.open(&Device::flex()).unwrap();
        let nats = -model.score(&data.data, &Request::seed(1), &go()).unwrap().total_nats();
        // Four decimals are given.
        assert!((nats - published).abs() < 1e-4, "{states} states: {nats}");
    }
}

#[test]
fn rows_with_holes_are_completed_and_asked_about() {
    let (model, data) = (opened("gmm-holes"), items_of("gmm-holes"));
    let Data::Table(table) = &data else { panic!("a table") };
    let holes: Vec<usize> = (0..table.len())
        .filter(|row| (0..table.columns().len()).any(|j| table.is_missing(*row, j)))
        .collect();
    assert!(holes.len() > 5);
    let given = data.select(&holes);
    let Data::Table(known) = &given else { panic!("a table") };
    for fill in ["draw", "expectation"] {
        let request = Request::seed(2).set("fill", fill);
        let full = model.complete(&Given::new(given.clone()), &request, &go()).unwrap();
        let Data::Table(full) = full else { panic!("a table") };
        for row in 0..full.len() {
            for j in 0..full.columns().len() {
                assert!(!full.is_missing(row, j), "{fill}: row {row}");
                if !known.is_missing(row, j) {
                    assert_eq!(full.text(row, j), known.text(row, j), "{fill}: row {row}");
                }
            }
        }
    }
    let answers = model.query(&given, &Request::seed(1), &go()).unwrap();
    for (row, answers) in answers.iter().enumerate() {
        let missing = (0..known.columns().len()).filter(|j| known.is_missing(row, *j));
        let names: Vec<&str> = missing.map(|j| known.columns()[j].name.as_str()).collect();
        assert_eq!(answers.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), names);
        for (_, marginal) in answers {
            match marginal {
                Marginal::Continuous { mean, std } => assert!(mean.is_finite() && *std > 0.0),
                Marginal::Discrete { values, probabilities } => {
                    assert_eq!(values.len(), probabilities.len());
                    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let assigned = model.assign(&data, &Request::seed(1), &go()).unwrap();
    assert_eq!((assigned.what.as_str(), assigned.names.len()), ("component", 2));
    for (own, p) in assigned.assigned.iter().zip(&assigned.probabilities) {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9 && p[own[0] as usize] >= 0.5);
    }
    // Points: the numbers that a mask marks are kept.
    let (model, points) = (opened("gmm-points"), items_of("gmm-points").select(&[0, 1]));
    let given = Given::masked(points.clone(), vec![true, false]);
    let full = model.complete(&given, &Request::seed(3), &go()).unwrap();
    let (full, points) = (full.into_dataset().unwrap(), points.into_dataset().unwrap());
    assert_eq!(full.row(1)[0], points.row(1)[0]);
    assert_ne!(full.row(1)[1], points.row(1)[1]);
}

#[test]
fn sequences_are_decoded_filled_and_forecast() {
    let (model, data) = (opened("hmm"), items_of("hmm"));
    let Data::Sequences(sequences) = &data else { panic!("sequences") };
    for path in ["viterbi", "posterior"] {
        let request = Request::seed(1).set("path", path);
        let found = model.assign(&data, &request, &go()).unwrap();
        assert_eq!((found.what.as_str(), found.names.len()), ("state", 3));
        for (i, length) in sequences.lengths().iter().enumerate() {
            assert_eq!(found.assigned[i].len(), *length);
            assert_eq!(found.probabilities[i].len(), 3 * length);
            for (p, state) in found.probabilities[i].chunks(3).zip(&found.assigned[i]) {
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                let most = p.iter().copied().fold(0.0, f64::max);
                assert!(path == "viterbi" || p[*state as usize] == most);
            }
        }
    }
    let full = model.complete(&Given::new(data.clone()), &Request::seed(4).set("steps", 5), &go());
    let Data::Sequences(full) = full.unwrap() else { panic!("sequences") };
    for (i, length) in sequences.lengths().iter().enumerate() {
        assert_eq!(full.lengths()[i], length + 5);
        for (was, now) in sequences.sequence(i).iter().zip(full.sequence(i)) {
            assert!(now.is_finite() && (was.is_nan() || was == now));
        }
    }
    let answers =
        model.query(&data.select(&[0]), &Request::seed(1).set("steps", 2), &go()).unwrap();
    let missing = sequences.sequence(0).iter().filter(|v| v.is_nan()).count();
    assert_eq!(answers[0].len(), missing + 4);
    let after = sequences.lengths()[0] + 2;
    assert_eq!(answers[0].last().unwrap().0, format!("step {after}: volume"));
    let lengths = |request: Request| match model.generate(40, &request, &go()).unwrap() {
        Data::Sequences(drawn) => drawn.lengths().to_vec(),
        other => panic!("{other:?}"),
    };
    let drawn = lengths(Request::seed(1));
    assert!(drawn.iter().all(|n| sequences.lengths().contains(n)));
    assert!(drawn.iter().any(|n| *n != drawn[0]));
    assert_eq!(lengths(Request::seed(1).set("length", 3)), [3; 40]);
    // The picture's bands are the path of the longest sequence.
    let figures = model.figures(&data, &Request::seed(1), &go()).unwrap();
    assert_eq!(figures.len(), 1);
    assert_eq!(figures[0].name, "decoded_path");
    let longest =
        (0..data.len()).max_by_key(|i| (sequences.lengths()[*i], usize::MAX - i)).unwrap();
    assert!(figures[0].caption.starts_with(&format!("Sequence {}", longest + 1)));
    let path = &model.assign(&data, &Request::seed(1), &go()).unwrap().assigned[longest];
    let bands = 1 + path.windows(2).filter(|w| w[0] != w[1]).count();
    let (columns, states) = (sequences.columns().len(), 3);
    assert_eq!(figures[0].svg.matches("<rect").count(), columns * bands + states);
    // Sequences that start in a state show it.
    let found = model.inspect(&data, &Request::seed(1), &go()).unwrap();
    let states = &found.iter().find(|f| f.name == "states").unwrap().value;
    let mean = states[2]["shows"]["price"]["mean"].as_f64().unwrap();
    let request = Request::seed(3).set("length", 1).set("state", 3).set("missing", false);
    let Data::Sequences(drawn) = model.generate(400, &request, &go()).unwrap() else { panic!() };
    let ours: f64 = (0..400).map(|i| drawn.sequence(i)[0]).sum::<f64>() / 400.0;
    let std = states[2]["shows"]["price"]["std"].as_f64().unwrap();
    // Five standard errors: one false alarm in two million.
    assert!((ours - mean).abs() < 5.0 * std / 20.0, "{ours} {mean}");
}

#[test]
fn classics_keep_the_promises_of_the_door() {
    let registry = pyrogen::registry();
    for (name, ..) in CLASSICS {
        let (model, data) = (opened(name), items_of(name).select(&[0, 3, 5, 7]));
        let broken = conformance::check(&registry, &model, &data);
        assert!(broken.is_empty(), "{name}:\n{}", broken.join("\n"));
        let control = go();
        control.cancel();
        let request = Request::seed(1);
        let error = model.inspect(&data, &request, &control).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{name}");
    }
}

/// A table of a CSV text.
fn table(text: &str) -> pyrogen::data::Loaded {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    pyrogen::read(&format!("csv:{}", path.display())).unwrap()
}

fn sequences(values: &[f64], lengths: &[usize]) -> pyrogen::data::Loaded {
    let names = vec!["x".to_string()];
    let data = Sequences::new(names, values.to_vec(), lengths.to_vec()).unwrap();
    pyrogen::data::Loaded::new(Data::Sequences(data))
}

#[test]
fn what_cannot_be_learnt_is_an_error_with_its_reason() {
    let room = tempfile::tempdir().unwrap();
    let fails = |family: &str, data: &pyrogen::data::Loaded, set: &[&str], kind, says: &str| {
        let mut wish = Wish::into(room.path().join("run")).on(&Device::flex());
        (wish.partition.test, wish.partition.validation) = (0.0, 0.0);
        for set in set {
            wish = wish.set(*set);
        }
        let error = pyrogen::train(family, data, &wish, &mut Quiet, &go()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(says), "{family} {set:?}: {text}");
        assert_eq!(error.kind(), kind, "{text}");
        assert!(!room.path().join("run/model").exists(), "{family} {set:?}: nothing was written");
    };
    use ErrorKind as K;
    let few = table("a,b\n1,2\n3,5\n4,4.5\n");
    fails("gmm", &few, &["components=9"], K::Data, "cannot carry 9 components");
    fails("gmm", &few, &["components=0"], K::Config, "at least 1");
    fails("gmm", &few, &["components=many"], K::Config, "a list of them or `auto`");
    fails("gmm", &few, &["covariance=round"], K::Config, "full, tied, diagonal, spherical");
    let constant = table("a,b\n1,2\n3,2\n4,2\n7,2\n");
    fails("gmm", &constant, &["components=1"], K::Data, "column `b` is constant (2)");
    let verses = pyrogen::read(&source("markov")).unwrap();
    fails("gmm", &verses, &[], K::Data, "takes table, points");
    fails("markov", &few, &[], K::Data, "takes text");
    fails("markov", &verses, &["order=99"], K::Config, "at most 64");
    fails("markov", &verses, &["discount=0.5", "smoothing=ppm"], K::Config, "kneser-ney");
    let empty = pyrogen::data::Loaded::new(Data::Text(Text::new(["", ""])));
    fails("markov", &empty, &[], K::Data, "every document is empty");
    let counts = sequences(&[1.0, 2.5, 3.0, 2.0], &[4]);
    fails(
        "hmm",
        &counts,
        &["emission=poisson"],
        K::Data,
        "step 1, column `x`: must be a whole number",
    );
    fails("hmm", &counts, &["states=7"], K::Data, "take fewer states");
    let blank = sequences(&[f64::NAN; 6], &[3, 3]);
    fails("hmm", &blank, &["states=2"], K::Data, "observed values");
    fails("hmm", &sequences(&[], &[0, 0]), &[], K::Data, "every sequence is empty");
    fails("hmm", &few, &[], K::Data, "takes sequences");
}

#[test]
fn what_a_model_did_not_see_is_an_error_or_a_stated_value() {
    let request = Request::seed(1);
    let dice = opened("hmm-symbols");
    let names = vec!["die".to_string()];
    let seven = Sequences::new(names.clone(), vec![1.0, 7.0], vec![2]).unwrap();
    let text = dice.score(&Data::Sequences(seven), &request, &go()).unwrap_err().to_string();
    assert!(text.contains("the symbol 7 was not seen in training, which saw 1, 2, 3"), "{text}");
    // An empty sequence among others is certain.
    let some = Sequences::new(names, vec![1.0, 6.0], vec![0, 2, 0]).unwrap();
    let scores = dice.score(&Data::Sequences(some.clone()), &request, &go()).unwrap();
    assert_eq!((scores.nats()[0], scores.nats()[2]), (0.0, 0.0));
    assert!(scores.nats()[1] < 0.0);
    let states = dice.assign(&Data::Sequences(some), &request, &go()).unwrap();
    assert_eq!(states.assigned.iter().map(Vec::len).collect::<Vec<_>>(), [0, 2, 0]);
    let people = opened("gmm");
    let other = table("age,hours\n30,40\n").data;
    let text = people.score(&other, &request, &go()).unwrap_err().to_string();
    assert!(text.contains("column `city`"), "{text}");
    // Asked about, a column that is not there is missing.
    let answers = people.query(&other, &request, &go()).unwrap();
    assert_eq!(answers[0].len(), 2, "{answers:?}");
    let all = HowMany::Auto.numbers(3);
    assert_eq!(all, [1, 2, 3]);
    let text = people.generate(1, &Request::seed(1).class("a"), &go()).unwrap_err().to_string();
    assert!(text.contains("without labels"), "{text}");
}
