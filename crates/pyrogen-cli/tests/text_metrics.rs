//! `pyrogen metric` of texts: values, signatures, intervals, tests, and files as people have them.

use std::process::Stdio;

use crate::common::{Room, outcome};
use pyrogen::data::write_npy;
use serde_json::Value;

/// The command could not be carried out.
const FAILED: i32 = 1;
/// The command makes no sense.
const USAGE: i32 = 2;

const HYP: &str = "The dog bit the man.\nIt was not unexpected.\nThe man bit him first.\n";
const REF: &str = "The dog bit the man.\nIt was not unexpected.\nThe man had bitten the dog.\n";
const REF2: &str = "The dog had bit the man.\nNo one was surprised.\nThe man had bitten the dog.\n";

fn room() -> Room {
    let room = Room::new();
    room.write("hyp", HYP);
    room.write("ref", REF);
    room.write("ref2", REF2);
    room
}

fn value(report: &Value, name: &str) -> f64 {
    report["values"][name].as_f64().unwrap_or_else(|| panic!("{name} in {report}"))
}

/// What sacrebleu 2.6.0 and rouge-score 0.1.2 print for these files.
#[test]
fn values_and_signatures() {
    let room = room();
    let version = env!("CARGO_PKG_VERSION");
    for (line, name, expected, sacrebleu) in [
        ("bleu hyp ref ref2", "bleu", 65.574861, "#:2|c:mixed|e:no|tok:13a|s:exp"),
        (
            "bleu hyp ref --smooth add-k",
            "bleu",
            67.866081,
            "#:1|c:mixed|e:no|tok:13a|s:add-k[1.00]",
        ),
        (
            "bleu hyp ref --tokenize char --lowercase",
            "bleu",
            73.978838,
            "#:1|c:lc|e:no|tok:char|s:exp",
        ),
        ("chrf hyp ref", "chrf", 71.488435, "#:1|c:mixed|e:yes|nc:6|nw:0|s:no"),
        ("chrf hyp ref --word-order 2", "chrf", 71.894816, "#:1|c:mixed|e:yes|nc:6|nw:2|s:no"),
        ("ter hyp ref", "ter", 26.666667, "#:1|c:lc|t:tercom|nr:no|pn:yes|as:no"),
    ] {
        let report = room.json(&format!("metric {line} --json"));
        assert!((value(&report, name) - expected).abs() < 1e-4, "{line}: {report}");
        assert_eq!(report["sacrebleu"], format!("{sacrebleu}|v:pyrogen-{version}"), "{line}");
        assert_eq!(report["metric"], name);
        let text = room.ok(&format!("metric {line}")).stdout;
        assert!(text.contains(&format!("sacrebleu: {sacrebleu}|v:")), "{text}");
        assert!(text.starts_with(&format!("{name}: ")), "{text}");
    }
    let report = room.json("metric rouge hyp ref --stem --json");
    let names: Vec<&String> = report["values"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["rouge1", "rouge2", "rougeL", "rougeLsum"]);
    assert_eq!(report["sacrebleu"], Value::Null);
}

#[test]
fn metrics_of_one_file() {
    let room = Room::new();
    room.write("texts", "a b a b\na b\n");
    let report = room.json("metric distinct texts --max-order 2 --json");
    assert_eq!((value(&report, "distinct_1"), value(&report, "distinct_2")), (2.0 / 6.0, 0.5));
    room.write("alike", "the cat sat on the mat\nthe cat sat on the mat\n");
    let report = room.json("metric self-bleu alike --json");
    assert!((value(&report, "self-bleu") - 100.0).abs() < 1e-9);
    assert!(report["signature"].as_str().unwrap().starts_with("self-bleu|nrefs:1|"));
    let numbers: Vec<f32> = (0..200).map(|i| ((i * 37 % 101) as f32).sin()).collect();
    write_npy(&room.path("a.npy"), &numbers, &[50, 4]).unwrap();
    let report = room.json("metric mauve a.npy a.npy --json");
    assert!((value(&report, "mauve") - 1.0).abs() < 1e-9);
}

