//! Flows through the door: trained by name, exact where there is a density, and a bound where there is none.

use pyrogen::data::Dataset;
use pyrogen::model::conformance;

use super::*;

fn trained(family: &str, source: &str, room: &Path) -> Model {
    let data = pyrogen::read(source).unwrap();
    let wish = Wish::into(room.join(family))
        .set(r#"network={"hidden":[8],"activation":"silu"}"#)
        .set("layers=2")
        .set("train.gradient.workers=1")
        .steps(5);
    let trained = pyrogen::train(family, &data, &wish, &mut Quiet, &Control::new()).unwrap();
    trained.open(&Device::flex()).unwrap()
}

#[test]
fn every_method_keeps_the_promises_of_the_door() {
    let room = tempfile::tempdir().unwrap();
    let source = "toy:moons,examples=200";
    let items = pyrogen::read(source).unwrap().data.select(&(0..12).collect::<Vec<_>>());
    let (registry, control) = (pyrogen::registry(), Control::new());
    for family in pyrogen::flow::FAMILIES {
        let model = trained(family, source, room.path());
        assert_eq!(model.about().family, family);
        let broken = conformance::check(&registry, &model, &items);
        assert!(broken.is_empty(), "{family}: {}", broken.join("\n"));
        let score = model.score(&items, &Request::seed(1), &control).unwrap();
        assert_eq!(score.kind(), LikelihoodKind::Exact, "{family}");
        // What is least probable is most unusual.
        let ranking = model.rank(&items, &Request::seed(1), &control).unwrap();
        let pairs = ranking.scores.iter().zip(score.nats());
        assert!(pairs.clone().all(|(rank, nats)| (rank + nats).abs() < 1e-9), "{ranking:?}");
        let latent = model.latent().unwrap();
        let latents = latent.encode(&items, &Request::seed(1), &control).unwrap();
        let back = latent.decode(&latents, &control).unwrap();
        let (back, items) = (back.dataset().unwrap(), items.dataset().unwrap());
        let pairs = back.values().iter().zip(items.values());
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3), "{family}");
    }
}

#[test]
fn what_a_flow_has_learnt_says_whether_it_inverts() {
    let room = tempfile::tempdir().unwrap();
    let model = trained("nsf", "toy:moons,examples=200", room.path());
    let points =
        |values: Vec<f32>| Data::from_dataset(Dataset::from_parts(values, vec![2], None).unwrap());
    let inspect = |data: &Data| {
        let inspect = model.can().inspect.clone().unwrap();
        inspect.inspect(data, &Request::seed(1), &Control::new()).unwrap()
    };
    let moons = pyrogen::read("toy:moons,examples=50").unwrap().data;
    let found = inspect(&moons);
    assert_eq!(found.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["inverse", "recurring"]);
    assert!(found.iter().all(|f| !f.warning), "{found:?}");
    let far: Vec<f32> = (0..40).map(|i| 1000.0 + (i / 20) as f32).collect();
    let found = inspect(&points(far));
    assert!(found.iter().all(|f| f.warning), "{found:?}");
    assert!(found[0].text.contains("100.00 % of numbers outside"), "{found:?}");
}

