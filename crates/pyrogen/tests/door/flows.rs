//! Flows through the door: trained by name, exact where there is a density, and a bound where there is none.

use pyrogen::data::{Dataset, Table};
use pyrogen::model::{Marginal, conformance};

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

/// Draws within cells that are learnt, beside a condition.
#[test]
fn learnt_draws_of_categories_keep_the_promises_of_the_door() {
    let room = tempfile::tempdir().unwrap();
    let data = pyrogen::read(&format!("csv:{}", fixture("people.csv").display())).unwrap();
    let items = data.data.select(&(0..12).collect::<Vec<_>>());
    let wish = Wish::into(room.path().join("learnt"))
        .set(r#"dequantisation={"variational":{"layers":1}}"#)
        .set(r#"conditions=["age"]"#)
        .steps(5);
    let trained = pyrogen::train("maf", &data, &wish, &mut Quiet, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    let config = std::fs::read_to_string(room.path().join("learnt/model/config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    // Hours, the city and the income are learnt; the city has cells.
    assert_eq!((&config["event"][0], &config["cells"][0]["feature"]), (&3.into(), &1.into()));
    assert_eq!(config["cells"].as_array().unwrap().len(), 1);
    let broken = conformance::check(&pyrogen::registry(), &model, &items);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let score = model.score(&items, &Request::seed(1), &Control::new()).unwrap();
    assert_eq!(score.kind(), LikelihoodKind::LowerBound);
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
/// of 8; of Glow `steps=1` and `width=8`, before it had `pixels`; of TarFlow `blocks=2`, `layers=1` and `width=16`.
const KEPT: [(&str, &str); 4] = [
    ("maf", "toy:moons,examples=200"),
    ("nsf", "toy:moons,examples=200"),
    ("glow", "digits"),
    ("tarflow", "digits"),
];

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

/// A table whose `y` is `2 x + 3` for one kind and `2 x` for the other, with a spread of 0.2, and a flow of `y`
/// given the two others.
fn conditional(room: &Path, family: &str) -> (Model, Data) {
    let mut noise = Noise::new(Seed(1));
    let (u, z) = (noise.uniform_vec(1200), noise.normal_vec(1200));
    let row = |i: usize| {
        let (x, tall) = (4.0 * u[2 * i], u[2 * i + 1] < 0.3);
        let y = 2.0 * x + if tall { 3.0 } else { 0.0 } + 0.2 * z[i];
        format!("{},{},{}\n", x as f32, if tall { "tall" } else { "short" }, y as f32)
    };
    let rows: String = (0..600).map(row).collect();
    let path = room.join("sizes.csv");
    std::fs::write(&path, format!("x,kind,y\n{rows}")).unwrap();
    let data = pyrogen::read(&format!("csv:{}", path.display())).unwrap();
    let wish = Wish::into(room.join(family))
        .set(r#"conditions=["x","kind"]"#)
        .set(r#"network={"hidden":[24],"activation":"silu"}"#)
        .set("layers=2")
        .set("train.optimizer.learning_rate=0.01")
        .steps(200);
    let trained = pyrogen::train(family, &data, &wish, &mut Quiet, &Control::new()).unwrap();
    (trained.open(&Device::flex()).unwrap(), data.data)
}

#[test]
fn columns_are_known_given_others() {
    let room = tempfile::tempdir().unwrap();
    let (model, data) = conditional(room.path(), "nsf");
    assert_eq!(model.about().context.as_deref(), Some("columns x, kind"));
    let (registry, control) = (pyrogen::registry(), Control::new());
    let items = data.select(&(0..12).collect::<Vec<_>>());
    let broken = conformance::check(&registry, &model, &items);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // A density of one column, though the condition's columns have changed their units, too.
    let score = model.score(&data, &Request::seed(1), &control).unwrap();
    assert!(score.is_conditional() && score.kind() == LikelihoodKind::Exact);
    let entropy = 0.5 * (1.0 + std::f64::consts::TAU.ln()) + 0.2f64.ln();
    let gap = -score.mean_nats() - entropy;
    assert!((-0.15..0.5).contains(&gap), "{gap}");

    let error = model.generate(3, &Request::seed(1), &control).unwrap_err();
    assert!(error.to_string().contains("--given x=") && error.kind() == ErrorKind::Request);
    let row = |cells: &[(&str, &str)]| {
        Data::Table(Table::partial(model.layout().unwrap(), cells).unwrap())
    };
    let given = row(&[("x", "1.5"), ("kind", "tall")]);
    let request = Request::seed(3).set("quantiles", vec![0.025, 0.5, 0.975]).set("draws", 1000);
    let answers = model.query(&given, &request, &control).unwrap();
    let (name, Marginal::Drawn { mean, std, quantiles, draws }) = &answers[0][0] else {
        panic!("{answers:?}")
    };
    assert_eq!((name.as_str(), answers[0].len(), *draws), ("y", 1, 1000));
    assert!((mean - 6.0).abs() < 0.3 && (0.1..0.6).contains(std), "{mean} {std}");
    let [low, middle, high] = [0, 1, 2].map(|k| quantiles[k].1);
    assert!(low < middle && middle < high && (middle - 6.0).abs() < 0.3, "{quantiles:?}");

    // Completed rows keep what was given, and other given cells are refused.
    let completed =
        model.completer().unwrap().complete(&Given::new(given), 0..5, &Request::seed(4), &control);
    let completed = completed.unwrap();
    let Data::Table(table) = &completed else { panic!() };
    let cells = |j: usize| (0..5).map(|i| table.text(i, j)).collect::<Vec<_>>();
    assert!(cells(0).iter().all(|x| x.parse() == Ok(1.5)));
    assert!(cells(1).iter().all(|kind| kind == "tall"));
    // The condition may come from rows without the learnt column.
    let path = room.path().join("given.csv");
    std::fs::write(&path, "kind,x\nshort,0.5\ntall,0.5\n").unwrap();
    let like = pyrogen::read(&format!("csv:{}", path.display())).unwrap().data;
    let drawn = model.generate(40, &Request::seed(5).like(like), &control).unwrap();
    let drawn = drawn.dataset().unwrap();
    let mean = |kind: usize| {
        drawn.values().chunks(3).skip(kind).step_by(2).map(|row| row[2]).sum::<f32>() / 20.0
    };
    assert!((mean(0) - 1.0).abs() < 0.5 && (mean(1) - 4.0).abs() < 0.5, "{} {}", mean(0), mean(1));

    let found = model.inspect(&data, &Request::seed(1), &control).unwrap();
    let calibration = found.iter().find(|f| f.name == "calibration").expect("a finding");
    assert_eq!(calibration.value["y"]["examples"], 600);
    assert!(calibration.text.starts_with("calibration of y: 50 % intervals hold"));
    assert!(found.iter().filter(|f| f.name != "calibration").all(|f| !f.warning), "{found:?}");
}

#[test]
fn conditions_that_cannot_be_are_refused() {
    let room = tempfile::tempdir().unwrap();
    let (model, _) = conditional(room.path(), "maf");
    let source = format!("csv:{}", room.path().join("sizes.csv").display());
    let refused = |family: &str, set: &str| {
        let data = pyrogen::read(&source).unwrap();
        let wish = Wish::into(room.path().join("refused")).set(set).steps(1);
        let trained = pyrogen::train(family, &data, &wish, &mut Quiet, &Control::new());
        trained.unwrap_err().to_string()
    };
    assert!(refused("nsf", r#"conditions=["age"]"#).contains("names of columns: x, kind, y"));
    assert!(refused("nsf", r#"conditions=["x","kind","y"]"#).contains("no condition"));
    assert!(refused("nsf", r#"periods={"kind":2}"#).contains("categories"));
    assert!(refused("maf", r#"periods={"x":4}"#).contains("splines"));
    assert!(refused("realnvp", r#"conditions=["x","kind"]"#).contains("coupling"));
    // One of two learnt columns cannot be given.
    let layout = model.layout().unwrap();
    let given = |cells: &[(&str, &str)]| {
        let row = Data::Table(Table::partial(layout, cells).unwrap());
        model.query(&row, &Request::seed(1), &Control::new())
    };
    assert!(given(&[("x", "1")]).unwrap_err().to_string().contains("kind"));
    let whole = given(&[("x", "1"), ("kind", "tall"), ("y", "2")]).unwrap();
    assert!(whole[0].is_empty(), "{whole:?}");
}

/// Directions in degrees and whole hours, through the door and back.
#[test]
fn columns_on_circles_stay_on_them() {
    let room = tempfile::tempdir().unwrap();
    let mut noise = Noise::new(Seed(1));
    let z = noise.normal_vec(1600);
    let row = |i: usize| {
        let (direction, hour) = (350.0 + 40.0 * z[2 * i], 23.0 + 3.0 * z[2 * i + 1]);
        let direction = (direction.rem_euclid(360.0) * 1e4).floor() / 1e4;
        format!("{direction:.4},{:.0}\n", hour.round().rem_euclid(24.0))
    };
    let rows: String = (0..800).map(row).collect();
    let path = room.path().join("wind.csv");
    std::fs::write(&path, format!("direction,hour\n{rows}")).unwrap();
    let data = pyrogen::read(&format!("csv:{}", path.display())).unwrap();
    let wish = Wish::into(room.path().join("wind"))
        .set(r#"periods={"direction":360,"hour":24}"#)
        .set("layers=2")
        .steps(150);
    let trained = pyrogen::train("nsf", &data, &wish, &mut Quiet, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    let items = data.data.select(&(0..12).collect::<Vec<_>>());
    let broken = conformance::check(&pyrogen::registry(), &model, &items);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let samples = model.generate(500, &Request::seed(7), &Control::new()).unwrap();
    let samples = samples.dataset().unwrap();
    for row in samples.values().chunks(2) {
        assert!((0.0..360.0).contains(&row[0]) && (0.0..24.0).contains(&row[1]), "{row:?}");
        assert_eq!(row[1].fract(), 0.0);
    }
    // Most directions are within 80 degrees of 350, on both sides of north.
    let near = |least: f32, most: f32| {
        samples.values().chunks(2).filter(|row| (least..most).contains(&row[0])).count()
    };
    assert!(
        near(270.0, 360.0) > 200 && near(0.0, 70.0) > 100,
        "{} {}",
        near(270.0, 360.0),
        near(0.0, 70.0)
    );
    // A bound: hours are whole. The entropy of the two normal numbers, to what few steps leave.
    let score = model.score(&data.data, &Request::seed(1), &Control::new()).unwrap();
    assert_eq!(score.kind(), LikelihoodKind::LowerBound);
    let entropy = (std::f64::consts::TAU.ln() + 1.0) + 40f64.ln() + 3f64.ln();
    let gap = -score.mean_nats() - entropy;
    assert!((-0.2..0.4).contains(&gap), "{gap}");
}

/// Two columns of categories that depend on each other: the bound comes near the entropy of the pairs.
#[test]
fn dependent_categories_have_a_tight_bound() {
    let room = tempfile::tempdir().unwrap();
    let u = Noise::new(Seed(1)).uniform_vec(2000);
    let row = |i: usize| {
        let first = [0.5, 0.8].iter().filter(|p| u[2 * i] >= **p).count();
        let second = if u[2 * i + 1] < 0.8 { first } else { (first + 1) % 3 };
        [first, second]
    };
    let rows: Vec<[usize; 2]> = (0..1000).map(row).collect();
    let line = |[a, b]: &[usize; 2]| format!("{},{}\n", ["u", "v", "w"][*a], ["x", "y", "z"][*b]);
    let path = room.path().join("pairs.csv");
    let text: String = rows.iter().map(line).collect();
    std::fs::write(&path, format!("first,second\n{text}")).unwrap();
    let data = pyrogen::read(&format!("csv:{}", path.display())).unwrap();
    let wish = Wish::into(room.path().join("pairs"))
        .set(r#"network={"hidden":[32],"activation":"silu"}"#)
        .set("layers=2")
        .set("train.optimizer.learning_rate=0.01")
        .steps(400);
    let trained = pyrogen::train("nsf", &data, &wish, &mut Quiet, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    let score = model.score(&data.data, &Request::seed(1), &Control::new()).unwrap();
    let entropy = |count: &dyn Fn(&[usize; 2]) -> usize| {
        let mut counts = [0.0; 9];
        rows.iter().for_each(|row| counts[count(row)] += 1.0 / 1000.0);
        counts.iter().filter(|p| **p > 0.0).map(|p: &f64| -p * p.ln()).sum::<f64>()
    };
    let pairs = entropy(&|[a, b]| 3 * a + b);
    let apart = entropy(&|[a, _]| *a) + entropy(&|[_, b]| *b);
    let gap = -score.mean_nats() - pairs;
    println!("gap {gap:.3}, dependence {:.3}", apart - pairs);
    // As if the columns did not depend on each other the bound would be 0.5 nats off.
    assert!(apart - pairs > 0.45 && (-0.03..0.2).contains(&gap), "{gap} {pairs} {apart}");
}

/// Folders that this format's first version wrote, trained by
///
/// ```text
/// pyrogen train FAMILY --data toy:moons,examples=200 --steps 20 --set layers=2 --set train.gradient.workers=1 \
///     --set 'network={"hidden":[6],"activation":"silu"}'
/// ```
///
/// and `nsf-table` and `maf-cells` (with `dequantisation={"variational":{"layers":1}}`) on `people.csv`, open, score
/// all rows and sample as they did.
#[test]
fn folders_of_this_format_do_what_they_did() {
    // Sums of f32 in another order on another machine; samples of the continuous flow come from a solver.
    const TOLERANCE: f64 = 1e-3;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2/flows");
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let names: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(pyrogen::flow::FAMILIES.iter().all(|family| names.contains(family)), "{names:?}");
    for (name, was) in expected.as_object().unwrap() {
        let model = pyrogen::open(folder.join(name), &Device::flex()).unwrap();
        let source = match name.as_str() {
            "nsf-table" | "maf-cells" => format!("csv:{}", fixture("people.csv").display()),
            _ => "toy:moons,examples=200".into(),
        };
        let data = pyrogen::read(&source).unwrap().data;
        let score = model.score(&data, &Request::seed(1), &Control::new()).unwrap();
        let (nats, kind) = (was["mean_nats"].as_f64().unwrap(), was["kind"].as_str().unwrap());
        assert!(
            (score.mean_nats() - nats).abs() < TOLERANCE,
            "{name}: {} {nats}",
            score.mean_nats()
        );
        assert_eq!(score.kind() == LikelihoodKind::Exact, kind == "exact", "{name}");
        let room = tempfile::tempdir().unwrap();
        let csv = room.path().join("samples.csv");
        model.generate(2, &Request::seed(1), &Control::new()).unwrap().write(&csv).unwrap();
        let text = std::fs::read_to_string(&csv).unwrap();
        for (line, was) in text.lines().skip(1).zip(was["samples"].as_array().unwrap()) {
            for (cell, was) in line.split(',').zip(was.as_array().unwrap()) {
                let was = was.as_str().unwrap();
                let same = match (cell.parse::<f64>(), was.parse::<f64>()) {
                    (Ok(a), Ok(b)) => (a - b).abs() < TOLERANCE * b.abs().max(1.0),
                    _ => cell == was,
                };
                assert!(same, "{name}: {cell} was {was}");
            }
        }
    }
}
