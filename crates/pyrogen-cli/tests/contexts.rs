//! Models that take a context with each picture: trained, sampled and refused on the command line.

use crate::common::{Room, TINY};
use pyrogen::core::Seed;
use pyrogen::core::folder::replace_card;
use pyrogen::data::{Holdout, digits, grid_png_file, picture_folder};

/// A model so small that it is trained in a second.
const SMALL: &str = "--set network={\"mlp\":{\"width\":8,\"blocks\":1}} --steps 20 --no-evaluate";

const CONV: &str = r#"--set network={"conv":{"channels":[4],"activation":"relu"}} --set latents=2 --steps 20 --no-evaluate"#;

/// The command could not be carried out.
const FAILED: i32 = 1;
/// The command makes no sense.
const USAGE: i32 = 2;

/// The rows of a table of samples.
fn rows(room: &Room, name: &str) -> Vec<Vec<f32>> {
    let text = room.text(name);
    let lines = text.lines().skip(1);
    lines.map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect()
}

#[test]
fn contexts_go_with_the_model_through_every_command() {
    let room = Room::new();
    for (name, family, own) in [
        ("d", "diffusion", SMALL),
        ("f", "flow-matching", SMALL),
        ("v", "vae", TINY),
        ("c", "vae", CONV),
    ] {
        let train = format!("train {family} --data digits --context small:4 --out {name} {own}");
        room.ok(&train);
        let config = room.json_file(&format!("{name}/config.json"));
        assert_eq!(config["data"]["context"], "small:4", "{name}");
        let card = room.json_file(&format!("{name}/model/card.json"));
        assert_eq!(card["data"]["context"], "small:4", "{name}");
        let model = room.json_file(&format!("{name}/model/config.json"));
        assert_eq!(model["context"], serde_json::json!([1, 8, 8]), "{name}");
        assert!(room.path(&format!("{name}/samples/contexts.png")).exists(), "{name}");
        // Another context would be another run.
        let other = train.replace("small:4", "edges");
        room.refused(
            &format!("{other} --resume"),
            FAILED,
            "`data.context` was \"small:4\", now \"edges\"",
        );

        let sample = format!("sample {name} -n 6 --out {name}/s.csv --context");
        room.ok(&format!("{sample} digits"));
        let first = rows(&room, &format!("{name}/s.csv"));
        assert_eq!(first.len(), 6);
        room.ok(&format!("{sample} digits --seed 1"));
        assert_eq!(first, rows(&room, &format!("{name}/s.csv")), "a seed gives the same samples");
        room.ok(&format!("upscale {name} --input digits -n 3 --candidates 2 --out {name}/u.png"));
        room.ok(&format!("evaluate {name} --data digits --limit 12 --draws 2"));
        room.ok(&format!("score {name} --data digits --draws 2 --part all --method lower-bound"));
        room.refused(&format!("sample {name} --out s.png"), USAGE, "(small:4): give --context");
    }
    room.ok("inpaint d --data digits -n 2 --candidates 1 --steps 2 --repeats 1 --out i.png");
    for (name, command) in [("d", "interpolate"), ("f", "interpolate"), ("v", "interpolate")] {
        room.ok(&format!("{command} {name} --data digits --steps 3 --out {name}/i.png"));
    }
    room.ok("reconstruct v --data digits -n 4 --out r.png");
    room.ok("traverse v --steps 3 --context digits --out t.png");
    room.refused("traverse v --steps 3 --out t2.png", USAGE, "give --context");
}

/// A GAN from picture to picture, which is what the family makes of a context by itself.
const PAIRED: &str = r#"--set networks.unet={"channels":[4,8],"patches":[4,8]} --set latents=2 --steps 4 --set batch_size=8 --no-evaluate"#;

#[test]
fn every_family_that_says_so_takes_a_context() {
    let room = Room::new();
    let families = room.json("families --json");
    let mut count = 0;
    for family in families["families"].as_array().unwrap() {
        let name = family["name"].as_str().unwrap();
        if family["can"]["context"] != true {
            continue;
        }
        let own = match name {
            "gan" => PAIRED,
            _ if family["can"]["steer"] == true => SMALL,
            _ => TINY,
        };
        room.ok(&format!("train {name} --data digits --context edges --out {name} {own}"));
        room.ok(&format!("sample {name} -n 3 --context digits --out {name}.png"));
        count += 1;
    }
    assert_eq!(count, 9, "{families}");
}

