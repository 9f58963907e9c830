//! Three families of one's own, through the command line and the library: the door is wide enough.

use std::path::{Path, PathBuf};

use pyrogen::data::Source;
use pyrogen::model::conformance;
use pyrogen::prelude::*;
use pyrogen_examples::families::registry;
use tempfile::TempDir;

/// Runs the command; true where its exit code is 0.
fn command(words: &str, out: &Path) -> bool {
    let out = out.display().to_string();
    let words = words.split_whitespace().map(|w| w.replace("OUT", &out));
    let code = pyrogen_cli::run(registry(), ["own".to_string()].into_iter().chain(words));
    format!("{code:?}") == format!("{:?}", std::process::ExitCode::SUCCESS)
}

fn write(room: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = room.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn read(source: &str) -> Data {
    source.parse::<Source>().unwrap().read().unwrap().data
}

/// Rows of two numbers that follow a plane Gaussian, with a cell in ten blank; known to be
/// mean (10, -5), standard deviations 2 and 1, correlation 0.8.
fn plane(n: usize) -> String {
    let mut noise = Noise::new(Seed(4));
    let mut text = String::from("height,weight\n");
    for i in 0..n {
        let z = noise.normal_vec(2);
        let (x, y) = (10.0 + 2.0 * z[0], -5.0 + 0.8 * z[0] + 0.6 * z[1]);
        text += &match i % 10 {
            3 => format!(",{y:.6}\n"),
            7 => format!("{x:.6},\n"),
            _ => format!("{x:.6},{y:.6}\n"),
        };
    }
    text
}

/// Sequences of 20 to 39 steps that stay near 0 or near 6 and change seldom; the state is known.
fn waves(n: usize) -> (String, Vec<Vec<u32>>) {
    let mut noise = Noise::new(Seed(5));
    let (mut text, mut truth) = (String::from("id,t,level\n"), Vec::new());
    for i in 0..n {
        let mut state = u32::from(noise.uniform_vec(1)[0] < 0.5);
        let mut path = Vec::new();
        for t in 0..20 + i % 20 {
            if noise.uniform_vec(1)[0] < 0.1 {
                state = 1 - state;
            }
            let level = 6.0 * f64::from(state) + noise.normal_vec(1)[0];
            text += &format!("s{i:03},{t},{level:.6}\n");
            path.push(state);
        }
        truth.push(path);
    }
    (text, truth)
}

#[test]
fn a_chain_over_text_streams_completes_and_scores() {
    let room = tempfile::tempdir().unwrap();
    // After `a` follows `b` three times of four, else the end: every text begins with `a`.
    let book = write(&room, "book.txt", &"ab\n".repeat(300).replacen("ab\n", "a\n", 100));
    let source = format!("text:{},lines", book.display());
    let run = room.path().join("chain");
    assert!(command(
        &format!("train chain --data {source} --test-share 0 --validation-share 0 --out OUT"),
        &run
    ));
    assert!(command("sample OUT -n 3 --stream", &run));
    assert!(command("complete OUT --prompt a --json", &run));
    assert!(command(&format!("score OUT --data {source} --part all --json"), &run));
    assert!(command(&format!("evaluate OUT --data {source} --part all"), &run));
    assert!(!command("assign OUT --data digits", &run));
    assert!(!command("sample OUT --stream --top-p 0.5", &run));

    // A character that training did not have is impossible: its score is kept, there is no mean, and
    // an evaluation gives what it can.
    let other = write(&room, "other.txt", "az\na\n");
    let out = room.path().join("nats.csv");
    let of = format!("--data text:{},lines", other.display());
    assert!(!command(&format!("score {} {of} --out OUT", run.display()), &out));
    let written = std::fs::read_to_string(&out).unwrap();
    assert_eq!(written.lines().nth(1), Some("-inf"), "{written}");
    assert!(command(&format!("evaluate OUT {of}"), &run));

    let model = registry().open(&run, &Device::flex()).unwrap();
    let data = read(&source).select(&[0, 150, 250]);
    let broken = conformance::check(&registry(), &model, &data);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // Counts with one added: a follows the start in 301 of 303, the end follows a in 101 of 303.
    let text = Data::Text(pyrogen::data::Text::new(["a"]));
    let likelihood = model.score(&text, &Request::seed(1), &Control::new()).unwrap();
    let expected = (301.0f64 / 303.0).ln() + (101.0f64 / 303.0).ln();
    assert!((likelihood.nats()[0] - expected).abs() < 1e-12, "{:?}", likelihood.nats());
    assert_eq!(likelihood.units(), 2);
}

#[test]
fn a_gaussian_over_rows_with_blanks_completes_and_answers() {
    let room = tempfile::tempdir().unwrap();
    let file = write(&room, "people.csv", &plane(4000));
    let source = format!("csv:{}", file.display());
    let run = room.path().join("gaussian");
    assert!(command(&format!("train gaussian --data {source} --out OUT"), &run));
    assert!(command("query OUT --given height=12 --json", &run));
    assert!(command("complete OUT --given height=12 --candidates 3", &run));
    assert!(command(&format!("evaluate OUT --data {source}"), &run));
    assert!(!command("query OUT --given age=12", &run));

    let model = registry().open(&run, &Device::flex()).unwrap();
    let data = read(&source).select(&[0, 3, 7]);
    let broken = conformance::check(&registry(), &model, &data);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let given = write(&room, "given.csv", "height,weight\n12,\n10,-5\n8,-6\n");
    let evidence = read(&format!("csv:{}", given.display())).select(&[0]);
    let answers = model.query(&evidence, &Request::seed(1), &Control::new()).unwrap();
    let [(name, pyrogen::model::Marginal::Continuous { mean, std })] = &answers[0][..] else {
        panic!("{answers:?}");
    };
    // E[weight | height = 12] = -5 + 0.8 / 2 * 2, with the standard deviation 0.6; the errors of
    // 3,000 rows are below 0.05.
    assert_eq!(name, "weight");
    assert!((mean - -4.2).abs() < 0.05 && (std - 0.6).abs() < 0.05, "{mean} {std}");
    // The entropy of the whole Gaussian: ln(2 pi e) + ln(2 * 0.6).
    let whole = read(&source).select(&(0..4000).filter(|i| i % 10 == 0).collect::<Vec<_>>());
    let nats = model.score(&whole, &Request::seed(1), &Control::new()).unwrap().mean_nats();
    let entropy = (std::f64::consts::TAU * std::f64::consts::E * 1.2).ln();
    assert!((nats + entropy).abs() < 0.15, "{nats}, expected {}", -entropy);
}

#[test]
fn a_hidden_markov_model_over_sequences_assigns_states() {
    let room = tempfile::tempdir().unwrap();
    let (text, truth) = waves(60);
    let file = write(&room, "waves.csv", &text);
    let source = format!("sequences:{},id=id,time=t", file.display());
    let run = room.path().join("states");
    let train = "--set states=2 --test-share 0 --validation-share 0 --out OUT";
    assert!(command(&format!("train states --data {source} {train}"), &run));
    let out = room.path().join("states.csv");
    assert!(command(
        &format!("assign {} --data {source} --part all --out OUT", run.display()),
        &out
    ));
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.starts_with("item,step,state,p_0,p_1\n0,0,"), "{written}");
    assert!(command(&format!("evaluate OUT --data {source} --part all"), &run));
    assert!(!command(&format!("train states --data {source} --set states=0 --out OUT"), &out));

    let model = registry().open(&run, &Device::flex()).unwrap();
    let all = read(&source);
    let broken = conformance::check(&registry(), &model, &all.select(&[0, 1, 2]));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let assigned = model.assign(&all, &Request::seed(1), &Control::new()).unwrap().assigned;
    let (states, truth) = (assigned.concat(), truth.concat());
    let same = states.iter().zip(&truth).filter(|(a, b)| a == b).count() as f64;
    let share = same / truth.len() as f64;
    // The levels are six standard deviations apart: an error a thousand steps.
    assert!(share.max(1.0 - share) > 0.99, "{share}");
}
