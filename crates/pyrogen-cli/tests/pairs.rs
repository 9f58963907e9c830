//! Sources and targets from the command line.

use serde_json::Value;

use crate::common::Room;

/// A model that writes words of four letters backwards, as symbols.
fn backwards() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pyrogen/tests/fixtures/format-2/seq2seq");
    assert!(!folder.contains(' '), "the tests' command lines are split at spaces");
    folder.into()
}

#[test]
fn sources_are_completed_and_written() {
    let (room, model) = (Room::new(), backwards());
    let made = room.ok(&format!("complete {model} --prompt kuma"));
    assert_eq!(made.stdout, "kuma\tA M U K\n");
    let made = room
        .json(&format!("complete {model} --prompt kuma --candidates 3 --option beams=3 --json"));
    let samples = made["samples"].as_array().unwrap();
    assert_eq!((samples.len(), &samples[0]["target"]), (3, &"A M U K".into()));
    for sample in samples {
        assert_eq!(sample["source"], "kuma");
        assert!(sample["nats"].as_f64().unwrap() >= samples[0]["nats"].as_f64().unwrap() - 1.0);
        assert!(["end", "length"].contains(&sample["finish"].as_str().unwrap()));
    }
    room.write("words.txt", "kuma\nmamak\n");
    room.write("pairs.tsv", "kuma\tA M U K\nmamak\tK A M A M\n");
    for (out, text) in [
        ("o.txt", "A M U K\nK A M A M\n"),
        ("o.tsv", "kuma\tA M U K\nmamak\tK A M A M\n"),
        ("o.csv", "source,target\nkuma,A M U K\nmamak,K A M A M\n"),
    ] {
        room.ok(&format!("complete {model} --data text:words.txt,lines --out {out}"));
        assert_eq!(room.text(out), text);
    }
    let made = room.ok(&format!("complete {model} --data pairs:pairs.tsv"));
    assert_eq!(made.stdout, "kuma\tA M U K\nmamak\tK A M A M\n");
    let report = room.json("metric wer o.txt o.txt --json");
    assert_eq!(report["values"]["wer"], 0.0);
    let report = room.json("data describe pairs:pairs.tsv --json");
    assert_eq!((&report["examples"], &report["modality"]), (&2.into(), &"pairs".into()));
}

#[test]
fn pairs_are_scored_and_ranked() {
    let (room, model) = (Room::new(), backwards());
    room.write("pairs.tsv", "kuma\tA M U K\nmamak\tK A M A M\nmamak\tM M M\n");
    let line = format!("score {model} --data pairs:pairs.tsv --part all");
    let report = room.json(&format!("{line} --out s.jsonl --json"));
    assert_eq!(report["n"], 3);
    let text = room.text("s.jsonl");
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let word: Vec<&str> = lines[1]["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["token"].as_str().unwrap())
        .collect();
    assert_eq!(word, ["K", "A", "M", "A", "M", "<end>"]);
    let said = room.ok(&line).stdout;
    assert!(said.contains("nats per token"), "{said}");
    let found =
        room.json(&format!("anomaly {model} --data pairs:pairs.tsv --part all --top 1 --json"));
    assert!(found.to_string().contains("\"row\":2"), "{found}");
}

#[test]
fn what_cannot_be_used_is_an_error() {
    let (room, model) = (Room::new(), backwards());
    room.write("bad.tsv", "kuma\tA\nmak K\n");
    room.write("empty.tsv", "");
    room.write("pairs.tsv", "kuma\tA M U K\nmax\tK\n");
    for (line, code, says) in [
        (format!("score {model} --data pairs:bad.tsv"), 1, "bad.tsv: line 2: the line has no tab"),
        (format!("score {model} --data pairs:empty.tsv"), 1, "no pairs"),
        (format!("score {model} --data pairs:pairs.tsv --part all"), 1, "pair 2: character 3"),
        (format!("complete {model} --prompt kumo"), 1, "source 1: character 4"),
        (format!("complete {model} --prompt kuma --out o.png"), 2, "give .tsv, .csv, .txt"),
        (format!("sample {model} -n 1 --prompt kuma --option draft=x"), 2, "draft"),
        (format!("sample {model} -n 1"), 1, "complete one"),
        (
            format!("evaluate {model} --data pairs:pairs.tsv --embedding {model}/../flows/nice"),
            1,
            "cannot generate",
        ),
    ] {
        let outcome = room.run(&line);
        assert!(outcome.stderr.contains(says), "{line}: {outcome:?}");
        assert_eq!(outcome.code, Some(code), "{line}: {outcome:?}");
    }
}