#[test]
fn small_pictures_from_files_are_those_of_training() {
    let room = Room::new();
    room.ok(&format!("train diffusion --data digits --context small:2 --out run {SMALL}"));
    // The 4x4 pictures of three digits, and the digits themselves.
    let some = digits().subset(&[3, 1, 4]);
    let unit = some.layout().to_unit(some.values());
    let small: Vec<f32> = unit
        .chunks(64)
        .flat_map(|x| {
            let mean = |i: usize, j: usize| {
                [0, 1, 8, 9].iter().map(|d| x[16 * i + 2 * j + d]).sum::<f32>() / 4.0
            };
            (0..16).map(|k| mean(k / 4, k % 4)).collect::<Vec<_>>()
        })
        .collect();
    picture_folder(&room.path("small"), &small, 3, &[1, 4, 4], 1).unwrap();
    picture_folder(&room.path("large"), &unit, 3, &[1, 8, 8], 1).unwrap();
    let line = "upscale run -n 3 --candidates 2 --steps 4 --sampler euler --out";
    room.ok(&format!("{line} a.csv --input images:small"));
    room.ok(&format!("{line} b.csv --input images:large"));
    room.ok("upscale run --steps 4 --sampler euler --out one.csv --input small/00000.png");
    let (a, b) = (rows(&room, "a.csv"), rows(&room, "b.csv"));
    assert_eq!((a.len(), rows(&room, "one.csv").len()), (6, 1));
    // A file has 256 grey values where the digits have 17.
    let apart =
        |a: &[f32], b: &[f32]| a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > 1.0).count();
    assert!(a.iter().zip(&b).all(|(a, b)| apart(a, b) == 0), "{a:?}\n{b:?}");
    let listed = room.json("upscale run --input images:small --steps 2 --out g.png --json");
    assert_eq!((&listed["n"], &listed["candidates"]), (&3.into(), &1.into()));

    grid_png_file(&room.path("six.png"), &[0.5; 36], 1, &[1, 6, 6], 1, 1).unwrap();
    let wrong = "give pictures of shape [1, 4, 4], which are that, or of shape [1, 8, 8]";
    room.refused("upscale run --input six.png --out x.png", FAILED, wrong);
    room.refused("sample run --context six.png --out x.png", FAILED, wrong);
    room.refused("upscale run --input nowhere.png --out x.png", FAILED, "nowhere.png: cannot read");
    room.refused("upscale run --input digit --out x.png", USAGE, "unknown data source `digit`");
    room.refused("upscale run --input digits --candidates 0 --out x.png", USAGE, "at least 1");
}

#[test]
fn sketches_and_colours() {
    let room = Room::new();
    let colours: Vec<f32> = (0..40 * 192).map(|k| (k % 97) as f32 / 97.0).collect();
    picture_folder(&room.path("colours"), &colours, 40, &[3, 8, 8], 1).unwrap();
    grid_png_file(&room.path("sketch.png"), &[0.3; 64], 1, &[1, 8, 8], 1, 1).unwrap();
    let source = "images:colours";
    room.ok(&format!("train flow-matching --data {source} --context grey --out g {SMALL}"));
    room.ok(&format!("sample g -n 2 --context {source} --out g.png"));
    room.ok("sample g -n 2 --context sketch.png --out g2.png");
    // Long enough that it listens.
    let longer = SMALL.replace("--steps 20", "--steps 200 --set gradient.ema_decay=null");
    room.ok(&format!("train diffusion --data digits --context edges --out e {longer}"));
    room.ok("sample e -n 3 --context sketch.png --out e.csv");
    let edges = rows(&room, "e.csv");
    room.ok("sample e -n 3 --context digits --out e.csv");
    assert_ne!(edges, rows(&room, "e.csv"), "a sketch is not what the digits' edges are");
    let why = "cannot upscale: it takes `edges`: train one with --context small:FACTOR";
    room.refused("upscale e --input digits --out x.png", FAILED, why);
}

#[test]
fn contexts_that_make_no_sense() {
    let room = Room::with_run();
    let train = |family: &str, rest: &str| format!("train {family} --out new {TINY} {rest}");
    for (family, rest, says) in [
        ("vae", "--data digits --context sepia", "`context` must be one of small:FACTOR, grey"),
        ("vae", "--data digits --context small:1", "a whole number from 2 up"),
        ("vae", "--data digits --context small:3", "divides height and width, got small:3 of 8x8"),
        ("vae", "--data digits --context grey", "colour pictures alone"),
        ("vae", "--data toy:moons --context edges", "made from pictures"),
        ("vq-vae", "--data digits --context edges", "`vq-vae` take no context"),
        ("ladder-vae", "--data digits --context edges", "`ladder-vae` take no context"),
        ("vamp-vae", "--data digits --context edges", "`vamp-vae` take no context"),
        ("vae", "--data digits --set context=[1,8,8]", "`model.context` must be null without"),
        (
            "vae",
            "--data digits --context edges --set context=[1,4,4]",
            "which the context edges makes, got [1, 4, 4]",
        ),
        (
            "vae",
            "--data digits --context edges --set context=null",
            "which the context edges makes, got null",
        ),
    ] {
        room.refused(&train(family, rest), USAGE, says);
    }
    room.refused("sample run --context digits --out s.png", USAGE, "--context is for models that");
    room.refused(
        "upscale run --input digits --out s.png",
        FAILED,
        "it takes no context: train one",
    );
    for (line, says) in [
        ("sample run --from digits --out s.png", "--strength"),
        ("sample run --strength 0.5 --out s.png", "--from"),
    ] {
        room.refused(line, USAGE, says);
    }
    let why = "cannot vary";
    room.refused("sample run --from digits --strength 0.5 --out s.png", FAILED, why);
}

