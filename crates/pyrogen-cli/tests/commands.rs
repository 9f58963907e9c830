//! What the commands do when all is well.

use crate::common::{Room, TINY, outcome};
use pyrogen::core::{Noise, Seed};
use pyrogen::data::{digits, read_npy, write_npy};
use serde_json::Value;

/// A PNG file begins with these bytes.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Pictures of a grid are 8x8 pixels, enlarged 8 times, with a line of one pixel between.
const CELL: u32 = 8 * 8 + 1;

/// A sample mean strays above an expectation by this many standard errors with a probability of
/// 3e-7.
const SIGMAS: f64 = 5.0;

/// Width and height, from the header.
fn png_size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(PNG) && &png[12..16] == b"IHDR");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn train_writes_a_run() {
    let room = Room::new();
    let train = format!("train vae --data digits --out run {TINY} --workers 2");
    let out = room.ok(&train.replace("--no-evaluate", ""));
    assert!(out.stderr.contains("step 20/20"), "progress in plain lines: {out:?}");
    assert!(out.stdout.contains("run/report.html"));
    assert_eq!(room.json_file("run/config.json")["train"]["gradient"]["workers"], 2);
    let rows = room.text("run/metrics.csv");
    assert!(rows.starts_with("part,step,epoch,loss,") && rows.contains("\nvalidation,20,1,"));
    for name in ["samples", "reconstructions", "traversal"] {
        png_size(&room.read(&format!("run/samples/{name}.png")));
    }
    assert!(room.text("run/plots/loss.svg").contains("<svg"));
    for part in ["last", "best"] {
        assert_eq!(
            room.json_file(&format!("run/checkpoints/{part}/state.json"))["state"]["step"],
            20
        );
    }
    let card = room.json_file("run/model/card.json");
    assert_eq!(card["family"], "vae");
    assert_eq!(card["steps"], 20);
    assert_eq!(card["data"]["source"], "digits");
    let kinds: Vec<&Value> =
        card["scores"]["likelihood"].as_array().unwrap().iter().map(|l| &l["kind"]).collect();
    assert_eq!(kinds, ["lower_bound", "estimate"]);
}

#[test]
fn the_report_holds_all_it_shows() {
    let room = Room::with_run();
    let html = room.text("run/report.html");
    assert!(html.matches("src=\"data:image/png;base64,").count() == 3, "three pictures");
    assert_eq!(html.matches("src=").count(), 3, "and no other sources");
    assert!(html.contains("<svg"), "the loss curve");
    let names = ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"]; // name spaces
    let text = names.iter().fold(html, |text, name| text.replace(name, ""));
    for outside in ["http:", "https:", "<script", "<link", "url(", "@import"] {
        assert!(!text.contains(outside), "{outside}");
    }
}

