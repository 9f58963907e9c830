//! Models of other data than the digits, and the demo.

use crate::common::{Room, TINY};
use pyrogen::core::{Noise, Seed};
use pyrogen::data::{digits, picture_folder, read_npy, write_npy};

/// Every kind of column: numbers, whole numbers, categories, classes.
fn mixed_table() -> String {
    let mut noise = Noise::new(Seed(4));
    let rows = noise.normal_vec(80);
    let cells = rows.iter().enumerate().map(|(i, v)| {
        let colour = ["red", "green", "blue"][i % 3];
        format!("{v:.4},{},{colour},{}\n", 20 + i % 11, ["yes", "no"][i % 2])
    });
    format!("height,age,colour,bought\n{}", cells.collect::<String>())
}

#[test]
fn a_mixed_table() {
    let room = Room::new();
    room.write("t.csv", mixed_table());
    let source = "csv:t.csv,label=bought";
    let describe = room.json(&format!("data describe {source} --json"));
    let kinds: Vec<&str> = describe["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["continuous", "integer", "categorical"]);
    room.ok(&format!("train vae --data {source} --out run {TINY} --set classes=2"));
    assert!(room.text("run/report.html").contains("<th>colour</th>"), "a table of samples");

    room.ok("sample run -n 25 --class 1 --out s.csv");
    let csv = room.text("s.csv");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("height,age,colour,bought"));
    let classes: Vec<&str> = lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(cells[0].parse::<f64>().is_ok(), "{line}");
            assert!(cells[1].parse::<i64>().is_ok(), "whole numbers stay whole: {line}");
            assert!(["red", "green", "blue"].contains(&cells[2]), "{line}");
            cells[3]
        })
        .collect();
    assert_eq!(classes.len(), 25);
    assert!(classes.iter().all(|c| *c == classes[0] && ["yes", "no"].contains(c)));

    let score = room.json(&format!("score run --data {source} --draws 8 --json"));
    assert_eq!(score["n"], 16, "a fifth is held out");
    // Samples are data of the same kind.
    room.json("score run --data csv:s.csv,label=bought --draws 8 --json");
    let evaluation = room.json(&format!("evaluate run --data {source} --part all --json"));
    let signature = evaluation["metrics"][0]["signature"].as_str().unwrap();
    assert!(signature.contains("|features:columns-v1:"), "{signature}");
}

/// A third of the numbers and a quarter of the towns are missing; the first are so more often where the
/// kind is `b`.
fn table_with_blanks() -> String {
    let mut noise = Noise::new(Seed(7));
    let (numbers, draws) = (noise.normal_vec(600), noise.uniform_vec(1200));
    let cells = numbers.iter().zip(draws.chunks(2)).enumerate().map(|(i, (v, u))| {
        let kind = ["a", "b"][i % 2];
        let blank = u[0] < [0.1, 0.5][i % 2];
        let number = if blank { String::new() } else { format!("{:.2}", 5.0 + v) };
        let town = if u[1] < 0.25 { "?" } else { ["Ayr", "Bex", "Cox"][i % 3] };
        format!("{number},{town},{kind}\n")
    });
    format!("number,town,kind\n{}", cells.collect::<String>())
}

#[test]
fn missing_cells_are_sampled_at_their_rate() {
    let room = Room::new();
    room.write("t.csv", table_with_blanks());
    let training = r#"--set network={"mlp":{"hidden":[32],"activation":"relu"}} --set latents=2 --steps 600 --set batch_size=64 --no-evaluate"#;
    room.ok(&format!("train vae --data csv:t.csv --out run {training}"));
    room.ok("sample run -n 2000 --out s.csv");
    let text = room.text("s.csv");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
    assert_eq!(rows.len(), 2000);
    let share = |of: &dyn Fn(&Vec<&str>) -> bool| {
        rows.iter().filter(|row| of(row)).count() as f64 / rows.len() as f64
    };
    // 3 of 10 and 1 of 4; a model of 600 steps is within a tenth, and one that draws no blanks is not.
    let (number, town) = (share(&|row| row[0].is_empty()), share(&|row| row[1] == "?"));
    assert!((number - 0.3).abs() < 0.1, "{number}");
    assert!((town - 0.25).abs() < 0.1, "{town}");
    assert!(rows.iter().all(|row| row[0].is_empty() || row[0].parse::<f64>().is_ok()));
    room.json("score run --data csv:t.csv --draws 4 --json");
    // Samples are data of the same kind.
    room.json("score run --data csv:s.csv --draws 4 --json");
}

#[test]
fn rows_of_an_array() {
    let room = Room::new();
    let values: Vec<f32> =
        Noise::new(Seed(5)).normal_vec(300).into_iter().map(|v| 10.0 + v as f32).collect();
    write_npy(&room.path("x.npy"), &values, &[100, 3]).unwrap();
    room.ok(&format!("train vae --data npy:x.npy --out run {TINY}"));
    room.ok("sample run -n 40 --out s.npy");
    let (samples, shape) = read_npy(&room.path("s.npy")).unwrap();
    assert_eq!(shape, [40, 3]);
    let mean = samples.iter().sum::<f64>() / samples.len() as f64;
    assert!((mean - 10.0).abs() < 2.0, "in the units of the data: {mean}");
    room.json("metric frechet x.npy s.npy --json");
    room.ok("reconstruct run --data npy:x.npy -n 5 --out r.csv");
    assert_eq!(room.text("r.csv").lines().count(), 6);
}

