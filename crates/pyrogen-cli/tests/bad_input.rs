//! Whatever a command is given: the right exit code, one line that says what to do, nothing lost.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::{Room, TINY};
use pyrogen::core::folder::replace_card;
use pyrogen::data::{picture_folder, write_npy};

/// The command could not be carried out.
const FAILED: i32 = 1;
/// The command makes no sense.
const USAGE: i32 = 2;

const WEIGHTS: &str = "run/model/model.safetensors";
const CONFIG: &str = "run/model/config.json";
const CARD: &str = "run/model/card.json";

/// Far above what a refusal takes, far below what the work that it refuses would.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Refused by training, before anything is made.
fn train_refused(room: &Room, args: &str, code: i32, says: &str) {
    room.refused(&format!("train vae --out new {TINY} {args}"), code, says);
}

#[test]
fn damaged_model_folders() {
    let room = Room::with_run();
    let whole = room.tree();
    let weights = room.read(WEIGHTS);
    let mut flipped = weights.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let text = |name: &str, from: &str, to: &str| {
        let text = room.text(name);
        assert!(text.contains(from), "{from} in {name}");
        text.replacen(from, to, 1).into_bytes()
    };
    let cases: Vec<(&str, Option<Vec<u8>>, &str)> = vec![
        (WEIGHTS, Some(weights[..weights.len() / 2].to_vec()), "not a readable safetensors file"),
        (WEIGHTS, Some(weights[..4].to_vec()), "not a readable safetensors file"),
        (WEIGHTS, Some(Vec::new()), "not a readable safetensors file"),
        (WEIGHTS, Some([&[0xff; 8], &weights[8..]].concat()), "not a readable safetensors file"),
        (WEIGHTS, Some(flipped), "the file is damaged"),
        (WEIGHTS, None, "cannot read"),
        (CONFIG, Some(text(CONFIG, "\"latents\": 2", "\"latents\": 3")), "is damaged"),
        (CONFIG, Some(text(CONFIG, "\"latents\": 2", "\"latents\": 1000000000000")), "is damaged"),
        (CONFIG, Some(text(CONFIG, "\"latents\"", "\"latent\"")), "unknown field `latent`"),
        (CONFIG, Some(text(CONFIG, "\"latents\": 2", "\"latents\": 0")), "is damaged"),
        (CONFIG, Some(b"{\"latents\": ".to_vec()), "config.json"),
        (CONFIG, Some(b"\xff\xfe".to_vec()), "config.json"),
        (CONFIG, None, "cannot read"),
        (CARD, Some(text(CARD, "\"vae\"", "\"oracle\"")), "the card is damaged"),
        (CARD, Some(text(CARD, "\"steps\": 20", "\"steps\": 21")), "the card is damaged"),
        (CARD, Some(text(CARD, "\"weights_sha256\"", "\"w\"")), "`weights_sha256` is missing"),
        (CARD, Some(b"{}".to_vec()), "card.json"),
        (CARD, Some(text(CARD, "\"preparation\"", "\"other\"")), "card.json"),
        (CARD, None, "cannot read"),
    ];
    for (name, bytes, says) in cases {
        match bytes {
            Some(bytes) => room.write(name, bytes),
            None => fs::remove_file(room.path(name)).unwrap(),
        }
        let begun = Instant::now();
        room.refused("sample run -n 2 --out s.npy", FAILED, says);
        room.refused("score run --data digits", FAILED, says);
        assert!(begun.elapsed() < AT_ONCE, "{name}: {says}");
        room.restore(&whole);
    }
    replace_card(&room.path("run/model"), |card| card.family = "oracle".into()).unwrap();
    let says = "family `oracle`, which this build does not have";
    room.refused("sample run -n 2 --out s.npy", FAILED, says);
    room.refused("info nowhere", FAILED, "nowhere");
}

