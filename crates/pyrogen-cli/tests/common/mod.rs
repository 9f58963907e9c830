//! What the tests of the command share: a folder to run it in, and a small trained model.
#![allow(dead_code)] // each test binary uses its own part of this

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

/// A model so small that it is trained in a fraction of a second.
pub const TINY: &str = r#"--set network={"mlp":{"hidden":[8],"activation":"relu"}} --set latents=2 --steps 20 --no-evaluate"#;

/// A temporary folder that commands run in: paths on their command lines are relative to it.
pub struct Room {
    dir: TempDir,
}

/// What a command left.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; None where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Files by their path; folders have none.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Room {
    /// An empty folder.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A folder that holds the run `run`: the tiny model, trained on the digits.
    pub fn with_run() -> Self {
        static RUN: LazyLock<Tree> = LazyLock::new(|| {
            let room = Room::new();
            room.ok(&format!("train vae --data digits --out run {TINY}"));
            room.tree()
        });
        let room = Self::new();
        room.restore(&RUN);
        room
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Reads a file as text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// A file as JSON.
    pub fn json_file(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// Everything in the folder.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        collect(self.dir.path(), self.dir.path(), &mut tree);
        tree
    }

    /// Writes what [`tree`](Self::tree) read.
    pub fn restore(&self, tree: &Tree) {
        for (path, bytes) in tree {
            let path = self.dir.path().join(path);
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::create_dir_all(path).unwrap(),
            }
        }
    }

    /// The command, its arguments separated by white space.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pyrogen"));
        command.args(line.split_whitespace()).current_dir(self.dir.path());
        command.env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, line: &str) -> Outcome {
        outcome(&mut self.command(line))
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, line: &str) -> Outcome {
        let outcome = self.run(line);
        assert_eq!(outcome.code, Some(0), "pyrogen {line}\n{outcome:?}");
        outcome
    }

    /// Runs a command that must print one JSON object and nothing else.
    pub fn json(&self, line: &str) -> Value {
        let out = self.ok(line).stdout;
        assert_eq!(out.lines().count(), 1, "pyrogen {line}\n{out}");
        let value: Value = serde_json::from_str(&out).unwrap();
        assert!(value.is_object(), "pyrogen {line}\n{out}");
        value
    }

    /// Runs a command that must be refused: with this exit code, one line on standard error that
    /// contains `says`, nothing on standard output, no panic, and no file changed, made or lost.
    pub fn refused(&self, line: &str, code: i32, says: &str) {
        let before = self.tree();
        let outcome = self.run(line);
        outcome.is_one_line(line, code, says);
        let after = self.tree();
        let changed: Vec<_> = before
            .keys()
            .chain(after.keys())
            .filter(|path| before.get(*path) != after.get(*path))
            .collect();
        assert!(changed.is_empty(), "pyrogen {line}\nchanged {changed:?}");
    }
}

impl Outcome {
    /// Checks that the command failed as a command should.
    pub fn is_one_line(&self, line: &str, code: i32, says: &str) {
        let all = format!("pyrogen {line}\n{self:?}");
        assert_eq!(self.code, Some(code), "{all}");
        assert!(!self.stderr.contains("panicked"), "{all}");
        // What data is read may be said before.
        let is_error = |l: &&str| !l.trim().is_empty() && !l.starts_with("note: ");
        let lines: Vec<&str> = self.stderr.lines().filter(is_error).collect();
        assert_eq!(lines.len(), 1, "one line on standard error: {all}");
        assert!(lines[0].starts_with("error: ") && lines[0].contains(says), "`{says}`: {all}");
        assert_eq!(self.stdout, "", "{all}");
    }
}

/// Runs a command to its end.
pub fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn collect(root: &Path, dir: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_path_buf();
        if path.is_dir() {
            tree.insert(name, None);
            collect(root, &path, tree);
        } else {
            tree.insert(name, Some(fs::read(&path).unwrap_or_default()));
        }
    }
}
