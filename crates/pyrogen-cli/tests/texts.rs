//! Texts from the command line: constraints, a draft, facts of each, scores of each token.

use serde_json::Value;

use crate::common::Room;

/// A model of names.
fn names() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pyrogen/tests/fixtures/format-2/gpt");
    assert!(!folder.contains(' '), "the tests' command lines are split at spaces");
    folder.into()
}

#[test]
fn samples_have_their_facts() {
    let (room, model) = (Room::new(), names());
    let line = format!("sample {model} -n 4 --prompt ma --max-tokens 9 --json");
    let made = room.json(&line);
    let samples = made["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 4);
    for sample in samples {
        assert!(sample["text"].as_str().unwrap().starts_with("ma"), "{sample}");
        assert!(sample["nats"].as_f64().unwrap() > 0.0);
        assert!(sample["tokens"].as_u64().unwrap() <= 9);
        assert!(["end", "length"].contains(&sample["finish"].as_str().unwrap()));
    }
    // A model that is its own draft writes what it writes alone.
    let drafted = room.json(&format!("{line} --draft {model}"));
    for (drafted, sample) in drafted["samples"].as_array().unwrap().iter().zip(samples) {
        assert_eq!((&drafted["text"], &drafted["finish"]), (&sample["text"], &sample["finish"]));
        // Logits of several tokens at once are rounded otherwise.
        let [a, b] = [drafted, sample].map(|s| s["nats"].as_f64().unwrap());
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn samples_match_what_they_have_to() {
    let (room, model) = (Room::new(), names());
    let made = room.json(&format!("sample {model} -n 5 --regex (?:an){{2,3}}e? --json"));
    for sample in made["samples"].as_array().unwrap() {
        let text = sample["text"].as_str().unwrap();
        let text = text.strip_suffix('e').unwrap_or(text);
        assert!(["anan", "ananan"].contains(&text), "{sample}");
    }
    room.write("schema.json", r#"{"type": "null"}"#);
    let made = room.ok(&format!("sample {model} -n 1 --schema schema.json"));
    assert_eq!(made.stdout.trim(), "null");
    room.write("names.lark", "start: name (\"o\" name)* // No capitals.\nname: \"an\" name? \"a\"");
    let made =
        room.json(&format!("sample {model} -n 5 --grammar names.lark --max-tokens 12 --json"));
    for sample in made["samples"].as_array().unwrap() {
        let text = sample["text"].as_str().unwrap();
        // `n` times `an` before as many `a`, at most four deep.
        let is_name = |name: &str| (1..=4).any(|n| name == "an".repeat(n) + &"a".repeat(n));
        assert!(text.split('o').all(is_name), "{sample}");
    }
    let deep = "--grammar names.lark --option constraint_depth=0 --max-tokens 3 --prompt m";
    let made = room.ok(&format!("sample {model} -n 1 {deep}"));
    assert_eq!(made.stdout.trim(), "mana");
    room.write("wrong.lark", "start: \"a\"\n  | name\n");
    for (options, code, says) in [
        ("--grammar none.lark", 1, "none.lark"),
        ("--grammar wrong.lark", 2, "line 2: the rule `name` is not defined"),
        ("--grammar names.lark --regex a", 2, "--regex"),
        ("--grammar names.lark --schema schema.json", 2, "--schema"),
        ("--grammar names.lark --option regex=a", 2, "left out beside `regex`"),
        ("--grammar names.lark --stop b", 2, "`stop`"),
        ("--regex a(", 2, "unclosed"),
        ("--regex [0-9]", 2, "tokens can write"),
        ("--schema none.json", 1, "none.json"),
        ("--regex a --stop b", 2, "`stop`"),
        ("--draft none", 1, "none"),
    ] {
        let outcome = room.run(&format!("sample {model} -n 1 {options}"));
        assert_eq!(outcome.code, Some(code), "{options}: {outcome:?}");
        assert!(outcome.stderr.contains(says), "{options}: {outcome:?}");
    }
}

#[test]
fn scores_are_written_token_by_token() {
    let (room, model) = (Room::new(), names());
    room.write("names.txt", "anna\nmartin\n");
    let line = format!("score {model} --data text:names.txt,lines");
    let report = room.json(&format!("{line} --out s.jsonl --option unit=byte --json"));
    assert_eq!(report["n"], 2);
    let text = room.text("s.jsonl");
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for (line, name) in lines.iter().zip(["anna", "martin"]) {
        let tokens = line["tokens"].as_array().unwrap();
        let word: String = tokens.iter().map(|t| t["token"].as_str().unwrap()).collect();
        assert_eq!(word, format!("{name}<end>"));
        let sum: f64 = tokens.iter().map(|t| t["nats"].as_f64().unwrap()).sum();
        assert!((sum + line["log_p_nats"].as_f64().unwrap()).abs() < 1e-9);
    }
    // The numbers that this model gave when it was made.
    assert!((lines[0]["log_p_nats"].as_f64().unwrap() + 8.047852).abs() < 1e-4);
    room.ok(&format!("{line} --out s.csv"));
    assert_eq!(room.text("s.csv").lines().count(), 3);
}

#[test]
fn models_are_opened_in_eight_bits() {
    let (room, model) = (Room::new(), names());
    room.write("names.txt", "anna\nmaria\n");
    let score = |options: &str| {
        let line = format!("score {model} --data text:names.txt,lines --json {options}");
        room.json(&line)["mean_nats"].as_f64().unwrap()
    };
    let (plain, int8) = (score(""), score("--option weights=int8"));
    assert!(plain != int8 && (plain - int8).abs() < 0.01 * plain.abs(), "{plain} {int8}");
    let line = format!("sample {model} -n 2 --option weights=int8 --option top_k=3 --json");
    assert_eq!(room.json(&line)["samples"].as_array().unwrap().len(), 2);
    let line = format!("complete {model} --prompt ma --option weights=int8");
    assert!(room.ok(&line).stdout.contains("ma"));
    let other = model.replace("/gpt", "/lstm");
    for (model, weights) in [(&model, "int4"), (&other, "int8")] {
        let outcome = room.run(&format!("sample {model} -n 1 --option weights={weights}"));
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains("`weights`"), "{outcome:?}");
    }
}

#[test]
fn a_file_of_another_program_says_what_it_is() {
    let room = Room::new();
    let file = "/../pyrogen-autoregressive/tests/fixtures/llama.gguf";
    let file = format!("{}{file}", env!("CARGO_MANIFEST_DIR"));
    let info = room.json(&format!("info {file} --json"));
    assert_eq!((&info["family"], &info["modality"]), (&"gpt".into(), &"text".into()));
    assert!(info["parameters"].as_u64() > Some(1000) && info["config"].is_null(), "{info}");
    assert!(room.ok(&format!("info {file}")).stdout.contains("gpt"));
}