#[test]
fn damaged_checkpoints() {
    let room = Room::with_run();
    let whole = room.tree();
    let longer = TINY.replace("--steps 20", "--steps 30");
    let line = format!("train vae --data digits --out run --resume {longer}");
    let refused = |says: &str| {
        room.run(&line).is_one_line(&line, FAILED, says);
        assert!(whole[Path::new(WEIGHTS)] == Some(room.read(WEIGHTS)));
        room.restore(&whole);
    };
    for file in ["model.bpk", "optimizer.bpk", "state.json", "state.json.sha256"] {
        let name = format!("run/checkpoints/last/{file}");
        let bytes = room.read(&name);
        room.write(&name, &bytes[..bytes.len() - 9]);
        refused("checkpoints/last");
    }
    let state = "run/checkpoints/last/state.json";
    let text = room.text(state);
    for (from, to) in [("\"step\": 20", "\"step\": 10"), ("\"stale\": 0", "\"stale\": 1")] {
        assert!(text.contains(from), "{from} in {text}");
        room.write(state, text.replace(from, to));
        refused("state.json is damaged");
    }
    fs::remove_file(room.path("run/checkpoints/last/state.json.sha256")).unwrap();
    refused("state.json.sha256 is missing");

    // A whole checkpoint of another run.
    room.ok(&format!("train vae --data digits --out other --seed 2 {TINY}"));
    for entry in fs::read_dir(room.path("other/checkpoints/last")).unwrap() {
        let from = entry.unwrap().path();
        let to = room.path("run/checkpoints/last").join(from.file_name().unwrap());
        fs::copy(from, to).unwrap();
    }
    refused("it is of another run: there `seed` is 2, here 1");
    room.ok(&line);
}

#[test]
fn settings() {
    let room = Room::new();
    for (set, says) in [
        ("latents=many", "field `model.latents` must be a number, got many"),
        ("latents=2.5", "field `latents`: invalid type: floating point `2.5`"),
        ("latents=-1", "field `latents`: invalid value: integer `-1`"),
        ("latents=0", "`latents` must be at least 1"),
        ("latents=1000000000000", "must be at most 1048576"),
        ("latent=2", "unknown field `latent`"),
        ("model.latent=2", "unknown field `model.latent`"),
        ("gradient.worker=2", "unknown field `train.gradient.worker`"),
        ("latents", "not of the form key=value"),
        ("=2", "unknown field"),
        ("model=3", "`model` must be an object"),
        ("train=fast", "train"),
        ("gradient=fast", "field `"),
        ("decoder=poisson", "unknown variant `poisson`"),
        ("network={\"mlp\":{\"hidden\":[8],\"activation\":\"relu\",\"x\":1}}", "unknown field `x`"),
        ("event=[1,4,4]", "`model.event` must be [1, 8, 8]"),
        ("classes=5", "`model.classes` must be at least 10"),
        ("classes=12", "`model.classes` must be at most 10, the classes of the data"),
        ("context=[1,8,8]", "`model.context` must be null without a context"),
        ("batch_size=0", "`batch_size` must be at least 1"),
        ("gradient.ema_decay=1.5", "`gradient.ema_decay` must be in [0, 1)"),
    ] {
        train_refused(&room, &format!("--data digits --set {set}"), USAGE, says);
        train_refused(&room, &format!("--data digits --workers 2 --set {set}"), USAGE, says);
    }
    // The terms of a loss are known when it is first computed: a folder has been made by then.
    let line =
        format!("train vae --data digits --out lk {TINY} --set anneal=[{{\"term\":\"lk\"}}]");
    room.run(&line).is_one_line(&line, USAGE, "a term of the loss (reconstruction, kl), got lk");
    for (args, says) in [
        ("--workers 0", "`gradient.workers` must be at least 1"),
        ("--epochs 3", "cannot be used with"),
        ("--seed -1", "unexpected argument '-1' found (see --help)"),
        ("--device tpu", "possible values: flex"),
    ] {
        train_refused(&room, &format!("--data digits {args}"), USAGE, says);
    }
    #[cfg(not(feature = "cuda"))]
    train_refused(&room, "--data digits --device cuda", USAGE, "--features cuda");
    train_refused(&room, "--data digits --dashboard", USAGE, "--features dashboard");
    for minutes in ["0", "-1", "nan", "inf"] {
        let line = format!("train vae --data digits --out new --minutes {minutes}");
        room.refused(&line, USAGE, "--minutes must be a number above 0");
    }
}