#[test]
fn intervals_tests_and_lines() {
    let room = room();
    let report =
        room.json("metric chrf hyp ref --confidence 200 --baseline ref2 --out o/l.csv --json");
    assert!(value(&report, "chrf_low") <= value(&report, "chrf_mean"));
    assert!(value(&report, "chrf_mean") <= value(&report, "chrf_high"));
    assert!((0.0..=1.0).contains(&value(&report, "chrf_p")));
    let sacrebleu = report["sacrebleu"].as_str().unwrap();
    assert!(sacrebleu.starts_with("#:1|bs:200|ar:10000|rs:12345|c:mixed|"), "{sacrebleu}");
    let lines = room.text("o/l.csv");
    assert_eq!(lines.lines().next(), Some("line,chrf"));
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.lines().nth(1).unwrap().starts_with("1,100"), "{lines}");
    let again = room.json("metric chrf hyp ref --confidence 200 --baseline ref2 --json");
    assert_eq!(again["values"], report["values"]);
}

#[test]
fn files_as_people_have_them() {
    let room = room();
    let plain = room.json("metric bleu hyp ref --json");
    // Line ends of Windows, none after the last line, a byte order mark, white space at line ends.
    room.write("crlf", HYP.replace('\n', "\r\n"));
    room.write("open", HYP.trim_end());
    room.write("bom", format!("\u{feff}{HYP}"));
    room.write("spaces", HYP.replace('\n', " \t\n"));
    for file in ["crlf", "open", "bom", "spaces"] {
        let report = room.json(&format!("metric bleu {file} ref --json"));
        assert_eq!(report, plain, "{file}");
    }
    let mut command = room.command("metric bleu - ref --json");
    let file = std::fs::File::open(room.path("hyp")).unwrap();
    let out = outcome(command.stdin(Stdio::from(file)));
    assert_eq!(serde_json::from_str::<Value>(&out.stdout).unwrap(), plain, "{out:?}");
}

#[test]
fn what_is_refused() {
    let room = room();
    room.write("short", "one line\n");
    room.write("empty", "");
    room.write("latin1", b"fine\nna\xefve\nthird\n");
    for (line, code, says) in [
        ("metric bleu hyp short", FAILED, "short has 1 lines, hyp has 3"),
        ("metric bleu hyp ref short", FAILED, "short has 1 lines, hyp has 3"),
        ("metric bleu hyp ref --baseline short", FAILED, "short has 1 lines, hyp has 3"),
        ("metric bleu empty ref", FAILED, "empty: the file is empty"),
        ("metric ter latin1 ref", FAILED, "latin1: line 2, byte 3 (0xef) is not UTF-8"),
        ("metric ter none ref", FAILED, "none: cannot read"),
        ("metric bleu hyp", USAGE, "<REFS>"),
        ("metric bleu hyp ref --stem", USAGE, "bleu takes"),
        ("metric bleu hyp ref --stem", USAGE, "--max-order"),
        ("metric rouge hyp ref --word-order 2", USAGE, "rouge takes"),
        ("metric bleu hyp ref --max-order 0", USAGE, "`max_order` must be from 1 to 64"),
        ("metric bleu hyp ref --smooth-value 2", USAGE, "--smooth-value is for"),
        ("metric bleu hyp ref --smooth floor --smooth-value -1", USAGE, "a number above 0"),
        ("metric bleu hyp ref --tokenize zh", USAGE, "13a, intl, char, none"),
        ("metric bleu hyp ref --test bootstrap", USAGE, "--baseline"),
        ("metric bleu hyp ref --confidence 0", USAGE, "--confidence"),
        ("metric bleu hyp ref --out lines.txt", USAGE, "lines.txt: give .csv"),
        ("metric self-bleu short", FAILED, "at least 2"),
        (
            "metric blue hyp ref",
            USAGE,
            "unknown metric `blue`; known: frechet, kid, prdc, mmd, bleu",
        ),
    ] {
        room.refused(line, code, says);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let room = room();
    let mut child = room
        .command("metric bleu hyp ref")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
}