#[test]
fn samples_begin_with_pictures() {
    let room = Room::new();
    let distance = |a: &[Vec<f32>], b: &[Vec<f32>]| -> f32 {
        a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).sum()
    };
    for family in ["diffusion", "flow-matching"] {
        room.ok(&format!("train {family} --data digits --out {family} {SMALL}"));
        let sample = |strength: &str, out: &str| {
            let line = format!("sample {family} -n 5 --steps 10 --from digits --strength");
            room.ok(&format!("{line} {strength} --out {out}"));
            rows(&room, out)
        };
        let (near, far) = (sample("0.1", "near.csv"), sample("1", "far.csv"));
        assert_eq!(near, sample("0.1", "near.csv"), "a seed gives the same samples");
        // The held-out part of the digits, in order, is what they began with.
        let digits = digits().split(Holdout::Fraction(0.2), Seed(1)).unwrap().test;
        let given: Vec<Vec<f32>> = (0..5).map(|i| digits.row(i).to_vec()).collect();
        assert!(3.0 * distance(&near, &given) < distance(&far, &given), "{family}");
        room.refused(
            &format!("sample {family} --from digits --strength 0 --out x.png"),
            USAGE,
            "`strength` must be above 0 and at most 1, got 0",
        );
        room.refused(
            &format!("sample {family} --from digits --strength 0.01 --steps 10 --out x.png"),
            USAGE,
            "leaves none of 10 steps: take at least 0.1",
        );
        room.refused(
            &format!("sample {family} --from toy:moons --strength 0.5 --out x.png"),
            FAILED,
            "[1, 8, 8]",
        );
        room.refused(
            &format!("sample {family} --from digits --strength 1 --temperature 2 --out x.png"),
            USAGE,
            "leave out --latents, --data and --temperature",
        );
    }
    // A folder whose card says another context than its model takes is no model.
    replace_card(&room.path("diffusion/model"), |card| card.data.context = Some("edges".into()))
        .unwrap();
    room.refused("sample diffusion --out x.png", FAILED, "but the model takes none");
}

/// Columns of a table given others: trained by a setting, drawn, asked for and judged on the command line.
#[test]
fn tables_are_drawn_given_some_of_their_columns() {
    let room = Room::new();
    let row = |i: usize| {
        let x = (i as f64 * 0.618_034).fract();
        let y = 3.0 * x + 0.2 * ((i as f64 * 0.414_214).fract() - 0.5);
        format!("{x:.4},{},{y:.4}\n", ["a", "b"][i % 2])
    };
    let rows: String = (0..300).map(row).collect();
    room.write("t.csv", format!("x,kind,y\n{rows}"));
    let small = r#"--set layers=1 --set network={"hidden":[8],"activation":"silu"} --steps 40"#;
    room.ok(&format!(
        r#"train nsf --data csv:t.csv --out m --set conditions=["x","kind"] {small}"#
    ));
    assert!(room.text("m/report.html").contains("Calibration of the intervals"));
    let card = room.json("info m --json");
    assert_eq!(card["context"], "columns x, kind");
    room.ok("sample m -n 5 --given x=0.5 --given kind=b --out s.csv");
    let text = room.text("s.csv");
    let given = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[0].parse() == Ok(0.5) && cells[1] == "b"
    };
    assert!(text.lines().skip(1).all(given), "{text}");
    room.ok("sample m -n 5 --context csv:t.csv --out c.csv");
    let (text, table) = (room.text("c.csv"), room.text("t.csv"));
    for (drawn, row) in text.lines().zip(table.lines()).skip(1) {
        let given = |line: &str| line.rsplit_once(',').map(|(given, _)| given.to_string());
        assert_eq!(given(drawn), given(row));
    }
    let answer = room.json("query m --given x=0.5 --given kind=a --option draws=50 --json");
    let y = &answer["items"][0]["y"]["drawn"];
    assert_eq!((y["draws"].as_u64(), y["quantiles"].as_array().map(Vec::len)), (Some(50), Some(7)));
    let evaluated = room.json("evaluate m --data csv:t.csv --json");
    let findings = evaluated["findings"].as_array().unwrap();
    let calibration = findings.iter().find(|f| f["name"] == "calibration").unwrap();
    assert_eq!(calibration["value"]["y"]["intervals"].as_array().map(Vec::len), Some(3));
    room.refused("sample m -n 2 --out n.csv", USAGE, "give --given COLUMN=VALUE");
    room.refused("sample m -n 2 --given x=0.5 --out n.csv", FAILED, "kind");
    let other = r#"train nsf --data csv:t.csv --out o --set conditions=["weight"] --steps 1"#;
    room.refused(other, FAILED, "names of columns: x, kind, y");
}