#[test]
fn config_files() {
    let room = Room::new();
    for (bytes, code, says) in [
        (&b"{\"train\": {\"batch\": 3}}"[..], USAGE, "unknown field `train.batch`"),
        (b"{\"trains\": {}}", USAGE, "unknown field `trains`"),
        (b"{\"train\": {\"batch_size\": \"many\"}}", USAGE, "many"),
        (b"latents = 2", USAGE, "c.json: is not JSON"),
        (b"", USAGE, "c.json: is not JSON"),
        (b"[1]", USAGE, "c.json: must hold an object"),
        (b"{\"train\": 5}", USAGE, "c.json: must hold an object"),
        (b"{\"model\": \"\xff\"}", USAGE, "c.json: is not UTF-8"),
    ] {
        room.write("c.json", bytes);
        train_refused(&room, "--data digits --config c.json", code, says);
    }
    train_refused(&room, "--data digits --config none.json", FAILED, "none.json: cannot read");
}

#[test]
fn data() {
    let room = Room::new();
    let idx = |axes: &[u32], body: &[u8]| {
        let sizes: Vec<u8> = axes.iter().flat_map(|a| a.to_be_bytes()).collect();
        [&[0, 0, 8, axes.len() as u8][..], &sizes, body].concat()
    };
    room.write("none.csv", "a,b\n");
    room.write("ragged.csv", "a,b\n1,2\n3\n4,5\n");
    room.write("nan.csv", format!("a,b\n{}", "NA,nan\n".repeat(20)));
    room.write("hole.csv", "a,b\n1,2\n3,\n4,5\n");
    room.write("inf.csv", "a,b\n1,2\n3,inf\n4,5\n");
    room.write("latin.csv", b"a,b\n1,caf\xe9\n2,th\xe9\n");
    room.write("one.csv", "a,b\n1,2\n");
    room.write("none.idx", idx(&[0, 8, 8], &[]));
    room.write("header.idx", &idx(&[2, 8, 8], &[])[..9]);
    room.write("cut.idx", idx(&[20, 8, 8], &[7; 1000]));
    room.write("lying.idx", idx(&[u32::MAX, 8, 8], &[7; 640]));
    room.write("folder/notes.txt", "no picture");
    write_npy(&room.path("whole.npy"), &[1.0; 40], &[20, 2]).unwrap();
    let npy = room.read("whole.npy");
    room.write("cut.npy", &npy[..npy.len() - 5]);
    room.write("header.npy", &npy[..30]);
    let header = npy.windows(3).position(|w| w == b"<f4").unwrap();
    room.write("text.npy", [&npy[..header], b"<U4", &npy[header + 3..]].concat());
    write_npy(&room.path("nan.npy"), &[f32::NAN; 40], &[20, 2]).unwrap();
    write_npy(&room.path("none.npy"), &[], &[0, 2]).unwrap();
    picture_folder(&room.path("sizes"), &[0.5; 12 * 64], 12, &[1, 8, 8], 1).unwrap();
    picture_folder(&room.path("sizes/z"), &[0.5; 36], 1, &[1, 6, 6], 1).unwrap();
    for (source, says) in [
        ("csv:none.csv", "none.csv: no examples"),
        ("csv:ragged.csv", "ragged.csv: line 3 has 1 cells"),
        ("csv:nan.csv", "nan.csv: no examples: no cell has a value"),
        ("csv:hole.csv,missing=error", "hole.csv: line 3, column `b`"),
        ("csv:inf.csv", "inf.csv: line 3, column `b`"),
        ("csv:latin.csv", "latin.csv: line 2: not UTF-8"),
        ("csv:nowhere.csv", "nowhere.csv: cannot read"),
        ("csv:whole.npy", "whole.npy"),
        ("csv:ragged.csv,label=c", "ragged.csv"),
        ("idx:none.idx", "none.idx: no examples"),
        ("idx:header.idx", "the file ends before them"),
        ("idx:cut.idx", "announces 1280 bytes"),
        ("idx:lying.idx", "holds 640"),
        ("mnist:folder", "folder"),
        ("images:folder", "folder: no examples"),
        ("images:nowhere", "nowhere: cannot read"),
        ("images:sizes", "give a size"),
        ("npy:cut.npy", "cut.npy: the header announces 160 bytes"),
        ("npy:header.npy", "the file ends within its header"),
        ("npy:text.npy", "elements of type `<U4`"),
        ("npy:nan.npy", "only finite numbers"),
        ("npy:none.npy", "no examples"),
        ("npy:folder", "it is a folder"),
    ] {
        let begun = Instant::now();
        train_refused(&room, &format!("--data {source}"), FAILED, says);
        room.refused(&format!("data describe {source}"), FAILED, says);
        assert!(begun.elapsed() < AT_ONCE, "{source}");
    }
    train_refused(&room, "--data csv:one.csv", FAILED, "cannot hold out");
    train_refused(&room, "--data npy:whole.npy --set classes=2", USAGE, "has no labels");
    for (source, says) in [
        ("webcam:x", "unknown data source `webcam:x`"),
        ("digit", "unknown data source `digit`"),
        ("images:folder,size=big", "size=WIDTHxHEIGHT"),
        ("csv:none.csv,missing=zero", "missing=error|drop|category"),
    ] {
        train_refused(&room, &format!("--data {source}"), USAGE, says);
    }
}

