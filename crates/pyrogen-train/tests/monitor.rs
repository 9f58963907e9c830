//! The collapse monitor in a run: what an alarm does.

use std::path::Path;

use crate::common::bytes;
use crate::common::players::{Pair, config, run_pair};
use pyrogen_metrics::collapse::Thresholds;
use pyrogen_train::metrics_log::read_rows;
use pyrogen_train::{MonitorConfig, OnCollapse, StopReason, TrainConfig, TrainError, read_monitor};
use serde_json::Value;

/// Readings every three steps, and only diversity is looked at.
fn watched(on_collapse: OnCollapse, steps: u64, workers: usize) -> TrainConfig {
    let mut config = config(steps, workers);
    let players = config.players.as_mut().unwrap();
    players.discriminator_steps = 1;
    players.monitor = MonitorConfig {
        every: 3,
        on_collapse,
        rollbacks: 2,
        thresholds: Thresholds {
            recall: 0.0,
            coverage: 0.0,
            diversity: DIVERSITY,
            modes: 0.0,
            separation: 1.0,
            memory: 1.0,
            settle: 0,
            readings: 2,
        },
        ..Default::default()
    };
    config
}

/// A share of the diversity that the untrained generator of these tests begins with (0.24).
const DIVERSITY: f64 = 0.1;

/// A generator whose examples come together: by a tenth a step.
fn shrinking() -> Pair {
    let mut pair = Pair::new(&pyrogen_testkit::device());
    pair.shrink = 0.9;
    pair
}

fn events(folder: &Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|e| e["event"] == name).collect()
}

#[test]
fn a_warning_lets_the_run_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let outcome =
        run_pair(shrinking(), &watched(OnCollapse::Warn, 30, 1), dir.path(), false, None).unwrap();
    assert_eq!((outcome.reason, outcome.state.step), (StopReason::Limit, 30));
    let rows = read_monitor(&dir.path().join("monitor.csv")).unwrap();
    assert_eq!(rows.len(), 10);
    let diversity: Vec<f64> = rows.iter().map(|r| r.reading.diversity).collect();
    assert!(diversity[0] > DIVERSITY, "{diversity:?}");
    assert!(diversity.windows(2).all(|w| w[1] < w[0]), "{diversity:?}");
    let alarms = events(dir.path(), "alarm");
    assert_eq!(alarms.len(), 1, "one alarm, however long it lasts");
    let first_bad = diversity.iter().position(|d| *d < DIVERSITY).unwrap();
    assert_eq!(alarms[0]["sign"], "diversity");
    assert_eq!(alarms[0]["step"], rows[first_bad + 1].reading.step);
    assert_eq!(rows[first_bad + 1].alarms, ["diversity"]);
    assert!(alarms[0]["message"].as_str().unwrap().contains("nearly all alike"));
}

#[test]
fn watching_changes_nothing() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let on = watched(OnCollapse::Warn, 10, 2);
    let mut off = on.clone();
    off.players.as_mut().unwrap().monitor.every = 0;
    let on = run_pair(shrinking(), &on, a.path(), false, None).unwrap();
    let off = run_pair(shrinking(), &off, b.path(), false, None).unwrap();
    assert_eq!(bytes(&on), bytes(&off));
}

#[test]
fn a_stop_leaves_a_state_to_go_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let config = watched(OnCollapse::Stop, 60, 1);
    let outcome = run_pair(shrinking(), &config, dir.path(), false, None).unwrap();
    assert_eq!(outcome.reason, StopReason::Callback);
    let step = outcome.state.step;
    assert!(step < 60);
    assert_eq!(events(dir.path(), "alarm")[0]["step"], step);
    assert_eq!(events(dir.path(), "checkpoint").last().unwrap()["step"], step);
}

#[test]
fn a_rollback_goes_back_to_the_last_good_reading() {
    let dir = tempfile::tempdir().unwrap();
    let config = watched(OnCollapse::Rollback, 60, 1);
    let outcome = run_pair(shrinking(), &config, dir.path(), false, None).unwrap();
    // Nothing helps against this one: it is taken back twice, and then stopped.
    assert_eq!((outcome.reason, outcome.state.rollbacks), (StopReason::Callback, 2));
    let rollbacks = events(dir.path(), "rollback");
    assert_eq!(rollbacks.len(), 2);
    assert_eq!(events(dir.path(), "alarm").len(), 3);
    let (to, from) = (rollbacks[0]["to"].as_u64().unwrap(), rollbacks[0]["step"].as_u64().unwrap());
    // Two bad readings, three steps apart, and the good one before.
    assert_eq!(from - to, 6);
    assert!(to > 0);
    let rows = read_rows(&dir.path().join("metrics.csv")).unwrap();
    let train = || rows.iter().filter(|r| r.part == "train");
    assert!(train().is_sorted_by_key(|r| r.step), "struck steps are gone from the log");
    let rate = |row: &pyrogen_train::metrics_log::Row| {
        row.values.iter().find(|(n, _)| n == "generator.learning_rate").unwrap().1
    };
    assert_eq!(rate(train().next().unwrap()), 1e-3);
    assert_eq!(rate(train().next_back().unwrap()), 0.25e-3);
    let readings = read_monitor(&dir.path().join("monitor.csv")).unwrap();
    assert!(readings.is_sorted_by_key(|r| r.reading.step));
}

#[test]
fn a_run_with_rollbacks_resumes_exactly() {
    for workers in [1, 2] {
        let config = watched(OnCollapse::Rollback, 40, workers);
        let dir = tempfile::tempdir().unwrap();
        let whole = run_pair(shrinking(), &config, dir.path(), false, None).unwrap();
        let alarm = events(dir.path(), "rollback")[0]["step"].as_u64().unwrap();
        let read = |dir: &Path, name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
        // At a good reading, before the alarm, at the alarm.
        for cut in [3, alarm - 1, alarm] {
            let other = tempfile::tempdir().unwrap();
            let error = run_pair(shrinking(), &config, other.path(), false, Some(cut)).err();
            assert!(matches!(error, Some(TrainError::Callback(_))));
            let resumed = run_pair(shrinking(), &config, other.path(), true, None).unwrap();
            assert!(bytes(&resumed) == bytes(&whole), "{workers} workers, cut at {cut}");
            assert_eq!(resumed.state, whole.state);
            for name in ["metrics.csv", "monitor.csv"] {
                assert_eq!(read(other.path(), name), read(dir.path(), name), "{name}, {cut}");
            }
        }
    }
}

#[test]
fn too_few_examples_are_refused_before_training() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = watched(OnCollapse::Warn, 10, 1);
    config.players.as_mut().unwrap().monitor.neighbours = 40;
    let error = run_pair(shrinking(), &config, dir.path(), false, None).err().unwrap().to_string();
    assert!(
        error.contains("k = 40 neighbours in a held-out or training set of 40 rows"),
        "{error}"
    );
}
