//! All cores work, and how many there are changes no byte.

use crate::common::{Room, TINY, outcome};

/// A command on a number of threads.
fn on(room: &Room, threads: usize, line: &str) -> String {
    let mut command = room.command(line);
    command.env("RAYON_NUM_THREADS", threads.to_string());
    let outcome = outcome(&mut command);
    assert_eq!(outcome.code, Some(0), "pyrogen {line}\n{outcome:?}");
    outcome.stdout
}

#[test]
fn samples_scores_and_metrics_are_the_same_bytes_on_any_number_of_threads() {
    let room = Room::new();
    // Convolutions and classes, as the demo has and more.
    room.ok("train vae --data digits --out run --set classes=10 --steps 10 --no-evaluate");
    let results = |threads: usize| {
        on(&room, threads, "sample run -n 300 --seed 3 --out samples.npy");
        let scores = on(&room, threads, "score run --data digits --draws 3 --out s.npy --json");
        let metrics = on(&room, threads, "evaluate run --data digits --draws 3 --json");
        on(&room, threads, "anomaly run --data digits --draws 3 --out a.csv");
        (room.read("samples.npy"), scores, room.read("s.npy"), metrics, room.read("a.csv"))
    };
    let one = results(1);
    for threads in [2, 5] {
        assert!(one == results(threads), "{threads} threads");
    }
}

#[test]
fn workers_are_as_many_as_threads_and_a_resumed_run_keeps_them() {
    let room = Room::new();
    let train = format!("train vae --data digits --out run {TINY}");
    on(&room, 3, &train);
    assert_eq!(room.json_file("run/config.json")["train"]["gradient"]["workers"], 3);
    let longer = train.replace("--steps 20", "--steps 30") + " --resume";
    on(&room, 1, &longer);
    assert_eq!(room.json_file("run/config.json")["train"]["gradient"]["workers"], 3);
    on(&room, 1, &format!("{} --workers auto", train.replace("--out run", "--out other")));
    assert_eq!(room.json_file("other/config.json")["train"]["gradient"]["workers"], 1);
    room.refused(&format!("{longer} --workers 2"), 1, "`train.gradient.workers` was 3, now 2");
}
