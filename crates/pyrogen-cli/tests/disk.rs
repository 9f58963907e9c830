//! A disk that fills up: one line that names the path, and what was there before stays whole.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::{Room, TINY};

const FAILED: i32 = 1;

/// Bytes of the file system: many times what the tiny run writes.
const SIZE: usize = 4 << 20;
/// Room for logs, and none for a checkpoint.
const LEFT: usize = 8 << 10;

/// A small file system, unmounted in the end.
struct Disk(PathBuf);

impl Disk {
    /// None where this process may not mount.
    fn mount(path: PathBuf) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let size = format!("size={SIZE}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|o| o.status.success());
        mounted.then_some(Self(path))
    }

    /// Writes a file that leaves only so many bytes free.
    fn fill(&self, left: usize) {
        let ballast = self.0.join("ballast");
        // What fits is written before the disk is found full.
        let full = fs::write(&ballast, vec![1; SIZE]).is_err();
        assert!(full, "the disk is larger than it should be");
        let written = fs::metadata(&ballast).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&ballast).unwrap();
        file.set_len(written - left as u64).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg(&self.0).status().is_ok_and(|s| s.success());
        if !gone {
            eprintln!("{}: cannot unmount", self.0.display());
        }
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let room = Room::new();
    let Some(disk) = Disk::mount(room.path("disk")) else {
        println!("this process may not mount a tmpfs: only /dev/full was tried");
        return;
    };
    let run = |out: &str, steps: u64| {
        let tiny = TINY.replace("--steps 20", &format!("--steps {steps}"));
        // A constant rate, for the schedule depends on the end.
        let set = "--set checkpoint_every=5 --set schedule.decay=constant";
        format!("train vae --data digits --out {out} --resume {set} {tiny}")
    };
    room.ok(&run("disk/run", 20));
    room.ok(&run("whole", 20));
    room.ok(&run("whole", 40));
    let weights = room.read("disk/run/model/model.safetensors");
    let state = room.read("disk/run/checkpoints/last/state.json");

    disk.fill(LEFT);
    let line = run("disk/run", 40);
    let mut outcome = room.run(&line);
    let progress = |l: &&str| !l.starts_with("step ");
    outcome.stderr = outcome.stderr.lines().filter(progress).collect::<Vec<_>>().join("\n");
    outcome.is_one_line(&line, FAILED, "disk/run/checkpoints");
    assert!(outcome.stderr.contains("No space left"), "{}", outcome.stderr);
    for out in ["disk/s.png", "disk/s.csv", "disk/s.npy", "disk/s"] {
        let line = format!("sample disk/run -n 200 --out {out}");
        room.run(&line).is_one_line(&line, FAILED, out);
    }

    // The old state is whole while the disk is full, and the run goes on when it is not.
    room.ok("info disk/run");
    assert!(room.read("disk/run/model/model.safetensors") == weights);
    assert!(room.read("disk/run/checkpoints/last/state.json") == state);
    disk.empty();
    room.ok(&run("disk/run", 40));
    let weights = |run: &str| room.read(&format!("{run}/model/model.safetensors"));
    assert!(weights("disk/run") == weights("whole"), "the run has lost something");
    let log = |run: &str| room.read(&format!("{run}/metrics.csv"));
    assert!(log("disk/run") == log("whole"));
}

#[test]
fn a_full_device_is_an_error() {
    let room = Room::with_run();
    for name in ["s.csv", "s.npy", "s.png"] {
        std::os::unix::fs::symlink("/dev/full", room.path(name)).unwrap();
    }
    for line in [
        "sample run -n 2 --out s.csv",
        "sample run -n 2 --out s.npy",
        "sample run -n 2 --out s.png",
        "score run --data digits --draws 1 --out s.csv",
        "anomaly run --data digits --draws 1 --out s.csv",
    ] {
        room.run(line).is_one_line(line, FAILED, "cannot write: No space left");
    }
    // Results that cannot be printed are not a success either.
    for line in ["families", "families --json", "info run --json", "completions bash"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let outcome = room.command(line).stdout(full).output().unwrap();
        let stderr = String::from_utf8(outcome.stderr).unwrap();
        assert_eq!(outcome.status.code(), Some(FAILED), "{line}: {stderr}");
        assert!(stderr.starts_with("error: standard output: cannot write"), "{line}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{line}: {stderr}");
    }
}