/// Categories and whole numbers are spread over cells: what is written back is a table of the same kind,
/// and the likelihood is a bound of the probability of its cells.
#[test]
fn mixed_tables_have_a_lower_bound() {
    let room = tempfile::tempdir().unwrap();
    let source = format!("csv:{}", fixture("people.csv").display());
    let model = trained("nsf", &source, room.path());
    let items = pyrogen::read(&source).unwrap().data.select(&(0..12).collect::<Vec<_>>());
    let broken = conformance::check(&pyrogen::registry(), &model, &items);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let score = model.score(&items, &Request::seed(1), &Control::new()).unwrap();
    assert_eq!(score.kind(), LikelihoodKind::LowerBound);
    let csv = room.path().join("new.csv");
    model.generate(20, &Request::seed(7), &Control::new()).unwrap().write(&csv).unwrap();
    let text = std::fs::read_to_string(&csv).unwrap();
    assert!(text.starts_with("age,hours,city,income\n"), "{text}");

    // With the category as a condition.
    let source = format!("csv:{},label=city", fixture("people.csv").display());
    let data = pyrogen::read(&source).unwrap();
    let classes = data.data.class_names().len();
    let wish = Wish::into(room.path().join("numbers")).set(format!("classes={classes}")).steps(2);
    let trained = pyrogen::train("maf", &data, &wish, &mut Quiet, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    let score = model.score(&data.data, &Request::seed(1), &Control::new()).unwrap();
    assert!(score.is_conditional());
}

/// Numbers that may be missing: rows are scored with them and without, and samples have blanks at about
/// their rate.
#[test]
fn tables_with_missing_numbers_have_a_lower_bound() {
    let room = tempfile::tempdir().unwrap();
    let source = room.path().join("gaps.csv");
    let row = |i: usize| {
        let height = (i as f64 * 0.618_034).fract() * 3.0;
        let pay =
            if i.is_multiple_of(4) { String::new() } else { format!("{:.4}", height * 2.0 + 1.0) };
        format!("{height:.4},{pay}\n")
    };
    let rows: String = (0..400).map(row).collect();
    std::fs::write(&source, format!("height,pay\n{rows}")).unwrap();
    let source = format!("csv:{}", source.display());
    let data = pyrogen::read(&source).unwrap();
    let wish = Wish::into(room.path().join("gaps")).set("layers=2").steps(150);
    let trained = pyrogen::train("nsf", &data, &wish, &mut Quiet, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    let items = data.data.select(&(0..12).collect::<Vec<_>>());
    let broken = conformance::check(&pyrogen::registry(), &model, &items);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let score = model.score(&data.data, &Request::seed(1), &Control::new()).unwrap();
    assert_eq!(score.kind(), LikelihoodKind::LowerBound);
    assert!(score.nats().iter().all(|nats| nats.is_finite()));
    let samples = model.generate(2000, &Request::seed(7), &Control::new()).unwrap();
    let blanks = samples.dataset().unwrap().values().iter().filter(|v| v.is_nan()).count();
    // A quarter; a flow after few steps is within a fifth of it.
    assert!((400..600).contains(&blanks), "{blanks} of 2000");
}

/// Pictures: whole numbers spread over cells, so that the likelihood is a bound.
#[test]
fn flows_of_pictures_keep_the_promises_of_the_door() {
    let room = tempfile::tempdir().unwrap();
    let data = pyrogen::read("digits").unwrap();
    let items = data.data.select(&(0..12).collect::<Vec<_>>());
    let cases: [(&str, &[&str]); 4] = [
        ("glow", &["steps=2", "width=8"]),
        ("glow", &["steps=1", "width=8", "pixels=normal"]),
        ("tarflow", &["blocks=2", "layers=1", "width=16"]),
        ("tarflow", &["blocks=1", "layers=1", "width=16", "pixels=normal", "classes=10"]),
    ];
    for (i, (family, settings)) in cases.into_iter().enumerate() {
        let wish = Wish::into(room.path().join(i.to_string())).set("train.gradient.workers=1");
        let wish = settings.iter().fold(wish, |wish, setting| wish.set(*setting)).steps(5);
        let trained = pyrogen::train(family, &data, &wish, &mut Quiet, &Control::new()).unwrap();
        let model = trained.open(&Device::flex()).unwrap();
        let broken = conformance::check(&pyrogen::registry(), &model, &items);
        assert!(broken.is_empty(), "{family} {settings:?}: {}", broken.join("\n"));
        let score = model.score(&items, &Request::seed(1), &Control::new()).unwrap();
        assert_eq!(score.kind(), LikelihoodKind::LowerBound);
        let ranking = model.rank(&items, &Request::seed(1), &Control::new()).unwrap();
        assert!(ranking.scores.iter().all(|score| score.is_finite()), "{ranking:?}");
        let inspect = model.can().inspect.clone().unwrap();
        let found = inspect.inspect(&items, &Request::seed(1), &Control::new()).unwrap();
        assert!(found[0].name == "inverse" && !found[0].warning, "{found:?}");
    }
}

/// A flow that does nothing yet has the standard normal density, under which each pixel has its share of all
/// pixels as its probability: the bits a dimension are the entropy of the shares, whatever is drawn.
#[test]
fn an_untrained_flow_of_normal_pixels_scores_the_shares_of_their_levels() {
    let room = tempfile::tempdir().unwrap();
    let data = pyrogen::read("digits").unwrap();
    let wish = Wish::into(room.path())
        .set("pixels=normal")
        .set("blocks=1")
        .set("train.optimizer.learning_rate=1e-12")
        .steps(1);
    let trained = pyrogen::train("tarflow", &data, &wish, &mut Quiet, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    let score = model.score(&data.data, &Request::seed(1), &Control::new()).unwrap();
    let digits = data.data.dataset().unwrap();
    let share = |level: f32| {
        let values = digits.values();
        values.iter().filter(|v| **v == level).count() as f64 / values.len() as f64
    };
    let entropy: f64 = (0..=16).map(|k| share(k as f32)).map(|p| -p * p.log2()).sum();
    let bits = -score.mean_nats() / 64.0 / std::f64::consts::LN_2;
    // Shares of the training part are used for all, and last layers start at a thousandth.
    assert!((bits - entropy).abs() < 5e-3, "{bits} {entropy}");
}

/// Models of some methods, each with the source that it was trained on: seed 1, 20 steps; `layers=2` with networks
/// of 8, and of Glow `steps=1` and `width=8`, before it had `pixels`.
const KEPT: [(&str, &str); 3] =
    [("maf", "toy:moons,examples=200"), ("nsf", "toy:moons,examples=200"), ("glow", "digits")];

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2").join(name)
}

/// What a model folder gives: its card's format, the nats of some items and a draw's numbers.
fn given(folder: &Path, source: &str) -> (u32, Vec<f64>, Vec<f64>) {
    let model = pyrogen::open(folder, &Device::flex()).unwrap();
    let items = pyrogen::read(source).unwrap().data.select(&(0..6).collect::<Vec<_>>());
    let score = model.score(&items, &Request::seed(1), &Control::new()).unwrap();
    let drawn = model.generate(2, &Request::seed(7), &Control::new()).unwrap();
    let drawn = drawn.dataset().unwrap().values().iter().map(|&v| f64::from(v)).collect();
    (model.card().format, score.nats().to_vec(), drawn)
}

#[test]
fn folders_of_this_format_give_what_they_gave() {
    let text = std::fs::read_to_string(kept("flows.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, source) in KEPT {
        let (format, nats, drawn) = given(&kept(name), source);
        assert_eq!(format, 2, "{name}");
        let numbers = |field: &str| -> Vec<f64> {
            serde_json::from_value(expected[name][field].clone()).unwrap()
        };
        let pairs = nats.iter().zip(numbers("nats"));
        // Sums of f32 in another order of instructions; a whole number may fall to its neighbour.
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3 * b.abs()), "{name}: {nats:?}");
        let was = numbers("drawn");
        assert_eq!((nats.len(), drawn.len()), (6, was.len()), "{name}");
        let apart = drawn.iter().zip(&was).filter(|(a, b)| (*a - **b).abs() > 1e-3).count();
        assert!(apart <= drawn.len() / 30, "{name}: {apart} of {} differ", drawn.len());
    }
}