#[test]
fn requests_to_a_model() {
    let room = Room::with_run();
    write_npy(&room.path("wide.npy"), &[1.0; 60], &[20, 3]).unwrap();
    room.write("file", "x");
    for (line, code, says) in [
        ("sample run --out s.gif", USAGE, "cannot be written as .gif"),
        ("sample run -n 0 --out s.npy", USAGE, "-n must be at least 1"),
        ("sample run -n -1 --out s.npy", USAGE, "-1"),
        ("sample run -n 1000000000000000 --out s.npy", FAILED, "do not fit on a disk"),
        ("sample run --temperature -1 --out s.npy", USAGE, "`temperature` must be"),
        ("sample run --temperature nan --out s.npy", USAGE, "`temperature` must be"),
        ("sample run --class 1 --out s.npy", USAGE, "trained without labels"),
        ("sample run --latents fitted --out s.npy", USAGE, "--latents fitted needs --data"),
        ("sample run --data digits --out s.npy", USAGE, "--data is for --latents fitted"),
        ("sample run --latents fitted --data npy:wide.npy --out s.npy", FAILED, "[1, 8, 8]"),
        ("sample run --out file/s.npy", FAILED, "file: cannot create"),
        ("sample run --out file", FAILED, "file: cannot create"),
        ("sample run", USAGE, "--out"),
        ("reconstruct run --data digits -n 0 --out r.png", USAGE, "-n must be at least 1"),
        ("reconstruct run --data npy:wide.npy --out r.png", FAILED, "[1, 8, 8]"),
        ("interpolate run --data digits --steps 1 --out i.npy", USAGE, "at least 2"),
        ("interpolate run --data digits --from 5000 --out i.npy", USAGE, "row 5000 is out of"),
        ("interpolate run --data digits --to 359 --out i.npy", USAGE, "359 rows"),
        ("traverse run --dims 2 --out t.npy", USAGE, "dimension"),
        ("traverse run --steps 0 --out t.npy", USAGE, "at least 2"),
        ("traverse run --range nan --out t.npy", USAGE, "finite"),
        ("traverse run --class 0 --out t.npy", USAGE, "trained without labels"),
        ("score run --data npy:wide.npy", FAILED, "[1, 8, 8]"),
        (
            "score run --data digits --draws 0",
            USAGE,
            "`draws` must be a whole number of at least 1",
        ),
        ("score run --data digits --out s.png", USAGE, "give .csv or .npy"),
        ("score run --data digits --part best", USAGE, "possible values"),
        ("score run --data npy:wide.npy --part train", USAGE, "trained on (digits)"),
        ("score run --data digits --draws 1 --out file/s.csv", FAILED, "file"),
        ("anomaly run --data digits --draws 1 --out a.png", USAGE, "give .csv"),
        ("evaluate run --data digits --limit 0", USAGE, "--limit must be at least 1"),
        ("demo --out run", FAILED, "is not a demo's folder"),
        ("demo --out file", FAILED, "file"),
        ("demo --out run --epochs many", USAGE, "many"),
        ("unknown", USAGE, "unrecognized subcommand"),
        ("sample run --out s.npy --fast", USAGE, "unexpected argument"),
        ("data", USAGE, "describe"),
    ] {
        if line == "data" {
            assert_eq!(room.run(line).code, Some(USAGE)); // prints its help
            continue;
        }
        room.refused(line, code, says);
    }
}

