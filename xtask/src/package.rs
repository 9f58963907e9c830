//! Packs every published crate, as for publishing, and builds the packages.
//!
//! Cargo's own verification builds each package alone, with its own features and profile: Burn six
//! times over. Here the packages are unpacked into one workspace, whose dependencies have the
//! features and the profile of this one and are built already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Packs all published crates of the workspace and checks that the packages build.
pub fn all() -> Result<String, String> {
    let text = crate::cargo(&["metadata", "--format-version=1", "--no-deps"], true)?;
    let metadata: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let target = PathBuf::from(metadata["target_directory"].as_str().unwrap_or("target"));
    let (published, unpublished): (Vec<_>, Vec<_>) = metadata["packages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .partition(|p| p["publish"].is_null());
    let name = |p: &Value| p["name"].as_str().unwrap_or_default().to_string();

    let mut args = vec!["package", "--workspace", "--allow-dirty", "--no-verify", "--quiet"];
    let excluded: Vec<String> = unpublished.into_iter().map(name).collect();
    args.extend(excluded.iter().flat_map(|n| ["--exclude", n]));
    crate::cargo(&args, false)?;

    let folder = target.join("unpacked");
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut members = Vec::new();
    for package in published {
        let stem = format!("{}-{}", name(package), package["version"].as_str().unwrap_or_default());
        unpack(&target.join("package").join(format!("{stem}.crate")), &folder)?;
        members.push((name(package), stem));
    }
    copy_app(&folder)?;
    write_workspace(&folder, &members)?;
    let cargo = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(args).arg("--offline").current_dir(&folder);
        command.env("CARGO_TARGET_DIR", &target);
        let status = command.status().map_err(|e| format!("cannot run cargo: {e}"))?;
        Ok::<bool, String>(status.success())
    };
    let builds = cargo(&["check", "--workspace", "--quiet"])?;
    remove(&folder)?;
    match builds {
        true => Ok(format!(
            "{} published crates pack, and they build from their packages, a program on them too",
            members.len()
        )),
        false => Err("a package does not build: is a file left out of it?".into()),
    }
}

/// The program of a user's, outside the workspace.
const APP: &str = "app";

/// Puts the program beside the packages.
fn copy_app(folder: &Path) -> Result<(), String> {
    let to = folder.join(APP).join("src");
    fs::create_dir_all(&to).map_err(|e| format!("{}: {e}", to.display()))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        let (from, to) = (Path::new("examples/app").join(file), folder.join(APP).join(file));
        fs::copy(&from, to).map_err(|e| format!("{}: {e}", from.display()))?;
    }
    Ok(())
}

fn unpack(archive: &Path, folder: &Path) -> Result<(), String> {
    let status = Command::new("tar")
        // Packed files have a date long past: cargo would take what it built of an earlier
        // package for fresh. `m` dates them now.
        .arg("-xzmf")
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .status()
        .map_err(|e| format!("cannot run tar: {e}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{}: cannot unpack", archive.display())),
    }
}

/// A workspace of the unpacked packages that uses each for the others, with this workspace's
/// profiles and locked versions.
fn write_workspace(folder: &Path, members: &[(String, String)]) -> Result<(), String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|e| format!("{path}: {e}"));
    let manifest = read("Cargo.toml")?;
    let profiles = manifest.find("[profile.").map_or("", |start| &manifest[start..]);
    let stems = members.iter().map(|(_, stem)| stem.as_str()).chain([APP]);
    let list: Vec<String> = stems.map(|stem| format!("{stem:?}")).collect();
    let patches: Vec<String> =
        members.iter().map(|(name, stem)| format!("{name} = {{ path = {stem:?} }}")).collect();
    let text = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[patch.crates-io]\n{}\n\n{profiles}",
        list.join(", "),
        patches.join("\n")
    );
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(|e| format!("{name}: {e}"))
    };
    write("Cargo.toml", &text)?;
    write("Cargo.lock", &read("Cargo.lock")?)
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {e}", folder.display()))
        }
        _ => Ok(()),
    }
}