#[test]
fn a_folder_of_pictures_and_idx_files() {
    let room = Room::new();
    let rows: Vec<usize> = (0..40).collect();
    let some = digits().subset(&rows);
    let unit = some.layout().to_unit(some.values());
    picture_folder(&room.path("pictures"), &unit, 40, &[1, 8, 8], 1).unwrap();
    let bytes: Vec<u8> = some.values().iter().map(|&v| v as u8).collect();
    let header = [0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 8, 0, 0, 0, 8];
    room.write("x.idx", [&header[..], &bytes].concat());
    for (i, source) in ["images:pictures,size=8x8,grey", "idx:x.idx"].iter().enumerate() {
        assert_eq!(room.json(&format!("data describe {source} --json"))["examples"], 40);
        room.ok(&format!("train vae --data {source} --out run{i} {TINY}"));
        room.ok(&format!("sample run{i} -n 4 --out s.png"));
        let score = room.json(&format!("score run{i} --data {source} --draws 4 --json"));
        assert_eq!(score["n"], 8);
    }
}

#[test]
fn decoders_say_what_they_are_likelihoods_of() {
    let room = Room::new();
    for decoder in ["bernoulli", r#"{"gaussian":{"scale":"shared"}}"#] {
        room.ok(&format!("train vae --data digits --out run {TINY} --set decoder={decoder}"));
        let score = room.json("score run --data digits --draws 4 --json");
        let bits = score["bits_per_dim"].as_f64().unwrap();
        // A hardly trained model of one bit, and of 17 grey values (4.1 bits), a pixel.
        let range = if decoder == "bernoulli" { 0.3..1.5 } else { 2.0..6.0 };
        assert!(range.contains(&bits), "{decoder}: {bits}");
        std::fs::remove_dir_all(room.path("run")).unwrap();
    }
}

#[test]
fn the_demo_writes_a_report_and_trains_anew_only_where_it_was() {
    let room = Room::new();
    let out = room.ok("demo --epochs 1 --out demo").stdout;
    assert!(out.contains("report: demo/report.html"), "{out}");
    let report = room.text("demo/report.html");
    for heading in ["Loss", "Samples", "Reconstructions", "Latent traversal", "Configuration"] {
        assert!(report.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    for part in ["bits/dim", "lower bound", "estimate", "frechet|", "kid|", "prdc|", "mmd|"] {
        assert!(report.contains(part), "{part}");
    }
    // The line that it prints works.
    let line = out.lines().find_map(|l| l.strip_prefix("draw more: pyrogen ")).unwrap();
    room.ok(line);
    assert!(room.path("samples.png").exists());

    // What cannot be done does not cost the last demo.
    #[cfg(not(feature = "cuda"))]
    room.refused("demo --out demo --device cuda", 2, "--features cuda");
    room.write("demo/from-before", "");
    room.ok("demo --epochs 0 --out demo");
    assert!(room.path("demo/from-before").exists(), "what somebody put there stays");
}

#[test]
fn rows_are_balanced_and_pictures_changed_by_settings_of_training() {
    let room = Room::new();
    room.write("t.csv", mixed_table());
    let source = "csv:t.csv,label=bought,weight=age";
    room.ok(&format!("train vae --data {source} --out weighted {TINY}"));
    let config = |run: &str| room.json_file(&format!("{run}/config.json"));
    assert_eq!(config("weighted")["train"]["balance"], "auto");
    // What is drawn by weights is no column of samples.
    room.ok("sample weighted -n 3 --out s.csv");
    assert_eq!(room.text("s.csv").lines().next(), Some("height,colour"));
    let changes = "--set balance=classes --set augment.flip=horizontal --set augment.shift=1";
    room.ok(&format!("train vae --data digits --out changed {TINY} {changes}"));
    let train = &config("changed")["train"];
    assert_eq!(
        (train["balance"].as_str(), train["augment"]["shift"].as_u64()),
        (Some("classes"), Some(1))
    );
    for (set, says) in [
        ("balance=classes", "the data has no classes"),
        (r#"balance={"class_weights":[1,-2]}"#, "finite numbers, 0 or more"),
        ("augment.flip=both", "for pictures: they have flip"),
        ("augment.noise=0.1", "for pictures or points"),
        ("augment.crop=0", "in (0, 1]"),
    ] {
        let train = format!("train vae --data csv:t.csv --out refused {TINY} --set {set}");
        room.refused(&train, 2, says);
    }
    // Models of counts see all rows alike.
    let gmm = "train gmm --data csv:t.csv,weight=age --out gmm --no-evaluate";
    room.refused(gmm, 2, "balance=none");
}

#[test]
fn a_folder_of_pictures_trains_from_its_files() {
    let room = Room::new();
    let digits = digits();
    let unit = digits.layout().to_unit(digits.subset(&(0..40).collect::<Vec<_>>()).values());
    picture_folder(&room.path("p"), &unit, 40, digits.event_shape(), 1).unwrap();
    let run = |cache: &str| {
        room.ok(&format!("train vae --data images:p,cache={cache} --out {cache} {TINY}"));
        room.read(&format!("{cache}/model/model.safetensors"))
    };
    // The source's text is part of the card and not of the weights.
    assert!(run("yes") == run("no"));
}

/// The report looks at some of many held-out items, and says so.
#[test]
fn the_report_says_how_many_items_are_held_out() {
    let room = Room::new();
    room.ok("train maf --data toy:moons,examples=11000 --out run --steps 1 --no-evaluate");
    let report = room.text("run/report.html");
    assert!(report.contains("2200 examples, 2000 of them drawn for this report"), "{report}");
    room.ok("train maf --data toy:moons,examples=500 --out small --steps 1 --no-evaluate");
    assert!(room.text("small/report.html").contains(">100 examples<"));
}