#[test]
fn requests_to_a_conditional_model() {
    let room = Room::new();
    room.ok(&format!("train vae --data digits --out run {TINY} --set classes=10"));
    write_npy(&room.path("plain.npy"), &[2.0; 64 * 20], &[20, 1, 8, 8]).unwrap();
    for line in ["sample run --out s.npy --class", "traverse run --out t.npy --class"] {
        room.refused(&format!("{line} 10"), USAGE, "classes 0 to 9");
        // 3 beyond 32 bits
        room.refused(
            &format!("{line} 4294967299"),
            USAGE,
            "class `4294967299` is unknown; the model knows classes 0 to 9",
        );
    }
    let plain = "score run --data npy:plain.npy,range=0:16";
    room.refused(plain, USAGE, "the model is conditional");
}

#[test]
fn a_table_has_no_pictures() {
    let room = Room::new();
    let rows: String = (0..30).map(|i| format!("{},{}\n", i % 7, i as f64 / 3.0)).collect();
    room.write("t.csv", format!("a,b\n{rows}"));
    room.ok(&format!("train vae --data csv:t.csv --out run {TINY}"));
    room.refused("sample run --out s.png", USAGE, "cannot be written as .png; give .csv, .npy");
    room.refused("sample run --out s", USAGE, "table cannot be written as a folder");
    room.refused("traverse run --out t.png", USAGE, "table cannot be written as .png");
    room.write("other.csv", "a,c\n1,2\n3,4\n");
    room.refused("score run --data csv:other.csv", FAILED, "column `b`");
}

