//! A run that is killed again and again ends as the unbroken run does, byte for byte.
#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Room, Tree};
use burn::tensor::Device;
use pyrogen::core::folder::{ModelFolder, to_bytes};
use pyrogen::core::{Noise, Seed};
use pyrogen::train::checkpoint::load_module;
use pyrogen::vae::{Vae, VaeConfig};

const KILLS: usize = 10;
/// Kills at a moment after the start, most of them before the first checkpoint; the others are at
/// a moment of the run.
const EARLY: usize = 3;
/// `kill -9`.
const SIGKILL: i32 = 9;
const STEPS: u64 = 600;
const MORE_STEPS: u64 = 640;

/// Everything that has a state: averages, moments, schedules, random data, best validation.
const TRAIN: &str = r#"train vae --data digits --out run --resume --no-evaluate --workers 2
    --set network={"mlp":{"hidden":[16],"activation":"relu"}} --set latents=3
    --set decoder={"gaussian":{"scale":"per_feature"}}
    --set gradient.ema_decay=0.98 --set gradient.accumulation=2 --set gradient.clip_norm=100
    --set optimizer.method=adam_w --set optimizer.weight_decay=0.01
    --set schedule={"decay":"cosine","last":0.1,"warmup_steps":40}
    --set anneal=[{"term":"kl","from":0.1,"to":1.0,"steps":150,"ramp":0.5,"cycles":2}]
    --set checkpoint_every=7 --set log_every=3 --set validation.every_epochs=2"#;

fn train(steps: u64) -> String {
    format!("{TRAIN} --steps {steps}")
}

#[test]
fn a_run_that_is_killed_ten_times_ends_as_the_unbroken_run() {
    let (whole, killed) = (Room::new(), Room::new());
    whole.ok(&train(STEPS));

    let draws = Noise::new(Seed(9)).fork("kills").uniform_vec(2 * KILLS);
    let mut hits = 0;
    let mut models = 0;
    for kill in 0..KILLS {
        let (place, jitter) = (draws[2 * kill], draws[2 * kill + 1]);
        let mut child = killed
            .command(&train(STEPS))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if kill < EARLY {
            sleep(Duration::from_secs_f64(0.08 * place));
        } else {
            // Spread over the run: one kill in each of equal parts.
            let part = ((kill - EARLY) as f64 + place) / (KILLS - EARLY) as f64;
            let target = (part * STEPS as f64) as u64;
            let patience = Instant::now() + Duration::from_secs(60);
            while last_step(&killed) < target && child.try_wait().unwrap().is_none() {
                assert!(Instant::now() < patience, "step {target} is not reached");
                sleep(Duration::from_millis(1));
            }
            sleep(Duration::from_secs_f64(0.03 * jitter));
        }
        child.kill().unwrap();
        hits += usize::from(child.wait().unwrap().signal() == Some(SIGKILL));
        // What a killed run leaves can be used.
        if ModelFolder::open(&killed.path("run")).is_ok() {
            killed.ok("info run");
            models += 1;
        }
    }
    assert!(hits >= KILLS - 2, "only {hits} of {KILLS} kills hit a running process");
    assert!(models >= KILLS - EARLY, "only {models} of {KILLS} kills left a model");
    killed.ok(&train(STEPS));
    let resumed = killed.text("run/events.jsonl").matches("\"resume\"").count();
    assert!(resumed >= KILLS - EARLY, "only {resumed} of {KILLS} runs went on from a checkpoint");
    same(&whole, &killed);

    // The optimiser's moments too: both go on, and must stay equal.
    whole.ok(&train(MORE_STEPS));
    killed.ok(&train(MORE_STEPS));
    same(&whole, &killed);
}

/// The step of the last event that has one.
fn last_step(room: &Room) -> u64 {
    let text = std::fs::read_to_string(room.path("run/events.jsonl")).unwrap_or_default();
    let steps = text.lines().rev().filter_map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        event["step"].as_u64()
    });
    steps.into_iter().next().unwrap_or(0)
}

/// Every file of both folders is the same, but for those that hold times or identities: there,
/// what they mean is.
fn same(whole: &Room, killed: &Room) {
    let (a, b) = (whole.tree(), killed.tree());
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "the same files");
    for name in ["run/model/model.safetensors", "run/metrics.csv", "run/report.html"] {
        assert!(a.contains_key(Path::new(name)), "{name} is compared");
    }
    for (path, bytes) in &a {
        let name = path.to_str().unwrap();
        if name.ends_with("events.jsonl") {
            events(whole, name);
            events(killed, name);
        } else if name.ends_with("model.bpk") || name.ends_with("average.bpk") {
            assert!(weights(whole, name) == weights(killed, name), "{name} holds other weights");
        } else if name.ends_with("state.json") {
            // The hashes beside it are of files with random identities of parameters.
            let state = |room: &Room| room.json_file(name)["state"].clone();
            assert_eq!(state(whole), state(killed), "{name}");
        } else if !name.ends_with(".bpk") && !name.ends_with(".sha256") {
            assert!(Some(bytes) == b.get(path), "{name} differs");
        }
    }
    checkpoints_hold_averages(&a);
}

/// Each line is whole.
fn events(room: &Room, name: &str) {
    for line in room.text(name).lines() {
        let event: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(event.is_ok_and(|e| e["event"].is_string()), "{line}");
    }
}

/// The weights of a checkpoint, without the random identities of the parameters.
fn weights(room: &Room, name: &str) -> Vec<u8> {
    let config: VaeConfig = ModelFolder::open(&room.path("run")).unwrap().config().unwrap();
    let fresh: Vae = config.init(Seed(0), &Device::flex()).unwrap();
    to_bytes(&load_module(&room.path(name), fresh).unwrap())
}

fn checkpoints_hold_averages(tree: &Tree) {
    for part in ["last", "best"] {
        for file in ["model.bpk", "average.bpk", "optimizer.bpk"] {
            let path = Path::new("run/checkpoints").join(part).join(file);
            assert!(tree.contains_key(&path), "{} is missing", path.display());
        }
    }
}