/// The report of a table: its own plots and numbers, each explained, signatures behind a fold.
#[test]
fn the_report_of_a_table_shows_its_columns() {
    let room = Room::new();
    let rows: String = (0..120)
        .map(|i| {
            format!(
                "{},{:.2},{}\n",
                i * 7 % 50,
                f64::from(i % 11) / 3.0,
                ["x", "y"][i as usize % 2]
            )
        })
        .collect();
    room.write("data/people.csv", format!("age,size,town\n{rows}"));
    let tiny = TINY.replace("--no-evaluate", "");
    room.ok(&format!("train vae --data csv:data/people.csv --out run {tiny}"));
    let html = room.text("run/report.html");
    for part in [
        "<h1>vae on csv:people.csv</h1>",
        "--out samples.csv",
        "column_difference",
        "pair_trends",
        "lower is better: mean distance of a column",
        "higher is better: share of samples that lie among real items",
        "<details><summary>Signatures",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for plot in ["columns", "pairs"] {
        let svg = room.text(&format!("run/plots/{plot}.svg"));
        assert!(svg.contains(">town") && svg.contains(">age"), "{plot}: {svg}");
    }
    let scores = room.json_file("run/model/card.json")["scores"]["metrics"].clone();
    let names: Vec<&str> =
        scores.as_array().unwrap().iter().map(|m| m["metric"].as_str().unwrap()).collect();
    assert!(names.contains(&"columns"), "{names:?}");
}

#[test]
fn limits_end_a_run() {
    let room = Room::new();
    let train = |name: &str, limit: &str| {
        let tiny = TINY.replace("--steps 20", limit);
        room.ok(&format!("train vae --data digits --out {name} {tiny}"));
        room.json_file(&format!("{name}/model/card.json"))["steps"].as_u64().unwrap()
    };
    // 1,294 examples in batches of 64
    assert_eq!(train("epochs", "--epochs 2"), 42);
    assert_eq!(train("steps", "--steps 7"), 7);
    assert!(train("minutes", "--minutes 0.005") > 0);
    assert!(room.text("minutes/events.jsonl").contains("\"reason\":\"time\""));
    assert_eq!(room.json_file("minutes/config.json")["train"]["limits"]["epochs"], Value::Null);
}

#[test]
fn a_config_file_and_settings_are_laid_over_the_defaults() {
    let room = Room::new();
    room.write("c.json", r#"{"model": {"beta": 0.5}, "train": {"batch_size": 32}}"#);
    let set = "--config c.json --set batch_size=16";
    room.ok(&format!("train vae --data digits --out run {TINY} {set}"));
    let config = room.json_file("run/config.json");
    assert_eq!(config["model"]["beta"], 0.5);
    assert_eq!(config["train"]["batch_size"], 16, "a setting beats the file");
    assert_eq!(config["train"]["optimizer"]["learning_rate"], 2e-3, "the family's default");
}

#[test]
fn a_resumed_run_goes_on() {
    let room = Room::with_run();
    let whole = Room::new();
    let longer = TINY.replace("--steps 20", "--steps 30");
    // The schedule depends on the end: with a constant rate the first steps are the same.
    let train = |tiny: &str| {
        format!("train vae --data digits --out r --resume {tiny} --set schedule.decay=constant")
    };
    room.ok(&train(TINY));
    room.ok(&train(&longer));
    whole.ok(&train(&longer));
    for name in ["r/model/model.safetensors", "r/model/card.json"] {
        assert!(room.read(name) == whole.read(name), "{name} differs");
    }
    assert!(room.text("r/events.jsonl").contains("\"resume\""));
}

#[test]
fn samples_are_written_in_every_form() {
    let room = Room::with_run();
    room.ok("sample run -n 10 --out s/grid.png");
    let (w, h) = png_size(&room.read("s/grid.png"));
    assert_eq!((w, h), (4 * CELL - 1, 3 * CELL - 1), "10 pictures in a grid that is about square");

    room.ok("sample run -n 10 --out pictures");
    let files = std::fs::read_dir(room.path("pictures")).unwrap().count();
    assert_eq!(files, 10);
    assert_eq!(png_size(&room.read("pictures/00009.png")), (8, 8), "in their true size");

    room.ok("sample run -n 10 --out s.csv");
    let csv = room.text("s.csv");
    assert_eq!(csv.lines().count(), 11);
    assert!(csv.starts_with("x0,x1,") && csv.lines().next().unwrap().ends_with(",x63"));

    let report = room.json("sample run -n 10 --seed 3 --out s.npy --json");
    assert_eq!(report, serde_json::json!({"n": 10, "seed": 3, "out": "s.npy"}));
    let (values, shape) = read_npy(&room.path("s.npy")).unwrap();
    assert_eq!(shape, [10, 1, 8, 8]);
    assert!(values.iter().all(|v| (0.0..=16.0).contains(v)), "in the units of the data");
}

#[test]
fn what_a_killed_command_left_is_removed() {
    let room = Room::with_run();
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for name in [".pyrogen-tmp-a", "folder/.pyrogen-tmp-b/00000.png", "more/.pyrogen-tmp-c"] {
        room.write(name, "half");
        let first = name.split('/').take(2).collect::<Vec<_>>().join("/");
        std::fs::File::open(room.path(&first)).unwrap().set_modified(hour_ago).unwrap();
    }
    room.ok("sample run -n 3 --out s.npy");
    room.ok("sample run -n 3 --out folder");
    room.ok("score run --data digits --draws 1 --out more/s.csv");
    let left: Vec<_> =
        room.tree().into_keys().filter(|p| p.to_string_lossy().contains("pyrogen-tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn private_files_and_links_stay_what_they_are() {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let room = Room::with_run();
    let longer = TINY.replace("--steps 20", "--steps 30");
    fs::rename(room.path("run/model"), room.path("elsewhere")).unwrap();
    symlink("../elsewhere", room.path("run/model")).unwrap();
    let private = ["run/config.json", "run/metrics.csv", "run/report.html", "elsewhere/card.json"];
    for name in private {
        fs::set_permissions(room.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    room.ok(&format!("train vae --data digits --out run --resume {longer}"));
    for name in private {
        let mode = fs::metadata(room.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert!(fs::symlink_metadata(room.path("run/model")).unwrap().is_symlink());
    assert_eq!(room.json_file("elsewhere/card.json")["steps"], 30);
}

#[test]
fn a_folder_that_is_removed_during_training_is_not_made_again() {
    let room = Room::new();
    let tiny = TINY.replace("--steps 20", "--steps 1000000");
    let line = format!("train vae --data digits --out run {tiny} --set checkpoint_every=5");
    let mut child = room.command(&line).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while !room.path("run/model/card.json").exists() {
        assert!(begun.elapsed().as_secs() < 60, "no checkpoint is written");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::fs::rename(room.path("run"), room.path("moved")).unwrap();
    let out = loop {
        if child.try_wait().unwrap().is_some() {
            break child.wait_with_output().unwrap();
        }
        if begun.elapsed().as_secs() > 120 {
            child.kill().unwrap();
            panic!("the run goes on");
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert!(stderr.contains("the run folder was removed or replaced"), "{stderr}");
    assert_eq!(out.status.code(), Some(1));
    assert!(!room.path("run").exists());
}

#[test]
fn a_demo_deletes_nothing() {
    let room = Room::new();
    room.write("demo/mine.txt", "mine");
    room.refused("demo --out demo", 1, "is not a demo's folder");
    // What a demo leaves, with files of a person in it.
    std::fs::remove_file(room.path("demo/mine.txt")).unwrap();
    room.ok(&format!("train vae --data digits --out demo {TINY}"));
    room.write("demo/.pyrogen-demo", "");
    for name in ["demo/mine.txt", "demo/samples/mine.png", "demo/model/mine.txt"] {
        room.write(name, "mine");
    }
    let told = room.json("demo --out demo --epochs 1 --seed 3 --json");
    assert_eq!((&told["report"], &told["steps"]), (&"demo/report.html".into(), &21.into()));
    assert!(told["scores"]["metrics"].is_array(), "{told}");
    for name in ["demo/mine.txt", "demo/samples/mine.png", "demo/model/mine.txt"] {
        assert_eq!(room.text(name), "mine");
    }
    assert_eq!(room.json_file("demo/config.json")["seed"], 3);
}

#[test]
fn samples_depend_on_the_seed_alone() {
    let room = Room::with_run();
    let sample = |args: &str, threads: Option<&str>| {
        let mut command = room.command(&format!("sample run -n 300 --out s.npy {args}"));
        if let Some(n) = threads {
            command.env("RAYON_NUM_THREADS", n);
        }
        assert_eq!(outcome(&mut command).code, Some(0));
        room.read("s.npy")
    };
    let first = sample("--seed 5", None);
    assert!(first == sample("--seed 5", None), "another process");
    assert!(first == sample("--seed 5", Some("1")), "one thread");
    assert!(first == sample("--seed 5", Some("4")), "four threads");
    assert!(first != sample("--seed 6", None), "another seed");

    sample("--temperature 0", None);
    let (values, _) = read_npy(&room.path("s.npy")).unwrap();
    assert!(values.chunks(64).all(|row| row == &values[..64]), "no spread, no difference");
}

#[test]
fn a_conditional_model_draws_classes() {
    let room = Room::new();
    room.ok(&format!("train vae --data digits --out run {TINY} --set classes=10"));
    assert_eq!(room.json("info run --json")["classes"], 10);
    room.ok("sample run -n 12 --class 7 --out s.csv");
    let labels = |name: &str| -> Vec<String> {
        let csv = room.text(name);
        csv.lines().map(|l| l.rsplit(',').next().unwrap().to_string()).collect()
    };
    assert_eq!(labels("s.csv"), [vec!["label"], vec!["7"; 12]].concat());
    // Without a class: every class in turn.
    room.ok("sample run -n 12 --out s.csv");
    assert_eq!(labels("s.csv")[9..], ["8", "9", "0", "1"]);
    room.ok("traverse run --class 3 --out t.npy");
    room.json("score run --data digits --draws 2 --json");
    room.ok("reconstruct run --data digits --out r.png");
    room.ok("interpolate run --data digits --out i.png");
}

#[test]
fn scores_have_their_kind() {
    let room = Room::with_run();
    let bound = room.json("score run --data digits --draws 16 --method lower-bound --json");
    let estimate = room.json("score run --data digits --draws 64 --out s.npy --json");
    let expected = [
        "kind",
        "of",
        "mean_nats",
        "std_err",
        "population_std_err",
        "total_nats",
        "unit",
        "units",
        "bits_per_dim",
        "n",
    ];
    for score in [&bound, &estimate] {
        assert_eq!(keys(score), expected);
        // 1,797 digits, a fifth of each class held out
        assert_eq!(score["n"], 359, "the part that training did not see");
        let nats = score["mean_nats"].as_f64().unwrap();
        let bits = score["bits_per_dim"].as_f64().unwrap();
        assert!((bits + nats / (64.0 * std::f64::consts::LN_2)).abs() < 1e-9);
    }
    assert_eq!((&bound["kind"], &estimate["kind"]), (&"lower_bound".into(), &"estimate".into()));
    let number = |score: &Value, name: &str| score[name].as_f64().unwrap();
    let error = number(&bound, "std_err").hypot(number(&estimate, "std_err"));
    let below = number(&estimate, "mean_nats") - number(&bound, "mean_nats");
    assert!(below > -SIGMAS * error, "a bound is below: {bound} {estimate}");

    let (values, shape) = read_npy(&room.path("s.npy")).unwrap();
    assert_eq!(shape, [359]);
    let mean = values.iter().sum::<f64>() / 359.0;
    assert!((mean - number(&estimate, "mean_nats")).abs() < 1e-3, "f32 in the file");

    for (part, n) in [("train", 1438), ("all", 1797)] {
        let score = room.json(&format!("score run --data digits --draws 1 --part {part} --json"));
        assert_eq!(score["n"], n);
    }
    // The training data is known by what it holds, other data is scored whole.
    let all = digits();
    write_npy(&room.path("all.npy"), all.values(), &[1797, 1, 8, 8]).unwrap();
    room.ok(&format!("train vae --data npy:all.npy --out n {TINY}"));
    let n = |source: &str| {
        let line = format!("score n --data npy:{source} --draws 1 --json");
        room.json(&line)["n"].clone()
    };
    assert_eq!(n("./all.npy"), 359);
    let mut changed = all.values().to_vec();
    changed[20] = if changed[20] == 0.0 { 1.0 } else { 0.0 };
    write_npy(&room.path("all.npy"), &changed, &[1797, 1, 8, 8]).unwrap();
    assert_eq!(n("all.npy"), 1797);
    write_npy(&room.path("d.npy"), &digits().values()[..64 * 30], &[30, 1, 8, 8]).unwrap();
    assert_eq!(room.json("score run --data npy:d.npy --draws 1 --json")["n"], 30);
    let text = room.ok("score run --data npy:d.npy --draws 1 --out s.csv").stdout;
    assert!(text.contains("estimate of log p(x): ") && text.contains("bits per dimension: "));
    assert_eq!(room.text("s.csv").lines().count(), 31);
    assert_eq!(room.text("s.csv").lines().next(), Some("log_p_nats"));
}

#[test]
fn an_outlier_is_found() {
    let room = Room::with_run();
    let mut values = digits().values()[..64 * 50].to_vec();
    // Picture 17 is noise: grey values that are independent and uniform.
    for (v, u) in values[64 * 17..].iter_mut().zip(Noise::new(Seed(1)).uniform_vec(64)) {
        *v = (u * 17.0).floor() as f32;
    }
    write_npy(&room.path("d.npy"), &values, &[50, 1, 8, 8]).unwrap();
    let report = room.json("anomaly run --data npy:d.npy --top 3 --out ranks.csv --json");
    assert_eq!(keys(&report), ["kind", "n", "anomalies"]);
    assert_eq!(report["anomalies"].as_array().unwrap().len(), 3);
    assert_eq!(report["anomalies"][0]["row"], 17);
    assert!(room.text("ranks.csv").starts_with("rank,row,nats\n1,17,"));
    assert_eq!(room.text("ranks.csv").lines().count(), 51);
    let text = room.ok("anomaly run --data npy:d.npy --top 3").stdout;
    assert!(text.lines().nth(1).unwrap().starts_with("17  "), "{text}");
}

#[test]
fn the_latent_space_is_shown() {
    let room = Room::with_run();
    room.ok("reconstruct run --data digits -n 20 --out r.png");
    let size = png_size(&room.read("r.png"));
    assert_eq!(size, (16 * CELL - 1, 4 * CELL - 1), "two lines of originals, each with its own");
    let told = room.json("reconstruct run --data digits -n 20 --out r.npy --json");
    assert_eq!(told, serde_json::json!({"n": 20, "out": "r.npy"}));
    assert_eq!(read_npy(&room.path("r.npy")).unwrap().1, [20, 1, 8, 8]);

    room.ok("traverse run --steps 5 --out t.png");
    assert_eq!(png_size(&room.read("t.png")), (5 * CELL - 1, 2 * CELL - 1));
    let told = room.json("traverse run --steps 5 --dims 1 --range 1.5 --out t.csv --json");
    assert_eq!(told, serde_json::json!({"dims": 1, "steps": 5, "out": "t.csv"}));
    assert_eq!(room.text("t.csv").lines().count(), 6);

    room.ok("interpolate run --data digits --steps 7 --out i.png");
    assert_eq!(png_size(&room.read("i.png")), (7 * CELL - 1, CELL - 1));
    let told =
        room.json("interpolate run --data digits --from 4 --to 9 --steps 3 --out i.npy --json");
    assert_eq!(told, serde_json::json!({"from": 4, "to": 9, "steps": 3, "out": "i.npy"}));
    room.ok("interpolate run --data digits --from 9 --to 4 --steps 3 --spherical --out j.npy");
    let ends = |name: &str| {
        let (values, shape) = read_npy(&room.path(name)).unwrap();
        assert_eq!(shape, [3, 1, 8, 8]);
        (values[..64].to_vec(), values[128..].to_vec())
    };
    let ((a, b), (c, d)) = (ends("i.npy"), ends("j.npy"));
    assert!(a == d && b == c, "both ways have the same ends");
}

#[test]
fn evaluate_reports_every_metric() {
    let room = Room::with_run();
    let line = "evaluate run --data digits --limit 60 --draws 4";
    let report = room.json(&format!("{line} --json"));
    assert_eq!(keys(&report), ["examples", "likelihood", "metrics", "rate_distortion", "latent"]);
    assert_eq!(report["examples"], 60);
    let names: Vec<&str> = report["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["metric"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["frechet", "kid", "prdc", "mmd", "classes"]);
    for metric in report["metrics"].as_array().unwrap() {
        let signature = metric["signature"].as_str().unwrap();
        assert!(signature.contains("|real:60|generated:60|"), "{signature}");
    }
    let text = room.ok(line).stdout;
    for part in ["lower_bound: ", "estimate: ", "frechet: ", "coverage: ", "features:"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let report = room.json(&format!("{line} --reference --json"));
    let count = |part: &str| report[part].as_array().unwrap().len();
    assert_eq!(count("reference"), count("metrics"));
    let frechet = |part: &str| report[part][0]["values"]["frechet"].as_f64().unwrap();
    // Other real digits are read as what they are; no class was asked of this model.
    let classes = |part: &str| report[part][4]["values"].clone();
    assert!(classes("reference")["class_agreement"].as_f64().unwrap() > 0.9, "{report}");
    assert_eq!(classes("metrics")["class_agreement"], serde_json::Value::Null);
    let shares = (0..10).map(|c| classes("metrics")[format!("share_{c}")].as_f64().unwrap());
    assert!((shares.sum::<f64>() - 1.0).abs() < 1e-12, "{report}");
    // A model that has hardly learnt is farther from real digits than other real digits are.
    assert!(frechet("reference") < frechet("metrics"), "{report}");
    // Compared by its pixels, it is farther, too; the signature names them.
    let pixels = room.json(&format!("{line} --reference --embedding pixels --json"));
    let frechet = |part: &str| pixels[part][0]["values"]["frechet"].as_f64().unwrap();
    assert!(frechet("reference") < frechet("metrics"), "{pixels}");
    let signature = pixels["metrics"][0]["signature"].as_str().unwrap();
    assert!(signature.contains("|features:pixels-1x8x8-v1|"), "{signature}");
    // The features of random convolutions, and the latents of a model: of this one, which is farther away in
    // its own eyes, too.
    for (embedding, name) in [("convolutions", "random-conv-1x32-v1:"), ("run", "latents-vae-")] {
        let report = room.json(&format!("{line} --reference --embedding {embedding} --json"));
        let frechet = |part: &str| report[part][0]["values"]["frechet"].as_f64().unwrap();
        assert!(frechet("reference") < frechet("metrics"), "{report}");
        let signature = report["metrics"][0]["signature"].as_str().unwrap();
        assert!(signature.contains(&format!("|features:{name}")), "{signature}");
    }
    room.refused(&format!("{line} --embedding inception"), 2, "auto, digits, convolutions, pixels");
    write_npy(&room.path("d.npy"), &digits().values()[..64 * 30], &[30, 1, 8, 8]).unwrap();
    let needs = "--part train needs the data the model was trained on";
    room.refused("evaluate run --data npy:d.npy --reference", 2, needs);
    // A few examples have a likelihood, and say nothing about a distribution.
    let few = room.json("evaluate run --data digits --limit 3 --draws 4 --json");
    assert_eq!(few["likelihood"].as_array().unwrap().len(), 2);
    assert_eq!(few["metrics"].as_array().unwrap().len(), 0);
}

#[test]
fn metrics_compare_two_files() {
    let room = Room::new();
    let values: Vec<f32> =
        Noise::new(Seed(2)).normal_vec(240).into_iter().map(|v| v as f32).collect();
    write_npy(&room.path("a.npy"), &values[..120], &[40, 3]).unwrap();
    let rows: Vec<String> =
        values[120..].chunks(3).map(|r| format!("{},{},{}", r[0], r[1], r[2])).collect();
    room.write("b.csv", format!("x,y,z\n{}\n", rows.join("\n")));
    for (metric, names) in [
        ("frechet", &["frechet"][..]),
        ("kid", &["kid", "kid_std"]),
        ("prdc", &["precision", "recall", "density", "coverage"]),
        ("mmd", &["mmd"]),
    ] {
        let report = room.json(&format!("metric {metric} a.npy b.csv --json"));
        assert_eq!(keys(&report), ["metric", "values", "signature"]);
        assert_eq!(report["metric"], metric);
        assert_eq!(keys(&report["values"]), names);
        assert!(report["values"].as_object().unwrap().values().all(Value::is_f64));
        let signature = report["signature"].as_str().unwrap();
        let begin = format!("{metric}|features:given|real:40|generated:40|");
        assert!(signature.starts_with(&begin), "{signature}");
        let text = room.ok(&format!("metric {metric} a.npy b.csv")).stdout;
        assert!(text.ends_with(&format!("signature: {signature}\n")), "{text}");
    }
    let report = room.json("metric prdc a.npy a.npy -k 3 --json");
    assert!(report["signature"].as_str().unwrap().contains("|k:3|"));
    assert_eq!(report["values"]["coverage"], 1.0, "a set covers itself");
}

#[test]
fn reports_are_one_object() {
    let room = Room::with_run();
    let info = room.json("info run --json");
    for key in ["path", "parameters", "event", "classes", "card", "config", "can", "modality"] {
        assert!(keys(&info).contains(&key), "{key}");
    }
    assert_eq!(info["config"]["latents"], 2);
    assert_eq!(info["path"], "run/model");
    assert_eq!(room.json("info run/model --json"), info, "the model folder alone is enough");
    let families = room.json("families --json");
    assert_eq!(families["families"][0]["name"], "vae");
    assert_eq!(
        keys(&families["families"][0]["can"]),
        [
            "sample",
            "condition",
            "context",
            "score",
            "anomaly",
            "latent",
            "traverse",
            "steer",
            "inpaint",
            "complete",
            "assign",
            "query",
            "stream"
        ]
    );
    let data = room.json("data describe digits --json");
    assert_eq!((&data["examples"], &data["levels"]), (&1797.into(), &17.into()));
    assert_eq!(data["classes"].as_array().unwrap().len(), 10);

    let shown = room.ok("info run").stdout;
    assert!(shown.contains("card.data.source: digits"), "{shown}");
    assert!(shown.contains("\nsample_options.temperature: 1.0: "), "one line an option: {shown}");
    assert!(!shown.contains("sample_options: ["), "no JSON: {shown}");
    assert!(room.ok("families").stdout.contains("reconstruct, interpolate, traverse"));
    assert!(room.ok("data describe digits").stdout.contains("examples: 1797"));
    assert!(room.ok("completions bash").stdout.contains("complete -F _pyrogen"));
    assert!(room.ok("--version").stdout.starts_with("pyrogen "));
    let help = room.ok("train --help").stdout;
    for flag in ["--config", "--set", "--seed", "--device", "--workers", "--resume", "--minutes"] {
        assert!(help.contains(flag), "{flag}");
    }
}