#[test]
fn folders_of_runs() {
    let room = Room::with_run();
    let again = format!("train vae --data digits --out run {TINY}");
    room.refused(&again, FAILED, "give --resume");
    let resume = format!("{again} --resume");
    room.refused(&format!("{resume} --seed 2"), FAILED, "`seed` was 1, now 2");
    let other = "`train.batch_size` was 64, now 32";
    room.refused(&format!("{resume} --set batch_size=32"), FAILED, other);
    room.refused(&format!("train oracle --data digits --out new {TINY}"), USAGE, "known: vae");

    // Folders that cannot be written, root or not.
    room.write("file", "x");
    let below = format!("train vae --data digits --out file/run {TINY}");
    room.refused(&below, FAILED, "file/run");
    #[cfg(target_os = "linux")]
    room.refused(&format!("train vae --data digits --out /proc/run {TINY}"), FAILED, "/proc/run");

    // A model folder is no place for a run; a finished model is replaced only when that is asked.
    for out in ["run/model", "copy"] {
        fs::create_dir_all(room.path(out)).unwrap();
        for name in ["card.json", "config.json", "model.safetensors"] {
            room.write(&format!("{out}/{name}"), room.read(&format!("run/model/{name}")));
        }
        for option in ["", "--resume", "--overwrite"] {
            let line = format!("train vae --data digits --out {out} {TINY} {option}");
            room.refused(&line, FAILED, "is there and is not a run's");
        }
    }
    fs::remove_dir_all(room.path("run/checkpoints")).unwrap();
    fs::create_dir(room.path("run/checkpoints")).unwrap();
    room.refused(
        &again,
        FAILED,
        "finished model and no checkpoint to go on from: give --overwrite",
    );
    room.refused(
        &resume,
        FAILED,
        "finished model and no checkpoint to go on from: give --overwrite",
    );
    room.write("run/notes.txt", "mine");
    room.write("run/model/notes.txt", "mine");
    let before = room.read(WEIGHTS);
    room.ok(&format!("{again} --overwrite --seed 2"));
    assert!(before != room.read(WEIGHTS) && room.json_file("run/config.json")["seed"] == 2);
    assert!(room.text("run/notes.txt") == "mine" && room.text("run/model/notes.txt") == "mine");
    room.refused(&format!("{again} --overwrite --resume"), USAGE, "cannot be used with");

    // What stands where a run would write is not a run's, and stays.
    room.write("theirs/config.json", r#"{"seed": 1, "lr": 0.1}"#);
    for option in ["", "--resume", "--overwrite"] {
        let line = format!("train vae --data digits --out theirs {TINY} {option}");
        room.refused(&line, FAILED, "config.json is there");
    }
    room.write("mine/model/weights", "precious");
    let mine = format!("train vae --data digits --out mine {TINY}");
    room.refused(&mine, FAILED, "mine");
    room.refused(&format!("{mine} --resume"), FAILED, "mine");
}

#[test]
fn metrics() {
    let room = Room::new();
    write_npy(&room.path("a.npy"), &[0.0, 1.0, 2.0, 3.0, 1.0, 5.0, 2.0, 0.0], &[4, 2]).unwrap();
    write_npy(&room.path("b.npy"), &[0.5; 12], &[4, 3]).unwrap();
    write_npy(&room.path("nan.npy"), &[0.0, f32::NAN, 1.0, 2.0], &[2, 2]).unwrap();
    write_npy(&room.path("one.npy"), &[0.0, 1.0], &[1, 2]).unwrap();
    write_npy(&room.path("flat.npy"), &[0.0, 1.0], &[2]).unwrap();
    room.write("text.csv", "a,b\n1,2\nx,3\n");
    room.write("a.txt", "1 2\n");
    for (line, code, says) in [
        ("metric fid a.npy a.npy", USAGE, "known: frechet, kid, prdc, mmd"),
        ("metric frechet a.npy b.npy", FAILED, "rows of shape [2], got [3]"),
        ("metric frechet a.npy nan.npy", FAILED, "nan.npy: value 1 is NaN"),
        ("metric frechet a.npy one.npy", FAILED, "needs at least 2"),
        ("metric frechet a.npy flat.npy", FAILED, "flat.npy"),
        ("metric frechet a.npy none.npy", FAILED, "none.npy: cannot read"),
        ("metric frechet a.npy text.csv", FAILED, "text.csv: line 3, column `a`"),
        ("metric frechet a.npy a.txt", FAILED, "give a .npy or a .csv file"),
        ("metric frechet a.npy a.npy -k 3", USAGE, "-k is for prdc"),
        ("metric prdc a.npy a.npy -k 4", FAILED, "use k from 1 to 3"),
        ("metric prdc a.npy a.npy -k 0", FAILED, "use k from 1 to 3"),
        ("metric prdc a.npy a.npy", FAILED, "use k from 1 to 3"),
        ("metric kid a.npy", USAGE, "REAL GENERATED"),
    ] {
        room.refused(line, code, says);
    }
}
